"""Consumers: services that handle messages.

A consumer has ``instances`` (processes that crash on their own) with ``concurrency`` workers each;
a worker handles one message at a time. When the handler is done the message takes *effect*, unless
the deduplicator knows it already. ``settle`` says whether the message is acknowledged after that,
so that a crash repeats it, or before, so that a crash loses it.

Handlers fail: by chance (``error_probability``), because of what is in the message
(``poison_probability``), or because they take too long (``timeout``). Then ``retry`` says whether
and when to try again, ``retry_where`` who waits meanwhile, and ``on_exhausted`` what becomes of the
message when there is no further attempt.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, PlainSerializer, Strict, model_validator

from eda_sim.spec.circuit_breaker import CircuitBreaker
from eda_sim.spec.distributions import DurationDistribution, SizeDistribution
from eda_sim.spec.distributions.base import exactly_one
from eda_sim.spec.links import Link
from eda_sim.spec.measures import Duration, PositiveDuration, Probability, Whole
from eda_sim.spec.model import ConsistentModel, Model
from eda_sim.spec.names import MOST_INSTANCES, MOST_MESSAGES, MOST_PARTS, Name
from eda_sim.spec.producers import DEFAULT_SIZE
from eda_sim.spec.publishing import Publishing
from eda_sim.spec.retry import SPINS, NoRetry, RetryPolicy, may_spin
from eda_sim.spec.subscription_rules import preemption_contradictions, settlement_contradictions
from eda_sim.spec.subscriptions import Subscription

MOST_JOINED = 10_000

ROUNDING = 1e-9
"""What the sum of probabilities may be above 1."""


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
    transactional: Annotated[bool, Strict()] = Field(
        default=False,
        description="The effect looks again, in one transaction with its record, so that of two "
        "handlers of one message only one takes effect; default false.",
    )

    @model_validator(mode="after")
    def _by_one(self) -> Self:
        exactly_one({"window": self.window, "count": self.count})
        return self


class Emission(ConsistentModel):
    """A message that a consumer publishes after an effect, or after a failure."""

    to: Name = Field(description="Channel that it is published to.")
    key: Literal["same", "none"] = Field(
        default="same", description="Key of the message that was handled (default), or none."
    )
    size: SizeDistribution = Field(
        default=DEFAULT_SIZE, description="Size of the body in bytes; default 1KB."
    )
    on: Literal["effect", "failure"] = Field(
        default="effect",
        description="After each effect (default), or each time the consumer gives a message up.",
    )
    join: Annotated[int, Whole(2, MOST_JOINED)] | None = Field(
        default=None,
        description="Once, when so many messages with one correlation id have taken effect "
        "(fan-in); default null: for each.",
    )
    probability: Probability = Field(
        default=1.0,
        description="Share of the times in which it is published; default 1.",
    )
    choice: Name | None = Field(
        default=None,
        description="Entries with the same word here exclude each other: at most one of them is "
        "published, each with its probability; default null: drawn on its own.",
    )

    def _contradictions(self) -> Iterator[tuple[str, str]]:
        if self.on == "failure" and self.join is not None:
            yield "join", "only with on: effect"
        if self.choice is not None and self.join is not None:
            yield "choice", "not with join: what is joined is published once, and nothing else"


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


class Consumer(ConsistentModel):
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
    settle: Literal["after", "before", "auto"] = Field(
        default="after",
        description="Acknowledge after the effect (a crash repeats; default), before the handler "
        "starts (a crash loses), or auto: a queue takes it as settled when it hands it over, a "
        "partition's offsets are committed every auto_commit_interval.",
    )
    dedup: Deduplication | None = Field(
        default=None,
        description="Skip what is known already: {window: 10min} or {count: 1000}; default null.",
    )
    error_probability: Probability = Field(
        default=0.0, description="Share of the attempts that fail by chance; default 0."
    )
    poison_probability: Probability = Field(
        default=0.0,
        description="Share of the messages whose every attempt fails here; default 0.",
    )
    timeout: PositiveDuration | None = Field(
        default=None,
        description="A handler that takes longer is stopped, and its attempt fails; default null.",
    )
    retry: RetryPolicy = Field(
        default=NoRetry(),
        description="Whether and when to try again, such as exponential(base=100ms, "
        "max_attempts=5); default none.",
    )
    retry_where: Literal["in_place", "requeue", "channel"] = Field(
        default="in_place",
        description="Who waits for the next attempt: the worker (in_place; default), the broker, "
        "which gets the message back (requeue), or another channel, which gets it again (channel).",
    )
    retry_channel: Name | None = Field(
        default=None,
        description="With retry_where: channel, where it is published to; the consumer must read "
        "it.",
    )
    on_exhausted: Literal["reject", "release", "leave"] = Field(
        default="reject",
        description="What becomes of a message after the last attempt: it is refused for good "
        "(reject; default), given back for the broker to decide (release), or not settled at all, "
        "so that its lease ends one day (leave).",
    )
    circuit_breaker: CircuitBreaker | None = Field(
        default=None, description="A breaker around the handler in each instance; default null."
    )
    batch_max_messages: Annotated[int, Whole(1, 1_000_000)] = Field(
        default=1,
        description="Messages that a worker handles together, in one service time; default 1.",
    )
    preemptive: Annotated[bool, Strict()] = Field(
        default=False,
        description="What an instance has been sent is handled by priority, and a message of a "
        "higher one interrupts the handler of a lower one, which goes on afterwards where it "
        "stopped: a scheduler in the process, no feature of brokers. Needs delivery: push, "
        "priorities and concurrency 1; default false.",
    )
    emits: Emissions = Field(
        default=(),
        description="Channel, or list of {to, key, size, probability, ...}, published to after an "
        "effect; default none.",
    )
    publishing: Publishing = Field(
        default=Publishing(),
        description="How each instance publishes what it emits; default: each message leaves at "
        "once, and is waited for.",
    )
    link: Link = Field(
        default=Link(),
        description="Way between broker and instance, both ways; default a perfect one.",
    )
    subscription: Subscription = Field(
        default=Subscription(),
        description="How messages are handed over, leased and settled; default a plain queue.",
    )

    def _contradictions(self) -> Iterator[tuple[str, str]]:
        if self.instances * self.concurrency > MOST_WORKERS:
            yield "concurrency", f"instances times concurrency must be at most {MOST_WORKERS}"
        if len(set(self.reads)) < len(self.reads):
            yield "reads", "names a channel twice"
        yield from self._choice_contradictions()
        yield from self._handling_contradictions()
        yield from preemption_contradictions(self)
        yield from settlement_contradictions(self)

    def _choice_contradictions(self) -> Iterator[tuple[str, str]]:
        choices = {entry.choice: entry.on for entry in self.emits if entry.choice is not None}
        for choice, on in choices.items():
            entries = [entry for entry in self.emits if entry.choice == choice]
            if any(entry.on != on for entry in entries):
                yield "emits", f"the entries of choice {choice!r} must have the same on"
            total = math.fsum(entry.probability for entry in entries)
            if total > 1.0 + ROUNDING:
                message = f"the probabilities of choice {choice!r} add up to {total:.6g}"
                yield "emits", f"{message}: must be at most 1"

    def _handling_contradictions(self) -> Iterator[tuple[str, str]]:
        yield from self._retry_contradictions()
        partition, after = self.subscription.lease_scope == "partition", self.settle == "after"
        if self.on_exhausted != "reject" and partition:
            yield "on_exhausted", f"{self.on_exhausted} needs leases on deliveries"
        if self.on_exhausted != "reject" and not after:
            yield "on_exhausted", f"{self.on_exhausted} needs settle: after"
        breaker = self.circuit_breaker
        if breaker is not None and breaker.while_open == "fail" and self.on_exhausted == "release":
            yield "on_exhausted", "release needs a circuit breaker with while_open: pause"
        retries = self.retry.type != "none"
        if self.batch_max_messages > 1 and retries and self.retry_where == "in_place":
            yield "batch_max_messages", "a batch is not tried again in_place"

    def _retry_contradictions(self) -> Iterator[tuple[str, str]]:
        where, channel = self.retry_where, self.retry_channel
        if may_spin(self.retry):
            yield "retry", SPINS
        if where != "in_place" and self.retry.type == "none":
            yield "retry_where", "only with retry"
        if where == "requeue" and self.subscription.lease_scope == "partition":
            yield "retry_where", "requeue needs leases on deliveries; a partition goes on in order"
        if where == "channel" and self.subscription.lease_scope == "group":
            yield "retry_where", "channel would break the order that lease_scope: group keeps"
        if where != "in_place" and self.settle != "after":
            yield "retry_where", f"{where} needs settle: after"
        if where != "channel" and channel is not None:
            yield "retry_channel", "only with retry_where: channel"
        if where == "channel" and channel is None:
            yield "retry_channel", "is missing; retry_where: channel needs it"
        if where == "channel" and channel is not None and channel not in self.reads:
            yield "retry_channel", f"the consumer must read {channel!r} too"


MOST_WORKERS = 100_000
