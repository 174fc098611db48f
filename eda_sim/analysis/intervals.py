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
sectioning
    The spread of the batch statistics is taken around the statistic of *all* observations, not
    around their own mean: for a mean that is the same, and for a quantile it also covers the bias
    that a short batch has.
visit
    A way from the usual to the tail: above the quantile in question after having been below the
    median. A queue that is over its 99th percentile stays there for a while; the thousand messages
    of one such time are one piece of evidence, not a thousand. (Below the median the same the other
    way round.)
swing
    A way from below the first quartile to above the third. There are many of them, so their number
    tells more reliably than that of visits how long the run is against its memory.

**Means**: :func:`~eda_sim.analysis.batch_means.batch_means`, 20 batches, adjusted.

**Quantiles**: sectioning, on a logarithmic scale where all is positive, because batch quantiles of
times are skewed; the standard error is stretched by the correlation that is left between batches.
The shorter the run, the fewer the batches: 5 if only some 12 visits to the tail are to be expected,
20 from 96 on. With fewer than 12 there is no interval: the run is too short to say.

**Ratios of quantiles** of two runs with common random numbers: the ratios of the batches, sectioned
likewise. The estimate of a ratio leans towards 1 where visits are few, more than a quantile leans,
so its batches are longer: 4 batches from 8 visits in the run with fewer of them, 5 from 16, 20 from
192. On M/M/1 queues between 30 % and 80 % load and on lognormal AR(1) series, these intervals of
95 % hold the truth in 93 to 97 % of pairs that are long enough for one.

How many visits are to be expected is counted in swings, of which a run has four times the tail's
share as many. The visits themselves decide only if they are far fewer (a single bad minute, say).
For among runs close to a limit, those that happen to have many visits to their own 99th percentile
are those in which it happens to be low: a limit on visits keeps the wrong ones, and of the
intervals of such runs fewer than half would hold the truth. On M/M/1 queues between 30 % and 90 %
load, and on independent observations, intervals of 95 % made this way hold the truth in 93 to 97 %
of runs of any length (89 to 95 % of those runs of one length that happen to have more swings). The
numbers above were chosen on these models, so a model that is unlike both may do worse.

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

import numpy as np
import numpy.typing as npt

from eda_sim.analysis.batch_means import BATCHES, adjusted_half_widths, batch_means
from eda_sim.analysis.estimates import Estimate

Values = npt.NDArray[np.float64]

__all__ = [
    "BATCHES",
    "Estimate",
    "mean_interval",
    "quantile_intervals",
    "quantile_ratio",
    "quantiles",
]

_FEWEST_VISITS = 12.0
_Ladder = tuple[tuple[float, int], ...]
_BATCHES_BY_VISITS: _Ladder = ((96.0, BATCHES), (48.0, 10), (24.0, 7), (_FEWEST_VISITS, 5))
_BATCHES_OF_A_RATIO: _Ladder = ((192.0, BATCHES), (96.0, 10), (48.0, 7), (16.0, 5), (8.0, 4))
_FAR_FEWER = 6.0


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
    value, low, high = batch_means(values, confidence=confidence, batches=batches).estimate
    if values.size and values.min() >= 0 and low < 0:
        low = 0.0  # no mean is below what nothing observed is below
    return Estimate(value, low, high)


