"""Consumers as columns: workers, service, settlement, deduplication, and what they emit."""

from __future__ import annotations

import enum
import math
from typing import NamedTuple

from eda_sim.engine.plan.columns import (
    NONE,
    Floats,
    Integers,
    Numbering,
    columns,
    ns_or_none,
    or_none,
)
from eda_sim.engine.streams.samplers import to_ns
from eda_sim.spec.consumers import ROUNDING, Emission


class Settle(enum.IntEnum):
    """When a delivery is acknowledged, seen from its processing."""

    AFTER = 0
    BEFORE = 1
    AUTO = 2


class DedupScope(enum.IntEnum):
    """Who shares the memory of a deduplicator."""

    NONE = 0
    CONSUMER = 1
    INSTANCE = 2


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
    dedup_transactional: Integers
    link: Integers


class EmitColumns(NamedTuple):
    """One row per entry of the emits, by consumer. ``join`` is 1 without fan-in.

    An entry is published if the number that is drawn with the address of the row ``drawn_with`` is
    at least ``chance_from`` and below ``chance_to``; from 0 to 1 nothing is drawn.
    """

    consumer: Integers
    channel: Integers
    keep_key: Integers
    size: Integers
    on_failure: Integers
    join: Integers
    drawn_with: Integers
    chance_from: Floats
    chance_to: Floats


def lower_consumers(numbering: Numbering) -> ConsumerColumns:
    """Lower the consumers of a scenario."""
    rows: list[dict[str, float]] = []
    for name, consumer in numbering.scenario.consumers.items():
        dedup = consumer.dedup
        rows.append(
            {
                "address": numbering.address("consumers", name),
                "instances": consumer.instances,
                "concurrency": consumer.concurrency,
                "service": numbering.row(consumer.service),
                "settle": Settle[consumer.settle.upper()],
                "dedup_scope": DedupScope[dedup.scope.upper()] if dedup else DedupScope.NONE,
                "dedup_window_ns": ns_or_none(dedup.window) if dedup else NONE,
                "dedup_count": or_none(dedup.count) if dedup else NONE,
                "dedup_lookup_ns": to_ns(dedup.lookup) if dedup else 0,
                "dedup_transactional": int(dedup is not None and dedup.transactional),
                "link": numbering.row(consumer.link.latency),
            }
        )
    return columns(ConsumerColumns, rows)


def lower_emits(numbering: Numbering) -> EmitColumns:
    """Lower what the consumers of a scenario emit."""
    rows: list[dict[str, float]] = []
    for name, consumer in numbering.scenario.consumers.items():
        first = len(rows)
        for emission, chance in zip(consumer.emits, _chances(consumer.emits), strict=True):
            rows.append(
                {
                    "consumer": numbering.consumers[name],
                    "channel": numbering.channels[emission.to],
                    "keep_key": emission.key == "same",
                    "size": numbering.row(emission.size),
                    "on_failure": emission.on == "failure",
                    "join": emission.join or 1,
                    "drawn_with": first + chance.drawn_with,
                    "chance_from": chance.start,
                    "chance_to": chance.end,
                }
            )
    return columns(EmitColumns, rows)


class _Chance(NamedTuple):
    """The part of the unit interval that stands for an entry, and whose draw decides."""

    drawn_with: int
    start: float
    end: float


def _chances(emits: tuple[Emission, ...]) -> list[_Chance]:
    """Return the chance of each entry; those of one choice lie side by side."""
    taken: dict[str, list[float]] = {}
    firsts: dict[str, int] = {}
    chances = []
    for place, emission in enumerate(emits):
        if emission.choice is None:
            chances.append(_Chance(place, 0.0, emission.probability))
            continue
        shares = taken.setdefault(emission.choice, [])
        start = math.fsum(shares)
        shares.append(emission.probability)
        end = math.fsum(shares)
        # Ten times 0.1 is meant to be 1.
        end = 1.0 if end > 1.0 - ROUNDING else end
        chances.append(_Chance(firsts.setdefault(emission.choice, place), start, end))
    return chances
