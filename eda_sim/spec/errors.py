"""What is wrong with a scenario, said in one line.

Every mistake in a scenario, whether it was written in YAML or in Python, ends as a
:class:`ScenarioError`. Its text is always one line, so that it can be printed as it is, found with
``grep`` and followed by an editor::

    checkout.yaml:12: consumers.billing.instances: 0 is not valid: must be an integer from 1 to ...

A scenario often has more than one mistake. They are all in :attr:`ScenarioError.problems`; the text
shows the first one and how many more there are.
"""

from __future__ import annotations

import difflib
import numbers
from collections.abc import Iterable
from dataclasses import dataclass

Path = tuple[str | int, ...]
"""Where something is in a scenario: names of fields, and numbers of list entries from 0."""

LONGEST_VALUE = 60
"""Characters of a wrong value that an error shows; the rest is cut."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One mistake.

    Attributes
    ----------
    message : str
        What is wrong and what would be right.
    path : tuple of str and int
        Where it is in the scenario, from the top; empty if it concerns all of it.
    key : str or None
        The name in there that should not be there, None if it is something else.
    file : str or None
        The file as the user named it, None for a scenario written in Python.
    line : int or None
        Line in that file, from 1.
    """

    message: str
    path: Path = ()
    key: str | None = None
    file: str | None = None
    line: int | None = None

    def __str__(self) -> str:
        place = ""
        if self.file is not None:
            place = f"{self.file}: " if self.line is None else f"{self.file}:{self.line}: "
        elif self.line is not None:
            place = f"line {self.line}: "
        where = f"{dotted(self.path)}: " if self.path else ""
        return one_line(f"{place}{where}{self.message}")


class ScenarioError(ValueError):
    """A scenario that cannot be run, and why.

    Parameters
    ----------
    problems : str, Problem or iterable of Problem
        What is wrong, the most telling one first; at least one.

    Attributes
    ----------
    problems : tuple of Problem
        Everything that is wrong.

    Examples
    --------
    >>> error = ScenarioError("no consumers")
    >>> str(error), len(error.problems)
    ('no consumers', 1)
    """

    def __init__(self, problems: str | Problem | Iterable[Problem]) -> None:
        if isinstance(problems, str):
            problems = (Problem(message=problems),)
        elif isinstance(problems, Problem):
            problems = (problems,)
        self.problems: tuple[Problem, ...] = tuple(problems)
        # The only argument, so that an error survives the way back from a worker process.
        super().__init__(self.problems)

    def __str__(self) -> str:
        first, more = self.problems[0], len(self.problems) - 1
        return f"{first} (and {more} more)" if more else str(first)


def dotted(path: Path) -> str:
    """Write a path as ``consumers.billing.instances``, the form that ``Scenario.replace`` takes.

    Parameters
    ----------
    path : tuple of str and int
        Names and list positions.

    Returns
    -------
    str
        The names joined by dots.

    Examples
    --------
    >>> dotted(("faults", 0, "at"))
    'faults.0.at'
    """
    return ".".join(str(part) for part in path)


def one_line(text: str) -> str:
    r"""Replace everything that would break a line or disturb a terminal by its escape.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    str
        The same text with only printable characters in it.

    Examples
    --------
    >>> one_line("two" + chr(10) + "lines")
    'two\\nlines'
    """
    return "".join(
        character if character.isprintable() else repr(character)[1:-1] for character in text
    )


def shown(value: object) -> str:
    """Show a value of a scenario file in an error, cut to a readable length.

    Parameters
    ----------
    value : object
        A value as it came out of YAML or from Python.

    Returns
    -------
    str
        The words of YAML for null, true and false, otherwise the ``repr`` of Python.

    Examples
    --------
    >>> shown(None), shown(True), shown("20ms"), shown({"a": 1})
    ('null', 'true', "'20ms'", 'a mapping')
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a mapping" if value else "an empty mapping"
    if isinstance(value, list | tuple):
        return "a list" if value else "an empty list"
    if isinstance(value, int) and value.bit_length() > 128:
        return "this number"  # its decimal digits can be refused by Python, or fill the screen
    if isinstance(value, str):
        value = value if len(value) <= LONGEST_VALUE else f"{value[: LONGEST_VALUE - 3]}..."
        return repr(value)
    # Numbers of NumPy say their type in their repr.
    text = str(value) if isinstance(value, numbers.Number) else repr(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 3]}..."


def nearest(name: str, candidates: Iterable[str]) -> str:
    """Suggest the valid name that a wrong one was probably meant to be.

    Parameters
    ----------
    name : str
        The name that was not found.
    candidates : iterable of str
        The names that would have been valid.

    Returns
    -------
    str
        ``"; did you mean 'orders'?"``, or the valid names if there are few and none is near, or
        nothing. To be put behind a message.

    Examples
    --------
    >>> nearest("ordres", ["orders", "shipments"])
    "; did you mean 'orders'?"
    """
    by_lower = {candidate.lower(): candidate for candidate in candidates}
    # Matching takes time in the square of the length, so a name from a hostile file is cut.
    close = difflib.get_close_matches(name[:100].lower(), by_lower, n=1, cutoff=0.6)
    if close:
        return f"; did you mean {by_lower[close[0]]!r}?"
    if by_lower and len(by_lower) <= 8:
        return "; valid: " + ", ".join(repr(candidate) for candidate in by_lower.values())
    return ""
