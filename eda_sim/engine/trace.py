"""The trace: what an engine writes down while it runs a plan.

A trace is five tables of int64 columns. Times are nanoseconds of simulated time, ``NEVER`` (-1)
stands for "did not happen". Both engines fill the same columns in the same order, so two runs are
equal if and only if their digests are equal. Analysis turns a trace into pandas tables (seconds,
names); nothing here knows pandas.

The words
---------
message
    One event as it was created. Its number never changes.
copy
    One stored occurrence of a message in a channel. A producer's retry may store a second one.
delivery
    One hand-over of one copy to one consumer instance: attempt 1, 2, ...
effect
    The state change that a handler makes when it finishes a delivery.
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

NEVER = -1
"""The time of something that did not happen, the number of something that is not there."""

Column = npt.NDArray[np.int64]
Table = Mapping[str, Column]


class MessageStatus(enum.IntEnum):
    """How far the publishing of a message came."""

    BUFFERED = 0
    IN_FLIGHT = 1
    STORED = 2
    COMMITTED = 3
    CONFIRMED = 4
    UNKNOWN = 5
    REJECTED = 6
    EXPIRED = 7
    TRUNCATED = 8
    LOST = 9


class CopyState(enum.IntEnum):
    """Where one copy stands for one subscription (the words of Kafka's share groups and AMQP)."""

    AVAILABLE = 0
    ACQUIRED = 1
    SCHEDULED = 2
    ACKNOWLEDGED = 3
    DEAD_LETTERED = 4
    DISCARDED = 5
    PARKED = 6
    EXPIRED = 7
    TRUNCATED = 8
    MOVED = 9
    STORED = 10
    """Stored and not committed yet: its subscription does not see it."""


OPEN_STATES = (
    CopyState.STORED,
    CopyState.AVAILABLE,
    CopyState.ACQUIRED,
    CopyState.SCHEDULED,
)
"""States in which a copy may still be handed over."""

FAILED_STATUSES = (
    MessageStatus.REJECTED,
    MessageStatus.EXPIRED,
    MessageStatus.TRUNCATED,
    MessageStatus.LOST,
)
"""Ends of publishing that leave no copy behind; UNKNOWN is not one, a copy may still turn up."""


class Outcome(enum.IntEnum):
    """How one delivery ended."""

    UNFINISHED = 0
    OK = 1
    FAILED = 2
    CRASHED = 3
    EXPIRED = 4
    SKIPPED = 5
    DEAD = 6
    REFUSED = 7
    """Nobody was there to take it."""


class LeaseEnd(enum.IntEnum):
    """What ended the lease of one delivery."""

    NONE = 0
    """It lasts still, or there never was one."""
    ACKNOWLEDGED = 1
    RELEASED = 2
    REJECTED = 3
    EXPIRED = 4
    DISCONNECTED = 5
    REVOKED = 6
    """The partition went to another owner."""
    OVERTAKEN = 7
    """Another delivery of the same copy was settled."""
    REMOVED = 8
    """The channel no longer has the copy."""
    REFUSED = 9
    """Nobody took the delivery at the endpoint."""


@dataclass(frozen=True)
class ColumnSpec:
    """Name, unit and meaning of one column.

    ``unit`` is ``"ns"`` for a point in simulated time, ``"bytes"``, ``"1"`` for a count, or the
    name of a list in :class:`Names` (or of an enum here) that the code points into; with
    ``optional`` such a code may be -1 for nothing.
    """

    name: str
    unit: str
    meaning: str
    optional: bool = False


MESSAGES = (
    ColumnSpec("source", "sources", "producer, or consumer that emitted the message"),
    ColumnSpec("channel", "channels", "channel it was published to"),
    ColumnSpec("sequence", "1", "number of the message within its source, from 0"),
    ColumnSpec("key", "1", "number of the key, -1 without one"),
    ColumnSpec("partition", "1", "partition that it was assigned to, -1 before that"),
    ColumnSpec("size_bytes", "bytes", "size of the body"),
    ColumnSpec("correlation_id", "1", "message that began the chain (itself at a producer)"),
    ColumnSpec("causation_id", "1", "message whose handling emitted this one, or -1"),
    ColumnSpec("created_at", "ns", "created by its source"),
    ColumnSpec("sent_at", "ns", "left its source for the first time"),
    ColumnSpec("stored_at", "ns", "first copy appended to the channel"),
    ColumnSpec("committed_at", "ns", "first copy committed: visible to subscriptions"),
    ColumnSpec("confirmed_at", "ns", "confirmation reached the source"),
    ColumnSpec("attempts", "1", "requests with which its source sent it"),
    ColumnSpec("copies", "1", "copies stored by publishing it"),
    ColumnSpec("status", "MessageStatus", "how far publishing came"),
    ColumnSpec("priority", "1", "higher ones go first where a subscription has priorities"),
)
"""One row per message, in order of creation; the row number is the message id."""

COPIES = (
    ColumnSpec("copy_id", "1", "number of the copy, in order of storing"),
    ColumnSpec("message_id", "1", "message that it is a copy of"),
    ColumnSpec("channel", "channels", "channel that stores it"),
    ColumnSpec("consumer", "consumers", "consumer whose subscription this row is about"),
    ColumnSpec("partition", "1", "partition of the channel"),
    ColumnSpec("offset", "1", "place in the partition, from 0; -1 if it went to one queue alone"),
    ColumnSpec("stored_at", "ns", "appended to the partition"),
    ColumnSpec("committed_at", "ns", "committed: a failover cannot take it back any more"),
    ColumnSpec("visible_at", "ns", "consumers can have it from then on; -1 as long as it waits"),
    ColumnSpec("state", "CopyState", "state at the end of the run"),
    ColumnSpec("deliveries", "1", "times it was handed over"),
    ColumnSpec("settled_at", "ns", "reached a final state"),
    ColumnSpec("source_copy", "1", "copy that it was moved from, -1 for one that was published"),
    ColumnSpec(
        "source_consumer", "consumers", "consumer whose subscription moved it, or -1", optional=True
    ),
)
"""One row per stored copy and subscription, by copy, then consumer."""

DELIVERIES = (
    ColumnSpec("message_id", "1", "message handed over"),
    ColumnSpec("copy_id", "1", "copy handed over"),
    ColumnSpec("channel", "channels", "channel it came from"),
    ColumnSpec("consumer", "consumers", "consumer that received it"),
    ColumnSpec("instance", "1", "instance of the consumer, from 0; -1 if none was up"),
    ColumnSpec(
        "worker",
        "1",
        "worker of the instance, from 0, plus the handlings that it interrupted; -1 if none "
        "took it up",
    ),
    ColumnSpec("attempt", "1", "1 for the first hand-over of this copy to this consumer"),
    ColumnSpec("available_at", "ns", "became available for this attempt"),
    ColumnSpec("acquired_at", "ns", "handed over by the broker; leases start here"),
    ColumnSpec("received_at", "ns", "reached the instance"),
    ColumnSpec("started_at", "ns", "a worker took it up"),
    ColumnSpec("finished_at", "ns", "the worker was done with it, or the crash that ended it"),
    ColumnSpec("settled_at", "ns", "the broker recorded an acknowledgement that came from it"),
    ColumnSpec("outcome", "Outcome", "how it ended"),
    ColumnSpec("effect", "1", "1 if the handler's state change took place"),
    ColumnSpec("tries", "1", "times that the handler was called (retries in place included)"),
    ColumnSpec("lease_ended_at", "ns", "the lease ended, settled or not; -1 while it lasts"),
    ColumnSpec("lease_end", "LeaseEnd", "what ended the lease"),
    ColumnSpec(
        "available_again_at", "ns", "from when on the next attempt may be handed over; -1 for none"
    ),
)
"""One row per delivery, in the order of hand-over."""

SERIES = (
    ColumnSpec("time", "ns", "moment of the sample"),
    ColumnSpec("channel", "channels", "channel"),
    ColumnSpec("consumer", "consumers", "consumer"),
    ColumnSpec("available", "1", "copies stored and not handed over"),
    ColumnSpec("scheduled", "1", "copies that wait for a redelivery delay"),
    ColumnSpec("acquired", "1", "copies handed over and not settled"),
    ColumnSpec("busy", "1", "workers that run a handler"),
    ColumnSpec("up", "1", "instances that are up"),
)
"""One row per sampled moment, channel and consumer (``busy`` and ``up`` are the consumer's)."""

FAULTS = (
    ColumnSpec("fault", "1", "number of the fault in the scenario"),
    ColumnSpec("kind", "fault_kinds", "what happened"),
    ColumnSpec("target", "targets", "what it happened to"),
    ColumnSpec("instance", "1", "instance or node of the target, -1 for all of it"),
    ColumnSpec("peer", "targets", "other party of a partition, or -1", optional=True),
    ColumnSpec("occurrence", "1", "how often this fault began before"),
    ColumnSpec("started_at", "ns", "began"),
    ColumnSpec("ended_at", "ns", "ended; -1 if it outlived the run"),
)
"""One row per fault that began, in the order of beginning."""

TABLES: dict[str, tuple[ColumnSpec, ...]] = {
    "messages": MESSAGES,
    "copies": COPIES,
    "deliveries": DELIVERIES,
    "series": SERIES,
    "faults": FAULTS,
}


@dataclass(frozen=True)
class Names:
    """What the codes in a trace stand for.

    ``sources`` are the producers, then the consumers that emit; ``targets`` what a fault can hit.
    """

    sources: tuple[str, ...]
    channels: tuple[str, ...]
    consumers: tuple[str, ...]
    fault_kinds: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()


@dataclass(frozen=True)
class Trace:
    """What one run wrote down.

    Attributes
    ----------
    names : Names
        What the codes stand for.
    ended_at_ns : int
        Simulated time at which the run stopped.
    messages, copies, deliveries, series, faults : dict of int64 arrays
        The columns of :data:`TABLES`.
    """

    names: Names
    ended_at_ns: int
    messages: Table = field(repr=False)
    copies: Table = field(repr=False)
    deliveries: Table = field(repr=False)
    series: Table = field(repr=False)
    faults: Table = field(repr=False)

    def digest(self) -> str:
        """Return a SHA-256 over every bit of the trace: equal digests mean equal runs."""
        state = hashlib.sha256()
        state.update(repr(self.names).encode())
        state.update(str(self.ended_at_ns).encode())
        for table, columns in TABLES.items():
            data: Table = getattr(self, table)
            for column in columns:
                state.update(f"{table}.{column.name}:".encode())
                state.update(np.ascontiguousarray(data[column.name], dtype="<i8").tobytes())
        return state.hexdigest()
