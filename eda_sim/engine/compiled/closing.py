"""Closing: how sessions end, with a crash or in good order."""

from __future__ import annotations

from eda_sim.engine.compiled import actions as a
from eda_sim.engine.compiled import cells as c
from eda_sim.engine.compiled import codes as k
from eda_sim.engine.compiled import dedup, lists, model, speed
from eda_sim.engine.compiled.calendar import schedule
from eda_sim.engine.compiled.instances import has_stopped
from eda_sim.engine.compiled.lists import NOTHING
from eda_sim.engine.compiled.operation import note_running
from eda_sim.engine.compiled.pointers import Ints, Reals, action, invoke, jit
from eda_sim.engine.compiled.publishers import crash_outlets
from eda_sim.engine.compiled.sessions import (
    CAREFUL,
    GONE,
    RELEASE,
    ask_again,
    fall_silent,
    is_unfinished,
    no_longer_unfinished,
    settle,
    to_broker,
)

# Crashes --------------------------------------------------------------------------------------


@jit
def crash(m: Ints, f: Reals, instance: int) -> None:
    """Lose everything in memory; crashes nest, the first one takes the instance down."""
    m[m[c.INSTANCE_CAUSES_DOWN] + instance] += 1
    session = m[m[c.INSTANCE_SESSION] + instance]
    if session == NOTHING:
        return
    consumer = m[m[c.INSTANCE_CONSUMER] + instance]
    m[m[c.INSTANCE_SESSION] + instance] = NOTHING
    m[m[c.CONSUMER_UP] + consumer] -= 1
    speed.forget(m, instance)
    crash_outlets(m, f, instance)
    m[c.SESSION_ALIVE + session] = 0
    first = m[c.SESSION_FIRST_WORKER + session]
    end = first + m[m[c.CONSUMER_CONCURRENCY] + consumer] * c.WORKER_WIDTH
    for worker in range(first, end, c.WORKER_WIDTH):
        if m[c.WORKER_RUNNING + worker]:
            m[c.WORKER_RUNNING + worker] = 0
            m[m[c.CONSUMER_BUSY] + consumer] -= 1
            note_running(m, instance, -1)
        m[c.WORKER_STATE + worker] = GONE
        m[c.WORKER_IS_ASLEEP + worker] = 0
    while m[c.SESSION_UNFINISHED_FIRST + session] != NOTHING:
        _lose(m, session, m[c.SESSION_UNFINISHED_FIRST + session])
    _close_connection(m, session)
    fall_silent(m, f, session)
    _forget(m, session)


@jit
def _lose(m: Ints, session: int, delivery: int) -> None:
    m[c.DELIVERY_OUTCOME + delivery] = k.OUTCOME_CRASHED
    m[c.DELIVERY_FINISHED_AT + delivery] = m[c.NOW]
    drop(m, session, delivery)


@jit
def drop(m: Ints, session: int, delivery: int) -> None:
    """Have done with a delivery that no worker will handle to its end."""
    no_longer_unfinished(m, session, delivery)
    model.close(m)


@jit
def _forget(m: Ints, session: int) -> None:
    """Let what an instance remembered for itself go."""
    consumer = m[c.SESSION_CONSUMER + session]
    if m[m[c.CONSUMER_DEDUP_SCOPE] + consumer] == k.DEDUP_SCOPE_INSTANCE:
        dedup.forget_all(m, m[c.SESSION_MEMORY + session])


@jit
def _close_connection(m: Ints, session: int) -> None:
    """Let the broker notice, but not before all that crashes at this moment has crashed."""
    consumer = m[c.SESSION_CONSUMER + session]
    instance = m[m[c.INSTANCE_NUMBER] + m[c.SESSION_INSTANCE + session]]
    number = m[c.SESSION_NUMBER + session]
    what = a.CLOSE_CONNECTION
    schedule(m, m[c.NOW], k.RANK_DISCONNECT, consumer, instance, number, what, session, 0, 0)


@action(a.CLOSE_CONNECTION)
def close_connection(m: Ints, f: Reals, session: int, _b: int, _c: int) -> int:
    """Close the connection on the instance's side; the broker hears of it."""
    number = m[c.SESSION_NUMBER + session]
    to_broker(m, f, session, 0, k.RANK_DISCONNECT, number, a.DISCONNECT, session, 0)
    return 0


@action(a.DISCONNECT)
def disconnect(m: Ints, f: Reals, session: int, _b: int, _c: int) -> int:
    """Let the broker notice that a connection is closed."""
    consumer = m[c.SESSION_CONSUMER + session]
    if m[m[c.CONSUMER_IS_GROUP] + consumer]:
        return invoke(m, f, a.GROUP_DISCONNECT, session, 0, 0)
    first = m[c.SESSION_FIRST_HOLD + session]
    end = first + m[m[c.CONSUMER_SUBSCRIPTIONS] + consumer] * c.HOLD_WIDTH
    for hold in range(first, end, c.HOLD_WIDTH):
        invoke(m, f, a.DISCONNECT_QUEUE, hold, k.END_DISCONNECTED, 0)
    return 0


