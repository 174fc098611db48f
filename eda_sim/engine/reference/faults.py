"""Faults: what is broken, when, and for how long."""

from __future__ import annotations

from eda_sim.engine.plan import NONE
from eda_sim.engine.ranks import Rank
from eda_sim.engine.reference.clock import Process
from eda_sim.engine.reference.model import Model
from eda_sim.engine.trace import NEVER


class Fault:
    """One fault on one instance: a crash at a time, and the restart after it."""

    def __init__(self, model: Model, index: int) -> None:
        row = model.plan.faults
        self.model = model
        self.index = index
        self.fault = int(row.fault[index])
        self.kind = int(row.kind[index])
        self.consumer = model.consumers[int(row.consumer[index])]
        self.instance = self.consumer.instances[int(row.instance[index])]
        self.at_ns = int(row.at_ns[index])
        self.lasts_ns = int(row.lasts_ns[index])

    def process(self) -> Process:
        """Break the target, wait, mend it."""
        clock = self.model.clock
        yield clock.at(self.at_ns, Rank.FAULT_START, self.index)
        target = self.model.plan.faults.target[self.index]
        row = [self.fault, self.kind, int(target), self.instance.number, clock.now, NEVER]
        self.model.ledger.faults.append(row)
        self.instance.crash()
        if self.lasts_ns == NONE:
            return
        yield clock.at(clock.now + self.lasts_ns, Rank.FAULT_END, self.index)
        row[-1] = clock.now
        self.instance.restart()
