"""Instances: the processes of a consumer, each of which has faults of its own.

An instance lives as long as the run. Each time it comes up it opens a new session; a crash ends the
session, and with it everything that was in memory. Faults nest: an instance is down until the last
fault that took it down is over, and stands still until the last pause or hang is.
"""

from __future__ import annotations

from eda_sim.engine.compiled import actions as a
from eda_sim.engine.compiled import cells as c
from eda_sim.engine.compiled import codes as k
from eda_sim.engine.compiled import draws, lists, network
from eda_sim.engine.compiled.breaker import new_breaker
from eda_sim.engine.compiled.calendar import urge
from eda_sim.engine.compiled.dedup import new_memory
from eda_sim.engine.compiled.lists import NOTHING
from eda_sim.engine.compiled.pointers import Ints, Reals, invoke, jit
from eda_sim.engine.compiled.rows import add_row, new_row, reserve
from eda_sim.engine.compiled.sessions import (
    AT_HEAD,
    CAREFUL,
    IDEAL_IN_GROUP,
    IDEAL_IN_QUEUE,
    be_heard,
    fall_silent,
    to_broker,
)

# Building -------------------------------------------------------------------------------------


@jit
def build(m: Ints, f: Reals, consumer: int) -> None:
    """Make what a consumer has: its retries, its memory, and its instances."""
    m[m[c.CONSUMER_FIRST_INSTANCE] + consumer] = m[c.INSTANCE_ROWS]
    m[m[c.CONSUMER_BUSY] + consumer] = 0
    m[m[c.CONSUMER_UP] + consumer] = 0
    m[m[c.CONSUMER_SEQUENCE] + consumer] = 0
    m[m[c.CONSUMER_RETRIES] + consumer] = draws.new_retries(m, m[m[c.CONSUMER_RETRY] + consumer])
    m[m[c.CONSUMER_MEMORY] + consumer] = NOTHING
    if m[m[c.CONSUMER_DEDUP_SCOPE] + consumer] == k.DEDUP_SCOPE_CONSUMER:
        m[m[c.CONSUMER_MEMORY] + consumer] = new_memory(m)
    m[m[c.CONSUMER_HANDLES] + consumer] = int(_can_fail(m, f, consumer))
    for number in range(m[m[c.CONSUMER_INSTANCES] + consumer]):
        _build_instance(m, f, consumer, number)


@jit
def _can_fail(m: Ints, f: Reals, consumer: int) -> bool:
    """Return whether anything but success can ever happen to a handler."""
    for fault in range(m[c.FAULT_ROWS]):
        if m[m[c.FAULT_CONSUMER] + fault] == consumer:
            if m[m[c.FAULT_WHAT] + fault] == k.FAULT_KIND_BUG:
                return True
    first = m[m[c.CONSUMER_FIRST_SUBSCRIPTION] + consumer]
    for row in range(first, first + m[m[c.CONSUMER_SUBSCRIPTIONS] + consumer]):
        if m[m[c.SUBSCRIPTION_LEASE_RENEWAL_NS] + row] != k.NONE:
            return True
    if f[m[c.CONSUMER_ERROR_PROBABILITY] + consumer] != 0.0:
        return True
    if f[m[c.CONSUMER_POISON_PROBABILITY] + consumer] != 0.0:
        return True
    if m[m[c.CONSUMER_TIMEOUT_NS] + consumer] != k.NONE:
        return True
    if m[m[c.CONSUMER_BATCH_MAX_MESSAGES] + consumer] > 1:
        return True
    if m[m[c.CONSUMER_DEDUP_TRANSACTIONAL] + consumer] != 0:
        return True
    if m[m[c.CONSUMER_PREEMPTIVE] + consumer]:
        return True
    return m[m[c.CONSUMER_BREAKER_WINDOW] + consumer] != 0


