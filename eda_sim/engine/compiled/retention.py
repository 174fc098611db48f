"""Retention: what a partition keeps, what it drops, and who waits when it is full.

Limits count records that the partition has not dropped. Only what is committed can be dropped.
"""

from __future__ import annotations

from eda_sim.engine.compiled import actions as a
from eda_sim.engine.compiled import cells as c
from eda_sim.engine.compiled import codes as k
from eda_sim.engine.compiled import draws, lists
from eda_sim.engine.compiled.calendar import schedule
from eda_sim.engine.compiled.lists import NOTHING
from eda_sim.engine.compiled.partitions import append
from eda_sim.engine.compiled.pointers import Ints, Reals, action, invoke, jit
from eda_sim.engine.compiled.records import drop, entries_end, forget_gone


@jit
def build(m: Ints, partition: int) -> None:
    """Give a partition its limits, if its channel has any."""
    channel = m[m[c.PARTITION_CHANNEL] + partition]
    has_limits = False
    for cell in (
        c.CHANNEL_MAX_AGE_NS,
        c.CHANNEL_MAX_MESSAGES,
        c.CHANNEL_MAX_BYTES,
        c.CHANNEL_MESSAGE_TTL,
    ):
        if m[m[cell] + channel] != k.NONE:
            has_limits = True
    m[m[c.PARTITION_HAS_LIMITS] + partition] = int(has_limits)
    m[m[c.PARTITION_KEPT] + partition] = 0
    m[m[c.PARTITION_KEPT_BYTES] + partition] = 0
    m[m[c.PARTITION_RESERVED] + partition] = 0
    m[m[c.PARTITION_RESERVED_BYTES] + partition] = 0
    m[m[c.PARTITION_ADMISSION_IS_DUE] + partition] = 0
    m[m[c.PARTITION_LOOKS_AT] + partition] = k.NONE
    if has_limits:
        m[m[c.PARTITION_LINE] + partition] = lists.new_list(m)
        if m[m[c.CHANNEL_RETENTION_CHECK_NS] + channel] != k.NONE:
            _check_later(m, partition, 1)


# Room -----------------------------------------------------------------------------------------


@jit
def let_in(m: Ints, f: Reals, partition: int, request: int) -> bool:
    """Return whether a request may be appended now; if not, it is refused, or it waits."""
    overflow = m[m[c.CHANNEL_OVERFLOW] + m[m[c.PARTITION_CHANNEL] + partition]]
    if overflow == k.OVERFLOW_DROP_HEAD:
        return True
    line = m[m[c.PARTITION_LINE] + partition]
    if lists.first(m, line) == NOTHING and _has_room(m, partition, request):
        _reserve(m, partition, request)
        return True
    if overflow == k.OVERFLOW_REJECT_PUBLISH:
        invoke(m, f, a.REFUSE, request, 0, 0)
    else:
        lists.append(m, line, request)
    return False


@jit
def _has_room(m: Ints, partition: int, request: int) -> bool:
    channel = m[m[c.PARTITION_CHANNEL] + partition]
    count = m[m[c.PARTITION_KEPT] + partition] + m[m[c.PARTITION_RESERVED] + partition]
    if count == 0:  # or a request that is larger than the limit would wait for ever
        return True
    most = m[m[c.CHANNEL_MAX_MESSAGES] + channel]
    if most != k.NONE and count + m[c.REQUEST_COUNT + request] > most:
        return False
    size_bytes = m[m[c.PARTITION_KEPT_BYTES] + partition]
    size_bytes += m[m[c.PARTITION_RESERVED_BYTES] + partition]
    most = m[m[c.CHANNEL_MAX_BYTES] + channel]
    return most == k.NONE or size_bytes + m[c.REQUEST_SIZE_BYTES + request] <= most


@jit
def _reserve(m: Ints, partition: int, request: int) -> None:
    m[c.REQUEST_HAS_RESERVED + request] = 1
    m[m[c.PARTITION_RESERVED] + partition] += m[c.REQUEST_COUNT + request]
    m[m[c.PARTITION_RESERVED_BYTES] + partition] += m[c.REQUEST_SIZE_BYTES + request]


