"""Ranking and selection: which of k scenarios is the best, with a promise.

The words
---------
indifference
    The smallest difference that is worth finding, in the unit of the value. If the best scenario is
    better than the next one by that much or more, it is selected with the probability that was
    asked for; if not, one that is no further away than that.
two stages
    A few runs of each scenario show how much it scatters; from that, how many each needs is known
    (Rinott). Runs of different scenarios must be independent of each other.
elimination
    Run by run, scenarios that are clearly worse than another one are dropped (Kim and Nelson). Runs
    with the same number share their random numbers, which makes it faster.

References
----------
.. [1] Y. Rinott, "On two-stage selection procedures and related probability inequalities",
   Communications in Statistics A 7 (1978) 799-811.
.. [2] S.-H. Kim, B. L. Nelson, "A fully sequential procedure for indifference-zone selection in
   simulation", ACM TOMACS 11 (2001) 251-273.
.. [3] R. R. Wilcox, "A table for Rinott's selection procedure", Journal of Quality Technology 16
   (1984) 97-100.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

Values = npt.NDArray[np.float64]

_NODES = 160


@functools.lru_cache(maxsize=256)
def rinott_constant(*, scenarios: int, first_stage: int, confidence: float = 0.95) -> float:
    """Return Rinott's constant h.

    Parameters
    ----------
    scenarios : int
        How many there are to choose from, at least 2.
    first_stage : int
        Runs of each in the first stage, at least 2; fewer than 10 cost many later.
    confidence : float
        Probability to select the best, above 1 / scenarios.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If an argument is out of range.

    References
    ----------
    Rinott [1]_: h solves E[E[Phi(h / sqrt((n - 1) (1 / X + 1 / Y))) | Y]**(k - 1)] = P with X and Y
    of chi-square with n - 1 degrees of freedom; tabulated by Wilcox [3]_.

    Examples
    --------
    >>> round(rinott_constant(scenarios=2, first_stage=20), 3)
    2.452
    """
    from scipy.optimize import brentq
    from scipy.special import chdtri, ndtr

    if scenarios < 2 or first_stage < 2:
        message = f"scenarios is {scenarios}, first_stage {first_stage}: must be at least 2 each"
        raise ValueError(message)
    if not 1 / scenarios < confidence < 1:
        message = f"confidence is {confidence}: must be between 1 / scenarios and 1"
        raise ValueError(message)
    freedom = first_stage - 1
    # Gauss-Legendre on the shares of chi-square, with a map that crowds nodes at both ends.
    points, weights = np.polynomial.legendre.leggauss(_NODES)
    angle = (points + 1) / 2
    shares = angle**3 * (10 - 15 * angle + 6 * angle**2)
    masses = weights / 2 * 30 * angle**2 * (1 - angle) ** 2
    inverse = 1 / chdtri(freedom, 1 - np.minimum(shares, 1 - 1e-15))
    scale = np.sqrt(freedom * (inverse[:, None] + inverse[None, :]))

    def excess(constant: float) -> float:
        right = ndtr(constant / scale) @ masses
        return float(masses @ right ** (scenarios - 1)) - confidence

    upper = 2.0
    while excess(upper) < 0:
        upper *= 2
    return float(brentq(excess, 0.0, upper, xtol=1e-10))


def rinott_plan(
    values: Mapping[str, Sequence[float] | Values],
    *,
    indifference: float,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Return how many runs each scenario needs in all, from those of the first stage.

    After the second stage, the scenario with the smallest (or largest) mean over all of its runs is
    the best, with the probability that was asked for.

    Parameters
    ----------
    values : mapping from str to sequence of float
        Name of each scenario and its values in the first stage; all values are independent.
    indifference : float
        The smallest difference that is worth finding, in the unit of the values.
    confidence : float
        Probability to select the best.

    Returns
    -------
    DataFrame
        ``name``, ``mean``, ``deviation``, ``first_stage``, ``needed`` (runs in all).

    Raises
    ------
    ValueError
        If the scenarios have different numbers of runs, or an argument is out of range.

    References
    ----------
    Rinott [1]_: N = max(n, ceil((h S / d)**2)).

    Examples
    --------
    >>> rinott_plan({"a": [1.0, 2.0, 3.0], "b": [5.0, 5.1, 5.2]}, indifference=1)["needed"].tolist()
    [21, 3]
    """
    _check_indifference(indifference)
    samples = {name: np.asarray(column, dtype=np.float64) for name, column in values.items()}
    counts = {sample.size for sample in samples.values()}
    if len(counts) != 1:
        message = f"values has scenarios of {sorted(counts)} runs: must have equally many each"
        raise ValueError(message)
    (count,) = counts
    constant = rinott_constant(scenarios=len(samples), first_stage=count, confidence=confidence)
    rows = []
    for name, sample in samples.items():
        deviation = float(sample.std(ddof=1))
        needed = max(count, math.ceil((constant * deviation / indifference) ** 2))
        rows.append((name, float(sample.mean()), deviation, count, needed))
    return pd.DataFrame(rows, columns=["name", "mean", "deviation", "first_stage", "needed"])


