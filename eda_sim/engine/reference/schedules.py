"""Schedules: when a fault is there. A pure function of its address, so anyone may ask ahead."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from typing import TYPE_CHECKING

from eda_sim.engine.plan import NONE
from eda_sim.engine.streams.addresses import Stream

if TYPE_CHECKING:
    from eda_sim.engine.reference.model import Model

FOREVER = 1 << 62
"""The end, in ns, of what does not end: no run comes so far."""
LAST_START = 1 << 61
"""No fault begins later."""


class Schedule:
    """The occurrences of one fault, [start, end) in ns, in order and never two at once."""

    def __init__(self, model: Model, row: int) -> None:
        faults = model.plan.faults
        self._address = int(faults.address[row])
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._up = self._down = None
        if faults.mtbf[row] == NONE:
            at_ns, lasts_ns = int(faults.at_ns[row]), int(faults.lasts_ns[row])
            self._add(at_ns, FOREVER if lasts_ns == NONE else at_ns + lasts_ns)
        else:
            self._up = model.draws(faults.mtbf[row], Stream.FAULT_START)
            self._down = model.draws(faults.mttr[row], Stream.FAULT_LENGTH)

    def _add(self, start: int, end: int) -> None:
        self._starts.append(start)
        self._ends.append(end)

    def _extend(self) -> bool:
        """Draw one occurrence more; return whether there is one."""
        if self._up is None or self._down is None:
            return False
        number = len(self._starts)
        begin = self._ends[-1] if number else 0
        start = begin + self.time_up_ns(number)
        if start >= LAST_START:
            self._up = None
            return False
        self._add(start, start + self.time_down_ns(number))
        return True

    def time_up_ns(self, number: int) -> int:
        """Draw the time until an occurrence; at least 1 ns, so that time goes on."""
        assert self._up is not None
        return max(1, self._up.ns(self._address, number))

    def time_down_ns(self, number: int) -> int:
        """Draw how long an occurrence lasts, at least 1 ns."""
        assert self._down is not None
        return max(1, self._down.ns(self._address, number))

    def occurrences(self) -> Iterator[tuple[int, int]]:
        """Yield start and end of each occurrence, as long as somebody asks."""
        number = 0
        while number < len(self._starts) or self._extend():
            yield self._starts[number], self._ends[number]
            number += 1

    def over(self, time_ns: int) -> int:
        """Return when the occurrence that is there at a time ends; the time itself without one."""
        while (not self._starts or self._ends[-1] <= time_ns) and self._extend():
            pass
        place = bisect_right(self._starts, time_ns) - 1
        return max(time_ns, self._ends[place]) if place >= 0 else time_ns

    def is_there(self, time_ns: int) -> bool:
        """Return whether the fault is there at a time."""
        return self.over(time_ns) > time_ns
