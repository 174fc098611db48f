"""Publishers: send messages to a channel and hear what became of them.

A plain publisher sends each message at once, in a request of its own, and waits for the answer as
long as it takes. What collects batches, has a window or tries again is in :mod:`batching`.

A request is given back when its end is known: after a reply, a refusal or a loss nobody may look at
it any more.
"""

from __future__ import annotations

from eda_sim.engine.compiled import actions as a
from eda_sim.engine.compiled import cells as c
from eda_sim.engine.compiled import codes as k
from eda_sim.engine.compiled import model, network
from eda_sim.engine.compiled.calendar import schedule
from eda_sim.engine.compiled.lists import NOTHING
from eda_sim.engine.compiled.partitioning import choose
from eda_sim.engine.compiled.partitions import receive, store_one
from eda_sim.engine.compiled.pointers import Ints, Reals, action, invoke, jit
from eda_sim.engine.compiled.rows import new_row


@jit
def new_publisher(m: Ints, f: Reals, source: int, channel: int, connection: int) -> int:
    """Return a new sender of messages to one channel."""
    publisher = new_row(m, c.PUBLISHER_ROWS)
    m[c.PUBLISHER_SOURCE + publisher] = source
    m[c.PUBLISHER_CHANNEL + publisher] = channel
    m[c.PUBLISHER_CONNECTION + publisher] = connection
    m[c.PUBLISHER_KEYLESS + publisher] = m[m[c.SOURCE_KEYLESS] + source]
    m[c.PUBLISHER_ACKS + publisher] = m[m[c.SOURCE_ACKS] + source]
    m[c.PUBLISHER_INCARNATION + publisher] = 0
    m[c.PUBLISHER_IS_BATCHING + publisher] = int(keeps_account(m, source))
    takes_no_time = m[c.LINK_IS_PERFECT + connection] and m[c.LINK_FIXED_NS + connection] == 0
    m[c.PUBLISHER_IS_IMMEDIATE + publisher] = int(takes_no_time)
    if m[c.PUBLISHER_IS_BATCHING + publisher]:
        invoke(m, f, a.START_BATCHING, publisher, 0, 0)
    return publisher


@jit
def keeps_account(m: Ints, source: int) -> bool:
    """Return whether a source has to keep account of its requests."""
    if m[m[c.SOURCE_BATCHES] + source] or m[m[c.SOURCE_IDEMPOTENT] + source]:
        return True
    for cell in (
        c.SOURCE_BATCH_MAX_BYTES,
        c.SOURCE_BATCH_MAX_MESSAGES,
        c.SOURCE_MAX_IN_FLIGHT,
        c.SOURCE_BUFFER_MAX_BYTES,
        c.SOURCE_REQUEST_TIMEOUT_NS,
        c.SOURCE_DELIVERY_TIMEOUT_NS,
        c.SOURCE_RETRY,
    ):
        if m[m[cell] + source] != k.NONE:
            return True
    return False


@jit
def new_request(m: Ints, publisher: int, partition: int, message: int, size_bytes: int) -> int:
    """Return a new request with one message; ``partition`` is its row."""
    request = m[c.FREE_REQUEST]
    if request == NOTHING:
        request = new_row(m, c.REQUEST_ROWS)
    else:
        m[c.FREE_REQUEST] = m[c.REQUEST_NEXT_FREE + request]
    m[c.REQUEST_PUBLISHER + request] = publisher
    m[c.REQUEST_INCARNATION + request] = 0
    if publisher != NOTHING:
        m[c.REQUEST_INCARNATION + request] = m[c.PUBLISHER_INCARNATION + publisher]
    m[c.REQUEST_PARTITION + request] = partition
    m[c.REQUEST_MESSAGE + request] = message
    m[c.REQUEST_COUNT + request] = 1
    m[c.REQUEST_SIZE_BYTES + request] = size_bytes
    m[c.REQUEST_BATCH + request] = NOTHING
    m[c.REQUEST_ATTEMPT + request] = 1
    m[c.REQUEST_TRIP + request] = 1
    m[c.REQUEST_SEQUENCE + request] = k.NONE
    m[c.REQUEST_FLOOR + request] = 0
    m[c.REQUEST_HAS_RESERVED + request] = 0
    m[c.REQUEST_ORIGIN_COPY + request] = NOTHING
    m[c.REQUEST_THEN + request] = 0
    m[c.REQUEST_THEN_ROW + request] = NOTHING
    m[c.REQUEST_DELAY_NS + request] = 0
    return request