@jit
def end_reservation(m: Ints, partition: int, request: int) -> None:
    """Give back the room of a request that is stored, refused or lost now."""
    if m[c.REQUEST_HAS_RESERVED + request]:
        m[c.REQUEST_HAS_RESERVED + request] = 0
        m[m[c.PARTITION_RESERVED] + partition] -= m[c.REQUEST_COUNT + request]
        m[m[c.PARTITION_RESERVED_BYTES] + partition] -= m[c.REQUEST_SIZE_BYTES + request]
        _call_waiting(m, partition)


@jit
def _call_waiting(m: Ints, partition: int) -> None:
    """Let those that wait for room look again, when everybody is done at this moment."""
    if m[m[c.PARTITION_ADMISSION_IS_DUE] + partition]:
        return
    if lists.first(m, m[m[c.PARTITION_LINE] + partition]) != NOTHING:
        m[m[c.PARTITION_ADMISSION_IS_DUE] + partition] = 1
        _call(m, m[c.NOW], k.RANK_ADMISSION, a.ADMIT_WAITING, partition, 0)


@jit
def _call(m: Ints, time_ns: int, rank: int, what: int, partition: int, argument: int) -> None:
    channel, number = m[m[c.PARTITION_CHANNEL] + partition], m[m[c.PARTITION_NUMBER] + partition]
    schedule(m, time_ns, rank, channel, number, 0, what, partition, argument, 0)


@action(a.ADMIT_WAITING)
def admit(m: Ints, f: Reals, partition: int, _b: int, _c: int) -> int:
    """Let in those for whom there is room now, first come, first served."""
    m[m[c.PARTITION_ADMISSION_IS_DUE] + partition] = 0
    line = m[m[c.PARTITION_LINE] + partition]
    while lists.first(m, line) != NOTHING:
        request = lists.value(m, lists.first(m, line))
        if not _has_room(m, partition, request):
            break
        lists.pop_first(m, line)
        _reserve(m, partition, request)
        append(m, f, request)
    return 0


@jit
def lose_waiting(m: Ints, f: Reals, partition: int) -> None:
    """Lose the requests that wait in a broker that died."""
    line = m[m[c.PARTITION_LINE] + partition]
    m[m[c.PARTITION_LINE] + partition] = lists.new_list(m)
    while lists.first(m, line) != NOTHING:
        invoke(m, f, a.LOSE, lists.pop_first(m, line), 0, 0)
    lists.free_list(m, line)


# Counting -------------------------------------------------------------------------------------


@jit
def note_stored(m: Ints, record: int) -> None:
    """Count a record that was just stored."""
    partition = m[c.RECORD_PARTITION + record]
    m[m[c.PARTITION_KEPT] + partition] += 1
    m[m[c.PARTITION_KEPT_BYTES] + partition] += m[c.RECORD_SIZE_BYTES + record]
    retention = m[m[c.CHANNEL_RETENTION] + m[m[c.PARTITION_CHANNEL] + partition]]
    if retention == k.RETENTION_LIMITS:
        return
    first, end = m[c.RECORD_ENTRIES + record], entries_end(m, record)
    m[c.RECORD_UNSETTLED + record] = (end - first) // c.ENTRY_WIDTH
    for entry in range(first, end, c.ENTRY_WIDTH):
        m[c.ENTRY_RECORD + entry] = record
    if retention == k.RETENTION_INTEREST and first == end:
        m[c.RECORD_IS_GONE + record] = 1
        note_gone(m, record)


@jit
def note_gone(m: Ints, record: int) -> None:
    """Count a record that its partition does not keep any more."""
    partition = m[c.RECORD_PARTITION + record]
    m[m[c.PARTITION_KEPT] + partition] -= 1
    m[m[c.PARTITION_KEPT_BYTES] + partition] -= m[c.RECORD_SIZE_BYTES + record]
    _call_waiting(m, partition)


