"""Sessions: one life of an instance, from coming up to the crash that ends it."""

from __future__ import annotations

from eda_sim.engine.compiled import actions as a
from eda_sim.engine.compiled import cells as c
from eda_sim.engine.compiled import codes as k
from eda_sim.engine.compiled import draws, lists, network
from eda_sim.engine.compiled.calendar import schedule, wake
from eda_sim.engine.compiled.lists import NOTHING
from eda_sim.engine.compiled.model import NOT_LISTED
from eda_sim.engine.compiled.pointers import Ints, Reals, action, invoke, jit

# Positions of a worker: where it goes on when it is resumed; from MEMBER on they are of groups.
GONE = -1
AT_HEAD = 0
SERVING = 1
AT_PART = 2
AT_CALL = 3
LOOKING_UP = 4
CALLING = 5
MEMBER = 8

# How much care the work of a worker takes.
CAREFUL = 0
IDEAL_IN_QUEUE = 1
IDEAL_IN_GROUP = 2

# What an instance tells the broker about a delivery.
ACKNOWLEDGE = 0
RELEASE = 1
REJECT = 2
MOVE = 3
LEAVE = 4


@jit
def entity(m: Ints, consumer: int, lineage: int) -> int:
    """Return the address of a consumer's draws about messages of one lineage."""
    return draws.mix(m[m[c.CONSUMER_ADDRESS] + consumer], lineage)


@jit
def hold_of(m: Ints, session: int, subscription: int) -> int:
    """Return the row for what a session holds of a queue."""
    place = subscription - m[m[c.CONSUMER_FIRST_SUBSCRIPTION] + m[c.SESSION_CONSUMER + session]]
    return m[c.SESSION_FIRST_HOLD + session] + place * c.HOLD_WIDTH


# Waking and sleeping --------------------------------------------------------------------------


@jit
def sleep(m: Ints, worker: int) -> None:
    """Let a worker wait for the next call of :func:`wake_up`."""
    m[c.WORKER_IS_ASLEEP + worker] = 1


@jit
def wake_up(m: Ints, worker: int) -> None:
    """Let a worker look for work again."""
    if m[c.WORKER_IS_ASLEEP + worker]:
        m[c.WORKER_IS_ASLEEP + worker] = 0
        wake(m, a.RESUME_WORKER, worker, 0)


@jit
def ask_again(m: Ints, session: int) -> None:
    """Let all workers look for work again: requests went with a closed connection, or it ends."""
    first = m[c.SESSION_FIRST_WORKER + session]
    concurrency = m[m[c.CONSUMER_CONCURRENCY] + m[c.SESSION_CONSUMER + session]]
    for worker in range(first, first + concurrency * c.WORKER_WIDTH, c.WORKER_WIDTH):
        wake_up(m, worker)


# Heard and unheard ----------------------------------------------------------------------------


@jit
def fall_silent(m: Ints, f: Reals, session: int) -> None:
    """Send no more heartbeats; the broker misses the instance after a while."""
    m[c.SESSION_SILENT + session] = 1
    m[c.SESSION_SILENCES + session] += 1
    _tell_queues(m, f, session, a.FELL_SILENT)
    if m[m[c.CONSUMER_IS_GROUP] + m[c.SESSION_CONSUMER + session]]:
        invoke(m, f, a.GROUP_FELL_SILENT, session, 0, 0)


@jit
def be_heard(m: Ints, f: Reals, session: int) -> None:
    """Send heartbeats again."""
    m[c.SESSION_SILENT + session] = 0
    _tell_queues(m, f, session, a.IS_HEARD)


@jit
def _tell_queues(m: Ints, f: Reals, session: int, what: int) -> None:
    consumer = m[c.SESSION_CONSUMER + session]
    if m[m[c.CONSUMER_IS_GROUP] + consumer]:
        return
    first = m[c.SESSION_FIRST_HOLD + session]
    end = first + m[m[c.CONSUMER_SUBSCRIPTIONS] + consumer] * c.HOLD_WIDTH
    for hold in range(first, end, c.HOLD_WIDTH):
        invoke(m, f, what, hold, 0, 0)


# From the broker ------------------------------------------------------------------------------


