"""Consumers: services that handle messages.

A consumer has ``instances`` (processes that crash on their own) with ``concurrency`` workers each;
a worker handles one message at a time. When the handler is done the message takes *effect*, unless
the deduplicator knows it already. ``settle`` says whether the message is acknowledged after that,
so that a crash repeats it, or before, so that a crash loses it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, PlainSerializer, model_validator

from eda_sim.spec.distributions import DurationDistribution, SizeDistribution
from eda_sim.spec.distributions.base import exactly_one
from eda_sim.spec.errors import Problem, ScenarioError
from eda_sim.spec.links import Link
from eda_sim.spec.measures import Duration, PositiveDuration, Whole
from eda_sim.spec.model import Model
from eda_sim.spec.names import MOST_INSTANCES, MOST_MESSAGES, MOST_PARTS, Name
from eda_sim.spec.producers import DEFAULT_SIZE
from eda_sim.spec.subscriptions import Subscription


class Deduplication(Model):
    """A memory of what was handled: a delivery that it knows is skipped. By time or by count."""

    window: PositiveDuration | None = Field(
        default=None, description="How long a message is remembered. Either this or count."
    )
    count: Annotated[int, Whole(1, MOST_MESSAGES)] | None = Field(
        default=None, description="How many messages are remembered. Either this or window."
    )
    scope: Literal["consumer", "instance"] = Field(
        default="consumer",
        description="One memory for the consumer, which outlives crashes (default), or one in each "
        "instance, which does not.",
    )
    lookup: Duration = Field(
        default=0.0, description="Time that a look-up takes before the handler starts; default 0s."
    )

    @model_validator(mode="after")
    def _by_one(self) -> Self:
        exactly_one({"window": self.window, "count": self.count})
        return self


class Emission(Model):
    """A message that a consumer publishes after an effect."""

    to: Name = Field(description="Channel that it is published to.")
    key: Literal["same", "none"] = Field(
        default="same", description="Key of the message that was handled (default), or none."
    )
    size: SizeDistribution = Field(
        default=DEFAULT_SIZE, description="Size of the body in bytes; default 1KB."
    )


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _as_emissions(value: object) -> object:
    if isinstance(value, str | dict | Emission):
        value = [value]
    if not isinstance(value, list | tuple):
        return value
    return [{"to": item} if isinstance(item, str) else item for item in value]


def _write_names(names: tuple[str, ...]) -> str | list[str]:
    return names[0] if len(names) == 1 else list(names)


def _write_emissions(emissions: tuple[Emission, ...]) -> Any:
    written: list[Any] = []
    for emission in emissions:
        data = emission.model_dump(mode="json", exclude_defaults=True)
        written.append(data["to"] if set(data) == {"to"} else data)
    return written[0] if len(written) == 1 and isinstance(written[0], str) else written


_Names = Annotated[tuple[Name, ...], Field(min_length=1, max_length=MOST_PARTS)]
_EmissionsOrNames = Annotated[tuple[Name | Emission, ...], Field(max_length=MOST_PARTS)]
Channels = Annotated[
    _Names,
    BeforeValidator(_as_list, json_schema_input_type=Name | _Names),
    PlainSerializer(_write_names, when_used="json"),
]
Emissions = Annotated[
    Annotated[tuple[Emission, ...], Field(max_length=MOST_PARTS)],
    BeforeValidator(_as_emissions, json_schema_input_type=Name | Emission | _EmissionsOrNames),
    PlainSerializer(_write_emissions, when_used="json"),
]


class Consumer(Model):
    """A service that handles the messages of one or more channels."""

    reads: Channels = Field(description="Channel that it reads, or a list of channels.")
    instances: Annotated[int, Whole(1, MOST_INSTANCES)] = Field(
        default=1, description="Processes, each of which can crash on its own; default 1."
    )
    concurrency: Annotated[int, Whole(1, MOST_INSTANCES)] = Field(
        default=1, description="Workers in each instance; default 1."
    )
    service: DurationDistribution = Field(
        description="Time that handling a message takes, such as lognormal(mean=20ms, p99=90ms)."
    )
    settle: Literal["after", "before"] = Field(
        default="after",
        description="Acknowledge after the effect (a crash repeats; default) or before the handler "
        "starts (a crash loses).",
    )
    dedup: Deduplication | None = Field(
        default=None,
        description="Skip what is known already: {window: 10min} or {count: 1000}; default null.",
    )
    emits: Emissions = Field(
        default=(),
        description="Channel, or list of {to, key, size}, published to after an effect; default "
        "none.",
    )
    link: Link = Field(
        default=Link(), description="Way between broker and instance, each way; default no latency."
    )
    subscription: Subscription = Field(
        default=Subscription(), description="How messages are handed over, leased and settled."
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.instances * self.concurrency > MOST_WORKERS:
            message = f"instances times concurrency must be at most {MOST_WORKERS}"
            raise ScenarioError(Problem(path=("concurrency",), message=message))
        if len(set(self.reads)) < len(self.reads):
            raise ScenarioError(Problem(path=("reads",), message="names a channel twice"))
        return self


MOST_WORKERS = 100_000
