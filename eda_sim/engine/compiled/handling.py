"""Handling with everything that can go wrong: failures, time-outs, retries, breakers, batches.

A worker that has none of these goes the short way in :mod:`workers`.

The course of one call of the handler: the breaker lets it through; it looks every message up in
the deduplicator; it takes a service time, at most until the time-out; for each message there is an
outcome, and the effect if all is well. A message that failed is tried again in place (the worker
keeps it and waits) or settled: given back with a delay, sent to another channel, refused, left.

What one call handles is the *part* of a worker: a number of deliveries, chained by NEXT.
Of a member of a group the part belongs to a longer *batch*.
"""

from __future__ import annotations

from eda_sim.engine.compiled import actions as a
from eda_sim.engine.compiled import breaker as breakers
from eda_sim.engine.compiled import cells as c
from eda_sim.engine.compiled import codes as k
from eda_sim.engine.compiled import dedup, draws, preemption, speed
from eda_sim.engine.compiled.calendar import schedule
from eda_sim.engine.compiled.draws import GIVE_UP
from eda_sim.engine.compiled.effects import number_of, put_down, settle_part
from eda_sim.engine.compiled.faults import bug_probability
from eda_sim.engine.compiled.histories import earlier
from eda_sim.engine.compiled.lists import NOTHING, append
from eda_sim.engine.compiled.operation import note_running
from eda_sim.engine.compiled.pointers import Ints, Reals, action, invoke, jit
from eda_sim.engine.compiled.sessions import (
    ACKNOWLEDGE,
    AT_CALL,
    AT_HEAD,
    AT_PART,
    CALLING,
    GONE,
    LOOKING_UP,
    SERVING,
    entity,
    next_delivery,
    settle,
    sleep,
)
from eda_sim.engine.compiled.workers import ask, go_on_with_batch
from eda_sim.engine.streams.addresses import DRAWS_PER_VARIATE

_WAITS = 0
_TRIES_AGAIN = 1
_IS_OVER = 2

# Workers that take care ------------------------------------------------------------------------


@action(a.WORK_WITH_CARE)
def work(m: Ints, f: Reals, worker: int, _b: int, _c: int) -> int:
    """Take what is there and handle it; with nothing there, ask and wait."""
    consumer, session = m[c.WORKER_CONSUMER + worker], m[c.WORKER_SESSION + worker]
    instance = m[c.SESSION_INSTANCE + session]
    m[c.WORKER_STATE + worker] = AT_HEAD
    while True:
        if speed.stands_still(m, instance):
            speed.wait(m, instance, worker)
            return 0
        interrupted = m[c.WORKER_INTERRUPTED + worker]
        if interrupted != NOTHING and not preemption.is_behind(m, session, interrupted):
            return invoke(m, f, a.GO_ON, worker, 0, 0)
        if m[c.SESSION_CLOSING + session]:
            return invoke(m, f, a.WORKER_HAS_ENDED, worker, 0, 0)
        if breakers.must_pause(m, session):
            append(m, m[c.SESSION_PAUSED + session], worker)
            sleep(m, worker)
            return 0
        delivery = next_delivery(m, worker)
        if delivery == NOTHING:
            sleep(m, worker)
            ask(m, f, worker)
            return 0
        _collect(m, worker, delivery)
        if m[m[c.CONSUMER_SETTLE] + consumer] == k.SETTLE_BEFORE:
            for _ in range(m[c.WORKER_PART_COUNT + worker]):
                after = m[c.DELIVERY_NEXT + delivery]
                settle(m, f, delivery, ACKNOWLEDGE, 0)
                delivery = after
        if not _handle(m, f, worker):
            return 0
        settle_part(m, f, worker)


@jit
def _collect(m: Ints, worker: int, first: int) -> None:
    """Let a part of what is there begin with a delivery."""
    most = m[m[c.CONSUMER_BATCH_MAX_MESSAGES] + m[c.WORKER_CONSUMER + worker]]
    count, last = 1, first
    while count < most:
        delivery = next_delivery(m, worker)
        if delivery == NOTHING:
            break
        m[c.DELIVERY_NEXT + last] = delivery
        last = delivery
        count += 1
    m[c.WORKER_PART_FIRST + worker] = first
    m[c.WORKER_PART_COUNT + worker] = count


@action(a.HANDLE_ALL)
def handle_all(m: Ints, f: Reals, worker: int, _b: int, _c: int) -> int:
    """Handle the batch of a member, one by one or in parts; BATCH_HANDLED when that is over."""
    if m[c.WORKER_IS_IDEAL + worker]:
        return go_on_with_batch(m, f, worker)
    if _handle_rest(m, f, worker):
        return invoke(m, f, a.BATCH_HANDLED, worker, 0, 0)
    return 0


