"""Partitions: an append server and a log each.

An ideal partition stores what arrives. One that remembers, drops or replicates takes care; that is
a unit of its own (:mod:`careful`).

The messages of a request are a chain that begins with its first.
"""

from __future__ import annotations

from eda_sim.engine.compiled import actions as a
from eda_sim.engine.compiled import cells as c
from eda_sim.engine.compiled import codes as k
from eda_sim.engine.compiled import model
from eda_sim.engine.compiled.calendar import schedule
from eda_sim.engine.compiled.lists import NOTHING
from eda_sim.engine.compiled.pointers import Ints, Reals, action, invoke, jit
from eda_sim.engine.compiled.rows import NO_ROW, new_row, new_rows
from eda_sim.engine.streams.samplers import to_ns


@jit
def receive(m: Ints, f: Reals, request: int) -> None:
    """Take in a request that has arrived."""
    partition = m[c.REQUEST_PARTITION + request]
    if not m[m[c.PARTITION_IS_IDEAL] + partition]:
        if not invoke(m, f, a.ACCEPT, request, 0, 0):
            return
    append(m, f, request)


@action(a.APPEND)
def append_now(m: Ints, f: Reals, request: int, _b: int, _c: int) -> int:
    """Let the server append a request that was let in."""
    append(m, f, request)
    return 0


@jit
def append(m: Ints, f: Reals, request: int) -> None:
    """Let the server append a request, after those that came before."""
    partition = m[c.REQUEST_PARTITION + request]
    now = m[c.NOW]
    done = max(now, m[m[c.PARTITION_FREE_AT] + partition]) + append_ns(m, f, partition, request)
    done += m[m[c.PARTITION_FLUSH_TIME_NS] + partition]
    m[m[c.PARTITION_FREE_AT] + partition] = done
    if done == now:
        store(m, f, request)
        return
    schedule(
        m,
        done,
        k.RANK_APPEND,
        m[m[c.PARTITION_CHANNEL] + partition],
        m[c.MESSAGE_ID + m[c.REQUEST_MESSAGE + request]],
        m[c.REQUEST_TRIP + request],
        a.END_APPEND,
        request,
        m[m[c.PARTITION_TERM] + partition],
        0,
    )


@jit
def append_ns(m: Ints, f: Reals, partition: int, request: int) -> int:
    """Return how long the server of a partition is busy with a request."""
    channel = m[m[c.PARTITION_CHANNEL] + partition]
    per_request = f[m[c.CHANNEL_APPEND_PER_REQUEST_S] + channel]
    fixed = f[m[c.CHANNEL_APPEND_FIXED_S] + channel]
    per_byte = f[m[c.CHANNEL_APPEND_PER_BYTE_S] + channel]
    if per_request == 0.0 and fixed == 0.0 and per_byte == 0.0:
        return 0
    seconds = per_request + fixed * m[c.REQUEST_COUNT + request]
    return to_ns(seconds + per_byte * m[c.REQUEST_SIZE_BYTES + request])


@action(a.END_APPEND)
def end_append(m: Ints, f: Reals, request: int, term: int, _c: int) -> int:
    """Store a request, unless the partition has lost its leader meanwhile."""
    partition = m[c.REQUEST_PARTITION + request]
    if term == m[m[c.PARTITION_TERM] + partition]:
        store(m, f, request)
    else:
        invoke(m, f, a.LOSE_APPEND, request, 0, 0)
    return 0


@jit
def store(m: Ints, f: Reals, request: int) -> None:
    """Store the messages of a request, let subscriptions see them, and answer."""
    partition = m[c.REQUEST_PARTITION + request]
    if not m[m[c.PARTITION_IS_IDEAL] + partition]:
        invoke(m, f, a.STORE_WITH_CARE, request, 0, 0)
        return
    channel = m[m[c.PARTITION_CHANNEL] + partition]
    delay_ns = m[m[c.CHANNEL_DELAY_NS] + channel] + m[c.REQUEST_DELAY_NS + request]
    message = m[c.REQUEST_MESSAGE + request]
    for _ in range(m[c.REQUEST_COUNT + request]):
        store_one(m, f, partition, request, message, delay_ns)
        message = m[c.MESSAGE_NEXT + message]
    invoke(m, f, a.REPLY, request, 1, 0)
    model.close(m)


@jit
def store_one(m: Ints, f: Reals, partition: int, request: int, message: int, delay_ns: int) -> None:
    """Store one message in an ideal partition and let subscriptions see it."""
    entries = write(m, f, partition, request, message)
    if request == NOTHING or m[c.REQUEST_ORIGIN_COPY + request] == NOTHING:
        note_committed(m, message)
    show(m, f, m[m[c.PARTITION_CHANNEL] + partition], entries, delay_ns)


