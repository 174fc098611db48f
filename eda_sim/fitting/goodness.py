"""Whether a law that was fitted to a sample could have produced it.

The parameters come from the sample, so the tables of Kolmogorov and of Anderson and Darling are too
kind. The p-value is by parametric bootstrap: many samples from the fitted law, each fitted in
turn, and how often they lie as far from their fit [1]_.

No model is true, and every one is refused by a sample that is large enough. So at most 1,000
values, drawn from the sample, are tested: what they cannot tell apart is near enough to simulate.

References
----------
.. [1] W. Stute, W. Gonzales Manteiga, M. Presedo Quindimil, "Bootstrap based goodness-of-fit
   tests", Metrika 40 (1993) 243-256; :func:`scipy.stats.goodness_of_fit`.
"""

from __future__ import annotations

import math
import warnings
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import stats

from eda_sim.fitting.families import Family

Values = npt.NDArray[np.float64]

MOST_TESTED = 1_000
"""Values that are tested."""
SEED = 20_240_601
"""The same sample gets the same p-value."""


class Goodness(NamedTuple):
    """Distances between a sample and its fit, and how often chance alone makes them as large.

    Attributes
    ----------
    ks, ks_p : float
        Statistic of Kolmogorov and Smirnov (largest difference of shares), and its p-value.
    ad, ad_p : float
        Statistic of Anderson and Darling, which looks at the tails, and its p-value; NaN for
        families whose range ends where the sample ends.
    """

    ks: float
    ks_p: float
    ad: float
    ad_p: float

    @property
    def refused(self) -> bool:
        """Whether one of the p-values is 0.01 or less (99 samples of the bootstrap at least)."""
        return self.ks_p <= REFUSED or self.ad_p <= REFUSED


REFUSED = 0.01


def goodness_of_fit(family: Family, sample: Values, *, resamples: int) -> Goodness:
    """Test a family against a sample.

    Parameters
    ----------
    family : Family
        Its parameters are fitted to what is tested.
    sample : array
        Durations in seconds; of more than 1,000, that many are tested.
    resamples : int
        Samples of the bootstrap; 0 leaves the p-values out (NaN).

    Returns
    -------
    Goodness

    Examples
    --------
    >>> from eda_sim.fitting.families import FAMILIES
    >>> flat = np.random.default_rng(1).uniform(size=200)
    >>> goodness_of_fit(FAMILIES["exponential"], flat, resamples=99).refused
    True
    """
    rng = np.random.default_rng(SEED)
    tested = sample if sample.size <= MOST_TESTED else rng.choice(sample, MOST_TESTED, False)  # noqa: FBT003
    measured = []
    for statistic in ("ks", "ad"):
        if statistic == "ad" and family.edge:
            measured += [math.nan, math.nan]
            continue
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            # A value so far out that its probability is 0 makes the distance infinite: a refusal.
            warnings.simplefilter("ignore", RuntimeWarning)
            result = stats.goodness_of_fit(
                family.law,
                tested,
                known_params=family.known,
                statistic=statistic,
                n_mc_samples=max(resamples, 1),
                rng=rng,
            )
        p = float(result.pvalue) if resamples and math.isfinite(result.statistic) else math.nan
        if resamples and not math.isfinite(result.statistic):
            p = 1 / (resamples + 1)
        measured += [float(result.statistic), p]
    return Goodness(*measured)