@jit
def _handle_rest(m: Ints, f: Reals, worker: int) -> bool:
    """Handle what is left of a batch; return whether that is over already."""
    instance = m[c.SESSION_INSTANCE + m[c.WORKER_SESSION + worker]]
    most = max(1, m[m[c.CONSUMER_BATCH_MAX_MESSAGES] + m[c.WORKER_CONSUMER + worker]])
    while m[c.WORKER_BATCH + worker] != NOTHING:
        if speed.stands_still(m, instance):
            m[c.WORKER_STATE + worker] = AT_PART
            speed.wait(m, instance, worker)
            return False
        delivery, count = m[c.WORKER_BATCH + worker], 0
        m[c.WORKER_PART_FIRST + worker] = delivery
        while count < most and delivery != NOTHING:
            delivery = m[c.DELIVERY_NEXT + delivery]
            count += 1
        m[c.WORKER_PART_COUNT + worker] = count
        m[c.WORKER_BATCH + worker] = delivery
        if not _handle(m, f, worker):
            return False
        settle_part(m, f, worker)
    m[c.WORKER_STATE + worker] = AT_HEAD
    return True


@action(a.RESUME_WITH_CARE)
def resume(m: Ints, f: Reals, worker: int, _b: int, _c: int) -> int:
    """Let a worker that was woken go on where it stands."""
    state = m[c.WORKER_STATE + worker]
    if AT_PART <= state <= CALLING:
        return resume_handling(m, f, worker, 0, 0)
    if state in (GONE, SERVING):
        return 0
    if m[m[c.CONSUMER_IS_GROUP] + m[c.WORKER_CONSUMER + worker]]:
        return invoke(m, f, a.RESUME_MEMBER, worker, 0, 0)
    return work(m, f, worker, 0, 0)


@action(a.RESUME_HANDLING)
def resume_handling(m: Ints, f: Reals, worker: int, enough: int, _c: int) -> int:
    """Let a worker go on within its handling: time has passed, or it was woken."""
    state = m[c.WORKER_STATE + worker]
    if state == GONE:
        return 0
    if state != AT_PART:
        if state == AT_CALL:
            instance = m[c.SESSION_INSTANCE + m[c.WORKER_SESSION + worker]]
            if speed.stands_still(m, instance):
                speed.wait(m, instance, worker)
                return 0
        elif state == CALLING:
            _end_call(m, f, worker, enough)
        if not _proceed(m, f, worker, state != AT_CALL):
            return 0
        settle_part(m, f, worker)
    if not m[m[c.CONSUMER_IS_GROUP] + m[c.WORKER_CONSUMER + worker]]:
        return work(m, f, worker, 0, 0)
    if _handle_rest(m, f, worker):
        return invoke(m, f, a.BATCH_HANDLED, worker, 0, 0)
    return 0


# One part -------------------------------------------------------------------------------------


@jit
def _handle(m: Ints, f: Reals, worker: int) -> bool:
    """Take a part up, and handle it in one call; return whether that is over already."""
    consumer, session = m[c.WORKER_CONSUMER + worker], m[c.WORKER_SESSION + worker]
    memory, count = m[c.SESSION_MEMORY + session], m[c.WORKER_PART_COUNT + worker]
    if m[c.WORKER_INTERRUPTED + worker] == NOTHING:
        m[c.WORKER_RUNNING + worker] = 1
        m[m[c.CONSUMER_BUSY] + consumer] += 1
        note_running(m, m[c.SESSION_INSTANCE + session], 1)
    m[c.WORKER_FRESH + worker] = NOTHING
    delivery = m[c.WORKER_PART_FIRST + worker]
    for _ in range(count):
        m[c.DELIVERY_WORKER + delivery] = preemption.level(m, worker)
        m[c.DELIVERY_STARTED_AT + delivery] = m[c.NOW]
        m[c.DELIVERY_HAS_FAILED + delivery] = 0
        is_known = False
        if memory != NOTHING:
            is_known = dedup.has_seen(m, consumer, memory, number_of(m, delivery))
        m[c.DELIVERY_IS_KNOWN + delivery] = int(is_known)
        if not is_known:
            if m[c.WORKER_FRESH + worker] == NOTHING:
                m[c.WORKER_FRESH + worker] = delivery
            entry = m[c.DELIVERY_ENTRY + delivery]
            if m[c.DELIVERY_ATTEMPT + delivery] + earlier(m, entry) == 1:
                draws.note_first_attempt(m, m[m[c.CONSUMER_RETRIES] + consumer])
        delivery = m[c.DELIVERY_NEXT + delivery]
    if not m[m[c.CONSUMER_IS_GROUP] + consumer]:
        _keep_leases(m, f, worker, consumer)
    lookup_ns = 0 if memory == NOTHING else m[m[c.CONSUMER_DEDUP_LOOKUP_NS] + consumer]
    m[c.WORKER_LOOKUP_NS + worker] = lookup_ns * count
    m[c.WORKER_TRY + worker] = 1
    m[c.WORKER_PREVIOUS_NS + worker] = 0
    return _proceed(m, f, worker, False)


