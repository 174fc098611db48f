"""Batching publishers: batches, window, buffer, time-outs, retries, sequence numbers.

A batch is collected, becomes ready, leaves when the window has room, and is done when its fate is
known or its time is over::

    COLLECTING -> READY -> IN_FLIGHT -> DONE
                    ^          |
                    +- BACKING_OFF

Of all batches that are ready the oldest leaves first. While one backs off, no other for the same
partition leaves: a retry overtakes nothing that has not left yet. With sequence numbers none leaves
that is ``max_in_flight`` or more after the oldest one whose fate is open (a channel forgets).
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import TYPE_CHECKING

from eda_sim.engine.plan import NONE
from eda_sim.engine.ranks import Rank
from eda_sim.engine.reference.ledger import Message
from eda_sim.engine.reference.links import Connection
from eda_sim.engine.reference.model import Model
from eda_sim.engine.reference.publishers import Publisher, mark
from eda_sim.engine.reference.requests import Batch, BatchState, Request
from eda_sim.engine.reference.retries import GIVE_UP, Retries
from eda_sim.engine.trace import MessageStatus

if TYPE_CHECKING:
    from eda_sim.engine.reference.channels import Channel


class BatchingPublisher(Publisher):
    """A publisher that keeps account of what it sent."""

    def __init__(self, model: Model, source: int, channel: Channel, connection: Connection) -> None:
        super().__init__(model, source, channel, connection)
        row = model.plan.publishing
        self.batches = bool(row.batches[source])
        self.linger_ns = int(row.linger_ns[source])
        self.batch_max_bytes = int(row.batch_max_bytes[source])
        self.batch_max_messages = int(row.batch_max_messages[source])
        self.max_in_flight = int(row.max_in_flight[source])
        self.buffer_max_bytes = int(row.buffer_max_bytes[source])
        self.max_block_ns = int(row.max_block_ns[source])
        self.request_timeout_ns = int(row.request_timeout_ns[source])
        self.delivery_timeout_ns = int(row.delivery_timeout_ns[source])
        self.idempotent = bool(row.idempotent[source])
        self.retries = Retries(model, int(row.retry[source]))
        # Without any time-out nobody notices that a request or its answer got lost.
        self.waits_for_ever = self.request_timeout_ns == NONE and self.delivery_timeout_ns == NONE
        self._begin()

    def _begin(self) -> None:
        """Forget everything, as a process does that starts."""
        self._in_flight = 0
        self._buffered_bytes = 0
        self._blocked: dict[int, Message] = {}
        self._collecting: dict[int, Batch] = {}
        self._ready: list[Batch] = []
        self._backing_off: dict[int, int] = {}
        self._held_back: dict[int, list[Batch]] = {}
        self._undone: dict[int, Batch] = {}
        self._next_sequence: dict[int, int] = {}
        self._next_place: dict[int, int] = {}
        self._numbered: dict[int, list[Batch]] = {}
        self._is_sending = False

    def crash(self) -> None:
        """Lose what has not left; nobody will ever know what became of the rest."""
        super().crash()
        undone, blocked = self._undone, self._blocked
        self._begin()
        for batch in undone.values():
            sent = batch.attempts > 0
            batch.state = BatchState.DONE
            self._give_status(batch, MessageStatus.UNKNOWN if sent else MessageStatus.LOST)
            self._close(batch)
        for message in blocked.values():
            message.status = MessageStatus.LOST
            self.model.close()

    # Buffer -------------------------------------------------------------------------------------

    def publish(self, message: Message) -> None:
        """Take a message in, if there is room for it; otherwise it waits outside."""
        message.partition = self.partitioning.choose(message, self.keyless)
        message.status = MessageStatus.BUFFERED
        if not self._blocked and self._has_room(message):
            self._take_in(message)
            self._send_ready()
        else:
            self._block(message)

    def _has_room(self, message: Message) -> bool:
        if self.buffer_max_bytes == NONE or self._buffered_bytes == 0:
            return True
        return self._buffered_bytes + message.size_bytes <= self.buffer_max_bytes

    def _block(self, message: Message) -> None:
        """Let a message wait for room; what is being collected need not wait for it."""
        if self.max_block_ns == 0:
            self._expire(message)
            return
        self._blocked[message.message_id] = message
        if self.max_block_ns != NONE:
            clock = self.model.clock
            clock.call_at(
                lambda: self._stop_blocking(message),
                clock.now + self.max_block_ns,
                Rank.BLOCK_TIMEOUT,
                self.source,
                message.message_id,
            )
        for batch in list(self._collecting.values()):
            self._make_ready(batch)
        self._send_ready()

    def _stop_blocking(self, message: Message) -> None:
        if self._blocked.pop(message.message_id, None) is not None:
            self._expire(message)

    def _expire(self, message: Message) -> None:
        message.status = MessageStatus.EXPIRED
        self.model.close()

    def _let_in(self) -> None:
        """Take in what waits outside, first come, first served."""
        while self._blocked:
            message = next(iter(self._blocked.values()))
            if not self._has_room(message):
                return
            del self._blocked[message.message_id]
            self._take_in(message)

    # Batches ------------------------------------------------------------------------------------

    def _take_in(self, message: Message) -> None:
        self._buffered_bytes += message.size_bytes
        batch = self._collecting.get(message.partition)
        if batch is not None and self._is_full(batch, message.size_bytes):
            self._complete(batch)
            batch = None
        if batch is None:
            self._open_batch(message)
        else:
            batch.messages.append(message)
            batch.size_bytes += message.size_bytes
            if self._is_full(batch, 1):
                self._complete(batch)

    def _is_full(self, batch: Batch, size_bytes: int) -> bool:
        """Return whether so many bytes more are too many for a batch."""
        if self.batch_max_messages != NONE and len(batch.messages) >= self.batch_max_messages:
            return True
        return self.batch_max_bytes != NONE and batch.size_bytes + size_bytes > self.batch_max_bytes

    def _open_batch(self, message: Message) -> None:
        batch = Batch(message)
        self._undone[batch.number] = batch
        if self.delivery_timeout_ns != NONE:
            batch.deadline = self.model.clock.now + self.delivery_timeout_ns
            self._call_in(
                self.delivery_timeout_ns, Rank.DELIVERY_TIMEOUT, batch, lambda: self._give_up(batch)
            )
        if not self.batches or self._is_full(batch, 1):
            self._make_ready(batch)
            return
        self._collecting[batch.partition] = batch
        if self.linger_ns == 0 or self._blocked:
            self._make_ready(batch)
        else:
            self._call_in(self.linger_ns, Rank.LINGER, batch, lambda: self._linger_is_over(batch))

    def _call_in(self, delay_ns: int, rank: Rank, batch: Batch, action: Callable[[], None]) -> None:
        clock = self.model.clock
        clock.call_at(action, clock.now + delay_ns, rank, self.source, batch.number, batch.attempts)

    def _complete(self, batch: Batch) -> None:
        """Let a batch take in no more."""
        del self._collecting[batch.partition]
        self._make_ready(batch)

    def _linger_is_over(self, batch: Batch) -> None:
        if batch.state == BatchState.COLLECTING:
            self._make_ready(batch)
            self._send_ready()

    def _make_ready(self, batch: Batch) -> None:
        if batch.state in (BatchState.COLLECTING, BatchState.BACKING_OFF):
            batch.state = BatchState.READY
            heapq.heappush(self._ready, batch)

    # Window -------------------------------------------------------------------------------------

    def _send_ready(self) -> None:
        """Send what is ready and not given up at this moment, the oldest first, if it has room."""
        if self._is_sending:  # an answer without delay: whoever is sending goes on
            return
        self._is_sending = True
        while self._ready and (self.max_in_flight == NONE or self._in_flight < self.max_in_flight):
            batch = heapq.heappop(self._ready)
            if batch.state != BatchState.READY or batch.deadline == self.model.clock.now:
                continue
            if self._backing_off.get(batch.partition) or self._is_too_far_ahead(batch):
                self._held_back.setdefault(batch.partition, []).append(batch)
                continue
            self._send_batch(batch)
        self._is_sending = False

    def _is_too_far_ahead(self, batch: Batch) -> bool:
        """Return whether a channel might forget an open batch when this one is stored."""
        open_batches = self._numbered.get(batch.partition)
        if self.max_in_flight == NONE or batch.sequence != NONE or not open_batches:
            return False
        return self._next_place[batch.partition] - open_batches[0].place >= self.max_in_flight

    def _send_batch(self, batch: Batch) -> None:
        if self._collecting.get(batch.partition) is batch:
            del self._collecting[batch.partition]
        batch.state = BatchState.IN_FLIGHT
        batch.attempts += 1
        if batch.attempts == 1:
            batch.first_sent_at = self.model.clock.now
            self.retries.note_first_attempt()
        self.note_sent(batch.messages)
        self._in_flight += 1
        request = Request(
            self, batch.partition, batch.messages, batch.size_bytes, batch, batch.attempts
        )
        if self.idempotent:
            self._number(batch, request)
        self.model.open += 1
        if self.hears_nothing:
            self._finish(batch)
        elif self.request_timeout_ns != NONE:
            attempt = batch.attempts
            self._call_in(
                self.request_timeout_ns,
                Rank.REQUEST_TIMEOUT,
                batch,
                lambda: self._miss_answer(batch, attempt),
            )
        self.send(request)

    def _number(self, batch: Batch, request: Request) -> None:
        """Give sequence numbers at the first attempt, and say what has to be stored before."""
        numbered = self._numbered.setdefault(batch.partition, [])
        if batch.sequence == NONE:
            batch.sequence = self._next_sequence.get(batch.partition, 0)
            self._next_sequence[batch.partition] = batch.sequence + len(batch.messages)
            batch.place = self._next_place.get(batch.partition, 0)
            self._next_place[batch.partition] = batch.place + 1
            numbered.append(batch)
        request.sequence = batch.sequence
        for before in numbered:
            if before is batch:
                break
            request.floor = before.sequence + len(before.messages)

    # Answers ------------------------------------------------------------------------------------

    def reply(self, request: Request, *, stored: bool) -> None:
        """Carry the broker's answer back; without a time-out nothing but it is waited for."""
        if stored and self.waits_for_ever and request.batch is not None:
            self._close(request.batch)
        super().reply(request, stored=stored)

    def refuse(self, request: Request) -> None:
        """Let the broker refuse a request; its batch is still there."""
        super().refuse(request)
        if not self.hears_nothing:
            self.model.close()

    def hear(self, request: Request, *, stored: bool) -> None:
        """Take in an answer; a confirmation counts however late it comes."""
        batch = request.batch
        if batch is None or request.incarnation != self.incarnation:
            return
        if stored:
            self.confirm(batch.messages)
            self._finish(batch)
            self._send_ready()
        elif batch.state == BatchState.IN_FLIGHT and request.attempt == batch.attempts:
            self._in_flight -= 1
            self._try_again(batch)
            self._send_ready()

    def lose(self, request: Request) -> None:
        """Note that a request ended nowhere; a time-out, if there is one, will notice."""
        self._write_off(request)
        self.model.close()

    def lose_answer(self, request: Request, *, stored: bool) -> None:
        """Note that an answer ended nowhere."""
        if not stored:
            self._write_off(request)
        elif self.waits_for_ever and request.batch is not None:
            self._close(request.batch)

    def _write_off(self, request: Request) -> None:
        batch = request.batch
        if batch is not None and (self.hears_nothing or self.waits_for_ever):
            mark(batch.messages, MessageStatus.LOST)
            self._close(batch)

    def _miss_answer(self, batch: Batch, attempt: int) -> None:
        """Stop waiting for the answer to one attempt."""
        if batch.state != BatchState.IN_FLIGHT or batch.attempts != attempt:
            return
        self._in_flight -= 1
        batch.in_doubt = True
        self._give_status(batch, MessageStatus.UNKNOWN)
        self._try_again(batch)
        self._send_ready()

    def _try_again(self, batch: Batch) -> None:
        """Send a batch again after a delay, or give it up; it has left the window."""
        first = batch.messages[0]
        elapsed_ns = self.model.clock.now - batch.first_sent_at
        delay_ns = self.retries.delay_ns(
            first.lineage, first.root, batch.attempts, elapsed_ns, batch.delay_ns
        )
        batch.state = BatchState.BACKING_OFF
        self._backing_off[batch.partition] = self._backing_off.get(batch.partition, 0) + 1
        if delay_ns == GIVE_UP:
            self._give_up(batch)
            return
        batch.delay_ns = delay_ns
        if delay_ns == 0:
            self._end_backing_off(batch)
        else:
            self._call_in(delay_ns, Rank.PUBLISH_RETRY, batch, lambda: self._end_backing_off(batch))

    def _end_backing_off(self, batch: Batch) -> None:
        if batch.state == BatchState.BACKING_OFF:
            self._make_ready(batch)
            self._release(batch.partition)
            self._send_ready()

    def _release(self, partition: int) -> None:
        """Let other batches of a partition leave again, when no batch of it backs off."""
        self._backing_off[partition] -= 1
        if self._backing_off[partition] == 0:
            self._let_go_on(partition)

    def _let_go_on(self, partition: int) -> None:
        for held in self._held_back.pop(partition, ()):
            heapq.heappush(self._ready, held)

    # The end ------------------------------------------------------------------------------------

    def _give_up(self, batch: Batch) -> None:
        """End a batch whose fate will not be waited for any more."""
        if batch.state == BatchState.DONE:
            return
        if batch.attempts == 0:
            status = MessageStatus.EXPIRED
        elif batch.in_doubt or batch.state == BatchState.IN_FLIGHT:
            status = MessageStatus.UNKNOWN
        else:
            status = MessageStatus.REJECTED
        self._give_status(batch, status)
        self._finish(batch)
        self._send_ready()

    def _finish(self, batch: Batch) -> None:
        """Forget a batch and make room for others."""
        before, batch.state = batch.state, BatchState.DONE
        if before == BatchState.DONE:
            return
        if before == BatchState.IN_FLIGHT:
            self._in_flight -= 1
        elif before == BatchState.BACKING_OFF:
            self._release(batch.partition)
        if self._collecting.get(batch.partition) is batch:
            del self._collecting[batch.partition]
        if batch.sequence != NONE:
            self._numbered[batch.partition].remove(batch)
            if not self._backing_off.get(batch.partition):
                self._let_go_on(batch.partition)
        del self._undone[batch.number]
        self._buffered_bytes -= batch.size_bytes
        self._close(batch)
        self._let_in()

    def _give_status(self, batch: Batch, status: MessageStatus) -> None:
        for message in batch.messages:
            if message.status != MessageStatus.CONFIRMED:
                message.status = status

    def _close(self, batch: Batch) -> None:
        """Let the run wait for a batch no longer."""
        if batch.is_open:
            batch.is_open = False
            for _ in batch.messages:
                self.model.close()
