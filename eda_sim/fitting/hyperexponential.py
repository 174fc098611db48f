"""The mixture of two exponentials, which SciPy does not have, as one of SciPy's laws.

References
----------
.. [1] A. P. Dempster, N. M. Laird, D. B. Rubin, "Maximum likelihood from incomplete data via the EM
   algorithm", Journal of the Royal Statistical Society B 39 (1977) 1-38, section 4.3.
.. [2] W. Whitt, "Approximating a point process by a renewal process", Operations Research 30 (1982)
   125-147, eq. 3.8 (balanced means: where the search begins).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import optimize, special, stats

Values = npt.NDArray[np.float64]

FEW = 4_000
"""Values on which the starts of the search are tried; the best one goes on with all of them."""
_SLOPE, _BOOTSTRAP_SLOPE = 1e-7, 1e-4
_SPREAD = 1e-6
"""A probability, or a ratio of means, that is nearer to 0 or 1 is not a second phase."""


_Continuous: Any = stats.rv_continuous


class HyperexponentialLaw(_Continuous):  # type: ignore[misc]
    """Exponential with mean ``scale``, or with probability 1 - p one with ``ratio`` times that.

    Its shapes are ``probability`` and ``ratio``, as SciPy has no law of this kind.
    """

    def _argcheck(self, probability: Any, ratio: Any) -> Any:
        return (probability >= 0) & (probability <= 1) & (ratio > 0)

    def _logpdf(self, x: Any, probability: Any, ratio: Any) -> Any:
        return np.logaddexp(
            np.log(probability) - x, np.log1p(-probability) - np.log(ratio) - x / ratio
        )

    def _pdf(self, x: Any, probability: Any, ratio: Any) -> Any:
        return np.exp(self._logpdf(x, probability, ratio))

    def _cdf(self, x: Any, probability: Any, ratio: Any) -> Any:
        return -(probability * np.expm1(-x) + (1 - probability) * np.expm1(-x / ratio))

    def _sf(self, x: Any, probability: Any, ratio: Any) -> Any:
        return probability * np.exp(-x) + (1 - probability) * np.exp(-x / ratio)

    def _logcdf(self, x: Any, probability: Any, ratio: Any) -> Any:
        return np.log(self._cdf(x, probability, ratio))  # SciPy's own way looks for the median

    def _logsf(self, x: Any, probability: Any, ratio: Any) -> Any:
        return np.logaddexp(np.log(probability) - x, np.log1p(-probability) - x / ratio)

    def _rvs(self, probability: Any, ratio: Any, size: Any = None, random_state: Any = None) -> Any:
        first = random_state.uniform(size=size) < probability
        return random_state.standard_exponential(size=size) * np.where(first, 1.0, ratio)

    def fit(self, data: Any, *args: Any, **fixed: Any) -> Any:
        """Return probability, ratio, location and scale of greatest likelihood, nearly.

        It is for the bootstrap, which fits hundreds of samples: the search has one start, and ends
        where it is a hundred times nearer to the top than chance brought the top to the truth.
        """
        del args, fixed  # the location is 0
        sample = np.asarray(data, dtype=float)
        probability, first, second = most_likely_phases(sample, slope=_BOOTSTRAP_SLOPE)
        return probability, second / first, 0.0, first


hyperexponential = HyperexponentialLaw(a=0.0, name="hyperexponential", shapes="probability, ratio")
"""The law itself, in the place where SciPy has ``scipy.stats.expon``."""


def most_likely_phases(sample: Values, *, slope: float = _SLOPE) -> tuple[float, float, float]:
    """Return the probability of the shorter phase and both means, of greatest likelihood.

    The likelihood is climbed by quasi-Newton steps (BFGS) instead of the EM steps of [1]_, which
    end at the same place after many more.

    Parameters
    ----------
    sample : array
        Durations in seconds, none negative, not all 0.
    slope : float
        Slope of the mean log likelihood at which the search ends; at more than the usual one it
        has a single start.

    Returns
    -------
    (float, float, float)
        Probability of the shorter phase, its mean and the mean of the longer one (s). Equal means,
        or a probability of 0 or 1, if a single exponential is as likely.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> phases = rng.exponential(np.where(rng.uniform(size=20_000) < 0.8, 0.01, 0.1))
    >>> [round(float(number), 2) for number in most_likely_phases(phases)]
    [0.8, 0.01, 0.1]
    """
    mean = float(sample.mean())
    scaled = sample / mean
    few = scaled if scaled.size <= FEW else scaled[:: scaled.size // FEW]
    starts = sorted(_starts(few), key=lambda start: _loss(start, few)[0])
    if slope > _SLOPE:
        starts = starts[:1]
    found = min((_climbed(few, start, slope) for start in starts), key=lambda end: float(end.fun))
    if few is not scaled:
        found = _climbed(scaled, found.x, slope)
    first, second, logit = np.clip(found.x, -20.0, 20.0)
    means, probability = np.exp([first, second]) * mean, float(special.expit(logit))
    if means[0] > means[1]:
        means, probability = means[::-1], 1 - probability
    return probability, float(means[0]), float(means[1])


def is_one_phase(probability: float, first: float, second: float) -> bool:
    """Return whether a mixture is a single exponential in disguise.

    Examples
    --------
    >>> is_one_phase(0.8, 0.01, 0.1), is_one_phase(1.0, 0.01, 0.1)
    (False, True)
    """
    return min(probability, 1 - probability) < _SPREAD or second / first < 1 + 1e-3


def _starts(scaled: Values) -> list[Values]:
    squared = max(float(scaled.var()), 1.05)  # of the coefficient of variation: the mean is 1
    root = np.sqrt((squared - 1) / (squared + 1))
    balanced = np.array([(1 + root) / 2, (1 - root) / 2])
    return [
        np.array([*np.log(0.5 / balanced), special.logit(balanced[0])]),
        np.array([np.log(0.2), np.log(1.5), special.logit(0.3)]),
        np.array([np.log(0.8), np.log(5.0), special.logit(0.95)]),
    ]


def _climbed(scaled: Values, start: Values, slope: float) -> optimize.OptimizeResult:
    return optimize.minimize(
        _loss, start, args=(scaled,), jac=True, method="BFGS", options={"gtol": slope}
    )


def _loss(at: Values, scaled: Values) -> tuple[float, Values]:
    """Return the mean negative log likelihood and its slope."""
    first, second, logit = np.clip(at, -20.0, 20.0)  # beyond, there is no second phase
    rates = np.exp(-np.array([first, second]))
    one = -np.logaddexp(0.0, -logit) - first - scaled * rates[0]
    two = -np.logaddexp(0.0, logit) - second - scaled * rates[1]
    both = np.logaddexp(one, two)
    share = np.exp(one - both)  # probability that a value came from the first phase
    slope = np.array(
        [
            np.mean(share * (scaled * rates[0] - 1)),
            np.mean((1 - share) * (scaled * rates[1] - 1)),
            np.mean(share) - special.expit(logit),
        ]
    )
    return -float(both.mean()), -slope
