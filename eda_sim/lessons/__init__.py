"""Helpers of the lessons: predictions, checks that do not tell the answer, figures with words.

The words
---------
prediction
    What the reader believes before the run. It stands in a cell, so it is saved with the notebook,
    and it is shown beside the result. A demonstration without one teaches little.
judge
    A function of the author of a lesson. It gets the reader's answer and returns a verdict by a
    *property* of the answer (this load keeps the objective, 5 % more would not), never by comparing
    it with a stored solution, so it can stand in the open.
verdict
    One of five states: missing, keep working, almost, correct, hint.
illustration
    A figure together with the sentence that says what is to be seen in it.

Nothing here needs a running notebook: everything has a text form that a terminal shows as well.

>>> from eda_sim import lessons
>>> lessons.check(..., lambda answer: lessons.correct("yes"), name="rate")
MISSING: replace the ... in `rate = ...` by your answer, then run that cell and this one again.
"""

from eda_sim.lessons.checks import (
    State,
    Verdict,
    almost,
    check,
    correct,
    hint,
    keep_working,
    missing,
)
from eda_sim.lessons.illustrations import Illustration, show
from eda_sim.lessons.predictions import Outcome, Prediction, predict

__all__ = [
    "Illustration",
    "Outcome",
    "Prediction",
    "State",
    "Verdict",
    "almost",
    "check",
    "correct",
    "hint",
    "keep_working",
    "missing",
    "predict",
    "show",
]