@jit
def note_unfinished(m: Ints, session: int, delivery: int) -> None:
    """Note that somebody has to finish a delivery before the run may end."""
    after = m[c.SESSION_UNFINISHED_FIRST + session]
    m[c.DELIVERY_UNFINISHED_NEXT + delivery] = after
    m[c.DELIVERY_UNFINISHED_PREVIOUS + delivery] = NOTHING
    if after != NOTHING:
        m[c.DELIVERY_UNFINISHED_PREVIOUS + after] = delivery
    m[c.SESSION_UNFINISHED_FIRST + session] = delivery
    m[c.OPEN] += 1


@jit
def is_unfinished(m: Ints, delivery: int) -> bool:
    """Return whether a delivery is still to be finished."""
    return m[c.DELIVERY_UNFINISHED_PREVIOUS + delivery] != NOT_LISTED


@jit
def no_longer_unfinished(m: Ints, session: int, delivery: int) -> None:
    """Take a delivery off the list of what is to be finished, if it stands there."""
    before = m[c.DELIVERY_UNFINISHED_PREVIOUS + delivery]
    if before == NOT_LISTED:
        return
    after = m[c.DELIVERY_UNFINISHED_NEXT + delivery]
    if before == NOTHING:
        m[c.SESSION_UNFINISHED_FIRST + session] = after
    else:
        m[c.DELIVERY_UNFINISHED_NEXT + before] = after
    if after != NOTHING:
        m[c.DELIVERY_UNFINISHED_PREVIOUS + after] = before
    m[c.DELIVERY_UNFINISHED_PREVIOUS + delivery] = NOT_LISTED


@jit
def send(m: Ints, f: Reals, session: int, first: int, worker: int) -> None:
    """Carry a hand-over to an instance: a chain of deliveries, for a worker or for the buffer."""
    delivery = first
    while delivery != NOTHING:
        note_unfinished(m, session, delivery)
        delivery = m[c.DELIVERY_NEXT + delivery]
    consumer = m[c.SESSION_CONSUMER + session]
    entry = m[c.DELIVERY_ENTRY + first]
    message = m[c.ENTRY_MESSAGE + entry]
    attempt = m[c.DELIVERY_ATTEMPT + first]
    link = m[c.SESSION_CONNECTION + session] + c.LINK_WIDTH
    arrives = m[c.NOW] + m[c.LINK_FIXED_NS + link]
    if arrives < m[c.NOW]:
        about = entity(m, consumer, m[c.ENTRY_LINEAGE + entry])
        arrives = network.arrival(m, f, link, about, m[c.MESSAGE_ROOT + message], attempt, 0)
    if arrives == m[c.NOW]:
        receive(m, f, session, first, worker)
        return
    copy_id = m[c.DELIVERY_COPY_ID + first]
    schedule(
        m, arrives, k.RANK_RECEIVE, consumer, copy_id, attempt, a.RECEIVE, session, first, worker
    )


@action(a.RECEIVE)
def received(m: Ints, f: Reals, session: int, first: int, worker: int) -> int:
    """Let a hand-over reach its instance."""
    receive(m, f, session, first, worker)
    return 0


@jit
def receive(m: Ints, f: Reals, session: int, first: int, worker: int) -> None:
    """Take a hand-over in."""
    if not m[c.SESSION_ALIVE + session] or m[c.SESSION_CLOSING + session]:
        invoke(m, f, a.RECEIVE_IN_VAIN, session, first, 0)
        return
    last = first
    while True:
        m[c.DELIVERY_RECEIVED_AT + last] = m[c.NOW]
        if m[c.DELIVERY_NEXT + last] == NOTHING:
            break
        last = m[c.DELIVERY_NEXT + last]
    if worker != NOTHING:
        _join(m, c.WORKER_INBOX_FIRST, worker, first, last)
        if m[m[c.CONSUMER_IS_GROUP] + m[c.SESSION_CONSUMER + session]]:
            m[c.WORKER_IS_FETCHING + worker] = 0
        wake_up(m, worker)
        return
    if m[m[c.CONSUMER_PREEMPTIVE] + m[c.SESSION_CONSUMER + session]]:
        invoke(m, f, a.RECEIVE_BY_URGENCY, session, first, 0)
        return
    _join(m, c.SESSION_BUFFER_FIRST, session, first, last)
    idle = m[c.SESSION_IDLE + session]
    if lists.size(m, idle):
        wake_up(m, lists.pop_first(m, idle))


