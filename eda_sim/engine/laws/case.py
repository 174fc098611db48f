"""What a law looks at, what it finds, and how a broken law is reported."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from eda_sim.engine.trace import NEVER, TABLES, Column, Table, Trace
from eda_sim.spec.consumers import Consumer
from eda_sim.spec.scenario import Scenario

Mask: TypeAlias = npt.NDArray[np.bool_]
Finding: TypeAlias = tuple[str, Column, str]
"""Table, numbers of the offending rows (none: all is well), what is wrong with them."""

Law: TypeAlias = "Callable[[Case], Iterator[Finding]]"

_SHOWN = 5


class LawViolation(AssertionError):  # noqa: N818 - not an error of the program: a finding
    """A run that breaks a law.

    Attributes
    ----------
    law : str
        Name of the law.
    table : str
        Table whose rows break it.
    rows : tuple of int
        Their row numbers.
    """

    def __init__(self, law: Law, trace: Trace, table: str, rows: Column, problem: str) -> None:
        self.law = law.__name__
        self.table = table
        self.rows = tuple(int(row) for row in rows)
        statement = (law.__doc__ or "").splitlines()[0]
        lines = [
            f"{self.law}: {statement}",
            f"{problem} ({len(self.rows)} of {_length(getattr(trace, table))} {table}):",
            *(_shown(trace, table, row) for row in self.rows[:_SHOWN]),
        ]
        super().__init__("\n".join(lines))


@dataclass(frozen=True)
class Case:
    """A trace and its scenario, with what several laws need."""

    trace: Trace
    scenario: Scenario

    @property
    def end(self) -> int:
        """The moment in ns at which the run stopped."""
        return self.trace.ended_at_ns

    def where(self, table: str, broken: Mask, problem: str) -> Finding:
        """Return the finding for the rows where ``broken`` holds."""
        return table, np.flatnonzero(broken).astype(np.int64), problem

    def consumers(self) -> Iterator[tuple[int, str, Consumer]]:
        """Yield number, name and settings of each consumer."""
        for number, name in enumerate(self.trace.names.consumers):
            yield number, name, self.scenario.consumers[name]

    @cached_property
    def settling_at_hand_over(self) -> list[int]:
        """Numbers of the consumers whose queues take a delivery as settled when it is sent."""
        return [
            number
            for number, _, consumer in self.consumers()
            if consumer.settle == "auto" and consumer.subscription.is_queue
        ]

    def publishing_with(self, acks: Container[str]) -> list[int]:
        """Numbers of the sources that wait for such acknowledgements; a process waits for all."""
        producers, consumers = self.scenario.producers, self.scenario.consumers
        told = [producer.publishing.acks for producer in producers.values()]
        told += [
            consumers[name].publishing.acks if name in consumers else "all"
            for name in self.trace.names.sources[len(producers) :]
        ]
        return [number for number, word in enumerate(told) if word in acks]

    @cached_property
    def copy_of_delivery(self) -> Column:
        """Row of the copies for each delivery, NEVER where there is none."""
        copies, deliveries = self.trace.copies, self.trace.deliveries
        keys, wanted = self._keys(copies), self._keys(deliveries)
        order = np.argsort(keys, kind="stable")
        place = np.searchsorted(keys[order], wanted)
        found = np.append(order, NEVER)[place]
        return np.where(np.append(keys, NEVER)[found] == wanted, found, NEVER)

    @cached_property
    def by_attempt(self) -> Column:
        """Rows of the deliveries by copy and consumer, then attempt."""
        deliveries = self.trace.deliveries
        return np.lexsort((deliveries["attempt"], self._keys(deliveries))).astype(np.int64)

    @cached_property
    def next_attempt(self) -> Column:
        """Row of the next attempt with the same copy and consumer, NEVER for the last."""
        keys = self._keys(self.trace.deliveries)
        order = self.by_attempt
        following = np.full(order.size, NEVER, dtype=np.int64)
        same = keys[order][:-1] == keys[order][1:]
        following[order[:-1][same]] = order[1:][same]
        return following

    @cached_property
    def available_again_at(self) -> Column:
        """When the copy of each delivery became available for its next attempt, NEVER for none."""
        available = np.append(self.trace.deliveries["available_at"], NEVER)
        return available[self.next_attempt]

    def down(self, consumer: int, instance: int) -> list[tuple[int, int]]:
        """Return when an instance was down (ns), merged where crashes and stops overlap.

        A fault ends before another one begins at that moment, so two that touch leave the instance
        up for an instant. One that is stopped is down when its handlers have finished.
        """
        spans = self.spans(consumer, instance, ("crash",))
        spans += [(gone, over) for gone, over in self.stops(consumer, instance) if gone < over]
        return merged(spans)

    def stops(self, consumer: int, instance: int) -> list[tuple[int, int]]:
        """Return for each clean shutdown when the session was over, and when the stop was (ns)."""
        deliveries = self.trace.deliveries
        own = (deliveries["consumer"] == consumer) & (deliveries["instance"] == instance)
        own &= known(deliveries["started_at"])
        received, finished = deliveries["received_at"][own], deliveries["finished_at"][own]
        finished = np.where(finished == NEVER, self.end + 1, finished)
        standing = self._occurrences(consumer, instance, ("pause", "hang"))
        stopping = self._occurrences(consumer, instance, ("stop",))
        crashes = self.spans(consumer, instance, ("crash",))
        # Of two that begin at the same moment the one with the lower row came first.
        first_stop = {begin: row for row, begin, _ in reversed(stopping)}
        first_stand = {begin: row for row, begin, _ in reversed(standing)}
        still = merged([(begin, over) for _, begin, over in standing])
        found: list[tuple[int, int]] = []
        for begin, over in merged([(begin, over) for _, begin, over in stopping]):
            late = first_stand.get(begin, NEVER) > first_stop[begin]
            held = (end for start, end in still if start < begin + (not late) and begin < end)
            noticed = max([begin, *held])
            # Who finishes while the instance stands still (a time-out) notices when it goes on.
            ends = [
                next((end for start, end in still if start <= moment < end), moment)
                for moment in finished[received <= begin].tolist()
                if moment > noticed
            ]
            gone = max([noticed, *ends])
            # A session that crashes, or had crashed, has nothing left to finish.
            gone = min([gone, *(max(begin, b) for b, o in crashes if b < gone and o > begin)])
            found.append((gone, over))
        return found

    def spans(self, consumer: int, instance: int, kinds: Container[str]) -> list[tuple[int, int]]:
        """Return when faults of some kinds hit an instance (ns), merged where they overlap."""
        found = self._occurrences(consumer, instance, kinds)
        return merged([(begin, over) for _, begin, over in found])

    def _occurrences(
        self, consumer: int, instance: int, kinds: Container[str]
    ) -> list[tuple[int, int, int]]:
        """Return row, beginning and end (ns) of what hit an instance, in the order of rows."""
        faults, names = self.trace.faults, self.trace.names
        found: list[tuple[int, int, int]] = []
        for row in range(_length(faults)):
            target = names.targets[faults["target"][row]]
            hit = int(faults["instance"][row])
            if target != names.consumers[consumer] or hit not in (NEVER, instance):
                continue
            if names.fault_kinds[faults["kind"][row]] in kinds:
                begin, over = int(faults["started_at"][row]), int(faults["ended_at"][row])
                found.append((row, begin, self.end + 1 if over == NEVER else over))
        return found

    def is_hit(self, name: str, kinds: Container[str]) -> bool:
        """Return whether a fault of one of these kinds ever hit a producer or consumer."""
        faults, names = self.trace.faults, self.trace.names
        return any(
            names.targets[target] == name and names.fault_kinds[kind] in kinds
            for target, kind in zip(faults["target"], faults["kind"], strict=True)
        )

    def loses_nodes(self, channel: str) -> bool:
        """Return whether a node of a channel ever went down."""
        others = {*self.scenario.producers, *self.scenario.consumers}
        label = f"channels.{channel}" if channel in others else channel
        return self.is_hit(label, ("crash", "power_loss"))

    def _keys(self, table: Table) -> Column:
        keys: Column = table["copy_id"] * len(self.trace.names.consumers) + table["consumer"]
        return keys


def merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return stretches of time in order, as one where they overlap; two that touch stay two."""
    joined: list[tuple[int, int]] = []
    for begin, over in sorted(spans):
        if joined and begin < joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], over))
        else:
            joined.append((begin, over))
    return joined


