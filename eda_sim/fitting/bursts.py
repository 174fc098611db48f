"""Bursts: a Poisson process whose rate jumps between two values at random (MMPP with 2 states).

With rates r1, r2 and mean durations d1, d2 the state moves by Q = [[-1/d1, 1/d1], [1/d2, -1/d2]],
and with L = diag(r1, r2) the likelihood of gaps x1, x2, ... is
``phi exp((Q - L) x1) L exp((Q - L) x2) L ... 1`` [1]_, where phi is the state at an arrival.
Products of 2 x 2 matrices may be taken in any order of brackets, so neighbours are multiplied in
pairs, all at once, until one is left.

References
----------
.. [1] T. Rydén, "Parameter estimation for Markov modulated Poisson processes", Communications in
   Statistics: Stochastic Models 10 (1994) 795-829.
.. [2] W. Fischer, K. Meier-Hellstern, "The Markov-modulated Poisson process (MMPP) cookbook",
   Performance Evaluation 18 (1993) 149-171, eq. 8-11.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import optimize

from eda_sim.fitting.families import Parameters

Values = npt.NDArray[np.float64]

FEW = 8_000
"""Gaps on which starts are tried."""
MOST = 200_000
"""Gaps from which the parameters are found."""
NAMES = ("rate_1", "rate_2", "mean_duration_1", "mean_duration_2")
_LIMIT = 25.0
"""Logarithm of how far a parameter may be from the mean gap, either way."""


def log_likelihood(parameters: Parameters, gaps: Values) -> float:
    """Return the log likelihood of gaps between arrivals.

    Parameters
    ----------
    parameters : dict
        ``rate_1``, ``rate_2`` (1/s), ``mean_duration_1``, ``mean_duration_2`` (s), all above 0.
    gaps : array
        Seconds between arrivals, at least one.

    Returns
    -------
    float

    Examples
    --------
    With equal rates there is one state only, whatever the durations:

    >>> same = dict(zip(NAMES, (2.0, 2.0, 1.0, 5.0)))
    >>> math.isclose(log_likelihood(same, np.array([0.5, 1.0])), 2 * math.log(2) - 2 * 1.5)
    True
    """
    first, second, duration, other = (parameters[name] for name in NAMES)
    leave, enter = 1 / duration, 1 / other
    # Eigenvalues of Q - L: the larger one is taken out of each factor, so that none overflows.
    one, two = -leave - first, -enter - second
    apart = math.hypot(one - two, 2 * math.sqrt(leave * enter))
    high = (one + two + apart) / 2
    decay = np.exp(-apart * gaps)
    # The weights of both eigenvalues, written without differences of nearly equal numbers.
    share = 0.5 * (1 + (one - two) / apart)
    rest = 0.5 * (1 - (one - two) / apart)
    stay, move = share + rest * decay, (1 - decay) / apart
    factors = (
        stay * first,
        leave * move * second,
        enter * move * first,
        (rest + share * decay) * second,
    )
    weight = np.array([enter * first, leave * second])  # the state at an arrival
    weight /= weight.sum()
    product, scale = _multiplied(factors)
    total = weight[0] * (product[0] + product[1]) + weight[1] * (product[2] + product[3])
    return math.log(total) + scale + high * float(gaps.sum()) if total > 0 else -math.inf


def most_likely_bursts(gaps: Values) -> Parameters:
    """Return the parameters of greatest likelihood; state 1 is the faster one.

    Parameters
    ----------
    gaps : array
        Seconds between arrivals, their sum above 0; of more than 200,000 the first so many.

    Returns
    -------
    dict
        ``rate_1``, ``rate_2`` (1/s), ``mean_duration_1``, ``mean_duration_2`` (s).
    """
    mean = float(gaps.mean())
    scaled = gaps[:MOST] / mean
    few = scaled[:FEW]
    starts = sorted(_starts(), key=lambda start: _loss(start, few))[:2]
    ends = [_climbed(few, start) for start in starts]
    found = min(ends, key=lambda end: float(end.fun))
    if few.size < scaled.size:
        found = _climbed(scaled, found.x)
    first, second, duration, other = np.exp(np.clip(found.x, -_LIMIT, _LIMIT))
    if first < second:
        first, second, duration, other = second, first, other, duration
    values = (first / mean, second / mean, duration * mean, other * mean)
    return dict(zip(NAMES, (float(value) for value in values), strict=True))


def visits(parameters: Parameters, span: float) -> float:
    """Return how often both states are visited in so many seconds, on average.

    Examples
    --------
    >>> visits(dict(zip(NAMES, (2.0, 1.0, 1.0, 9.0))), 100.0)
    10.0
    """
    return span / (parameters["mean_duration_1"] + parameters["mean_duration_2"])


def _multiplied(factors: tuple[Values, ...]) -> tuple[tuple[float, ...], float]:
    """Return the product of matrices (rows of a, b, c, d), and the logarithm taken out of it."""
    a, b, c, d = factors
    scale = 0.0
    while True:
        top = np.maximum(np.maximum(a, b), np.maximum(c, d))
        scale += float(np.sum(np.log(top)))
        a, b, c, d = a / top, b / top, c / top, d / top
        if a.size == 1:
            return (float(a[0]), float(b[0]), float(c[0]), float(d[0])), scale
        if a.size % 2:
            a, b, c, d = (np.append(x, end) for x, end in ((a, 1.0), (b, 0.0), (c, 0.0), (d, 1.0)))
        a0, b0, c0, d0, a1, b1, c1, d1 = (x[i::2] for i in (0, 1) for x in (a, b, c, d))
        a, b = a0 * a1 + b0 * c1, a0 * b1 + b0 * d1
        c, d = c0 * a1 + d0 * c1, c0 * b1 + d0 * d1


def _starts() -> list[Values]:
    """Return a grid of rates and durations, for a mean gap of 1 and a mean rate near 1."""
    grid = []
    for fast, slow in ((2.0, 0.5), (5.0, 0.3), (1.4, 0.02), (10.0, 0.7)):
        share = (1 - slow) / (fast - slow)  # of the time that is fast
        for cycle in (10.0, 60.0, 400.0, 3_000.0):
            durations = (share * cycle, (1 - share) * cycle)
            grid.append(np.log(np.array([fast, slow, *durations])))
    return grid


def _loss(at: Values, gaps: Values) -> float:
    with np.errstate(all="ignore"):
        values = np.exp(np.clip(at, -_LIMIT, _LIMIT))
        likelihood = log_likelihood(dict(zip(NAMES, values.tolist(), strict=True)), gaps)
    return -likelihood / gaps.size if math.isfinite(likelihood) else 1e6


def _climbed(gaps: Values, start: Values) -> Any:
    slope = 1e-5 if gaps.size > FEW else 1e-4
    return optimize.minimize(
        _loss, start, args=(gaps,), method="BFGS", options={"gtol": slope, "maxiter": 60}
    )
