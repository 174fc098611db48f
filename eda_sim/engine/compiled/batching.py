"""Batching publishers: batches, window, buffer, time-outs, retries, sequence numbers.

Of all batches that are ready the oldest leaves first. While one backs off, no other for the same
partition leaves; with sequence numbers none leaves that a channel might mistake for a second copy.
"""

from __future__ import annotations

from eda_sim.engine.compiled import actions as a
from eda_sim.engine.compiled import batches, draws, lists, model, trees
from eda_sim.engine.compiled import cells as c
from eda_sim.engine.compiled import codes as k
from eda_sim.engine.compiled.calendar import schedule
from eda_sim.engine.compiled.lists import NOTHING
from eda_sim.engine.compiled.pointers import Ints, Reals, action, invoke, jit
from eda_sim.engine.compiled.publishers import confirm, free_request, new_request, note_sent


@action(a.START_BATCHING)
def start(m: Ints, _f: Reals, publisher: int, _b: int, _c: int) -> int:
    """Give a publisher what it needs to keep account of its requests."""
    source = m[c.PUBLISHER_SOURCE + publisher]
    retries = draws.new_retries(m, m[m[c.SOURCE_RETRY] + source])
    m[c.PUBLISHER_RETRIES + publisher] = retries
    notices = m[m[c.SOURCE_REQUEST_TIMEOUT_NS] + source] != k.NONE
    notices = notices or m[m[c.SOURCE_DELIVERY_TIMEOUT_NS] + source] != k.NONE
    # Without any time-out nobody notices that a request or its answer got lost.
    m[c.PUBLISHER_WAITS_FOR_EVER + publisher] = int(not notices)
    batches.new_lanes(m, publisher)
    return 0


@action(a.CRASH_BATCHES)
def crash(m: Ints, _f: Reals, publisher: int, _b: int, _c: int) -> int:
    """Lose what has not left; nobody will ever know what became of the rest."""
    batches.forget(m, publisher)
    undone = m[c.PUBLISHER_UNDONE + publisher]
    while lists.first(m, undone) != NOTHING:
        batch = lists.pop_first(m, undone)
        sent = m[c.BATCH_ATTEMPTS + batch] > 0
        m[c.BATCH_STATE + batch] = batches.DONE
        batches.give_status(m, batch, k.STATUS_UNKNOWN if sent else k.STATUS_LOST)
        batches.close(m, batch)
    blocked = m[c.PUBLISHER_BLOCKED + publisher]
    while lists.first(m, blocked) != NOTHING:
        message = lists.pop_first(m, blocked)
        m[c.MESSAGE_NODE + message] = NOTHING
        m[c.MESSAGE_STATUS + message] = k.STATUS_LOST
        model.close(m)
    return 0


# Buffer ---------------------------------------------------------------------------------------


@action(a.PUBLISH_IN_BATCHES)
def publish(m: Ints, f: Reals, publisher: int, message: int, _c: int) -> int:
    """Take a message in, if there is room for it; otherwise it waits outside."""
    m[c.MESSAGE_NEXT + message] = NOTHING
    m[c.MESSAGE_NODE + message] = NOTHING
    is_first = lists.first(m, m[c.PUBLISHER_BLOCKED + publisher]) == NOTHING
    if is_first and batches.has_room(m, publisher, message):
        batches.take_in(m, publisher, message)
        _send_ready(m, f, publisher)
    else:
        _block(m, f, publisher, message)
    return 0


@jit
def _block(m: Ints, f: Reals, publisher: int, message: int) -> None:
    """Let a message wait for room; what is being collected need not wait for it."""
    source = m[c.PUBLISHER_SOURCE + publisher]
    longest = m[m[c.SOURCE_MAX_BLOCK_NS] + source]
    if longest == 0:
        _expire(m, message)
        return
    blocked = m[c.PUBLISHER_BLOCKED + publisher]
    m[c.MESSAGE_NODE + message] = lists.append(m, blocked, message)
    if longest != k.NONE:
        due, number = m[c.NOW] + longest, m[c.MESSAGE_ID + message]
        rank, what = k.RANK_BLOCK_TIMEOUT, a.STOP_BLOCKING
        schedule(m, due, rank, source, number, 0, what, publisher, message, 0)
    first = m[c.PUBLISHER_FIRST_LANE + publisher]
    lanes = m[m[c.CHANNEL_PARTITIONS] + m[c.PUBLISHER_CHANNEL + publisher]]
    for lane in range(first, first + lanes):
        if m[m[c.LANE_COLLECTING] + lane] != NOTHING:
            batches.make_ready(m, m[m[c.LANE_COLLECTING] + lane])
    _send_ready(m, f, publisher)


