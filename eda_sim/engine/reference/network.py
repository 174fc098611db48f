"""Disturbances: what faults do to the links of one party, as a function of the time of sending.

A cut network holds back what is sent until it heals; then everything goes its way in the order in
which it was sent. What was on its way before the cut still arrives. Of several faults at a time,
delays add up and probabilities combine as those of independent chances.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from eda_sim.engine.lineage import mix
from eda_sim.engine.plan import NONE, FaultKind
from eda_sim.engine.reference.draws import Draws
from eda_sim.engine.reference.schedules import FOREVER, Schedule
from eda_sim.engine.streams.addresses import Stream

if TYPE_CHECKING:
    from eda_sim.engine.reference.model import Model


class _Chance(NamedTuple):
    schedule: Schedule
    probability: float


class _Delay(NamedTuple):
    schedule: Schedule
    latency: Draws
    address: int


class Disturbances:
    """All faults of one party's links to some channels.

    Parameters
    ----------
    model : Model
        The run it is part of.
    rows : list of int
        Rows of the faults in the plan.
    """

    def __init__(self, model: Model, rows: list[int]) -> None:
        faults = model.plan.faults
        self._cuts: list[Schedule] = []
        self._delays: list[_Delay] = []
        self._chances: dict[FaultKind, list[_Chance]] = {
            FaultKind.LOSS: [],
            FaultKind.ACK_LOSS: [],
            FaultKind.DUPLICATION: [],
        }
        for row in rows:
            schedule, what = model.schedules[row], FaultKind(faults.what[row])
            if what == FaultKind.PARTITION:
                self._cuts.append(schedule)
            elif what == FaultKind.DELAY:
                latency = model.draws(faults.latency[row], Stream.FAULT_DELAY)
                self._delays.append(_Delay(schedule, latency, int(faults.address[row])))
            else:
                chance = _Chance(schedule, float(faults.probability[row]))
                self._chances[what].append(chance)

    def departure(self, now: int) -> int:
        """Return when something sent now leaves: when no cut holds it back any more."""
        leaves = now
        while True:
            before = leaves
            for cut in self._cuts:
                if leaves < FOREVER:  # or others would be drawn up to then
                    leaves = cut.over(leaves)
            if leaves == before or leaves >= FOREVER:
                return leaves

    def delay_ns(self, now: int, entity: int, event: int, attempt: int) -> int:
        """Return what comes on top of the latency of something sent now."""
        return sum(
            delay.latency.ns(mix(entity, delay.address), event, attempt)
            for delay in self._delays
            if delay.schedule.is_there(now)
        )

    def loss(self, now: int, otherwise: float) -> float:
        """Return the probability that something sent now is lost."""
        return self._combined(FaultKind.LOSS, now, otherwise)

    def acknowledgement_loss(self, now: int, otherwise: float) -> float:
        """Return the probability that a confirmation sent now is lost."""
        return self._combined(FaultKind.ACK_LOSS, now, otherwise)

    def duplication(self, now: int, otherwise: float) -> float:
        """Return the probability that something sent now arrives twice."""
        return self._combined(FaultKind.DUPLICATION, now, otherwise)

    def _combined(self, what: FaultKind, now: int, otherwise: float) -> float:
        spared = 1.0 - otherwise
        there = False
        for chance in self._chances[what]:
            if chance.schedule.is_there(now):
                there = True
                spared *= 1.0 - chance.probability
        return 1.0 - spared if there else otherwise


_OF_LINKS = (
    FaultKind.PARTITION,
    FaultKind.LOSS,
    FaultKind.ACK_LOSS,
    FaultKind.DUPLICATION,
    FaultKind.DELAY,
)


def disturbances(
    model: Model,
    channels: Collection[int],
    *,
    producer: int = NONE,
    consumer: int = NONE,
    instance: int = NONE,
) -> Disturbances | None:
    """Return what faults do to the links of a producer, or of an instance of a consumer.

    ``channels`` are those at the other end: a cut from one of them cuts the link. None if no fault
    ever hits it.
    """
    faults = model.plan.faults
    rows: list[int] = []
    for row in np.flatnonzero(np.isin(faults.what, _OF_LINKS)).tolist():
        if faults.producer[row] != producer or faults.consumer[row] != consumer:
            continue
        if faults.instance[row] not in (NONE, instance):
            continue
        if faults.what[row] == FaultKind.PARTITION and int(faults.channel[row]) not in channels:
            continue
        rows.append(row)
    return Disturbances(model, rows) if rows else None
