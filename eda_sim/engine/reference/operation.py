"""Time in operation: the clock of a fault that comes only from work (rule F18).

The clock of a fault whose ``mtbf`` counts operation runs while an instance of its target is at
work, and else stands still. It keeps at most one event in the calendar. When that comes and the
clock has stood still meanwhile, it looks how much is left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simpy.events import Event

from eda_sim.engine.ranks import Rank
from eda_sim.engine.reference.schedules import LAST_START

if TYPE_CHECKING:
    from eda_sim.engine.reference.clock import Clock


class OperationClock:
    """The clock of one fault.

    Parameters
    ----------
    clock : Clock
        That of the run.
    fault : int
        Its row.
    """

    def __init__(self, clock: Clock, fault: int) -> None:
        self._clock = clock
        self._fault = fault
        self._at_work = 0
        self._left_ns = 0
        self._since = 0
        self._occurrence = 0
        self._is_due = False
        self._begins: Event | None = None

    def after(self, time_ns: int, occurrence: int) -> Event:
        """Return the event at which so much time in operation has passed from now on."""
        self._left_ns, self._occurrence = time_ns, occurrence
        self._begins = self._clock.signal()
        if self._at_work:
            self._go_on()
        return self._begins

    def note(self, change: int) -> None:
        """Note that one instance more (1) or less (-1) is at work."""
        self._at_work += change
        if self._begins is None:
            return
        if change > 0 and self._at_work == 1:
            self._go_on()
        elif self._at_work == 0:
            # At least 1 ns: what was due at this very moment, and not its turn yet, comes later.
            self._left_ns = max(1, self._left_ns - (self._clock.now - self._since))

    def _go_on(self) -> None:
        self._since = self._clock.now
        if not self._is_due:
            self._look_later()

    def _look_later(self) -> None:
        ends = self._since + self._left_ns
        if ends < LAST_START:
            self._is_due = True
            rank, number = Rank.FAULT_START, self._occurrence
            self._clock.call_at(self._look, ends, rank, self._fault, number)

    def _look(self) -> None:
        self._is_due = False
        if not self._at_work:
            return
        if self._clock.now < self._since + self._left_ns:
            self._look_later()
            return
        begins, self._begins = self._begins, None
        assert begins is not None
        begins.succeed()
