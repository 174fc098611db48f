"""Confidence intervals for numbers taken from one run, whose observations depend on each other.

The words
---------
autocorrelation
    A message that waited long tells that the next one will: they stood in the same queue. The
    textbook interval (standard deviation over the root of n) counts such messages as independent
    evidence and comes out far too narrow.
batch
    A stretch of consecutive observations. Batches that are long against the memory of the queue are
    nearly independent of each other, whatever happens inside them.
batch means
    Cut the observations, in time order, into a few batches of equal length, compute the statistic
    of each, and treat those few numbers as the independent sample.

The point estimate is always that of all observations. Its interval is Student's t with (batches -
1) degrees of freedom on the spread of the batch statistics *around that estimate* ("sectioning"),
which for a mean is the classical method of batch means, and for a quantile also covers the bias
that a short batch has.

References
----------
.. [1] B. Schmeiser, "Batch size effects in the analysis of simulation output", Operations Research
   30 (1982) 556-568: 10 to 30 batches; more gain little.
.. [2] S. Asmussen, P. W. Glynn, "Stochastic Simulation" (2007), III.5a: sectioning.
.. [3] M. K. Nakayama, "Confidence intervals for quantiles using sectioning when applying
   variance-reduction techniques", ACM TOMACS 24 (2014) 19:1-19:21.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]

BATCHES = 20
"""Batches that a run is cut into; Schmeiser (1982) recommends 10 to 30."""

_FEWEST_BATCHES = 5
_FEWEST_BEYOND = 5


class Estimate(NamedTuple):
    """A number and its confidence interval; ``low``, ``high`` are NaN where a run is too short."""

    value: float
    low: float
    high: float


def mean_interval(values: Values, *, confidence: float = 0.95, batches: int = BATCHES) -> Estimate:
    """Return the mean of autocorrelated observations and its batch-means interval.

    Parameters
    ----------
    values : array of float
        Observations in time order.
    confidence : float
        Probability that the interval covers the true mean.
    batches : int
        Number of batches; the last few observations that do not fill a batch count only in the
        mean.

    Returns
    -------
    Estimate

    Examples
    --------
    >>> mean_interval(np.arange(40.0) % 2).value
    0.5
    """
    if values.size == 0:
        return Estimate(np.nan, np.nan, np.nan)
    overall = float(values.mean())
    if values.size < 2 * batches:
        return Estimate(overall, np.nan, np.nan)
    floor = _floor(values)
    return _around(overall, _cut(values, batches).mean(axis=1), confidence, floor)


def quantile_intervals(
    values: Values,
    probabilities: Sequence[float],
    *,
    confidence: float = 0.95,
    batches: int = BATCHES,
) -> list[Estimate]:
    """Return quantiles of autocorrelated observations and their intervals.

    A quantile is the smallest observation with at least that share of all observations at or below
    it (definition 1 of Hyndman and Fan, 1996): a value that occurred. Each batch must hold at least
    5 observations beyond the quantile; where 20 batches are too many for that, fewer are used, and
    with fewer than 5 there is no honest interval and ``low`` and ``high`` are NaN.

    Parameters
    ----------
    values : array of float
        Observations in time order.
    probabilities : sequence of float
        Each in [0, 1].
    confidence : float
        Probability that an interval covers the true quantile.
    batches : int
        Number of batches at most.

    Returns
    -------
    list of Estimate
        One per probability.

    Examples
    --------
    >>> [estimate.value for estimate in quantile_intervals(np.arange(1.0, 101.0), [0.5, 0.99])]
    [50.0, 99.0]
    """
    wanted = np.asarray(probabilities, dtype=np.float64)
    if wanted.size and not bool(((wanted >= 0) & (wanted <= 1)).all()):
        message = f"a probability is between 0 and 1, not {probabilities}"
        raise ValueError(message)
    if values.size == 0:
        return [Estimate(np.nan, np.nan, np.nan) for _ in wanted]
    overall, floor = _quantiles(values, wanted), _floor(values)
    estimates: list[Estimate | None] = [None] * len(wanted)
    used = np.array([_batches_for(values.size, float(p), batches) for p in wanted], dtype=np.int64)
    for count in np.unique(used):
        places = np.flatnonzero(used == count)
        if count == 0:
            for place in places:
                estimates[place] = Estimate(float(overall[place]), np.nan, np.nan)
            continue
        per_batch = _quantiles(_cut(values, int(count)), wanted[places])
        for column, place in enumerate(places):
            value = float(overall[place])
            estimates[place] = _around(value, per_batch[:, column], confidence, floor)
    return [estimate for estimate in estimates if estimate is not None]


def _batches_for(observations: int, probability: float, batches: int) -> int:
    """Return how many batches a quantile can have, 0 for too few."""
    beyond = observations * min(probability, 1 - probability)
    count = min(batches, int(beyond / _FEWEST_BEYOND + 1e-9))
    return count if count >= _FEWEST_BATCHES else 0


def _cut(values: Values, batches: int) -> Values:
    length = values.size // batches
    return values[: length * batches].reshape(batches, length)


def _quantiles(values: Values, probabilities: Values) -> Values:
    """Return quantiles along the last axis, in the last axis (a partition, not a sort)."""
    size = values.shape[-1]
    # 1e-9 keeps a probability such as 0.7, which is a little less than 7/10, on its own rank.
    ranks = np.clip(np.ceil(probabilities * size - 1e-9).astype(np.int64) - 1, 0, size - 1)
    return np.partition(values, np.unique(ranks), axis=-1)[..., ranks]


def _floor(values: Values) -> float:
    """Return what no mean and no quantile can be below: 0 if nothing observed is."""
    return 0.0 if values.min() >= 0 else -np.inf


def _around(overall: float, statistics: Values, confidence: float, floor: float) -> Estimate:
    from scipy import special  # a second of import that only intervals need

    count = statistics.size
    spread = float(np.sqrt(np.square(statistics - overall).sum() / (count - 1)))
    half = float(special.stdtrit(count - 1, (1 + confidence) / 2)) * spread / np.sqrt(count)
    return Estimate(overall, max(overall - half, floor), overall + half)
