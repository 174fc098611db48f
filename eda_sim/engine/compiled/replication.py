"""Replication: for each partition which node leads, and which node has how much of it.

The leader stores first; each follower has the same offsets a lag later. What the commit rule counts
as safe is committed. A node that goes down leads no longer once that is noticed: another replica is
elected, and what that one lacks is truncated everywhere.
"""

from __future__ import annotations

from eda_sim.engine.compiled import actions as a
from eda_sim.engine.compiled import cells as c
from eda_sim.engine.compiled import codes as k
from eda_sim.engine.compiled import draws, lists
from eda_sim.engine.compiled.calendar import schedule
from eda_sim.engine.compiled.lists import NOTHING
from eda_sim.engine.compiled.logs import commit
from eda_sim.engine.compiled.pointers import Ints, Reals, action, invoke, jit
from eda_sim.engine.compiled.retention import enforce
from eda_sim.engine.compiled.rows import add_row

OS_WRITEBACK_NS = 30_000_000_000
"""Age at which Linux writes a dirty page back: ``vm.dirty_expire_centisecs`` 3000."""


@jit
def build(m: Ints, partition: int) -> None:
    """Let all nodes of a partition's channel have it, if the channel has nodes."""
    channel, number = m[m[c.PARTITION_CHANNEL] + partition], m[m[c.PARTITION_NUMBER] + partition]
    is_replicated = m[m[c.REPLICATION_IS_REPLICATED] + channel]
    m[m[c.PARTITION_IS_REPLICATED] + partition] = is_replicated
    if not is_replicated:
        return
    if m[m[c.REPLICATION_FLUSH] + channel] == k.FLUSH_BEFORE_ACK:
        flush_ns = m[m[c.REPLICATION_FLUSH_TIME_NS] + channel]
        m[m[c.PARTITION_FLUSH_TIME_NS] + partition] = flush_ns
    factor = m[m[c.REPLICATION_FACTOR] + channel]
    m[m[c.PARTITION_ADDRESS] + partition] = draws.mix(m[m[c.CHANNEL_ADDRESS] + channel], number)
    m[m[c.PARTITION_LEADER] + partition] = number % factor
    m[m[c.PARTITION_LAST_LEADER] + partition] = number % factor
    m[m[c.PARTITION_COMMITTED] + partition] = 0
    m[m[c.PARTITION_WAITING] + partition] = lists.new_list(m)
    m[m[c.PARTITION_ELECTIONS] + partition] = 0
    m[m[c.PARTITION_MISSES_LEADER] + partition] = 0
    m[m[c.PARTITION_FIRST_REPLICA] + partition] = m[c.REPLICA_ROWS]
    for _ in range(factor):
        replica = add_row(m, c.REPLICA_ROWS)
        m[m[c.REPLICA_PARTITION] + replica] = partition
        m[m[c.REPLICA_END] + replica] = 0
        m[m[c.REPLICA_IN_SYNC] + replica] = 1
        m[m[c.REPLICA_IS_TORN] + replica] = 0
        m[m[c.REPLICA_DUE_AT] + replica] = 0
        m[m[c.REPLICA_LIFE] + replica] = 0
        m[m[c.REPLICA_FLUSHED] + replica] = 0
        m[m[c.REPLICA_RECEIVED] + replica] = lists.new_list(m)


@jit
def is_up(m: Ints, channel: int, node: int) -> bool:
    """Return whether a node works."""
    return m[m[c.BROKER_CAUSES_DOWN] + m[m[c.CHANNEL_CLUSTER] + channel] + node] == 0


# Storing --------------------------------------------------------------------------------------


@jit
def accept(m: Ints, f: Reals, partition: int, request: int) -> bool:
    """Return whether the leader takes a request in; without one it ends nowhere."""
    if m[m[c.PARTITION_LEADER] + partition] == k.NONE:
        invoke(m, f, a.LOSE, request, 0, 0)
        return False
    publisher = m[c.REQUEST_PUBLISHER + request]
    waits = publisher != NOTHING and m[c.PUBLISHER_ACKS + publisher] == k.ACKS_ALL
    if waits and not _has_enough_in_sync(m, partition):
        invoke(m, f, a.REFUSE, request, 0, 0)
        return False
    return True


@jit
def _has_enough_in_sync(m: Ints, partition: int) -> bool:
    channel = m[m[c.PARTITION_CHANNEL] + partition]
    if m[m[c.REPLICATION_COMMIT_RULE] + channel] != k.COMMIT_RULE_ISR:
        return True
    count, first = 0, m[c.REPLICA_IN_SYNC] + m[m[c.PARTITION_FIRST_REPLICA] + partition]
    for node in range(m[m[c.REPLICATION_FACTOR] + channel]):
        count += m[first + node]
    return count >= m[m[c.REPLICATION_MIN_INSYNC] + channel]