@jit
def write(m: Ints, f: Reals, partition: int, request: int, message: int) -> int:
    """Give a message the next offset; return the new copy as the first subscription sees it.

    The rows of the others follow it, in the order of the channel's readers. Without a request the
    message was just published.
    """
    channel = m[m[c.PARTITION_CHANNEL] + partition]
    copy_id = model.new_copy(m)
    offset = m[m[c.PARTITION_NEXT_OFFSET] + partition]
    m[m[c.PARTITION_NEXT_OFFSET] + partition] = offset + 1
    readers, count = m[m[c.CHANNEL_FIRST_READER] + channel], m[m[c.CHANNEL_READERS] + channel]
    entries = _new_entries(m, channel, count)
    number = m[m[c.PARTITION_NUMBER] + partition]
    for place in range(count):
        subscription = m[m[c.READER_SUBSCRIPTION] + readers + place]
        entry = entries + place * c.ENTRY_WIDTH
        model.new_entry(m, entry, message, copy_id, subscription, offset, number)
    m[c.OPEN] += count
    if request == NOTHING or m[c.REQUEST_ORIGIN_COPY + request] == NOTHING:
        m[c.MESSAGE_COPIES + message] += 1
        if m[c.MESSAGE_STORED_AT + message] == NOTHING:
            m[c.MESSAGE_STORED_AT + message] = m[c.NOW]
        if m[c.MESSAGE_COPIES + message] > 1:
            invoke(m, f, a.NUMBER_COPIES, message, entries, count)
    else:
        invoke(m, f, a.NOTE_ORIGIN, request, entries, count)
    return entries


@jit
def _new_entries(m: Ints, channel: int, count: int) -> int:
    """Return the first of the rows for a new copy, one per reader of its channel."""
    if count == 1:
        return new_row(m, c.ENTRY_ROWS)
    free = m[m[c.CHANNEL_FREE_ENTRIES] + channel]
    if free == NO_ROW:
        return new_rows(m, c.ENTRY_ROWS, count)
    m[m[c.CHANNEL_FREE_ENTRIES] + channel] = m[c.ENTRY_COPY_ID + free]
    m[c.ENTRY_ROWS] += count
    return free


@jit
def show(m: Ints, f: Reals, channel: int, entries: int, delay_ns: int) -> None:
    """Let subscriptions see a copy, after a delay."""
    count = m[m[c.CHANNEL_READERS] + channel]
    if delay_ns == 0:
        for entry in range(entries, entries + count * c.ENTRY_WIDTH, c.ENTRY_WIDTH):
            offer(m, f, entry)
        return
    for entry in range(entries, entries + count * c.ENTRY_WIDTH, c.ENTRY_WIDTH):
        invoke(m, f, a.HOLD, entry, 0, 0)
    if count:
        copy_id = m[c.ENTRY_COPY_ID + entries]
        due = m[c.NOW] + delay_ns
        schedule(m, due, k.RANK_DELAY, channel, copy_id, 0, a.ADMIT_DELAYED, entries, count, 0)


@action(a.ADMIT_DELAYED)
def admit_delayed(m: Ints, f: Reals, entries: int, count: int, _c: int) -> int:
    """Let subscriptions have a copy whose delay is over."""
    for entry in range(entries, entries + count * c.ENTRY_WIDTH, c.ENTRY_WIDTH):
        invoke(m, f, a.ADMIT, entry, 0, 0)
    return 0


@jit
def offer(m: Ints, f: Reals, entry: int) -> None:
    """Let one subscription take in a copy that has just become visible."""
    subscription = m[c.ENTRY_SUBSCRIPTION + entry]
    if m[m[c.SUBSCRIPTION_LEASE_SCOPE] + subscription] == k.LEASE_SCOPE_PARTITION:
        invoke(m, f, a.OFFER_TO_GROUP, entry, 0, 0)
    else:
        invoke(m, f, a.OFFER_TO_QUEUE, entry, 0, 0)


@jit
def note_committed(m: Ints, message: int) -> None:
    """Record that a copy of a message can be seen."""
    if m[c.MESSAGE_COMMITTED_AT + message] == NOTHING:
        m[c.MESSAGE_COMMITTED_AT + message] = m[c.NOW]
    if m[c.MESSAGE_STATUS + message] == k.STATUS_IN_FLIGHT:
        m[c.MESSAGE_STATUS + message] = k.STATUS_COMMITTED
    else:
        raise_status(m, message, k.STATUS_COMMITTED)


@jit
def raise_status(m: Ints, message: int, status: int) -> None:
    """Let a message become stored or committed, whatever was thought of it before."""
    before = m[c.MESSAGE_STATUS + message]
    if before in (k.STATUS_LOST, k.STATUS_TRUNCATED):
        was_confirmed = m[c.MESSAGE_CONFIRMED_AT + message] != NOTHING
        m[c.MESSAGE_STATUS + message] = k.STATUS_CONFIRMED if was_confirmed else status
    elif before < status:
        m[c.MESSAGE_STATUS + message] = status
