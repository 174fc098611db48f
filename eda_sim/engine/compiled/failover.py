"""Failover: nodes of channels go down, others lead, what these lack is lost.

A node's log survives a crash. It does not survive a power loss beyond what was flushed.
"""

from __future__ import annotations

from eda_sim.engine.compiled import actions as a
from eda_sim.engine.compiled import cells as c
from eda_sim.engine.compiled import codes as k
from eda_sim.engine.compiled import draws, lists
from eda_sim.engine.compiled.calendar import schedule
from eda_sim.engine.compiled.lists import NOTHING
from eda_sim.engine.compiled.logs import truncate
from eda_sim.engine.compiled.pointers import Ints, Reals, action, invoke, jit
from eda_sim.engine.compiled.replication import (
    advance,
    flush,
    is_up,
    leave_in_sync,
    note_in_sync,
    note_received,
)
from eda_sim.engine.compiled.retention import lose_waiting

# Nodes ----------------------------------------------------------------------------------------


@action(a.NODE_DOWN)
def node_down(m: Ints, f: Reals, channel: int, node: int, power_loss: int) -> int:
    """Take a node down; downs nest, and every power loss counts."""
    broker = m[m[c.CHANNEL_CLUSTER] + channel] + node
    m[m[c.BROKER_CAUSES_DOWN] + broker] += 1
    first = m[m[c.CHANNEL_FIRST_PARTITION] + channel]
    partitions = range(first, first + m[m[c.CHANNEL_PARTITIONS] + channel])
    if power_loss:
        for partition in partitions:
            _lose_unflushed(m, partition, m[m[c.PARTITION_FIRST_REPLICA] + partition] + node)
    if m[m[c.BROKER_CAUSES_DOWN] + broker] > 1:
        return 0
    crash = m[m[c.BROKER_CRASHES] + broker]
    m[m[c.BROKER_CRASHES] + broker] = crash + 1
    for partition in partitions:
        _lose_node(m, f, partition, node)
    about = draws.mix(m[m[c.CHANNEL_ADDRESS] + channel], node)
    detection = m[m[c.REPLICATION_FAILURE_DETECTION] + channel]
    due = m[c.NOW] + draws.ns(m, f, detection, k.STREAM_DETECTION, about, crash, 1)
    rank = k.RANK_FAILURE_DETECTION
    schedule(m, due, rank, channel, node, crash, a.NOTICE_NODE, channel, node, crash)
    return 0


@action(a.NODE_UP)
def node_up(m: Ints, f: Reals, channel: int, node: int, _c: int) -> int:
    """End one reason for a node to be down; after the last it works again."""
    broker = m[m[c.CHANNEL_CLUSTER] + channel] + node
    m[m[c.BROKER_CAUSES_DOWN] + broker] -= 1
    if m[m[c.BROKER_CAUSES_DOWN] + broker]:
        return 0
    m[m[c.BROKER_IS_KNOWN_DOWN] + broker] = 0
    first = m[m[c.CHANNEL_FIRST_PARTITION] + channel]
    for partition in range(first, first + m[m[c.CHANNEL_PARTITIONS] + channel]):
        _regain_node(m, f, partition, node)
    return 0


@action(a.NOTICE_NODE)
def notice(m: Ints, f: Reals, channel: int, node: int, crash: int) -> int:
    """Let everybody know that a node is down, if it still is, from the same crash."""
    broker = m[m[c.CHANNEL_CLUSTER] + channel] + node
    if is_up(m, channel, node) or m[m[c.BROKER_CRASHES] + broker] != crash + 1:
        return 0
    m[m[c.BROKER_IS_KNOWN_DOWN] + broker] = 1
    first = m[m[c.CHANNEL_FIRST_PARTITION] + channel]
    for partition in range(first, first + m[m[c.CHANNEL_PARTITIONS] + channel]):
        if node != m[m[c.PARTITION_LAST_LEADER] + partition]:
            leave_in_sync(m, f, m[m[c.PARTITION_FIRST_REPLICA] + partition] + node)
        elif m[m[c.PARTITION_LEADER] + partition] == k.NONE:
            m[m[c.PARTITION_MISSES_LEADER] + partition] = 1
            _elect_soon(m, f, partition)
    return 0


# Losing a node --------------------------------------------------------------------------------


@jit
def _lose_unflushed(m: Ints, partition: int, replica: int) -> None:
    """Cut a node's log to what is on its disk."""
    flush(m, partition, replica)
    lists.clear(m, m[m[c.REPLICA_RECEIVED] + replica])
    flushed = m[m[c.REPLICA_FLUSHED] + replica]
    if flushed < m[m[c.REPLICA_END] + replica]:
        m[m[c.REPLICA_END] + replica] = flushed
        m[m[c.REPLICA_IS_TORN] + replica] = 1