@action(a.STOP_BLOCKING)
def stop_blocking(m: Ints, _f: Reals, publisher: int, message: int, _c: int) -> int:
    """Give up a message that has waited outside for too long."""
    node = m[c.MESSAGE_NODE + message]
    if node != NOTHING:
        lists.remove(m, m[c.PUBLISHER_BLOCKED + publisher], node)
        m[c.MESSAGE_NODE + message] = NOTHING
        _expire(m, message)
    return 0


@jit
def _expire(m: Ints, message: int) -> None:
    m[c.MESSAGE_STATUS + message] = k.STATUS_EXPIRED
    model.close(m)


# Batches --------------------------------------------------------------------------------------


@action(a.BATCH_TIMER)
def time_has_come(m: Ints, f: Reals, batch: int, what: int, attempt: int) -> int:
    """Do what was to be done with a batch at this time, if that is still due."""
    state = m[c.BATCH_STATE + batch]
    if what == batches.LINGER_IS_OVER:
        if state == batches.COLLECTING:
            batches.make_ready(m, batch)
            _send_ready(m, f, m[c.BATCH_PUBLISHER + batch])
    elif what == batches.ANSWER_IS_MISSING:
        batches.set_next_alarm(m, batch, what)
        if state == batches.IN_FLIGHT and m[c.BATCH_ATTEMPTS + batch] == attempt:
            m[c.BATCH_IN_DOUBT + batch] = 1
            batches.give_status(m, batch, k.STATUS_UNKNOWN)
            _try_again(m, f, batch)
    elif what == batches.BACKING_OFF_IS_OVER:
        _end_backing_off(m, f, batch)
    else:
        batches.set_next_alarm(m, batch, what)
        _give_up(m, f, batch)
    return 0


# Window ---------------------------------------------------------------------------------------


@jit
def _send_ready(m: Ints, f: Reals, publisher: int) -> None:
    """Send what is ready, the oldest first, while the window has room."""
    if m[c.PUBLISHER_IS_SENDING + publisher]:
        return  # an answer without delay: whoever is sending goes on
    m[c.PUBLISHER_IS_SENDING + publisher] = 1
    window = m[m[c.SOURCE_MAX_IN_FLIGHT] + m[c.PUBLISHER_SOURCE + publisher]]
    line = c.PUBLISHER_READY + publisher
    while m[line] != NOTHING:
        if window != k.NONE and m[c.PUBLISHER_IN_FLIGHT + publisher] >= window:
            break
        batch = trees.smallest(m, m[line])
        m[line] = trees.pop(m, m[line])
        lane = m[c.BATCH_LANE + batch]
        is_there = m[c.BATCH_STATE + batch] == batches.READY
        # One that is given up at this very moment does not leave any more.
        if is_there and m[c.BATCH_DEADLINE + batch] != m[c.NOW]:
            if m[m[c.LANE_BACKING_OFF] + lane] or _is_too_far_ahead(m, batch, window):
                batches.hold_back(m, batch)
                continue
            _send_batch(m, f, publisher, batch)
        batches.let_go_on(m, lane)
    m[c.PUBLISHER_IS_SENDING + publisher] = 0


@jit
def _is_too_far_ahead(m: Ints, batch: int, window: int) -> bool:
    """Return whether a channel might forget an open batch when this one is stored."""
    lane = m[c.BATCH_LANE + batch]
    first = lists.first(m, m[m[c.LANE_NUMBERED] + lane])
    if window == k.NONE or m[c.BATCH_SEQUENCE + batch] != k.NONE or first == NOTHING:
        return False
    oldest = m[c.BATCH_PLACE + lists.value(m, first)]
    return m[m[c.LANE_NEXT_PLACE] + lane] - oldest >= window


