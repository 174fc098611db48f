"""Batches: messages of one publisher for one partition that leave together.

The messages of a batch are a chain; it grows until the batch leaves for the first time. A lane is
what a publisher knows of one partition.
"""

from __future__ import annotations

from eda_sim.engine.compiled import actions as a
from eda_sim.engine.compiled import cells as c
from eda_sim.engine.compiled import codes as k
from eda_sim.engine.compiled import lists, model, trees
from eda_sim.engine.compiled.calendar import schedule
from eda_sim.engine.compiled.lists import NOTHING
from eda_sim.engine.compiled.pointers import Ints, jit
from eda_sim.engine.compiled.publishers import mark
from eda_sim.engine.compiled.rows import add_row, new_row

COLLECTING = 0
READY = 1
IN_FLIGHT = 2
BACKING_OFF = 3
DONE = 4

LINGER_IS_OVER = 0
ANSWER_IS_MISSING = 1
BACKING_OFF_IS_OVER = 2
TIME_IS_OVER = 3


@jit
def new_batch(m: Ints, publisher: int, message: int) -> int:
    """Return a new batch with one message, which waits for more."""
    batch = new_row(m, c.BATCH_ROWS)
    number = m[c.MESSAGE_PARTITION + message]
    channel = m[c.PUBLISHER_CHANNEL + publisher]
    m[c.BATCH_PUBLISHER + batch] = publisher
    m[c.BATCH_NUMBER + batch] = m[c.MESSAGE_ID + message]
    m[c.BATCH_LANE + batch] = m[c.PUBLISHER_FIRST_LANE + publisher] + number
    m[c.BATCH_PARTITION + batch] = m[m[c.CHANNEL_FIRST_PARTITION] + channel] + number
    m[c.BATCH_MESSAGE + batch] = message
    m[c.BATCH_LAST_MESSAGE + batch] = message
    m[c.BATCH_COUNT + batch] = 1
    m[c.BATCH_SIZE_BYTES + batch] = m[c.MESSAGE_SIZE_BYTES + message]
    m[c.BATCH_STATE + batch] = COLLECTING
    m[c.BATCH_ATTEMPTS + batch] = 0
    m[c.BATCH_DEADLINE + batch] = k.NONE
    m[c.BATCH_ANSWER_DUE + batch] = k.NONE
    m[c.BATCH_FIRST_SENT_AT + batch] = k.NONE
    m[c.BATCH_DELAY_NS + batch] = 0
    m[c.BATCH_IN_DOUBT + batch] = 0
    m[c.BATCH_IS_OPEN + batch] = 1
    m[c.BATCH_SEQUENCE + batch] = k.NONE
    m[c.BATCH_PLACE + batch] = k.NONE
    m[c.BATCH_NODE + batch] = lists.append(m, m[c.PUBLISHER_UNDONE + publisher], batch)
    return batch


@jit
def add_message(m: Ints, batch: int, message: int) -> None:
    """Let a batch take in one message more."""
    m[c.MESSAGE_NEXT + m[c.BATCH_LAST_MESSAGE + batch]] = message
    m[c.BATCH_LAST_MESSAGE + batch] = message
    m[c.BATCH_COUNT + batch] += 1
    m[c.BATCH_SIZE_BYTES + batch] += m[c.MESSAGE_SIZE_BYTES + message]


@jit
def is_full(m: Ints, batch: int, size_bytes: int) -> bool:
    """Return whether so many bytes more are too many for a batch."""
    source = m[c.PUBLISHER_SOURCE + m[c.BATCH_PUBLISHER + batch]]
    most = m[m[c.SOURCE_BATCH_MAX_MESSAGES] + source]
    if most != k.NONE and m[c.BATCH_COUNT + batch] >= most:
        return True
    most = m[m[c.SOURCE_BATCH_MAX_BYTES] + source]
    return most != k.NONE and m[c.BATCH_SIZE_BYTES + batch] + size_bytes > most