@jit
def _lose_node(m: Ints, f: Reals, partition: int, node: int) -> None:
    """Note that a node went down; without its leader a partition does nothing."""
    channel, number = m[m[c.PARTITION_CHANNEL] + partition], m[m[c.PARTITION_NUMBER] + partition]
    replica = m[m[c.PARTITION_FIRST_REPLICA] + partition] + node
    m[m[c.REPLICA_LIFE] + replica] += 1
    if node != m[m[c.PARTITION_LEADER] + partition]:
        # A follower that died will be behind for too long, if nobody misses it before.
        lag_max_ns = m[m[c.REPLICATION_REPLICA_LAG_MAX_NS] + channel]
        if lag_max_ns != k.NONE:
            due, rank = m[c.NOW] + lag_max_ns, k.RANK_REPLICA_DEAD
            life = m[m[c.REPLICA_LIFE] + replica]
            schedule(m, due, rank, channel, number, node, a.LEAVE_IN_SYNC, replica, life, 0)
        return
    m[m[c.PARTITION_LEADER] + partition] = k.NONE
    m[m[c.PARTITION_MISSES_LEADER] + partition] = 0
    m[m[c.PARTITION_TERM] + partition] += 1
    m[m[c.PARTITION_FREE_AT] + partition] = m[c.NOW]
    _tell_readers(m, f, channel, number, a.SUSPEND)
    waiting = m[m[c.PARTITION_WAITING] + partition]
    m[m[c.PARTITION_WAITING] + partition] = lists.new_list(m)
    while lists.first(m, waiting) != NOTHING:
        invoke(m, f, a.LOSE_ANSWER, lists.pop_first(m, waiting), 1, 0)
    lists.free_list(m, waiting)
    if m[m[c.PARTITION_HAS_LIMITS] + partition]:
        lose_waiting(m, f, partition)


@jit
def _tell_readers(m: Ints, f: Reals, channel: int, number: int, what: int) -> None:
    """Let all subscriptions of a channel know what becomes of a partition."""
    first = m[m[c.CHANNEL_FIRST_READER] + channel]
    for reader in range(first, first + m[m[c.CHANNEL_READERS] + channel]):
        invoke(m, f, what, m[m[c.READER_SUBSCRIPTION] + reader], number, 0)


@action(a.LEAVE_IN_SYNC)
def leave(m: Ints, f: Reals, replica: int, life: int, _c: int) -> int:
    """Let the rule not wait for a follower any longer that has been down all the time."""
    if life == m[m[c.REPLICA_LIFE] + replica]:
        leave_in_sync(m, f, replica)
    return 0


# Elections ------------------------------------------------------------------------------------


@jit
def _regain_node(m: Ints, f: Reals, partition: int, node: int) -> None:
    """Let a node that came up follow the leader, or lead."""
    if m[m[c.PARTITION_LEADER] + partition] != k.NONE:
        _follow(m, f, partition, node)
        return
    led_last = node == m[m[c.PARTITION_LAST_LEADER] + partition]
    is_torn = m[m[c.REPLICA_IS_TORN] + m[m[c.PARTITION_FIRST_REPLICA] + partition] + node]
    if led_last and not is_torn:
        _lead(m, f, partition, node)
    elif led_last or m[m[c.PARTITION_MISSES_LEADER] + partition]:
        m[m[c.PARTITION_MISSES_LEADER] + partition] = 1
        _elect_soon(m, f, partition)


@jit
def _elect_soon(m: Ints, f: Reals, partition: int) -> None:
    channel, number = m[m[c.PARTITION_CHANNEL] + partition], m[m[c.PARTITION_NUMBER] + partition]
    election = m[m[c.PARTITION_ELECTIONS] + partition]
    m[m[c.PARTITION_ELECTIONS] + partition] = election + 1
    about, row = m[m[c.PARTITION_ADDRESS] + partition], m[m[c.REPLICATION_ELECTION] + channel]
    due = m[c.NOW] + draws.ns(m, f, row, k.STREAM_ELECTION, about, election, 1)
    schedule(m, due, k.RANK_ELECTION, channel, number, election, a.ELECT, partition, 0, 0)


@action(a.ELECT)
def elect(m: Ints, f: Reals, partition: int, _b: int, _c: int) -> int:
    """Let somebody lead, if nobody does and somebody can."""
    if m[m[c.PARTITION_LEADER] + partition] == k.NONE:
        candidate = _candidate(m, partition)
        if candidate != k.NONE:
            _lead(m, f, partition, candidate)
    return 0