@jit
def _send_batch(m: Ints, f: Reals, publisher: int, batch: int) -> None:
    lane, source = m[c.BATCH_LANE + batch], m[c.PUBLISHER_SOURCE + publisher]
    if m[m[c.LANE_COLLECTING] + lane] == batch:
        m[m[c.LANE_COLLECTING] + lane] = NOTHING
    m[c.BATCH_STATE + batch] = batches.IN_FLIGHT
    attempt = m[c.BATCH_ATTEMPTS + batch] + 1
    m[c.BATCH_ATTEMPTS + batch] = attempt
    if attempt == 1:
        m[c.BATCH_FIRST_SENT_AT + batch] = m[c.NOW]
        draws.note_first_attempt(m, m[c.PUBLISHER_RETRIES + publisher])
    message, count = m[c.BATCH_MESSAGE + batch], m[c.BATCH_COUNT + batch]
    size_bytes, partition = m[c.BATCH_SIZE_BYTES + batch], m[c.BATCH_PARTITION + batch]
    request = new_request(m, publisher, partition, message, size_bytes)
    for _ in range(count):
        note_sent(m, publisher, message)
        message = m[c.MESSAGE_NEXT + message]
    m[c.PUBLISHER_IN_FLIGHT + publisher] += 1
    m[c.REQUEST_COUNT + request] = count
    m[c.REQUEST_BATCH + request] = batch
    m[c.REQUEST_ATTEMPT + request] = attempt
    m[c.REQUEST_TRIP + request] = 2 * attempt - 1
    if m[m[c.SOURCE_IDEMPOTENT] + source]:
        _number(m, batch, request)
    m[c.OPEN] += 1
    patience_ns = m[m[c.SOURCE_REQUEST_TIMEOUT_NS] + source]
    if m[c.PUBLISHER_ACKS + publisher] == k.ACKS_NONE:
        _finish(m, publisher, batch)
    elif patience_ns != k.NONE:
        m[c.BATCH_ANSWER_DUE + batch] = m[c.NOW] + patience_ns
        batches.set_alarm(m, batch, batches.ANSWER_IS_MISSING, m[c.NOW] + patience_ns)
    invoke(m, f, a.SEND_REQUEST, request, 0, 0)


@jit
def _number(m: Ints, batch: int, request: int) -> None:
    """Give sequence numbers at the first attempt, and say what has to be stored before."""
    lane = m[c.BATCH_LANE + batch]
    numbered = m[m[c.LANE_NUMBERED] + lane]
    if m[c.BATCH_SEQUENCE + batch] == k.NONE:
        m[c.BATCH_SEQUENCE + batch] = m[m[c.LANE_NEXT_SEQUENCE] + lane]
        m[m[c.LANE_NEXT_SEQUENCE] + lane] += m[c.BATCH_COUNT + batch]
        m[c.BATCH_PLACE + batch] = m[m[c.LANE_NEXT_PLACE] + lane]
        m[m[c.LANE_NEXT_PLACE] + lane] += 1
        lists.append(m, numbered, batch)
    m[c.REQUEST_SEQUENCE + request] = m[c.BATCH_SEQUENCE + batch]
    node = m[c.NODE_PREVIOUS + lists.find(m, numbered, batch)]
    if node != NOTHING:
        before = lists.value(m, node)
        floor = m[c.BATCH_SEQUENCE + before] + m[c.BATCH_COUNT + before]
        m[c.REQUEST_FLOOR + request] = floor


# Answers --------------------------------------------------------------------------------------


@action(a.REPLY_IN_BATCHES)
def reply(m: Ints, _f: Reals, request: int, stored: int, _c: int) -> int:
    """Note what the broker answers; without a time-out nothing but the answer is waited for."""
    publisher = m[c.REQUEST_PUBLISHER + request]
    if stored and m[c.PUBLISHER_WAITS_FOR_EVER + publisher]:
        batches.close(m, m[c.REQUEST_BATCH + request])
    return 0


@action(a.WRITE_OFF)
def write_off(m: Ints, _f: Reals, request: int, _b: int, _c: int) -> int:
    """Note that a request ended nowhere; a time-out, if there is one, will notice."""
    batches.write_off(m, request)
    return 0


@action(a.LOSE_ANSWER_IN_BATCHES)
def lose_answer(m: Ints, f: Reals, request: int, stored: int, _c: int) -> int:
    """Note that an answer ended nowhere."""
    if not stored:
        batches.write_off(m, request)
    else:
        reply(m, f, request, stored, 0)
    return 0


