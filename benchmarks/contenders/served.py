"""What every contender says of a run, and how that is checked."""

from __future__ import annotations

from typing import NamedTuple

from benchmarks.worlds import World


class Served(NamedTuple):
    """What a model has done when it stops.

    Attributes
    ----------
    messages : int
        Messages whose service has ended.
    total_sojourn : float
        Seconds from arrival to end of service, summed over them.
    cpu_s : float or None
        Processor time, of a contender that measures its own: a program outside this process.
    """

    messages: int
    total_sojourn: float
    cpu_s: float | None = None

    @property
    def mean_sojourn(self) -> float:
        """Mean seconds from arrival to end of service."""
        return self.total_sojourn / self.messages


class WrongWorkError(AssertionError):
    """A contender did not do the work that it was timed for."""


def check_served(served: Served, world: World, messages: int) -> None:
    """Make sure that a contender served every message, and in the time that theory gives.

    Raises
    ------
    WrongWorkError
        If it did not.
    """
    if served.messages != messages:
        message = f"{world.name}: served {served.messages:,} of {messages:,} messages"
        raise WrongWorkError(message)
    away = abs(served.mean_sojourn - world.mean_sojourn)
    if not away <= world.tolerance(messages):
        message = (
            f"{world.name}: mean sojourn {served.mean_sojourn:.4g} s is not within "
            f"{world.tolerance(messages):.2g} s of the {world.mean_sojourn:.4g} s of theory"
        )
        raise WrongWorkError(message)