@jit
def replicate(m: Ints, f: Reals, partition: int, request: int) -> None:
    """Let the followers copy what the leader has just stored, and answer when it is due."""
    channel = m[m[c.PARTITION_CHANNEL] + partition]
    end, leader = m[m[c.PARTITION_NEXT_OFFSET] + partition], m[m[c.PARTITION_LEADER] + partition]
    message, trip = m[c.REQUEST_MESSAGE + request], m[c.REQUEST_TRIP + request]
    note_received(m, partition, m[m[c.PARTITION_FIRST_REPLICA] + partition] + leader, end)
    publisher = m[c.REQUEST_PUBLISHER + request]
    if publisher != NOTHING and m[c.PUBLISHER_ACKS + publisher] == k.ACKS_ALL:
        node = lists.append(m, m[m[c.PARTITION_WAITING] + partition], request)
        m[c.NODE_KEY + node] = end
    else:
        invoke(m, f, a.REPLY, request, 1, 0)
    lineage, root = m[c.MESSAGE_LINEAGE + message], m[c.MESSAGE_ROOT + message]
    lag = m[m[c.REPLICATION_LAG] + channel]
    for node in range(m[m[c.REPLICATION_FACTOR] + channel]):
        if node != m[m[c.PARTITION_LEADER] + partition] and is_up(m, channel, node):
            about = draws.mix(lineage, node)
            lag_ns = draws.ns(m, f, lag, k.STREAM_REPLICATION, about, root, trip)
            _copy(m, partition, node, end, lag_ns, m[c.MESSAGE_ID + message], trip)
    advance(m, f, partition)


@jit
def _copy(
    m: Ints, partition: int, node: int, end: int, lag_ns: int, number: int, trip: int
) -> None:
    """Let a follower have everything before ``end`` after its lag, but not before the rest."""
    channel = m[m[c.PARTITION_CHANNEL] + partition]
    replica = m[m[c.PARTITION_FIRST_REPLICA] + partition] + node
    arrives = m[c.NOW] + lag_ns + m[m[c.PARTITION_FLUSH_TIME_NS] + partition]
    arrives = max(m[m[c.REPLICA_DUE_AT] + replica], arrives)
    m[m[c.REPLICA_DUE_AT] + replica] = arrives
    if arrives == m[c.NOW]:
        note_received(m, partition, replica, end)
        note_in_sync(m, partition, replica)
        return
    lag_max_ns = m[m[c.REPLICATION_REPLICA_LAG_MAX_NS] + channel]
    if lag_max_ns != k.NONE and arrives - m[c.NOW] > lag_max_ns:
        # Look, when the follower may be behind no longer, whether it still is.
        due = m[c.NOW] + lag_max_ns
        term = m[m[c.PARTITION_TERM] + partition]
        rank = k.RANK_REPLICA_LAG
        schedule(m, due, rank, channel, number, node, a.CHECK_LAG, replica, end, term)
    factor = m[m[c.REPLICATION_FACTOR] + channel]
    attempt, times = trip * factor + node, _times(m, partition, replica)
    schedule(
        m, arrives, k.RANK_REPLICATION, channel, number, attempt, a.END_COPY, replica, end, times
    )


@jit
def _times(m: Ints, partition: int, replica: int) -> int:
    """Return how often a node, and the leader of a partition, were lost: in one number."""
    return m[m[c.REPLICA_LIFE] + replica] << 32 | m[m[c.PARTITION_TERM] + partition]


@action(a.END_COPY)
def end_copy(m: Ints, f: Reals, replica: int, end: int, times: int) -> int:
    """Let a follower have what was copied, if neither it nor the leader was lost meanwhile."""
    partition = m[m[c.REPLICA_PARTITION] + replica]
    if times == _times(m, partition, replica):
        note_received(m, partition, replica, end)
        note_in_sync(m, partition, replica)
        advance(m, f, partition)
    return 0


@jit
def note_received(m: Ints, partition: int, replica: int, end: int) -> None:
    """Let a node have everything before ``end``."""
    m[m[c.REPLICA_END] + replica] = max(m[m[c.REPLICA_END] + replica], end)
    node = lists.append(m, m[m[c.REPLICA_RECEIVED] + replica], m[m[c.REPLICA_END] + replica])
    m[c.NODE_KEY + node] = m[c.NOW]
    flush(m, partition, replica)


