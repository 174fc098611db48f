"""Queues: subscriptions with a lease on each delivery, settled one by one."""

from __future__ import annotations

from eda_sim.engine.compiled import actions as a
from eda_sim.engine.compiled import cells as c
from eda_sim.engine.compiled import codes as k
from eda_sim.engine.compiled import model
from eda_sim.engine.compiled.lists import NOTHING
from eda_sim.engine.compiled.model import NOT_LISTED, new_delivery
from eda_sim.engine.compiled.pointers import Ints, Reals, action, invoke, jit
from eda_sim.engine.compiled.sessions import hold_of, send

# What the channel calls -----------------------------------------------------------------------


@action(a.OFFER_TO_QUEUE)
def offer(m: Ints, f: Reals, entry: int, _b: int, _c: int) -> int:
    """Take in a copy that has just become visible."""
    queue = m[m[c.ENTRY_SUBSCRIPTION] + entry]
    add(m, queue, entry)
    m[m[c.SUBSCRIPTION_AVAILABLE] + queue] += 1
    invoke(m, f, a.DISPATCH, queue, 0, 0)
    return 0


@jit
def add(m: Ints, queue: int, entry: int) -> None:
    """Let a new copy join the end of the waiting line."""
    m[m[c.ENTRY_PLACE] + entry] = m[m[c.SUBSCRIPTION_NEXT_PLACE] + queue]
    m[m[c.SUBSCRIPTION_NEXT_PLACE] + queue] += 1
    m[m[c.ENTRY_NEXT] + entry] = NOTHING
    if m[m[c.SUBSCRIPTION_WAITING_FIRST] + queue] == NOTHING:
        m[m[c.SUBSCRIPTION_WAITING_FIRST] + queue] = entry
    else:
        m[m[c.ENTRY_NEXT] + m[m[c.SUBSCRIPTION_WAITING_LAST] + queue]] = entry
    m[m[c.SUBSCRIPTION_WAITING_LAST] + queue] = entry


@jit
def take_one(m: Ints, queue: int) -> int:
    """Remove and return the copy whose turn it is, or NOTHING."""
    while True:
        entry = m[m[c.SUBSCRIPTION_WAITING_FIRST] + queue]
        if entry == NOTHING:
            return NOTHING
        m[m[c.SUBSCRIPTION_WAITING_FIRST] + queue] = m[m[c.ENTRY_NEXT] + entry]
        if m[m[c.ENTRY_STATE] + entry] == k.STATE_AVAILABLE:
            return entry


# What clients call ----------------------------------------------------------------------------


@action(a.CONNECT)
def connect(m: Ints, f: Reals, hold: int, _b: int, _c: int) -> int:
    """Open a connection; a broker that pushes starts to send at once."""
    m[m[c.HOLD_IS_CONNECTED] + hold] = 1
    m[m[c.HOLD_FIRST] + hold] = NOTHING
    m[m[c.HOLD_LAST] + hold] = NOTHING
    m[m[c.HOLD_COUNT] + hold] = 0
    invoke(m, f, a.DISPATCH, m[m[c.HOLD_SUBSCRIPTION] + hold], 0, 0)
    return 0


@action(a.ARRIVE_SETTLEMENT)
def arrive_settlement(m: Ints, f: Reals, delivery: int, verdict: int, delay_ns: int) -> int:
    """Take in what an instance says about a delivery."""
    acknowledge(m, f, delivery)
    return 0


@jit
def acknowledge(m: Ints, f: Reals, delivery: int) -> None:
    """Take in an acknowledgement."""
    entry = m[m[c.DELIVERY_ENTRY] + delivery]
    if m[m[c.ENTRY_HOLDER] + entry] != delivery:
        return
    end_lease(m, f, delivery, k.END_ACKNOWLEDGED, NOTHING)
    m[m[c.DELIVERY_SETTLED_AT] + delivery] = m[c.NOW]
    finish(m, f, entry, k.STATE_ACKNOWLEDGED)
    invoke(m, f, a.DISPATCH, m[m[c.ENTRY_SUBSCRIPTION] + entry], 0, 0)


