"""Groups: subscriptions with a lease on each partition, and cumulative acknowledgement.

A consumer group reads partitions. Each partition belongs to one member at a time (a member is one
worker of one instance), which reads on from the position and commits offsets. A commit
acknowledges everything before it. When a partition changes hands, the position goes back to the
committed offset: what was read and not committed is delivered again.

This module is the group's coordinator and the broker's side of reading and committing. Who gets
what is in :mod:`assignment`, how partitions change hands in :mod:`rebalancing`, the client's side
in :mod:`members`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eda_sim.engine.lineage import mix
from eda_sim.engine.plan import UNIT_UNIFORM
from eda_sim.engine.ranks import Rank
from eda_sim.engine.reference.assignment import ASSIGNORS
from eda_sim.engine.reference.ledger import Delivery
from eda_sim.engine.reference.members import GroupWorker, members_of
from eda_sim.engine.reference.model import Model
from eda_sim.engine.reference.rebalancing import make_protocol
from eda_sim.engine.reference.topics import GroupPartition, Topic
from eda_sim.engine.streams import samplers
from eda_sim.engine.streams.addresses import Stream
from eda_sim.engine.trace import CopyState, LeaseEnd

if TYPE_CHECKING:
    from eda_sim.engine.reference.consumers import Consumer
    from eda_sim.engine.reference.sessions import Session

MemberId = tuple[int, int, int]
"""Instance, session (0 for static members), worker: members are ordered by it."""


class Group:
    """The members that share the partitions of a consumer's channels, and who owns what."""

    def __init__(self, model: Model, consumer: Consumer, rows: list[int]) -> None:
        plan = model.plan
        row = plan.subscriptions
        first = rows[0]
        self.model = model
        self.consumer = consumer
        self.session_timeout_ns = int(row.lease_timeout_ns[first])
        self.heartbeat_ns = int(row.heartbeat_ns[first])
        self.fetch_max_messages = int(row.fetch_max_messages[first])
        self.fetch_min_bytes = int(row.fetch_min_bytes[first])
        self.fetch_max_wait_ns = int(row.fetch_max_wait_ns[first])
        self.max_poll_interval_ns = int(row.max_poll_interval_ns[first])
        self.auto_commit_ns = int(row.auto_commit_ns[first])
        self.auto_commits_delivered = bool(row.auto_commits_delivered[first])
        self.static = bool(row.static_membership[first])
        self.skips_to_end = bool(row.start_at_latest[first])
        self.topics = [
            Topic(self, channel, int(plan.channels.rows.partitions[channel]))
            for channel in (int(row.channel[i]) for i in rows)
        ]
        self.protocol = make_protocol(self, first)
        self._assign_targets = ASSIGNORS[int(row.assignor[first])]
        self._topic_of = {topic.channel: topic for topic in self.topics}
        self._members: dict[MemberId, GroupWorker] = {}

    @property
    def members(self) -> list[GroupWorker]:
        """Return the members in their order."""
        return [self._members[identity] for identity in sorted(self._members)]

    def partitions(self) -> list[GroupPartition]:
        """Return all partitions of all topics, in order."""
        return [partition for topic in self.topics for partition in topic.partitions]

    def partition_of(self, delivery: Delivery) -> GroupPartition:
        """Return the partition that a delivery was read from."""
        return self._topic_of[delivery.channel].partitions[delivery.entry.partition]

    def is_member(self, worker: GroupWorker) -> bool:
        """Return whether the group counts on this worker."""
        return self._members.get(self._identity(worker)) is worker

    def _identity(self, worker: GroupWorker) -> MemberId:
        session = worker.session
        return session.instance, 0 if self.static else session.number, worker.number

    # Membership ---------------------------------------------------------------------------------

    def start(self) -> None:
        """Let all instances be members from the first moment."""
        for instance in self.consumer.instances:
            if instance.session is not None:
                for worker in members_of(instance.session):
                    self._members[self._identity(worker)] = worker
        self.protocol.start()

    def join(self, session: Session) -> None:
        """Take in an instance that came up; a static member takes its predecessor's place."""
        if session.alive:
            self.admit(members_of(session))

    def admit(self, workers: list[GroupWorker]) -> None:
        """Take in workers that ask to be members."""
        joined = []
        for worker in workers:
            identity = self._identity(worker)
            predecessor = self._members.get(identity)
            self._members[identity] = worker
            if predecessor is None:
                joined.append(worker)
            elif predecessor is not worker:
                self._replace(predecessor, worker)
        # A worker that was a member before has dropped what it had, so the next owner goes back.
        for partition in self.partitions():
            if partition.owner in joined:
                self.transfer(partition, None)
        if joined:
            self.protocol.joined(joined)

    def _replace(self, old: GroupWorker, new: GroupWorker) -> None:
        self.protocol.replaced(old, new)
        for partition in self.partitions():
            if partition.target is old:
                partition.target = new
            if partition.owner is old:
                self.transfer(partition, new)

    def leave(self, session: Session) -> None:
        """Let an instance go that said good-bye: nobody has to wait for its session to time out."""
        self.remove(members_of(session))

    def remove(self, workers: list[GroupWorker]) -> None:
        """Count on these workers no longer; what they still do, they do without the group."""
        gone = [worker for worker in workers if self.is_member(worker)]
        for worker in gone:
            del self._members[self._identity(worker)]
        if gone:
            self.protocol.left(gone)

    # Signs of life ------------------------------------------------------------------------------

    def fell_silent(self, session: Session) -> None:
        """Start the clock after which the group misses an instance that sends no heartbeats."""
        silence = session.silences
        self.model.clock.call_at(
            lambda: self._session_timed_out(session, silence),
            self._last_heartbeat(session) + self.session_timeout_ns,
            Rank.SESSION_TIMEOUT,
            self.consumer.index,
            session.instance,
            (session.number << 12) + silence,
        )

    def _session_timed_out(self, session: Session, silence: int) -> None:
        if session.silent and session.silences == silence:
            self.remove(members_of(session))

    def next_heartbeat(self, session: Session) -> int:
        """Return when an instance sends its first heartbeat after now, in ns."""
        return self._last_heartbeat(session) + self.heartbeat_ns

    def _last_heartbeat(self, session: Session) -> int:
        """Return when an instance sent its last heartbeat up to now; joining counts as one."""
        since_first = self.model.clock.now - session.started_at - self._phase(session)
        if since_first < 0:
            return session.started_at
        beats = since_first // self.heartbeat_ns
        return self.model.clock.now - since_first + beats * self.heartbeat_ns

    def _phase(self, session: Session) -> int:
        """Return how long after its start a session sends its first heartbeat: uniform."""
        run = self.model.plan.run
        share = samplers.sample(
            self.model.plan.distributions,
            UNIT_UNIFORM,
            run.seed,
            run.replication,
            int(Stream.DETECTION),
            mix(self.consumer.address, session.instance),
            session.number,
            1,
        )
        return int(share * self.heartbeat_ns)

    def disconnect(self, session: Session) -> None:
        """Notice that a connection is closed: its fetches get no answer any more."""
        for worker in members_of(session):
            worker.fetch_waits = False

    # Ownership ----------------------------------------------------------------------------------

    def assign(self) -> None:
        """Decide who shall own what; moving the partitions is the protocol's work."""
        members = self.members
        if members:
            self._assign_targets(members, self.topics)
        else:
            for partition in self.partitions():
                partition.target = None

    def transfer(self, partition: GroupPartition, new_owner: GroupWorker | None) -> None:
        """Give a partition to its new owner, who reads on from the committed offset."""
        old_owner = partition.owner
        if old_owner is not None:
            old_owner.readable.pop(partition, None)
            partition.last_owner = old_owner
        partition.go_back(self.model.clock.now)
        partition.owner = new_owner
        self.make_readable(partition)

    def give_up(self, member: GroupWorker, partitions: list[GroupPartition]) -> None:
        """Take back what a live owner lets go."""
        for partition in partitions:
            if partition.owner is member:
                self.protocol.given_up(partition)

    # Reading and committing ---------------------------------------------------------------------

    def fetch(self, member: GroupWorker) -> None:
        """Take in a fetch; it waits here until there is enough, or has waited long enough."""
        if not member.session.alive:
            return
        member.fetch_waits = True
        member.fetches += 1
        self.answer(member)
        if member.fetch_waits and self.fetch_min_bytes > 1:
            self._answer_later(member)

    def _answer_later(self, member: GroupWorker) -> None:
        clock = self.model.clock
        fetch = member.fetches

        def answer_anyway() -> None:
            if not member.fetch_waits or member.fetches != fetch:
                return
            self.answer(member, even_little=True)
            if member.fetch_waits:
                self._answer_later(member)

        clock.call_at(
            answer_anyway,
            clock.now + self.fetch_max_wait_ns,
            Rank.FETCH_WAIT,
            self.consumer.index,
            member.place,
            fetch,
        )

    def make_readable(self, partition: GroupPartition) -> None:
        """Let the owner read what a partition holds, unless it is about to give it up."""
        owner = partition.owner
        if owner is None or owner is not partition.target or not partition.has_unread:
            return
        owner.readable.setdefault(partition)
        self.answer(owner)

    def answer(self, member: GroupWorker, *, even_little: bool = False) -> None:
        """Answer a waiting fetch with what the member's partitions hold, one after the other.

        A partition that has more than fits goes to the back, so that none of them starves.
        """
        if not member.fetch_waits or not member.readable:
            return
        if self.fetch_min_bytes > 1 and not even_little:
            unread_bytes = sum(partition.unread_bytes for partition in member.readable)
            if unread_bytes < self.fetch_min_bytes:
                return
        batch: list[Delivery] = []
        while member.readable and len(batch) < self.fetch_max_messages:
            partition = next(iter(member.readable))
            self._read(partition, member, batch)
            if partition.has_unread:
                member.readable.move_to_end(partition)
            else:
                del member.readable[partition]
        if batch:
            member.fetch_waits = False
            member.session.send(batch, member)

    def _read(self, partition: GroupPartition, member: GroupWorker, batch: list[Delivery]) -> None:
        now = self.model.clock.now
        topic = partition.topic
        while partition.has_unread and len(batch) < self.fetch_max_messages:
            entry = partition.log[partition.position]
            partition.position += 1
            partition.unread_bytes -= entry.message.size_bytes
            if entry.is_final:
                if self.skips_to_end and entry.state == CopyState.EXPIRED:
                    self._skip_to_end(partition)
                continue
            delivery = Delivery(entry, member.session, member.session.instance, now)
            self.model.ledger.deliveries.append(delivery)
            entry.holder = delivery
            entry.state = CopyState.ACQUIRED
            batch.append(delivery)
            topic.available -= 1
            topic.acquired += 1

    def _skip_to_end(self, partition: GroupPartition) -> None:
        """Read on at the end, because retention took what the position pointed at."""
        while partition.has_unread:
            entry = partition.log[partition.position]
            partition.position += 1
            partition.unread_bytes -= entry.message.size_bytes
            if not entry.is_final:
                partition.topic.available -= 1
                self.model.finish(entry, CopyState.EXPIRED)

    def commit(self, member: GroupWorker, offsets: dict[GroupPartition, int]) -> None:
        """Record offsets; those of partitions that the member no longer owns are refused."""
        for partition, offset in offsets.items():
            if partition.owner is member and self.is_member(member):
                self._acknowledge(partition, min(offset, partition.position))

    def _acknowledge(self, partition: GroupPartition, offset: int) -> None:
        now = self.model.clock.now
        entries = partition.log[partition.committed : offset]
        partition.committed = max(partition.committed, offset)
        for entry in entries:
            if entry.is_final:
                continue
            partition.topic.acquired -= 1
            if entry.holder is not None:
                if entry.disposition == CopyState.ACKNOWLEDGED:
                    entry.holder.settled_at = now
                entry.holder.end_lease(LeaseEnd.ACKNOWLEDGED, now)
            self.model.finish(entry, entry.disposition)
