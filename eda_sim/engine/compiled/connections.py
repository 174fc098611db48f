"""Connections of sessions to queues: they open, hand nothing more over, and close."""

from __future__ import annotations

from eda_sim.engine.compiled import actions as a
from eda_sim.engine.compiled import cells as c
from eda_sim.engine.compiled import codes as k
from eda_sim.engine.compiled import lists
from eda_sim.engine.compiled.lists import NOTHING
from eda_sim.engine.compiled.model import NOT_LISTED
from eda_sim.engine.compiled.pointers import Ints, Reals, action, invoke, jit


@action(a.CONNECT)
def connect(m: Ints, f: Reals, hold: int, _b: int, _c: int) -> int:
    """Open a connection; a broker that pushes starts to send at once."""
    queue = m[c.HOLD_SUBSCRIPTION + hold]
    m[c.HOLD_IS_CONNECTED + hold] = 1
    m[c.HOLD_FIRST + hold] = NOTHING
    m[c.HOLD_LAST + hold] = NOTHING
    m[c.HOLD_COUNT + hold] = 0
    m[c.HOLD_WITHOUT_CREDIT + hold] = 0
    m[c.HOLD_TURN + hold] = NOTHING
    if m[m[c.SUBSCRIPTION_SWEEP_INTERVAL_NS] + queue] != k.NONE:
        invoke(m, f, a.START_SWEEPING, hold, 0, 0)
    if m[m[c.SUBSCRIPTION_DELIVERY] + queue] != k.DELIVERY_MODE_PULL:
        m[c.HOLD_TURN + hold] = lists.append(m, m[m[c.SUBSCRIPTION_ROUND] + queue], hold)
    invoke(m, f, a.DISPATCH, queue, 0, 0)
    return 0


@action(a.CANCEL)
def cancel(m: Ints, _f: Reals, hold: int, _b: int, _c: int) -> int:
    """Hand nothing more to an instance that is about to close its connection."""
    if m[c.HOLD_IS_CONNECTED + hold]:
        _leave(m, hold)
    return 0


@jit
def _leave(m: Ints, hold: int) -> None:
    """Count on an instance no longer: answer none of its requests, send it nothing."""
    queue = m[c.HOLD_SUBSCRIPTION + hold]
    m[c.HOLD_WITHOUT_CREDIT + hold] = 0
    if m[c.HOLD_TURN + hold] != NOTHING:
        lists.remove(m, m[m[c.SUBSCRIPTION_ROUND] + queue], m[c.HOLD_TURN + hold])
        m[c.HOLD_TURN + hold] = NOTHING
    node = lists.first(m, m[m[c.SUBSCRIPTION_FETCHES] + queue])
    while node != NOTHING:
        fetch = lists.value(m, node)
        worker = m[c.FETCH_WORKER + fetch]
        if m[c.WORKER_SESSION + worker] == m[c.HOLD_SESSION + hold]:
            m[c.FETCH_ANSWERED + fetch] = 1
        node = lists.following(m, node)


@action(a.DISCONNECT_QUEUE)
def disconnect(m: Ints, f: Reals, hold: int, end: int, _c: int) -> int:
    """Notice that a connection is closed; unless leases hold, what it held comes back."""
    if not m[c.HOLD_IS_CONNECTED + hold]:
        return 0
    queue = m[c.HOLD_SUBSCRIPTION + hold]
    m[c.HOLD_IS_CONNECTED + hold] = 0
    head = m[c.HOLD_FIRST + hold]
    delivery = head
    while delivery != NOTHING:
        m[c.DELIVERY_HELD_PREVIOUS + delivery] = NOT_LISTED
        delivery = m[c.DELIVERY_HELD_NEXT + delivery]
    _leave(m, hold)
    if not m[m[c.SUBSCRIPTION_HOLD_ON_DISCONNECT] + queue]:
        delivery = head
        while delivery != NOTHING:
            invoke(m, f, a.TAKE_BACK, delivery, end, 0)
            delivery = m[c.DELIVERY_HELD_NEXT + delivery]
    invoke(m, f, a.DISPATCH, queue, 0, 0)
    return 0