# Handing over ---------------------------------------------------------------------------------


@jit
def hand_over(m: Ints, f: Reals, first: int, session: int, worker: int) -> None:
    """Lease a chain of copies to an instance and send them."""
    queue = m[m[c.ENTRY_SUBSCRIPTION] + first]
    hold = hold_of(m, session, queue)
    entry, before, head = first, NOTHING, NOTHING
    while entry != NOTHING:
        delivery = acquire(m, entry, session)
        m[m[c.DELIVERY_NEXT] + delivery] = NOTHING
        if before == NOTHING:
            head = delivery
        else:
            m[m[c.DELIVERY_NEXT] + before] = delivery
        before = delivery
        _hold(m, hold, delivery)
        entry = m[m[c.ENTRY_NEXT] + entry]
    send(m, f, session, head, worker)


@jit
def _hold(m: Ints, hold: int, delivery: int) -> None:
    """Add a delivery to what a session holds, in the order of hand-over."""
    last = m[m[c.HOLD_LAST] + hold]
    m[m[c.DELIVERY_HELD_PREVIOUS] + delivery] = last
    m[m[c.DELIVERY_HELD_NEXT] + delivery] = NOTHING
    if last == NOTHING:
        m[m[c.HOLD_FIRST] + hold] = delivery
    else:
        m[m[c.DELIVERY_HELD_NEXT] + last] = delivery
    m[m[c.HOLD_LAST] + hold] = delivery
    m[m[c.HOLD_COUNT] + hold] += 1


@jit
def _let_go(m: Ints, hold: int, delivery: int) -> None:
    """Take a delivery out of what a session holds."""
    before = m[m[c.DELIVERY_HELD_PREVIOUS] + delivery]
    after = m[m[c.DELIVERY_HELD_NEXT] + delivery]
    if before == NOTHING:
        m[m[c.HOLD_FIRST] + hold] = after
    else:
        m[m[c.DELIVERY_HELD_NEXT] + before] = after
    if after == NOTHING:
        m[m[c.HOLD_LAST] + hold] = before
    else:
        m[m[c.DELIVERY_HELD_PREVIOUS] + after] = before
    m[m[c.DELIVERY_HELD_PREVIOUS] + delivery] = NOT_LISTED
    m[m[c.HOLD_COUNT] + hold] -= 1


@jit
def acquire(m: Ints, entry: int, session: int) -> int:
    """Begin the next attempt of a copy."""
    instance = m[m[c.INSTANCE_NUMBER] + m[m[c.SESSION_INSTANCE] + session]]
    delivery = new_delivery(m, entry, session, instance)
    m[m[c.ENTRY_HOLDER] + entry] = delivery
    m[m[c.ENTRY_STATE] + entry] = k.STATE_ACQUIRED
    queue = m[m[c.ENTRY_SUBSCRIPTION] + entry]
    m[m[c.SUBSCRIPTION_AVAILABLE] + queue] -= 1
    m[m[c.SUBSCRIPTION_ACQUIRED] + queue] += 1
    return delivery


# The states of a copy -------------------------------------------------------------------------


@jit
def end_lease(m: Ints, f: Reals, delivery: int, end: int, available_again_at: int) -> None:
    """End the lease of a copy's holder; its credit is free again."""
    model.end_lease(m, delivery, end, available_again_at)
    entry = m[m[c.DELIVERY_ENTRY] + delivery]
    m[m[c.ENTRY_HOLDER] + entry] = NOTHING
    if m[m[c.DELIVERY_HELD_PREVIOUS] + delivery] != NOT_LISTED:
        session = m[m[c.DELIVERY_SESSION] + delivery]
        _let_go(m, hold_of(m, session, m[m[c.ENTRY_SUBSCRIPTION] + entry]), delivery)


@jit
def finish(m: Ints, f: Reals, entry: int, state: int) -> None:
    """Bring a copy whose lease has ended, or which had none, to a final state."""
    queue = m[m[c.ENTRY_SUBSCRIPTION] + entry]
    m[m[c.SUBSCRIPTION_ACQUIRED] + queue] -= 1
    model.finish(m, f, entry, state)
