"""Families made of data, or of other distributions."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from eda_sim.spec.distributions.base import (
    Amount,
    DistributionFamily,
    given,
    scv_of,
)
from eda_sim.spec.distributions.fitted import Hyperexponential, Lognormal, Weibull
from eda_sim.spec.distributions.plain import Constant, Erlang, Exponential, Pareto, Uniform
from eda_sim.spec.errors import Problem, ScenarioError
from eda_sim.spec.measures import MAXIMUM_NUMBER, Measure
from eda_sim.spec.spelling import Family, Spelling

MOST_VALUES = 20_000
"""Values of an empirical distribution. A scenario with them still fits into 1 MiB of text."""
EXAMPLE = "lognormal(mean=20ms, p99=90ms)"


class Empirical(DistributionFamily):
    """One of the given values, each as likely as any other: measurements, as they are."""

    type: Literal["empirical"] = "empirical"
    given_values: tuple[Amount, ...] | None = Field(
        default=None,
        alias="values",
        min_length=1,
        max_length=MOST_VALUES,
        description="The values, in any order. Either this or file.",
    )
    file: str | None = Field(
        default=None,
        description="Text file beside the scenario: a number a line, or CSV. It is read at once; "
        "the values are kept, the name is not.",
    )
    column: str | None = Field(
        default=None, description="Column of the CSV file, by its name; the first without it."
    )

    order: ClassVar = ("values",)
    dimensional: ClassVar = ("values",)
    from_file: ClassVar = ("values", MOST_VALUES)

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.given_values is None:
            message = "give values or file"
            raise ValueError(message)
        return self

    @property
    def values(self) -> tuple[float, ...]:
        """The values in seconds or bytes, sorted."""
        return tuple(sorted(given(self.given_values)))

    @property
    def mean(self) -> float:
        """Expected value, in seconds or bytes."""
        return math.fsum(self.values) / len(self.values)

    @property
    def scv(self) -> float:
        """Squared coefficient of variation of the values (as a population)."""
        mean = self.mean
        variance = math.fsum((value - mean) ** 2 for value in self.values) / len(self.values)
        return scv_of(variance, mean)


Simple = Annotated[
    Constant
    | Uniform
    | Exponential
    | Lognormal
    | Erlang
    | Hyperexponential
    | Weibull
    | Pareto
    | Empirical,
    Field(discriminator="type"),
]
SIMPLE: tuple[type[Family], ...] = (
    Constant,
    Uniform,
    Exponential,
    Lognormal,
    Erlang,
    Hyperexponential,
    Weibull,
    Pareto,
    Empirical,
)


class Mixture(DistributionFamily):
    """One of several distributions: a fast path and a slow path, for instance."""

    type: Literal["mixture"] = "mixture"
    components: tuple[
        Annotated[
            Simple,
            Spelling(
                "distribution", EXAMPLE, SIMPLE, maximum=MAXIMUM_NUMBER, bare_family="constant"
            ),
        ],
        ...,
    ] = Field(min_length=1, max_length=64, description="The distributions; none is a mixture.")
    weights: tuple[Annotated[float, Measure("number", maximum=1e9)], ...] = Field(
        min_length=1,
        max_length=64,
        description="How often each is taken, relative to the others.",
    )

    order: ClassVar = ("components", "weights")
    nested: ClassVar = ("components",)

    @model_validator(mode="after")
    def _matching(self) -> Self:
        if len(self.components) != len(self.weights):
            message = "components and weights must be equally many"
            raise ValueError(message)
        if math.fsum(self.weights) <= 0:
            raise ScenarioError(Problem(path=("weights",), message="one must be above 0"))
        return self

    @property
    def probabilities(self) -> tuple[float, ...]:
        """The weights divided by their sum."""
        total = math.fsum(self.weights)
        return tuple(weight / total for weight in self.weights)

    @property
    def mean(self) -> float:
        """Expected value, in seconds or bytes."""
        pairs = zip(self.probabilities, self.components, strict=True)
        return math.fsum(p * component.mean for p, component in pairs if p > 0)

    @property
    def scv(self) -> float:
        """Squared coefficient of variation."""
        mean = self.mean
        if math.isinf(mean):
            return math.inf
        pairs = zip(self.probabilities, self.components, strict=True)
        second = math.fsum(p * c.mean**2 * (1 + c.scv) for p, c in pairs if p > 0 and c.mean > 0)
        return max(scv_of(second - mean**2, mean), 0.0)
