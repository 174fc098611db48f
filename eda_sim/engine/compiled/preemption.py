"""Preemption: what is more urgent interrupts what is being handled, which goes on later (rule H25).

What is interrupted is a chain of deliveries, linked by NEXT; the last one that was interrupted
comes first, and is the first to go on.
"""

from __future__ import annotations

from eda_sim.engine.compiled import actions as a
from eda_sim.engine.compiled import cells as c
from eda_sim.engine.compiled import lists, speed
from eda_sim.engine.compiled.calendar import wake
from eda_sim.engine.compiled.lists import NOTHING
from eda_sim.engine.compiled.pointers import Ints, Reals, action, jit
from eda_sim.engine.compiled.sessions import AT_HEAD, CALLING, LOOKING_UP, wake_up

# Cells that nobody needs before a delivery is put down hold what is left of interrupted work.
_LEFT_NS = c.DELIVERY_DELAY_NS
_LIMIT = c.DELIVERY_VERDICT


@jit
def urgency(m: Ints, delivery: int) -> int:
    """Return the priority of a delivery, among those of the subscription."""
    entry = m[c.DELIVERY_ENTRY + delivery]
    most = m[m[c.SUBSCRIPTION_PRIORITIES] + m[c.ENTRY_SUBSCRIPTION + entry]] - 1
    return min(m[c.MESSAGE_PRIORITY + m[c.ENTRY_MESSAGE + entry]], most)


@jit
def is_behind(m: Ints, session: int, delivery: int) -> bool:
    """Return whether something that is more urgent than a delivery waits."""
    first = m[c.SESSION_BUFFER_FIRST + session]
    return first != NOTHING and urgency(m, first) > urgency(m, delivery)


@action(a.RECEIVE_BY_URGENCY)
def receive(m: Ints, f: Reals, session: int, first: int, _c: int) -> int:
    """Take deliveries into the buffer by priority, and then of arrival; interrupt what is less."""
    delivery = first
    while delivery != NOTHING:
        following = m[c.DELIVERY_NEXT + delivery]
        _insert(m, session, delivery)
        delivery = following
    idle = m[c.SESSION_IDLE + session]
    if lists.size(m, idle):
        wake_up(m, lists.pop_first(m, idle))
        return 0
    works = m[m[c.INSTANCE_WORKS] + m[c.SESSION_INSTANCE + session]]
    if lists.size(m, works):
        interrupt(m, f, m[c.SESSION_FIRST_WORKER + session])
    return 0


@jit
def _insert(m: Ints, session: int, delivery: int) -> None:
    before, after = NOTHING, m[c.SESSION_BUFFER_FIRST + session]
    while after != NOTHING and urgency(m, after) >= urgency(m, delivery):
        before, after = after, m[c.DELIVERY_NEXT + after]
    m[c.DELIVERY_NEXT + delivery] = after
    if before == NOTHING:
        m[c.SESSION_BUFFER_FIRST + session] = delivery
    else:
        m[c.DELIVERY_NEXT + before] = delivery


@jit
def interrupt(m: Ints, f: Reals, worker: int) -> None:
    """Put aside what a worker handles if something more urgent waits; it looks for work again."""
    session = m[c.WORKER_SESSION + worker]
    if not is_behind(m, session, m[c.WORKER_PART_FIRST + worker]):
        return
    instance = m[c.SESSION_INSTANCE + session]
    speed.bring_up_to_date(m, f, instance)
    lists.remove(m, m[m[c.INSTANCE_WORKS] + instance], m[c.WORKER_WORK_NODE + worker])
    m[c.WORKER_WORK_VERSION + worker] += 1
    delivery = m[c.WORKER_PART_FIRST + worker]
    m[_LEFT_NS + delivery] = m[c.WORKER_WORK_LEFT + worker]
    m[_LIMIT + delivery] = m[c.WORKER_WORK_LIMIT + worker]
    m[c.DELIVERY_NEXT + delivery] = m[c.WORKER_INTERRUPTED + worker]
    m[c.WORKER_INTERRUPTED + worker] = delivery
    m[c.WORKER_STATE + worker] = AT_HEAD
    wake(m, a.RESUME_WORKER, worker, 0)


@jit
def level(m: Ints, worker: int) -> int:
    """Return the number of a worker, plus how many handlings stand interrupted."""
    interrupted = m[c.WORKER_INTERRUPTED + worker]
    if interrupted == NOTHING:
        return m[c.WORKER_NUMBER + worker]
    return m[c.DELIVERY_WORKER + interrupted] + 1


@action(a.GO_ON)
def go_on(m: Ints, f: Reals, worker: int, _b: int, _c: int) -> int:
    """Go on with what was interrupted last."""
    delivery = m[c.WORKER_INTERRUPTED + worker]
    m[c.WORKER_INTERRUPTED + worker] = m[c.DELIVERY_NEXT + delivery]
    m[c.DELIVERY_NEXT + delivery] = NOTHING
    is_known = m[c.DELIVERY_IS_KNOWN + delivery] != 0
    m[c.WORKER_PART_FIRST + worker] = delivery
    m[c.WORKER_PART_COUNT + worker] = 1
    m[c.WORKER_FRESH + worker] = NOTHING if is_known else delivery
    m[c.WORKER_TRY + worker] = 1
    m[c.WORKER_PREVIOUS_NS + worker] = 0
    m[c.WORKER_STATE + worker] = LOOKING_UP if is_known else CALLING
    speed.go_on_with_work(m, f, worker, m[_LEFT_NS + delivery], m[_LIMIT + delivery])
    return 0
