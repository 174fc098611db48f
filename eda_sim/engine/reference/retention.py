"""Retention: what a partition keeps, what it drops, and who waits when it is full.

Limits count records that the partition has not dropped. A log (``limits``) drops by age, number or
bytes; a ``work_queue`` and ``interest`` also let go of what no subscription needs any more. Only
what is committed can be dropped.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING

from eda_sim.engine.plan import NONE, Overflow, Retention
from eda_sim.engine.ranks import Rank
from eda_sim.engine.reference.ledger import Entry, Message
from eda_sim.engine.reference.records import Record
from eda_sim.engine.reference.requests import Request
from eda_sim.engine.streams.addresses import Stream
from eda_sim.engine.trace import CopyState

if TYPE_CHECKING:
    from eda_sim.engine.reference.partitions import Partition

_WAITING = (CopyState.AVAILABLE, CopyState.SCHEDULED)


class Limits:
    """The limits of one partition, and the requests that wait for room."""

    def __init__(self, partition: Partition) -> None:
        model, channel = partition.model, partition.channel.index
        row = model.plan.channels.rows
        self.partition = partition
        self.model = model
        self.retention = int(row.retention[channel])
        self.max_age_ns = int(row.max_age_ns[channel])
        self.max_messages = int(row.max_messages[channel])
        self.max_bytes = int(row.max_bytes[channel])
        self.overflow = int(row.overflow[channel])
        self.check_ns = int(row.retention_check_ns[channel])
        self.at_head_only = bool(row.ttl_at_head_only[channel])
        has_ttl = row.message_ttl[channel] != NONE
        self.ttl = model.draws(row.message_ttl[channel], Stream.TIME_TO_LIVE) if has_ttl else None
        self.count = 0
        self.size_bytes = 0
        self._reserved_count = 0
        self._reserved_bytes = 0
        self._waiting: deque[Request] = deque()
        self._admission_is_due = False
        self._looks_at: int = NONE
        if self.check_ns != NONE:
            self._check_later(1)

    # Room ---------------------------------------------------------------------------------------

    def let_in(self, request: Request) -> bool:
        """Return whether a request may be appended now; if not, it is refused, or it waits."""
        if self.overflow == Overflow.DROP_HEAD:
            return True
        if not self._waiting and self._has_room(request):
            self._reserve(request)
            return True
        if self.overflow == Overflow.REJECT_PUBLISH:
            request.publisher.refuse(request)
        else:
            self._waiting.append(request)
        return False

    def _has_room(self, request: Request) -> bool:
        count = self.count + self._reserved_count
        size_bytes = self.size_bytes + self._reserved_bytes
        if count == 0:  # or a request that is larger than the limit would wait for ever
            return True
        if self.max_messages != NONE and count + len(request.messages) > self.max_messages:
            return False
        return self.max_bytes == NONE or size_bytes + request.size_bytes <= self.max_bytes

    def _reserve(self, request: Request) -> None:
        request.has_reserved = True
        self._reserved_count += len(request.messages)
        self._reserved_bytes += request.size_bytes

    def end_reservation(self, request: Request) -> None:
        """Give back the room of a request that is stored, refused or lost now."""
        if request.has_reserved:
            request.has_reserved = False
            self._reserved_count -= len(request.messages)
            self._reserved_bytes -= request.size_bytes
            self._call_waiting()

    def _call_waiting(self) -> None:
        """Let those that wait for room look again, when everybody is done at this moment."""
        if self._waiting and not self._admission_is_due:
            self._admission_is_due = True
            clock = self.model.clock
            place = self.partition.channel.index, self.partition.number
            clock.call_at(self._admit, clock.now, Rank.ADMISSION, *place)

    def _admit(self) -> None:
        self._admission_is_due = False
        while self._waiting and self._has_room(self._waiting[0]):
            request = self._waiting.popleft()
            self._reserve(request)
            self.partition.append(request)

    def lose_waiting(self) -> None:
        """Lose the requests that wait in a broker that died."""
        waiting, self._waiting = self._waiting, deque()
        for request in waiting:
            request.publisher.lose(request)

    # Counting -----------------------------------------------------------------------------------

    def note_stored(self, record: Record) -> None:
        """Count a record that was just stored."""
        self.count += 1
        self.size_bytes += record.size_bytes
        if self.retention == Retention.LIMITS:
            return
        record.limits = self
        record.unsettled = len(record.entries)
        for entry in record.entries:
            entry.record = record
        if self.retention == Retention.INTEREST and not record.entries:
            record.is_gone = True
            self.note_gone(record)

    def note_gone(self, record: Record) -> None:
        """Count a record that the partition does not keep any more."""
        self.count -= 1
        self.size_bytes -= record.size_bytes
        self._call_waiting()

    def _drop(self, record: Record) -> None:
        self.partition.drop(record)
        self.note_gone(record)

    # Enforcing ----------------------------------------------------------------------------------

    def enforce(self) -> None:
        """Drop what is too old or too much, unless that is looked at only now and then."""
        if self.check_ns == NONE:
            self._drop_old()
            if self.overflow == Overflow.DROP_HEAD:
                self._drop_excess()
            self._look_at_head_later()

    def _check_later(self, number: int) -> None:
        place = self.partition.channel.index, self.partition.number

        def check() -> None:
            self._drop_old()
            if self.overflow == Overflow.DROP_HEAD:
                self._drop_excess()
            self._check_later(number + 1)

        self.model.clock.call_at(check, number * self.check_ns, Rank.RETENTION, *place)

    def _forget_gone(self) -> None:
        records = self.partition.records
        # What is not committed has its place in the log still to be counted there.
        while records and records[0].is_gone and records[0].is_committed:
            records.popleft()

    def _drop_old(self) -> None:
        if self.max_age_ns == NONE:
            return
        records = self.partition.records
        self._forget_gone()
        while records and records[0].is_committed and self._is_old(records[0]):
            self._drop(records[0])
            self._forget_gone()

    def _is_old(self, record: Record) -> bool:
        return self.model.clock.now - record.stored_at >= self.max_age_ns

    def _drop_excess(self) -> None:
        """Drop the oldest; from a queue the oldest that nobody holds."""
        self._forget_gone()
        place = 0
        records = self.partition.records
        while place < len(records) and self._is_too_much():
            record = records[place]
            if not record.is_committed:
                return
            waits = any(entry.state in _WAITING for entry in record.entries)
            if not record.is_gone and (self.retention == Retention.LIMITS or waits):
                self._drop(record)
            place += 1
        self._forget_gone()

    def _is_too_much(self) -> bool:
        if self.max_messages != NONE and self.count > self.max_messages:
            return True
        return self.max_bytes != NONE and self.size_bytes > self.max_bytes

    def _look_at_head_later(self) -> None:
        """Look again when the oldest record will be too old; before it is committed it stays."""
        records = self.partition.records
        if self.max_age_ns == NONE or self._looks_at != NONE or not records:
            return
        if not records[0].is_committed:
            return
        clock = self.model.clock
        self._looks_at = max(clock.now, records[0].stored_at + self.max_age_ns)
        place = self.partition.channel.index, self.partition.number
        clock.call_at(self._look_at_head, self._looks_at, Rank.RETENTION, *place)

    def _look_at_head(self) -> None:
        self._looks_at = NONE
        self._drop_old()
        self._look_at_head_later()

    # Time to live -------------------------------------------------------------------------------

    def limit_life(self, message: Message, entries: Sequence[Entry]) -> None:
        """Start the clock of a copy that is about to be seen; each copy has a life of its own."""
        if self.ttl is None:
            return
        message.lives += 1
        clock = self.model.clock
        ends_at = clock.now + self.ttl.ns(message.lineage, message.root, message.lives)
        for entry in entries:
            entry.expires_at = ends_at
        clock.call_at(
            lambda: self._end_life(entries),
            ends_at,
            Rank.TIME_TO_LIVE,
            self.partition.channel.index,
            message.message_id,
            message.lives,
        )

    def _end_life(self, entries: Sequence[Entry]) -> None:
        """Let a copy expire where it waits; who has it in hand keeps it."""
        for entry in entries:
            subscription = self.partition.channel.subscription_of(entry.consumer)
            if self.at_head_only:
                subscription.expire_at_head(self.partition.number)
            elif entry.state in _WAITING:
                subscription.remove(entry, CopyState.EXPIRED)


def make_limits(partition: Partition) -> Limits | None:
    """Return the limits of a partition, None if it keeps everything."""
    row = partition.model.plan.channels.rows
    channel = partition.channel.index
    limits = (row.max_age_ns, row.max_messages, row.max_bytes, row.message_ttl)
    if all(column[channel] == NONE for column in limits):
        return None
    return Limits(partition)
