"""Families whose parameters are the numbers themselves."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from eda_sim.spec.distributions.base import (
    Amount,
    DistributionFamily,
    PositiveAmount,
    exactly_one,
    given,
    scv_of,
)
from eda_sim.spec.errors import Problem, ScenarioError
from eda_sim.spec.measures import Measure, Rate, Whole


class Constant(DistributionFamily):
    """Always the same."""

    type: Literal["constant"] = "constant"
    value: Amount = Field(description="The value.")

    order: ClassVar = ("value",)
    dimensional: ClassVar = ("value",)

    @property
    def mean(self) -> float:
        """Expected value, in seconds or bytes."""
        return self.value

    @property
    def scv(self) -> float:
        """Squared coefficient of variation: 0."""
        return 0.0


class Uniform(DistributionFamily):
    """Equally likely everywhere between two bounds."""

    type: Literal["uniform"] = "uniform"
    low: Amount = Field(description="Lower bound.")
    high: Amount = Field(description="Upper bound, at least the lower one.")

    order: ClassVar = ("low", "high")
    dimensional: ClassVar = ("low", "high")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.high < self.low:
            raise ScenarioError(Problem(path=("high",), message="must not lie below low"))
        return self

    @property
    def mean(self) -> float:
        """Expected value, in seconds or bytes."""
        return (self.low + self.high) / 2

    @property
    def scv(self) -> float:
        """Squared coefficient of variation: (high - low)^2 / 12 / mean^2."""
        return scv_of((self.high - self.low) ** 2 / 12, self.mean)


class Exponential(DistributionFamily):
    """Memoryless: the time until something that may happen at any moment. By mean or by rate."""

    type: Literal["exponential"] = "exponential"
    given_mean: PositiveAmount | None = Field(
        default=None, alias="mean", description="Expected value. Either this or rate."
    )
    given_rate: Rate | None = Field(
        default=None, alias="rate", description="1 / mean, for times: 50/s. Either this or mean."
    )

    order: ClassVar = ("mean",)
    dimensional: ClassVar = ("mean",)
    rate_parameters: ClassVar = ("rate",)

    @model_validator(mode="after")
    def _by_one(self) -> Self:
        exactly_one({"mean": self.given_mean, "rate": self.given_rate})
        return self

    @property
    def mean(self) -> float:
        """Expected value, in seconds or bytes."""
        return self.given_mean if self.given_mean is not None else 1 / given(self.given_rate)

    @property
    def rate(self) -> float:
        """1 / mean."""
        return self.given_rate if self.given_rate is not None else 1 / given(self.given_mean)

    @property
    def scv(self) -> float:
        """Squared coefficient of variation: 1."""
        return 1.0


class Erlang(DistributionFamily):
    """The sum of several exponentials: steadier than one of them."""

    type: Literal["erlang"] = "erlang"
    mean: PositiveAmount = Field(description="Expected value of the sum.")
    stages: Annotated[int, Whole(1, 1000)] = Field(description="Number of exponentials.")

    order: ClassVar = ("mean", "stages")
    dimensional: ClassVar = ("mean",)

    @property
    def scv(self) -> float:
        """Squared coefficient of variation: 1 / stages."""
        return 1 / self.stages


class Pareto(DistributionFamily):
    """A power law: rare values are enormous. Mean and variance may be infinite.

    P(X > x) = (minimum / x)^shape. The mean is finite for shape > 1, the variance for shape > 2.
    """

    type: Literal["pareto"] = "pareto"
    given_mean: PositiveAmount | None = Field(
        default=None, alias="mean", description="Expected value; needs shape > 1."
    )
    given_minimum: PositiveAmount | None = Field(
        default=None, alias="minimum", description="Smallest value. Either this or mean."
    )
    shape: Annotated[float, Measure("number", minimum=0.1, maximum=1000)] = Field(
        description="Exponent of the tail, 0.1 to 1000; smaller is heavier."
    )

    order: ClassVar = ("minimum", "shape")
    dimensional: ClassVar = ("mean", "minimum")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        exactly_one({"mean": self.given_mean, "minimum": self.given_minimum})
        if self.given_mean is not None and self.shape <= 1:
            message = "must be above 1 for a mean to exist; give the minimum"
            raise ScenarioError(Problem(path=("shape",), message=message))
        return self

    @property
    def minimum(self) -> float:
        """Smallest value, in seconds or bytes."""
        if self.given_minimum is not None:
            return self.given_minimum
        return given(self.given_mean) * (self.shape - 1) / self.shape

    @property
    def mean(self) -> float:
        """Expected value, in seconds or bytes; inf for shape <= 1."""
        if self.given_mean is not None:
            return self.given_mean
        return math.inf if self.shape <= 1 else self.minimum * self.shape / (self.shape - 1)

    @property
    def scv(self) -> float:
        """Squared coefficient of variation: 1 / (shape (shape - 2)); inf for shape <= 2."""
        return math.inf if self.shape <= 2 else 1 / (self.shape * (self.shape - 2))