@jit
def _candidate(m: Ints, partition: int) -> int:
    """Return who shall lead, NONE if nobody can."""
    channel = m[m[c.PARTITION_CHANNEL] + partition]
    factor, rule = m[m[c.REPLICATION_FACTOR] + channel], m[m[c.REPLICATION_COMMIT_RULE] + channel]
    is_unclean = m[m[c.REPLICATION_UNCLEAN] + channel]
    first = m[m[c.PARTITION_FIRST_REPLICA] + partition]
    ends = m[c.REPLICA_END] + first
    up, best, clean, whole = 0, k.NONE, k.NONE, k.NONE
    for node in range(factor):
        if not is_up(m, channel, node):
            continue
        up += 1
        if best == k.NONE or m[ends + node] > m[ends + best]:
            best = node
        if m[m[c.REPLICA_IN_SYNC] + first + node]:
            if clean == k.NONE:
                clean = node
            if whole == k.NONE and not m[m[c.REPLICA_IS_TORN] + first + node]:
                whole = node
    if rule == k.COMMIT_RULE_QUORUM and up <= factor // 2:
        return k.NONE
    if rule == k.COMMIT_RULE_ISR:
        if clean != k.NONE:
            return clean if whole == k.NONE else whole
        return best if is_unclean else k.NONE
    if rule == k.COMMIT_RULE_LEADER and 0 < up < factor:
        lacks = m[ends + best] < m[m[c.PARTITION_NEXT_OFFSET] + partition]
        return k.NONE if lacks and not is_unclean else best
    return best


@jit
def _lead(m: Ints, f: Reals, partition: int, node: int) -> None:
    """Let a node lead: its log is the log, what it lacks is lost."""
    channel = m[m[c.PARTITION_CHANNEL] + partition]
    first = m[m[c.PARTITION_FIRST_REPLICA] + partition]
    m[m[c.PARTITION_TERM] + partition] += 1
    end = m[m[c.REPLICA_END] + first + node]
    was_in_sync = m[m[c.REPLICA_IN_SYNC] + first + node]
    m[m[c.PARTITION_LEADER] + partition] = node
    m[m[c.PARTITION_LAST_LEADER] + partition] = node
    truncate(m, f, partition, end)
    committed = m[m[c.PARTITION_COMMITTED] + partition]
    m[m[c.PARTITION_COMMITTED] + partition] = min(committed, end)
    brokers = m[m[c.CHANNEL_CLUSTER] + channel]
    for other in range(m[m[c.REPLICATION_FACTOR] + channel]):
        replica = first + other
        m[m[c.REPLICA_IS_TORN] + replica] = 0
        _cut(m, replica, end)
        m[m[c.REPLICA_DUE_AT] + replica] = m[c.NOW]
        is_known_down = m[m[c.BROKER_IS_KNOWN_DOWN] + brokers + other]
        stays = was_in_sync and m[m[c.REPLICA_IN_SYNC] + replica] and not is_known_down
        m[m[c.REPLICA_IN_SYNC] + replica] = int(other == node or stays)
        if other != node and is_up(m, channel, other):
            _follow(m, f, partition, other)
    _tell_readers(m, f, channel, m[m[c.PARTITION_NUMBER] + partition], a.RESUME)
    advance(m, f, partition)


@jit
def _cut(m: Ints, replica: int, end: int) -> None:
    """Let a node have nothing from an offset on."""
    m[m[c.REPLICA_END] + replica] = min(m[m[c.REPLICA_END] + replica], end)
    m[m[c.REPLICA_FLUSHED] + replica] = min(m[m[c.REPLICA_FLUSHED] + replica], end)
    node = lists.first(m, m[m[c.REPLICA_RECEIVED] + replica])
    while node != NOTHING:
        m[c.NODE_VALUE + node] = min(m[c.NODE_VALUE + node], end)
        node = lists.following(m, node)


@jit
def _follow(m: Ints, f: Reals, partition: int, node: int) -> None:
    """Let a node catch up with the leader, a lag from now."""
    channel, number = m[m[c.PARTITION_CHANNEL] + partition], m[m[c.PARTITION_NUMBER] + partition]
    replica = m[m[c.PARTITION_FIRST_REPLICA] + partition] + node
    m[m[c.REPLICA_LIFE] + replica] += 1
    life, lag = m[m[c.REPLICA_LIFE] + replica], m[m[c.REPLICATION_LAG] + channel]
    about = draws.mix(m[m[c.PARTITION_ADDRESS] + partition], node)
    arrives = m[c.NOW] + draws.ns(m, f, lag, k.STREAM_REPLICATION, about, life, 1)
    m[m[c.REPLICA_DUE_AT] + replica] = arrives
    schedule(m, arrives, k.RANK_CATCH_UP, channel, number, node, a.CATCH_UP, replica, life, 0)


@action(a.CATCH_UP)
def catch_up(m: Ints, f: Reals, replica: int, life: int, _c: int) -> int:
    """Let a node have all that the leader has, if neither was lost meanwhile."""
    partition = m[m[c.REPLICA_PARTITION] + replica]
    is_led = m[m[c.PARTITION_LEADER] + partition] != k.NONE
    if life == m[m[c.REPLICA_LIFE] + replica] and is_led:
        note_received(m, partition, replica, m[m[c.PARTITION_NEXT_OFFSET] + partition])
        note_in_sync(m, partition, replica)
        advance(m, f, partition)
    return 0
