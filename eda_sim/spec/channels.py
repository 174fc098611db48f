"""Channels: ordered stores of one or more partitions.

A channel keeps what producers publish and hands it to every consumer that reads it. Within a
partition the order is that of appending; between partitions there is none. A channel without
further settings is an ideal one: appending takes no time and nothing is ever lost.

How long it keeps a message is its ``retention``: a log keeps it until a limit is reached, whether
anybody read it or not; a work queue keeps it until its consumer has settled it. Limits hold for
each partition on its own. What happens at a limit (``overflow``) decides who suffers: the oldest
message, the publisher that is refused, or the publisher that has to wait.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import Field, Strict, model_validator

from eda_sim.spec.distributions import DurationDistribution
from eda_sim.spec.errors import Problem, ScenarioError
from eda_sim.spec.measures import MAXIMUM_BYTES, Duration, Measure, PositiveDuration, Whole
from eda_sim.spec.model import ConsistentModel, Model
from eda_sim.spec.names import MOST_MESSAGES, MOST_PARTITIONS
from eda_sim.spec.presets.catalogue import BrokerName
from eda_sim.spec.replication import Replication


class Append(Model):
    """How long the channel is busy with storing one message: a server for each partition."""

    per_message: Duration = Field(default=0.0, description="Time for any message; default 0s.")
    per_byte: Duration = Field(default=0.0, description="Time for each byte of it; default 0s.")
    per_request: Duration = Field(
        default=0.0, description="Time for each request, whatever it holds; default 0s."
    )


class PublishDeduplication(Model):
    """A channel's memory of what was published, so that second copies are dropped.

    Examples of brokers: Apache Kafka numbers the messages of each producer
    (``enable.idempotence``); NATS JetStream remembers ids for 2 min, Amazon SQS FIFO for 5 min,
    Redis 8.6 for 100 s or 100 ids.
    """

    by: Literal["message_id", "producer_sequence"] = Field(
        description="What tells a second copy: the id of the message, or the sequence number of an "
        "idempotent publisher, which also keeps the order."
    )
    window: PositiveDuration | None = Field(
        default=None,
        description="How long an id, or an idle publisher, is remembered; default null: for ever.",
    )
    size: Annotated[int, Whole(1, MOST_MESSAGES)] | None = Field(
        default=None,
        description="How many each partition remembers: ids, or requests of each publisher; "
        "default null: no bound.",
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.by == "message_id" and self.size is None and self.window is None:
            message = "by message_id needs a window, a size, or both"
            raise ScenarioError(Problem(message=message))
        return self


class Channel(ConsistentModel):
    """An ordered store."""

    broker: BrokerName | None = Field(
        default=None,
        description="Broker whose defaults hold for the channel, for those who publish to it and "
        "for those who read it, such as kafka; default null: an ideal one.",
    )
    partitions: Annotated[int, Whole(1, MOST_PARTITIONS)] = Field(
        default=1, description="Number of partitions; default 1."
    )
    partitioner: Literal["murmur2", "crc32", "sticky", "round_robin"] = Field(
        default="murmur2",
        description="How the partition of a message follows from its key: murmur2 (Kafka's Java "
        "client; default) or crc32 (librdkafka). sticky and round_robin ignore keys. Messages "
        "without a key go round robin.",
    )
    delay: Duration = Field(
        default=0.0,
        description="Time that each message waits here before consumers can have it (Amazon SQS: "
        "DelaySeconds); default 0s.",
    )
    append: Append = Field(
        default=Append(), description="Time that storing takes; default none: an ideal store."
    )
    deduplication: PublishDeduplication | None = Field(
        default=None,
        description="Drop second copies: {by: message_id, window: 2min} or {by: "
        "producer_sequence}; default null: store them.",
    )
    retention: Literal["limits", "work_queue", "interest"] = Field(
        default="limits",
        description="Keep a message until a limit is reached (limits; default), until its consumer "
        "has settled it (work_queue), or until all consumers have (interest).",
    )
    max_age: PositiveDuration | None = Field(
        default=None, description="How long a message is kept; default null: no bound."
    )
    max_messages: Annotated[int, Whole(1, MOST_MESSAGES)] | None = Field(
        default=None, description="Messages that a partition keeps; default null: no bound."
    )
    max_bytes: (
        Annotated[int, Measure("bytes", minimum=1, maximum=MAXIMUM_BYTES, whole=True)] | None
    ) = Field(default=None, description="Bytes that a partition keeps; default null: no bound.")
    overflow: Literal["drop_head", "reject_publish", "block"] = Field(
        default="drop_head",
        description="At max_messages or max_bytes, drop the oldest (drop_head; default), refuse "
        "the publisher (reject_publish), or let it wait (block).",
    )
    retention_check_interval: PositiveDuration | None = Field(
        default=None,
        description="How often max_age, and with drop_head the other limits, are looked at; "
        "default null: always.",
    )
    message_ttl: DurationDistribution | None = Field(
        default=None,
        description="How long a message may wait to be handed over, drawn for each; default null: "
        "for ever.",
    )
    ttl_at_head_only: Annotated[bool, Strict()] = Field(
        default=False,
        description="A message whose time is over leaves only when all before it have left; "
        "default false: at once.",
    )
    replication: Replication | None = Field(
        default=None,
        description="Nodes, commit rule and failover; default null: one node that never fails.",
    )

    def _contradictions(self) -> Iterator[tuple[str, str]]:
        bounded = self.max_messages is not None or self.max_bytes is not None
        if self.overflow != "drop_head" and not bounded:
            yield "overflow", "only with max_messages or max_bytes"
        if self.retention_check_interval is not None and not (bounded or self.max_age is not None):
            yield "retention_check_interval", "only with max_age, max_messages or max_bytes"
        if self.ttl_at_head_only and self.message_ttl is None:
            yield "ttl_at_head_only", "only with message_ttl"
