"""Records: stored copies as a partition that remembers, drops or replicates sees them.

The records of a partition are a chain in the order of their offsets, without gaps; the chain goes
on behind a record that has left it.
"""

from __future__ import annotations

from eda_sim.engine.compiled import actions as a
from eda_sim.engine.compiled import cells as c
from eda_sim.engine.compiled import codes as k
from eda_sim.engine.compiled.lists import NOTHING
from eda_sim.engine.compiled.pointers import Ints, Reals, invoke, jit
from eda_sim.engine.compiled.rows import new_row


@jit
def new_record(m: Ints, request: int, message: int, place: int) -> int:
    """Return a record of what will have the next offset: so many messages into a request."""
    record = new_row(m, c.RECORD_ROWS)
    partition, sequence = m[c.REQUEST_PARTITION + request], m[c.REQUEST_SEQUENCE + request]
    m[c.RECORD_PARTITION + record] = partition
    m[c.RECORD_MESSAGE + record] = message
    m[c.RECORD_OFFSET + record] = m[m[c.PARTITION_NEXT_OFFSET] + partition]
    m[c.RECORD_STORED_AT + record] = m[c.NOW]
    m[c.RECORD_SIZE_BYTES + record] = m[c.MESSAGE_SIZE_BYTES + message]
    m[c.RECORD_PUBLISHER + record] = m[c.REQUEST_PUBLISHER + request]
    m[c.RECORD_INCARNATION + record] = m[c.REQUEST_INCARNATION + request]
    m[c.RECORD_SEQUENCE + record] = k.NONE if sequence == k.NONE else sequence + place
    m[c.RECORD_UNSETTLED + record] = 0
    m[c.RECORD_DELAY_NS + record] = m[c.REQUEST_DELAY_NS + request]
    is_published = m[c.REQUEST_ORIGIN_COPY + request] == NOTHING
    m[c.RECORD_IS_PUBLISHED + record] = int(is_published)
    m[c.RECORD_IS_COMMITTED + record] = 0
    m[c.RECORD_IS_GONE + record] = 0
    m[c.RECORD_NEXT + record] = NOTHING
    m[c.RECORD_PREVIOUS + record] = NOTHING
    return record


@jit
def entries_end(m: Ints, record: int) -> int:
    """Return the row after the last of a record's copies."""
    channel = m[m[c.PARTITION_CHANNEL] + m[c.RECORD_PARTITION + record]]
    return m[c.RECORD_ENTRIES + record] + m[m[c.CHANNEL_READERS] + channel] * c.ENTRY_WIDTH


# The log --------------------------------------------------------------------------------------


@jit
def log(m: Ints, partition: int, first: int, last: int, count: int) -> None:
    """Add a chain of records to a partition's log."""
    before = m[m[c.PARTITION_LOG_LAST] + partition]
    m[c.RECORD_PREVIOUS + first] = before
    if before == NOTHING:
        m[m[c.PARTITION_LOG_FIRST] + partition] = first
    else:
        m[c.RECORD_NEXT + before] = first
    m[m[c.PARTITION_LOG_LAST] + partition] = last
    m[m[c.PARTITION_LOG_COUNT] + partition] += count


@jit
def cut_off(m: Ints, partition: int, offset: int) -> int:
    """Take everything from an offset on out of the log; return the chain of it."""
    lost, record = NOTHING, m[m[c.PARTITION_LOG_LAST] + partition]
    while record != NOTHING and m[c.RECORD_OFFSET + record] >= offset:
        lost = record
        m[m[c.PARTITION_LOG_COUNT] + partition] -= 1
        record = m[c.RECORD_PREVIOUS + record]
    m[m[c.PARTITION_LOG_LAST] + partition] = record
    if record == NOTHING:
        m[m[c.PARTITION_LOG_FIRST] + partition] = NOTHING
    else:
        m[c.RECORD_NEXT + record] = NOTHING
    return lost


@jit
def forget_gone(m: Ints, partition: int) -> None:
    """Take what is gone out of the log's head.

    What is not committed has its place in the log still to be counted there.
    """
    record = m[m[c.PARTITION_LOG_FIRST] + partition]
    while record != NOTHING:
        if not m[c.RECORD_IS_GONE + record] or not m[c.RECORD_IS_COMMITTED + record]:
            break
        m[m[c.PARTITION_LOG_COUNT] + partition] -= 1
        record = m[c.RECORD_NEXT + record]
    m[m[c.PARTITION_LOG_FIRST] + partition] = record
    if record == NOTHING:
        m[m[c.PARTITION_LOG_LAST] + partition] = NOTHING
    else:
        m[c.RECORD_PREVIOUS + record] = NOTHING


@jit
def drop(m: Ints, f: Reals, record: int) -> None:
    """Let go of a record that is too old or one too many."""
    m[c.RECORD_IS_GONE + record] = 1
    for entry in range(m[c.RECORD_ENTRIES + record], entries_end(m, record), c.ENTRY_WIDTH):
        invoke(m, f, a.REMOVE, entry, k.STATE_EXPIRED, 0)
