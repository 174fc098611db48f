"""How sure the parameters of a fit are.

Where the law is smooth in its parameters the interval comes from the observed Fisher information,
taken in logarithms (of a probability: in log odds), where likelihoods are nearer to parabolas and
intervals cannot leave the range. Ends of a range are estimated by the outermost value, and have
exact intervals.

References
----------
.. [1] Y. Pawitan, "In All Likelihood" (2001), sections 2.6 (transformed parameters) and 9.7
   (the information as a matrix).
.. [2] N. L. Johnson, S. Kotz, N. Balakrishnan, "Continuous Univariate Distributions", 2nd ed.:
   vol. 1 (1994) section 20.4.2 for Pareto; vol. 2 (1995) section 26.4 for the uniform law.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy import special, stats

from eda_sim.fitting.families import MOST_STAGES, Family, Parameters

Values = npt.NDArray[np.float64]
Interval = tuple[float, float]

UNKNOWN: Interval = (math.nan, math.nan)
_STEP = 1e-3


def intervals(
    family: Family, parameters: Parameters, sample: Values, *, confidence: float
) -> dict[str, Interval]:
    """Return the confidence interval of each parameter.

    Parameters
    ----------
    family : Family
        What was fitted.
    parameters : dict
        The estimates.
    sample : array
        Durations in seconds.
    confidence : float
        Between 0 and 1.

    Returns
    -------
    dict
        Parameter -> (low, high); NaN where the sample does not say.
    """
    if family.name == "uniform":
        return _of_uniform(parameters, sample.size, confidence)
    if family.name == "pareto":
        return _of_pareto(parameters, sample.size, confidence)
    if family.name == "erlang":
        return _of_erlang(family, parameters, sample, confidence)
    return by_information(
        lambda at: family.log_likelihood(at, sample), parameters, confidence=confidence
    )


def by_information(
    log_likelihood: Callable[[Parameters], float], parameters: Parameters, *, confidence: float
) -> dict[str, Interval]:
    """Return intervals from the curvature of a log likelihood at its top.

    Parameters
    ----------
    log_likelihood : callable
        Parameters -> log likelihood; parameters whose name begins with ``probability`` are in
        (0, 1), all others above 0.
    parameters : dict
        Where it is greatest.
    confidence : float
        Between 0 and 1.

    Returns
    -------
    dict
        Parameter -> (low, high); NaN if the curvature is not that of a top.

    Examples
    --------
    >>> of_mean = lambda at: -100 * math.log(at["mean"]) - 100 / at["mean"]
    >>> low, high = by_information(of_mean, {"mean": 1.0}, confidence=0.95)["mean"]
    >>> round(math.log(high) * 10, 2)
    1.96
    """
    names = list(parameters)
    top = np.array([_to_line(name, parameters[name]) for name in names])

    def at(place: Values) -> float:
        return log_likelihood(
            {name: _from_line(name, x) for name, x in zip(names, place, strict=True)}
        )

    information = -_curvature(at, top)
    try:
        variances = np.diag(np.linalg.inv(information))
    except np.linalg.LinAlgError:
        return dict.fromkeys(names, UNKNOWN)
    if not np.all(np.isfinite(variances)) or np.any(variances <= 0):
        return dict.fromkeys(names, UNKNOWN)
    widths = float(stats.norm.ppf((1 + confidence) / 2)) * np.sqrt(variances)
    return {
        name: (_from_line(name, x - width), _from_line(name, x + width))
        for name, x, width in zip(names, top, widths, strict=True)
    }


def chi_squared(confidence: float, degrees: float) -> Interval:
    """Return what a chi-squared number lies between with this probability, equally often beyond.

    Examples
    --------
    >>> [round(end, 2) for end in chi_squared(0.95, 10)]
    [3.25, 20.48]
    """
    law = stats.chi2(degrees)
    return float(law.ppf((1 - confidence) / 2)), float(law.ppf((1 + confidence) / 2))


def _to_line(name: str, value: float) -> float:
    return float(special.logit(value)) if name.startswith("probability") else math.log(value)


def _from_line(name: str, value: float) -> float:
    if name.startswith("probability"):
        return float(special.expit(value))
    return math.exp(min(value, 700.0))


def _curvature(function: Callable[[Values], float], top: Values) -> Values:
    """Return the matrix of second derivatives by central differences."""
    size, middle = top.size, function(top)
    steps = np.eye(size) * _STEP
    matrix = np.empty((size, size))
    for i in range(size):
        beside = function(top + steps[i]) + function(top - steps[i]) - 2 * middle
        matrix[i, i] = beside / _STEP**2
        for j in range(i):
            corners = (
                function(top + steps[i] + steps[j])
                + function(top - steps[i] - steps[j])
                - function(top + steps[i] - steps[j])
                - function(top - steps[i] + steps[j])
            )
            matrix[i, j] = matrix[j, i] = corners / (4 * _STEP**2)
    return matrix


def _of_uniform(parameters: Parameters, size: int, confidence: float) -> dict[str, Interval]:
    """Return how far each end may lie beyond the outermost value (half the error for each)."""
    low, high = parameters["low"], parameters["high"]
    reach = (high - low) * ((1 - confidence) ** (-1 / (size - 1)) - 1)
    return {"low": (max(low - reach, 0.0), low), "high": (high, high + reach)}


def _of_pareto(parameters: Parameters, size: int, confidence: float) -> dict[str, Interval]:
    """Return exact intervals: 2 n shape / estimate is chi-squared with 2 n - 2 degrees."""
    minimum, shape = parameters["minimum"], parameters["shape"]
    ends = chi_squared(confidence, 2 * size - 2)
    lowest = minimum * (1 - confidence) ** (1 / (size * shape))
    return {
        "minimum": (lowest, minimum),
        "shape": (ends[0] * shape / (2 * size), ends[1] * shape / (2 * size)),
    }


def _of_erlang(
    family: Family, parameters: Parameters, sample: Values, confidence: float
) -> dict[str, Interval]:
    """Return an exact interval of the mean, and the stages that are not much less likely."""
    degrees = 2 * sample.size * parameters["stages"]
    ends = chi_squared(confidence, degrees)
    mean = parameters["mean"]
    top = family.log_likelihood(parameters, sample)
    drop = float(stats.chi2.ppf(confidence, 1)) / 2

    def reached(step: int) -> float:
        stages = parameters["stages"]
        while 1 <= stages + step <= MOST_STAGES:
            beside = family.log_likelihood({"mean": mean, "stages": stages + step}, sample)
            if top - beside > drop:
                break
            stages += step
        return stages

    return {
        "mean": (mean * degrees / ends[1], mean * degrees / ends[0]),
        "stages": (reached(-1), reached(1)),
    }
