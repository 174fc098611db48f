"""Producers as columns: when they create messages, with which keys and sizes."""

from __future__ import annotations

import enum
from typing import NamedTuple

import numpy as np

from eda_sim.engine.plan.arrivals import ArrivalLists, Segments, lower_arrivals
from eda_sim.engine.plan.columns import NONE, Floats, Integers, Numbering, columns, or_none
from eda_sim.engine.streams.keys import zipf_cumulative
from eda_sim.engine.streams.samplers import to_ns
from eda_sim.spec.distributions import Constant, Distribution
from eda_sim.spec.producers import Keys, NoKeys, UniformKeys, ZipfKeys


class KeyKind(enum.IntEnum):
    """How a producer chooses the key of a message."""

    NONE = 0
    UNIFORM = 1
    ZIPF = 2


ONE_EACH = Constant(value=1)
NO_PRIORITY = Constant(value=0)


class ProducerColumns(NamedTuple):
    """One row per producer."""

    address: Integers
    channel: Integers
    arrival_kind: Integers
    interval: Integers
    arrival_start: Integers
    arrival_length: Integers
    bulk: Integers
    start_ns: Integers
    stop_ns: Integers
    messages: Integers
    key_kind: Integers
    key_count: Integers
    key_start: Integers
    size: Integers
    priority: Integers


class Producers(NamedTuple):
    """All producers; the ``*_start`` columns point into the lists."""

    rows: ProducerColumns
    arrival_times_ns: Integers
    segments: Segments
    key_cumulative: Floats


def lower_producers(numbering: Numbering) -> Producers:
    """Lower the producers of a scenario."""
    rows: list[dict[str, float]] = []
    lists = ArrivalLists()
    cumulative: list[Floats] = []
    for name, producer in numbering.scenario.producers.items():
        start_ns = to_ns(producer.start)
        key_kind, key_count, key_start = _key(producer.key, cumulative)
        rows.append(
            {
                "address": numbering.address("producers", name),
                "channel": numbering.channels[producer.to],
                **lower_arrivals(producer.arrivals, start_ns, numbering, lists),
                "bulk": _or_none(producer.bulk, ONE_EACH, numbering),
                "start_ns": start_ns,
                "stop_ns": _earliest_ns(producer.stop, numbering.scenario.duration),
                "messages": or_none(producer.messages),
                "key_kind": key_kind,
                "key_count": key_count,
                "key_start": key_start,
                "size": numbering.row(producer.size),
                "priority": _or_none(producer.priority, NO_PRIORITY, numbering),
            }
        )
    return Producers(
        rows=columns(ProducerColumns, rows),
        arrival_times_ns=np.array(lists.times_ns, dtype=np.int64),
        segments=lists.segments(),
        key_cumulative=np.concatenate([np.zeros(0), *cumulative]),
    )


def key_count(key: Keys) -> int:
    """Return how many keys there are; 0 without keys."""
    return 0 if isinstance(key, NoKeys) else key.n


def _or_none(distribution: Distribution, usual: Distribution, numbering: Numbering) -> int:
    """Return the row of a distribution; NONE for the usual one, which nobody has to draw."""
    return NONE if distribution == usual else numbering.row(distribution)


def _key(key: Keys, cumulative: list[Floats]) -> tuple[KeyKind, int, int]:
    """Return kind, number of keys, and where the key's table begins; append that table."""
    start = sum(map(len, cumulative))
    match key:
        case NoKeys():
            return KeyKind.NONE, 0, start
        case UniformKeys():
            return KeyKind.UNIFORM, key.n, start
        case ZipfKeys():
            cumulative.append(zipf_cumulative(key.n, key.s))
            return KeyKind.ZIPF, key.n, start


def _earliest_ns(*seconds: float | None) -> int:
    bounds = [to_ns(bound) for bound in seconds if bound is not None]
    return min(bounds, default=NONE)
