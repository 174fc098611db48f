"""Intervals for shares: how often something happened in so many trials."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from eda_sim.analysis.batch_means import BATCHES, adjusted_half_widths
from eda_sim.analysis.estimates import Estimate

_HEAPED = 4.0
"""How many messages are worth one independent trial where what happens comes in heaps."""
_FEWEST_BATCHES = 8


def wilson(successes: int, trials: int, *, confidence: float = 0.95) -> Estimate:
    """Return the share of successes in independent trials, with Wilson's interval.

    Messages of one run are not independent trials if what happens to one tells of the next (an
    outage loses many in a row): :func:`share_of_run` is for them.

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
    if not 0 <= successes <= trials:
        message = f"successes is {successes}: must be from 0 to trials, {trials}"
        raise ValueError(message)
    if trials == 0:
        return Estimate(math.nan, math.nan, math.nan)
    return _wilson(successes / trials, trials, confidence)


def share_of_run(happened: npt.NDArray[np.bool_], *, confidence: float = 0.95) -> Estimate:
    """Return the share of the messages of one run to which something happened, and its interval.

    Parameters
    ----------
    happened : array of bool
        Whether it happened to each message, in time order.
    confidence : float
        Probability that the interval covers the true share.

    Returns
    -------
    Estimate
        Wilson's interval of as many independent trials as the messages are worth: if batches of the
        run differ by more than chance, because an outage hits many in a row, they are worth less.
        If it never happened, or always, nothing tells how it would come, and every message counts
        as a trial. ``low`` and ``high`` are NaN with fewer than 40 messages, two per batch, and if
        it came in so few heaps (in fewer than 8 of 20 batches) that chance decides their number.

    References
    ----------
    Effective sample size with the t of so few batches: E. L. Korn, B. I. Graubard, "Confidence
    intervals for proportions with small expected number of positive counts estimated from survey
    data", Survey Methodology 24 (1998) 193-201; with Wilson's interval: C. Franco, R. J. A. Little,
    T. A. Louis, E. V. Slud, "Comparative study of confidence intervals for proportions in complex
    sample surveys", Journal of Survey Statistics and Methodology 7 (2019) 334-364.

    Examples
    --------
    >>> scattered = np.arange(10000) % 100 == 50
    >>> [round(number, 3) for number in share_of_run(scattered)]
    [0.01, 0.008, 0.012]
    >>> outage = np.arange(10000) // 100 == 50  # a hundred in a row
    >>> [round(number, 3) for number in share_of_run(outage)]
    [0.01, nan, nan]
    """
    count = happened.size
    if count == 0:
        return Estimate(math.nan, math.nan, math.nan)
    share = float(np.count_nonzero(happened)) / count
    if count < 2 * BATCHES:
        return Estimate(share, math.nan, math.nan)
    size = count // BATCHES
    shares = happened[: size * BATCHES].reshape(BATCHES, size).mean(axis=1)
    half, _ = adjusted_half_widths(shares, confidence=confidence, centre=share)
    worth = float(count)
    if half > 0 and 0 < share < 1:
        worth = min(worth, share * (1 - share) * (_normal_quantile(confidence) / half) ** 2)
        mixed = min(np.count_nonzero(shares > 0), np.count_nonzero(shares < 1))
        if worth < count / _HEAPED and mixed < _FEWEST_BATCHES:
            return Estimate(share, math.nan, math.nan)
    return _wilson(share, worth, confidence)


def _normal_quantile(confidence: float) -> float:
    from scipy.special import ndtri

    return float(ndtri((1 + confidence) / 2))


def _wilson(share: float, trials: float, confidence: float) -> Estimate:
    square = _normal_quantile(confidence) ** 2
    middle = (trials * share + square / 2) / (trials + square)
    half = math.sqrt(square * (trials * share * (1 - share) + square / 4)) / (trials + square)
    # At the ends the formula gives 0 and 1 but for rounding.
    low = 0.0 if share == 0 else middle - half
    high = 1.0 if share == 1 else middle + half
    return Estimate(share, low, high)
