"""The kinds of fault: what each one hits, and what else it needs to know."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from eda_sim.spec.distributions import DurationDistribution
from eda_sim.spec.distributions.base import exactly_one
from eda_sim.spec.faults.parties import SECTIONS, Pair, Target
from eda_sim.spec.measures import Duration, Measure, PositiveDuration
from eda_sim.spec.model import ConsistentModel

LARGEST_FACTOR = 1e6

CONSUMERS = ("consumers",)
CLIENTS = ("consumers", "producers")

Factor = Annotated[float, Measure("number", minimum=1.0, maximum=LARGEST_FACTOR)]
Chance = Annotated[float, Measure("number", maximum=1.0, positive=True)]


class AnyFault(ConsistentModel):
    """What all faults share: when they happen.

    Once, ``at`` a time, and it ``lasts``. Or again and again: up for a time drawn from ``mtbf``,
    broken for a time drawn from ``mttr``, up again, from the start of the run on.
    """

    kind: ClassVar[str]
    """The field that names its target; so it is recognized in a file."""
    sections: ClassVar[tuple[str, ...]] = SECTIONS
    """Sections in which its target may stand."""

    at: Duration | None = Field(
        default=None,
        description="When, from the start of the run; default null. Exactly one of at and mtbf.",
    )
    lasts: PositiveDuration | None = Field(
        default=None, description="How long; default null: for ever."
    )
    mtbf: DurationDistribution | None = Field(
        default=None,
        description="Again and again: time from the start, or the last repair, to the next fault, "
        "such as exponential(mean=10h); default null.",
    )
    mttr: DurationDistribution | None = Field(
        default=None, description="With mtbf: time from a fault to its repair; default null."
    )

    def _contradictions(self) -> Iterator[tuple[str, str]]:
        exactly_one({"at": self.at, "mtbf": self.mtbf})
        if self.mtbf is None:
            if self.mttr is not None:
                yield "mttr", "only with mtbf; one fault has lasts"
            return
        if self.mttr is None:
            yield "mttr", "is missing; mtbf needs it"
        if self.lasts is not None:
            yield "lasts", "only with at; with mtbf the time to repair is mttr"
        for name, distribution in (("mtbf", self.mtbf), ("mttr", self.mttr)):
            if distribution is not None and not distribution.mean > 0:
                yield name, "must be above 0s on average"

    @model_serializer(mode="wrap")
    def _target_first(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        data = write(self)
        return {self.kind: data.pop(self.kind), **data}

    @property
    def targets(self) -> tuple[str, ...]:
        """What it hits, as it is written; two for what happens between two parties."""
        target = getattr(self, self.kind)
        return target if isinstance(target, tuple) else (target,)


class FaultOfWork(AnyFault):
    """A fault whose clock may run only while its target works.

    J. A. Buzacott and L. E. Hanifin, "Models of automatic transfer lines with inventory banks: a
    review and comparison", AIIE Transactions 10 (1978) 197-207, tell time-dependent failures from
    operation-dependent ones.
    """

    mtbf_counts: Literal["time", "operation"] = Field(
        default="time",
        description="With mtbf, what it counts: all time that passes (time; default), or only that "
        "in which a worker of the consumer or instance handles something (operation).",
    )

    def _contradictions(self) -> Iterator[tuple[str, str]]:
        yield from super()._contradictions()
        if self.mtbf_counts == "operation" and self.mtbf is None:
            yield "mtbf_counts", "only with mtbf"


class Crash(FaultOfWork):
    """A service or a node is dead for a while, and what it had in memory is gone."""

    kind: ClassVar[str] = "crash"

    crash: Target = Field(
        description="What crashes: a consumer (all its instances) or consumer/instance, a "
        "producer, a channel (all its nodes) or channel/node; numbers are from 0."
    )


class PowerLoss(AnyFault):
    """A node of a channel crashes, and with it what was not yet written to its disk."""

    kind: ClassVar[str] = "power_loss"
    sections: ClassVar[tuple[str, ...]] = ("channels",)

    power_loss: Target = Field(
        description="What loses power: a channel (all its nodes), or channel/node from 0."
    )


class Stop(FaultOfWork):
    """An instance is shut down cleanly, and started again: a deployment, a scale-in."""

    kind: ClassVar[str] = "stop"
    sections: ClassVar[tuple[str, ...]] = CONSUMERS

    stop: Target = Field(description="What is shut down: a consumer, or consumer/instance from 0.")


class Pause(FaultOfWork):
    """A process stands still, heartbeats too, and then goes on where it stood (GC, VM moved)."""

    kind: ClassVar[str] = "pause"
    sections: ClassVar[tuple[str, ...]] = CONSUMERS

    pause: Target = Field(description="What stands still: a consumer, or consumer/instance from 0.")


class Hang(FaultOfWork):
    """The handlers of an instance make no progress, but it looks alive (a deadlock)."""

    kind: ClassVar[str] = "hang"
    sections: ClassVar[tuple[str, ...]] = CONSUMERS

    hang: Target = Field(description="What hangs: a consumer, or consumer/instance from 0.")


class Slow(FaultOfWork):
    """Handling takes longer: the gray failure."""

    kind: ClassVar[str] = "slow"
    sections: ClassVar[tuple[str, ...]] = CONSUMERS

    slow: Target = Field(description="What is slow: a consumer, or consumer/instance from 0.")
    factor: Factor = Field(description="How many times as long handling takes, from 1.")


class Bug(FaultOfWork):
    """Attempts of handlers fail: a bad release, a dependency that is down."""

    kind: ClassVar[str] = "bug"
    sections: ClassVar[tuple[str, ...]] = CONSUMERS

    bug: Target = Field(description="Who fails: a consumer, or consumer/instance from 0.")
    probability: Chance = Field(description="Share of the attempts that fail because of it.")


class Partition(AnyFault):
    """The network between a service and a channel is cut: what is sent waits until it heals."""

    kind: ClassVar[str] = "partition"

    partition: Pair = Field(
        description="The two parties, in any order: a producer, consumer or consumer/instance, "
        "and a channel that it publishes to, reads or emits to."
    )


class Loss(AnyFault):
    """The links of a service lose part of what is sent to the broker."""

    kind: ClassVar[str] = "loss"
    sections: ClassVar[tuple[str, ...]] = CLIENTS

    loss: Target = Field(description="Whose links: a producer, consumer or consumer/instance.")
    probability: Chance = Field(description="Share of what is sent that is lost.")


class AckLoss(AnyFault):
    """The links of a service lose part of the confirmations on their way back to it."""

    kind: ClassVar[str] = "ack_loss"
    sections: ClassVar[tuple[str, ...]] = CLIENTS

    ack_loss: Target = Field(description="Whose links: a producer, consumer or consumer/instance.")
    probability: Chance = Field(description="Share of the confirmations that is lost.")


class Duplication(AnyFault):
    """The links of a service carry part of what is published twice."""

    kind: ClassVar[str] = "duplication"
    sections: ClassVar[tuple[str, ...]] = CLIENTS

    duplication: Target = Field(
        description="Whose links: a producer, consumer or consumer/instance."
    )
    probability: Chance = Field(description="Share of what is published that arrives twice.")


class Delay(AnyFault):
    """The links of a service take longer, in both directions."""

    kind: ClassVar[str] = "delay"
    sections: ClassVar[tuple[str, ...]] = CLIENTS

    delay: Target = Field(description="Whose links: a producer, consumer or consumer/instance.")
    latency: DurationDistribution = Field(
        description="What comes on top of the latency of the link."
    )


KINDS: tuple[type[AnyFault], ...] = (
    Crash,
    PowerLoss,
    Stop,
    Pause,
    Hang,
    Slow,
    Bug,
    Partition,
    Loss,
    AckLoss,
    Duplication,
    Delay,
)
"""All kinds of fault."""