@jit
def _build_instance(m: Ints, f: Reals, consumer: int, number: int) -> None:
    instance = add_row(m, c.INSTANCE_ROWS)
    m[m[c.INSTANCE_CONSUMER] + instance] = consumer
    m[m[c.INSTANCE_NUMBER] + instance] = number
    m[m[c.INSTANCE_SESSION] + instance] = NOTHING
    m[m[c.INSTANCE_SESSIONS] + instance] = 0
    m[m[c.INSTANCE_CAUSES_DOWN] + instance] = 0
    m[m[c.INSTANCE_CUTS] + instance] = 0
    m[m[c.INSTANCE_BUGS] + instance] = 0
    m[m[c.INSTANCE_PAUSES] + instance] = 0
    m[m[c.INSTANCE_HANGS] + instance] = 0
    f[m[c.INSTANCE_FACTOR] + instance] = 1.0
    m[m[c.INSTANCE_WORKS] + instance] = lists.new_list(m)
    m[m[c.INSTANCE_WAITING] + instance] = lists.new_list(m)
    m[m[c.INSTANCE_AFTERWARDS] + instance] = lists.new_list(m)
    m[m[c.INSTANCE_HAS_SPEED] + instance] = m[m[c.CONSUMER_PREEMPTIVE] + consumer]
    m[m[c.INSTANCE_HAS_CLOCKS] + instance] = 0
    m[m[c.INSTANCE_RUNNING] + instance] = 0
    m[m[c.INSTANCE_IS_AT_WORK] + instance] = 0
    for fault in range(m[c.FAULT_ROWS]):
        what = m[m[c.FAULT_WHAT] + fault]
        if what in (k.FAULT_KIND_PAUSE, k.FAULT_KIND_HANG, k.FAULT_KIND_SLOW):
            if hits(m, fault, instance):
                m[m[c.INSTANCE_HAS_SPEED] + instance] = 1
        if m[m[c.FAULT_COUNTS_OPERATION] + fault] and hits(m, fault, instance):
            m[m[c.INSTANCE_HAS_CLOCKS] + instance] = 1
    reading = network.disturbances_of(m, k.NONE, consumer, number, False)
    m[m[c.INSTANCE_DISTURBANCES] + instance] = reading
    publishing = network.disturbances_of(m, k.NONE, consumer, number, True)
    source = m[m[c.CONSUMER_SOURCE] + consumer]
    connection = network.connection_of_publisher(m, f, source, publishing)
    m[m[c.INSTANCE_PUBLISHING] + instance] = connection


@jit
def hits(m: Ints, fault: int, instance: int) -> bool:
    """Return whether a fault is one of an instance."""
    if m[m[c.FAULT_CONSUMER] + fault] != m[m[c.INSTANCE_CONSUMER] + instance]:
        return False
    return m[m[c.FAULT_INSTANCE] + fault] in (k.NONE, m[m[c.INSTANCE_NUMBER] + instance])


# Coming up ------------------------------------------------------------------------------------


@jit
def come_up(m: Ints, f: Reals, instance: int) -> int:
    """Open a new session of an instance, connect to its queues and let its workers run."""
    consumer = m[m[c.INSTANCE_CONSUMER] + instance]
    session = new_row(m, c.SESSION_ROWS)
    m[c.SESSION_CONSUMER + session] = consumer
    m[c.SESSION_INSTANCE + session] = instance
    m[c.SESSION_NUMBER + session] = m[m[c.INSTANCE_SESSIONS] + instance]
    m[c.SESSION_ALIVE + session] = 1
    m[c.SESSION_STARTED_AT + session] = m[c.NOW]
    m[c.SESSION_SILENCES + session] = 0
    m[c.SESSION_SILENT + session] = 0
    m[c.SESSION_CLOSING + session] = 0
    m[c.SESSION_BUFFER_FIRST + session] = NOTHING
    m[c.SESSION_IDLE + session] = lists.new_list(m)
    m[c.SESSION_PAUSED + session] = lists.new_list(m)
    m[c.SESSION_UNFINISHED_FIRST + session] = NOTHING
    m[c.SESSION_MEMORY + session] = m[m[c.CONSUMER_MEMORY] + consumer]
    if m[m[c.CONSUMER_DEDUP_SCOPE] + consumer] == k.DEDUP_SCOPE_INSTANCE:
        m[c.SESSION_MEMORY + session] = new_memory(m)
    m[c.SESSION_BREAKER + session] = NOTHING
    if m[m[c.CONSUMER_BREAKER_WINDOW] + consumer]:
        m[c.SESSION_BREAKER + session] = new_breaker(m, session)
    latency = m[m[c.CONSUMER_LINK] + consumer]
    disturbances = m[m[c.INSTANCE_DISTURBANCES] + instance]
    connection = network.connection_of_session(
        m, f, latency, disturbances, m[m[c.CONSUMER_SOURCE] + consumer]
    )
    m[c.SESSION_CONNECTION + session] = connection
    m[m[c.INSTANCE_SESSION] + instance] = session
    m[m[c.INSTANCE_SESSIONS] + instance] += 1
    m[m[c.CONSUMER_UP] + consumer] += 1
    _make_workers(m, session, instance)
    if m[m[c.CONSUMER_IS_GROUP] + consumer]:
        invoke(m, f, a.MAKE_MEMBERS, session, 0, 0)
    else:
        _connect(m, f, session, consumer)
    first = m[c.SESSION_FIRST_WORKER + session]
    end = first + m[m[c.CONSUMER_CONCURRENCY] + consumer] * c.WORKER_WIDTH
    for worker in range(first, end, c.WORKER_WIDTH):
        urge(m, a.START_WORKER, worker, 0)
    return session


