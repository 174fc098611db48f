"""Logs: what a careful partition does with its records when they are safe, or lost."""

from __future__ import annotations

from eda_sim.engine.compiled import actions as a
from eda_sim.engine.compiled import cells as c
from eda_sim.engine.compiled import codes as k
from eda_sim.engine.compiled import model, publish_dedup
from eda_sim.engine.compiled.lists import NOTHING
from eda_sim.engine.compiled.partitions import note_committed, show
from eda_sim.engine.compiled.pointers import Ints, Reals, invoke, jit
from eda_sim.engine.compiled.records import cut_off, entries_end
from eda_sim.engine.compiled.retention import limit_life, note_gone


@jit
def commit(m: Ints, f: Reals, record: int) -> None:
    """Let subscriptions see a record."""
    partition = m[c.RECORD_PARTITION + record]
    channel = m[m[c.PARTITION_CHANNEL] + partition]
    m[c.RECORD_IS_COMMITTED + record] = 1
    if m[c.RECORD_IS_PUBLISHED + record]:
        note_committed(m, m[c.RECORD_MESSAGE + record])
    if m[m[c.PARTITION_HAS_LIMITS] + partition]:
        first, end = m[c.RECORD_ENTRIES + record], entries_end(m, record)
        limit_life(m, f, channel, m[c.RECORD_MESSAGE + record], first, end)
    entries = m[c.RECORD_ENTRIES + record]
    for entry in range(entries, entries_end(m, record), c.ENTRY_WIDTH):
        m[c.ENTRY_COMMITTED_AT + entry] = m[c.NOW]
        model.appear(m, entry)
    delay_ns = m[m[c.CHANNEL_DELAY_NS] + channel] + m[c.RECORD_DELAY_NS + record]
    show(m, f, channel, entries, delay_ns)


@jit
def truncate(m: Ints, f: Reals, partition: int, offset: int) -> None:
    """Lose everything from an offset on; the offsets are given out again."""
    record = cut_off(m, partition, offset)
    m[m[c.PARTITION_NEXT_OFFSET] + partition] = offset
    while record != NOTHING:
        _truncate(m, f, partition, record)
        record = m[c.RECORD_NEXT + record]


@jit
def _truncate(m: Ints, f: Reals, partition: int, record: int) -> None:
    message = m[c.RECORD_MESSAGE + record]
    is_published = m[c.RECORD_IS_PUBLISHED + record]
    m[c.MESSAGE_TRUNCATED + message] += is_published
    publish_dedup.forget(m, record)
    if m[m[c.PARTITION_HAS_LIMITS] + partition] and not m[c.RECORD_IS_GONE + record]:
        note_gone(m, record)
    m[c.RECORD_IS_GONE + record] = 1
    for entry in range(m[c.RECORD_ENTRIES + record], entries_end(m, record), c.ENTRY_WIDTH):
        if m[c.RECORD_IS_COMMITTED + record]:
            invoke(m, f, a.REMOVE, entry, k.STATE_TRUNCATED, 0)
        else:
            model.finish(m, f, entry, k.STATE_TRUNCATED)
    status = m[c.MESSAGE_STATUS + message]
    is_stored = k.STATUS_STORED <= status <= k.STATUS_CONFIRMED
    is_lost = m[c.MESSAGE_TRUNCATED + message] == m[c.MESSAGE_COPIES + message]
    if is_published and is_stored and is_lost:
        m[c.MESSAGE_STATUS + message] = k.STATUS_TRUNCATED
