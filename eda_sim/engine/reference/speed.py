"""Speed: how fast the work of an instance goes, and what happens when that changes.

Work is counted in nanoseconds at full speed. An instance that is slowed down by a factor needs that
many times as long for it; one that stands still (a pause, a hang) does none. When the speed
changes, each piece of work under way is brought up to date and gets a new end; the events of the
old end find that they are out of date and do nothing.

There is one rounding rule: what is left takes ``floor(left * factor + 0.5)``, what has been done is
``floor(passed / factor)``, in float64. At full speed both are exact.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from simpy.events import Event

from eda_sim.engine.plan import NONE
from eda_sim.engine.ranks import Rank
from eda_sim.engine.reference.ledger import Delivery
from eda_sim.engine.reference.schedules import FOREVER

if TYPE_CHECKING:
    from eda_sim.engine.reference.clock import Clock
    from eda_sim.engine.reference.workers import Worker

ENDLESS = 1 << 61
"""Work that only a time limit ends."""


class Work:
    """A piece of work under way.

    It ends when it is done, or at ``limit``: a time limit goes on while handlers are slow or hang,
    and is noticed late in a process that stands still.

    Attributes
    ----------
    ended : Event
        Comes when it ends.
    is_done : bool
        Whether it came to its end, and not to its limit.
    is_interrupted : bool
        Whether it ended because something more urgent came; then it may go on.
    left_ns : int
        What is left of it at full speed.
    """

    __slots__ = (
        "_since",
        "_speed",
        "_version",
        "delivery",
        "ended",
        "is_done",
        "is_interrupted",
        "left_ns",
        "limit",
    )

    def __init__(self, speed: Speed, delivery: Delivery, left_ns: int, limit: int) -> None:
        self.ended = speed.clock.signal()
        self.is_done = False
        self.is_interrupted = False
        self.left_ns = left_ns
        self.limit = limit
        self._speed = speed
        self.delivery = delivery
        self._since = speed.clock.now
        self._version = 0

    def bring_up_to_date(self) -> None:
        """Note what was done since the last time."""
        speed, now = self._speed, self._speed.clock.now
        if not speed.stands_still and self.left_ns != ENDLESS:
            passed = now - self._since
            done = passed if speed.factor == 1.0 else int(passed / speed.factor)
            self.left_ns = max(0, self.left_ns - done)
        self._since = now

    def reschedule(self) -> None:
        """Find out when it will end, as things are now."""
        speed = self._speed
        now = speed.clock.now
        self._version += 1
        ends = FOREVER
        if not speed.stands_still and self.left_ns != ENDLESS:
            ends = now + speed.takes_ns(self.left_ns)
        if self.limit != NONE and not speed.pauses:
            ends = min(ends, max(now, self.limit))
        if ends >= FOREVER:
            return
        version = self._version
        speed.clock.call_at(
            lambda: self._end(version),
            ends,
            Rank.HANDLER_TIMEOUT if self.left_ns == ENDLESS else Rank.COMPLETION,
            speed.consumer,
            self.delivery.copy_id,
            self.delivery.attempt,
        )

    def interrupt(self) -> None:
        """End it for now."""
        self.bring_up_to_date()
        self._version += 1
        self.is_interrupted = True
        del self._speed.works[self]
        self.ended.succeed()

    def go_on(self) -> None:
        """Let it go on where it was interrupted."""
        self.is_interrupted = False
        self.ended = self._speed.clock.signal()
        self._since = self._speed.clock.now
        self._speed.works[self] = None
        self.reschedule()

    def _end(self, version: int) -> None:
        if version != self._version:
            return
        now, speed = self._speed.clock.now, self._speed
        if not speed.stands_still and self.left_ns != ENDLESS:
            self.is_done = now - self._since >= speed.takes_ns(self.left_ns)
        self._speed.works.pop(self, None)
        self.ended.succeed()


class Speed:
    """The speed of one instance, which a fault may change; others have none.

    Attributes
    ----------
    pauses, hangs : int
        Faults of these kinds that are there now.
    factor : float
        How many times as long work takes: the product of all slow-downs.
    works : dict of Work
        What is under way.
    """

    def __init__(self, clock: Clock, consumer: int) -> None:
        self.clock = clock
        self.consumer = consumer
        self.pauses = 0
        self.hangs = 0
        self.factor = 1.0
        self.works: dict[Work, None] = {}
        self._slowed: dict[int, float] = {}
        self._waiting: list[Worker] = []
        self._afterwards: list[Callable[[], None]] = []

    @property
    def stands_still(self) -> bool:
        """Return whether no work is done at all."""
        return self.pauses + self.hangs > 0

    def holds_up(self, *, own_thread: bool) -> bool:
        """Return whether something else than a handler waits: in a hang, other threads go on."""
        return self.pauses > 0 or (self.hangs > 0 and not own_thread)

    def afterwards(self, action: Callable[[], None]) -> None:
        """Let the process do something as soon as it does not stand still any more."""
        self._afterwards.append(action)

    def takes_ns(self, work_ns: int) -> int:
        """Return how long so much work takes at the present factor."""
        if self.factor == 1.0:
            return work_ns
        return min(FOREVER, int(work_ns * self.factor + 0.5))

    def begin(self, delivery: Delivery, work_ns: int, limit_ns: int = NONE) -> Work:
        """Begin a piece of work; ``limit_ns`` is a limit on the time that it takes."""
        limit = NONE if limit_ns == NONE else self.clock.now + limit_ns
        work = Work(self, delivery, work_ns, limit)
        self.works[work] = None
        work.reschedule()
        return work

    def change(self, *, pauses: int = 0, hangs: int = 0) -> None:
        """Add or take away causes to stand still."""
        self._bring_up_to_date()
        self.pauses += pauses
        self.hangs += hangs
        self._reschedule()

    def slow_down(self, fault: int, factor: float) -> None:
        """Let a fault slow work down."""
        self._bring_up_to_date()
        self._slowed[fault] = factor
        self._multiply()

    def speed_up(self, fault: int) -> None:
        """End that."""
        self._bring_up_to_date()
        del self._slowed[fault]
        self._multiply()

    def _multiply(self) -> None:
        self.factor = 1.0
        for _, factor in sorted(self._slowed.items()):
            self.factor *= factor
        self._reschedule()

    def _bring_up_to_date(self) -> None:
        for work in self.works:
            work.bring_up_to_date()

    def _reschedule(self) -> None:
        for work in self.works:
            work.reschedule()
        if not self.pauses:
            actions, self._afterwards = self._afterwards, []
            for action in actions:
                action()
        if not self.stands_still:
            waiting, self._waiting = self._waiting, []
            for worker in waiting:
                worker.wake()

    def wait(self, worker: Worker) -> Event:
        """Return the event at which a worker may look whether the instance goes on."""
        self._waiting.append(worker)
        return worker.sleep()

    def forget(self) -> None:
        """Drop everything that was under way: the process has crashed."""
        self.works.clear()
        self._waiting.clear()
        self._afterwards.clear()
