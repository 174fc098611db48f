"""Careful partitions: what those do with a request that remember, drop or replicate."""

from __future__ import annotations

from eda_sim.engine.compiled import actions as a
from eda_sim.engine.compiled import cells as c
from eda_sim.engine.compiled import codes as k
from eda_sim.engine.compiled import lists, model, publish_dedup, replication, retention
from eda_sim.engine.compiled.lists import NOTHING
from eda_sim.engine.compiled.logs import commit
from eda_sim.engine.compiled.partitions import raise_status, write
from eda_sim.engine.compiled.pointers import Ints, Reals, action, invoke, jit
from eda_sim.engine.compiled.records import entries_end, log, new_record
from eda_sim.engine.compiled.rows import add_row


@action(a.BUILD_CLUSTER)
def build_cluster(m: Ints, _f: Reals, channel: int, _b: int, _c: int) -> int:
    """Give a channel its nodes, if it has any that may fail."""
    m[m[c.CHANNEL_CLUSTER] + channel] = NOTHING
    if m[m[c.REPLICATION_IS_REPLICATED] + channel]:
        m[m[c.CHANNEL_CLUSTER] + channel] = m[c.BROKER_ROWS]
        for _ in range(m[m[c.REPLICATION_FACTOR] + channel]):
            broker = add_row(m, c.BROKER_ROWS)
            m[m[c.BROKER_CAUSES_DOWN] + broker] = 0
            m[m[c.BROKER_IS_KNOWN_DOWN] + broker] = 0
            m[m[c.BROKER_CRASHES] + broker] = 0
    return 0


@action(a.BUILD_PARTITION)
def build(m: Ints, f: Reals, partition: int, _b: int, _c: int) -> int:
    """Give a partition its memory, its limits and its replicas, as its channel wants them."""
    channel = m[m[c.PARTITION_CHANNEL] + partition]
    by = m[m[c.CHANNEL_DEDUPLICATION_BY] + channel]
    m[m[c.PARTITION_DEDUPLICATION] + partition] = by
    if by == k.DEDUPLICATION_BY_MESSAGE_ID:
        m[m[c.PARTITION_KNOWN] + partition] = lists.new_list(m)
    retention.build(m, partition)
    replication.build(m, partition)
    m[m[c.PARTITION_LOG_FIRST] + partition] = NOTHING
    m[m[c.PARTITION_LOG_LAST] + partition] = NOTHING
    m[m[c.PARTITION_LOG_COUNT] + partition] = 0
    has_limits = m[m[c.PARTITION_HAS_LIMITS] + partition]
    keeps = int(has_limits or m[m[c.PARTITION_IS_REPLICATED] + partition])
    m[m[c.PARTITION_KEEPS_RECORDS] + partition] = keeps
    is_ideal = not keeps and by == k.DEDUPLICATION_BY_NONE
    m[m[c.PARTITION_IS_IDEAL] + partition] = int(is_ideal)
    takes_no_time = f[m[c.CHANNEL_APPEND_PER_REQUEST_S] + channel] == 0.0
    takes_no_time &= f[m[c.CHANNEL_APPEND_FIXED_S] + channel] == 0.0
    takes_no_time &= f[m[c.CHANNEL_APPEND_PER_BYTE_S] + channel] == 0.0
    m[m[c.PARTITION_IS_IMMEDIATE] + partition] = int(is_ideal and takes_no_time)
    return 0


@action(a.ACCEPT)
def accept(m: Ints, f: Reals, request: int, _b: int, _c: int) -> int:
    """Return whether a request may be appended now."""
    partition = m[c.REQUEST_PARTITION + request]
    if m[m[c.PARTITION_IS_REPLICATED] + partition]:
        if not replication.accept(m, f, partition, request):
            return 0
    if m[m[c.PARTITION_HAS_LIMITS] + partition]:
        if not retention.let_in(m, f, partition, request):
            return 0
    return 1


@action(a.LOSE_APPEND)
def lose(m: Ints, f: Reals, request: int, _b: int, _c: int) -> int:
    """Lose what a partition was appending when it lost its leader."""
    partition = m[c.REQUEST_PARTITION + request]
    if m[m[c.PARTITION_HAS_LIMITS] + partition]:
        retention.end_reservation(m, partition, request)
    invoke(m, f, a.LOSE, request, 0, 0)
    return 0


@action(a.STORE_WITH_CARE)
def store(m: Ints, f: Reals, request: int, _b: int, _c: int) -> int:
    """Store what is new; what keeps records decides what becomes of them."""
    partition = m[c.REQUEST_PARTITION + request]
    has_limits = m[m[c.PARTITION_HAS_LIMITS] + partition]
    judgement = publish_dedup.judge(m, request)
    if has_limits:
        retention.end_reservation(m, partition, request)
    if judgement == publish_dedup.GAP:
        invoke(m, f, a.REFUSE, request, 0, 0)
        return 0
    first, count = NOTHING, 0
    if judgement != publish_dedup.NO_MORE:
        last, place = NOTHING, 0
        message = m[c.REQUEST_MESSAGE + request]
        for _ in range(m[c.REQUEST_COUNT + request]):
            if judgement == publish_dedup.ALL or m[c.MESSAGE_IS_FRESH + message]:
                record = _store_one(m, f, request, message, place)
                place += 1
                if first == NOTHING:
                    first = record
                else:
                    m[c.RECORD_NEXT + last] = record
                    m[c.RECORD_PREVIOUS + record] = last
                last = record
            message = m[c.MESSAGE_NEXT + message]
        count = place
        if count and m[m[c.PARTITION_KEEPS_RECORDS] + partition]:
            log(m, partition, first, last, count)
    if m[m[c.PARTITION_IS_REPLICATED] + partition]:
        replication.replicate(m, f, partition, request)
    else:
        record = first
        for _ in range(count):
            commit(m, f, record)
            record = m[c.RECORD_NEXT + record]
        invoke(m, f, a.REPLY, request, 1, 0)
    model.close(m)
    if has_limits:
        retention.enforce(m, f, partition)
    return 0


@jit
def _store_one(m: Ints, f: Reals, request: int, message: int, place: int) -> int:
    """Store one message that is new; return its record."""
    record = new_record(m, request, message, place)
    m[c.RECORD_ENTRIES + record] = write(m, f, m[c.REQUEST_PARTITION + request], request, message)
    for entry in range(m[c.RECORD_ENTRIES + record], entries_end(m, record), c.ENTRY_WIDTH):
        m[c.ENTRY_STATE + entry] = k.STATE_STORED
        m[c.ENTRY_COMMITTED_AT + entry] = NOTHING
        m[c.ENTRY_VISIBLE_AT + entry] = NOTHING
    if m[c.RECORD_IS_PUBLISHED + record]:
        raise_status(m, message, k.STATUS_STORED)
    if m[m[c.PARTITION_HAS_LIMITS] + m[c.REQUEST_PARTITION + request]]:
        retention.note_stored(m, record)
    return record