@jit
def _make_workers(m: Ints, session: int, instance: int) -> None:
    consumer = m[m[c.INSTANCE_CONSUMER] + instance]
    concurrency = m[m[c.CONSUMER_CONCURRENCY] + consumer]
    care = IDEAL_IN_GROUP if m[m[c.CONSUMER_IS_GROUP] + consumer] else IDEAL_IN_QUEUE
    if m[m[c.CONSUMER_HANDLES] + consumer] or m[m[c.INSTANCE_HAS_SPEED] + instance]:
        care = CAREFUL
    if m[c.SESSION_MEMORY + session] != NOTHING or m[m[c.INSTANCE_HAS_CLOCKS] + instance]:
        care = CAREFUL
    m[c.SESSION_FIRST_WORKER + session] = reserve(m, c.WORKER_ROWS, concurrency)
    for number in range(concurrency):
        worker = new_row(m, c.WORKER_ROWS)
        m[c.WORKER_SESSION + worker] = session
        m[c.WORKER_CONSUMER + worker] = consumer
        m[c.WORKER_NUMBER + worker] = number
        place = m[m[c.INSTANCE_NUMBER] + instance] * concurrency + number
        m[c.WORKER_PLACE + worker] = place
        m[c.WORKER_STATE + worker] = AT_HEAD
        m[c.WORKER_IS_ASLEEP + worker] = 0
        m[c.WORKER_RUNNING + worker] = 0
        m[c.WORKER_AT_WORK + worker] = 1
        m[c.WORKER_INBOX_FIRST + worker] = NOTHING
        m[c.WORKER_REQUESTS + worker] = 0
        m[c.WORKER_IS_IDEAL + worker] = care
        m[c.WORKER_BATCH + worker] = NOTHING
        m[c.WORKER_WORK_VERSION + worker] = 0
        m[c.WORKER_INTERRUPTED + worker] = NOTHING


@jit
def _connect(m: Ints, f: Reals, session: int, consumer: int) -> None:
    """Open a connection to each queue; there is a row for what the session holds of it."""
    first = m[m[c.CONSUMER_FIRST_SUBSCRIPTION] + consumer]
    count = m[m[c.CONSUMER_SUBSCRIPTIONS] + consumer]
    m[c.SESSION_FIRST_HOLD + session] = reserve(m, c.HOLD_ROWS, count)
    for subscription in range(first, first + count):
        hold = new_row(m, c.HOLD_ROWS)
        m[c.HOLD_SESSION + hold] = session
        m[c.HOLD_SUBSCRIPTION + hold] = subscription
        m[c.HOLD_IS_CONNECTED + hold] = 0
        m[c.HOLD_IS_SWEEPING + hold] = 0
        m[c.HOLD_RENEWALS + hold] = 0
    holds = m[c.SESSION_FIRST_HOLD + session]
    for hold in range(holds, holds + count * c.HOLD_WIDTH, c.HOLD_WIDTH):
        invoke(m, f, a.CONNECT, hold, 0, 0)


# Down and up ----------------------------------------------------------------------------------


@jit
def has_stopped(m: Ints, f: Reals, instance: int) -> None:
    """Note that the session has ended; come up again if the time for that has come already."""
    m[m[c.INSTANCE_SESSION] + instance] = NOTHING
    m[m[c.CONSUMER_UP] + m[m[c.INSTANCE_CONSUMER] + instance]] -= 1
    come_up_again(m, f, instance)


@jit
def come_up_again(m: Ints, f: Reals, instance: int) -> None:
    """Come up unless there is still a cause to be down, and tell the group of it."""
    if m[m[c.INSTANCE_CAUSES_DOWN] + instance] or m[m[c.INSTANCE_SESSION] + instance] != NOTHING:
        return
    session = come_up(m, f, instance)
    if m[m[c.CONSUMER_IS_GROUP] + m[m[c.INSTANCE_CONSUMER] + instance]]:
        number = m[c.SESSION_NUMBER + session]
        to_broker(m, f, session, 0, k.RANK_REQUEST, number, a.JOIN_GROUP, session, 0)
    note_silence(m, f, instance)


@jit
def note_silence(m: Ints, f: Reals, instance: int) -> None:
    """Stop or start the heartbeats of the session, whatever is the case now."""
    session = m[m[c.INSTANCE_SESSION] + instance]
    if session == NOTHING:
        return
    unheard = m[m[c.INSTANCE_PAUSES] + instance] > 0 or m[m[c.INSTANCE_CUTS] + instance] > 0
    silent = m[c.SESSION_SILENT + session]
    if unheard and not silent:
        fall_silent(m, f, session)
    elif silent and not unheard:
        be_heard(m, f, session)
