"""Families that a sample may come from: greatest likelihood, SciPy's law, and the spec's object.

Each family of :mod:`eda_sim.spec.distributions` that has a density is here, with location 0: a
service time that can be arbitrarily short. (``constant`` and ``empirical`` have no density, and
``mixture`` has no bound on its parameters; the first two are offered apart from the contest.)

References
----------
.. [1] A. M. Law, "Simulation Modeling and Analysis", 5th ed. (2015), section 6.2.2: the families
   and their estimators.
.. [2] N. L. Johnson, S. Kotz, N. Balakrishnan, "Continuous Univariate Distributions" vol. 1, 2nd
   ed. (1994), ch. 14, 17, 19-21.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from scipy import optimize, special, stats

from eda_sim.fitting import hyperexponential as phases
from eda_sim.spec import (
    Erlang,
    Exponential,
    Hyperexponential,
    Lognormal,
    Pareto,
    Uniform,
    Weibull,
)
from eda_sim.spec.distributions import Distribution

Values = npt.NDArray[np.float64]
Parameters = dict[str, float]

DIGITS = 7
"""Significant digits of a parameter in a scenario: more than any sample has to say."""
MOST_STAGES = 1000


class NotThisFamilyError(ValueError):
    """A sample that a family cannot have produced, or that makes it another family."""


class Family(ABC):
    """A family of laws with location 0.

    Class attributes
    ----------------
    name : str
        As in a scenario.
    law : scipy.stats.rv_continuous
        The law; its ``fit`` is that of greatest likelihood.
    positive : bool
        Whether a duration of 0 is impossible.
    edge : bool
        Whether an end of its range is a parameter: its estimate is the outermost value, which the
        statistic of Anderson and Darling cannot stand.
    known : dict
        What the bootstrap of SciPy must not fit.
    """

    name: ClassVar[str]
    law: ClassVar[Any]
    positive: ClassVar[bool] = True
    edge: ClassVar[bool] = False
    known: ClassVar[dict[str, float]] = {"loc": 0.0}

    @abstractmethod
    def estimate(self, sample: Values) -> Parameters:
        """Return the parameters of greatest likelihood, in seconds or 1."""

    @abstractmethod
    def arguments(self, parameters: Parameters) -> tuple[float, ...]:
        """Return SciPy's arguments: shapes, location, scale."""

    @abstractmethod
    def distribution(self, parameters: Parameters) -> Distribution:
        """Return the object that a scenario takes."""

    def counted(self, parameters: Parameters) -> int:
        """Return how many parameters were free."""
        return len(parameters)

    def frozen(self, parameters: Parameters) -> Any:
        """Return SciPy's law with its parameters."""
        return self.law(*self.arguments(parameters))

    def log_likelihood(self, parameters: Parameters, sample: Values) -> float:
        """Return the logarithm of the density of a sample (seconds)."""
        return float(np.sum(self.frozen(parameters).logpdf(sample)))


class ExponentialFamily(Family):
    """Memoryless."""

    name = "exponential"
    law = stats.expon
    positive = False

    def estimate(self, sample: Values) -> Parameters:  # noqa: D102
        return {"mean": float(sample.mean())}

    def arguments(self, parameters: Parameters) -> tuple[float, ...]:  # noqa: D102
        return 0.0, parameters["mean"]

    def distribution(self, parameters: Parameters) -> Distribution:  # noqa: D102
        return Exponential(mean=rounded(parameters["mean"]))


class LognormalFamily(Family):
    """The exponential of a normal variable."""

    name = "lognormal"
    law = stats.lognorm

    def estimate(self, sample: Values) -> Parameters:  # noqa: D102
        shape, _, scale = self.law.fit(sample, floc=0)
        return {"median": float(scale), "cv": math.sqrt(math.expm1(float(shape) ** 2))}

    def arguments(self, parameters: Parameters) -> tuple[float, ...]:  # noqa: D102
        return math.sqrt(math.log1p(parameters["cv"] ** 2)), 0.0, parameters["median"]

    def distribution(self, parameters: Parameters) -> Distribution:  # noqa: D102
        return Lognormal(median=rounded(parameters["median"]), cv=rounded(parameters["cv"]))


class _ErlangLaw(type(stats.erlang)):  # type: ignore[misc]
    """SciPy's law, which would fit a shape that is not whole."""

    def fit(self, data: Any, *args: Any, **fixed: Any) -> Any:
        del args, fixed
        return ErlangFamily().arguments(most_likely_stages(np.asarray(data, dtype=float), least=1))


class ErlangFamily(Family):
    """The sum of several exponentials; with one it is an exponential."""

    name = "erlang"
    law = _ErlangLaw(a=0.0, name="erlang")

    def estimate(self, sample: Values) -> Parameters:  # noqa: D102
        found = most_likely_stages(sample, least=1)
        if found["stages"] == 1:
            message = "one stage is the most likely number: an exponential"
            raise NotThisFamilyError(message)
        return found

    def arguments(self, parameters: Parameters) -> tuple[float, ...]:  # noqa: D102
        return parameters["stages"], 0.0, parameters["mean"] / parameters["stages"]

    def distribution(self, parameters: Parameters) -> Distribution:  # noqa: D102
        return Erlang(mean=rounded(parameters["mean"]), stages=int(parameters["stages"]))


class _WeibullLaw(type(stats.weibull_min)):  # type: ignore[misc]
    """SciPy's law, with a faster way to the same fit."""

    def fit(self, data: Any, *args: Any, **fixed: Any) -> Any:
        del args, fixed
        family = WeibullFamily()
        return family.arguments(family.estimate(np.asarray(data, dtype=float)))


