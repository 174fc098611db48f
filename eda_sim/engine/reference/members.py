"""Members: the client's side of a consumer group.

A member polls: it takes what was fetched, handles it in order, commits, and polls again. While it
works on what it polled, the next fetch is already on its way. Between polls it is deaf to the
group: what the group wants of it (give a partition up, join a new generation) waits for its next
poll.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from eda_sim.engine.plan import NONE
from eda_sim.engine.ranks import Rank
from eda_sim.engine.reference.clock import Process
from eda_sim.engine.reference.ledger import Delivery
from eda_sim.engine.reference.workers import Worker
from eda_sim.engine.trace import Outcome

if TYPE_CHECKING:
    from eda_sim.engine.reference.sessions import Session
    from eda_sim.engine.reference.topics import GroupPartition


class GroupWorker(Worker):
    """A member of a group: one worker of one instance.

    Attributes
    ----------
    readable : OrderedDict of GroupPartition
        Its partitions that have something to read, in the order in which they will be read.
    stopped : bool
        It waits for an assignment and handles nothing.
    polling : bool
        It waits in a poll, so it answers the group at once.
    """

    def __init__(self, session: Session, number: int) -> None:
        super().__init__(session, number)
        assert self.consumer.group is not None
        self.group = self.consumer.group
        self.place = session.instance * self.consumer.concurrency + number
        self.readable: OrderedDict[GroupPartition, None] = OrderedDict()
        self.fetch_waits = False
        self.fetches = 0
        self.stopped = True
        self.joining = True
        self.polling = True
        self._asked_to_give_up = False
        self._asked_to_rejoin = False
        self._given_up: set[GroupPartition] = set()
        self._fetching = False
        self._sent = 0
        self._polled_at = 0
        self._watched = False
        self._consumed: dict[GroupPartition, int] = {}
        self._auto_commit_due = False
        self._auto_commits = 0

    # What the group wants -----------------------------------------------------------------------

    def resume(self) -> None:
        """Go on: the group has taken this worker in, or has a new assignment for it."""
        self.stopped = False
        self.joining = False
        self.wake()

    def let_go(self, partition: GroupPartition) -> None:
        """Read no more from a partition, and give it up at the next poll."""
        self.readable.pop(partition, None)
        self._asked_to_give_up = True
        self.wake()

    def rejoin_at_next_poll(self) -> None:
        """Join the group's next generation at the next poll."""
        self._asked_to_rejoin = True
        self.wake()

    def _answer_group(self) -> None:
        if not self.group.is_member(self):
            if not self.joining:
                self.joining = self.stopped = True
                self._asked_to_give_up = self._asked_to_rejoin = False
                self._consumed.clear()
                self._send(lambda: self.group.admit([self]), Rank.JOIN)
            return
        if self._asked_to_give_up:
            self._asked_to_give_up = False
            moved = [
                partition
                for partition in self.group.partitions()
                if partition.owner is self and partition.target is not self
            ]
            if moved:
                self._commit_consumed()
                self._given_up.update(moved)
                self._send(lambda: self._give_up(moved), Rank.COMMIT)
        if self._asked_to_rejoin:
            self._asked_to_rejoin = False
            self._commit_consumed()
            self.stopped = self.group.protocol.stops_members
            self._send(lambda: self.group.protocol.rejoined(self), Rank.COMMIT)

    def _give_up(self, partitions: list[GroupPartition]) -> None:
        """Let the group know; until then, all that still comes from them is dropped."""
        self._given_up.difference_update(partitions)
        self.group.give_up(self, partitions)

    # Polling ------------------------------------------------------------------------------------

    def receive(self, batch: Sequence[Delivery]) -> None:
        """Take in the answer to a fetch."""
        self._fetching = False
        super().receive(batch)

    def work(self) -> Process:
        """Poll, handle what came, commit; until the session closes."""
        if self.consumer.settles_automatically:
            self._start_auto_commit()
        while True:
            if self.session.speed is not None and self.session.speed.stands_still:
                yield from self._stand_still()
            if self.session.closing:
                self._commit_consumed()
                return
            self._answer_group()
            if self._auto_commit_due:
                self._commit_consumed()
            batch = self._poll()
            if not batch:
                woken = self.sleep()
                if not self.stopped:
                    self._fetch()
                yield woken
                continue
            self._fetch()
            self.polling = False
            self._watch_poll_interval()
            yield from self._handle_batch(batch)
            self.polling = True

    def _stand_still(self) -> Process:
        """Wait for a fault to end; a hang with work at hand is a poll that does not come."""
        speed = self.session.speed
        while speed is not None and speed.stands_still:
            if self.inbox and self.polling:
                self.polling = False
                self._watch_poll_interval()
            yield speed.wait(self)
        self.polling = True

    def _poll(self) -> list[Delivery]:
        """Return what was fetched, without what belongs to somebody else by now.

        What the group wants to move is handled until this member has been told: the partition may
        be meant for it again before that, and then nobody would go back to what it dropped.
        """
        batch = []
        for delivery in self.inbox:
            given_up = self.group.partition_of(delivery) in self._given_up
            if delivery.entry.holder is delivery and not given_up and not self.stopped:
                batch.append(delivery)
            else:
                delivery.outcome = Outcome.EXPIRED
                self.session.drop(delivery)
        self.inbox.clear()
        return batch

    def _handle_batch(self, batch: list[Delivery]) -> Process:
        consumer = self.consumer
        if consumer.settle_before:
            self._commit(self._offsets(batch))
        elif self.group.auto_commits_delivered:
            self._consumed.update(self._offsets(batch))
        yield from self.handle_all(batch)
        if consumer.settles_automatically:
            self._consumed.update(self._offsets(batch))
        elif not consumer.settle_before:
            self._commit(self._offsets(batch))

    def _fetch(self) -> None:
        if not self._fetching:
            self._fetching = True
            self._send(lambda: self.group.fetch(self), Rank.REQUEST)

    # Committing ---------------------------------------------------------------------------------

    def _offsets(self, batch: list[Delivery]) -> dict[GroupPartition, int]:
        return {self.group.partition_of(delivery): delivery.entry.offset + 1 for delivery in batch}

    def _commit(self, offsets: dict[GroupPartition, int]) -> None:
        if not self.session.loses_commit(self._sent, self.number):
            self._send(lambda: self.group.commit(self, offsets), Rank.COMMIT)

    def _commit_consumed(self) -> None:
        self._auto_commit_due = False
        if self._consumed:
            consumed, self._consumed = self._consumed, {}
            self._commit(consumed)

    def _start_auto_commit(self) -> None:
        """Commit at every interval: at once while polling, else at the next poll.

        A client that commits what it delivered (librdkafka) has a thread for it and never waits.
        """
        clock = self.model.clock
        self._auto_commits += 1
        number = self._auto_commits

        def interval_is_over() -> None:
            if not self.session.alive:
                return
            has_own_thread = self.group.auto_commits_delivered
            speed = self.session.speed
            is_held_up = speed is not None and speed.holds_up(own_thread=has_own_thread)
            if (self.polling or has_own_thread) and not is_held_up:
                self._commit_consumed()
            else:
                self._auto_commit_due = True
            self._start_auto_commit()

        clock.call_at(
            interval_is_over,
            clock.now + self.group.auto_commit_ns,
            Rank.AUTO_COMMIT,
            self.consumer.index,
            self.place,
            (self.session.number << 24) + number,
        )

    # The poll interval --------------------------------------------------------------------------

    def _watch_poll_interval(self) -> None:
        """Leave the group if the next poll does not come in time (Kafka: max.poll.interval.ms)."""
        self._polled_at = self.model.clock.now
        if self.group.max_poll_interval_ns != NONE and not self._watched:
            self._watch_until(self._polled_at + self.group.max_poll_interval_ns)

    def _watch_until(self, time_ns: int) -> None:
        self._watched = True
        self.model.clock.call_at(
            self._poll_is_late,
            time_ns,
            Rank.POLL_INTERVAL,
            self.consumer.index,
            self.place,
            self.session.number,
        )

    def _poll_is_late(self) -> None:
        self._watched = False
        if self.polling or not self.session.alive:
            return
        speed = self.session.speed
        if speed is not None and speed.pauses:
            speed.afterwards(self._poll_is_late)
            return
        due = self._polled_at + self.group.max_poll_interval_ns
        if due > self.model.clock.now:
            self._watch_until(due)
        else:
            self.group.remove([self])

    def _send(self, action: Callable[[], None], rank: Rank) -> None:
        number = self._sent
        self._sent += 1
        self.session.to_broker(action, rank, number, self.number)


def members_of(session: Session) -> list[GroupWorker]:
    """Return the workers of a session as members of its group."""
    return [worker for worker in session.workers if isinstance(worker, GroupWorker)]