@jit
def _keep_leases(m: Ints, f: Reals, worker: int, consumer: int) -> None:
    """Let leases be renewed while a handler runs, where that is done."""
    first = m[m[c.CONSUMER_FIRST_SUBSCRIPTION] + consumer]
    for queue in range(first, first + m[m[c.CONSUMER_SUBSCRIPTIONS] + consumer]):
        if not m[m[c.SUBSCRIPTION_IS_RENEWED] + queue]:
            continue
        delivery = m[c.WORKER_PART_FIRST + worker]
        for _ in range(m[c.WORKER_PART_COUNT + worker]):
            if m[c.ENTRY_SUBSCRIPTION + m[c.DELIVERY_ENTRY + delivery]] == queue:
                invoke(m, f, a.KEEP_LEASE, delivery, 0, 0)
            delivery = m[c.DELIVERY_NEXT + delivery]


@jit
def _proceed(m: Ints, f: Reals, worker: int, has_called: bool) -> bool:
    """Call the handler until nothing fails or nothing is tried again; return whether it is over."""
    while True:
        if not has_called and not _call(m, f, worker):
            return False
        has_called = False
        then = _after_call(m, f, worker)
        if then == _WAITS:
            return False
        if then == _IS_OVER:
            put_down(m, f, worker)
            return True


@jit
def _call(m: Ints, f: Reals, worker: int) -> bool:
    """Call the handler once; return whether the call is over already."""
    consumer, session = m[c.WORKER_CONSUMER + worker], m[c.WORKER_SESSION + worker]
    fresh, lookup_ns = m[c.WORKER_FRESH + worker], m[c.WORKER_LOOKUP_NS + worker]
    if fresh == NOTHING:
        if lookup_ns == 0 and m[m[c.CONSUMER_HANDLES] + consumer]:
            return True
        m[c.WORKER_STATE + worker] = LOOKING_UP
        _begin_work(m, f, worker, lookup_ns, k.NONE)
        return False
    breaker = m[c.SESSION_BREAKER + session]
    if breaker != NOTHING and not breakers.let_through(m, breaker):
        if not m[m[c.CONSUMER_BREAKER_PAUSES] + consumer]:
            _mark_failed(m, f, worker, False)
            return True
        m[c.WORKER_STATE + worker] = AT_CALL
        append(m, m[c.SESSION_PAUSED + session], worker)
        sleep(m, worker)
        return False
    attempt, delivery = m[c.WORKER_TRY + worker], m[c.WORKER_PART_FIRST + worker]
    for _ in range(m[c.WORKER_PART_COUNT + worker]):
        if not m[c.DELIVERY_IS_KNOWN + delivery]:
            m[c.DELIVERY_TRIES + delivery] = attempt
        delivery = m[c.DELIVERY_NEXT + delivery]
    entry = m[c.DELIVERY_ENTRY + fresh]
    root = m[c.MESSAGE_ROOT + m[c.ENTRY_MESSAGE + entry]]
    number = m[c.DELIVERY_ATTEMPT + fresh] + earlier(m, entry)
    service, about = m[m[c.CONSUMER_SERVICE] + consumer], _entity(m, consumer, fresh, attempt)
    duration_ns = draws.ns(m, f, service, k.STREAM_SERVICE, about, root, number)
    limit_ns = m[m[c.CONSUMER_TIMEOUT_NS] + consumer]
    if limit_ns != k.NONE:
        limit_ns += lookup_ns
    m[c.WORKER_STATE + worker] = CALLING
    _begin_work(m, f, worker, lookup_ns + duration_ns, limit_ns)
    return False


@jit
def _begin_work(m: Ints, f: Reals, worker: int, work_ns: int, limit_ns: int) -> None:
    speed.begin_work(m, f, worker, work_ns, limit_ns)
    # Something more urgent may have come when this was settled before.
    if m[m[c.CONSUMER_PREEMPTIVE] + m[c.WORKER_CONSUMER + worker]]:
        preemption.interrupt(m, f, worker)


