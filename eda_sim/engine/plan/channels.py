"""Channels as columns: partitions, and what an append costs."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from eda_sim.engine.partitioners import partition_table
from eda_sim.engine.plan.columns import Floats, Integers, Numbering, columns
from eda_sim.engine.plan.producers import key_count


class ChannelColumns(NamedTuple):
    """One row per channel."""

    address: Integers
    partitions: Integers
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
    for number, (name, channel) in enumerate(scenario.channels.items()):
        rows.append(
            {
                "address": numbering.address("channels", name),
                "partitions": channel.partitions,
                "append_fixed_s": channel.append.per_message,
                "append_per_byte_s": channel.append.per_byte,
                "key_partition_start": number * keys,
                "key_partition_count": keys,
            }
        )
        tables.append(partition_table(channel.partitioner, keys, channel.partitions))
    return Channels(columns(ChannelColumns, rows), np.concatenate(tables))
