"""Dead letters: what becomes of messages that are given up, and how they come back.

A message that is given up is dropped, parked, or moved: a copy of the same message, with the same
message id, is stored in the dead letter channel, where consumers may read it like any other. A
*redrive* moves dead letters back: to the queue that they came from, or to a channel and so to all
that read it. It moves what is there when it begins, so that a message that fails again does not go
round and round, and it leaves out what a reader of the dead letter channel has taken up.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eda_sim.engine.plan import NONE, GivenUp
from eda_sim.engine.ranks import Rank
from eda_sim.engine.reference.ledger import Entry, Message, Origin
from eda_sim.engine.trace import NEVER, CopyState

if TYPE_CHECKING:
    from eda_sim.engine.reference.queues import Queue

_STATES = {
    GivenUp.DROP: CopyState.DISCARDED,
    GivenUp.PARK: CopyState.PARKED,
    GivenUp.DEAD_LETTER: CopyState.DEAD_LETTERED,
}
_UNTOUCHED = (CopyState.AVAILABLE, CopyState.SCHEDULED)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One dead letter: its copy in the dead letter channel, as each reader there sees it."""

    message: Message
    copy_id: int
    partition: int
    deliveries: int
    lineage: int
    entries: list[Entry]


class DeadLetters:
    """What one queue gives up, and the redrive of it."""

    def __init__(self, queue: Queue) -> None:
        row, index = queue.model.plan.subscriptions, queue.index
        self.queue = queue
        self.model = queue.model
        self._state = _STATES[GivenUp(row.given_up[index])]
        self._channel = int(row.dead_letter[index])
        self._takes_expired = bool(row.dead_letter_expired[index])
        self._at_ns = int(row.redrive_at_ns[index])
        self._every_ns = int(row.redrive_every_ns[index])
        self._interval_ns = int(row.redrive_interval_ns[index])
        self._to = int(row.redrive_to[index])
        self._is_redriven = self._at_ns != NONE or self._every_ns != NONE
        self._letters: deque[DeadLetter] = deque()
        self._moving = False

    # Giving up ----------------------------------------------------------------------------------

    def give_up(self, entry: Entry) -> None:
        """Let go of a copy for good, whose lease has ended."""
        if self._state == CopyState.DEAD_LETTERED:
            self._move(entry)
        self.queue.finish(entry, self._state)

    def expired(self, entry: Entry) -> CopyState:
        """Return what becomes of a copy that its channel takes away; it may be moved first."""
        if not self._takes_expired:
            return CopyState.EXPIRED
        self._move(entry)
        return CopyState.DEAD_LETTERED

    def _move(self, entry: Entry) -> None:
        deliveries = entry.deliveries + (entry.history.earlier if entry.history else 0)
        origin = Origin(entry.copy_id, entry.consumer, deliveries, entry.lineage)

        def remember(copy_id: int, entries: list[Entry]) -> None:
            if self._is_redriven:
                letter = DeadLetter(
                    entry.message, copy_id, entry.partition, deliveries, entry.lineage, entries
                )
                self._letters.append(letter)

        self.model.channels[self._channel].store_copy(entry.message, origin, remember)

    # Redriving ----------------------------------------------------------------------------------

    def start(self) -> None:
        """Plan the redrives; a run that drains waits for one that is planned once."""
        if self._at_ns != NONE:
            self.model.open += 1
            self._plan(self._at_ns, 1)
        elif self._every_ns != NONE:
            self._plan(self._every_ns, 1)

    def _plan(self, time_ns: int, task: int) -> None:
        self.model.clock.call_at(
            lambda: self._begin(task), time_ns, Rank.REDRIVE, self.queue.index, task
        )

    def _begin(self, task: int) -> None:
        """Move what is there now; a task that still runs is not joined by another."""
        if self._every_ns != NONE:
            self._plan(self.model.clock.now + self._every_ns, task + 1)
        if self._moving:
            return
        self._moving = True
        if self._every_ns != NONE:
            self.model.open += 1
        self._move_next(task, 1, len(self._letters))

    def _move_next(self, task: int, move: int, left: int) -> None:
        """Move one dead letter, or without a rate all that are left; then plan the next move."""
        clock = self.model.clock
        for _ in range(left if self._interval_ns == NONE else min(left, 1)):
            self._move_back(self._letters.popleft())
            left -= 1
        if not left:
            self._moving = False
            self.model.close()
            return
        clock.call_at(
            lambda: self._move_next(task, move + 1, left),
            clock.now + self._interval_ns,
            Rank.REDRIVE,
            self.queue.index,
            task,
            move,
        )

    def _move_back(self, letter: DeadLetter) -> None:
        if any(entry.state not in _UNTOUCHED for entry in letter.entries):
            return
        consumer = self.queue.consumer.index
        origin = Origin(letter.copy_id, consumer, letter.deliveries, letter.lineage)
        if self._to != NONE:
            self.model.channels[self._to].store_copy(letter.message, origin)
        else:
            self._take_in(letter, origin)
        for entry in letter.entries:
            reader = self.model.channels[entry.channel].subscription_of(entry.consumer)
            reader.remove(entry, CopyState.MOVED)

    def _take_in(self, letter: DeadLetter, origin: Origin) -> None:
        """Let a dead letter be a new copy in the queue that it came from, and in no other."""
        model, queue = self.model, self.queue
        entry = Entry(
            letter.message,
            model.ledger.new_copy(),
            origin.consumer,
            NEVER,
            model.clock.now,
            channel=queue.channel,
            partition=letter.partition,
        )
        entry.come_from(origin)
        model.ledger.entries.append(entry)
        model.open += 1
        limits = model.channels[queue.channel].partitions[letter.partition].limits
        if limits is not None:
            limits.limit_life(letter.message, [entry])
        queue.offer(entry)
