"""Durations: which distribution a sample of them comes from.

The words
---------
candidate
    A family with the parameters that make the sample most likely.
AIC
    Akaike's information criterion, 2 (number of parameters) - 2 (log likelihood): the smaller, the
    better a candidate foretells further values [1]_. Candidates are ranked by it. A difference
    below 2 is no evidence, so among those the one with the fewest parameters is taken ([2]_,
    section 2.6).
as is
    The values themselves, each as likely as any other: taken where chance alone explains the
    distance between the sample and its best candidate in less than one case of a hundred.

References
----------
.. [1] H. Akaike, "A new look at the statistical model identification", IEEE Transactions on
   Automatic Control 19 (1974) 716-723.
.. [2] K. P. Burnham, D. R. Anderson, "Model Selection and Multimodel Inference", 2nd ed. (2002).
.. [3] A. M. Law, "Simulation Modeling and Analysis", 5th ed. (2015), chapter 6.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypedDict

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from eda_sim.fitting.errors import FitError
from eda_sim.fitting.families import FAMILIES, Family, NotThisFamilyError, Parameters, rounded
from eda_sim.fitting.goodness import Goodness, goodness_of_fit
from eda_sim.fitting.samples import Numbers, checked
from eda_sim.fitting.spelling import spelled_distribution
from eda_sim.fitting.uncertainty import Interval, intervals
from eda_sim.spec import Constant, Empirical, ScenarioError
from eda_sim.spec.distributions import Distribution

if TYPE_CHECKING:
    from eda_sim.plots.fitting import DistributionPlots

Values = npt.NDArray[np.float64]

AS_IS = "as_is"
LEAST = 2
NO_EVIDENCE = 2.0
"""Difference of AIC that is none."""
MOST_AS_IS = 5_000
"""Values of a distribution as is; of more, as many quantiles."""
_EQUAL = 1e-9
"""Relative differences that clocks and doubles make."""
_TOO_FAR = "the values lie too far apart for its parameters to be numbers"
_POINTS = 400
"""Points of a QQ plot."""


class Options(TypedDict):
    """What every fit takes: confidence of intervals, and samples of the bootstrap."""

    confidence: float
    resamples: int


@dataclass(frozen=True)
class Candidate:
    """A family with the parameters that make the sample most likely.

    Attributes
    ----------
    family : str
        Its name in a scenario.
    parameters : dict
        Parameter -> estimate (s, or 1).
    intervals : dict
        Parameter -> (low, high).
    log_likelihood, aic : float
        How likely it makes the sample; the smaller its AIC, the better.
    goodness : Goodness
        Distances and p-values.
    distribution : Distribution
        The object that a scenario takes.
    """

    family: str
    parameters: Parameters
    intervals: dict[str, Interval]
    log_likelihood: float
    aic: float
    goodness: Goodness
    distribution: Distribution

    @property
    def text(self) -> str:
        """The distribution as a scenario file spells it."""
        return spelled_distribution(self.distribution)


@dataclass(frozen=True, repr=False)
class DistributionFit:
    """Every candidate for a sample of durations, and the one to take.

    Attributes
    ----------
    sample : array
        The durations (s), sorted.
    candidates : tuple of Candidate
        By AIC, the best first; empty if all values are the same.
    left_out : dict
        Family -> why it is no candidate.
    confidence : float
        Of the intervals.
    """

    sample: Values
    candidates: tuple[Candidate, ...]
    left_out: dict[str, str]
    confidence: float = 0.95

    @property
    def best(self) -> Candidate | None:
        """The candidate with the least AIC; of those within 2 of it, the one of fewest parameters.

        None if there is no candidate, because all values are the same.
        """
        if not self.candidates:
            return None
        least = self.candidates[0].aic
        near = [each for each in self.candidates if each.aic - least < NO_EVIDENCE]
        return min(near, key=lambda each: (len(each.parameters), each.aic))

    @cached_property
    def as_is(self) -> Empirical:
        """The values themselves; of more than 5,000, as many quantiles with the same mean."""
        return Empirical(values=tuple(rounded(value) for value in thinned(self.sample)))

    @property
    def chosen(self) -> str:
        """Name of what :attr:`distribution` is: a family, ``constant`` or ``as_is``."""
        if self.best is None:
            return "constant"
        return AS_IS if self.best.goodness.refused else self.best.family

    @property
    def distribution(self) -> Distribution:
        """What to put into a scenario: the best candidate, or the values as they are."""
        if self.best is None:
            return Constant(value=rounded(float(self.sample.mean())))
        return self.as_is if self.chosen == AS_IS else self.best.distribution

    @property
    def text(self) -> str:
        """The distribution as a scenario file spells it."""
        return spelled_distribution(self.distribution)

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per candidate, the best first.

        ``family``, ``text`` (as in a scenario), ``parameters`` (how many), ``log_likelihood``,
        ``aic``, ``aic_difference`` from the least, ``mean_s`` and ``scv`` (of the candidate),
        ``ks``, ``ks_p``, ``ad``, ``ad_p``, and ``chosen``.
        """
        rows = [
            {
                "family": each.family,
                "text": each.text,
                "parameters": len(each.parameters),
                "log_likelihood": each.log_likelihood,
                "aic": each.aic,
                "aic_difference": each.aic - self.candidates[0].aic,
                "mean_s": each.distribution.mean,
                "scv": each.distribution.scv,
                **each.goodness._asdict(),
                "chosen": each.family == self.chosen,
            }
            for each in self.candidates
        ]
        return pd.DataFrame(rows)

    @cached_property
    def parameters(self) -> pd.DataFrame:
        """One row per candidate and parameter: ``value`` with ``low`` and ``high`` (s, or 1)."""
        rows = [
            (each.family, name, value, *each.intervals[name])
            for each in self.candidates
            for name, value in each.parameters.items()
        ]
        return pd.DataFrame(rows, columns=["family", "parameter", "value", "low", "high"])

    @property
    def explanation(self) -> str:
        """Why this distribution, in words."""
        best, size = self.best, f"{self.sample.size:,} values"
        if best is None:
            return f"{size}, all the same: a constant."
        found = f"{size}; {best.family} is the most likely family"
        second = next((each for each in self.candidates if each is not best), None)
        if best is not self.candidates[0]:
            lead = best.aic - self.candidates[0].aic
            found = (
                f"{size}; {best.family} has fewer parameters than {self.candidates[0].family}, "
                f"whose AIC {lead:.2g} below it is no evidence"
            )
        elif second is not None:
            found += f" (AIC {second.aic - best.aic:,.1f} below {second.family})"
        goodness = best.goodness
        if math.isnan(goodness.ks_p):
            return f"{found}. It was not tested."
        p = min(p for p in (goodness.ks_p, goodness.ad_p) if not math.isnan(p))
        if goodness.refused:
            return (
                f"{found}, but chance explains its distance from the sample with p = {p:.3g} only "
                f"(largest difference of shares {goodness.ks:.3f}): taken as is."
            )
        return f"{found}, and the sample does not speak against it (least p = {p:.2g})."

    def quantiles(self, family: str | None = None) -> pd.DataFrame:
        """Return the quantiles of sample and candidate, for a QQ plot.

        Parameters
        ----------
        family : str, optional
            Of the candidates; the best without it.

        Returns
        -------
        DataFrame
            ``family``, ``probability``, ``model_s``, ``sample_s``, and ``low_s``, ``high_s``: where
            a sample of the candidate has this quantile in 95 of 100 cases.

        Raises
        ------
        FitError
            If there is no such candidate.
        """
        chosen = next((c for c in self.candidates if c.family == family), self.best)
        if chosen is None or family not in (None, chosen.family):
            names = ", ".join(each.family for each in self.candidates) or "none: a constant"
            message = f"family {family!r}: no candidate; must be one of {names}"
            raise FitError(message)
        ranks = _telling_ranks(self.sample.size)
        law = FAMILIES[chosen.family].frozen(chosen.parameters)
        places = stats.beta(ranks, self.sample.size + 1 - ranks)
        probability = (ranks - 0.5) / self.sample.size
        return pd.DataFrame(
            {
                "family": chosen.family,
                "probability": probability,
                "model_s": law.ppf(probability),
                "sample_s": self.sample[ranks - 1],
                "low_s": law.ppf(places.ppf(0.025)),
                "high_s": law.ppf(places.ppf(0.975)),
            }
        )

    @property
    def plot(self) -> DistributionPlots:
        """The figures: ``fit.plot.qq()``."""
        from eda_sim.plots.fitting import DistributionPlots

        return DistributionPlots(self.quantiles)

    def __repr__(self) -> str:
        text = f"empirical({self.sample.size:,} values)" if self.chosen == AS_IS else self.text
        return f"DistributionFit({text}: {self.explanation})"

    def _repr_html_(self) -> str:
        return f"<p>{self.explanation}</p>{self.table.to_html(index=False)}"


