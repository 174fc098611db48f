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

    The order of the lines is the order of the ranks. They begin at 2 because SimPy keeps 0 and 1
    for its own events, which have to settle first.
    """

    @staticmethod
    def _generate_next_value_(_name: str, _start: int, count: int, _last: list[int]) -> int:
        return count + 2

    FAULT_END = enum.auto()
    """A fault ends: (fault, occurrence)."""
    FAULT_START = enum.auto()
    """A fault begins: (fault, occurrence)."""
    COMPLETION = enum.auto()
    """A worker finishes a delivery: (consumer, copy, attempt)."""
    SETTLEMENT = enum.auto()
    """An acknowledgement, release or rejection reaches the broker: (consumer, copy, attempt)."""
    ANSWER = enum.auto()
    """The answer to a call reaches who called: (consumer, message)."""
    COMMIT = enum.auto()
    """A commit of offsets reaches the broker: (consumer, member, commit)."""
    DISCONNECT = enum.auto()
    """The broker sees that a connection has closed: (consumer, instance, session)."""
    RENEWAL_DUE = enum.auto()
    """A worker has to renew the lease of what it handles: (subscription, copy, attempt)."""
    LEASE_RENEWAL = enum.auto()
    """The renewal of a lease reaches the broker: (consumer, instance, renewal)."""
    CONNECTION_TIMEOUT = enum.auto()
    """The broker closes a silent connection: (subscription, instance, silence)."""
    LEASE_EXPIRY = enum.auto()
    """The lease of one delivery runs out: (subscription, copy, attempt)."""
    SWEEP_DUE = enum.auto()
    """An instance looks for leases that ran out: (subscription, instance, sweep)."""
    SWEEP = enum.auto()
    """Its sweep reaches the broker: (consumer, instance, sweep)."""
    HANDLER_TIMEOUT = enum.auto()
    """A handler of the user's has run too long: (consumer, copy, attempt)."""
    DELAY = enum.auto()
    """A copy has waited for the delay of its channel: (channel, copy)."""
    REDELIVERY = enum.auto()
    """The redelivery delay of a copy is over: (subscription, copy, attempt)."""
    REDRIVE = enum.auto()
    """Dead letters are moved back: (subscription, task, move)."""
    HANDLER_RETRY = enum.auto()
    """A worker tries the delivery that it holds again: (consumer, copy, attempt)."""
    CIRCUIT_BREAKER = enum.auto()
    """An open circuit breaker lets calls through again: (consumer, instance, opening)."""
    SESSION_TIMEOUT = enum.auto()
    """The group notices that an instance is gone: (consumer, instance, session)."""
    HEARTBEAT = enum.auto()
    """A member learns with its heartbeat what the group wants: (consumer, member, generation)."""
    REBALANCE = enum.auto()
    """A generation of a group begins or is overdue: (consumer, generation)."""
    POLL_INTERVAL = enum.auto()
    """The poll of a member is overdue: (consumer, member, session)."""
    AUTO_COMMIT = enum.auto()
    """A member commits what it has polled: (consumer, member, commit)."""
    FETCH_WAIT = enum.auto()
    """A fetch has waited long enough for more: (consumer, member, fetch)."""
    CALL_TIMEOUT = enum.auto()
    """A call has waited long enough for its answer: (source, message)."""
    CALL_RETRY = enum.auto()
    """A call is tried again: (source, message of the attempt before)."""
    LINGER = enum.auto()
    """A batch has been collected for long enough: (source, first message)."""
    REQUEST_TIMEOUT = enum.auto()
    """A publisher stops waiting for an answer: (source, first message, attempt)."""
    DELIVERY_TIMEOUT = enum.auto()
    """A publisher gives a batch up: (source, first message)."""
    PUBLISH_RETRY = enum.auto()
    """A publisher may send a batch again: (source, first message, attempt)."""
    BLOCK_TIMEOUT = enum.auto()
    """A message has waited for room in a buffer for too long: (source, message)."""
    FAILURE_DETECTION = enum.auto()
    """Everybody knows that a node is down: (channel, node, crash)."""
    REPLICA_DEAD = enum.auto()
    """A follower that went down is behind for too long: (channel, partition, node)."""
    REPLICA_LAG = enum.auto()
    """A slow follower may be behind for too long: (channel, first message, node)."""
    ELECTION = enum.auto()
    """A partition gets a leader: (channel, partition, election)."""
    RETENTION = enum.auto()
    """A partition looks at what is too old: (channel, partition)."""
    TIME_TO_LIVE = enum.auto()
    """A copy has waited for too long: (channel, message, copy)."""
    ADMISSION = enum.auto()
    """A partition has room again for requests that wait: (channel, partition)."""
    PUBLISH = enum.auto()
    """A request reaches its broker: (source, first message, trip)."""
    APPEND = enum.auto()
    """The append server of a partition is done with a request: (channel, first message, trip)."""
    REPLICATION = enum.auto()
    """A follower has a request: (channel, first message, trip and node)."""
    CATCH_UP = enum.auto()
    """A follower has caught up: (channel, partition, node)."""
    CONFIRM = enum.auto()
    """An answer reaches a publisher: (source, first message, trip)."""
    JOIN = enum.auto()
    """A worker asks to be a member of its group: (consumer, member, request)."""
    REQUEST = enum.auto()
    """A request for messages reaches the broker: (consumer, worker, request)."""
    RECEIVE = enum.auto()
    """A hand-over reaches an instance: (consumer, first copy, attempt)."""
    EMPTY_ANSWER = enum.auto()
    """An answer without messages reaches a worker: (consumer, worker, request)."""
    POLL = enum.auto()
    """A worker that got an empty answer asks again: (consumer, worker, request)."""
    CREATE = enum.auto()
    """A producer creates a message: (producer, sequence)."""
    PROCESS = enum.auto()
    """A process of the user's goes on: (process, wait)."""
    SAMPLE = enum.auto()
    """The series are sampled, after everything else at that moment."""
