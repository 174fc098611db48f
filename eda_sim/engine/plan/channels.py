"""Channels as columns: partitions, what an append costs, what is kept and what is dropped."""

from __future__ import annotations

import enum
from typing import NamedTuple

import numpy as np

from eda_sim.engine.partitioners import KEYED_PARTITIONERS, partition_table, partitions_of
from eda_sim.engine.plan.columns import (
    NONE,
    Floats,
    Integers,
    Numbering,
    columns,
    ns_or_none,
    or_none,
)
from eda_sim.engine.plan.producers import key_count, key_names
from eda_sim.engine.plan.publishing import Keyless
from eda_sim.engine.streams.samplers import to_ns
from eda_sim.spec.channels import Channel


class DeduplicationBy(enum.IntEnum):
    """What tells the second copy of a message."""

    NONE = 0
    MESSAGE_ID = 1
    PRODUCER_SEQUENCE = 2


class Retention(enum.IntEnum):
    """How long a channel keeps what nobody needs any more."""

    LIMITS = 0
    WORK_QUEUE = 1
    INTEREST = 2


class Overflow(enum.IntEnum):
    """What happens at a limit."""

    DROP_HEAD = 0
    REJECT_PUBLISH = 1
    BLOCK = 2


class ChannelColumns(NamedTuple):
    """One row per channel; without partitions of keys, a key decides nothing."""

    address: Integers
    partitions: Integers
    keyless: Integers
    delay_ns: Integers
    append_per_request_s: Floats
    append_fixed_s: Floats
    append_per_byte_s: Floats
    key_partition_start: Integers
    key_partition_count: Integers
    deduplication_by: Integers
    deduplication_window_ns: Integers
    deduplication_size: Integers
    retention: Integers
    max_age_ns: Integers
    max_messages: Integers
    max_bytes: Integers
    overflow: Integers
    retention_check_ns: Integers
    message_ttl: Integers
    ttl_at_head_only: Integers


class Channels(NamedTuple):
    """All channels; ``key_partition_start`` points into the partitions of keys."""

    rows: ChannelColumns
    key_partitions: Integers


def lower_channels(numbering: Numbering) -> Channels:
    """Lower the channels of a scenario."""
    scenario = numbering.scenario
    keys = key_count(scenario)
    # Those that are one of the numbered keys are in their table already.
    named = [text for text, number in key_names(scenario).items() if number >= keys]
    rows: list[dict[str, float]] = []
    tables = [np.zeros(0, dtype=np.int64)]
    start = 0
    for name, channel in scenario.channels.items():
        count = keys + len(named) if channel.partitioner in KEYED_PARTITIONERS else 0
        sticky = channel.partitioner == "sticky"
        rows.append(
            {
                "address": numbering.address("channels", name),
                "partitions": channel.partitions,
                "keyless": Keyless.STICKY if sticky else Keyless.ROUND_ROBIN,
                "delay_ns": to_ns(channel.delay),
                "append_per_request_s": channel.append.per_request,
                "append_fixed_s": channel.append.per_message,
                "append_per_byte_s": channel.append.per_byte,
                "key_partition_start": start,
                "key_partition_count": count,
                **_deduplication(channel),
                **_retention(channel, numbering),
            }
        )
        if count:
            tables.append(partition_table(channel.partitioner, keys, channel.partitions))
            tables.append(partitions_of(channel.partitioner, named, channel.partitions))
        start += count
    return Channels(columns(ChannelColumns, rows), np.concatenate(tables))


def _deduplication(channel: Channel) -> dict[str, float]:
    known = channel.deduplication
    by = DeduplicationBy.NONE if known is None else DeduplicationBy[known.by.upper()]
    return {
        "deduplication_by": by,
        "deduplication_window_ns": NONE if known is None else ns_or_none(known.window),
        "deduplication_size": NONE if known is None else or_none(known.size),
    }


def _retention(channel: Channel, numbering: Numbering) -> dict[str, float]:
    return {
        "retention": Retention[channel.retention.upper()],
        "max_age_ns": ns_or_none(channel.max_age),
        "max_messages": or_none(channel.max_messages),
        "max_bytes": or_none(channel.max_bytes),
        "overflow": Overflow[channel.overflow.upper()],
        "retention_check_ns": ns_or_none(channel.retention_check_interval),
        "message_ttl": numbering.row(channel.message_ttl),
        "ttl_at_head_only": channel.ttl_at_head_only,
    }
