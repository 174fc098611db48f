"""Laplace-Stieltjes transforms of intervals: how :func:`gim1` and :func:`gimc` are told arrivals.

A transform is the function s -> E[exp(-s T)] of a random interval T; it takes s >= 0 in 1/s.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence

from eda_sim.theory.steady_state import check_count, check_positive

Transform = Callable[[float], float]


def deterministic_transform(*, mean: float) -> Transform:
    """Return the transform of a constant interval.

    Parameters
    ----------
    mean : float
        In seconds.

    Returns
    -------
    callable
        s -> exp(-s mean).

    Examples
    --------
    >>> round(deterministic_transform(mean=2.0)(0.5), 6)
    0.367879
    """
    return functools.partial(_deterministic, check_positive("mean", mean))


def exponential_transform(*, mean: float) -> Transform:
    """Return the transform of an exponential interval.

    Parameters
    ----------
    mean : float
        In seconds.

    Returns
    -------
    callable
        s -> 1 / (1 + s mean).

    Examples
    --------
    >>> exponential_transform(mean=2.0)(0.5)
    0.5
    """
    return erlang_transform(mean=mean, stages=1)


def erlang_transform(*, mean: float, stages: int) -> Transform:
    """Return the transform of an Erlang interval.

    Parameters
    ----------
    mean : float
        Of the whole interval, in seconds.
    stages : int
        Number of exponential stages; the scv is 1 / stages.

    Returns
    -------
    callable
        s -> (1 + s mean / stages) ** -stages.

    Examples
    --------
    >>> round(erlang_transform(mean=2.0, stages=2)(0.5), 6)
    0.444444
    """
    count = check_count("stages", stages)
    return functools.partial(_erlang, check_positive("mean", mean) / count, count)


def hyperexponential_transform(
    *, means: Sequence[float], probabilities: Sequence[float]
) -> Transform:
    """Return the transform of an interval that is exponential with one of several means.

    Parameters
    ----------
    means : sequence of float
        In seconds.
    probabilities : sequence of float
        Of each mean; they add up to 1.

    Returns
    -------
    callable
        s -> sum of probability / (1 + s mean).

    Raises
    ------
    ValueError
        If the lists differ in length, or the probabilities do not add up to 1.

    Examples
    --------
    >>> hyperexponential_transform(means=[1.0, 3.0], probabilities=[0.5, 0.5])(1.0)
    0.375
    """
    if len(means) != len(probabilities) or abs(math.fsum(probabilities) - 1.0) > 1e-9:
        message = "probabilities: must be one for each mean and add up to 1"
        raise ValueError(message)
    checked = tuple(check_positive("mean", mean) for mean in means)
    return functools.partial(_hyperexponential, checked, tuple(probabilities))


def _deterministic(mean: float, s: float) -> float:
    return math.exp(-s * mean)


def _erlang(stage_mean: float, stages: int, s: float) -> float:
    return math.exp(-stages * math.log1p(s * stage_mean))


def _hyperexponential(
    means: tuple[float, ...], probabilities: tuple[float, ...], s: float
) -> float:
    terms = (p / (1.0 + s * mean) for p, mean in zip(probabilities, means, strict=True))
    return math.fsum(terms)