def select_best(
    replicate: Callable[[str, int], float],
    names: Sequence[str],
    *,
    indifference: float,
    largest: bool = False,
    confidence: float = 0.95,
    first_stage: int = 10,
    at_most: int = 10_000,
) -> pd.DataFrame:
    """Return which scenario is the best, dropping worse ones run by run.

    Parameters
    ----------
    replicate : callable
        Name of a scenario and number of a replication, from 0, to its value. Replications with the
        same number may share their random numbers; that makes it faster and stays right.
    names : sequence of str
        The scenarios, at least 2.
    indifference : float
        The smallest difference that is worth finding, in the unit of the values.
    largest : bool
        Whether the largest mean is the best; otherwise the smallest.
    confidence : float
        Probability to select the best.
    first_stage : int
        Runs of each before one may be dropped, at least 2.
    at_most : int
        Runs of each at which to give up; then several are left, and the promise is not kept.

    Returns
    -------
    DataFrame
        ``name``, ``mean`` (of its runs), ``n`` (runs), ``is_left``. Sorted: who was left, then who
        was dropped last; the best first. With one left it is the best.

    Raises
    ------
    ValueError
        If an argument is out of range.

    References
    ----------
    Kim & Nelson [2]_, procedure KN with c = 1; it needs values that are nearly normal, as means of
    long runs are.

    Examples
    --------
    >>> noise = np.random.default_rng(1).normal(size=(3, 10_000))
    >>> means = {"slow": 3.0, "fast": 1.0, "medium": 2.0}
    >>> table = select_best(
    ...     lambda name, number: means[name] + noise[list(means).index(name), number],
    ...     list(means),
    ...     indifference=0.5,
    ... )
    >>> table["name"].iloc[0], int(table["is_left"].sum())
    ('fast', 1)
    """
    _check_indifference(indifference)
    count = len(names)
    if count < 2 or len(set(names)) < count or not 2 <= first_stage <= at_most:
        message = (
            f"{count} names, first_stage {first_stage}, at_most {at_most}: must be two or more "
            "different names, and 2 <= first_stage <= at_most"
        )
        raise ValueError(message)
    if not 1 / count < confidence < 1:
        message = f"confidence is {confidence}: must be between 1 / {count} and 1"
        raise ValueError(message)
    sign = -1.0 if largest else 1.0
    runs = {name: [sign * replicate(name, i) for i in range(first_stage)] for name in names}
    wrong = 2 * (1 - confidence) / (count - 1)
    eta = (wrong ** (-2 / (first_stage - 1)) - 1) / 2
    reach = 2 * eta * (first_stage - 1)
    spread = {
        (one, other): float(np.subtract(runs[one], runs[other]).var(ddof=1))
        for one, other in itertools.permutations(names, 2)
    }
    left, dropped = list(names), []
    number = first_stage
    while True:
        means = {name: math.fsum(runs[name]) / number for name in left}
        worse = [
            one
            for one in left
            if any(
                means[one] - means[other]
                > max(0.0, reach * spread[one, other] / indifference / number - indifference) / 2
                for other in left
                if other != one
            )
        ]
        dropped += sorted(worse, key=means.__getitem__, reverse=True)
        left = [name for name in left if name not in worse]
        if len(left) == 1 or number >= at_most:
            break
        for name in left:
            runs[name].append(sign * replicate(name, number))
        number += 1
    order = sorted(left, key=means.__getitem__) + dropped[::-1]
    rows = [
        (name, sign * math.fsum(runs[name]) / len(runs[name]), len(runs[name]), name in left)
        for name in order
    ]
    return pd.DataFrame(rows, columns=["name", "mean", "n", "is_left"])


def _check_indifference(value: float) -> None:
    if not 0 < value < math.inf:
        message = f"indifference is {value}: must be a positive finite number"
        raise ValueError(message)
