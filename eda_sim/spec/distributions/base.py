"""What the families of distributions share."""

from __future__ import annotations

from typing import Annotated, TypeVar

from eda_sim.spec.errors import Problem, ScenarioError
from eda_sim.spec.measures import MAXIMUM_NUMBER, Measure
from eda_sim.spec.spelling import Family

T = TypeVar("T")

Amount = Annotated[float, Measure(None, maximum=MAXIMUM_NUMBER)]
"""A parameter in seconds, bytes or 1: the field that takes the distribution decides which."""
PositiveAmount = Annotated[float, Measure(None, maximum=MAXIMUM_NUMBER, positive=True)]
"""An Amount above 0."""
Cv = Annotated[float, Measure("number", maximum=1e4, positive=True)]
"""A coefficient of variation: standard deviation / mean."""


class DistributionFamily(Family):
    """A family of distributions of a quantity that is not negative.

    Every member has a ``mean`` (in seconds or bytes) and an ``scv``, the squared coefficient of
    variation; both may be infinite for heavy tails.
    """

    @property
    def scv(self) -> float:
        """Squared coefficient of variation: variance / mean^2; 0 for a constant, may be inf."""
        raise NotImplementedError


def given(value: T | None) -> T:
    """Return a parameter that validation has made sure of.

    Parameters
    ----------
    value : object or None
        The parameter.

    Returns
    -------
    object
        The parameter, which is not None.

    Raises
    ------
    ValueError
        If it is None, which only an object made behind the validation can bring about.
    """
    if value is None:
        message = "a parameter is missing"
        raise ValueError(message)
    return value


def exactly_one(values: dict[str, object]) -> str:
    """Return the name of the one parameter that was given.

    Parameters
    ----------
    values : dict
        Name -> value, None if it was not given.

    Returns
    -------
    str
        The name.

    Raises
    ------
    ValueError
        If none or several were given.

    Examples
    --------
    >>> exactly_one({"mean": 0.02, "rate": None})
    'mean'
    """
    names = [name for name, value in values.items() if value is not None]
    if len(names) == 1:
        return names[0]
    choice = _either(list(values))
    if not names:
        message = f"give {choice}"
        raise ValueError(message)
    raise ScenarioError(
        Problem(path=(names[1],), message=f"is one too many beside {names[0]}: give {choice}")
    )


def exactly_one_pair(first: dict[str, object], second: dict[str, object]) -> None:
    """Check that one pair of parameters was given in full and nothing of the other.

    Parameters
    ----------
    first, second : dict
        Name -> value of the two members of each pair, None if it was not given.

    Raises
    ------
    ValueError
        If it was not so.

    Examples
    --------
    >>> exactly_one_pair({"mean": 1, "cv": 2}, {"means": None, "probabilities": None})
    """
    counts = [sum(value is not None for value in pair.values()) for pair in (first, second)]
    if counts not in ([2, 0], [0, 2]):
        message = f"give {' and '.join(first)}, or {' and '.join(second)}"
        raise ValueError(message)


def scv_of(variance: float, mean: float) -> float:
    """Return variance / mean^2, and 0 for what is always 0.

    Parameters
    ----------
    variance, mean : float
        Moments.

    Returns
    -------
    float
        The squared coefficient of variation.

    Examples
    --------
    >>> scv_of(0.0, 0.0)
    0.0
    """
    return variance / mean**2 if variance > 0 else 0.0


def _either(names: list[str]) -> str:
    if len(names) == 2:
        return f"either {names[0]} or {names[1]}"
    return f"one of {', '.join(names)}"
