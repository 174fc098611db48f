"""Faults at work: each occurrence begins, writes its row, and ends."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Protocol, cast

from eda_sim.engine.plan import NONE, FaultKind
from eda_sim.engine.ranks import Rank
from eda_sim.engine.reference.clock import Process
from eda_sim.engine.reference.instances import Instance
from eda_sim.engine.reference.model import Model
from eda_sim.engine.reference.operation import OperationClock
from eda_sim.engine.reference.schedules import FOREVER
from eda_sim.engine.trace import NEVER


class _Nodes(Protocol):
    """What a fault asks of a channel."""

    nodes: int

    def node_down(self, node: int, *, power_loss: bool) -> None:
        """Take a node down, with what it had not written to its disk or without."""

    def node_up(self, node: int) -> None:
        """Bring it back."""


class Fault:
    """One fault of the scenario, with all its occurrences.

    What a fault does to links (cuts, losses, delays) they look up in its schedule themselves; here
    it only leaves its row.
    """

    def __init__(self, model: Model, index: int) -> None:
        row = model.plan.faults
        self.model = model
        self.index = index
        self.what = FaultKind(row.what[index])
        self.number = int(row.instance[index])
        self.factor = float(row.factor[index])
        self.probability = float(row.probability[index])
        consumer, producer, channel = (
            int(numbers[index]) for numbers in (row.consumer, row.producer, row.channel)
        )
        self.producer = None if producer == NONE else model.producers[producer]
        self.channel = None if channel == NONE else model.channels[channel]
        instances = [] if consumer == NONE else model.consumers[consumer].instances
        self.instances = instances if self.number == NONE else instances[self.number :][:1]
        self.operation: OperationClock | None = None
        if row.counts_operation[index]:
            self.operation = OperationClock(model.clock, index)
            for instance in self.instances:
                instance.operation_clocks.append(self.operation)

    def process(self) -> Process:
        """Let each occurrence begin and end."""
        schedule = self.model.schedules[self.index]
        if self.operation is None:
            for occurrence, (start, end) in enumerate(schedule.occurrences()):
                yield self.model.clock.at(start, Rank.FAULT_START, self.index, occurrence)
                yield from self._occur(occurrence, end)
            return
        for occurrence in itertools.count():
            yield self.operation.after(schedule.time_up_ns(occurrence), occurrence)
            end = self.model.clock.now + schedule.time_down_ns(occurrence)
            yield from self._occur(occurrence, end)

    def _occur(self, occurrence: int, end: int) -> Process:
        """Be there from now on, until the end."""
        clock, row = self.model.clock, self.model.plan.faults
        what = (self.index, int(row.kind[self.index]), int(row.target[self.index]))
        peer = int(row.peer[self.index])
        record = [*what, self.number, peer, occurrence, clock.now, NEVER]
        self.model.ledger.faults.append(record)
        self._begin(for_ever=end == FOREVER)
        if end == FOREVER:
            return
        yield clock.at(end, Rank.FAULT_END, self.index, occurrence)
        record[-1] = clock.now
        self._end()

    def _begin(self, *, for_ever: bool) -> None:
        if self.producer is not None and self.what == FaultKind.CRASH:
            self.producer.crash(for_ever=for_ever)
        if self.channel is not None and not self.instances:
            self._change_nodes(down=True)
        for instance in self.instances:
            _CHANGES[self.what](self, instance, 1)

    def _end(self) -> None:
        if self.producer is not None and self.what == FaultKind.CRASH:
            self.producer.restart()
        if self.channel is not None and not self.instances:
            self._change_nodes(down=False)
        for instance in self.instances:
            _CHANGES[self.what](self, instance, -1)

    def _change_nodes(self, *, down: bool) -> None:
        if self.channel is None or self.what not in (FaultKind.CRASH, FaultKind.POWER_LOSS):
            return
        channel = cast("_Nodes", self.channel)
        nodes = range(channel.nodes) if self.number == NONE else [self.number]
        for node in nodes:
            if down:
                channel.node_down(node, power_loss=self.what == FaultKind.POWER_LOSS)
            else:
                channel.node_up(node)

    def _crash(self, instance: Instance, change: int) -> None:
        if change > 0:
            instance.crash()
        else:
            instance.restart()

    def _stop(self, instance: Instance, change: int) -> None:
        if change > 0:
            instance.stop()
        else:
            instance.restart()

    def _pause(self, instance: Instance, change: int) -> None:
        instance.pause(change)

    def _hang(self, instance: Instance, change: int) -> None:
        instance.hang(change)

    def _slow(self, instance: Instance, change: int) -> None:
        assert instance.speed is not None
        if change > 0:
            instance.speed.slow_down(self.index, self.factor)
        else:
            instance.speed.speed_up(self.index)

    def _bug(self, instance: Instance, change: int) -> None:
        if change > 0:
            instance.bugs[self.index] = self.probability
        else:
            del instance.bugs[self.index]

    def _cut(self, instance: Instance, change: int) -> None:
        assert self.channel is not None
        if self.channel.index in instance.consumer.channels_read:
            instance.be_cut_off(change)

    def _disturb(self, instance: Instance, change: int) -> None:
        """Links look for themselves."""


_CHANGES: dict[FaultKind, Callable[[Fault, Instance, int], None]] = {
    FaultKind.CRASH: Fault._crash,
    FaultKind.STOP: Fault._stop,
    FaultKind.PAUSE: Fault._pause,
    FaultKind.HANG: Fault._hang,
    FaultKind.SLOW: Fault._slow,
    FaultKind.BUG: Fault._bug,
    FaultKind.PARTITION: Fault._cut,
    FaultKind.LOSS: Fault._disturb,
    FaultKind.ACK_LOSS: Fault._disturb,
    FaultKind.DUPLICATION: Fault._disturb,
    FaultKind.DELAY: Fault._disturb,
}
