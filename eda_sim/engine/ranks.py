"""The rank table: which of several events at the same nanosecond happens first.

Both engines order their events by (time, rank, entity, number, attempt) and share nothing else but
this table and the random streams. What an event causes without a delay of its own (a link of zero
latency, an append that costs nothing, the hand-over to an idle worker) happens within it, so it
needs no rank.

The order follows one thought: first the world changes (faults), then work that was going on ends,
then clocks run out, then the broker takes in and gives out, and only then does new work come.
"""

from __future__ import annotations

import enum


class Rank(enum.IntEnum):
    """Rank of a kind of event; ``entity, number, attempt`` break ties within a rank.

    The ranks begin at 2 because SimPy keeps 0 and 1 for its own events, which have to settle first.
    """

    FAULT_END = 2
    """A fault ends: (fault, occurrence)."""
    FAULT_START = 3
    """A fault begins: (fault, occurrence)."""
    COMPLETION = 4
    """A worker finishes a delivery: (consumer, copy, attempt)."""
    SETTLEMENT = 5
    """An acknowledgement reaches the broker: (consumer, copy, attempt)."""
    COMMIT = 6
    """A commit of offsets reaches the broker: (consumer, member, commit)."""
    DISCONNECT = 7
    """The broker sees that a connection has closed: (consumer, instance, session)."""
    LEASE_EXPIRY = 8
    """The lease of one delivery runs out: (consumer, copy, attempt)."""
    SESSION_TIMEOUT = 9
    """The group notices that an instance is gone: (consumer, instance, session)."""
    PUBLISH = 10
    """A message reaches its broker: (source, message)."""
    APPEND = 11
    """The append server of a partition is done with a message: (channel, message)."""
    CONFIRM = 12
    """A confirmation reaches the source of a message: (source, message)."""
    REQUEST = 13
    """A request for messages reaches the broker: (consumer, worker, request)."""
    RECEIVE = 14
    """A hand-over reaches an instance: (consumer, first copy, attempt)."""
    CREATE = 15
    """A producer creates a message: (producer, sequence)."""
    SAMPLE = 16
    """The series are sampled, after everything else at that moment."""
