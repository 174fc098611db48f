"""Memories of what was published, one per partition, so that second copies are dropped."""

from __future__ import annotations

from eda_sim.engine.compiled import cells as c
from eda_sim.engine.compiled import codes as k
from eda_sim.engine.compiled import lists, maps
from eda_sim.engine.compiled.lists import NOTHING
from eda_sim.engine.compiled.pointers import Ints, jit

ALL = 0
SOME = 1
GAP = 2
NO_MORE = 3

_IDS = 0
_STORED = 1
_HEARD_AT = 2
_RECENT = 3
_OWNERS = 1_000_000
_PURPOSES = 4


@jit
def _owner(partition: int, purpose: int) -> int:
    """Return a partition's owner in the hash table for one purpose."""
    return _OWNERS + partition * _PURPOSES + purpose


@jit
def judge(m: Ints, request: int) -> int:
    """Return and remember what is new in a request: ALL, SOME, NO_MORE, or it leaves a GAP.

    Of SOME those messages are new that say so themselves.
    """
    partition = m[c.REQUEST_PARTITION + request]
    by = m[m[c.PARTITION_DEDUPLICATION] + partition]
    if by == k.DEDUPLICATION_BY_NONE:
        return ALL
    if by == k.DEDUPLICATION_BY_PRODUCER_SEQUENCE:
        return _by_sequence(m, partition, request)
    _by_id(m, partition, request)
    return SOME


# Ids of messages ------------------------------------------------------------------------------


@jit
def _by_id(m: Ints, partition: int, request: int) -> None:
    """Let the messages of a request say whether their ids are not known, and remember them."""
    channel = m[m[c.PARTITION_CHANNEL] + partition]
    window_ns = m[m[c.CHANNEL_DEDUPLICATION_WINDOW_NS] + channel]
    size = m[m[c.CHANNEL_DEDUPLICATION_SIZE] + channel]
    known = m[m[c.PARTITION_KNOWN] + partition]
    if window_ns != k.NONE:
        node = lists.first(m, known)
        while node != NOTHING and m[c.NOW] - m[c.NODE_KEY + node] > window_ns:
            _forget_oldest(m, partition, known)
            node = lists.first(m, known)
    owner, count = _owner(partition, _IDS), m[c.REQUEST_COUNT + request]
    message = m[c.REQUEST_MESSAGE + request]
    for _ in range(count):
        is_known = maps.has(m, owner, m[c.MESSAGE_ID + message])
        m[c.MESSAGE_IS_FRESH + message] = int(not is_known)
        message = m[c.MESSAGE_NEXT + message]
    message = m[c.REQUEST_MESSAGE + request]
    for _ in range(count):
        if m[c.MESSAGE_IS_FRESH + message]:
            number = m[c.MESSAGE_ID + message]
            node = lists.append(m, known, number)
            m[c.NODE_KEY + node] = m[c.NOW]
            maps.put(m, owner, number, node)
            if size != k.NONE and lists.size(m, known) > size:
                _forget_oldest(m, partition, known)
        message = m[c.MESSAGE_NEXT + message]


@jit
def _forget_oldest(m: Ints, partition: int, known: int) -> None:
    maps.remove(m, _owner(partition, _IDS), lists.pop_first(m, known))


# Sequence numbers -----------------------------------------------------------------------------


@jit
def _by_sequence(m: Ints, partition: int, request: int) -> int:
    """Return whether all messages of a request are new, none of them, or some before are missing.

    A second copy that is older than the last few requests is not recognized, and left like a gap.
    """
    sequence = m[c.REQUEST_SEQUENCE + request]
    if sequence == k.NONE:
        return ALL
    who = m[c.REQUEST_PUBLISHER + request] << 32 | m[c.REQUEST_INCARNATION + request]
    channel = m[m[c.PARTITION_CHANNEL] + partition]
    window_ns = m[m[c.CHANNEL_DEDUPLICATION_WINDOW_NS] + channel]
    size = m[m[c.CHANNEL_DEDUPLICATION_SIZE] + channel]
    idle_ns = m[c.NOW] - maps.get(m, _owner(partition, _HEARD_AT), who, m[c.NOW])
    if window_ns != k.NONE and idle_ns > window_ns:
        maps.put(m, _owner(partition, _STORED), who, 0)
    maps.put(m, _owner(partition, _HEARD_AT), who, m[c.NOW])
    stored = maps.get(m, _owner(partition, _STORED), who, 0)
    recent = maps.get(m, _owner(partition, _RECENT), who, NOTHING)
    end = sequence + m[c.REQUEST_COUNT + request]
    if end <= stored:
        is_known = size == k.NONE or lists.find(m, recent, end) != NOTHING
        return NO_MORE if is_known else GAP
    if m[c.REQUEST_FLOOR + request] > stored:
        return GAP
    maps.put(m, _owner(partition, _STORED), who, end)
    if size != k.NONE:
        if recent == NOTHING:
            recent = lists.new_list(m)
            maps.put(m, _owner(partition, _RECENT), who, recent)
        lists.append(m, recent, end)
        if lists.size(m, recent) > size:
            lists.pop_first(m, recent)
    return ALL


# Failovers ------------------------------------------------------------------------------------


@jit
def forget(m: Ints, record: int) -> None:
    """Forget what a failover truncated."""
    partition = m[c.RECORD_PARTITION + record]
    by = m[m[c.PARTITION_DEDUPLICATION] + partition]
    if by == k.DEDUPLICATION_BY_MESSAGE_ID:
        owner, number = (
            _owner(partition, _IDS),
            m[c.MESSAGE_ID + m[c.RECORD_MESSAGE + record]],
        )
        node = maps.get(m, owner, number, NOTHING)
        if node != NOTHING:
            lists.remove(m, m[m[c.PARTITION_KNOWN] + partition], node)
            maps.remove(m, owner, number)
    elif by == k.DEDUPLICATION_BY_PRODUCER_SEQUENCE:
        sequence = m[c.RECORD_SEQUENCE + record]
        if sequence != k.NONE:
            owner = _owner(partition, _STORED)
            who = m[c.RECORD_PUBLISHER + record] << 32 | m[c.RECORD_INCARNATION + record]
            maps.put(m, owner, who, min(maps.get(m, owner, who, 0), sequence))
