"""Intervals for shares: how often something happened in so many trials."""

from __future__ import annotations

import math

from eda_sim.analysis.estimates import Estimate


def wilson(successes: int, trials: int, *, confidence: float = 0.95) -> Estimate:
    """Return the share of successes in independent trials, with Wilson's interval.

    Messages of one run are not independent trials if what happens to one tells of the next (an
    outage loses many in a row): then the shares of replications, or of batches, are the sample.

    Parameters
    ----------
    successes, trials : int
        How often it happened, and in how many trials.
    confidence : float
        Probability that the interval covers the true share.

    Returns
    -------
    Estimate
        All of it NaN without trials. The interval is within [0, 1], and it has a length also if
        nothing, or all, happened.

    Raises
    ------
    ValueError
        If there are more successes than trials, or one is negative.

    References
    ----------
    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", Journal
    of the American Statistical Association 22 (1927) 209-212; L. D. Brown, T. T. Cai, A. DasGupta,
    "Interval estimation for a binomial proportion", Statistical Science 16 (2001) 101-133,
    equation 4, who recommend it.

    Examples
    --------
    >>> [round(number, 4) for number in wilson(0, 100)]
    [0.0, 0.0, 0.037]
    """
    from scipy.special import ndtri

    if not 0 <= successes <= trials:
        message = f"successes is {successes}: must be from 0 to trials, {trials}"
        raise ValueError(message)
    if trials == 0:
        return Estimate(math.nan, math.nan, math.nan)
    share = successes / trials
    square = float(ndtri((1 + confidence) / 2)) ** 2
    middle = (successes + square / 2) / (trials + square)
    half = math.sqrt(square * (trials * share * (1 - share) + square / 4)) / (trials + square)
    # At the ends the formula gives 0 and 1 but for rounding.
    low = 0.0 if successes == 0 else middle - half
    high = 1.0 if successes == trials else middle + half
    return Estimate(share, low, high)