@action(a.HEAR_IN_BATCHES)
def hear(m: Ints, f: Reals, request: int, stored: int, _c: int) -> int:
    """Take in an answer; a confirmation counts however late it comes."""
    publisher, batch = m[c.REQUEST_PUBLISHER + request], m[c.REQUEST_BATCH + request]
    incarnation, attempt = m[c.REQUEST_INCARNATION + request], m[c.REQUEST_ATTEMPT + request]
    free_request(m, request)
    if incarnation != m[c.PUBLISHER_INCARNATION + publisher]:
        return 0
    if stored:
        message = m[c.BATCH_MESSAGE + batch]
        for _ in range(m[c.BATCH_COUNT + batch]):
            confirm(m, message)
            message = m[c.MESSAGE_NEXT + message]
        _finish(m, publisher, batch)
        _send_ready(m, f, publisher)
    elif m[c.BATCH_STATE + batch] == batches.IN_FLIGHT:
        if attempt == m[c.BATCH_ATTEMPTS + batch]:
            _try_again(m, f, batch)
    return 0


@jit
def _try_again(m: Ints, f: Reals, batch: int) -> None:
    """Take a batch out of the window; send it again after a delay, or give it up."""
    publisher, first = m[c.BATCH_PUBLISHER + batch], m[c.BATCH_MESSAGE + batch]
    m[c.PUBLISHER_IN_FLIGHT + publisher] -= 1
    delay_ns = draws.retry_ns(
        m,
        f,
        m[c.PUBLISHER_RETRIES + publisher],
        m[c.MESSAGE_LINEAGE + first],
        m[c.MESSAGE_ROOT + first],
        m[c.BATCH_ATTEMPTS + batch],
        m[c.NOW] - m[c.BATCH_FIRST_SENT_AT + batch],
        m[c.BATCH_DELAY_NS + batch],
    )
    m[c.BATCH_STATE + batch] = batches.BACKING_OFF
    m[m[c.LANE_BACKING_OFF] + m[c.BATCH_LANE + batch]] += 1
    if delay_ns == draws.GIVE_UP:
        _give_up(m, f, batch)
    else:
        m[c.BATCH_DELAY_NS + batch] = delay_ns
        if delay_ns == 0:
            _end_backing_off(m, f, batch)
        else:
            batches.call_in(m, delay_ns, k.RANK_PUBLISH_RETRY, batch, batches.BACKING_OFF_IS_OVER)
    _send_ready(m, f, publisher)


@jit
def _end_backing_off(m: Ints, f: Reals, batch: int) -> None:
    if m[c.BATCH_STATE + batch] == batches.BACKING_OFF:
        batches.make_ready(m, batch)
        batches.release(m, m[c.BATCH_LANE + batch])
        _send_ready(m, f, m[c.BATCH_PUBLISHER + batch])


# The end --------------------------------------------------------------------------------------


@jit
def _give_up(m: Ints, f: Reals, batch: int) -> None:
    """End a batch whose fate will not be waited for any more."""
    state = m[c.BATCH_STATE + batch]
    if state == batches.DONE:
        return
    if m[c.BATCH_ATTEMPTS + batch] == 0:
        status = k.STATUS_EXPIRED
    elif m[c.BATCH_IN_DOUBT + batch] or state == batches.IN_FLIGHT:
        status = k.STATUS_UNKNOWN
    else:
        status = k.STATUS_REJECTED
    batches.give_status(m, batch, status)
    publisher = m[c.BATCH_PUBLISHER + batch]
    _finish(m, publisher, batch)
    _send_ready(m, f, publisher)


@jit
def _finish(m: Ints, publisher: int, batch: int) -> None:
    """Forget a batch and make room for others."""
    before, lane = m[c.BATCH_STATE + batch], m[c.BATCH_LANE + batch]
    m[c.BATCH_STATE + batch] = batches.DONE
    if before == batches.DONE:
        return
    if before == batches.IN_FLIGHT:
        m[c.PUBLISHER_IN_FLIGHT + publisher] -= 1
    elif before == batches.BACKING_OFF:
        batches.release(m, lane)
    if m[m[c.LANE_COLLECTING] + lane] == batch:
        m[m[c.LANE_COLLECTING] + lane] = NOTHING
    if m[c.BATCH_SEQUENCE + batch] != k.NONE:
        numbered = m[m[c.LANE_NUMBERED] + lane]
        lists.remove(m, numbered, lists.find(m, numbered, batch))
        if m[m[c.LANE_BACKING_OFF] + lane] == 0:
            batches.let_go_on(m, lane)
    lists.remove(m, m[c.PUBLISHER_UNDONE + publisher], m[c.BATCH_NODE + batch])
    m[c.PUBLISHER_BUFFERED_BYTES + publisher] -= m[c.BATCH_SIZE_BYTES + batch]
    batches.close(m, batch)
    batches.let_in(m, publisher)
