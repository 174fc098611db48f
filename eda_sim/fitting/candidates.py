"""Candidates for a stream of arrivals, each with its parameters, intervals and likelihood."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eda_sim.fitting import bursts
from eda_sim.fitting.durations import DistributionFit
from eda_sim.fitting.families import NotThisFamilyError, Parameters, rounded
from eda_sim.fitting.plans import most_likely_plan
from eda_sim.fitting.spelling import spelled_arrivals
from eda_sim.fitting.uncertainty import Interval, by_information, chi_squared
from eda_sim.spec import (
    ModulatedArrivals,
    PiecewiseArrivals,
    PoissonArrivals,
    RenewalArrivals,
    ScenarioError,
)
from eda_sim.spec.arrivals import AnyArrivals

Values = npt.NDArray[np.float64]

LEAST_FOR_BURSTS = 100
LEAST_VISITS = 10.0
MOST_SEGMENTS = 50
_SILENT = 1e-6
"""A rate that is so small a part of the mean is silence."""


@dataclass(frozen=True)
class ArrivalCandidate:
    """A process with the parameters that make the gaps most likely.

    Attributes
    ----------
    process : str
        Its name in a scenario.
    parameters : dict
        Parameter -> estimate (1/s, s, or 1).
    intervals : dict
        Parameter -> (low, high).
    counted : int
        Free parameters.
    log_likelihood : float
        Of the gaps.
    arrivals : arrival process
        The object that a scenario takes.
    reason : str
        What is to be seen in the data if this process is the one.
    """

    process: str
    parameters: Parameters
    intervals: dict[str, Interval]
    counted: int
    log_likelihood: float
    arrivals: AnyArrivals
    reason: str

    @property
    def aic(self) -> float:
        """Akaike's information criterion."""
        return 2 * self.counted - 2 * self.log_likelihood

    @property
    def text(self) -> str:
        """The process as a scenario file spells it."""
        return spelled_arrivals(self.arrivals)

    def of_prefix(self, prefix: str) -> list[float]:
        """Return the parameters whose names begin so, in their order."""
        return [value for name, value in self.parameters.items() if name.startswith(prefix)]


def as_poisson(gaps: Values, confidence: float) -> ArrivalCandidate:
    """Return the Poisson process; its interval is exact.

    Examples
    --------
    >>> as_poisson(np.array([0.5, 1.5]), 0.95).parameters
    {'rate': 1.0}
    """
    size, span = gaps.size, float(gaps.sum())
    rate = size / span
    return ArrivalCandidate(
        process="poisson",
        parameters={"rate": rate},
        intervals={"rate": _of_rate(size, span, confidence)},
        counted=1,
        log_likelihood=size * math.log(rate) - size,
        arrivals=PoissonArrivals(rate=rounded(rate)),
        reason="gaps are exponential and independent, at one rate",
    )


def as_renewal(fit: DistributionFit) -> ArrivalCandidate:
    """Return independent gaps of the best family.

    Raises
    ------
    NotThisFamilyError
        If no family has a finite mean, or the best one is the exponential.
    """
    usable = [each for each in fit.candidates if math.isfinite(each.distribution.mean)]
    if not usable:
        message = "no family with a mean fits the gaps"
        raise NotThisFamilyError(message)
    best = fit.best if fit.best in usable and fit.best is not None else usable[0]
    if best.family == "exponential":
        message = "the exponential is the most likely family of gaps: that is poisson"
        raise NotThisFamilyError(message)
    refused = best.goodness.refused
    return ArrivalCandidate(
        process="renewal",
        parameters=best.parameters,
        intervals=best.intervals,
        counted=len(best.parameters),
        log_likelihood=best.log_likelihood,
        arrivals=RenewalArrivals(interval=fit.as_is if refused else best.distribution),
        reason=f"gaps are {best.family} (scv {best.distribution.scv:.3g}; Poisson has 1)"
        + (", and not quite: taken as they are" if refused else ""),
    )


def as_bursts(gaps: Values, confidence: float) -> ArrivalCandidate:
    """Return a Poisson process whose rate jumps between two values.

    Raises
    ------
    NotThisFamilyError
        If there are too few gaps, or too few visits to the states to know how long they last.
    """
    if gaps.size < LEAST_FOR_BURSTS:
        message = f"fewer than {LEAST_FOR_BURSTS} gaps do not show bursts"
        raise NotThisFamilyError(message)
    parameters = bursts.most_likely_bursts(gaps)
    first, second, duration, other = (parameters[name] for name in bursts.NAMES)
    number = bursts.visits(parameters, float(gaps.sum()))
    if number < LEAST_VISITS:
        message = f"its states would be visited {number:.2g} times in all, too few to know them"
        raise NotThisFamilyError(message)
    mean = gaps.size / float(gaps.sum())
    slow = rounded(second) if second > _SILENT * mean else 0.0
    try:
        arrivals = ModulatedArrivals(
            rates=(rounded(first), slow), mean_durations=(rounded(duration), rounded(other))
        )
    except ScenarioError as error:
        message = f"beyond the bounds of a scenario: {error}"
        raise NotThisFamilyError(message) from None
    return ArrivalCandidate(
        process="mmpp",
        parameters=parameters,
        intervals=by_information(
            lambda at: bursts.log_likelihood(at, gaps), parameters, confidence=confidence
        ),
        counted=len(parameters),
        log_likelihood=bursts.log_likelihood(parameters, gaps),
        arrivals=arrivals,
        reason=f"the rate jumps between {first:.4g}/s and {second:.4g}/s about {number:,.0f} times",
    )


def as_plan(times: Values, confidence: float) -> ArrivalCandidate:
    """Return a Poisson process whose rate changes at a few moments.

    Raises
    ------
    NotThisFamilyError
        If the rate never changes, or too often to be a plan.
    """
    plan = most_likely_plan(times)
    size = len(plan.counts)
    if size == 1:
        message = "the rate does not change"
        raise NotThisFamilyError(message)
    if size > MOST_SEGMENTS:
        message = f"the rate would change {size - 1} times, too often for a plan"
        raise NotThisFamilyError(message)
    rates, durations = plan.rates.tolist(), plan.durations.tolist()
    parameters = {f"rate_{k + 1}": rate for k, rate in enumerate(rates)}
    intervals = {
        f"rate_{k + 1}": _of_rate(count, duration, confidence)
        for k, (count, duration) in enumerate(zip(plan.counts.tolist(), durations, strict=True))
    }
    parameters |= {f"duration_{k + 1}": duration for k, duration in enumerate(durations)}
    intervals |= {f"duration_{k + 1}": (math.nan, math.nan) for k in range(size)}
    return ArrivalCandidate(
        process="piecewise",
        parameters=parameters,
        intervals=intervals,
        counted=plan.parameters,
        log_likelihood=plan.log_likelihood,
        arrivals=PiecewiseArrivals(
            rates=tuple(rounded(rate) for rate in rates),
            durations=tuple(rounded(duration) for duration in durations[:-1]),
        ),
        reason=f"the rate changes at {size - 1} moment{'s' if size > 2 else ''}",
    )


def _of_rate(count: float, span: float, confidence: float) -> Interval:
    """Return the exact interval of a rate from a count that was waited for."""
    if count <= 0:
        return 0.0, -math.log(1 - confidence) / span
    low, high = chi_squared(confidence, 2 * count)
    return low / (2 * span), high / (2 * span)
