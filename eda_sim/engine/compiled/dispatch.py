"""Dispatch: which instance gets what is available.

``pull``: an idle worker asks. Its request waits at the broker, in a line with all others, until
there is something for it, or until it has waited long enough and gets an empty answer. ``push``:
the broker sends without being asked, one by one and round robin, to the instances that have credit.
``endpoint``: every message is sent as soon as it is there, to the instances in turn; with nobody
there the attempt fails.
"""

from __future__ import annotations

from eda_sim.engine.compiled import actions as a
from eda_sim.engine.compiled import cells as c
from eda_sim.engine.compiled import codes as k
from eda_sim.engine.compiled import lists, network
from eda_sim.engine.compiled.calendar import schedule
from eda_sim.engine.compiled.lists import NOTHING
from eda_sim.engine.compiled.pointers import Ints, Reals, action, invoke, jit
from eda_sim.engine.compiled.queues import acquire, hand_over
from eda_sim.engine.compiled.rows import new_row
from eda_sim.engine.compiled.sessions import event_address, hold_of, wake_up
from eda_sim.engine.compiled.waiting import IN_ORDER, take_one

# Requests -------------------------------------------------------------------------------------


@jit
def new_fetch(m: Ints, worker: int, number: int) -> int:
    """Return the request of an idle worker for messages."""
    fetch = m[c.FREE_FETCH]
    if fetch == NOTHING:
        fetch = new_row(m, c.FETCH_ROWS)
    else:
        m[c.FREE_FETCH] = m[c.FETCH_NEXT_FREE + fetch]
    m[c.FETCH_WORKER + fetch] = worker
    m[c.FETCH_NUMBER + fetch] = number
    m[c.FETCH_ANSWERED + fetch] = 0
    m[c.FETCH_OVERDUE + fetch] = 0
    m[c.FETCH_REFERENCES + fetch] = 1
    return fetch


@jit
def release_fetch(m: Ints, fetch: int) -> None:
    """Note that one line, timer or message less knows of a request."""
    m[c.FETCH_REFERENCES + fetch] -= 1
    if m[c.FETCH_REFERENCES + fetch] == 0:
        m[c.FETCH_NEXT_FREE + fetch] = m[c.FREE_FETCH]
        m[c.FREE_FETCH] = fetch


@action(a.ARRIVE_REQUEST)
def arrive_request(m: Ints, f: Reals, fetch: int, _b: int, _c: int) -> int:
    """Let a request reach the broker; it waits there for a while if no queue has anything."""
    worker, number = m[c.FETCH_WORKER + fetch], m[c.FETCH_NUMBER + fetch]
    session, consumer = m[c.WORKER_SESSION + worker], m[c.WORKER_CONSUMER + worker]
    first = m[m[c.CONSUMER_FIRST_SUBSCRIPTION] + consumer]
    count = m[m[c.CONSUMER_SUBSCRIPTIONS] + consumer]
    wait_ns = m[m[c.SUBSCRIPTION_FETCH_MAX_WAIT_NS] + first + number % count]
    for place in range(number, number + count):
        if m[c.FETCH_ANSWERED + fetch]:
            break
        queue = first + place % count
        hold = hold_of(m, session, queue)
        if m[c.HOLD_IS_CONNECTED + hold] and not m[c.SESSION_CLOSING + session]:
            m[c.FETCH_REFERENCES + fetch] += 1
            lists.append(m, m[m[c.SUBSCRIPTION_FETCHES] + queue], fetch)
            pull(m, f, queue)
        else:
            m[c.FETCH_ANSWERED + fetch] = 1
    if m[c.FETCH_ANSWERED + fetch] or wait_ns == k.NONE:
        release_fetch(m, fetch)
    elif wait_ns == 0:
        wait_is_over(m, f, fetch, 0, 0)
    else:
        place, due = m[c.WORKER_PLACE + worker], m[c.NOW] + wait_ns
        schedule(
            m,
            due,
            k.RANK_FETCH_WAIT,
            consumer,
            place,
            number,
            a.FETCH_WAIT_IS_OVER,
            fetch,
            0,
            0,
        )
    return 0


