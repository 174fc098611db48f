"""Instances: the processes of a consumer, each of which has faults of its own.

An instance lives as long as the run. Each time it comes up it opens a new session; a crash ends the
session, and with it everything that was in memory. Faults nest: an instance is down until the last
fault that took it down is over, and stands still until the last pause or hang is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from eda_sim.engine.plan import NONE, FaultKind
from eda_sim.engine.reference.links import Connection
from eda_sim.engine.reference.network import disturbances
from eda_sim.engine.reference.outlets import Outlet
from eda_sim.engine.reference.sessions import Session
from eda_sim.engine.reference.speed import Speed

if TYPE_CHECKING:
    from eda_sim.engine.reference.consumers import Consumer
    from eda_sim.engine.reference.operation import OperationClock

_OF_SPEED = (FaultKind.PAUSE, FaultKind.HANG, FaultKind.SLOW)


class Instance:
    """One process of a consumer: up with a session, or down without one.

    Attributes
    ----------
    speed : Speed or None
        How fast it works; None if no fault ever changes that, and nothing interrupts it.
    bugs : dict
        Fault -> probability that it lets an attempt fail.
    operation_clocks : list of OperationClock
        Clocks of its faults that run only while it is at work.
    network, publishing_network : Disturbances or None
        What faults do to its links.
    """

    def __init__(self, consumer: Consumer, number: int) -> None:
        model = consumer.model
        plan = model.plan
        self.consumer = consumer
        self.number = number
        self.session: Session | None = None
        self.sessions = 0
        self.causes_down = 0
        self.cuts = 0
        self.bugs: dict[int, float] = {}
        self.operation_clocks: list[OperationClock] = []
        self._running = 0
        self._is_at_work = False
        hit = (plan.faults.consumer == consumer.index) & np.isin(plan.faults.what, _OF_SPEED)
        hit &= np.isin(plan.faults.instance, (NONE, number))
        has_speed = bool(hit.any()) or consumer.preemptive
        self.speed = Speed(model.clock, consumer.index) if has_speed else None
        read, emitted = consumer.channels_read, consumer.channels_emitted
        who = {"consumer": consumer.index, "instance": number}
        self.network = disturbances(model, read, **who)
        source = consumer.emitter.source
        connection = Connection.of_publisher(model, source, disturbances(model, emitted, **who))
        self.publishing = Outlet(model, source, connection)

    @property
    def is_paused(self) -> bool:
        """Return whether the process stands still, heartbeats too."""
        return self.speed is not None and self.speed.pauses > 0

    @property
    def bug_probability(self) -> float:
        """Return the probability that bugs let an attempt fail now."""
        spared = 1.0
        for _, probability in sorted(self.bugs.items()):
            spared *= 1.0 - probability
        return 1.0 - spared

    # At work ------------------------------------------------------------------------------------

    def note_running(self, change: int) -> None:
        """Note that one worker more (1) or less (-1) handles something."""
        self._running += change
        self._note_work()

    def _note_work(self) -> None:
        """Let clocks of operation run or stand still, whatever is the case now."""
        stands_still = self.speed is not None and self.speed.stands_still
        is_at_work = self._running > 0 and not stands_still
        if is_at_work != self._is_at_work:
            self._is_at_work = is_at_work
            for clock in self.operation_clocks:
                clock.note(1 if is_at_work else -1)

    # Down and up --------------------------------------------------------------------------------

    def come_up(self) -> Session:
        """Open a new session and return it."""
        session = self.session = Session(self, self.sessions)
        self.sessions += 1
        session.start()
        return session

    def crash(self) -> None:
        """Lose everything in memory; crashes nest, the first one takes the instance down."""
        self.causes_down += 1
        if self.session is not None:
            session, self.session = self.session, None
            if self.speed is not None:
                self.speed.forget()
            self.publishing.crash()
            session.crash()

    def stop(self) -> None:
        """Shut down cleanly; the session ends when its workers have finished."""
        self.causes_down += 1
        if self.session is not None and not self.session.closing:
            self.session.stop()

    def has_stopped(self) -> None:
        """Note that the session has ended; come up again if the time for that has come already."""
        self.session = None
        self._come_up_again()

    def restart(self) -> None:
        """End one cause to be down; when it was the last, come up again."""
        self.causes_down -= 1
        self._come_up_again()

    def _come_up_again(self) -> None:
        if self.causes_down == 0 and self.session is None:
            self.come_up().join()
            self._note_silence()

    # Heard and unheard --------------------------------------------------------------------------

    def _note_silence(self) -> None:
        """Stop or start the heartbeats of the session, whatever is the case now."""
        session = self.session
        if session is None:
            return
        unheard = self.is_paused or self.cuts > 0
        if unheard and not session.silent:
            session.fall_silent()
        elif session.silent and not unheard:
            session.be_heard()

    def be_cut_off(self, change: int) -> None:
        """Add (1) or take away (-1) a cut between this instance and what it reads."""
        self.cuts += change
        self._note_silence()

    def pause(self, change: int) -> None:
        """Add (1) or take away (-1) a pause: the process stands still."""
        assert self.speed is not None
        self.speed.change(pauses=change)
        self._note_work()
        self._note_silence()

    def hang(self, change: int) -> None:
        """Add (1) or take away (-1) a hang: handlers stand still."""
        assert self.speed is not None
        self.speed.change(hangs=change)
        self._note_work()