def fit_durations(
    sample: Numbers,
    *,
    confidence: float = 0.95,
    resamples: int = 199,
    what: str = "sample",
) -> DistributionFit:
    """Fit every family to a sample of durations.

    Parameters
    ----------
    sample : array-like
        Durations in seconds.
    confidence : float
        Of the intervals of the parameters.
    resamples : int
        Samples of the bootstrap behind each p-value, 99 or more; with 0 there is none.
    what : str
        What an error calls the sample.

    Returns
    -------
    DistributionFit

    Raises
    ------
    FitError
        If the sample has fewer than 2 values, or one that is no duration.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> fit = fit_durations(rng.lognormal(mean=-4, sigma=1, size=2_000))
    >>> fit.chosen
    'lognormal'
    """
    values = np.sort(checked(sample, what, least=LEAST))
    if values[-1] - values[0] <= _EQUAL * values[-1]:
        return DistributionFit(values, (), dict.fromkeys(FAMILIES, "all values are the same"))
    candidates, left_out = [], {}
    for name, family in FAMILIES.items():
        try:
            candidates.append(_candidate(family, values, confidence, resamples))
        except NotThisFamilyError as error:
            left_out[name] = str(error)
    candidates.sort(key=lambda each: each.aic)
    return DistributionFit(values, tuple(candidates), left_out, confidence)


