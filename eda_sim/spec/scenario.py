"""Scenarios: what to simulate, and nothing else.

A scenario is a frozen value: producers, channels, consumers and faults by name, a seed, and when to
end. It does not know how it is run. The same scenario and the same seed give the same run, bit for
bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, Strict, model_validator

from eda_sim.spec.channels import Channel
from eda_sim.spec.consumers import Consumer
from eda_sim.spec.errors import Problem, ScenarioError
from eda_sim.spec.faults import Fault
from eda_sim.spec.measures import Duration, PositiveDuration, Whole
from eda_sim.spec.model import FrozenDict, Model
from eda_sim.spec.names import MOST_FAULTS, MOST_MESSAGES, MOST_PARTS, Name
from eda_sim.spec.presets.merging import different_brokers, with_presets
from eda_sim.spec.producers import Producer
from eda_sim.spec.references import check_references
from eda_sim.spec.schema import SchemaOfFiles

DRAIN_TIMEOUT = 3600.0
SAMPLES = 200
"""Samples of a series over the duration, if sample_every is not given."""

Value = TypeVar("Value")
Named = Annotated[Mapping[Name, Value], Field(max_length=MOST_PARTS), AfterValidator(FrozenDict)]


def _empty(value: object) -> object:
    """Read ``orders:`` without anything behind it as a channel without settings."""
    return {} if value is None else value


class Scenario(Model):
    """What to simulate.

    Examples
    --------
    >>> scenario = Scenario(
    ...     name="queue",
    ...     duration="10min",
    ...     producers={"clients": {"to": "jobs", "rate": "90/s"}},
    ...     channels={"jobs": {}},
    ...     consumers={"workers": {"reads": "jobs", "service": "exponential(10ms)"}},
    ... )
    >>> scenario.consumers["workers"].service.mean
    0.01
    >>> scenario.replace({"consumers.workers.instances": 2}).consumers["workers"].instances
    2
    """

    name: Name = Field(description="Name of the scenario.")
    description: Annotated[str, Strict()] = Field(
        default="", max_length=10_000, description="The question that it answers."
    )
    seed: Annotated[int, Whole(0, 2**32 - 1)] = Field(
        default=0, description="Seed of all randomness, 0 to 4294967295; default 0."
    )
    duration: PositiveDuration | None = Field(
        default=None,
        description="Simulated time after which producers stop; this, messages, or both.",
    )
    messages: Annotated[int, Whole(1, MOST_MESSAGES)] | None = Field(
        default=None,
        description="Messages in all after which producers stop; this, duration, or both.",
    )
    drain: Annotated[bool, Strict()] = Field(
        default=False,
        description="Go on after production ends until every message is in effect, dead or lost; "
        "default false.",
    )
    drain_timeout: PositiveDuration = Field(
        default=DRAIN_TIMEOUT, description="Bound on that, in simulated time; default 1h."
    )
    warmup: Duration = Field(
        default=0.0,
        description="Messages created before this are left out of statistics; default 0s.",
    )
    given_sample_every: PositiveDuration | None = Field(
        default=None,
        alias="sample_every",
        description="Interval of the time series; default duration / 200, none without a duration.",
    )
    producers: Named[Producer] = Field(min_length=1, description="Producers by name.")
    channels: Named[
        Annotated[Channel, BeforeValidator(_empty, json_schema_input_type=Channel | None)]
    ] = Field(min_length=1, description="Channels by name.")
    consumers: Named[Consumer] = Field(
        default={}, validate_default=True, description="Consumers by name; default none."
    )
    faults: tuple[Fault, ...] = Field(
        default=(),
        max_length=MOST_FAULTS,
        description="What goes wrong, and when; default nothing.",
    )

    @model_validator(mode="before")
    @classmethod
    def _with_presets(cls, data: Any) -> Any:
        return with_presets(data)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        references = check_references(self) or list(different_brokers(self))
        problems = [*self._ending(), *references]
        if problems:
            raise ScenarioError(problems)
        return self

    def _ending(self) -> list[Problem]:
        problems: list[Problem] = []
        if self.duration is None and self.messages is None:
            problems.append(Problem(message="give duration, messages, or both"))
        if self.duration is not None and self.warmup >= self.duration:
            problems.append(Problem(path=("warmup",), message="must be shorter than duration"))
        if self.drain_timeout != DRAIN_TIMEOUT and not self.drain:
            problems.append(Problem(path=("drain_timeout",), message="only with drain: true"))
        return problems

    @classmethod
    def model_json_schema(cls, *args: Any, **options: Any) -> dict[str, Any]:
        """Return the JSON Schema of scenario files; see :func:`eda_sim.spec.json_schema`.

        Parameters
        ----------
        *args, **options
            As in pydantic.

        Returns
        -------
        dict
            The schema.
        """
        return super().model_json_schema(*args, **{"schema_generator": SchemaOfFiles, **options})

    @property
    def sample_every(self) -> float | None:
        """Seconds between samples of the series; None for no series."""
        if self.given_sample_every is None and self.duration is not None:
            return self.duration / SAMPLES
        return self.given_sample_every

    def replace(self, changes: Mapping[str, Any]) -> Scenario:
        """Return a scenario that differs in some fields.

        Parameters
        ----------
        changes : mapping
            Dotted path -> new value, in any spelling that a file accepts:
            ``{"consumers.billing.instances": 4, "faults.0.at": "3min"}``.

        Returns
        -------
        Scenario
            The variant, validated; this scenario stays as it is.

        Raises
        ------
        ScenarioError
            If a path or a value is not valid.
        """
        from eda_sim.spec.replacing import replaced

        return replaced(self, changes)
