"""Producers as columns: when they create messages, with which keys and sizes."""

from __future__ import annotations

import enum
import re
from typing import NamedTuple

import numpy as np

from eda_sim.engine.plan.arrivals import ArrivalLists, Segments, lower_arrivals
from eda_sim.engine.plan.columns import NONE, Floats, Integers, Numbering, columns, or_none
from eda_sim.engine.streams.keys import zipf_cumulative
from eda_sim.engine.streams.samplers import to_ns
from eda_sim.spec.distributions import Constant, Distribution
from eda_sim.spec.producers import NoKeys, TraceKeys, UniformKeys, ZipfKeys
from eda_sim.spec.scenario import Scenario


class KeyKind(enum.IntEnum):
    """How a producer chooses the key of a message."""

    NONE = 0
    UNIFORM = 1
    ZIPF = 2
    TRACE = 3


_RANKED = re.compile("key-([1-9][0-9]{0,7})")
"""The bytes of a key that has a number, from 1 by rank."""

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
    key_numbers: Integers


def lower_producers(numbering: Numbering) -> Producers:
    """Lower the producers of a scenario."""
    rows: list[dict[str, float]] = []
    lists = ArrivalLists()
    cumulative: list[Floats] = []
    numbers: list[int] = []
    named = key_names(numbering.scenario)
    for name, producer in numbering.scenario.producers.items():
        start_ns = to_ns(producer.start)
        if isinstance(producer.key, TraceKeys):
            key_kind, count, key_start = KeyKind.TRACE, len(producer.key.keys), len(numbers)
            numbers += [named[text] for text in producer.key.keys]
        else:
            key_kind, count, key_start = _key(producer.key, cumulative)
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
                "key_count": count,
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
        key_numbers=np.array(numbers, dtype=np.int64),
    )


def key_count(scenario: Scenario) -> int:
    """Return how many keys have a number and no name."""
    keys = [producer.key for producer in scenario.producers.values()]
    return max((key.n for key in keys if isinstance(key, UniformKeys | ZipfKeys)), default=0)


def key_names(scenario: Scenario) -> dict[str, int]:
    """Return the number of each key that has a name.

    They follow the others, in the order in which they stand in the scenario. A name with the bytes
    of a numbered key (``key-1``) is that key.
    """
    first = key_count(scenario)
    found: dict[str, int] = {}
    others = 0
    for producer in scenario.producers.values():
        for text in producer.key.keys if isinstance(producer.key, TraceKeys) else ():
            if text in found:
                continue
            rank = _RANKED.fullmatch(text)
            if rank is not None and int(rank[1]) <= first:
                found[text] = int(rank[1]) - 1
            else:
                found[text] = first + others
                others += 1
    return found


def _or_none(distribution: Distribution, usual: Distribution, numbering: Numbering) -> int:
    """Return the row of a distribution; NONE for the usual one, which nobody has to draw."""
    return NONE if distribution == usual else numbering.row(distribution)


def _key(
    key: NoKeys | UniformKeys | ZipfKeys, cumulative: list[Floats]
) -> tuple[KeyKind, int, int]:
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
