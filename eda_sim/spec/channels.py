"""Channels: ordered stores of one or more partitions.

A channel keeps what producers publish and hands it to every consumer that reads it. Within a
partition the order is that of appending; between partitions there is none. A channel without
further settings is an ideal one: appending takes no time and nothing is ever lost.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from eda_sim.spec.measures import Duration, Whole
from eda_sim.spec.model import Model
from eda_sim.spec.names import MOST_PARTITIONS
from eda_sim.spec.presets.catalogue import BrokerName


class Append(Model):
    """How long the channel is busy with storing one message: a server for each partition."""

    per_message: Duration = Field(default=0.0, description="Time for any message; default 0s.")
    per_byte: Duration = Field(default=0.0, description="Time for each byte of it; default 0s.")


class Channel(Model):
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