@jit
def make_ready(m: Ints, batch: int) -> None:
    """Let a batch leave when its turn has come: the oldest leaves first."""
    if m[c.BATCH_STATE + batch] in (COLLECTING, BACKING_OFF):
        m[c.BATCH_STATE + batch] = READY
        stand_in_line(m, batch)


@jit
def stand_in_line(m: Ints, batch: int) -> None:
    """Add a batch to those of which the oldest leaves first."""
    line = c.PUBLISHER_READY + m[c.BATCH_PUBLISHER + batch]
    m[line] = trees.push(m, m[line], m[c.BATCH_NUMBER + batch], batch)


@jit
def give_status(m: Ints, batch: int, status: int) -> None:
    """Give a status to the messages of a batch that are not confirmed."""
    message = m[c.BATCH_MESSAGE + batch]
    for _ in range(m[c.BATCH_COUNT + batch]):
        if m[c.MESSAGE_STATUS + message] != k.STATUS_CONFIRMED:
            m[c.MESSAGE_STATUS + message] = status
        message = m[c.MESSAGE_NEXT + message]


@jit
def close(m: Ints, batch: int) -> None:
    """Let the run wait for a batch no longer."""
    if m[c.BATCH_IS_OPEN + batch]:
        m[c.BATCH_IS_OPEN + batch] = 0
        for _ in range(m[c.BATCH_COUNT + batch]):
            model.close(m)


@jit
def write_off(m: Ints, request: int) -> None:
    """Note that a request ended nowhere, where no time-out will notice."""
    publisher, batch = m[c.REQUEST_PUBLISHER + request], m[c.REQUEST_BATCH + request]
    hears_nothing = m[c.PUBLISHER_ACKS + publisher] == k.ACKS_NONE
    if not hears_nothing and not m[c.PUBLISHER_WAITS_FOR_EVER + publisher]:
        return
    message = m[c.BATCH_MESSAGE + batch]
    for _ in range(m[c.BATCH_COUNT + batch]):
        mark(m, message, k.STATUS_LOST)
        message = m[c.MESSAGE_NEXT + message]
    close(m, batch)


# Lanes ----------------------------------------------------------------------------------------


@jit
def new_lanes(m: Ints, publisher: int) -> None:
    """Give a publisher what it will know of each partition of its channel."""
    m[c.PUBLISHER_FIRST_LANE + publisher] = m[c.LANE_ROWS]
    m[c.PUBLISHER_BLOCKED + publisher] = lists.new_list(m)
    m[c.PUBLISHER_UNDONE + publisher] = lists.new_list(m)
    m[c.PUBLISHER_READY + publisher] = NOTHING
    m[c.PUBLISHER_ANSWERS + publisher] = lists.new_list(m)
    m[c.PUBLISHER_ANSWER_ALARM + publisher] = NOTHING
    m[c.PUBLISHER_DEADLINES + publisher] = lists.new_list(m)
    m[c.PUBLISHER_DEADLINE_ALARM + publisher] = NOTHING
    for _ in range(m[m[c.CHANNEL_PARTITIONS] + m[c.PUBLISHER_CHANNEL + publisher]]):
        lane = add_row(m, c.LANE_ROWS)
        m[m[c.LANE_HELD_BACK] + lane] = NOTHING
        m[m[c.LANE_NUMBERED] + lane] = lists.new_list(m)
    forget(m, publisher)


@jit
def forget(m: Ints, publisher: int) -> None:
    """Forget everything but what is undone, as a process does that starts."""
    m[c.PUBLISHER_IN_FLIGHT + publisher] = 0
    m[c.PUBLISHER_BUFFERED_BYTES + publisher] = 0
    m[c.PUBLISHER_IS_SENDING + publisher] = 0
    line = c.PUBLISHER_READY + publisher
    while m[line] != NOTHING:
        m[line] = trees.pop(m, m[line])
    first = m[c.PUBLISHER_FIRST_LANE + publisher]
    count = m[m[c.CHANNEL_PARTITIONS] + m[c.PUBLISHER_CHANNEL + publisher]]
    for lane in range(first, first + count):
        m[m[c.LANE_COLLECTING] + lane] = NOTHING
        m[m[c.LANE_BACKING_OFF] + lane] = 0
        m[m[c.LANE_NEXT_SEQUENCE] + lane] = 0
        m[m[c.LANE_NEXT_PLACE] + lane] = 0
        held = m[c.LANE_HELD_BACK] + lane
        while m[held] != NOTHING:
            m[held] = trees.pop(m, m[held])
        lists.clear(m, m[m[c.LANE_NUMBERED] + lane])


