"""Checks: tell a reader how near an answer is, without telling the answer."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from eda_sim.lessons.boxes import BLUE, GREEN, GREY, ORANGE, PURPLE, box, inline


class State(enum.Enum):
    """The five states of an answer."""

    MISSING = "missing"
    KEEP_WORKING = "keep working"
    ALMOST = "almost"
    CORRECT = "correct"
    HINT = "hint"


_COLOURS = {
    State.MISSING: GREY,
    State.KEEP_WORKING: ORANGE,
    State.ALMOST: BLUE,
    State.CORRECT: GREEN,
    State.HINT: PURPLE,
}


@dataclass(frozen=True)
class Verdict:
    """What a check says about an answer.

    Attributes
    ----------
    state : State
        How near the answer is.
    message : str
        One or two sentences; words in backticks are code.

    Examples
    --------
    >>> almost("right to within 10 %; the objective asks for 5 %.")
    ALMOST: right to within 10 %; the objective asks for 5 %.
    """

    state: State
    message: str

    def __repr__(self) -> str:
        return f"{self.state.value.upper()}: {self.message}"

    def _repr_html_(self) -> str:
        body = inline(self.message)
        if self.state is State.HINT:  # folded: whoever wants to think on can do so
            body = f"<details><summary>There is a known reason; open it.</summary>{body}</details>"
        return box(f"{self.state.value.capitalize()}:", body, _COLOURS[self.state])


def missing(message: str) -> Verdict:
    """Return the verdict that there is no answer yet.

    Examples
    --------
    >>> missing("`rate` has no value yet.")
    MISSING: `rate` has no value yet.
    """
    return Verdict(State.MISSING, message)


def keep_working(message: str) -> Verdict:
    """Return the verdict that the answer is wrong.

    Examples
    --------
    >>> keep_working("the 99th percentile is 310 ms with it.")
    KEEP WORKING: the 99th percentile is 310 ms with it.
    """
    return Verdict(State.KEEP_WORKING, message)


def almost(message: str) -> Verdict:
    """Return the verdict that the answer is nearly right.

    Examples
    --------
    >>> almost("one less would do.")
    ALMOST: one less would do.
    """
    return Verdict(State.ALMOST, message)


def correct(message: str) -> Verdict:
    """Return the verdict that the answer is right.

    Examples
    --------
    >>> correct("198 ms.")
    CORRECT: 198 ms.
    """
    return Verdict(State.CORRECT, message)


def hint(message: str) -> Verdict:
    """Return the verdict that the answer shows a known mistake, and a nudge away from it.

    Examples
    --------
    >>> hint("is that per minute?")
    HINT: is that per minute?
    """
    return Verdict(State.HINT, message)


def check(answer: Any, judge: Callable[[Any], Verdict], *, name: str) -> Verdict:
    """Judge an answer.

    Parameters
    ----------
    answer : object
        Of the reader; ``...`` and None stand for none.
    judge : callable
        Gets the answer and returns a verdict. An error that the answer causes in it is shown to the
        reader in one line.
    name : str
        Name of the variable that holds the answer.

    Returns
    -------
    Verdict

    Examples
    --------
    >>> def judge(rate):
    ...     return correct("below capacity.") if rate < 100 else keep_working("above capacity.")
    >>> check(120, judge, name="rate")
    KEEP WORKING: above capacity.
    >>> check("many", judge, name="rate")
    KEEP WORKING: `rate = 'many'` cannot be used: '<' not supported between ...
    """
    if answer is None or answer is ...:
        return missing(
            f"replace the ... in `{name} = ...` by your answer, "
            "then run that cell and this one again."
        )
    try:
        return judge(answer)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        return keep_working(f"`{name} = {_short(answer)}` cannot be used: {reason}")


def _short(answer: object, longest: int = 60) -> str:
    text = repr(answer).replace("`", "'")
    return text if len(text) <= longest else f"{text[: longest - 3]}..."
