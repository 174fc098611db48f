"""Consumers as columns: workers, service, settlement, deduplication, and what they emit."""

from __future__ import annotations

import enum
from typing import NamedTuple

from eda_sim.engine.plan.columns import NONE, Floats, Integers, Numbering, columns, ns_or_none, or_none
from eda_sim.engine.streams.samplers import to_ns


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
    """One row per channel that a consumer emits to, by consumer. ``join`` is 1 without fan-in."""

    consumer: Integers
    channel: Integers
    keep_key: Integers
    size: Integers
    on_failure: Integers
    join: Integers
    probability: Floats


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
    rows = [
        {
            "consumer": numbering.consumers[name],
            "channel": numbering.channels[emission.to],
            "keep_key": emission.key == "same",
            "size": numbering.row(emission.size),
            "on_failure": emission.on == "failure",
            "join": emission.join or 1,
            "probability": emission.probability,
        }
        for name, consumer in numbering.scenario.consumers.items()
        for emission in consumer.emits
    ]
    return columns(EmitColumns, rows)