@jit
def hold_back(m: Ints, batch: int) -> None:
    """Let a batch wait until its partition can be sent to again."""
    held = m[c.LANE_HELD_BACK] + m[c.BATCH_LANE + batch]
    m[held] = trees.push(m, m[held], m[c.BATCH_NUMBER + batch], batch)


@jit
def let_go_on(m: Ints, lane: int) -> None:
    """Let the oldest batch that was held back stand in line again; the next follows it.

    What holds back the oldest holds back all others.
    """
    held = m[c.LANE_HELD_BACK] + lane
    if m[held] != NOTHING:
        batch = trees.smallest(m, m[held])
        m[held] = trees.pop(m, m[held])
        stand_in_line(m, batch)


@jit
def release(m: Ints, lane: int) -> None:
    """Let other batches of a partition leave again, when no batch of it backs off."""
    m[m[c.LANE_BACKING_OFF] + lane] -= 1
    if m[m[c.LANE_BACKING_OFF] + lane] == 0:
        let_go_on(m, lane)


# Buffer ---------------------------------------------------------------------------------------


@jit
def has_room(m: Ints, publisher: int, message: int) -> bool:
    """Return whether the buffer has room; an empty one has room for anything."""
    most = m[m[c.SOURCE_BUFFER_MAX_BYTES] + m[c.PUBLISHER_SOURCE + publisher]]
    buffered = m[c.PUBLISHER_BUFFERED_BYTES + publisher]
    if most == k.NONE or buffered == 0:
        return True
    return buffered + m[c.MESSAGE_SIZE_BYTES + message] <= most


@jit
def take_in(m: Ints, publisher: int, message: int) -> None:
    """Let a message join the batch that is collected for its partition, or open one."""
    size_bytes = m[c.MESSAGE_SIZE_BYTES + message]
    m[c.PUBLISHER_BUFFERED_BYTES + publisher] += size_bytes
    number = m[c.MESSAGE_PARTITION + message]
    collecting = m[c.LANE_COLLECTING] + m[c.PUBLISHER_FIRST_LANE + publisher] + number
    batch = m[collecting]
    if batch != NOTHING and is_full(m, batch, size_bytes):
        m[collecting] = NOTHING
        make_ready(m, batch)
        batch = NOTHING
    if batch == NOTHING:
        _open_batch(m, publisher, message)
        return
    add_message(m, batch, message)
    if is_full(m, batch, 1):
        m[collecting] = NOTHING
        make_ready(m, batch)


@jit
def _open_batch(m: Ints, publisher: int, message: int) -> None:
    batch = new_batch(m, publisher, message)
    source = m[c.PUBLISHER_SOURCE + publisher]
    patience_ns = m[m[c.SOURCE_DELIVERY_TIMEOUT_NS] + source]
    if patience_ns != k.NONE:
        m[c.BATCH_DEADLINE + batch] = m[c.NOW] + patience_ns
        set_alarm(m, batch, TIME_IS_OVER, m[c.NOW] + patience_ns)
    if not m[m[c.SOURCE_BATCHES] + source] or is_full(m, batch, 1):
        make_ready(m, batch)
        return
    m[m[c.LANE_COLLECTING] + m[c.BATCH_LANE + batch]] = batch
    linger_ns = m[m[c.SOURCE_LINGER_NS] + source]
    is_waited_for = lists.first(m, m[c.PUBLISHER_BLOCKED + publisher]) != NOTHING
    if linger_ns == 0 or is_waited_for:
        make_ready(m, batch)
    else:
        call_in(m, linger_ns, k.RANK_LINGER, batch, LINGER_IS_OVER)