@action(a.RECEIVE_IN_VAIN)
def receive_in_vain(m: Ints, f: Reals, session: int, first: int, _c: int) -> int:
    """Let a hand-over reach an instance that has crashed, or that takes nothing more."""
    delivery = first
    if m[c.SESSION_ALIVE + session]:
        while delivery != NOTHING:
            m[c.DELIVERY_RECEIVED_AT + delivery] = m[c.NOW]
            delivery = m[c.DELIVERY_NEXT + delivery]
        _give_back(m, f, session, first)
        return 0
    while delivery != NOTHING:
        if is_unfinished(m, delivery):  # sent after the crash
            _lose(m, session, delivery)
        delivery = m[c.DELIVERY_NEXT + delivery]
    return 0


# In good order --------------------------------------------------------------------------------


@jit
def stop(m: Ints, f: Reals, instance: int) -> None:
    """Shut down cleanly: give back what no worker has begun, and finish the rest."""
    m[m[c.INSTANCE_CAUSES_DOWN] + instance] += 1
    session = m[m[c.INSTANCE_SESSION] + instance]
    if session == NOTHING or m[c.SESSION_CLOSING + session]:
        return
    consumer = m[m[c.INSTANCE_CONSUMER] + instance]
    m[c.SESSION_CLOSING + session] = 1
    first = m[c.SESSION_FIRST_WORKER + session]
    end = first + m[m[c.CONSUMER_CONCURRENCY] + consumer] * c.WORKER_WIDTH
    for worker in range(first, end, c.WORKER_WIDTH):
        m[c.WORKER_IS_IDEAL + worker] = CAREFUL
    if not m[m[c.CONSUMER_IS_GROUP] + consumer]:
        number = m[c.SESSION_NUMBER + session]
        to_broker(m, f, session, 0, k.RANK_DISCONNECT, number, a.CANCEL_ALL, session, 0)
        delivery = m[c.SESSION_BUFFER_FIRST + session]
        m[c.SESSION_BUFFER_FIRST + session] = NOTHING
        _give_back(m, f, session, delivery)
        for worker in range(first, end, c.WORKER_WIDTH):
            delivery = m[c.WORKER_INBOX_FIRST + worker]
            m[c.WORKER_INBOX_FIRST + worker] = NOTHING
            _give_back(m, f, session, delivery)
    lists.clear(m, m[c.SESSION_IDLE + session])
    ask_again(m, session)


@action(a.CANCEL_ALL)
def cancel(m: Ints, f: Reals, session: int, _b: int, _c: int) -> int:
    """Let the broker send nothing more; what was handed over can still be settled."""
    first = m[c.SESSION_FIRST_HOLD + session]
    count = m[m[c.CONSUMER_SUBSCRIPTIONS] + m[c.SESSION_CONSUMER + session]]
    for hold in range(first, first + count * c.HOLD_WIDTH, c.HOLD_WIDTH):
        invoke(m, f, a.CANCEL, hold, 0, 0)
    return 0


@jit
def _give_back(m: Ints, f: Reals, session: int, first: int) -> None:
    """Give a chain of deliveries back that no worker has begun."""
    in_queue = not m[m[c.CONSUMER_IS_GROUP] + m[c.SESSION_CONSUMER + session]]
    delivery = first
    while delivery != NOTHING:
        after = m[c.DELIVERY_NEXT + delivery]
        if in_queue:
            settle(m, f, delivery, RELEASE, 0)
        drop(m, session, delivery)
        delivery = after


@action(a.WORKER_HAS_ENDED)
def worker_has_ended(m: Ints, f: Reals, worker: int, _b: int, _c: int) -> int:
    """End a worker; close the connection when the last has finished what it did."""
    session, consumer = m[c.WORKER_SESSION + worker], m[c.WORKER_CONSUMER + worker]
    m[c.WORKER_STATE + worker] = GONE
    m[c.WORKER_AT_WORK + worker] = 0
    if not m[c.SESSION_ALIVE + session]:
        return 0
    first = m[c.SESSION_FIRST_WORKER + session]
    end = first + m[m[c.CONSUMER_CONCURRENCY] + consumer] * c.WORKER_WIDTH
    for other in range(first, end, c.WORKER_WIDTH):
        if m[c.WORKER_AT_WORK + other]:
            return 0
    m[c.SESSION_ALIVE + session] = 0
    while m[c.SESSION_UNFINISHED_FIRST + session] != NOTHING:
        drop(m, session, m[c.SESSION_UNFINISHED_FIRST + session])
    in_group = m[m[c.CONSUMER_IS_GROUP] + consumer]
    row = m[m[c.CONSUMER_FIRST_SUBSCRIPTION] + consumer]
    is_static = in_group and m[m[c.SUBSCRIPTION_STATIC_MEMBERSHIP] + row]
    if in_group and not is_static:
        number = m[c.SESSION_NUMBER + session]
        to_broker(m, f, session, 0, k.RANK_DISCONNECT, number, a.LEAVE_GROUP, session, 0)
    _close_connection(m, session)
    if is_static:
        fall_silent(m, f, session)
    _forget(m, session)
    has_stopped(m, f, m[c.SESSION_INSTANCE + session])
    return 0
