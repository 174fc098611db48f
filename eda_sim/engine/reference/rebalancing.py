"""Rebalancing: how partitions change hands when the members of a group change.

``none``
    The group tells a member at once; the member gives up at its next poll. Nobody else stops.
``eager``
    Kafka's classic protocol: all members learn at their next heartbeat, revoke everything at their
    next poll and wait until the last one has joined (or the rebalance timeout is over).
``cooperative``
    Kafka's incremental cooperative rebalancing, KIP-429: the same barrier, but members keep their
    partitions and work on. What has to move is revoked after it and handed out by a second one.
``incremental``
    KIP-848: the coordinator computes a target, each member reconciles with its own heartbeats, and
    nobody waits for anybody but the owner of the partition that it shall get.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from eda_sim.engine.plan import RebalanceProtocol
from eda_sim.engine.ranks import Rank

if TYPE_CHECKING:
    from eda_sim.engine.reference.groups import Group
    from eda_sim.engine.reference.members import GroupWorker
    from eda_sim.engine.reference.topics import GroupPartition


class Immediate:
    """Partitions move as fast as polls allow."""

    stops_members = False

    def __init__(self, group: Group, row: int) -> None:
        self.group = group
        self.clock = group.model.clock
        self.columns = group.model.plan.subscriptions
        self.row = row

    def start(self) -> None:
        """Give all members their first partitions."""
        self.joined(self.group.members)

    def joined(self, workers: list[GroupWorker]) -> None:
        """Take new members into account."""
        for worker in workers:
            worker.resume()
        self.left([])

    def left(self, workers: list[GroupWorker]) -> None:
        """Take into account that members are gone."""
        self.group.assign()
        for partition in self.group.partitions():
            self._move(partition)

    def replaced(self, old: GroupWorker, new: GroupWorker) -> None:
        """Let a static member go on in the place of its predecessor."""
        new.resume()

    def rejoined(self, member: GroupWorker) -> None:
        """Take in a member that joins the next generation; this protocol has none."""

    def given_up(self, partition: GroupPartition) -> None:
        """Pass a partition on that its owner let go."""
        self.group.transfer(partition, partition.target)

    def _move(self, partition: GroupPartition) -> None:
        owner = partition.owner
        if owner is partition.target:
            self.group.make_readable(partition)
        elif owner is None or not self.group.is_member(owner):
            self.group.transfer(partition, partition.target)
        else:
            owner.let_go(partition)


class Incremental(Immediate):
    """Members reconcile by their own heartbeats (KIP-848)."""

    def __init__(self, group: Group, row: int) -> None:
        super().__init__(group, row)
        self.interval_ns = int(self.columns.assignment_interval_ns[row])
        self._assigned_at = -self.interval_ns
        self._pending = False
        self._events = 0

    def start(self) -> None:
        """Give all members their first partitions; the group was there before the run began."""
        for worker in self.group.members:
            worker.resume()
        self.group.assign()
        for partition in self.group.partitions():
            self.group.transfer(partition, partition.target)
        self._assigned_at = self.clock.now

    def left(self, workers: list[GroupWorker]) -> None:
        """Compute a new target, but not more often than the assignment interval allows."""
        if self._pending:
            return
        earliest = self._assigned_at + self.interval_ns
        if earliest <= self.clock.now:
            self._reconcile()
        else:
            self._pending = True
            self._events += 1
            self.clock.call_at(
                self._reconcile,
                earliest,
                Rank.REBALANCE,
                self.group.consumer.index,
                self._events,
            )

    def _reconcile(self) -> None:
        self._pending = False
        self._assigned_at = self.clock.now
        self.group.assign()
        for partition in self.group.partitions():
            owner = partition.owner
            if owner is None or not self.group.is_member(owner):
                self.given_up(partition)
            elif owner is not partition.target:
                self._at_heartbeat(owner, partition)
            else:
                self.group.make_readable(partition)

    def given_up(self, partition: GroupPartition) -> None:
        """Free a partition; its new owner hears of it with the next heartbeat."""
        self.group.transfer(partition, None)
        if partition.target is not None:
            self._at_heartbeat(partition.target, partition)

    def _at_heartbeat(self, member: GroupWorker, partition: GroupPartition) -> None:
        self._events += 1

        def tell() -> None:
            if not self.group.is_member(member):
                return
            if partition.owner is member and partition.target is not member:
                member.let_go(partition)
            elif partition.owner is None and partition.target is member:
                self.group.transfer(partition, member)

        self.clock.call_at(
            tell,
            self.group.next_heartbeat(member.session),
            Rank.HEARTBEAT,
            self.group.consumer.index,
            member.place,
            self._events,
        )


class Barrier(Immediate):
    """All members join a new generation before anything moves (Kafka's classic protocol)."""

    def __init__(self, group: Group, row: int) -> None:
        super().__init__(group, row)
        self.timeout_ns = int(self.columns.rebalance_timeout_ns[row])
        self.initial_delay_ns = int(self.columns.initial_rebalance_delay_ns[row])
        self._preparing = False
        self._generation = 0
        self._joined: set[GroupWorker] = set()

    def start(self) -> None:
        """Let the first generation begin when the initial delay is over."""
        self._preparing = True
        self._generation += 1
        self._joined = set(self.group.members)
        if self.initial_delay_ns == 0:
            self._complete()
        else:
            self._at(self.initial_delay_ns, self._complete)

    def joined(self, workers: list[GroupWorker]) -> None:
        """Begin a new generation, or take new members into the one that is being prepared."""
        self._joined.update(workers)
        self._changed()

    def left(self, workers: list[GroupWorker]) -> None:
        """Begin a new generation without the members that are gone."""
        self._joined.difference_update(workers)
        self._changed()

    def replaced(self, old: GroupWorker, new: GroupWorker) -> None:
        """Let a static member go on; in a generation that is being prepared it has joined."""
        if self._preparing:
            self._joined.discard(old)
            self.rejoined(new)
        else:
            new.resume()

    def rejoined(self, member: GroupWorker) -> None:
        """Count a member that has joined; with the eager protocol it owns nothing any more."""
        if not self.group.is_member(member):
            return
        if self.stops_members:
            for partition in self.group.partitions():
                if partition.owner is member:
                    self.group.transfer(partition, None)
        self._joined.add(member)
        self._changed()

    def _changed(self) -> None:
        if not self._preparing:
            self._prepare()
        if self._preparing and all(member in self._joined for member in self.group.members):
            self._complete()

    def _prepare(self) -> None:
        self._preparing = True
        self._generation += 1
        generation = self._generation
        for member in self.group.members:
            if member not in self._joined:
                self._tell(member, generation)
        self._at(self.timeout_ns, self._exclude_late)

    def _tell(self, member: GroupWorker, generation: int) -> None:
        def tell() -> None:
            waits_for_it = self._preparing and self._generation == generation
            if waits_for_it and self.group.is_member(member) and member not in self._joined:
                member.rejoin_at_next_poll()

        self.clock.call_at(
            tell,
            self.group.next_heartbeat(member.session),
            Rank.HEARTBEAT,
            self.group.consumer.index,
            member.place,
            generation,
        )

    def _at(self, delay_ns: int, action: Callable[[], None]) -> None:
        generation = self._generation

        def act() -> None:
            if self._preparing and self._generation == generation:
                action()

        self.clock.call_at(
            act,
            self.clock.now + delay_ns,
            Rank.REBALANCE,
            self.group.consumer.index,
            generation,
        )

    def _exclude_late(self) -> None:
        late = [member for member in self.group.members if member not in self._joined]
        self.group.remove(late)

    def _complete(self) -> None:
        self._preparing = False
        members = self.group.members
        self._joined.clear()
        self.group.assign()
        for partition in self.group.partitions():
            self._move(partition)
        for member in members:
            member.resume()


class Eager(Barrier):
    """Everybody revokes everything and waits."""

    stops_members = True


class Cooperative(Barrier):
    """Everybody works on; what moves is revoked first and handed out by a second barrier."""

    def given_up(self, partition: GroupPartition) -> None:
        """Free a partition and begin the generation that hands it out."""
        owner = partition.owner
        self.group.transfer(partition, None)
        if owner is not None:
            self._joined.add(owner)
        self._changed()


_PROTOCOLS = {
    RebalanceProtocol.NONE: Immediate,
    RebalanceProtocol.EAGER: Eager,
    RebalanceProtocol.COOPERATIVE: Cooperative,
    RebalanceProtocol.INCREMENTAL: Incremental,
}


def make_protocol(group: Group, row: int) -> Immediate:
    """Return the protocol that a row of the plan's subscriptions names."""
    columns = group.model.plan.subscriptions
    return _PROTOCOLS[RebalanceProtocol(int(columns.rebalance_protocol[row]))](group, row)