@jit
def flush(m: Ints, partition: int, replica: int) -> None:
    """Note what is on a node's disk by now."""
    channel, horizon = m[m[c.PARTITION_CHANNEL] + partition], m[c.NOW]
    flush = m[m[c.REPLICATION_FLUSH] + channel]
    if flush == k.FLUSH_INTERVAL:
        horizon -= horizon % m[m[c.REPLICATION_FLUSH_INTERVAL_NS] + channel]
    elif flush == k.FLUSH_OS:
        horizon -= OS_WRITEBACK_NS
    received = m[m[c.REPLICA_RECEIVED] + replica]
    node = lists.first(m, received)
    while node != NOTHING and m[c.NODE_KEY + node] <= horizon:
        m[m[c.REPLICA_FLUSHED] + replica] = lists.pop_first(m, received)
        node = lists.first(m, received)


@jit
def note_in_sync(m: Ints, partition: int, replica: int) -> None:
    """Let the rule wait for a node that has all that is committed."""
    if m[m[c.REPLICA_END] + replica] >= m[m[c.PARTITION_COMMITTED] + partition]:
        m[m[c.REPLICA_IN_SYNC] + replica] = 1
        m[m[c.REPLICA_IS_TORN] + replica] = 0


@action(a.CHECK_LAG)
def check_lag(m: Ints, f: Reals, replica: int, end: int, term: int) -> int:
    """Look whether a follower is still behind."""
    partition = m[m[c.REPLICA_PARTITION] + replica]
    if term == m[m[c.PARTITION_TERM] + partition] and m[m[c.REPLICA_END] + replica] < end:
        leave_in_sync(m, f, replica)
    return 0


@jit
def leave_in_sync(m: Ints, f: Reals, replica: int) -> None:
    """Let the rule not wait for a follower any longer."""
    partition = m[m[c.REPLICA_PARTITION] + replica]
    last_leader = m[m[c.PARTITION_LAST_LEADER] + partition]
    is_follower = replica != m[m[c.PARTITION_FIRST_REPLICA] + partition] + last_leader
    if m[m[c.REPLICA_IN_SYNC] + replica] and is_follower:
        m[m[c.REPLICA_IN_SYNC] + replica] = 0
        advance(m, f, partition)


# Committing -----------------------------------------------------------------------------------


@jit
def advance(m: Ints, f: Reals, partition: int) -> None:
    """Commit what the rule allows, and answer those who waited for it."""
    if m[m[c.PARTITION_LEADER] + partition] == k.NONE:
        return
    safe, committed = _safe_end(m, partition), m[m[c.PARTITION_COMMITTED] + partition]
    count = max(0, safe - committed)
    if count:
        record = m[m[c.PARTITION_LOG_LAST] + partition]
        while m[c.RECORD_OFFSET + record] > committed:
            record = m[c.RECORD_PREVIOUS + record]
        m[m[c.PARTITION_COMMITTED] + partition] = safe
        for _ in range(count):
            commit(m, f, record)
            record = m[c.RECORD_NEXT + record]
    # Also those that brought nothing new: what they brought again may have been safe before.
    waiting = m[m[c.PARTITION_WAITING] + partition]
    node = lists.first(m, waiting)
    while node != NOTHING:
        if m[c.NODE_KEY + node] > m[m[c.PARTITION_COMMITTED] + partition]:
            break
        invoke(m, f, a.REPLY, lists.pop_first(m, waiting), 1, 0)
        node = lists.first(m, waiting)
    if count and m[m[c.PARTITION_HAS_LIMITS] + partition]:
        enforce(m, f, partition)


@jit
def _safe_end(m: Ints, partition: int) -> int:
    """Return the offset after the last that the commit rule allows."""
    channel = m[m[c.PARTITION_CHANNEL] + partition]
    rule, factor = m[m[c.REPLICATION_COMMIT_RULE] + channel], m[m[c.REPLICATION_FACTOR] + channel]
    first = m[m[c.PARTITION_FIRST_REPLICA] + partition]
    ends = m[c.REPLICA_END] + first
    if rule == k.COMMIT_RULE_LEADER:
        return m[ends + m[m[c.PARTITION_LEADER] + partition]]
    if rule == k.COMMIT_RULE_QUORUM:
        safe = 0
        for node in range(factor):
            end, having = m[ends + node], 0
            for other in range(factor):
                having += int(m[ends + other] >= end)
            if having > factor // 2:
                safe = max(safe, end)
        return safe
    if not _has_enough_in_sync(m, partition):
        return m[m[c.PARTITION_COMMITTED] + partition]
    safe = m[m[c.PARTITION_NEXT_OFFSET] + partition]
    for node in range(factor):
        if m[m[c.REPLICA_IN_SYNC] + first + node]:
            safe = min(safe, m[ends + node])
    return safe
