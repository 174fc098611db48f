"""Partitions: an append server and a log each.

A request that arrives is let in (or refused, or made to wait, or lost in a dead broker), appended
by the server, judged by the memory of what was published, stored, committed, and answered.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from eda_sim.engine.ranks import Rank
from eda_sim.engine.reference.ledger import Entry, Message
from eda_sim.engine.reference.publish_dedup import make_memory
from eda_sim.engine.reference.records import Record
from eda_sim.engine.reference.replication import make_replicas
from eda_sim.engine.reference.requests import Request
from eda_sim.engine.reference.retention import make_limits
from eda_sim.engine.trace import NEVER, CopyState, MessageStatus

if TYPE_CHECKING:
    from eda_sim.engine.reference.channels import Channel


class Partition:
    """One partition of a channel.

    Attributes
    ----------
    term : int
        Counts the times that it lost its leader; an append of an earlier term is lost.
    """

    def __init__(self, channel: Channel, number: int) -> None:
        self.channel = channel
        self.model = channel.model
        self.number = number
        self.next_offset = 0
        self.free_at = 0
        self.term = 0
        self.records: deque[Record] = deque()
        self.memory = make_memory(channel.model, channel.index)
        self.limits = make_limits(self)
        self.replicas = make_replicas(self)
        self.flush_time_ns = 0 if self.replicas is None else self.replicas.flush_time_ns
        self.keeps_records = self.limits is not None or self.replicas is not None
        self.is_ideal = self.memory is None and self.limits is None and self.replicas is None

    # Appending ----------------------------------------------------------------------------------

    def receive(self, request: Request) -> None:
        """Take in a request that has arrived."""
        if not self.is_ideal:
            if self.replicas is not None and not self.replicas.accept(request):
                return
            if self.limits is not None and not self.limits.let_in(request):
                return
        self.append(request)

    def append(self, request: Request) -> None:
        """Let the server append a request, after those that came before."""
        clock = self.model.clock
        now = clock.now
        done = max(now, self.free_at) + self.channel.append_ns(request) + self.flush_time_ns
        self.free_at = done
        if done == now:
            self._store(request)
            return
        term = self.term
        clock.call_at(
            lambda: self._end_append(request, term),
            done,
            Rank.APPEND,
            self.channel.index,
            request.messages[0].message_id,
            request.trip,
        )

    def _end_append(self, request: Request, term: int) -> None:
        if term == self.term:
            self._store(request)
            return
        if self.limits is not None:
            self.limits.end_reservation(request)
        request.publisher.lose(request)

    # Storing ------------------------------------------------------------------------------------

    def _store(self, request: Request) -> None:
        now = self.model.clock.now
        if not self.is_ideal:
            self._store_with_care(request, now)
            return
        for message in request.messages:
            entries = self._write(request, message, now)
            if request.origin is None:
                note_committed(message, now)
            self.channel.show(entries, self.channel.delay_ns + request.delay_ns)
        request.publisher.reply(request, stored=True)
        self.model.close()

    def _store_with_care(self, request: Request, now: int) -> None:
        """Store what is new; what keeps records decides what becomes of them."""
        limits, replicas = self.limits, self.replicas
        fresh = request.messages if self.memory is None else self.memory.fresh(request, now)
        if limits is not None:
            limits.end_reservation(request)
        if fresh is None:
            request.publisher.refuse(request)
            return
        stored: list[Record] = []
        for place, message in enumerate(fresh):
            record = Record(message, self.next_offset, now, request, place)
            record.entries = self._write(request, message, now)
            for entry in record.entries:
                entry.state = CopyState.STORED
                entry.committed_at = entry.visible_at = NEVER
            if request.origin is None:
                raise_status(message, MessageStatus.STORED)
            stored.append(record)
            if limits is not None:
                limits.note_stored(record)
        if self.keeps_records:
            self.records += stored
        if replicas is not None:
            replicas.replicate(request)
        else:
            for record in stored:
                self.commit(record)
            request.publisher.reply(request, stored=True)
        self.model.close()
        if limits is not None:
            limits.enforce()

    def _write(self, request: Request, message: Message, now: int) -> list[Entry]:
        """Give a message the next offset; return the new copy as each subscription sees it."""
        model, channel = self.model, self.channel
        copy_id = model.ledger.new_copy()
        offset = self.next_offset
        self.next_offset = offset + 1
        entries = [
            Entry(message, copy_id, consumer, offset, now, channel.index, self.number)
            for consumer in channel.readers
        ]
        model.ledger.entries += entries
        model.open += len(entries)
        if request.origin is None:
            message.copies += 1
            if message.stored_at == NEVER:
                message.stored_at = now
            for entry in entries:
                entry.lineage = model.consumers[entry.consumer].lineage_of_copy(message)
            return entries
        for entry in entries:
            if entry.consumer != request.origin.consumer:
                entry.lineage = model.consumers[entry.consumer].lineage_of_copy(message)
            entry.come_from(request.origin)
        if request.then is not None:
            request.then(copy_id, entries)
        return entries

    # Committing and losing ----------------------------------------------------------------------

    def commit(self, record: Record) -> None:
        """Let subscriptions see a record."""
        now = self.model.clock.now
        record.is_committed = True
        if record.is_published:
            note_committed(record.message, now)
        if self.limits is not None:
            self.limits.limit_life(record.message, record.entries)
        for entry in record.entries:
            entry.committed_at = now
            entry.appear(now)
        self.channel.show(record.entries, self.channel.delay_ns + record.delay_ns)

    def drop(self, record: Record) -> None:
        """Let go of a record that is too old or one too many."""
        record.is_gone = True
        for subscription, entry in zip(self.channel.subscriptions, record.entries, strict=True):
            subscription.remove(entry, CopyState.EXPIRED)

    def truncate(self, offset: int) -> None:
        """Lose everything from an offset on; the offsets are given out again."""
        lost: list[Record] = []
        while self.records and self.records[-1].offset >= offset:
            lost.append(self.records.pop())
        self.next_offset = offset
        for record in reversed(lost):
            self._truncate(record)

    def _truncate(self, record: Record) -> None:
        message = record.message
        message.truncated += record.is_published
        if self.memory is not None:
            self.memory.forget(record)
        if self.limits is not None and not record.is_gone:
            self.limits.note_gone(record)
        record.is_gone = True
        for subscription, entry in zip(self.channel.subscriptions, record.entries, strict=True):
            if record.is_committed:
                subscription.remove(entry, CopyState.TRUNCATED)
            else:
                self.model.finish(entry, CopyState.TRUNCATED)
        is_stored = MessageStatus.STORED <= message.status <= MessageStatus.CONFIRMED
        if record.is_published and is_stored and message.truncated == message.copies:
            message.status = MessageStatus.TRUNCATED


def note_committed(message: Message, now: int) -> None:
    """Record that a copy of a message can be seen."""
    if message.committed_at == NEVER:
        message.committed_at = now
    if message.status == MessageStatus.IN_FLIGHT:
        message.status = MessageStatus.COMMITTED
    else:
        raise_status(message, MessageStatus.COMMITTED)


def raise_status(message: Message, status: MessageStatus) -> None:
    """Let a message become stored or committed, whatever was thought of it before.

    What its source knows stays: confirmed, unknown, rejected, expired.
    """
    if message.status in (MessageStatus.LOST, MessageStatus.TRUNCATED):
        was_confirmed = message.confirmed_at != NEVER
        message.status = MessageStatus.CONFIRMED if was_confirmed else status
    elif message.status < status:
        message.status = status