@jit
def free_request(m: Ints, request: int) -> None:
    """Give a request back whose end is known."""
    m[c.REQUEST_NEXT_FREE + request] = m[c.FREE_REQUEST]
    m[c.FREE_REQUEST] = request


@jit
def publish(m: Ints, f: Reals, publisher: int, message: int) -> None:
    """Send a message that was just created."""
    channel = m[c.PUBLISHER_CHANNEL + publisher]
    number = choose(m, f, channel, message, m[c.PUBLISHER_KEYLESS + publisher])
    m[c.MESSAGE_PARTITION + message] = number
    if m[c.PUBLISHER_IS_BATCHING + publisher]:
        invoke(m, f, a.PUBLISH_IN_BATCHES, publisher, message, 0)
        return
    note_sent(m, publisher, message)
    partition = m[m[c.CHANNEL_FIRST_PARTITION] + channel] + number
    if m[c.PUBLISHER_IS_IMMEDIATE + publisher] and m[m[c.PARTITION_IS_IMMEDIATE] + partition]:
        _publish_at_once(m, f, publisher, partition, message)
        return
    size_bytes = m[c.MESSAGE_SIZE_BYTES + message]
    send(m, f, new_request(m, publisher, partition, message, size_bytes))


@jit
def _publish_at_once(m: Ints, f: Reals, publisher: int, partition: int, message: int) -> None:
    """Store a message where neither the way nor the broker takes time: no request is needed."""
    delay_ns = m[m[c.CHANNEL_DELAY_NS] + m[m[c.PARTITION_CHANNEL] + partition]]
    store_one(m, f, partition, NOTHING, message, delay_ns)
    if m[c.PUBLISHER_ACKS + publisher] != k.ACKS_NONE:
        confirm(m, message)
    model.close(m)


@jit
def note_sent(m: Ints, publisher: int, message: int) -> None:
    """Record that a message leaves; without acknowledgements that is all there is to know."""
    m[c.MESSAGE_ATTEMPTS + message] += 1
    if m[c.MESSAGE_SENT_AT + message] == NOTHING:
        m[c.MESSAGE_SENT_AT + message] = m[c.NOW]
        m[c.MESSAGE_STATUS + message] = k.STATUS_IN_FLIGHT
    if m[c.PUBLISHER_ACKS + publisher] == k.ACKS_NONE:
        m[c.MESSAGE_CONFIRMED_AT + message] = m[c.NOW]
        m[c.MESSAGE_STATUS + message] = k.STATUS_CONFIRMED


# To the broker --------------------------------------------------------------------------------


@action(a.SEND_REQUEST)
def send_request(m: Ints, f: Reals, request: int, _b: int, _c: int) -> int:
    """Put a request of a publisher that keeps account on its way."""
    send(m, f, request)
    return 0


@jit
def send(m: Ints, f: Reals, request: int) -> None:
    """Put a request on its way; the link may lose it or double it."""
    publisher = m[c.REQUEST_PUBLISHER + request]
    connection = m[c.PUBLISHER_CONNECTION + publisher]
    if m[c.LINK_IS_PERFECT + connection]:
        _carry(m, f, connection, request)
        return
    message = m[c.REQUEST_MESSAGE + request]
    lineage, root = m[c.MESSAGE_LINEAGE + message], m[c.MESSAGE_ROOT + message]
    trip = m[c.REQUEST_TRIP + request]
    twin = NOTHING
    if network.doubles(m, f, connection, lineage, root, trip):
        m[c.OPEN] += 1
        twin = _double(m, request)
    for one in (request, twin):
        if one == NOTHING:
            continue
        number = trip if one == request else trip + 1
        if network.loses(m, f, connection, lineage, root, number):
            lose(m, f, one)
        else:
            _carry(m, f, connection, one)


@jit
def _double(m: Ints, request: int) -> int:
    """Return the second arrival that a link makes of one request."""
    twin = new_request(
        m,
        m[c.REQUEST_PUBLISHER + request],
        m[c.REQUEST_PARTITION + request],
        m[c.REQUEST_MESSAGE + request],
        m[c.REQUEST_SIZE_BYTES + request],
    )
    for cell in (
        c.REQUEST_INCARNATION,
        c.REQUEST_COUNT,
        c.REQUEST_BATCH,
        c.REQUEST_ATTEMPT,
        c.REQUEST_SEQUENCE,
        c.REQUEST_FLOOR,
    ):
        m[cell + twin] = m[cell + request]
    m[c.REQUEST_TRIP + twin] = m[c.REQUEST_TRIP + request] + 1
    return twin


