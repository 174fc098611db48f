"""Workers: take one delivery after the other and handle it.

A worker is a row that says where it goes on when it is resumed. This is the short way, on which
nothing can go wrong; all others are in :mod:`handling`.
"""

from __future__ import annotations

from eda_sim.engine.compiled import actions as a
from eda_sim.engine.compiled import cells as c
from eda_sim.engine.compiled import codes as k
from eda_sim.engine.compiled import draws, model
from eda_sim.engine.compiled.calendar import schedule
from eda_sim.engine.compiled.dispatch import new_fetch
from eda_sim.engine.compiled.histories import earlier
from eda_sim.engine.compiled.lists import NOTHING, append
from eda_sim.engine.compiled.pointers import Ints, Reals, action, invoke, jit
from eda_sim.engine.compiled.sessions import (
    AT_HEAD,
    IDEAL_IN_GROUP,
    IDEAL_IN_QUEUE,
    SERVING,
    entity,
    next_delivery,
    no_longer_unfinished,
    settle,
    sleep,
    to_broker,
)


@action(a.START_WORKER)
def start(m: Ints, f: Reals, worker: int, _b: int, _c: int) -> int:
    """Let a worker begin."""
    if m[m[c.CONSUMER_IS_GROUP] + m[c.WORKER_CONSUMER + worker]]:
        return invoke(m, f, a.START_MEMBER, worker, 0, 0)
    return resume(m, f, worker, 0, 0)


@action(a.RESUME_WORKER)
def resume(m: Ints, f: Reals, worker: int, _b: int, _c: int) -> int:
    """Let a worker that was woken go on."""
    if m[c.WORKER_IS_IDEAL + worker] != IDEAL_IN_QUEUE:
        return invoke(m, f, a.RESUME_WITH_CARE, worker, 0, 0)
    if m[c.WORKER_STATE + worker] == AT_HEAD:
        work(m, f, worker)
    return 0


@jit
def work(m: Ints, f: Reals, worker: int) -> None:
    """Take what is there; with nothing there, ask and wait."""
    if m[c.WORKER_IS_IDEAL + worker] != IDEAL_IN_QUEUE:
        invoke(m, f, a.WORK_WITH_CARE, worker, 0, 0)
        return
    consumer = m[c.WORKER_CONSUMER + worker]
    delivery = next_delivery(m, worker)
    if delivery == NOTHING:
        sleep(m, worker)
        ask(m, f, worker)
        return
    if m[m[c.CONSUMER_SETTLE] + consumer] == k.SETTLE_BEFORE:
        settle(m, f, delivery, 0, 0)
    begin(m, f, worker, delivery)


@jit
def ask(m: Ints, f: Reals, worker: int) -> None:
    """Ask for messages; where the broker pushes, note that this worker is idle."""
    consumer, session = m[c.WORKER_CONSUMER + worker], m[c.WORKER_SESSION + worker]
    queue = m[m[c.CONSUMER_FIRST_SUBSCRIPTION] + consumer]
    if m[m[c.SUBSCRIPTION_DELIVERY] + queue] != k.DELIVERY_MODE_PULL:
        append(m, m[c.SESSION_IDLE + session], worker)
        return
    number = m[c.WORKER_REQUESTS + worker]
    m[c.WORKER_REQUESTS + worker] = number + 1
    fetch = new_fetch(m, worker, number)
    own = m[c.WORKER_NUMBER + worker]
    to_broker(m, f, session, own, k.RANK_REQUEST, number, a.ARRIVE_REQUEST, fetch, 0)


# Handling, when nothing can go wrong ----------------------------------------------------------


@jit
def begin(m: Ints, f: Reals, worker: int, delivery: int) -> None:
    """Take a delivery up and serve it."""
    consumer = m[c.WORKER_CONSUMER + worker]
    entry = m[c.DELIVERY_ENTRY + delivery]
    message = m[c.ENTRY_MESSAGE + entry]
    m[c.WORKER_DELIVERY + worker] = delivery
    m[c.WORKER_STATE + worker] = SERVING
    m[c.WORKER_RUNNING + worker] = 1
    m[m[c.CONSUMER_BUSY] + consumer] += 1
    m[c.DELIVERY_WORKER + delivery] = m[c.WORKER_NUMBER + worker]
    m[c.DELIVERY_STARTED_AT + delivery] = m[c.NOW]
    m[c.DELIVERY_TRIES + delivery] = 1
    attempt = m[c.DELIVERY_ATTEMPT + delivery] + earlier(m, entry)
    about = entity(m, consumer, m[c.ENTRY_LINEAGE + entry])
    service = m[m[c.CONSUMER_SERVICE] + consumer]
    root = m[c.MESSAGE_ROOT + message]
    duration_ns = draws.ns(m, f, service, k.STREAM_SERVICE, about, root, attempt)
    schedule(
        m,
        m[c.NOW] + duration_ns,
        k.RANK_COMPLETION,
        consumer,
        m[c.DELIVERY_COPY_ID + delivery],
        m[c.DELIVERY_ATTEMPT + delivery],
        a.COMPLETE,
        worker,
        0,
        0,
    )


@action(a.COMPLETE)
def complete(m: Ints, f: Reals, worker: int, _b: int, _c: int) -> int:
    """Finish a delivery: its effect takes place, it is settled, and the next one is taken up."""
    if m[c.WORKER_STATE + worker] != SERVING:
        return 0
    consumer, session = m[c.WORKER_CONSUMER + worker], m[c.WORKER_SESSION + worker]
    delivery = m[c.WORKER_DELIVERY + worker]
    m[c.WORKER_STATE + worker] = AT_HEAD
    m[c.WORKER_RUNNING + worker] = 0
    m[m[c.CONSUMER_BUSY] + consumer] -= 1
    m[c.DELIVERY_FINISHED_AT + delivery] = m[c.NOW]
    no_longer_unfinished(m, session, delivery)
    m[c.DELIVERY_OUTCOME + delivery] = k.OUTCOME_OK
    m[c.DELIVERY_EFFECT + delivery] = 1
    if m[m[c.CONSUMER_EMITS] + consumer]:
        message = m[c.ENTRY_MESSAGE + m[c.DELIVERY_ENTRY + delivery]]
        invoke(m, f, a.EMIT, message, m[c.SESSION_INSTANCE + session], 0)
    if m[c.WORKER_IS_IDEAL + worker] == IDEAL_IN_GROUP:
        model.close(m)
        return go_on_with_batch(m, f, worker)
    if m[m[c.CONSUMER_IS_GROUP] + consumer]:  # it stops, and finishes its batch
        model.close(m)
        return invoke(m, f, a.HANDLE_ALL, worker, 0, 0)
    if m[m[c.CONSUMER_SETTLE] + consumer] == k.SETTLE_AFTER:
        settle(m, f, delivery, 0, 0)
    model.close(m)
    work(m, f, worker)
    return 0


@jit
def go_on_with_batch(m: Ints, f: Reals, worker: int) -> int:
    """Take the next delivery of a member's batch up."""
    delivery = m[c.WORKER_BATCH + worker]
    if delivery == NOTHING:
        return invoke(m, f, a.BATCH_HANDLED, worker, 0, 0)
    m[c.WORKER_BATCH + worker] = m[c.DELIVERY_NEXT + delivery]
    begin(m, f, worker, delivery)
    return 0