@action(a.NOTE_SETTLED)
def note_settled(m: Ints, _f: Reals, record: int, _b: int, _c: int) -> int:
    """Count one subscription that does not need a record any more; after the last it may go."""
    m[c.RECORD_UNSETTLED + record] -= 1
    if m[c.RECORD_UNSETTLED + record] == 0 and not m[c.RECORD_IS_GONE + record]:
        m[c.RECORD_IS_GONE + record] = 1
        note_gone(m, record)
    return 0


# Enforcing ------------------------------------------------------------------------------------


@jit
def enforce(m: Ints, f: Reals, partition: int) -> None:
    """Drop what is too old or too much, unless that is looked at only now and then."""
    channel = m[m[c.PARTITION_CHANNEL] + partition]
    if m[m[c.CHANNEL_RETENTION_CHECK_NS] + channel] == k.NONE:
        _drop_old(m, f, partition)
        if m[m[c.CHANNEL_OVERFLOW] + channel] == k.OVERFLOW_DROP_HEAD:
            _drop_excess(m, f, partition)
        _look_at_head_later(m, partition)


@jit
def _check_later(m: Ints, partition: int, number: int) -> None:
    check_ns = m[m[c.CHANNEL_RETENTION_CHECK_NS] + m[m[c.PARTITION_CHANNEL] + partition]]
    _call(m, number * check_ns, k.RANK_RETENTION, a.CHECK_RETENTION, partition, number)


@action(a.CHECK_RETENTION)
def check(m: Ints, f: Reals, partition: int, number: int, _c: int) -> int:
    """Drop what is too old or too much now."""
    _drop_old(m, f, partition)
    channel = m[m[c.PARTITION_CHANNEL] + partition]
    if m[m[c.CHANNEL_OVERFLOW] + channel] == k.OVERFLOW_DROP_HEAD:
        _drop_excess(m, f, partition)
    _check_later(m, partition, number + 1)
    return 0


@jit
def _drop_old(m: Ints, f: Reals, partition: int) -> None:
    max_age_ns = m[m[c.CHANNEL_MAX_AGE_NS] + m[m[c.PARTITION_CHANNEL] + partition]]
    if max_age_ns == k.NONE:
        return
    forget_gone(m, partition)
    record = m[m[c.PARTITION_LOG_FIRST] + partition]
    while record != NOTHING and m[c.RECORD_IS_COMMITTED + record]:
        if m[c.NOW] - m[c.RECORD_STORED_AT + record] < max_age_ns:
            break
        drop(m, f, record)
        note_gone(m, record)
        forget_gone(m, partition)
        record = m[m[c.PARTITION_LOG_FIRST] + partition]


@jit
def _drop_excess(m: Ints, f: Reals, partition: int) -> None:
    """Drop the oldest; from a queue the oldest that nobody holds."""
    forget_gone(m, partition)
    channel = m[m[c.PARTITION_CHANNEL] + partition]
    is_log = m[m[c.CHANNEL_RETENTION] + channel] == k.RETENTION_LIMITS
    place, record = 0, m[m[c.PARTITION_LOG_FIRST] + partition]
    while place < m[m[c.PARTITION_LOG_COUNT] + partition] and _is_too_much(m, partition):
        record = _at(m, partition, record, place)
        if not m[c.RECORD_IS_COMMITTED + record]:
            return
        if not m[c.RECORD_IS_GONE + record] and (is_log or _waits(m, record)):
            drop(m, f, record)
            note_gone(m, record)
        place += 1
    forget_gone(m, partition)


@jit
def _at(m: Ints, partition: int, record: int, place: int) -> int:
    """Return the record at a place of the log, counted from its head, going on from another."""
    first = m[m[c.PARTITION_LOG_FIRST] + partition]
    offset = m[c.RECORD_OFFSET + first] + place
    if m[c.RECORD_OFFSET + record] < m[c.RECORD_OFFSET + first]:
        record = first
    while m[c.RECORD_OFFSET + record] < offset:
        record = m[c.RECORD_NEXT + record]
    return record


