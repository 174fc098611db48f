"""Effects: what follows when a call of a handler is over, for each delivery of a part."""

from __future__ import annotations

from eda_sim.engine.compiled import actions as a
from eda_sim.engine.compiled import cells as c
from eda_sim.engine.compiled import codes as k
from eda_sim.engine.compiled import dedup, model
from eda_sim.engine.compiled.lists import NOTHING
from eda_sim.engine.compiled.operation import note_running
from eda_sim.engine.compiled.pointers import Ints, Reals, invoke, jit
from eda_sim.engine.compiled.sessions import (
    ACKNOWLEDGE,
    LEAVE,
    MOVE,
    no_longer_unfinished,
    settle,
)
from eda_sim.engine.compiled.verdicts import decide


@jit
def number_of(m: Ints, delivery: int) -> int:
    """Return the number of the message of a delivery."""
    return m[c.MESSAGE_ID + m[c.ENTRY_MESSAGE + m[c.DELIVERY_ENTRY + delivery]]]


@jit
def put_down(m: Ints, f: Reals, worker: int) -> None:
    """Be done with a part, and decide what becomes of each delivery."""
    consumer, session = m[c.WORKER_CONSUMER + worker], m[c.WORKER_SESSION + worker]
    count = m[c.WORKER_PART_COUNT + worker]
    if m[c.WORKER_INTERRUPTED + worker] == NOTHING:
        m[c.WORKER_RUNNING + worker] = 0
        m[m[c.CONSUMER_BUSY] + consumer] -= 1
        note_running(m, m[c.SESSION_INSTANCE + session], -1)
    delivery = m[c.WORKER_PART_FIRST + worker]
    for _ in range(count):
        m[c.DELIVERY_FINISHED_AT + delivery] = m[c.NOW]
        m[c.DELIVERY_VERDICT + delivery] = ACKNOWLEDGE
        m[c.DELIVERY_DELAY_NS + delivery] = 0
        no_longer_unfinished(m, session, delivery)
        delivery = m[c.DELIVERY_NEXT + delivery]
    delivery = m[c.WORKER_PART_FIRST + worker]
    for _ in range(count):
        if m[c.DELIVERY_HAS_FAILED + delivery]:
            decide(m, f, delivery)
        else:
            _take_effect(m, f, consumer, session, delivery)
        delivery = m[c.DELIVERY_NEXT + delivery]


@jit
def _take_effect(m: Ints, f: Reals, consumer: int, session: int, delivery: int) -> None:
    """Let an effect take place, unless it did before."""
    memory, number = m[c.SESSION_MEMORY + session], number_of(m, delivery)
    is_known = m[c.DELIVERY_IS_KNOWN + delivery] != 0
    if m[m[c.CONSUMER_DEDUP_TRANSACTIONAL] + consumer] and memory != NOTHING and not is_known:
        is_known = dedup.has_seen(m, consumer, memory, number)
    entry = m[c.DELIVERY_ENTRY + delivery]
    m[c.ENTRY_DISPOSITION + entry] = k.STATE_ACKNOWLEDGED
    if is_known:
        m[c.DELIVERY_OUTCOME + delivery] = k.OUTCOME_SKIPPED
        return
    m[c.DELIVERY_OUTCOME + delivery] = k.OUTCOME_OK
    m[c.DELIVERY_EFFECT + delivery] = 1
    if memory != NOTHING:
        dedup.record(m, consumer, memory, number)
    if m[m[c.CONSUMER_EMITS] + consumer]:
        message = m[c.ENTRY_MESSAGE + entry]
        invoke(m, f, a.EMIT, message, m[c.SESSION_INSTANCE + session], 0)


@jit
def settle_part(m: Ints, f: Reals, worker: int) -> None:
    """Tell the broker how it went; in a group the offset says it, but for what is moved."""
    consumer = m[c.WORKER_CONSUMER + worker]
    in_queue = not m[m[c.CONSUMER_IS_GROUP] + consumer]
    after = m[m[c.CONSUMER_SETTLE] + consumer] == k.SETTLE_AFTER
    delivery = m[c.WORKER_PART_FIRST + worker]
    for _ in range(m[c.WORKER_PART_COUNT + worker]):
        following = m[c.DELIVERY_NEXT + delivery]
        verdict = m[c.DELIVERY_VERDICT + delivery]
        if (in_queue and after and verdict != LEAVE) or (not in_queue and verdict == MOVE):
            settle(m, f, delivery, verdict, m[c.DELIVERY_DELAY_NS + delivery])
        model.close(m)
        delivery = following