@action(a.FETCH_WAIT_IS_OVER)
def wait_is_over(m: Ints, f: Reals, fetch: int, _b: int, _c: int) -> int:
    """Let a request take little, or nothing, for an answer."""
    worker, number = m[c.FETCH_WORKER + fetch], m[c.FETCH_NUMBER + fetch]
    consumer = m[c.WORKER_CONSUMER + worker]
    first = m[m[c.CONSUMER_FIRST_SUBSCRIPTION] + consumer]
    count = m[m[c.CONSUMER_SUBSCRIPTIONS] + consumer]
    m[c.FETCH_OVERDUE + fetch] = 1
    for place in range(number, number + count):
        if not m[c.FETCH_ANSWERED + fetch]:
            invoke(m, f, a.DISPATCH, first + place % count, 0, 0)
    if not m[c.FETCH_ANSWERED + fetch]:
        m[c.FETCH_ANSWERED + fetch] = 1
        _send_nothing(m, f, worker, number)
    release_fetch(m, fetch)
    return 0


@jit
def _send_nothing(m: Ints, f: Reals, worker: int, number: int) -> None:
    """Carry an answer without messages to a worker."""
    session = m[c.WORKER_SESSION + worker]
    about = event_address(m, session, k.RANK_EMPTY_ANSWER, m[c.WORKER_NUMBER + worker])
    link = m[c.SESSION_CONNECTION + session] + c.LINK_WIDTH
    arrives = network.arrival(m, f, link, about, number, 1, 0)
    if arrives == m[c.NOW]:
        receive_nothing(m, f, worker, number, 0)
        return
    consumer, place = m[c.WORKER_CONSUMER + worker], m[c.WORKER_PLACE + worker]
    schedule(
        m,
        arrives,
        k.RANK_EMPTY_ANSWER,
        consumer,
        place,
        number,
        a.RECEIVE_NOTHING,
        worker,
        number,
        0,
    )


@action(a.RECEIVE_NOTHING)
def receive_nothing(m: Ints, _f: Reals, worker: int, number: int, _c: int) -> int:
    """Take in an empty answer; ask again, at once or after a while."""
    if not m[c.SESSION_ALIVE + m[c.WORKER_SESSION + worker]]:
        return 0
    consumer = m[c.WORKER_CONSUMER + worker]
    queue = m[m[c.CONSUMER_FIRST_SUBSCRIPTION] + consumer]
    interval_ns = m[m[c.SUBSCRIPTION_POLL_INTERVAL_NS] + queue]
    if interval_ns == 0:
        wake_up(m, worker)
        return 0
    place, due = m[c.WORKER_PLACE + worker], m[c.NOW] + interval_ns
    schedule(m, due, k.RANK_POLL, consumer, place, number, a.POLL_AGAIN, worker, 0, 0)
    return 0


@action(a.POLL_AGAIN)
def poll_again(m: Ints, _f: Reals, worker: int, _b: int, _c: int) -> int:
    """Let a worker ask again."""
    wake_up(m, worker)
    return 0


# Handing over ---------------------------------------------------------------------------------


@action(a.DISPATCH)
def dispatch(m: Ints, f: Reals, queue: int, _b: int, _c: int) -> int:
    """Hand over what can be handed over now."""
    mode = m[m[c.SUBSCRIPTION_DELIVERY] + queue]
    if mode == k.DELIVERY_MODE_PULL:
        pull(m, f, queue)
    elif mode == k.DELIVERY_MODE_PUSH:
        push(m, f, queue)
    else:
        call(m, f, queue)
    return 0


