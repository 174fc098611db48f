"""Faults as columns: what breaks, when, and for how long."""

from __future__ import annotations

import enum
from collections import Counter
from typing import NamedTuple

from eda_sim.engine.plan.columns import (
    NONE,
    Floats,
    Integers,
    Numbering,
    columns,
    ns_or_none,
    numbers,
    or_none,
)
from eda_sim.engine.streams.addresses import entities_of
from eda_sim.engine.streams.samplers import to_ns
from eda_sim.spec.faults import AnyFault, Party, resolve
from eda_sim.spec.scenario import Scenario


class FaultKind(enum.IntEnum):
    """What a fault does."""

    CRASH = 0
    POWER_LOSS = 1
    STOP = 2
    PAUSE = 3
    HANG = 4
    SLOW = 5
    BUG = 6
    PARTITION = 7
    LOSS = 8
    ACK_LOSS = 9
    DUPLICATION = 10
    DELAY = 11


class FaultColumns(NamedTuple):
    """One row per fault of the scenario.

    ``kind``, ``target`` and ``peer`` point into the names of the trace. Of ``consumer``,
    ``producer`` and ``channel`` those are not NONE that the fault hits; ``instance`` is an instance
    of the consumer or a node of the channel, NONE for all of them. ``at_ns`` is NONE for a fault
    that comes again and again, ``mtbf`` and ``mttr`` (rows of distributions) for one that does not;
    ``counts_operation`` says that ``mtbf`` is time in which the target works.
    """

    what: Integers
    kind: Integers
    target: Integers
    peer: Integers
    consumer: Integers
    producer: Integers
    channel: Integers
    instance: Integers
    address: Integers
    at_ns: Integers
    lasts_ns: Integers
    mtbf: Integers
    mttr: Integers
    counts_operation: Integers
    factor: Floats
    probability: Floats
    latency: Integers


class Faults(NamedTuple):
    """All faults, and the names of their kinds and targets."""

    rows: FaultColumns
    kinds: tuple[str, ...]
    targets: tuple[str, ...]


def lower_faults(numbering: Numbering) -> Faults:
    """Lower the faults of a scenario."""
    scenario = numbering.scenario
    kinds = numbers(sorted({fault.kind for fault in scenario.faults}))
    parties = [_parties(scenario, fault) for fault in scenario.faults]
    targets = numbers(dict.fromkeys(_label(scenario, party) for pair in parties for party in pair))
    producers = numbers(scenario.producers)
    rows: list[dict[str, float]] = []
    addresses = _addresses(scenario, parties)
    for fault, pair, address in zip(scenario.faults, parties, addresses, strict=True):
        hit = {party.section: party.name for party in pair}
        labels = [targets[_label(scenario, party)] for party in pair]
        rows.append(
            {
                "what": FaultKind[fault.kind.upper()],
                "kind": kinds[fault.kind],
                "target": labels[0],
                "peer": labels[1] if len(labels) > 1 else NONE,
                "consumer": numbering.consumers.get(hit.get("consumers", ""), NONE),
                "producer": producers.get(hit.get("producers", ""), NONE),
                "channel": numbering.channels.get(hit.get("channels", ""), NONE),
                "instance": or_none(pair[0].number),
                "address": address,
                "at_ns": NONE if fault.at is None else to_ns(fault.at),
                "lasts_ns": ns_or_none(fault.lasts),
                "mtbf": numbering.row(fault.mtbf),
                "mttr": numbering.row(fault.mttr),
                "counts_operation": getattr(fault, "mtbf_counts", "time") == "operation",
                "factor": getattr(fault, "factor", 1.0),
                "probability": getattr(fault, "probability", 0.0),
                "latency": numbering.row(getattr(fault, "latency", None)),
            }
        )
    return Faults(columns(FaultColumns, rows), tuple(kinds), tuple(targets))


def _parties(scenario: Scenario, fault: AnyFault) -> list[Party]:
    """Return whom a fault hits; between two parties, the service before the channel."""
    parties = [resolve(scenario, target, fault.sections) for target in fault.targets]
    return sorted(parties, key=lambda party: party.section == "channels")


def _label(scenario: Scenario, party: Party) -> str:
    """Return the name of a target in the trace; with its section where a name alone is unclear."""
    sections = ("consumers", "producers", "channels")
    named = [section for section in sections if party.name in getattr(scenario, section)]
    return party.name if named[0] == party.section else f"{party.section}.{party.name}"


def _addresses(scenario: Scenario, parties: list[list[Party]]) -> list[int]:
    """Return the address of each fault's draws: kind, parties, and which one among equals.

    So adding a fault to a scenario moves none of the others.
    """
    paths: list[str] = []
    equals: Counter[str] = Counter()
    for fault, pair in zip(scenario.faults, parties, strict=True):
        hit = ",".join(f"{party.section}.{party.name}/{party.number}" for party in pair)
        what = f"faults.{fault.kind}.{hit}"
        paths.append(f"{what}.{equals[what]}")
        equals[what] += 1
    entities = entities_of(paths)
    return [entities[path] for path in paths]
