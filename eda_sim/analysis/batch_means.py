"""Batch means: intervals for the mean of one long run, and a test whether they can be trusted.

The words
---------
batch means
    See :mod:`eda_sim.analysis.intervals`. They are only as good as the batches are independent.
von Neumann's ratio
    The mean squared difference of neighbours over the variance: 2 for independent values, less if
    neighbours resemble each other. Batches that fail the test are joined to fewer and longer ones.
overlapping batch means
    All stretches of a length, not only those that begin where another ends. They use the same
    observations better: about one and a half times the degrees of freedom.

References
----------
.. [1] G. S. Fishman, "Grouping observations in digital simulation", Management Science 24 (1978)
   510-521: batches are joined until von Neumann's ratio passes.
.. [2] B. Schmeiser, "Batch size effects in the analysis of simulation output", Operations Research
   30 (1982) 556-568.
.. [3] M. S. Meketon, B. Schmeiser, "Overlapping batch means: something for nothing?", Winter
   Simulation Conference (1984) 227-230.
.. [4] A. M. Law, "Simulation Modeling and Analysis", 5th ed. (2015), section 9.5.3.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eda_sim.analysis.intervals import BATCHES, Estimate
from eda_sim.analysis.replications import mean_over_replications, student_quantile

Values = npt.NDArray[np.float64]

_CHOICES = (BATCHES, 15, 10)


@dataclass(frozen=True)
class BatchMeans:
    """The mean of autocorrelated observations.

    Attributes
    ----------
    estimate : Estimate
        Mean and interval; without an interval (NaN) if there is no trust in it.
    batches, batch_size : int
        Number of batches and observations in each.
    correlation : float
        Of neighbouring batch means.
    p_value : float
        Probability that independent batches would seem so correlated, by von Neumann's ratio.
    reason : str
        Why there is no interval; empty if there is one.
    """

    estimate: Estimate
    batches: int
    batch_size: int
    correlation: float
    p_value: float
    reason: str = ""


def von_neumann(values: Sequence[float] | Values) -> tuple[float, float]:
    """Return the correlation of neighbours, and how likely chance alone makes it so large.

    Parameters
    ----------
    values : sequence of float
        At least 4, in time order.

    Returns
    -------
    (float, float)
        Lag-1 correlation with the ends taken into account, 1 - ratio / 2, and its one-sided p-value
        from the normal approximation. (0, 1) for values that do not vary.

    Raises
    ------
    ValueError
        If there are fewer than 4 values.

    References
    ----------
    J. von Neumann, "Distribution of the ratio of the mean square successive difference to the
    variance", Annals of Mathematical Statistics 12 (1941) 367-395; Fishman [1]_: for n independent
    values the correlation has mean 0 and variance (n - 2) / (n**2 - 1).

    Examples
    --------
    >>> correlation, p_value = von_neumann(list(range(20)))
    >>> round(correlation, 3), p_value < 1e-4
    (0.986, True)
    """
    from scipy.special import ndtr

    sample = np.asarray(values, dtype=np.float64)
    if sample.size < 4:
        message = f"values has {sample.size}: must have at least 4"
        raise ValueError(message)
    squares = float(np.square(sample - sample.mean()).sum())
    if squares <= 0.0:
        return 0.0, 1.0
    correlation = 1.0 - float(np.square(np.diff(sample)).sum()) / (2.0 * squares)
    deviation = math.sqrt((sample.size - 2) / (sample.size**2 - 1))
    return correlation, float(ndtr(-correlation / deviation))


def batch_means(
    values: Sequence[float] | Values,
    *,
    confidence: float = 0.95,
    batches: int | None = None,
    significance: float = 0.05,
) -> BatchMeans:
    """Return the mean of one run, with an interval from batches that do not overlap.

    Parameters
    ----------
    values : sequence of float
        Observations in time order, without the warm-up.
    confidence : float
        Probability that the interval covers the true mean.
    batches : int, optional
        Use so many whatever the test says. Without it 20, 15 or 10, the most of these at which
        pairs of neighbours (a finer cut if the run allows it) pass the test; if none does, the run
        is too short and there is no interval.
    significance : float
        The test calls batches correlated if chance would seem so less often than this.

    Returns
    -------
    BatchMeans

    Raises
    ------
    ValueError
        If fewer than 2 batches are asked for, or more than there are observations.

    Examples
    --------
    >>> noise = np.random.default_rng(1).normal(5.0, 1.0, 1000)
    >>> result = batch_means(noise)
    >>> result.batches, result.batch_size, result.estimate.low < 5.0 < result.estimate.high
    (20, 50, True)
    """
    sample = np.asarray(values, dtype=np.float64)
    if batches is not None:
        if not 2 <= batches <= sample.size:
            message = f"batches is {batches}: must be from 2 to the observations, {sample.size}"
            raise ValueError(message)
        return _measured(sample, batches, confidence)
    if sample.size < 2 * BATCHES:
        mean = float(sample.mean()) if sample.size else math.nan
        reason = f"{sample.size} observations are too few for batches: at least {2 * BATCHES}"
        return BatchMeans(Estimate(mean, math.nan, math.nan), 0, 0, math.nan, math.nan, reason)
    for count in _CHOICES:
        # The test looks at pieces of the batches, which are shorter and so more correlated.
        result = _measured(sample, count, confidence)
        if result.p_value >= significance:
            return result
    reason = (
        f"neighbouring batches are still alike (correlation {result.correlation:.2f} with "
        f"{result.batches} batches): the run is too short against its memory"
    )
    unknown = Estimate(result.estimate.value, math.nan, math.nan)
    return BatchMeans(
        unknown, result.batches, result.batch_size, result.correlation, result.p_value, reason
    )


def overlapping_batch_means(
    values: Sequence[float] | Values, *, confidence: float = 0.95, batches: int = BATCHES
) -> Estimate:
    """Return the mean of one run, with an interval from batches that overlap.

    Parameters
    ----------
    values : sequence of float
        Observations in time order, without the warm-up.
    confidence : float
        Probability that the interval covers the true mean.
    batches : int
        The batches are as long as if there were so many that do not overlap.

    Returns
    -------
    Estimate

    Raises
    ------
    ValueError
        If there are not two observations per batch, or fewer than 2 batches.

    References
    ----------
    Meketon & Schmeiser [3]_; Student's t with 1.5 (n / m - 1) degrees of freedom.

    Examples
    --------
    >>> overlapping_batch_means(np.arange(400.0) % 2).value
    0.5
    """
    sample = np.asarray(values, dtype=np.float64)
    if batches < 2 or sample.size < 2 * batches:
        message = f"batches is {batches}: must be from 2 to half of the {sample.size} observations"
        raise ValueError(message)
    size = sample.size // batches
    total = np.concatenate([[0.0], np.cumsum(sample - sample.mean())])
    means = (total[size:] - total[:-size]) / size
    count = means.size
    variance = size * float(np.square(means).sum()) / (count * (sample.size - size))
    half = student_quantile((1 + confidence) / 2, int(1.5 * (batches - 1))) * math.sqrt(variance)
    mean = float(sample.mean())
    return Estimate(mean, mean - half, mean + half)


def _measured(sample: Values, batches: int, confidence: float) -> BatchMeans:
    size = sample.size // batches
    means = sample[: size * batches].reshape(batches, size).mean(axis=1)
    correlation, p_value = von_neumann(means) if batches >= 4 else (math.nan, math.nan)
    mean = float(sample.mean())
    _, low, high = mean_over_replications(means, confidence=confidence)
    shift = mean - float(means.mean())  # the last observations may fill no batch
    estimate = Estimate(mean, low + shift, high + shift)
    return BatchMeans(estimate, batches, size, correlation, p_value)