@jit
def call_in(m: Ints, delay_ns: int, rank: int, batch: int, what: int) -> None:
    """Let something be done with a batch after a delay."""
    source = m[c.PUBLISHER_SOURCE + m[c.BATCH_PUBLISHER + batch]]
    number, attempt = m[c.BATCH_NUMBER + batch], m[c.BATCH_ATTEMPTS + batch]
    due = m[c.NOW] + delay_ns
    schedule(m, due, rank, source, number, attempt, a.BATCH_TIMER, batch, what, attempt)


@jit
def let_in(m: Ints, publisher: int) -> None:
    """Take in what waits outside, first come, first served."""
    blocked = m[c.PUBLISHER_BLOCKED + publisher]
    while lists.first(m, blocked) != NOTHING:
        message = lists.value(m, lists.first(m, blocked))
        if not has_room(m, publisher, message):
            return
        lists.pop_first(m, blocked)
        m[c.MESSAGE_NODE + message] = NOTHING
        take_in(m, publisher, message)


# Alarms ---------------------------------------------------------------------------------------

# Most time-outs never come: all of one publisher take the same time, so that those that are due
# first stand in the calendar, the others in a line behind them, and most leave it unseen.


@jit
def set_alarm(m: Ints, batch: int, what: int, due: int) -> None:
    """Let an answer be missing, or a batch be given up, at a time that is later than all others."""
    publisher = m[c.BATCH_PUBLISHER + batch]
    is_answer = what == ANSWER_IS_MISSING
    line = m[(c.PUBLISHER_ANSWERS if is_answer else c.PUBLISHER_DEADLINES) + publisher]
    alarm = (c.PUBLISHER_ANSWER_ALARM if is_answer else c.PUBLISHER_DEADLINE_ALARM) + publisher
    if m[alarm] in (NOTHING, due):
        m[alarm] = due
        _ring_at(m, batch, what, due)
        return
    node = lists.first(m, line)
    while node != NOTHING and _is_settled(m, node, what):
        lists.remove(m, line, node)
        node = lists.first(m, line)
    m[c.NODE_KEY + lists.append(m, line, batch)] = due


@jit
def _is_settled(m: Ints, node: int, what: int) -> bool:
    """Return whether nobody needs an alarm any more."""
    batch, due = m[c.NODE_VALUE + node], m[c.NODE_KEY + node]
    state = m[c.BATCH_STATE + batch]
    if what == ANSWER_IS_MISSING:
        return state != IN_FLIGHT or m[c.BATCH_ANSWER_DUE + batch] != due
    return state == DONE


@jit
def _ring_at(m: Ints, batch: int, what: int, due: int) -> None:
    source = m[c.PUBLISHER_SOURCE + m[c.BATCH_PUBLISHER + batch]]
    number, attempt = m[c.BATCH_NUMBER + batch], m[c.BATCH_ATTEMPTS + batch]
    rank = k.RANK_REQUEST_TIMEOUT
    if what == TIME_IS_OVER:
        rank, attempt = k.RANK_DELIVERY_TIMEOUT, 0
    schedule(m, due, rank, source, number, attempt, a.BATCH_TIMER, batch, what, attempt)


@jit
def set_next_alarm(m: Ints, batch: int, what: int) -> None:
    """Put those alarms of a publisher into the calendar that are due next, when one has rung."""
    publisher = m[c.BATCH_PUBLISHER + batch]
    is_answer = what == ANSWER_IS_MISSING
    line = m[(c.PUBLISHER_ANSWERS if is_answer else c.PUBLISHER_DEADLINES) + publisher]
    alarm = (c.PUBLISHER_ANSWER_ALARM if is_answer else c.PUBLISHER_DEADLINE_ALARM) + publisher
    if m[alarm] != m[c.NOW]:
        return
    m[alarm] = NOTHING
    node = lists.first(m, line)
    while node != NOTHING:
        if not _is_settled(m, node, what):
            due = m[c.NODE_KEY + node]
            if m[alarm] not in (NOTHING, due):
                return
            m[alarm] = due
            _ring_at(m, m[c.NODE_VALUE + node], what, due)
        lists.remove(m, line, node)
        node = lists.first(m, line)
