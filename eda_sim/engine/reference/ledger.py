"""The ledger: every message, copy and delivery of a run, and the trace made from them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from eda_sim.engine.trace import (
    COPIES,
    DELIVERIES,
    FAULTS,
    MESSAGES,
    NEVER,
    SERIES,
    Column,
    ColumnSpec,
    CopyState,
    LeaseEnd,
    MessageStatus,
    Names,
    Outcome,
    Trace,
)

if TYPE_CHECKING:
    from eda_sim.engine.reference.records import Record

_FINAL = (
    CopyState.ACKNOWLEDGED,
    CopyState.DEAD_LETTERED,
    CopyState.DISCARDED,
    CopyState.PARKED,
    CopyState.EXPIRED,
    CopyState.TRUNCATED,
    CopyState.MOVED,
)


class Message:
    """One event as it was created.

    ``copies`` counts the copies that publishing it stored, ``truncated`` those of them that a
    failover lost, ``lives`` the copies, wherever they came from, that got a time to live.

    ``lineage`` and ``root`` are its address for random draws: a hash of the services that the chain
    of events came through, and the sequence number of the event that began it. They are the same in
    every run in which the same thing happens to the same event, however the rest differs.
    """

    __slots__ = (
        "attempts",
        "causation_id",
        "channel",
        "committed_at",
        "confirmed_at",
        "copies",
        "correlation_id",
        "created_at",
        "key",
        "lineage",
        "lives",
        "message_id",
        "partition",
        "priority",
        "root",
        "sent_at",
        "sequence",
        "size_bytes",
        "source",
        "status",
        "stored_at",
        "truncated",
    )

    def __init__(
        self,
        message_id: int,
        source: int,
        channel: int,
        sequence: int,
        key: int,
        size_bytes: int,
        created_at: int,
        lineage: int,
        root: int,
        cause: Message | None,
    ) -> None:
        self.message_id = message_id
        self.source = source
        self.channel = channel
        self.sequence = sequence
        self.key = key
        self.partition = NEVER
        self.size_bytes = size_bytes
        self.correlation_id: int = message_id if cause is None else cause.correlation_id
        self.causation_id = NEVER if cause is None else cause.message_id
        self.created_at = created_at
        self.stored_at = NEVER
        self.committed_at = NEVER
        self.confirmed_at = NEVER
        self.sent_at = NEVER
        self.attempts = 0
        self.copies = 0
        self.lives = 0
        self.truncated = 0
        self.status = MessageStatus.BUFFERED
        self.lineage = lineage
        self.root = root
        self.priority: int = 0 if cause is None else cause.priority


class History:
    """What a consumer's earlier failures with a message mean for its next attempt.

    Most copies never need one. A copy that a retry stored in another channel takes it over.

    Attributes
    ----------
    earlier : int
        Deliveries of earlier copies: draws go on where those ended.
    tried : int
        Attempts with earlier copies, as the retry policy counts them.
    first_started_at : int
        When the first attempt that failed began, in ns.
    previous_delay_ns : int
        The last delay.
    """

    __slots__ = ("earlier", "first_started_at", "previous_delay_ns", "tried")

    def __init__(self, first_started_at: int, earlier: int = 0, tried: int = 0) -> None:
        self.first_started_at = first_started_at
        self.earlier = earlier
        self.tried = tried
        self.previous_delay_ns = 0

    @staticmethod
    def of(delivery: Delivery) -> History:
        """Return the history of a delivery that failed; the first failure begins it."""
        entry = delivery.entry
        if entry.history is None:
            entry.history = History(delivery.started_at)
        return entry.history


class Origin(NamedTuple):
    """Where a copy comes from that no publisher sent: a copy, and the consumer that moved it.

    ``deliveries`` is how often that consumer had the message before, ``lineage`` the address of its
    draws about the copy.
    """

    copy_id: int
    consumer: int
    deliveries: int
    lineage: int


class Entry:
    """One stored copy as one subscription sees it: the state machine of semantics 5.

    ``disposition`` is the state that an acknowledgement brings it to: a handler that gave the
    message up changes it, so that a cumulative acknowledgement does not count it as done.
    ``count`` is what the limit of deliveries is compared with, ``place`` its place in a queue.
    ``lineage`` is the address of the draws about handling it: that of its message, unless the
    consumer has had other copies of that.
    """

    __slots__ = (
        "available_at",
        "channel",
        "committed_at",
        "consumer",
        "copy_id",
        "count",
        "deliveries",
        "disposition",
        "expires_at",
        "history",
        "holder",
        "lineage",
        "message",
        "message_id",
        "offset",
        "partition",
        "place",
        "record",
        "settled_at",
        "source_consumer",
        "source_copy",
        "state",
        "stored_at",
        "visible_at",
    )

    def __init__(
        self,
        message: Message,
        copy_id: int,
        consumer: int,
        offset: int,
        now: int,
        channel: int,
        partition: int,
    ) -> None:
        self.message = message
        self.lineage = message.lineage
        self.message_id = message.message_id
        self.copy_id = copy_id
        self.channel = channel
        self.consumer = consumer
        self.partition = partition
        self.place = offset
        self.offset = offset
        self.stored_at = now
        self.committed_at = now
        self.visible_at = now
        self.available_at = now
        self.expires_at = NEVER
        self.state = CopyState.AVAILABLE
        self.deliveries = 0
        self.settled_at = NEVER
        self.holder: Delivery | None = None
        self.record: Record | None = None
        self.count = 0
        self.source_copy = NEVER
        self.source_consumer = NEVER
        self.disposition = CopyState.ACKNOWLEDGED
        self.history: History | None = None

    def come_from(self, origin: Origin) -> None:
        """Write down where the copy comes from; draws go on where those of that one ended."""
        self.source_copy = origin.copy_id
        self.source_consumer = origin.consumer
        if origin.consumer == self.consumer:
            self.lineage = origin.lineage
            if origin.deliveries:
                self.history = History(self.stored_at, earlier=origin.deliveries)

    def wait(self) -> None:
        """Be SCHEDULED: consumers cannot have it yet."""
        self.state = CopyState.SCHEDULED
        self.visible_at = NEVER

    def appear(self, now: int) -> None:
        """Be AVAILABLE: consumers can have it from now on."""
        self.state = CopyState.AVAILABLE
        self.visible_at = self.available_at = now

    @property
    def is_final(self) -> bool:
        """Return whether this copy will never be handed over again."""
        return self.state in _FINAL


class Delivery:
    """One hand-over of one copy to one instance."""

    __slots__ = (
        "acquired_at",
        "attempt",
        "available_again_at",
        "available_at",
        "channel",
        "consumer",
        "copy_id",
        "deadline",
        "effect",
        "entry",
        "finished_at",
        "instance",
        "lease_end",
        "lease_ended_at",
        "message",
        "message_id",
        "outcome",
        "received_at",
        "session",
        "settled_at",
        "started_at",
        "tries",
        "worker",
    )

    def __init__(self, entry: Entry, session: Any, instance: int, now: int) -> None:
        entry.deliveries += 1
        self.entry = entry
        self.session = session
        self.message = entry.message
        self.message_id = entry.message_id
        self.copy_id = entry.copy_id
        self.channel = entry.channel
        self.consumer = entry.consumer
        self.instance = instance
        self.worker = NEVER
        self.attempt = entry.deliveries
        self.available_at = entry.available_at
        self.acquired_at = now
        self.received_at = NEVER
        self.started_at = NEVER
        self.finished_at = NEVER
        self.settled_at = NEVER
        self.outcome = Outcome.UNFINISHED
        self.effect = 0
        self.tries = 0
        self.lease_ended_at = NEVER
        self.lease_end = LeaseEnd.NONE
        self.available_again_at = NEVER
        self.deadline = NEVER

    def end_lease(self, end: LeaseEnd, now: int, available_again_at: int = NEVER) -> None:
        """Write down that this delivery is no longer leased, and when its copy comes back."""
        self.lease_ended_at = now
        self.lease_end = end
        self.available_again_at = available_again_at


class Ledger:
    """All records of a run, in the order in which they came into being."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self.messages: list[Message] = []
        self.entries: list[Entry] = []
        self.deliveries: list[Delivery] = []
        self.samples: list[tuple[int, ...]] = []
        self.faults: list[list[int]] = []
        self.copies = 0

    def new_copy(self) -> int:
        """Return the number of the next copy."""
        self.copies += 1
        return self.copies - 1

    def to_trace(self, ended_at_ns: int) -> Trace:
        """Return the trace of everything recorded so far."""
        return Trace(
            names=self.names,
            ended_at_ns=ended_at_ns,
            messages=_from_records(self.messages, MESSAGES),
            copies=_from_records(self.entries, COPIES),
            deliveries=_from_records(self.deliveries, DELIVERIES),
            series=_from_rows(self.samples, SERIES),
            faults=_from_rows(self.faults, FAULTS),
        )


def _from_records(records: Iterable[Any], columns: Sequence[ColumnSpec]) -> dict[str, Column]:
    rows = list(records)
    return {
        column.name: np.fromiter(map(attrgetter(column.name), rows), np.int64, len(rows))
        for column in columns
    }


def _from_rows(rows: Sequence[Sequence[int]], columns: Sequence[ColumnSpec]) -> dict[str, Column]:
    table = np.array(rows, dtype=np.int64).reshape(len(rows), len(columns))
    return {column.name: np.ascontiguousarray(table[:, i]) for i, column in enumerate(columns)}
