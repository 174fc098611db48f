"""How a command ends: exit codes for scripts, and one line for people instead of a traceback.

====  ==========================================================================================
code  meaning
====  ==========================================================================================
0     done
1     a check failed, an objective is not met, or runs of a sweep failed
2     the input was wrong: an option, a scenario, a file that cannot be read or written
130   interrupted (Ctrl-C); nothing half written is left
141   whoever read the output closed the pipe
143   terminated; nothing half written is left
====  ==========================================================================================
"""

from __future__ import annotations

import contextlib
import enum
import os
import signal
import sys
from types import FrameType
from typing import Any, NoReturn

import click

__all__ = ["BadInputError", "ExitCode", "FailedCheckError", "OneLineErrors", "one_line"]


class ExitCode(enum.IntEnum):
    """What a script sees of how a command ended."""

    OK = 0
    FAILED_CHECK = 1
    BAD_INPUT = 2
    INTERRUPTED = 130
    CLOSED_PIPE = 141
    TERMINATED = 143


class _TerminatedError(BaseException):
    """SIGTERM arrived; an exception, so that what is half written is removed on the way out."""


def _on_termination(number: int, frame: FrameType | None) -> NoReturn:
    del number, frame
    raise _TerminatedError


def one_line(text: str) -> str:
    """Return a message with line breaks and runs of blanks made single blanks.

    Examples
    --------
    >>> one_line("not" + chr(10) + "   good")
    'not good'
    """
    return " ".join(text.split())


def _name_and_reason(error: OSError) -> str:
    """Say which file and why, without Python's error number."""
    reason = error.strerror or str(error)
    return f"{error.filename}: {reason}" if error.filename else reason


def _where_help_is(error: click.ClickException) -> str:
    if isinstance(error, click.UsageError) and error.ctx is not None:
        return f" See {error.ctx.command_path} --help"
    return ""


def _complain(message: str) -> None:
    click.echo(f"eda-sim: error: {one_line(message)}", err=True)


class BadInputError(click.ClickException):
    """What the user gave cannot be used."""

    exit_code = ExitCode.BAD_INPUT


class FailedCheckError(click.ClickException):
    """The input could be read, and something that was to be checked does not hold."""

    exit_code = ExitCode.FAILED_CHECK


class OneLineErrors(click.Group):
    """A group of commands that turns every expected failure into one line and an exit code.

    What is not expected (an error in eda_sim itself) keeps its traceback, since hiding it would
    help nobody.
    """

    def main(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Run a command and leave the process with the code of how it ended."""
        kwargs["standalone_mode"] = False
        before = signal.signal(signal.SIGTERM, _on_termination)
        try:
            code = self._code_of(*args, **kwargs)
        finally:
            signal.signal(signal.SIGTERM, before)
        sys.exit(code)

    def _code_of(self, *args: Any, **kwargs: Any) -> int:
        try:
            code = super().main(*args, **kwargs)
        except (KeyboardInterrupt, click.Abort):
            click.echo("eda-sim: interrupted", err=True)
            return ExitCode.INTERRUPTED
        except _TerminatedError:
            return ExitCode.TERMINATED
        except click.exceptions.NoArgsIsHelpError as error:
            click.echo(error.format_message(), err=True)
            return ExitCode.BAD_INPUT
        except FailedCheckError as error:
            _complain(error.format_message())
            return ExitCode.FAILED_CHECK
        except click.ClickException as error:
            _complain(error.format_message() + _where_help_is(error))
            return ExitCode.BAD_INPUT
        return code if isinstance(code, int) else ExitCode.OK

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; translate what the operating system refuses."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            _let_output_go_nowhere()
            raise click.exceptions.Exit(ExitCode.CLOSED_PIPE) from None
        except OSError as error:
            raise BadInputError(_name_and_reason(error)) from error
        except MemoryError:
            message = "not enough memory for this run: shorten duration or limit messages"
            raise BadInputError(message) from None
        return result


def _let_output_go_nowhere() -> None:
    """Keep Python from complaining when it flushes standard output at its end."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