@jit
def _end_call(m: Ints, f: Reals, worker: int, enough: int) -> None:
    """Find out what failed when a call is over."""
    _mark_failed(m, f, worker, enough != 0)
    breaker = m[c.SESSION_BREAKER + m[c.WORKER_SESSION + worker]]
    if breaker != NOTHING:
        breakers.record(m, f, breaker, int(m[c.WORKER_FAILED + worker] != NOTHING))


@jit
def _mark_failed(m: Ints, f: Reals, worker: int, may_succeed: bool) -> None:
    consumer, attempt = m[c.WORKER_CONSUMER + worker], m[c.WORKER_TRY + worker]
    m[c.WORKER_FAILED + worker] = NOTHING
    delivery = m[c.WORKER_PART_FIRST + worker]
    for _ in range(m[c.WORKER_PART_COUNT + worker]):
        if not m[c.DELIVERY_IS_KNOWN + delivery]:
            has_failed = not may_succeed or _fails(m, f, consumer, delivery, attempt)
            m[c.DELIVERY_HAS_FAILED + delivery] = int(has_failed)
            if has_failed and m[c.WORKER_FAILED + worker] == NOTHING:
                m[c.WORKER_FAILED + worker] = delivery
        delivery = m[c.DELIVERY_NEXT + delivery]


@jit
def _entity(m: Ints, consumer: int, delivery: int, attempt: int) -> int:
    """Return the address of the draws of one call about one delivery."""
    about = entity(m, consumer, m[c.ENTRY_LINEAGE + m[c.DELIVERY_ENTRY + delivery]])
    return about if attempt == 1 else draws.mix(about, attempt)


@jit
def _fails(m: Ints, f: Reals, consumer: int, delivery: int, attempt: int) -> bool:
    entry = m[c.DELIVERY_ENTRY + delivery]
    root = m[c.MESSAGE_ROOT + m[c.ENTRY_MESSAGE + entry]]
    poison = f[m[c.CONSUMER_POISON_PROBABILITY] + consumer]
    if poison != 0.0:
        about = entity(m, consumer, m[c.MESSAGE_LINEAGE + m[c.ENTRY_MESSAGE + entry]])
        if draws.unit(m, k.STREAM_POISON, about, root, 0) < poison:
            return True
    probability = f[m[c.CONSUMER_ERROR_PROBABILITY] + consumer]
    instance = m[c.SESSION_INSTANCE + m[c.DELIVERY_SESSION + delivery]]
    if m[m[c.INSTANCE_BUGS] + instance]:
        probability = 1.0 - (1.0 - probability) * (1.0 - bug_probability(m, f, instance))
    if probability == 0.0:
        return False
    draw = (m[c.DELIVERY_ATTEMPT + delivery] + earlier(m, entry)) * DRAWS_PER_VARIATE
    about = _entity(m, consumer, delivery, attempt)
    return draws.unit(m, k.STREAM_OUTCOME, about, root, draw) < probability


@jit
def _after_call(m: Ints, f: Reals, worker: int) -> int:
    """Find out whether the handler is called again, and when."""
    consumer, failed = m[c.WORKER_CONSUMER + worker], m[c.WORKER_FAILED + worker]
    if m[c.WORKER_FRESH + worker] == NOTHING or failed == NOTHING:
        return _IS_OVER
    if m[m[c.CONSUMER_RETRY_WHERE] + consumer] != k.RETRY_WHERE_IN_PLACE:
        return _IS_OVER
    attempt = m[c.WORKER_TRY + worker]
    delay_ns = draws.retry_ns(
        m,
        f,
        m[m[c.CONSUMER_RETRIES] + consumer],
        _entity(m, consumer, failed, attempt),
        m[c.MESSAGE_ROOT + m[c.ENTRY_MESSAGE + m[c.DELIVERY_ENTRY + failed]]],
        attempt,
        m[c.NOW] - m[c.DELIVERY_STARTED_AT + failed],
        m[c.WORKER_PREVIOUS_NS + worker],
    )
    if delay_ns == GIVE_UP:
        return _IS_OVER
    m[c.WORKER_TRY + worker] = attempt + 1
    m[c.WORKER_PREVIOUS_NS + worker] = delay_ns
    m[c.WORKER_LOOKUP_NS + worker] = 0
    if delay_ns == 0:
        return _TRIES_AGAIN
    m[c.WORKER_STATE + worker] = AT_CALL
    number, copy = m[c.DELIVERY_ATTEMPT + failed], m[c.DELIVERY_COPY_ID + failed]
    what, due = a.RESUME_HANDLING, m[c.NOW] + delay_ns
    schedule(m, due, k.RANK_HANDLER_RETRY, consumer, copy, number, what, worker, 0, 0)
    return _WAITS
