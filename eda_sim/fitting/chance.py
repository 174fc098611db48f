"""Is a stream of arrivals a Poisson process? Four questions, each with a p-value.

A Poisson process has exponential gaps, gaps that know nothing of each other, a rate that stays the
same, and counts whose variance is their mean. Real streams fail in one of these, and which one says
what they are instead: other gaps make a renewal process, related gaps or excess variance make
bursts, a rate that moves makes a plan.

References
----------
.. [1] D. R. Cox, P. A. W. Lewis, "The Statistical Analysis of Series of Events" (1966), sections
   6.2 (conditional uniformity) and 6.3 (dispersion).
.. [2] G. M. Ljung, G. E. P. Box, "On a measure of lack of fit in time series models", Biometrika 65
   (1978) 297-303.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from eda_sim.fitting.families import FAMILIES
from eda_sim.fitting.goodness import goodness_of_fit

Values = npt.NDArray[np.float64]

LAGS = 10
PER_WINDOW = 20.0
"""Mean arrivals in a window of the dispersion test."""
EXPONENTIAL = "the gaps are exponential"
INDEPENDENT = "the gaps are independent"
STEADY = "the rate is constant"
DISPERSED = "counts vary as those of a Poisson process"


def ljung_box(values: Values, lags: int = LAGS) -> tuple[float, float]:
    """Test whether values in a row are related, by their ranks.

    Q = n (n + 2) times the sum over lags k of r_k^2 / (n - k), chi-squared with as many degrees of
    freedom as lags [2]_. Ranks take the place of values (as normal scores), so that a few huge gaps
    do not decide.

    Parameters
    ----------
    values : array
        In the order of time.
    lags : int
        Lags that are looked at; of a short row at most a quarter of it.

    Returns
    -------
    (float, float)
        Q and its p-value; (nan, nan) below 8 values.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> ljung_box(rng.normal(size=1000))[1] > 0.01, ljung_box(rng.normal(size=1000).cumsum())[1]
    (True, 0.0)
    """
    size = values.size
    lags = min(lags, size // 4)
    if lags < 2:
        return float("nan"), float("nan")
    scores = stats.norm.ppf((stats.rankdata(values) - 0.5) / size)
    scores -= scores.mean()
    power = float(np.dot(scores, scores))
    if power == 0.0:
        return 0.0, 1.0
    steps = np.arange(1, lags + 1)
    related = np.array([np.dot(scores[:-k], scores[k:]) / power for k in steps])
    statistic = float(size * (size + 2) * np.sum(related**2 / (size - steps)))
    return statistic, float(stats.chi2.sf(statistic, lags))


def conditional_uniformity(times: Values) -> tuple[float, float]:
    """Test whether the rate is constant: given their number, arrivals are uniform in time [1]_.

    Parameters
    ----------
    times : array
        Sorted, in seconds; the first and the last mark the time that is looked at.

    Returns
    -------
    (float, float)
        Statistic of Kolmogorov and Smirnov, and its p-value.

    Examples
    --------
    >>> conditional_uniformity(np.cumsum(np.linspace(1, 9, 1000)))[1] < 1e-6
    True
    """
    inner = (times[1:-1] - times[0]) / (times[-1] - times[0])
    result = stats.ks_1samp(inner, stats.uniform.cdf)
    return float(result.statistic), float(result.pvalue)


def dispersion(times: Values) -> tuple[float, float]:
    """Test whether counts in windows of 20 arrivals have their mean as their variance [1]_.

    Parameters
    ----------
    times : array
        Sorted, in seconds.

    Returns
    -------
    (float, float)
        Index of dispersion (variance / mean; 1 for Poisson), and its two-sided p-value; (nan, nan)
        below 5 windows.

    Examples
    --------
    >>> index, p = dispersion(np.arange(1000.0))
    >>> index < 0.1, p < 1e-6
    (True, True)
    """
    windows = int(times.size / PER_WINDOW)
    if windows < 5:
        return float("nan"), float("nan")
    counts, _ = np.histogram(times, bins=windows)
    index = float(counts.var(ddof=1) / counts.mean())
    law = stats.chi2(windows - 1)
    statistic = index * (windows - 1)
    return index, float(min(1.0, 2 * min(law.cdf(statistic), law.sf(statistic))))


def poisson_tests(times: Values, *, resamples: int) -> pd.DataFrame:
    """Ask the four questions.

    Parameters
    ----------
    times : array
        Sorted, in seconds, not all the same.
    resamples : int
        Samples of the bootstrap; 0 leaves out whether the gaps are exponential.

    Returns
    -------
    DataFrame
        ``question``, ``test``, ``statistic``, ``p``.
    """
    gaps = np.diff(times)
    shape = goodness_of_fit(FAMILIES["exponential"], gaps, resamples=resamples)
    rows = [
        (EXPONENTIAL, "Anderson-Darling", shape.ad, shape.ad_p),
        (INDEPENDENT, "Ljung-Box on ranks", *ljung_box(gaps)),
        (STEADY, "conditional uniformity", *conditional_uniformity(times)),
        (DISPERSED, "index of dispersion", *dispersion(times)),
    ]
    return pd.DataFrame(rows, columns=["question", "test", "statistic", "p"])
