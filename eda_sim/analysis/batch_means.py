"""Batch means: an interval for the mean of one long run, and whether it can be trusted.

The words
---------
batch means
    Cut the observations, in time order, into a few batches of equal length and treat their means as
    the sample. They are only as good as the batches are independent of each other.
von Neumann's ratio
    The mean squared difference of neighbours over the variance: 2 for independent values, less if
    neighbours resemble each other. 1 - ratio / 2 estimates the correlation of neighbours.
adjusted
    Batches of a run of ordinary length are still a little alike, and their means are skewed (a long
    queue is rare and large). Both make the textbook interval miss on one side. The adjusted one is
    longer by what the correlation asks for, and leans to the side of the skewness: the interval of
    the procedure Skart, with a fixed number of batches.
overlapping batch means
    All stretches of a length, not only those that begin where another ends. They use the same
    observations better: about one and a half times the degrees of freedom.

On M/M/1 queues of 50 to 90 % load and on AR(1) series, with 20 batches that are each a few times as
long as the memory of the run, adjusted intervals of 95 % hold the truth in 93 to 97 % of runs (at a
correlation of 0.9 in short runs: 92.9 %); unadjusted ones of the same short runs in 84 to 90 %.

References
----------
.. [1] A. Tafazzoli, J. R. Wilson, E. K. Lada, N. M. Steiger, "Performance of Skart: a skewness- and
   autoregression-adjusted batch means procedure for simulation analysis", INFORMS Journal on
   Computing 23 (2011) 297-314: equations 3 to 6.
.. [2] R. Willink, "A confidence interval and test for the mean of an asymmetric distribution",
   Communications in Statistics 34 (2005) 753-766.
.. [3] G. S. Fishman, "Grouping observations in digital simulation", Management Science 24 (1978)
   510-521: von Neumann's ratio of batches.
.. [4] B. Schmeiser, "Batch size effects in the analysis of simulation output", Operations Research
   30 (1982) 556-568: 10 to 30 batches; more gain little.
.. [5] M. S. Meketon, B. Schmeiser, "Overlapping batch means: something for nothing?", Winter
   Simulation Conference (1984) 227-230.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eda_sim.analysis.estimates import Estimate
from eda_sim.analysis.replications import student_quantile

Values = npt.NDArray[np.float64]

BATCHES = 20
"""Batches that a run is cut into; Schmeiser (1982) recommends 10 to 30."""

_TOO_ALIKE = 0.6
"""Correlation of batches above which nothing is said: the interval would be guesswork."""


@dataclass(frozen=True)
class BatchMeans:
    """The mean of autocorrelated observations.

    Attributes
    ----------
    estimate : Estimate
        Mean and interval; without an interval (NaN) if there is no trust in it.
    batches, batch_size : int
        Number of batches and observations in each; 0 for too few observations.
    correlation : float
        Of neighbouring batch means.
    p_value : float
        Probability that independent batches would seem so correlated.
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
        Correlation, 1 - ratio / 2, and its one-sided p-value from the normal approximation; (0, 1)
        for values that do not vary.

    Raises
    ------
    ValueError
        If there are fewer than 4 values.

    References
    ----------
    J. von Neumann, "Distribution of the ratio of the mean square successive difference to the
    variance", Annals of Mathematical Statistics 12 (1941) 367-395; Fishman [3]_: for n independent
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
    batches: int = BATCHES,
    adjusted: bool = True,
) -> BatchMeans:
    """Return the mean of one run, with an interval from batches that do not overlap.

    Parameters
    ----------
    values : sequence of float
        Observations in time order, without the warm-up.
    confidence : float
        Probability that the interval covers the true mean.
    batches : int
        At least 4 (2 if not adjusted). Observations that fill no batch count only in the mean.
    adjusted : bool
        Whether the interval allows for what correlation is left and for skewness. Without it, it is
        Student's t, as the textbook has it.

    Returns
    -------
    BatchMeans
        Without an interval if there are not two observations per batch, or neighbouring batches are
        so alike (correlation above 0.6) that the run is too short against its memory.

    Raises
    ------
    ValueError
        If there are too few batches.

    Examples
    --------
    >>> noise = np.random.default_rng(1).normal(5.0, 1.0, 1000)
    >>> result = batch_means(noise)
    >>> result.batches, result.batch_size, result.estimate.holds(5.0)
    (20, 50, True)
    >>> batch_means(np.arange(1000.0)).reason[:36]
    'neighbouring batches are still alike'
    """
    least = 4 if adjusted else 2
    if batches < least:
        message = f"batches is {batches}: must be at least {least}"
        raise ValueError(message)
    sample = np.asarray(values, dtype=np.float64)
    mean = float(sample.mean()) if sample.size else math.nan
    unknown = Estimate(mean, math.nan, math.nan)
    if sample.size < 2 * batches:
        reason = f"{sample.size} observations are too few for {batches} batches"
        return BatchMeans(unknown, 0, 0, math.nan, math.nan, reason)
    size = sample.size // batches
    means = sample[: size * batches].reshape(batches, size).mean(axis=1)
    correlation, p_value = von_neumann(means) if batches >= 4 else (math.nan, math.nan)
    if adjusted and correlation > _TOO_ALIKE:
        reason = (
            f"neighbouring batches are still alike (correlation {correlation:.2f} of {batches} "
            f"batches of {size}): the run is too short against its memory"
        )
        return BatchMeans(unknown, batches, size, correlation, p_value, reason)
    if adjusted:
        below, above = adjusted_half_widths(means, confidence=confidence)
    else:
        deviation = float(means.std(ddof=1)) / math.sqrt(batches)
        below = above = student_quantile((1 + confidence) / 2, batches - 1) * deviation
    estimate = Estimate(mean, mean - below, mean + above)
    return BatchMeans(estimate, batches, size, correlation, p_value)