@jit
def _carry(m: Ints, f: Reals, connection: int, request: int) -> None:
    message = m[c.REQUEST_MESSAGE + request]
    trip = m[c.REQUEST_TRIP + request]
    arrives = network.arrival(
        m,
        f,
        connection,
        m[c.MESSAGE_LINEAGE + message],
        m[c.MESSAGE_ROOT + message],
        trip,
        m[c.REQUEST_SIZE_BYTES + request],
    )
    if arrives == m[c.NOW] and m[c.LINK_UNDER_WAY + connection] == 0:
        receive(m, f, request)
        return
    m[c.LINK_UNDER_WAY + connection] += 1
    source = m[c.PUBLISHER_SOURCE + m[c.REQUEST_PUBLISHER + request]]
    number = m[c.MESSAGE_ID + message]
    schedule(m, arrives, k.RANK_PUBLISH, source, number, trip, a.RECEIVE_REQUEST, request, 0, 0)


@action(a.RECEIVE_REQUEST)
def receive_request(m: Ints, f: Reals, request: int, _b: int, _c: int) -> int:
    """Let a request reach its partition."""
    publisher = m[c.REQUEST_PUBLISHER + request]
    m[c.LINK_UNDER_WAY + m[c.PUBLISHER_CONNECTION + publisher]] -= 1
    receive(m, f, request)
    return 0


# From the broker ------------------------------------------------------------------------------


@action(a.REPLY)
def reply(m: Ints, f: Reals, request: int, stored: int, _c: int) -> int:
    """Carry the broker's answer to a request back."""
    publisher = m[c.REQUEST_PUBLISHER + request]
    if publisher == NOTHING:
        free_request(m, request)
        return 0
    if m[c.PUBLISHER_IS_BATCHING + publisher]:
        invoke(m, f, a.REPLY_IN_BATCHES, request, stored, 0)
    carry_back(m, f, request, stored)
    return 0


@jit
def carry_back(m: Ints, f: Reals, request: int, stored: int) -> None:
    """Send an answer on its way; the link may lose it."""
    publisher = m[c.REQUEST_PUBLISHER + request]
    if m[c.PUBLISHER_ACKS + publisher] == k.ACKS_NONE:
        free_request(m, request)
        return
    connection = m[c.PUBLISHER_CONNECTION + publisher]
    message = m[c.REQUEST_MESSAGE + request]
    lineage, root = m[c.MESSAGE_LINEAGE + message], m[c.MESSAGE_ROOT + message]
    trip = m[c.REQUEST_TRIP + request]
    is_perfect = m[c.LINK_IS_PERFECT + connection]
    if not is_perfect and network.loses_acknowledgement(m, f, connection, lineage, root, trip):
        lose_answer(m, f, request, stored)
        return
    arrives = network.arrival(m, f, connection + c.LINK_WIDTH, lineage, root, trip, 0)
    if arrives == m[c.NOW]:
        hear(m, f, request, stored)
        return
    source, number = m[c.PUBLISHER_SOURCE + publisher], m[c.MESSAGE_ID + message]
    schedule(m, arrives, k.RANK_CONFIRM, source, number, trip, a.HEAR, request, stored, 0)


@action(a.HEAR)
def heard(m: Ints, f: Reals, request: int, stored: int, _c: int) -> int:
    """Let an answer reach its publisher."""
    hear(m, f, request, stored)
    return 0


@jit
def hear(m: Ints, f: Reals, request: int, stored: int) -> None:
    """Take in the broker's answer."""
    publisher = m[c.REQUEST_PUBLISHER + request]
    if m[c.PUBLISHER_IS_BATCHING + publisher]:
        invoke(m, f, a.HEAR_IN_BATCHES, request, stored, 0)
        return
    incarnation = m[c.PUBLISHER_INCARNATION + publisher]
    is_mine = m[c.REQUEST_INCARNATION + request] == incarnation
    message = m[c.REQUEST_MESSAGE + request]
    free_request(m, request)
    if stored:
        if is_mine:
            confirm(m, message)
        return
    # Who has crashed since then does not hear it; nobody will send the message again.
    mark(m, message, k.STATUS_REJECTED if is_mine else k.STATUS_LOST)
    model.close(m)