def quantile_intervals(
    values: Values,
    probabilities: Sequence[float],
    *,
    confidence: float = 0.95,
    batches: int = BATCHES,
) -> list[Estimate]:
    """Return quantiles of autocorrelated observations and their intervals.

    A quantile is the smallest observation with at least that share of all observations at or below
    it (definition 1 of Hyndman and Fan, 1996): a value that occurred. ``low`` and ``high`` are NaN
    where the observations visit the tail too seldom for an interval; see the top of this module.

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
    wanted = _checked(probabilities)
    if values.size == 0:
        return [Estimate(np.nan, np.nan, np.nan) for _ in wanted]
    marks = quantiles(values, np.array([0.25, 0.5, 0.75]))
    estimates = []
    for probability, value in zip(wanted.tolist(), quantiles(values, wanted).tolist(), strict=True):
        visits = _expected_visits(values, probability, value, marks)
        count = min(batches, _batches_for(visits, _BATCHES_BY_VISITS))
        if count < 4:
            estimates.append(Estimate(value, np.nan, np.nan))
            continue
        statistics = quantiles(_cut(values, count), np.array([probability]))[:, 0]
        estimates.append(_around_quantile(value, statistics, confidence))
    return estimates


def _checked(probabilities: Sequence[float]) -> Values:
    wanted = np.asarray(probabilities, dtype=np.float64)
    if wanted.size and not bool(((wanted >= 0) & (wanted <= 1)).all()):
        message = f"a probability is between 0 and 1, not {probabilities}"
        raise ValueError(message)
    return wanted


def _batches_for(visits: float, ladder: _Ladder) -> int:
    """Return into how many batches a run is cut for a quantile; 0 if it is too short to say."""
    return next((batches for least, batches in ladder if visits >= least), 0)


def quantile_ratio(
    first: Values, second: Values, probability: float, *, confidence: float = 0.95
) -> Estimate:
    """Return by how much a quantile of a second run is that of a first one, with its interval.

    Parameters
    ----------
    first, second : array of float
        Observations in time order, of two runs with common random numbers.
    probability : float
        In [0, 1].
    confidence : float
        Probability that the interval covers the true ratio.

    Returns
    -------
    Estimate
        Second over first. Both runs are cut alike, the ratios of their batches are sectioned on a
        logarithmic scale, so what both met in the same batch cancels. ``low`` and ``high`` are NaN
        where either run is expected to visit the tail fewer than 8 times (of M/M/1, a p99 takes
        5,000 messages at half load, and 20,000 at 80 %), or where a batch has no positive quantile;
        all are NaN without a positive quantile in the first.

    Raises
    ------
    ValueError
        If the probability is not between 0 and 1.

    Examples
    --------
    >>> wave = 2.0 + np.arange(4000) % 7
    >>> [round(number, 9) for number in quantile_ratio(wave, 3 * wave, 0.5)]
    [3.0, 3.0, 3.0]
    """
    wanted = _checked([probability])
    if first.size == 0 or second.size == 0:
        return Estimate(np.nan, np.nan, np.nan)
    quarters, visits, found = np.array([0.25, 0.5, 0.75]), [], []
    for values in (first, second):
        value = float(quantiles(values, wanted)[0])
        visits.append(_expected_visits(values, probability, value, quantiles(values, quarters)))
        found.append(value)
    if found[0] <= 0:
        return Estimate(np.nan, np.nan, np.nan)
    ratio, count = found[1] / found[0], _batches_for(min(visits), _BATCHES_OF_A_RATIO)
    if count == 0:
        return Estimate(ratio, np.nan, np.nan)
    before, after = (quantiles(_cut(values, count), wanted)[:, 0] for values in (first, second))
    if not bool((before > 0).all() and (after > 0).all()):
        return Estimate(ratio, np.nan, np.nan)
    half, _ = adjusted_half_widths(
        np.log(after / before), confidence=confidence, centre=float(np.log(ratio))
    )
    return Estimate(ratio, ratio * float(np.exp(-half)), ratio * float(np.exp(half)))


def _usual_and_tail(probability: float, value: float, marks: Values) -> tuple[float, float]:
    """Return the two levels between which a visit goes: a quartile each for the middle."""
    first, middle, third = marks.tolist()
    if 0.25 < probability < 0.75:
        return first, third
    return (middle, value) if probability > 0.5 else (value, middle)


def _expected_visits(values: Values, probability: float, value: float, marks: Values) -> float:
    """Return how often a run so long against its memory goes from the usual to the tail."""
    first, _, third = marks.tolist()
    swings = _visits(values, first, third)
    if 0.25 < probability < 0.75:
        return swings
    expected = 4.0 * min(probability, 1.0 - probability) * swings
    seen = _visits(values, *_usual_and_tail(probability, value, marks))
    return expected if seen * _FAR_FEWER >= expected else seen


def _visits(values: Values, low: float, high: float) -> int:
    """Return how often the observations go from at most ``low`` to above ``high``."""
    side = (values > high).astype(np.int8) - (values <= low)
    side = side[side != 0]
    return int(np.count_nonzero(np.diff(side) > 0))


def _around_quantile(value: float, statistics: Values, confidence: float) -> Estimate:
    if value > 0 and bool((statistics > 0).all()):
        centre = float(np.log(value))
        half, _ = adjusted_half_widths(np.log(statistics), confidence=confidence, centre=centre)
        return Estimate(value, value * float(np.exp(-half)), value * float(np.exp(half)))
    half, _ = adjusted_half_widths(statistics, confidence=confidence, centre=value)
    least = 0.0 if statistics.min() >= 0 else -np.inf
    return Estimate(value, max(value - half, least), value + half)


def _cut(values: Values, batches: int) -> Values:
    length = values.size // batches
    return values[: length * batches].reshape(batches, length)


def quantiles(values: Values, probabilities: Values) -> Values:
    """Return quantiles along the last axis, in the last axis (a partition, not a sort).

    Examples
    --------
    >>> quantiles(np.arange(1.0, 101.0), np.array([0.5, 0.99])).tolist()
    [50.0, 99.0]
    """
    size = values.shape[-1]
    # 1e-9 keeps a probability such as 0.7, which is a little less than 7/10, on its own rank.
    ranks = np.clip(np.ceil(probabilities * size - 1e-9).astype(np.int64) - 1, 0, size - 1)
    return np.partition(values, np.unique(ranks), axis=-1)[..., ranks]
