"""Topics: the channels that a group reads, partition by partition."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eda_sim.engine.reference.ledger import Entry
from eda_sim.engine.trace import NEVER, CopyState, LeaseEnd

if TYPE_CHECKING:
    from eda_sim.engine.reference.groups import Group
    from eda_sim.engine.reference.members import GroupWorker


class GroupPartition:
    """One partition as the group sees it.

    ``log`` holds its copies by offset. Everything before ``committed`` is acknowledged; everything
    before ``position`` was handed to the owner. ``target`` is who shall own it, ``last_owner`` who
    owned it before nobody did.
    """

    __slots__ = (
        "committed",
        "held",
        "last_owner",
        "log",
        "number",
        "owner",
        "position",
        "suspended",
        "target",
        "topic",
        "unread_bytes",
    )

    def __init__(self, topic: Topic, number: int) -> None:
        self.topic = topic
        self.number = number
        self.log: list[Entry] = []
        self.position = 0
        self.committed = 0
        self.unread_bytes = 0
        self.held = 0
        self.suspended = False
        self.owner: GroupWorker | None = None
        self.target: GroupWorker | None = None
        self.last_owner: GroupWorker | None = None

    @property
    def has_unread(self) -> bool:
        """Return whether the log goes on behind the position, with something that may be read."""
        if self.position == len(self.log) or self.suspended:
            return False
        return not self.held or self.log[self.position].state != CopyState.SCHEDULED

    def go_back(self, now: int) -> None:
        """Set the position back to the committed offset: what was read in between comes again."""
        for entry in self.log[self.committed : self.position]:
            self.unread_bytes += entry.message.size_bytes
            if not entry.is_final:
                entry.state = CopyState.AVAILABLE
                entry.available_at = now
                if entry.holder is not None:
                    entry.holder.end_lease(LeaseEnd.REVOKED, now, available_again_at=now)
                entry.holder = None
                self.topic.available += 1
                self.topic.acquired -= 1
        self.position = self.committed


class Topic:
    """One channel as the group sees it: its partitions, and how many copies stand where."""

    def __init__(self, group: Group, channel: int, partitions: int) -> None:
        self.group = group
        self.consumer = group.consumer
        self.channel = channel
        self.available = 0
        self.scheduled = 0
        self.acquired = 0
        self.partitions = [GroupPartition(self, number) for number in range(partitions)]

    def offer(self, entry: Entry) -> None:
        """Take in a copy that has just become visible."""
        partition = self._append(entry)
        partition.unread_bytes += entry.message.size_bytes
        self.available += 1
        self.group.make_readable(partition)

    def hold(self, entry: Entry) -> None:
        """Take in a copy that is not visible before its delay is over; what follows it waits."""
        entry.wait()
        partition = self._append(entry)
        partition.held += 1
        self.scheduled += 1

    def _append(self, entry: Entry) -> GroupPartition:
        """Put a copy at its offset: retention may have taken what a failover lost there."""
        partition = self.partitions[entry.partition]
        if entry.offset < len(partition.log):
            self._cut(partition, entry.offset)
        partition.log.append(entry)
        return partition

    def admit(self, entry: Entry) -> None:
        """Let the group read a copy whose delay is over, unless it has gone meanwhile."""
        if not entry.is_final:
            entry.appear(self.group.model.clock.now)
            self.available += 1
            self._no_longer_held(entry)

    def _no_longer_held(self, entry: Entry) -> None:
        partition = self.partitions[entry.partition]
        partition.held -= 1
        partition.unread_bytes += entry.message.size_bytes
        self.scheduled -= 1
        self.group.make_readable(partition)

    def remove(self, entry: Entry, state: CopyState) -> None:
        """Let go of a copy that its channel no longer has; its offset stays empty.

        A failover removes from the end (TRUNCATED): those offsets are given out again.
        """
        partition = self.partitions[entry.partition]
        if not entry.is_final:
            held = entry.state == CopyState.SCHEDULED
            if entry.state == CopyState.ACQUIRED:
                self.acquired -= 1
            elif not held:
                self.available -= 1
            if entry.holder is not None:
                entry.holder.end_lease(LeaseEnd.REMOVED, self.group.model.clock.now)
            entry.holder = None
            self.group.model.finish(entry, state)
            if held:
                self._no_longer_held(entry)
        if state == CopyState.TRUNCATED:
            self._cut(partition, entry.offset)

    def suspend(self, partition: int) -> None:
        """Let nobody read from a partition that has no leader."""
        self.partitions[partition].suspended = True

    def resume(self, partition: int) -> None:
        """Let the owner of a partition read on: it has a leader again."""
        self.partitions[partition].suspended = False
        self.group.make_readable(self.partitions[partition])

    def expire_at_head(self, partition: int) -> None:
        """Let go of the copies whose time is over, from the position on to the first that lives."""
        log = self.partitions[partition]
        now = self.group.model.clock.now
        for entry in log.log[log.position :]:
            if not entry.is_final:
                if entry.expires_at == NEVER or entry.expires_at > now:
                    return
                self.remove(entry, CopyState.EXPIRED)

    def _cut(self, partition: GroupPartition, offset: int) -> None:
        del partition.log[offset:]
        partition.position = min(partition.position, offset)
        partition.committed = min(partition.committed, offset)
        partition.unread_bytes = sum(
            entry.message.size_bytes
            for entry in partition.log[partition.position :]
            if entry.state != CopyState.SCHEDULED
        )
