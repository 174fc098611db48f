"""Faults as columns: what breaks, when, and for how long."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from eda_sim.engine.plan.columns import Integers, Numbering, columns, ns_or_none, numbers
from eda_sim.engine.streams.samplers import to_ns


class FaultColumns(NamedTuple):
    """One row per fault and instance that it hits."""

    fault: Integers
    kind: Integers
    target: Integers
    consumer: Integers
    instance: Integers
    at_ns: Integers
    lasts_ns: Integers


class Faults(NamedTuple):
    """All faults, and the names of their kinds and targets."""

    rows: FaultColumns
    kinds: tuple[str, ...]
    targets: tuple[str, ...]


def lower_faults(numbering: Numbering) -> Faults:
    """Lower the faults of a scenario; one that hits all instances becomes a row for each."""
    scenario = numbering.scenario
    kinds = numbers(sorted({fault.kind for fault in scenario.faults}))
    targets = numbers(dict.fromkeys(fault.target for fault in scenario.faults))
    rows: list[dict[str, float]] = []
    for number, fault in enumerate(scenario.faults):
        all_instances = range(scenario.consumers[fault.target].instances)
        hit: Iterable[int] = all_instances if fault.instance is None else [fault.instance]
        rows += [
            {
                "fault": number,
                "kind": kinds[fault.kind],
                "target": targets[fault.target],
                "consumer": numbering.consumers[fault.target],
                "instance": instance,
                "at_ns": to_ns(fault.at),
                "lasts_ns": ns_or_none(fault.lasts),
            }
            for instance in hit
        ]
    return Faults(columns(FaultColumns, rows), tuple(kinds), tuple(targets))
