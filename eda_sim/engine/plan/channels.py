"""Channels as columns: partitions, and what an append costs."""

from __future__ import annotations

import enum
from typing import NamedTuple

import numpy as np

from eda_sim.engine.partitioners import KEYED_PARTITIONERS, partition_table
from eda_sim.engine.plan.columns import Floats, Integers, Numbering, columns
from eda_sim.engine.plan.producers import key_count
from eda_sim.engine.streams.samplers import to_ns


class Keyless(enum.IntEnum):
    """Where messages go whose key does not decide."""

    ROUND_ROBIN = 0
    STICKY = 1


class ChannelColumns(NamedTuple):
    """One row per channel; without partitions of keys, a key decides nothing."""

    address: Integers
    partitions: Integers
    keyless: Integers
    delay_ns: Integers
    append_fixed_s: Floats
    append_per_byte_s: Floats
    key_partition_start: Integers
    key_partition_count: Integers


class Channels(NamedTuple):
    """All channels; ``key_partition_start`` points into the partitions of keys."""

    rows: ChannelColumns
    key_partitions: Integers


def lower_channels(numbering: Numbering) -> Channels:
    """Lower the channels of a scenario."""
    scenario = numbering.scenario
    keys = max((key_count(producer.key) for producer in scenario.producers.values()), default=0)
    rows: list[dict[str, float]] = []
    tables = [np.zeros(0, dtype=np.int64)]
    start = 0
    for name, channel in scenario.channels.items():
        count = keys if channel.partitioner in KEYED_PARTITIONERS else 0
        rows.append(
            {
                "address": numbering.address("channels", name),
                "partitions": channel.partitions,
                "keyless": Keyless.STICKY
                if channel.partitioner == "sticky"
                else Keyless.ROUND_ROBIN,
                "delay_ns": to_ns(channel.delay),
                "append_fixed_s": channel.append.per_message,
                "append_per_byte_s": channel.append.per_byte,
                "key_partition_start": start,
                "key_partition_count": count,
            }
        )
        if count:
            tables.append(partition_table(channel.partitioner, count, channel.partitions))
        start += count
    return Channels(columns(ChannelColumns, rows), np.concatenate(tables))
