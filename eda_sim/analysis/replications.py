"""Confidence intervals over independent replications.

The words
---------
replication
    One more run of the same scenario and seed, with random numbers of its own. Replications are
    independent of each other, so the textbook interval is right for them: Student's t.
common random numbers
    Two scenarios that are run with the same seed and replication number meet the same arrivals and
    the same work. Their difference owes less to chance than either of them.
paired
    An interval made of the differences within each replication, which takes that into account.

The interval is exact for normal values and, by the central limit theorem, good for means of many
replications. Percentiles and counts of rare things are skewed: five replications are few for them.

References
----------
.. [1] A. M. Law, "Simulation Modeling and Analysis", 5th ed. (2015), sections 9.4.1 (replications
   and deletion), 10.2.1 (paired-t) and 11.2 (common random numbers).
.. [2] E. C. Fieller, "Some problems in interval estimation", Journal of the Royal Statistical
   Society B 16 (1954), 175-185: the interval of a ratio of means.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from eda_sim.analysis.estimates import Estimate

Values = npt.NDArray[np.float64]


def student_quantile(probability: float, degrees_of_freedom: int) -> float:
    """Return a quantile of Student's t.

    Examples
    --------
    >>> round(student_quantile(0.975, 9), 3)
    2.262
    """
    from scipy import special  # a second of import that only intervals need

    return float(special.stdtrit(degrees_of_freedom, probability))


def mean_over_replications(
    values: Sequence[float] | Values, *, confidence: float = 0.95
) -> Estimate:
    """Return the mean of independent values and its confidence interval.

    Parameters
    ----------
    values : sequence of float
        One per replication; those that do not exist (NaN) are left out.
    confidence : float
        Probability that the interval covers the true mean.

    Returns
    -------
    Estimate
        ``low`` and ``high`` are NaN for fewer than two values, or for an infinite one.

    Examples
    --------
    >>> estimate = mean_over_replications([1.0, 2.0, 3.0])
    >>> [round(number, 3) for number in estimate]
    [2.0, -0.484, 4.484]
    """
    sample = np.asarray(values, dtype=np.float64)
    sample = sample[~np.isnan(sample)]
    if sample.size == 0:
        return Estimate(math.nan, math.nan, math.nan)
    mean = float(sample.mean())
    if sample.size == 1 or not math.isfinite(mean):
        return Estimate(mean, math.nan, math.nan)
    half = student_quantile((1 + confidence) / 2, sample.size - 1) * _standard_error(sample)
    return Estimate(mean, mean - half, mean + half)


def ratio_over_replications(
    first: Sequence[float] | Values, second: Sequence[float] | Values, *, confidence: float = 0.95
) -> Estimate:
    """Return how many times the mean of a first scenario that of a second one is.

    Parameters
    ----------
    first, second : sequence of float
        Values of the two scenarios, paired by replication.
    confidence : float
        Probability that the interval covers the true ratio of the means.

    Returns
    -------
    Estimate
        Second over first, with Fieller's interval [2]_: exact for normal pairs. All are NaN if the
        first mean is 0; ``low`` and ``high`` are NaN for fewer than two pairs, for an infinite
        value, and where the first mean may as well be 0, so that no ratio is excluded.

    Examples
    --------
    >>> estimate = ratio_over_replications([1.0, 2.0, 3.0, 2.5], [2.1, 4.0, 5.9, 5.1])
    >>> [round(number, 2) for number in estimate]
    [2.01, 1.95, 2.19]
    """
    pairs = np.stack([np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)])
    pairs = pairs[:, ~np.isnan(pairs).any(axis=0)]
    if pairs.size == 0:
        return Estimate(math.nan, math.nan, math.nan)
    before, after = (float(mean) for mean in pairs.mean(axis=1))
    if before == 0 or not math.isfinite(before + after):
        return Estimate(math.nan, math.nan, math.nan)
    count = pairs.shape[1]
    if count < 2:
        return Estimate(after / before, math.nan, math.nan)
    quantile = student_quantile((1 + confidence) / 2, count - 1)
    spread = quantile**2 * np.cov(pairs) / count
    # A ratio r is in the interval if (after - r before)^2 is within the spread of that difference.
    square, middle, rest = (
        before**2 - float(spread[0, 0]),
        before * after - float(spread[0, 1]),
        after**2 - float(spread[1, 1]),
    )
    if square <= 0:
        return Estimate(after / before, math.nan, math.nan)
    half = math.sqrt(max(middle**2 - square * rest, 0.0))
    return Estimate(after / before, (middle - half) / square, (middle + half) / square)


def one_sided_bound(
    values: Sequence[float] | Values, *, upper: bool, confidence: float = 0.95
) -> float:
    """Return the value that the true mean is not above (or not below), with some confidence.

    Parameters
    ----------
    values : sequence of float
        One per replication.
    upper : bool
        Whether the bound is above the mean.
    confidence : float
        Probability that the true mean is on the bound's inner side.

    Returns
    -------
    float
        NaN for fewer than two values.

    Examples
    --------
    >>> round(one_sided_bound([1.0, 2.0, 3.0], upper=True), 3)
    3.686
    """
    sample = np.asarray(values, dtype=np.float64)
    if sample.size < 2:
        return math.nan
    if not bool(np.isfinite(sample).all()):
        return float(sample.max() if upper else sample.min())
    half = student_quantile(confidence, sample.size - 1) * _standard_error(sample)
    return float(sample.mean()) + (half if upper else -half)


def independent_replications(
    first: Sequence[float] | Values, second: Sequence[float] | Values, *, confidence: float = 0.95
) -> float:
    """Return how many independent runs of each of two scenarios would tell as much as the pairs.

    Parameters
    ----------
    first, second : sequence of float
        Values of the two scenarios, paired by replication.
    confidence : float
        Probability that the interval of the difference covers the true one.

    Returns
    -------
    float
        The smallest number of runs of each, at least 2, whose interval of the difference (pooled t,
        with the variances that were seen) is no wider than that of the pairs; infinite if the pairs
        leave no uncertainty and the scenarios themselves do, NaN for fewer than two pairs.

    Examples
    --------
    >>> independent_replications([1.0, 2.0, 3.0], [1.1, 2.0, 3.2])
    133.0
    """
    one, other = (np.asarray(values, dtype=np.float64) for values in (first, second))
    pairs = one.size
    if pairs < 2 or not bool(np.isfinite(one).all() and np.isfinite(other).all()):
        return math.nan
    half = student_quantile((1 + confidence) / 2, pairs - 1) * _standard_error(other - one)
    variance = float(one.var(ddof=1) + other.var(ddof=1))
    if half == 0:
        return math.nan if variance == 0 else math.inf

    def is_enough(runs: int) -> bool:
        quantile = student_quantile((1 + confidence) / 2, 2 * runs - 2)
        return quantile * math.sqrt(variance / runs) <= half

    few, many = 1, 2
    while not is_enough(many):
        few, many = many, 2 * many
    while many - few > 1:
        middle = (few + many) // 2
        few, many = (few, middle) if is_enough(middle) else (middle, many)
    return float(many)


def variance_ratio(first: Sequence[float] | Values, second: Sequence[float] | Values) -> float:
    """Return the variance of an unpaired difference over that of the paired one.

    Above 1, common random numbers helped; infinite where the paired difference never varied.

    Examples
    --------
    >>> round(variance_ratio([1.0, 2.0, 3.0], [1.1, 2.0, 3.2]))
    211
    """
    one, other = (np.asarray(values, dtype=np.float64) for values in (first, second))
    if one.size < 2:
        return math.nan
    apart, paired = one.var(ddof=1) + other.var(ddof=1), (other - one).var(ddof=1)
    if paired == 0:
        return math.nan if apart == 0 else math.inf
    return float(apart / paired)


def _standard_error(sample: Values) -> float:
    return float(sample.std(ddof=1)) / math.sqrt(sample.size)
