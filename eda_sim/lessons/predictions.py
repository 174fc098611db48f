"""Predictions: asked before a run, kept in the notebook, shown beside the result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from string import ascii_lowercase

from eda_sim.lessons.boxes import BLUE, GREEN, GREY, ORANGE, box, inline

Option = tuple[str, float, float]
"""Words, and the results from which (included) to which (excluded) they are right."""


@dataclass(frozen=True)
class Prediction:
    """A question, what may come out, and what the reader thinks will.

    Attributes
    ----------
    question : str
        With a number for an answer.
    options : tuple of (str, float, float)
        Words, and the range of results for which they are right; together they cover every result
        from the first range's start to the last one's end.
    choice : str or None
        Letter of the reader's option.
    """

    question: str
    options: tuple[Option, ...]
    choice: str | None = None

    def right(self, result: float) -> str:
        """Return the letter of the option that a result makes right.

        Raises
        ------
        ValueError
            If the result is in no range.
        """
        for letter, (_, low, high) in zip(ascii_lowercase, self.options, strict=False):
            if low <= result < high:
                return letter
        message = f"{result} is in the range of no option"
        raise ValueError(message)

    def words(self, letter: str) -> str:
        """Return the words of an option."""
        return self.options[ascii_lowercase.index(letter)][0]

    def beside(self, result: float, *, says: str) -> Outcome:
        """Return the prediction beside the result.

        Parameters
        ----------
        result : float
            What came out, on the scale of the options.
        says : str
            The result in words.

        Returns
        -------
        Outcome
        """
        return Outcome(self, self.right(result), says)

    def __repr__(self) -> str:
        lines = [self.question]
        for letter, (words, _, _) in zip(ascii_lowercase, self.options, strict=False):
            lines.append(f"{'->' if letter == self.choice else '  '} {letter}) {words}")
        return "\n".join([*lines, self._state()])

    def _state(self) -> str:
        if self.choice is None:
            return "Not answered yet: write one of the letters where the cell says `choice=None`."
        return f"Your prediction: {self.choice}. It stays here; the result will stand beside it."

    def _repr_html_(self) -> str:
        items = []
        for letter, (words, _, _) in zip(ascii_lowercase, self.options, strict=False):
            line = f"{letter}) {inline(words)}"
            items.append(f"<strong>{line} &larr;</strong>" if letter == self.choice else line)
        body = "<br>".join(["", *items, f"<em>{inline(self._state())}</em>"])
        return box(self.question, body, GREY if self.choice is None else BLUE)


@dataclass(frozen=True)
class Outcome:
    """A prediction beside what came out.

    Attributes
    ----------
    prediction : Prediction
        As it was made.
    right : str
        Letter of the option that the result makes right.
    says : str
        The result in words.
    """

    prediction: Prediction
    right: str
    says: str

    def _lines(self) -> tuple[str, str, str]:
        choice = self.prediction.choice
        if choice is None:
            mine = "none (going back and choosing one makes this worth more)"
        else:
            mine = f"{choice}) {self.prediction.words(choice)}"
        came = f"{self.right}) {self.prediction.words(self.right)}; {self.says}"
        if choice is None:
            return mine, came, ""
        verdict = "As you predicted." if choice == self.right else "Not as you predicted. Why?"
        return mine, came, verdict

    def __repr__(self) -> str:
        mine, came, verdict = self._lines()
        lines = [f"You predicted: {mine}", f"The run says:  {came}", verdict]
        return "\n".join(line for line in lines if line)

    def _repr_html_(self) -> str:
        mine, came, verdict = self._lines()
        body = (
            f"<br>You predicted: {inline(mine)}"
            f"<br>The run says: <strong>{inline(came)}</strong>"
            f"<br><em>{inline(verdict)}</em>"
        )
        colours = {None: GREY, self.right: GREEN}
        return box(self.prediction.question, body, colours.get(self.prediction.choice, ORANGE))


def predict(question: str, options: Sequence[Option], *, choice: str | None = None) -> Prediction:
    """Ask for a prediction.

    Parameters
    ----------
    question : str
        With a number for an answer.
    options : sequence of (str, float, float)
        Words, and the results from which (included) to which (excluded) they are right. Each range
        begins where the one before it ends, so the result decides which option was right.
    choice : str, optional
        Letter of the reader's option: the cell that calls this keeps it.

    Returns
    -------
    Prediction

    Raises
    ------
    ValueError
        If there is no such option, or the ranges leave gaps or overlap.

    Examples
    --------
    >>> guess = predict(
    ...     "How many times as long?", [("about the same", 0, 1.5), ("longer", 1.5, 99)], choice="a"
    ... )
    >>> guess.beside(5.1, says="5.1 times.")
    You predicted: a) about the same
    The run says:  b) longer; 5.1 times.
    Not as you predicted. Why?
    """
    if not options or any(low >= high for _, low, high in options):
        message = "there is at least one option, and each range ends after it begins"
        raise ValueError(message)
    for (_, _, end), (_, begin, _) in pairwise(options):
        if begin != end:
            message = f"a range ends at {end} and the next one begins at {begin}"
            raise ValueError(message)
    letters = list(ascii_lowercase[: len(options)])
    picked = None if choice is None else str(choice).strip().lower()
    if picked is not None and picked not in letters:
        message = f"choice={choice!r} is no option: write one of {', '.join(letters)}"
        raise ValueError(message)
    return Prediction(question, tuple(options), picked)
