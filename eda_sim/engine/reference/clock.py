"""Simulated time: SimPy's environment with integer nanoseconds and explicit ranks.

SimPy orders its events by (time, priority, order of scheduling). Here the priority is an integer
made from (rank, entity, number, attempt), so that simultaneous events happen in the order of the
rank table and never in the order in which somebody happened to schedule them.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import simpy
from simpy.events import URGENT, Event

from eda_sim.engine.ranks import Rank

Process = Generator[Event, Any, None]


class Moment(Event):
    """A point in simulated time that a process can wait for; it cannot fail."""

    def __init__(self, environment: simpy.Environment) -> None:
        # What Event.__init__ does, but for the value: most objects of a run are made here.
        self.env = environment
        self.callbacks = []
        self._value = None
        self._ok = True


class Clock:
    """The clock of one run, in nanoseconds from 0."""

    def __init__(self) -> None:
        self.environment = simpy.Environment()

    @property
    def now(self) -> int:
        """Return the simulated time in ns."""
        return self.environment._now  # type: ignore[return-value]  # the property costs a call more

    def at(
        self, time_ns: int, rank: Rank, entity: int, number: int = 0, attempt: int = 0
    ) -> Moment:
        """Return a moment: ``time_ns``, and its place among others at that time."""
        environment = self.environment
        moment = Moment(environment)
        priority = (((rank << 32 | entity) << 48) | number) << 32 | attempt
        environment.schedule(moment, priority, time_ns - environment._now)  # type: ignore[arg-type]
        return moment

    def call_at(
        self,
        function: Callable[[], None],
        time_ns: int,
        rank: Rank,
        entity: int,
        number: int = 0,
        attempt: int = 0,
    ) -> None:
        """Call ``function`` at ``time_ns``, at the place of (rank, entity, number, attempt)."""
        moment = self.at(time_ns, rank, entity, number, attempt)
        moment.callbacks.append(lambda _: function())

    def before(self, time_ns: int, function: Callable[[], None]) -> None:
        """Call ``function`` at ``time_ns``, before anything of the model happens at that time."""
        moment = Moment(self.environment)
        moment.callbacks.append(lambda _: function())
        delay = max(0, time_ns - self.now)
        self.environment.schedule(moment, URGENT, delay)

    def start(self, process: Process) -> simpy.Process:
        """Let a process run from now on."""
        return self.environment.process(process)

    def signal(self) -> Event:
        """Return an event that one part of the model triggers and a process waits for."""
        return Event(self.environment)