@jit
def confirm(m: Ints, message: int) -> None:
    """Record that the source knows that a message is safe."""
    if m[c.MESSAGE_CONFIRMED_AT + message] == NOTHING:
        m[c.MESSAGE_CONFIRMED_AT + message] = m[c.NOW]
    if m[c.MESSAGE_STATUS + message] != k.STATUS_TRUNCATED:
        m[c.MESSAGE_STATUS + message] = k.STATUS_CONFIRMED


@jit
def mark(m: Ints, message: int, status: int) -> None:
    """Give a status to a message that is not stored."""
    if m[c.MESSAGE_COPIES + message] == m[c.MESSAGE_TRUNCATED + message]:
        m[c.MESSAGE_STATUS + message] = status


@action(a.REFUSE)
def refuse(m: Ints, f: Reals, request: int, _b: int, _c: int) -> int:
    """Let the broker refuse a request."""
    publisher = m[c.REQUEST_PUBLISHER + request]
    if publisher == NOTHING:
        free_request(m, request)
        model.close(m)
        return 0
    hears_nothing = m[c.PUBLISHER_ACKS + publisher] == k.ACKS_NONE
    is_batching = m[c.PUBLISHER_IS_BATCHING + publisher]
    if hears_nothing:
        lose(m, f, request)
    else:
        reply(m, f, request, 0, 0)
        if is_batching:
            model.close(m)
    return 0


@action(a.LOSE)
def lost(m: Ints, f: Reals, request: int, _b: int, _c: int) -> int:
    """Note that a request ended nowhere."""
    lose(m, f, request)
    return 0


@jit
def lose(m: Ints, f: Reals, request: int) -> None:
    """Note that a request ended nowhere; nobody will send its messages again, unless it batches."""
    publisher = m[c.REQUEST_PUBLISHER + request]
    if publisher != NOTHING:
        if m[c.PUBLISHER_IS_BATCHING + publisher]:
            invoke(m, f, a.WRITE_OFF, request, 0, 0)
        else:
            mark(m, m[c.REQUEST_MESSAGE + request], k.STATUS_LOST)
    free_request(m, request)
    model.close(m)


@action(a.LOSE_ANSWER)
def lost_answer(m: Ints, f: Reals, request: int, stored: int, _c: int) -> int:
    """Note that an answer ended nowhere."""
    lose_answer(m, f, request, stored)
    return 0


@jit
def lose_answer(m: Ints, f: Reals, request: int, stored: int) -> None:
    """Note that an answer ended nowhere."""
    publisher = m[c.REQUEST_PUBLISHER + request]
    if publisher != NOTHING and m[c.PUBLISHER_IS_BATCHING + publisher]:
        invoke(m, f, a.LOSE_ANSWER_IN_BATCHES, request, stored, 0)
        free_request(m, request)
    elif publisher != NOTHING and not stored:
        lose(m, f, request)
    else:
        free_request(m, request)


@jit
def crash(m: Ints, f: Reals, publisher: int) -> None:
    """Let a publisher forget everything; an answer that comes later reaches nobody."""
    m[c.PUBLISHER_INCARNATION + publisher] += 1
    if m[c.PUBLISHER_IS_BATCHING + publisher]:
        invoke(m, f, a.CRASH_BATCHES, publisher, 0, 0)


# Outlets --------------------------------------------------------------------------------------


@jit
def publish_from(m: Ints, f: Reals, instance: int, connection: int, message: int) -> None:
    """Publish a message that an instance emits; a publisher per channel is made when needed."""
    channel = m[c.MESSAGE_CHANNEL + message]
    outlet = m[c.OUTLET_PUBLISHER] + instance * m[c.CHANNEL_ROWS] + channel
    if m[outlet] == NOTHING:
        m[outlet] = new_publisher(m, f, m[c.MESSAGE_SOURCE + message], channel, connection)
    publish(m, f, m[outlet], message)


@jit
def crash_outlets(m: Ints, f: Reals, instance: int) -> None:
    """Let an instance forget what it had not published."""
    outlets = m[c.OUTLET_PUBLISHER] + instance * m[c.CHANNEL_ROWS]
    for channel in range(m[c.CHANNEL_ROWS]):
        if m[outlets + channel] != NOTHING:
            crash(m, f, m[outlets + channel])