@jit
def pull(m: Ints, f: Reals, queue: int) -> None:
    """Answer requests, one after the other, as long as there is something for them."""
    fetches = m[m[c.SUBSCRIPTION_FETCHES] + queue]
    while m[m[c.SUBSCRIPTION_AVAILABLE] + queue] and lists.size(m, fetches):
        fetch = lists.value(m, lists.first(m, fetches))
        if m[c.FETCH_ANSWERED + fetch]:
            release_fetch(m, lists.pop_first(m, fetches))
            continue
        available = m[m[c.SUBSCRIPTION_AVAILABLE] + queue]
        if available < m[m[c.SUBSCRIPTION_FETCH_MIN_MESSAGES] + queue]:
            if not m[c.FETCH_OVERDUE + fetch]:
                return
        head = _take(m, f, queue, m[m[c.SUBSCRIPTION_FETCH_MAX_MESSAGES] + queue])
        if head == NOTHING:
            return
        worker = m[c.FETCH_WORKER + fetch]
        m[c.FETCH_ANSWERED + fetch] = 1
        release_fetch(m, lists.pop_first(m, fetches))
        hand_over(m, f, head, m[c.WORKER_SESSION + worker], worker)


@jit
def _take(m: Ints, f: Reals, queue: int, most: int) -> int:
    """Take the copies of one hand-over out of the line; return the first of their chain."""
    limit, window = most, m[m[c.SUBSCRIPTION_WINDOW] + queue]
    if window != k.NONE:
        limit = min(most, window - m[m[c.SUBSCRIPTION_ACQUIRED] + queue])
    if m[m[c.SUBSCRIPTION_LINE_KIND] + queue] != IN_ORDER:
        return invoke(m, f, a.TAKE_BATCH, queue, limit, 0)
    head, last = NOTHING, NOTHING
    for _ in range(limit):
        entry = take_one(m, queue)
        if entry == NOTHING:
            break
        m[c.ENTRY_NEXT + entry] = NOTHING
        if head == NOTHING:
            head = entry
        else:
            m[c.ENTRY_NEXT + last] = entry
        last = entry
    return head


@jit
def push(m: Ints, f: Reals, queue: int) -> None:
    """Send one delivery after the other until nobody has credit, or nothing is left."""
    turns = m[m[c.SUBSCRIPTION_ROUND] + queue]
    prefetch = k.NONE
    if m[m[c.SUBSCRIPTION_WINDOW] + queue] == k.NONE:
        prefetch = m[m[c.SUBSCRIPTION_MAX_OUTSTANDING] + queue]
    while m[m[c.SUBSCRIPTION_AVAILABLE] + queue] and lists.size(m, turns):
        head = _take(m, f, queue, 1)
        if head == NOTHING:
            return
        hold = lists.pop_first(m, turns)
        if prefetch != k.NONE and m[c.HOLD_COUNT + hold] + 1 >= prefetch:
            m[c.HOLD_WITHOUT_CREDIT + hold] = 1
            m[c.HOLD_TURN + hold] = NOTHING
        else:
            m[c.HOLD_TURN + hold] = lists.append(m, turns, hold)
        hand_over(m, f, head, m[c.HOLD_SESSION + hold], NOTHING)


@jit
def call(m: Ints, f: Reals, queue: int) -> None:
    """Make a call for each message that is due."""
    turns = m[m[c.SUBSCRIPTION_ROUND] + queue]
    while m[m[c.SUBSCRIPTION_AVAILABLE] + queue]:
        head = _take(m, f, queue, 1)
        if head == NOTHING:
            return
        if lists.size(m, turns):
            hold = lists.pop_first(m, turns)
            m[c.HOLD_TURN + hold] = lists.append(m, turns, hold)
            hand_over(m, f, head, m[c.HOLD_SESSION + hold], NOTHING)
        else:
            # An attempt that nobody takes.
            delivery = acquire(m, f, head, NOTHING)
            m[c.DELIVERY_OUTCOME + delivery] = k.OUTCOME_REFUSED
            invoke(m, f, a.TAKE_BACK, delivery, k.END_REFUSED, 0)