class WeibullFamily(Family):
    """A life time whose risk falls or grows with age."""

    name = "weibull"
    law = _WeibullLaw(a=0.0, name="weibull_min")

    def estimate(self, sample: Values) -> Parameters:
        """Solve eq. 21.61 of [2]_ (ch. 21) for the shape; the scale follows."""
        logarithms = np.log(sample)
        top, mean = float(logarithms.max()), float(logarithms.mean())
        below = logarithms - top

        def excess(shape: float) -> float:
            weights = np.exp(shape * below)
            weighted = float(np.dot(weights, below)) / float(weights.sum())
            return weighted - 1 / shape - (mean - top)

        spread = float(logarithms.std())
        guess = math.pi / math.sqrt(6) / spread
        low, high = guess / 2, guess * 2
        while excess(low) > 0:
            low /= 2
        while excess(high) < 0:
            high *= 2
        shape = float(optimize.brentq(excess, low, high, xtol=1e-12 * guess))
        scale = math.exp(top) * float(np.mean(np.exp(shape * below))) ** (1 / shape)
        return {"scale": scale, "shape": shape}

    def arguments(self, parameters: Parameters) -> tuple[float, ...]:  # noqa: D102
        return parameters["shape"], 0.0, parameters["scale"]

    def distribution(self, parameters: Parameters) -> Distribution:  # noqa: D102
        return Weibull(scale=rounded(parameters["scale"]), shape=rounded(parameters["shape"]))


class UniformFamily(Family):
    """Equally likely between two bounds: the smallest and the largest value."""

    name = "uniform"
    law = stats.uniform
    positive = False
    edge = True
    known: ClassVar[dict[str, float]] = {}

    def estimate(self, sample: Values) -> Parameters:  # noqa: D102
        return {"low": float(sample.min()), "high": float(sample.max())}

    def arguments(self, parameters: Parameters) -> tuple[float, ...]:  # noqa: D102
        return parameters["low"], parameters["high"] - parameters["low"]

    def distribution(self, parameters: Parameters) -> Distribution:  # noqa: D102
        return Uniform(low=rounded(parameters["low"]), high=rounded(parameters["high"]))


class ParetoFamily(Family):
    """A power law from a smallest value on."""

    name = "pareto"
    law = stats.pareto
    edge = True

    def estimate(self, sample: Values) -> Parameters:  # noqa: D102
        minimum = float(sample.min())
        return {"minimum": minimum, "shape": 1 / float(np.mean(np.log(sample / minimum)))}

    def arguments(self, parameters: Parameters) -> tuple[float, ...]:  # noqa: D102
        return parameters["shape"], 0.0, parameters["minimum"]

    def distribution(self, parameters: Parameters) -> Distribution:  # noqa: D102
        return Pareto(minimum=rounded(parameters["minimum"]), shape=rounded(parameters["shape"]))


class HyperexponentialFamily(Family):
    """One of two exponentials: mostly short, sometimes long."""

    name = "hyperexponential"
    law = phases.hyperexponential  # at 0 its density has no bound: one mean can be as small

    def estimate(self, sample: Values) -> Parameters:  # noqa: D102
        probability, first, second = phases.most_likely_phases(sample)
        if phases.is_one_phase(probability, first, second):
            message = "its two phases collapse into one: an exponential"
            raise NotThisFamilyError(message)
        return {"mean_1": first, "mean_2": second, "probability_1": probability}

    def arguments(self, parameters: Parameters) -> tuple[float, ...]:  # noqa: D102
        ratio = parameters["mean_2"] / parameters["mean_1"]
        return parameters["probability_1"], ratio, 0.0, parameters["mean_1"]

    def distribution(self, parameters: Parameters) -> Distribution:  # noqa: D102
        means = (rounded(parameters["mean_1"]), rounded(parameters["mean_2"]))
        probability = rounded(parameters["probability_1"])
        return Hyperexponential(
            means=means, probabilities=(probability, round(1 - probability, 12))
        )


FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        ExponentialFamily(),
        UniformFamily(),
        LognormalFamily(),
        ErlangFamily(),
        WeibullFamily(),
        ParetoFamily(),
        HyperexponentialFamily(),
    )
}
"""Family by name, from few parameters to many."""


def rounded(number: float) -> float:
    """Return a number with as many digits as stand in a scenario.

    Examples
    --------
    >>> rounded(0.1234567891234)
    0.1234568
    """
    return float(f"{number:.{DIGITS}g}")


def most_likely_stages(sample: Values, *, least: int) -> Parameters:
    """Return the mean and the whole number of stages of greatest likelihood.

    The mean is that of the sample whatever the number; the likelihood is concave in the number, and
    without the bound to whole ones greatest where ``ln k - digamma(k) = ln mean - mean ln``.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> most_likely_stages(rng.gamma(3.0, size=2_000), least=1)["stages"]
    3.0
    """
    mean = float(sample.mean())
    gap = math.log(mean) - float(np.mean(np.log(sample)))

    def slope(stages: float) -> float:
        return math.log(stages) - float(special.digamma(stages)) - gap

    if slope(least) <= 0:
        return {"mean": mean, "stages": float(least)}
    if slope(MOST_STAGES) >= 0:
        return {"mean": mean, "stages": float(MOST_STAGES)}
    below = math.floor(optimize.brentq(slope, least, MOST_STAGES))

    def likelihood(stages: int) -> float:  # of one value, without what does not depend on stages
        return stages * (math.log(stages) - 1 - gap) - math.lgamma(stages)

    best = max((below, min(below + 1, MOST_STAGES)), key=likelihood)
    return {"mean": mean, "stages": float(best)}