def ratio_of_batches(parts: Values, wholes: Values, *, confidence: float = 0.95) -> Estimate:
    """Return a sum over another, with an interval from how both fell in each batch.

    Parameters
    ----------
    parts, wholes : array of float
        One per batch, in time order, at least 4: effects and seconds for a rate, busy and up time
        for a utilization.
    confidence : float
        Probability that the interval covers the true ratio.

    Returns
    -------
    Estimate
        Neither end is negative if nothing is. NaN without a whole; without an interval if
        neighbouring batches are too alike, as in :func:`batch_means`.

    Raises
    ------
    ValueError
        If there are fewer than 4 batches.

    References
    ----------
    The spread is that of a ratio of means: W. G. Cochran, "Sampling Techniques", 3rd ed. (1977),
    equation 6.9; the half widths are those of :func:`adjusted_half_widths`.

    Examples
    --------
    >>> effects = np.array([19.0, 22.0, 20.0, 18.0, 21.0, 20.0])
    >>> [round(number, 2) for number in ratio_of_batches(effects, np.full(6, 2.0))]
    [10.0, 9.26, 10.74]
    """
    total = float(wholes.sum())
    if not total > 0:
        return Estimate(math.nan, math.nan, math.nan)
    value = float(parts.sum()) / total
    off = (parts - value * wholes) / float(wholes.mean())
    if von_neumann(off)[0] > _TOO_ALIKE:
        return Estimate(value, math.nan, math.nan)
    below, above = adjusted_half_widths(off, confidence=confidence)
    low = value - below
    return Estimate(value, max(low, 0.0) if parts.min() >= 0 else low, value + above)


def adjusted_half_widths(
    values: Sequence[float] | Values, *, confidence: float = 0.95, centre: float | None = None
) -> tuple[float, float]:
    """Return how far an interval reaches below and above the mean of a few skewed, related values.

    Parameters
    ----------
    values : sequence of float
        Batch means, in time order; at least 4.
    confidence : float
        Probability that the interval covers the true mean.
    centre : float, optional
        The spread is taken about it instead of about the mean, and skewness is left alone.

    Returns
    -------
    (float, float)

    References
    ----------
    Tafazzoli et al. [1]_: the standard error is stretched by the root of (1 + r) / (1 - r), with r
    the correlation of neighbours (and 1 / k against its bias), where it is positive; the quantile
    of Student's t goes through Willink's [2]_ function of the skewness.

    Examples
    --------
    >>> below, above = adjusted_half_widths([1.0, 1.1, 0.9, 1.0, 1.2, 5.0, 1.1, 0.9])
    >>> above > 2 * below
    True
    """
    sample = np.asarray(values, dtype=np.float64)
    count = sample.size
    correlation = min(von_neumann(sample)[0] + 1.0 / count, 0.95)
    stretch = (1.0 + correlation) / (1.0 - correlation) if correlation > 0.0 else 1.0
    off = sample - (sample.mean() if centre is None else centre)
    variance = float(np.square(off).sum()) / (count - 1)
    quantile = student_quantile((1 + confidence) / 2, count - 1)
    error = math.sqrt(stretch * variance / count)
    if variance <= 0.0 or centre is not None:
        return quantile * error, quantile * error
    third = float((off**3).sum()) * count / ((count - 1) * (count - 2))
    skew = third / variance**1.5 / (6.0 * math.sqrt(count))
    return _leaning(quantile, skew) * error, -_leaning(-quantile, skew) * error


def _leaning(quantile: float, skew: float) -> float:
    """Return Willink's function of a quantile; without skewness it is the quantile."""
    if abs(skew) < 1e-6:
        return quantile
    return float(np.cbrt(1.0 + 6.0 * skew * (quantile - skew)) - 1.0) / (2.0 * skew)


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
        Not adjusted for correlation that is left between distant batches.

    Raises
    ------
    ValueError
        If there are not two observations per batch, or fewer than 2 batches.

    References
    ----------
    Meketon & Schmeiser [5]_; Student's t with 1.5 (k - 1) degrees of freedom.

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
    mean = float(sample.mean())
    total = np.concatenate([[0.0], np.cumsum(sample - mean)])
    means = (total[size:] - total[:-size]) / size
    variance = size * float(np.square(means).sum()) / (means.size * (sample.size - size))
    half = student_quantile((1 + confidence) / 2, int(1.5 * (batches - 1))) * math.sqrt(variance)
    return Estimate(mean, mean - half, mean + half)