def known(*times: Column) -> Mask:
    """Return where all of these happened."""
    mask: Mask = np.logical_and.reduce([time != NEVER for time in times])
    return mask


def groups(*columns: Column) -> Column:
    """Return a number per row, equal where all columns are equal."""
    if columns[0].size == 0:
        return np.zeros(0, dtype=np.int64)
    stacked = np.stack(columns, axis=1)
    return np.unique(stacked, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)


def exact_sum(values: Column) -> int:
    """Return a sum of int64 values that cannot overflow."""
    low = np.int64((1 << 31) - 1)
    return (int((values >> 31).sum()) << 31) + int((values & low).sum())


def _length(table: Table) -> int:
    return len(next(iter(table.values())))


def _shown(trace: Trace, table: str, row: int) -> str:
    """Return one row as text, codes as names, what never happened left out."""
    parts = []
    for column in TABLES[table]:
        value = int(getattr(trace, table)[column.name][row])
        if column.unit == "ns":
            if value != NEVER:
                parts.append(f"{column.name}={value / 1e9:.9f}s")
            continue
        names = getattr(trace.names, column.unit, None)
        named = names is not None and 0 <= value < len(names)
        parts.append(f"{column.name}={names[value] if named and names else value}")
    return f"  row {row}: " + " ".join(parts)
