"""Times with a name: what the formulas about time-outs and windows ask for."""

from __future__ import annotations

import math
from dataclasses import dataclass

from eda_sim.theory.laws import ExponentialWait, Law
from eda_sim.theory.steady_state import check_not_negative, check_positive


@dataclass(frozen=True)
class _Lognormal:
    location: float
    scale: float

    def tail(self, time: float) -> float:
        from scipy.special import ndtr

        if time <= 0.0:
            return 1.0
        return float(ndtr((self.location - math.log(time)) / self.scale))

    def quantile(self, q: float) -> float:
        from scipy.special import ndtri

        return math.exp(self.location + self.scale * float(ndtri(q)))


@dataclass(frozen=True)
class _Constant:
    value: float

    def tail(self, time: float) -> float:
        return float(time < self.value)

    def quantile(self, q: float) -> float:  # noqa: ARG002 (the same for every q)
        return self.value


def exponential_law(*, mean: float) -> Law:
    """Return the law of an exponential time.

    Parameters
    ----------
    mean : float
        In seconds.

    Returns
    -------
    Law
        With ``tail(time)`` and ``quantile(q)``.

    Examples
    --------
    >>> round(exponential_law(mean=5).tail(30), 6)
    0.002479
    """
    return ExponentialWait(1.0, 1.0 / check_positive("mean", mean))


def lognormal_law(*, mean: float, scv: float) -> Law:
    """Return the law of a lognormal time.

    Parameters
    ----------
    mean : float
        In seconds.
    scv : float
        Squared coefficient of variation; 0 for a constant time.

    Returns
    -------
    Law
        With ``tail(time)`` and ``quantile(q)``.

    Examples
    --------
    >>> round(lognormal_law(mean=2, scv=1).tail(6), 6)
    0.041296
    """
    middle = check_positive("mean", mean)
    spread = math.log1p(check_not_negative("scv", scv))
    if spread == 0.0:
        return _Constant(middle)
    return _Lognormal(math.log(middle) - spread / 2.0, math.sqrt(spread))


def constant_law(*, value: float) -> Law:
    """Return the law of a time that is always the same.

    Parameters
    ----------
    value : float
        In seconds.

    Returns
    -------
    Law
        With ``tail(time)`` and ``quantile(q)``.

    Examples
    --------
    >>> constant_law(value=2).tail(1.9), constant_law(value=2).tail(2)
    (1.0, 0.0)
    """
    return _Constant(check_positive("value", value))
