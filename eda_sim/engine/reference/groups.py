"""Groups: subscriptions with a lease on each partition, and cumulative acknowledgement.

A consumer group reads partitions. Each partition belongs to one member at a time (a member is one
worker of one instance), which reads on from the position and commits offsets. A commit
acknowledges everything before it. When a partition changes hands, the position goes back to the
committed offset: what was read and not committed is delivered again.

Hand-over of partitions: an instance that crashed is noticed when its session times out, a session
timeout after its last heartbeat; its partitions then move at once. A live owner gives a partition
up at its next poll, after it committed what it was working on. An instance that comes back before
its session timed out takes its old place (static membership).

What a read returns is limited by ``fetch_max_messages``. While a member works on what it
polled, the next fetch is already on its way.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from eda_sim.engine.lineage import mix
from eda_sim.engine.plan import UNIT_UNIFORM
from eda_sim.engine.ranks import Rank
from eda_sim.engine.reference.clock import Process
from eda_sim.engine.reference.ledger import Delivery, Entry
from eda_sim.engine.reference.model import Model
from eda_sim.engine.reference.workers import Worker
from eda_sim.engine.streams import samplers
from eda_sim.engine.streams.addresses import Stream
from eda_sim.engine.trace import CopyState, Outcome

if TYPE_CHECKING:
    from eda_sim.engine.reference.consumers import Consumer
    from eda_sim.engine.reference.sessions import Session


class GroupPartition:
    """One partition as the group sees it.

    ``log`` holds its copies by offset. Everything before ``committed`` is acknowledged; everything
    before ``position`` was handed to the owner. ``target`` is who shall own it.
    """

    __slots__ = ("committed", "log", "owner", "position", "target", "topic")

    def __init__(self, topic: Topic) -> None:
        self.topic = topic
        self.log: list[Entry] = []
        self.position = 0
        self.committed = 0
        self.owner: GroupWorker | None = None
        self.target: GroupWorker | None = None


class Topic:
    """One channel as the group sees it: its partitions, and how many copies stand where."""

    def __init__(self, group: Group, channel: int, partitions: int) -> None:
        self.group = group
        self.consumer = group.consumer
        self.channel = channel
        self.available = 0
        self.acquired = 0
        self.partitions = [GroupPartition(self) for _ in range(partitions)]

    def remove(self, entry: Entry, state: CopyState) -> None:
        """Let go of a copy that its channel no longer has; its offset stays empty.

        A failover removes from the end (TRUNCATED): those offsets are given out again.
        """
        partition = self.partitions[entry.partition]
        if not entry.is_final:
            if entry.offset < partition.position:
                self.acquired -= 1
            else:
                self.available -= 1
            entry.holder = None
            self.group.model.finish(entry, state)
        if state == CopyState.TRUNCATED:
            del partition.log[entry.offset :]
            partition.position = min(partition.position, entry.offset)
            partition.committed = min(partition.committed, entry.offset)

    def offer(self, entry: Entry) -> None:
        """Take in a copy that has just become visible."""
        partition = self.partitions[entry.partition]
        partition.log.append(entry)
        self.available += 1
        if partition.position == len(partition.log) - 1:
            self.group.make_readable(partition)


class Group:
    """The members that share the partitions of a consumer's channels, and who owns what."""

    def __init__(self, model: Model, consumer: Consumer, rows: list[int]) -> None:
        plan = model.plan
        row = plan.subscriptions
        self.model = model
        self.consumer = consumer
        self.session_timeout_ns = int(row.lease_timeout_ns[rows[0]])
        self.heartbeat_ns = int(row.heartbeat_ns[rows[0]])
        self.fetch_max_messages = int(row.fetch_max_messages[rows[0]])
        self.topics = [
            Topic(self, channel, int(plan.channels.rows.partitions[channel]))
            for channel in (int(row.channel[i]) for i in rows)
        ]
        self._topic_of = {topic.channel: topic for topic in self.topics}
        self._members: dict[tuple[int, int], GroupWorker] = {}

    def partition_of(self, delivery: Delivery) -> GroupPartition:
        """Return the partition that a delivery was read from."""
        return self._topic_of[delivery.channel].partitions[delivery.entry.partition]

    # Membership ---------------------------------------------------------------------------------

    def start(self) -> None:
        """Let all instances be members from the first moment."""
        for instance in self.consumer.instances:
            if instance.session is not None:
                self._add(instance.session)
        self._assign()

    def join(self, session: Session) -> None:
        """Take in an instance that came up; one that was never missed takes its old place."""
        if not session.alive:
            return
        replaced = [self._members.get(_place(worker)) for worker in _members_of(session)]
        self._add(session)
        for old, new in zip(replaced, _members_of(session), strict=True):
            for partition in self._partitions():
                if old is not None and partition.owner is old:
                    self._transfer(partition, new)
        self._assign()

    def crashed(self, session: Session) -> None:
        """Start the clock after which the group misses an instance that went down."""
        model = self.model
        run = model.plan.run
        since_heartbeat = samplers.sample(
            model.plan.distributions,
            UNIT_UNIFORM,
            run.seed,
            run.replication,
            int(Stream.DETECTION),
            mix(self.consumer.address, session.instance),
            session.number,
            1,
        )
        missed_at = model.clock.now + self.session_timeout_ns
        model.clock.call_at(
            lambda: self._session_timed_out(session),
            missed_at - int(since_heartbeat * self.heartbeat_ns),
            Rank.SESSION_TIMEOUT,
            self.consumer.index,
            session.instance,
            session.number,
        )

    def disconnect(self, session: Session) -> None:
        """Notice that a connection is closed: its fetches get no answer any more."""
        for worker in _members_of(session):
            worker.fetch_waits = False

    def _add(self, session: Session) -> None:
        for worker in _members_of(session):
            self._members[_place(worker)] = worker

    def _session_timed_out(self, session: Session) -> None:
        for worker in _members_of(session):
            if self._members.get(_place(worker)) is worker:
                del self._members[_place(worker)]
        self._assign()

    # Assignment ---------------------------------------------------------------------------------

    def _assign(self) -> None:
        """Give each member consecutive partitions of each topic (Kafka's RangeAssignor)."""
        members = [self._members[place] for place in sorted(self._members)]
        for topic in self.topics:
            for number, partition in enumerate(topic.partitions):
                partition.target = _range_owner(members, len(topic.partitions), number)
                self._move(partition)

    def _move(self, partition: GroupPartition) -> None:
        owner, target = partition.owner, partition.target
        if owner is target:
            self.make_readable(partition)
        elif owner is None or self._members.get(_place(owner)) is not owner:
            self._transfer(partition, target)
        else:
            if partition in owner.readable:
                del owner.readable[partition]
            owner.asked_to_give_up = True
            owner.wake()

    def _transfer(self, partition: GroupPartition, new_owner: GroupWorker | None) -> None:
        """Give a partition to its new owner, who reads on from the committed offset."""
        if partition.owner is not None and partition in partition.owner.readable:
            del partition.owner.readable[partition]
        now = self.model.clock.now
        for entry in partition.log[partition.committed : partition.position]:
            if not entry.is_final:
                entry.state = CopyState.AVAILABLE
                entry.available_at = now
                entry.holder = None
                partition.topic.available += 1
                partition.topic.acquired -= 1
        partition.position = partition.committed
        partition.owner = new_owner
        self.make_readable(partition)

    def give_up(self, member: GroupWorker, partitions: list[GroupPartition]) -> None:
        """Take back what a live owner was asked for."""
        for partition in partitions:
            if partition.owner is member:
                self._transfer(partition, partition.target)

    def _partitions(self) -> list[GroupPartition]:
        return [partition for topic in self.topics for partition in topic.partitions]

    # Reading and committing ---------------------------------------------------------------------

    def fetch(self, member: GroupWorker) -> None:
        """Take in a fetch; it waits here until one of the member's partitions has something."""
        if member.session.alive:
            member.fetch_waits = True
            self.answer(member)

    def make_readable(self, partition: GroupPartition) -> None:
        """Let the owner read what a partition holds, unless it is about to give it up."""
        owner = partition.owner
        if owner is None or owner is not partition.target:
            return
        if partition.position < len(partition.log) and partition not in owner.readable:
            owner.readable[partition] = None
            self.answer(owner)

    def answer(self, member: GroupWorker) -> None:
        """Answer a waiting fetch with what the member's partitions hold, one after the other.

        A partition that has more than fits goes to the back, so that none of them starves.
        """
        if not member.fetch_waits or not member.readable:
            return
        batch: list[Delivery] = []
        while member.readable and len(batch) < self.fetch_max_messages:
            partition = next(iter(member.readable))
            self._read(partition, member, batch)
            if partition.position == len(partition.log):
                del member.readable[partition]
            else:
                member.readable.move_to_end(partition)
        if batch:
            member.fetch_waits = False
            member.session.send(batch, member)

    def _read(self, partition: GroupPartition, member: GroupWorker, batch: list[Delivery]) -> None:
        now = self.model.clock.now
        log = partition.log
        while partition.position < len(log) and len(batch) < self.fetch_max_messages:
            entry = log[partition.position]
            partition.position += 1
            if entry.is_final:  # expired before it was read
                continue
            delivery = Delivery(entry, member.session, member.session.instance, now)
            self.model.ledger.deliveries.append(delivery)
            entry.holder = delivery
            entry.state = CopyState.ACQUIRED
            batch.append(delivery)
            partition.topic.available -= 1
            partition.topic.acquired += 1

    def commit(self, member: GroupWorker, offsets: dict[GroupPartition, int]) -> None:
        """Record offsets; those of partitions that the member no longer owns are refused."""
        for partition, offset in offsets.items():
            if partition.owner is member and offset > partition.committed:
                self._acknowledge(partition, offset)

    def _acknowledge(self, partition: GroupPartition, offset: int) -> None:
        now = self.model.clock.now
        entries = partition.log[partition.committed : offset]
        partition.committed = offset
        for entry in entries:
            if entry.is_final:
                continue
            partition.topic.acquired -= 1
            if entry.holder is not None:
                entry.holder.settled_at = now
            self.model.finish(entry, CopyState.ACKNOWLEDGED)