@jit
def _join(m: Ints, cell: int, row: int, first: int, last: int) -> None:
    """Append a chain of deliveries to one whose first and last stand in two columns."""
    if m[cell + row] == NOTHING:
        m[cell + row] = first
    else:
        m[c.DELIVERY_NEXT + m[cell + 1 + row]] = first
    m[cell + 1 + row] = last


@jit
def next_delivery(m: Ints, worker: int) -> int:
    """Take the next delivery out of a worker's inbox or the shared buffer, or NOTHING."""
    delivery = m[c.WORKER_INBOX_FIRST + worker]
    if delivery != NOTHING:
        m[c.WORKER_INBOX_FIRST + worker] = m[c.DELIVERY_NEXT + delivery]
        m[c.DELIVERY_NEXT + delivery] = NOTHING
        return delivery
    session = m[c.WORKER_SESSION + worker]
    delivery = m[c.SESSION_BUFFER_FIRST + session]
    if delivery != NOTHING:
        m[c.SESSION_BUFFER_FIRST + session] = m[c.DELIVERY_NEXT + delivery]
        m[c.DELIVERY_NEXT + delivery] = NOTHING
    return delivery


# To the broker --------------------------------------------------------------------------------


@jit
def settle(m: Ints, f: Reals, delivery: int, verdict: int, delay_ns: int) -> None:
    """Carry what an instance says about one delivery to the broker."""
    session = m[c.DELIVERY_SESSION + delivery]
    consumer = m[c.SESSION_CONSUMER + session]
    entry = m[c.DELIVERY_ENTRY + delivery]
    message = m[c.ENTRY_MESSAGE + entry]
    root, attempt = m[c.MESSAGE_ROOT + message], m[c.DELIVERY_ATTEMPT + delivery]
    link = m[c.SESSION_CONNECTION + session]
    arrives = m[c.NOW] + m[c.LINK_FIXED_NS + link]
    if arrives < m[c.NOW]:
        about = entity(m, consumer, m[c.ENTRY_LINEAGE + entry])
        if network.loses_settlement(m, f, link, about, root, attempt):
            return
        arrives = network.arrival(m, f, link, about, root, attempt, 0)
    if arrives == m[c.NOW]:
        invoke(m, f, a.ARRIVE_SETTLEMENT, delivery, verdict, delay_ns)
        return
    schedule(
        m,
        arrives,
        k.RANK_SETTLEMENT,
        consumer,
        m[c.DELIVERY_COPY_ID + delivery],
        attempt,
        a.ARRIVE_SETTLEMENT,
        delivery,
        verdict,
        delay_ns,
    )


@jit
def to_broker(
    m: Ints, f: Reals, session: int, number: int, rank: int, event: int, what: int, row: int, b: int
) -> None:
    """Send something that is about a session and not about one message.

    ``number`` is that of the worker that sends it, ``event`` counts what it sends with this rank.
    The action ``what`` gets ``row``, ``b`` and ``event``.
    """
    consumer = m[c.SESSION_CONSUMER + session]
    link = m[c.SESSION_CONNECTION + session]
    arrives = m[c.NOW] + m[c.LINK_FIXED_NS + link]
    if arrives < m[c.NOW]:
        about = event_address(m, session, rank, number)
        arrives = network.arrival(m, f, link, about, event, 1, 0)
    if arrives == m[c.NOW]:
        invoke(m, f, what, row, b, event)
        return
    instance = m[m[c.INSTANCE_NUMBER] + m[c.SESSION_INSTANCE + session]]
    place = instance * m[m[c.CONSUMER_CONCURRENCY] + consumer] + number
    schedule(m, arrives, rank, consumer, place, event, what, row, b, event)


@jit
def event_address(m: Ints, session: int, rank: int, number: int) -> int:
    """Return the address of the draws about what a worker sends or gets with a rank."""
    consumer = m[c.SESSION_CONSUMER + session]
    instance = m[m[c.INSTANCE_NUMBER] + m[c.SESSION_INSTANCE + session]]
    place = instance * m[m[c.CONSUMER_CONCURRENCY] + consumer] + number
    sender = draws.mix(m[m[c.CONSUMER_ADDRESS] + consumer], place)
    sender = draws.mix(sender, m[c.SESSION_NUMBER + session])
    return draws.mix(sender, rank)