def thinned(sample: Values, most: int = MOST_AS_IS) -> Values:
    """Return a sorted sample, or as many means of neighbours, which keep its mean.

    Examples
    --------
    >>> thinned(np.arange(6.0), most=3).tolist()
    [0.5, 2.5, 4.5]
    """
    if sample.size <= most:
        return sample
    # Cumulative sums at equal shares of the sample, also where these lie between two values.
    sums = np.concatenate([[0.0], np.cumsum(sample)])
    cuts = np.linspace(0, sample.size, most + 1)
    means = np.diff(np.interp(cuts, np.arange(sample.size + 1), sums)) * most / sample.size
    return np.asarray(means, dtype=np.float64)


def _candidate(family: Family, values: Values, confidence: float, resamples: int) -> Candidate:
    if family.positive and values[0] <= 0:
        message = "it cannot be 0, and the sample is"
        raise NotThisFamilyError(message)
    try:
        with np.errstate(over="raise", divide="raise", invalid="raise"):
            parameters = family.estimate(values)
        distribution = family.distribution(parameters)
    except ArithmeticError:
        raise NotThisFamilyError(_TOO_FAR) from None
    except ScenarioError as error:
        message = f"beyond the bounds of a scenario: {error}"
        raise NotThisFamilyError(message) from None
    with np.errstate(all="ignore"):
        likelihood = family.log_likelihood(parameters, values)
        if not math.isfinite(likelihood):
            raise NotThisFamilyError(_TOO_FAR)
        limits = intervals(family, parameters, values, confidence=confidence)
    return Candidate(
        family=family.name,
        parameters=parameters,
        intervals=limits,
        log_likelihood=likelihood,
        aic=2 * len(parameters) - 2 * likelihood,
        goodness=goodness_of_fit(family, values, resamples=resamples),
        distribution=distribution,
    )


def _telling_ranks(size: int) -> npt.NDArray[np.int64]:
    """Return ranks from 1 to size, all of a small sample, and the more the nearer to an end."""
    if size <= _POINTS:
        return np.arange(1, size + 1)
    logits = np.linspace(-math.log(2 * size), math.log(2 * size), _POINTS)
    ranks = np.ceil(size / (1 + np.exp(-logits))).astype(np.int64)
    return np.unique(np.clip(ranks, 1, size))