class GroupWorker(Worker):
    """A member of a group: polls, handles what it got in order, commits."""

    def __init__(self, session: Session, number: int) -> None:
        super().__init__(session, number)
        assert self.consumer.group is not None
        self.group = self.consumer.group
        self.readable: OrderedDict[GroupPartition, None] = OrderedDict()
        self.fetch_waits = False
        self.asked_to_give_up = False
        self._fetching = False
        self._sent = 0

    def receive(self, batch: Sequence[Delivery]) -> None:
        """Take in the answer to a fetch."""
        self._fetching = False
        super().receive(batch)

    def work(self) -> Process:
        """Poll: give up what moved, take what was fetched, handle it, commit it."""
        before = self.consumer.settle_before
        while True:
            if self.asked_to_give_up:
                self._give_up_moved()
            batch = self._poll()
            if not batch:
                woken = self.sleep()
                self._fetch()
                yield woken
                continue
            self._fetch()
            if before:
                self._commit(batch)
            for delivery in batch:
                yield from self.handle(delivery)
                self.model.close()
            if not before:
                self._commit(batch)

    def _poll(self) -> list[Delivery]:
        """Return what was fetched, without what belongs to somebody else by now."""
        batch = []
        for delivery in self.inbox:
            partition = self.group.partition_of(delivery)
            if delivery.entry.holder is delivery and partition.target is self:
                batch.append(delivery)
            else:
                delivery.outcome = Outcome.EXPIRED
                self.session.unfinished.pop(delivery, None)
        self.inbox.clear()
        return batch

    def _fetch(self) -> None:
        if not self._fetching:
            self._fetching = True
            self._send(lambda: self.group.fetch(self), Rank.REQUEST)

    def _commit(self, batch: list[Delivery]) -> None:
        offsets = {
            self.group.partition_of(delivery): delivery.entry.offset + 1 for delivery in batch
        }
        self._send(lambda: self.group.commit(self, offsets), Rank.COMMIT)

    def _give_up_moved(self) -> None:
        self.asked_to_give_up = False
        moved = [
            partition
            for topic in self.group.topics
            for partition in topic.partitions
            if partition.owner is self and partition.target is not self
        ]
        if moved:
            self._send(lambda: self.group.give_up(self, moved), Rank.COMMIT)

    def _send(self, action: Callable[[], None], rank: Rank) -> None:
        number = self._sent
        self._sent += 1
        self.session.to_broker(action, rank, number, self.number)


def _members_of(session: Session) -> list[GroupWorker]:
    return [worker for worker in session.workers if isinstance(worker, GroupWorker)]


def _place(worker: GroupWorker) -> tuple[int, int]:
    return worker.session.instance, worker.number


def _range_owner(members: list[GroupWorker], partitions: int, number: int) -> GroupWorker | None:
    """Return who gets a partition when the first ``partitions % members`` get one more each."""
    if not members:
        return None
    share, extra = divmod(partitions, len(members))
    in_larger_shares = extra * (share + 1)
    if number < in_larger_shares:
        return members[number // (share + 1)]
    return members[extra + (number - in_larger_shares) // share]
