"""Memories of what was published, one per partition, so that second copies are dropped.

A request is judged when its append is done. What is left of it is stored; a request of which
nothing is left is answered like one that was stored, because it was, earlier.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Sequence
from typing import Protocol

from eda_sim.engine.plan import NONE, DeduplicationBy
from eda_sim.engine.reference.ledger import Message
from eda_sim.engine.reference.model import Model
from eda_sim.engine.reference.records import Record
from eda_sim.engine.reference.requests import Request


class PublishMemory(Protocol):
    """What a partition asks of its memory."""

    def fresh(self, request: Request, now: int) -> Sequence[Message] | None:
        """Return and remember what is new in a request; None if something before it is missing."""

    def forget(self, record: Record) -> None:
        """Forget what a failover truncated."""


class MessageIds:
    """Remembers the ids of messages for a time, or some of them, or both."""

    def __init__(self, window_ns: int, size: int) -> None:
        self.window_ns = window_ns
        self.size = size
        self._stored_at: OrderedDict[int, int] = OrderedDict()

    def fresh(self, request: Request, now: int) -> Sequence[Message]:
        """Return the messages whose id is not known, and remember them."""
        known = self._stored_at
        if self.window_ns != NONE:
            while known and now - next(iter(known.values())) > self.window_ns:
                known.popitem(last=False)
        found = [message for message in request.messages if message.message_id not in known]
        for message in found:
            known[message.message_id] = now
            if self.size != NONE and len(known) > self.size:
                known.popitem(last=False)
        return found

    def forget(self, record: Record) -> None:
        """Forget what a failover truncated."""
        self._stored_at.pop(record.message.message_id, None)


class ProducerSequences:
    """Remembers how far each publisher has come in this partition.

    A request that ends before that is a second copy. One that begins after it leaves a gap: if the
    gap may still be filled (its ``floor`` lies above what is stored), the request is refused, so
    that the order holds; what its publisher has given up is not waited for. A second copy that is
    older than the last ``size`` requests is not recognized, and refused like a gap.
    """

    def __init__(self, window_ns: int, size: int) -> None:
        self.window_ns = window_ns
        self.size = size
        self._recent: dict[tuple[object, int], deque[int]] = {}
        self._stored: dict[tuple[object, int], int] = {}
        self._heard_at: dict[tuple[object, int], int] = {}

    def fresh(self, request: Request, now: int) -> Sequence[Message] | None:
        """Return all messages of a request or none of them; None for a gap."""
        if request.sequence == NONE:
            return request.messages
        who = (request.publisher, request.incarnation)
        idle_ns = now - self._heard_at.get(who, now)
        if self.window_ns != NONE and idle_ns > self.window_ns:
            self._stored[who] = 0
        self._heard_at[who] = now
        stored = self._stored.get(who, 0)
        end = request.sequence + len(request.messages)
        if end <= stored:
            is_known = self.size == NONE or end in self._recent[who]
            return () if is_known else None
        if request.floor > stored:
            return None
        self._stored[who] = end
        if self.size != NONE:
            self._recent.setdefault(who, deque(maxlen=self.size)).append(end)
        return request.messages

    def forget(self, record: Record) -> None:
        """Go back to before what a failover truncated."""
        if record.sequence != NONE:
            who = (record.publisher, record.incarnation)
            self._stored[who] = min(self._stored.get(who, 0), record.sequence)


def make_memory(model: Model, channel: int) -> PublishMemory | None:
    """Return the memory of one partition of a channel, None if it has none."""
    row = model.plan.channels.rows
    by = row.deduplication_by[channel]
    window_ns = int(row.deduplication_window_ns[channel])
    size = int(row.deduplication_size[channel])
    if by == DeduplicationBy.MESSAGE_ID:
        return MessageIds(window_ns, size)
    if by == DeduplicationBy.PRODUCER_SEQUENCE:
        return ProducerSequences(window_ns, size)
    return None
