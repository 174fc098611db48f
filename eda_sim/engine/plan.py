"""The plan: a scenario lowered to flat arrays, the one thing that every engine runs.

A plan holds numbers only: entities are numbered in the order of the scenario, times are integer
nanoseconds, distributions are rows of one table, names are kept aside for the tables of the trace.
Each group of columns is a :class:`typing.NamedTuple` of arrays, because that is what a compiled
kernel takes as it is; the reference engine reads the same columns row by row.
"""

from __future__ import annotations

import enum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from eda_sim.engine.streams.samplers import DistributionTable
from eda_sim.engine.trace import Names

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

NONE = -1
"""No limit, no time-out, no such thing."""


class ArrivalKind(enum.IntEnum):
    """How a producer decides when to create its next message."""

    RENEWAL = 0
    TRACE = 1


class KeyKind(enum.IntEnum):
    """How a producer chooses the key of a message."""

    NONE = 0
    UNIFORM = 1
    ZIPF = 2


class LeaseScope(enum.IntEnum):
    """What one lease covers."""

    DELIVERY = 0
    PARTITION = 1


class DeliveryMode(enum.IntEnum):
    """Who starts a hand-over: the idle worker asks, or the broker pushes to whoever has credit."""

    PULL = 0
    PUSH = 1


class Settle(enum.IntEnum):
    """When a delivery is acknowledged, seen from its processing."""

    AFTER = 0
    BEFORE = 1


class DedupScope(enum.IntEnum):
    """Who shares the memory of a deduplicator."""

    NONE = 0
    CONSUMER = 1
    INSTANCE = 2


class RunColumns(NamedTuple):
    """Bounds of the run; NONE where there is no bound."""

    seed: int
    replication: int
    duration_ns: int
    messages: int
    drain: bool
    drain_timeout_ns: int
    sample_every_ns: int


class ProducerColumns(NamedTuple):
    """One row per producer."""

    address: Integers
    channel: Integers
    arrival_kind: Integers
    interval: Integers
    trace_start: Integers
    trace_length: Integers
    start_ns: Integers
    stop_ns: Integers
    messages: Integers
    key_kind: Integers
    key_count: Integers
    key_start: Integers
    size: Integers
    link: Integers


class ChannelColumns(NamedTuple):
    """One row per channel."""

    address: Integers
    partitions: Integers
    append_fixed_s: Floats
    append_per_byte_s: Floats
    key_partition_start: Integers
    key_partition_count: Integers


class ConsumerColumns(NamedTuple):
    """One row per consumer."""

    address: Integers
    instances: Integers
    concurrency: Integers
    service: Integers
    settle: Integers
    dedup_scope: Integers
    dedup_window_ns: Integers
    dedup_count: Integers
    dedup_lookup_ns: Integers
    link: Integers


class SubscriptionColumns(NamedTuple):
    """One row per consumer and channel that it reads, by consumer."""

    consumer: Integers
    channel: Integers
    lease_scope: Integers
    delivery: Integers
    fetch_max_messages: Integers
    max_outstanding: Integers
    lease_timeout_ns: Integers
    heartbeat_ns: Integers
    hold_on_disconnect: Integers
    late_acknowledgement_honoured: Integers


class EmitColumns(NamedTuple):
    """One row per channel that a consumer emits to, by consumer."""

    consumer: Integers
    channel: Integers
    keep_key: Integers
    size: Integers


class FaultColumns(NamedTuple):
    """One row per fault and instance that it hits."""

    fault: Integers
    kind: Integers
    target: Integers
    consumer: Integers
    instance: Integers
    at_ns: Integers
    lasts_ns: Integers


class Plan(NamedTuple):
    """Everything that an engine needs to know.

    ``distributions`` is one table; columns that hold a distribution hold its row in it, and
    ``unit_uniform`` is the row of the uniform distribution on (0, 1), which chooses keys.
    ``arrival_times_ns`` holds the traces of all producers, ``key_cumulative`` their Zipf tables,
    ``key_partitions`` the partition of each key per channel; the ``*_start`` columns point into
    them.
    """

    run: RunColumns
    distributions: DistributionTable
    unit_uniform: int
    producers: ProducerColumns
    channels: ChannelColumns
    consumers: ConsumerColumns
    subscriptions: SubscriptionColumns
    emits: EmitColumns
    faults: FaultColumns
    arrival_times_ns: Integers
    key_cumulative: Floats
    key_partitions: Integers
    names: Names
