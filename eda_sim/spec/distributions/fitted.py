"""Families whose parameters are solved from a mean, a quantile or a coefficient of variation."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from eda_sim.spec.distributions.base import (
    Cv,
    DistributionFamily,
    PositiveAmount,
    exactly_one,
    exactly_one_pair,
    given,
)
from eda_sim.spec.errors import Problem, ScenarioError
from eda_sim.spec.measures import Measure, Probability

# Quantiles of the standard normal distribution (scipy.special.ndtri), the doubles themselves.
NORMAL_QUANTILES = {
    "p50": 0.0,
    "p90": 1.2815515655446004,
    "p95": 1.6448536269514722,
    "p99": 2.3263478740408408,
    "p999": 3.090232306167813,
}
LARGEST_SIGMA = 10.0


class Lognormal(DistributionFamily):
    """The exponential of a normal variable: the usual shape of service times.

    Given by its mean or its median, and one of cv, p50, p90, p95, p99, p999. By mean m and quantile
    q (at z of the normal distribution) sigma solves ``sigma^2/2 - z sigma + ln(q/m) = 0``; of the
    two solutions the less variable one is taken.
    """

    type: Literal["lognormal"] = "lognormal"
    given_mean: PositiveAmount | None = Field(
        default=None, alias="mean", description="Expected value. Either this or median."
    )
    median: PositiveAmount | None = Field(
        default=None, description="Value that half lie below. Either this or mean."
    )
    cv: Cv | None = Field(default=None, description="Standard deviation / mean.")
    p50: PositiveAmount | None = Field(default=None, description="Value that 50 % lie below.")
    p90: PositiveAmount | None = Field(default=None, description="Value that 90 % lie below.")
    p95: PositiveAmount | None = Field(default=None, description="Value that 95 % lie below.")
    p99: PositiveAmount | None = Field(default=None, description="Value that 99 % lie below.")
    p999: PositiveAmount | None = Field(default=None, description="Value that 99.9 % lie below.")

    order: ClassVar = ("mean",)
    dimensional: ClassVar = ("mean", "median", *NORMAL_QUANTILES)

    @model_validator(mode="after")
    def _solvable(self) -> Self:
        exactly_one({"mean": self.given_mean, "median": self.median})
        shape_by = exactly_one({name: getattr(self, name) for name in ("cv", *NORMAL_QUANTILES)})
        if shape_by == "p50" and self.median is not None:
            message = "p50 is the median; give a mean, or another quantile"
            raise ValueError(message)
        if self.sigma > LARGEST_SIGMA:
            message = f"too far from the rest: sigma {self.sigma:.3g} is above {LARGEST_SIGMA:g}"
            raise ScenarioError(Problem(path=(shape_by,), message=message))
        return self

    @property
    def sigma(self) -> float:
        """Standard deviation of the logarithm."""
        if self.cv is not None:
            return math.sqrt(math.log1p(self.cv * self.cv))
        name, quantile = next(
            (name, value) for name in NORMAL_QUANTILES if (value := getattr(self, name)) is not None
        )
        z = NORMAL_QUANTILES[name]
        if self.median is not None:
            if quantile <= self.median:
                raise _too_low(name, "median")
            return math.log(quantile / self.median) / z
        mean = given(self.given_mean)
        spread = math.log(quantile / mean)
        if name == "p50":
            if quantile >= mean:
                message = "must lie below the mean, as in every lognormal"
                raise ScenarioError(Problem(path=(name,), message=message))
            return math.sqrt(-2 * spread)
        if quantile <= mean:
            raise _too_low(name, "mean")
        under_root = z * z - 2 * spread
        if under_root < 0:
            largest = math.exp(z * z / 2)
            message = f"no lognormal has it above {largest:.4g} times the mean; give the median"
            raise ScenarioError(Problem(path=(name,), message=message))
        # z - sqrt(z^2 - 2 spread), written without a difference of nearly equal numbers
        return 2 * spread / (z + math.sqrt(under_root))

    @property
    def mu(self) -> float:
        """Mean of the logarithm (of seconds or bytes)."""
        if self.median is not None:
            return math.log(self.median)
        return math.log(given(self.given_mean)) - self.sigma**2 / 2

    @property
    def mean(self) -> float:
        """Expected value, in seconds or bytes."""
        if self.given_mean is not None:
            return self.given_mean
        return given(self.median) * math.exp(self.sigma**2 / 2)

    @property
    def scv(self) -> float:
        """Squared coefficient of variation: exp(sigma^2) - 1."""
        return self.cv**2 if self.cv is not None else math.expm1(self.sigma**2)


class Hyperexponential(DistributionFamily):
    """One of several exponentials: mostly short, sometimes long.

    By ``means`` and ``probabilities``, or by ``mean`` and ``cv`` (at least 1): then it is two
    exponentials with balanced means, p1 mean1 = p2 mean2 (Whitt 1982, eq. 3.8).
    """

    type: Literal["hyperexponential"] = "hyperexponential"
    given_mean: PositiveAmount | None = Field(
        default=None, alias="mean", description="Expected value; with cv."
    )
    cv: Annotated[float, Measure("number", minimum=1, maximum=1e4)] | None = Field(
        default=None, description="Standard deviation / mean, at least 1; with mean."
    )
    given_means: tuple[PositiveAmount, ...] | None = Field(
        default=None,
        alias="means",
        min_length=1,
        max_length=64,
        description="Means of the exponentials; with probabilities.",
    )
    given_probabilities: tuple[Probability, ...] | None = Field(
        default=None,
        alias="probabilities",
        min_length=1,
        max_length=64,
        description="Probability of each exponential; they add up to 1.",
    )

    order: ClassVar = ("mean", "cv")
    dimensional: ClassVar = ("mean", "means")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        exactly_one_pair(
            {"mean": self.given_mean, "cv": self.cv},
            {"means": self.given_means, "probabilities": self.given_probabilities},
        )
        if self.given_means is not None:
            if len(self.means) != len(self.probabilities):
                message = "means and probabilities must be equally many"
                raise ValueError(message)
            if abs(math.fsum(self.probabilities) - 1) > 1e-9:
                message = f"must add up to 1, not {math.fsum(self.probabilities):.10g}"
                raise ScenarioError(Problem(path=("probabilities",), message=message))
        return self

    @property
    def probabilities(self) -> tuple[float, ...]:
        """Probability of each exponential."""
        if self.given_probabilities is not None:
            return self.given_probabilities
        squared = given(self.cv) ** 2
        root = math.sqrt((squared - 1) / (squared + 1))
        return (1 + root) / 2, 1 / ((squared + 1) * (1 + root))

    @property
    def means(self) -> tuple[float, ...]:
        """Mean of each exponential, in seconds or bytes."""
        if self.given_means is not None:
            return self.given_means
        mean = given(self.given_mean)
        return tuple(mean / (2 * probability) for probability in self.probabilities)

    @property
    def mean(self) -> float:
        """Expected value, in seconds or bytes."""
        if self.given_mean is not None:
            return self.given_mean
        return math.fsum(p * m for p, m in zip(self.probabilities, self.means, strict=True))

    @property
    def scv(self) -> float:
        """Squared coefficient of variation, at least 1."""
        if self.cv is not None:
            return self.cv**2
        pairs = zip(self.probabilities, self.means, strict=True)
        return math.fsum(2 * p * m * m for p, m in pairs) / self.mean**2 - 1


class Weibull(DistributionFamily):
    """A life time whose risk falls (shape < 1) or grows (shape > 1) with age."""

    type: Literal["weibull"] = "weibull"
    given_mean: PositiveAmount | None = Field(
        default=None, alias="mean", description="Expected value; with cv."
    )
    cv: Annotated[float, Measure("number", minimum=0.01, maximum=100)] | None = Field(
        default=None, description="Standard deviation / mean, 0.01 to 100; with mean."
    )
    given_scale: PositiveAmount | None = Field(
        default=None, alias="scale", description="Value that 63.2 % lie below; with shape."
    )
    given_shape: Annotated[float, Measure("number", minimum=0.1, maximum=1000)] | None = Field(
        default=None, alias="shape", description="Exponent, 0.1 to 1000; with scale."
    )

    order: ClassVar = ("mean", "cv")
    dimensional: ClassVar = ("mean", "scale")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        exactly_one_pair(
            {"mean": self.given_mean, "cv": self.cv},
            {"scale": self.given_scale, "shape": self.given_shape},
        )
        return self

    @property
    def shape(self) -> float:
        """Exponent."""
        if self.given_shape is not None:
            return self.given_shape
        return _weibull_shape(given(self.cv) ** 2)

    @property
    def scale(self) -> float:
        """Value that 1 - 1/e of all lie below, in seconds or bytes."""
        if self.given_scale is not None:
            return self.given_scale
        return given(self.given_mean) / math.gamma(1 + 1 / self.shape)

    @property
    def mean(self) -> float:
        """Expected value, in seconds or bytes."""
        if self.given_mean is not None:
            return self.given_mean
        return self.scale * math.gamma(1 + 1 / self.shape)

    @property
    def scv(self) -> float:
        """Squared coefficient of variation."""
        return self.cv**2 if self.cv is not None else _weibull_scv(self.shape)


def _too_low(name: str, other: str) -> ScenarioError:
    return ScenarioError(Problem(path=(name,), message=f"must lie above the {other}"))


def _weibull_scv(shape: float) -> float:
    """Return the squared coefficient of variation of a Weibull with this shape."""
    log_ratio = math.lgamma(1 + 2 / shape) - 2 * math.lgamma(1 + 1 / shape)
    return math.expm1(log_ratio)


def _weibull_shape(scv: float) -> float:
    """Solve for the shape by bisection: the scv falls as the shape grows."""
    low, high = 0.05, 2000.0
    for _ in range(200):
        middle = math.sqrt(low * high)
        if not low < middle < high:
            break
        if _weibull_scv(middle) > scv:
            low = middle
        else:
            high = middle
    return math.sqrt(low * high)