@jit
def _waits(m: Ints, record: int) -> bool:
    """Return whether a copy can still be taken away from a subscription."""
    for entry in range(m[c.RECORD_ENTRIES + record], entries_end(m, record), c.ENTRY_WIDTH):
        if m[c.ENTRY_STATE + entry] in (k.STATE_AVAILABLE, k.STATE_SCHEDULED):
            return True
    return False


@jit
def _is_too_much(m: Ints, partition: int) -> bool:
    channel = m[m[c.PARTITION_CHANNEL] + partition]
    most = m[m[c.CHANNEL_MAX_MESSAGES] + channel]
    if most != k.NONE and m[m[c.PARTITION_KEPT] + partition] > most:
        return True
    most = m[m[c.CHANNEL_MAX_BYTES] + channel]
    return most != k.NONE and m[m[c.PARTITION_KEPT_BYTES] + partition] > most


@jit
def _look_at_head_later(m: Ints, partition: int) -> None:
    """Look again when the oldest record will be too old; before it is committed it stays."""
    record = m[m[c.PARTITION_LOG_FIRST] + partition]
    max_age_ns = m[m[c.CHANNEL_MAX_AGE_NS] + m[m[c.PARTITION_CHANNEL] + partition]]
    if max_age_ns == k.NONE or m[m[c.PARTITION_LOOKS_AT] + partition] != k.NONE:
        return
    if record == NOTHING or not m[c.RECORD_IS_COMMITTED + record]:
        return
    looks_at = max(m[c.NOW], m[c.RECORD_STORED_AT + record] + max_age_ns)
    m[m[c.PARTITION_LOOKS_AT] + partition] = looks_at
    _call(m, looks_at, k.RANK_RETENTION, a.LOOK_AT_HEAD, partition, 0)


@action(a.LOOK_AT_HEAD)
def look_at_head(m: Ints, f: Reals, partition: int, _b: int, _c: int) -> int:
    """Drop what is too old now."""
    m[m[c.PARTITION_LOOKS_AT] + partition] = k.NONE
    _drop_old(m, f, partition)
    _look_at_head_later(m, partition)
    return 0


# Time to live ---------------------------------------------------------------------------------


@jit
def limit_life(m: Ints, f: Reals, channel: int, message: int, first: int, end: int) -> None:
    """Start the clock of a copy that is about to be seen; each copy has a life of its own.

    Its rows, one per subscription, are those from ``first`` to before ``end``.
    """
    ttl = m[m[c.CHANNEL_MESSAGE_TTL] + channel]
    if ttl == k.NONE:
        return
    m[c.MESSAGE_LIVES + message] += 1
    lineage, root = m[c.MESSAGE_LINEAGE + message], m[c.MESSAGE_ROOT + message]
    number, lives = m[c.MESSAGE_ID + message], m[c.MESSAGE_LIVES + message]
    lasts_ns = draws.ns(m, f, ttl, k.STREAM_TIME_TO_LIVE, lineage, root, lives)
    ends_at = m[c.NOW] + lasts_ns
    for entry in range(first, end, c.ENTRY_WIDTH):
        m[c.ENTRY_EXPIRES_AT + entry] = ends_at
    rank = k.RANK_TIME_TO_LIVE
    schedule(m, ends_at, rank, channel, number, lives, a.END_LIFE, channel, first, end)


@action(a.END_LIFE)
def end_life(m: Ints, f: Reals, channel: int, first: int, end: int) -> int:
    """Let a copy expire where it waits; who has it in hand keeps it."""
    at_head_only = m[m[c.CHANNEL_TTL_AT_HEAD_ONLY] + channel]
    for entry in range(first, end, c.ENTRY_WIDTH):
        if at_head_only:
            number = m[c.ENTRY_PARTITION + entry]
            invoke(m, f, a.EXPIRE_AT_HEAD, m[c.ENTRY_SUBSCRIPTION + entry], number, 0)
        elif m[c.ENTRY_STATE + entry] in (k.STATE_AVAILABLE, k.STATE_SCHEDULED):
            invoke(m, f, a.REMOVE, entry, k.STATE_EXPIRED, 0)
    return 0
