"""Verdicts: what becomes of a message whose handler failed, when it is not tried again in place."""

from __future__ import annotations

from eda_sim.engine.compiled import actions as a
from eda_sim.engine.compiled import cells as c
from eda_sim.engine.compiled import codes as k
from eda_sim.engine.compiled.draws import GIVE_UP, retry_ns
from eda_sim.engine.compiled.histories import history_of
from eda_sim.engine.compiled.pointers import Ints, Reals, action, invoke, jit
from eda_sim.engine.compiled.sessions import LEAVE, MOVE, REJECT, RELEASE, entity
from eda_sim.engine.compiled.transfers import store_copy


@jit
def decide(m: Ints, f: Reals, delivery: int) -> None:
    """Decide about a failed delivery; if nobody here tries it again, that has consequences."""
    session = m[c.DELIVERY_SESSION + delivery]
    consumer = m[c.SESSION_CONSUMER + session]
    where = m[m[c.CONSUMER_RETRY_WHERE] + consumer]
    delay_ns = GIVE_UP
    if where != k.RETRY_WHERE_IN_PLACE:
        delay_ns = _delay_elsewhere(m, f, consumer, delivery)
    m[c.DELIVERY_OUTCOME + delivery] = k.OUTCOME_FAILED
    if delay_ns != GIVE_UP:
        m[c.DELIVERY_DELAY_NS + delivery] = delay_ns
        m[c.DELIVERY_VERDICT + delivery] = RELEASE
        if where == k.RETRY_WHERE_CHANNEL:
            m[c.DELIVERY_VERDICT + delivery] = MOVE
            _dispose(m, consumer, delivery, k.STATE_MOVED)
        return
    m[c.DELIVERY_DELAY_NS + delivery] = 0
    exhausted = m[m[c.CONSUMER_ON_EXHAUSTED] + consumer]
    if exhausted == k.ON_EXHAUSTED_REJECT:
        m[c.DELIVERY_OUTCOME + delivery] = k.OUTCOME_DEAD
        m[c.DELIVERY_VERDICT + delivery] = REJECT
    elif exhausted == k.ON_EXHAUSTED_RELEASE:
        m[c.DELIVERY_VERDICT + delivery] = RELEASE
    else:
        m[c.DELIVERY_VERDICT + delivery] = LEAVE
    _dispose(m, consumer, delivery, k.STATE_DISCARDED)
    if m[m[c.CONSUMER_EMITS] + consumer]:
        message = m[c.ENTRY_MESSAGE + m[c.DELIVERY_ENTRY + delivery]]
        invoke(m, f, a.EMIT, message, m[c.SESSION_INSTANCE + session], 1)


@jit
def _dispose(m: Ints, consumer: int, delivery: int, state: int) -> None:
    """Let a later cumulative acknowledgement bring the copy to this state."""
    if m[m[c.CONSUMER_SETTLE] + consumer] != k.SETTLE_BEFORE:
        m[c.ENTRY_DISPOSITION + m[c.DELIVERY_ENTRY + delivery]] = state


@jit
def _delay_elsewhere(m: Ints, f: Reals, consumer: int, delivery: int) -> int:
    """Return the delay before a message is tried again by whoever gets it next."""
    history = history_of(m, delivery)
    message = m[c.ENTRY_MESSAGE + m[c.DELIVERY_ENTRY + delivery]]
    delay_ns = retry_ns(
        m,
        f,
        m[m[c.CONSUMER_RETRIES] + consumer],
        entity(m, consumer, m[c.ENTRY_LINEAGE + m[c.DELIVERY_ENTRY + delivery]]),
        m[c.MESSAGE_ROOT + message],
        m[c.HISTORY_TRIED + history] + m[c.DELIVERY_ATTEMPT + delivery],
        m[c.NOW] - m[c.HISTORY_FIRST_STARTED_AT + history],
        m[c.HISTORY_PREVIOUS_DELAY_NS + history],
    )
    m[c.HISTORY_PREVIOUS_DELAY_NS + history] = max(0, delay_ns)
    return delay_ns


@action(a.STORE_FOR_RETRY)
def store_for_retry(m: Ints, f: Reals, delivery: int, delay_ns: int, _c: int) -> int:
    """Store a copy of a failed message in the retry channel; its attempts go on there."""
    entry = m[c.DELIVERY_ENTRY + delivery]
    consumer = m[c.ENTRY_CONSUMER + entry]
    before = history_of(m, delivery)
    deliveries = m[c.HISTORY_EARLIER + before] + m[c.ENTRY_DELIVERIES + entry]
    store_copy(
        m,
        f,
        m[m[c.CONSUMER_RETRY_CHANNEL] + consumer],
        m[c.ENTRY_MESSAGE + entry],
        m[c.ENTRY_COPY_ID + entry],
        consumer,
        deliveries,
        m[c.ENTRY_LINEAGE + entry],
        a.CARRY_OVER,
        delivery,
        delay_ns,
    )
    return 0


@action(a.CARRY_OVER)
def carry_over(m: Ints, _f: Reals, delivery: int, entries: int, count: int) -> int:
    """Let a new copy take the history of the old one over; draws know already where they go on."""
    old = m[c.DELIVERY_ENTRY + delivery]
    before = m[c.ENTRY_HISTORY + old]
    tried = m[c.HISTORY_TRIED + before] + m[c.DELIVERY_ATTEMPT + delivery]
    for entry in range(entries, entries + count * c.ENTRY_WIDTH, c.ENTRY_WIDTH):
        if m[c.ENTRY_CONSUMER + entry] != m[c.ENTRY_CONSUMER + old]:
            continue
        history = m[c.ENTRY_HISTORY + entry]
        for cell in (c.HISTORY_FIRST_STARTED_AT, c.HISTORY_PREVIOUS_DELAY_NS):
            m[cell + history] = m[cell + before]
        m[c.HISTORY_TRIED + history] = tried
    return 0
