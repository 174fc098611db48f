"""Intervals for quantiles, from observations that are independent of each other.

The words
---------
order statistic
    The k-th smallest observation. How many of n independent observations are below the true
    quantile is a binomial number, whatever the law; so two order statistics hold the quantile
    between them with a probability that is known exactly.
pooled
    Replications are independent of each other, their observations are not. The quantile of all of
    them together is estimated by counting in each replication the share that is not above a level;
    these shares are the independent sample.

References
----------
.. [1] H. A. David, H. N. Nagaraja, "Order Statistics", 3rd ed. (2003), section 7.1.
.. [2] R. S. Woodruff, "Confidence intervals for medians and other position measures", Journal of
   the American Statistical Association 47 (1952) 635-646.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from eda_sim.analysis.estimates import Estimate
from eda_sim.analysis.intervals import quantiles
from eda_sim.analysis.replications import student_quantile

Values = npt.NDArray[np.float64]


def quantile_of_independent(
    values: Sequence[float] | Values, probability: float, *, confidence: float = 0.95
) -> Estimate:
    """Return a quantile of independent observations and its interval by order statistics.

    Parameters
    ----------
    values : sequence of float
        Independent observations: of replications (the p99 of each, say, for the median p99), not
        the messages of one run.
    probability : float
        Strictly between 0 and 1.
    confidence : float
        Probability, at least, that the interval covers the true quantile, whatever the law.

    Returns
    -------
    Estimate
        The quantile is a value that occurred. ``low`` is minus infinity, or ``high`` infinity, if
        there are too few observations to say: a 99th percentile needs 368 for an upper end at 95 %
        confidence. All of it is NaN without observations.

    Raises
    ------
    ValueError
        If the probability is not between 0 and 1.

    References
    ----------
    David & Nagaraja [1]_, equation 7.1.2: the chance that fewer than r, or at least s, of n
    observations are below the quantile is at most half of what may go wrong, each.

    Examples
    --------
    >>> quantile_of_independent(range(1, 101), 0.5)
    Estimate(value=50.0, low=40.0, high=61.0)
    """
    from scipy.special import bdtr

    _check(probability)
    sample = np.sort(np.asarray(values, dtype=np.float64))
    count = sample.size
    if count == 0:
        return Estimate(math.nan, math.nan, math.nan)
    value = float(quantiles(sample, np.array([probability]))[0])
    wrong = (1 - confidence) / 2
    at_most = bdtr(np.arange(count + 1), count, probability)  # P(at most k below)
    # P(quantile < r-th) = P(fewer than r below): the largest r for which that is rare enough.
    lower = int(np.searchsorted(at_most, wrong, side="right"))
    # P(quantile > s-th) = P(at least s below): the smallest s for which that is rare enough.
    upper = int(np.searchsorted(at_most, 1 - wrong, side="left")) + 1
    low = float(sample[lower - 1]) if lower >= 1 else -math.inf
    high = float(sample[upper - 1]) if upper <= count else math.inf
    return Estimate(value, low, high)


def quantile_over_replications(
    replications: Sequence[Sequence[float] | Values],
    probability: float,
    *,
    confidence: float = 0.95,
) -> Estimate:
    """Return a quantile of all observations of several runs, and its interval.

    Parameters
    ----------
    replications : sequence of sequence of float
        Observations of each run; they may depend on each other within a run.
    probability : float
        Strictly between 0 and 1.
    confidence : float
        Probability that the interval covers the true quantile.

    Returns
    -------
    Estimate
        Of all observations together, longer runs with more weight. ``low`` is minus infinity, or
        ``high`` infinity, if the runs are too few or too short to say. Without an interval (NaN)
        for fewer than two runs.

    Raises
    ------
    ValueError
        If the probability is not between 0 and 1.

    References
    ----------
    Woodruff [2]_: an interval for the share below the quantile, read as an interval of levels. The
    spread of the shares is that of a ratio of means over the runs (W. G. Cochran, "Sampling
    Techniques", 3rd ed. (1977), equation 6.9), with Student's t.

    Examples
    --------
    >>> runs = np.random.default_rng(1).exponential(size=(10, 500))
    >>> quantile_over_replications(runs, 0.9).holds(2.302585)
    True
    """
    _check(probability)
    runs = [np.asarray(values, dtype=np.float64) for values in replications]
    runs = [values for values in runs if values.size]
    if not runs:
        return Estimate(math.nan, math.nan, math.nan)
    together = np.sort(np.concatenate(runs))
    value = float(quantiles(together, np.array([probability]))[0])
    if len(runs) < 2:
        return Estimate(value, math.nan, math.nan)
    below = np.array([np.count_nonzero(values <= value) for values in runs])
    sizes = np.array([values.size for values in runs])
    share = below.sum() / sizes.sum()
    spread = float(np.square(below - share * sizes).sum()) / (len(runs) - 1)
    error = math.sqrt(spread / len(runs)) / float(sizes.mean())
    half = student_quantile((1 + confidence) / 2, len(runs) - 1) * error
    ranks = (
        math.floor((probability - half) * together.size),
        math.ceil((probability + half) * together.size),
    )
    low = float(together[ranks[0] - 1]) if ranks[0] >= 1 else -math.inf
    high = float(together[ranks[1]]) if ranks[1] < together.size else math.inf
    return Estimate(value, low, high)


def _check(probability: float) -> None:
    if not 0 < probability < 1:
        message = f"probability is {probability}: must be between 0 and 1"
        raise ValueError(message)
