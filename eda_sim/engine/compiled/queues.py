"""Queues: subscriptions with a lease on each delivery, settled one by one.

This is the state machine of a copy. The order of what is available is in :mod:`waiting`, who gets
it in :mod:`dispatch`, how leases run out in :mod:`leases`, how copies come back in
:mod:`redelivery`, and what becomes of them in the end in :mod:`dead_letters`. What happens in most
runs is here, what happens now and then is called by its number.
"""

from __future__ import annotations

from eda_sim.engine.compiled import actions as a
from eda_sim.engine.compiled import cells as c
from eda_sim.engine.compiled import codes as k
from eda_sim.engine.compiled import lists, maps, model
from eda_sim.engine.compiled.lists import NOTHING
from eda_sim.engine.compiled.model import NOT_LISTED, new_delivery
from eda_sim.engine.compiled.pointers import Ints, Reals, action, invoke, jit
from eda_sim.engine.compiled.sessions import ACKNOWLEDGE, MOVE, RELEASE, hold_of, send
from eda_sim.engine.compiled.waiting import IN_ORDER, add, build, first

_PARTED = 2_200_000
"""Owner in the hash table of the suspended partitions of the first subscription."""


@action(a.BUILD_QUEUE)
def build_queue(m: Ints, f: Reals, queue: int, _b: int, _c: int) -> int:
    """Let a subscription be empty."""
    consumer = m[m[c.SUBSCRIPTION_CONSUMER] + queue]
    settles_automatically = m[m[c.CONSUMER_SETTLE] + consumer] == k.SETTLE_AUTO
    counted = m[m[c.SUBSCRIPTION_DELIVERY_COUNT_ON] + queue] & k.DELIVERY_COUNT_DELIVER
    shared = m[m[c.SUBSCRIPTION_OUTSTANDING_SHARED] + queue]
    m[m[c.SUBSCRIPTION_AVAILABLE] + queue] = 0
    m[m[c.SUBSCRIPTION_SCHEDULED] + queue] = 0
    m[m[c.SUBSCRIPTION_ACQUIRED] + queue] = 0
    m[m[c.SUBSCRIPTION_FETCHES] + queue] = lists.new_list(m)
    m[m[c.SUBSCRIPTION_ROUND] + queue] = lists.new_list(m)
    m[m[c.SUBSCRIPTION_IS_CAREFUL] + queue] = int(settles_automatically)
    m[m[c.SUBSCRIPTION_HAS_DEADLINES] + queue] = 0
    m[m[c.SUBSCRIPTION_COUNTS] + queue] = int(counted != 0)
    m[m[c.SUBSCRIPTION_WINDOW] + queue] = (
        m[m[c.SUBSCRIPTION_MAX_OUTSTANDING] + queue] if shared else k.NONE
    )
    build(m, queue)
    invoke(m, f, a.BUILD_LEASES, queue, 0, 0)
    invoke(m, f, a.BUILD_REDELIVERY, queue, 0, 0)
    return 0


# What the channel calls -----------------------------------------------------------------------


@action(a.OFFER_TO_QUEUE)
def offer(m: Ints, f: Reals, entry: int, _b: int, _c: int) -> int:
    """Take in a copy that has just become visible."""
    queue = m[c.ENTRY_SUBSCRIPTION + entry]
    if m[m[c.SUBSCRIPTION_LINE_KIND] + queue] == IN_ORDER:
        add(m, queue, entry)
    else:
        invoke(m, f, a.ADD_TO_LINE, queue, entry, 0)
    m[m[c.SUBSCRIPTION_AVAILABLE] + queue] += 1
    if m[c.ENTRY_EXPIRES_AT + entry] != NOTHING:
        m[m[c.SUBSCRIPTION_HAS_DEADLINES] + queue] = 1
        m[m[c.SUBSCRIPTION_IS_CAREFUL] + queue] = 1
    if m[m[c.SUBSCRIPTION_SUSPENDED] + queue]:
        _part_again(m, f, queue, m[c.ENTRY_PARTITION + entry])
    invoke(m, f, a.DISPATCH, queue, 0, 0)
    return 0


@jit
def _part_again(m: Ints, f: Reals, queue: int, partition: int) -> None:
    """Take a copy out of the line again if its partition has no leader."""
    parted = maps.get(m, _PARTED + queue, partition, NOTHING)
    if parted != NOTHING:
        invoke(m, f, a.PART_LINE, queue, partition, parted)


@action(a.SUSPEND)
def suspend(m: Ints, f: Reals, queue: int, partition: int, _c: int) -> int:
    """Take the copies of a partition out of the line: it has no leader to hand them over."""
    if m[m[c.SUBSCRIPTION_LEASE_SCOPE] + queue] == k.LEASE_SCOPE_PARTITION:
        return invoke(m, f, a.SUSPEND_IN_GROUP, queue, partition, 0)
    parted = maps.get(m, _PARTED + queue, partition, NOTHING)
    if parted == NOTHING:
        parted = lists.new_list(m)
        maps.put(m, _PARTED + queue, partition, parted)
        m[m[c.SUBSCRIPTION_SUSPENDED] + queue] += 1
    lists.clear(m, parted)
    invoke(m, f, a.PART_LINE, queue, partition, parted)
    return 0


@action(a.RESUME)
def resume(m: Ints, f: Reals, queue: int, partition: int, _c: int) -> int:
    """Let the copies of a partition take their old places again."""
    if m[m[c.SUBSCRIPTION_LEASE_SCOPE] + queue] == k.LEASE_SCOPE_PARTITION:
        return invoke(m, f, a.RESUME_IN_GROUP, queue, partition, 0)
    parted = maps.get(m, _PARTED + queue, partition, NOTHING)
    if parted != NOTHING:
        maps.remove(m, _PARTED + queue, partition)
        m[m[c.SUBSCRIPTION_SUSPENDED] + queue] -= 1
        while lists.size(m, parted):
            entry = lists.pop_first(m, parted)
            if m[c.ENTRY_STATE + entry] == k.STATE_AVAILABLE:
                invoke(m, f, a.REJOIN_LINE, queue, entry, 0)
        lists.free_list(m, parted)
    invoke(m, f, a.DISPATCH, queue, 0, 0)
    return 0


@action(a.EXPIRE_AT_HEAD)
def expire_at_head(m: Ints, f: Reals, queue: int, partition: int, _c: int) -> int:
    """Let go of the copies whose time is over, up to the first that is not."""
    if m[m[c.SUBSCRIPTION_LEASE_SCOPE] + queue] == k.LEASE_SCOPE_PARTITION:
        return invoke(m, f, a.EXPIRE_AT_HEAD_IN_GROUP, queue, partition, 0)
    while True:
        entry = NOTHING
        if m[m[c.SUBSCRIPTION_LINE_KIND] + queue] == IN_ORDER:
            entry = first(m, queue)
        else:
            entry = invoke(m, f, a.FIRST_IN_LINE, queue, 0, 0)
        if entry == NOTHING:
            return 0
        expires_at = m[c.ENTRY_EXPIRES_AT + entry]
        if expires_at == NOTHING or expires_at > m[c.NOW]:
            return 0
        _remove(m, f, entry, k.STATE_EXPIRED)


@action(a.HOLD)
def hold(m: Ints, f: Reals, entry: int, _b: int, _c: int) -> int:
    """Take in a copy that is not visible before its delay is over."""
    queue = m[c.ENTRY_SUBSCRIPTION + entry]
    if m[m[c.SUBSCRIPTION_LEASE_SCOPE] + queue] == k.LEASE_SCOPE_PARTITION:
        return invoke(m, f, a.HOLD_IN_GROUP, entry, 0, 0)
    model.wait(m, entry)
    m[m[c.SUBSCRIPTION_SCHEDULED] + queue] += 1
    return 0


@action(a.ADMIT)
def admit(m: Ints, f: Reals, entry: int, _b: int, _c: int) -> int:
    """Let consumers have a copy whose delay is over, unless it has gone meanwhile."""
    queue = m[c.ENTRY_SUBSCRIPTION + entry]
    if m[m[c.SUBSCRIPTION_LEASE_SCOPE] + queue] == k.LEASE_SCOPE_PARTITION:
        return invoke(m, f, a.ADMIT_IN_GROUP, entry, 0, 0)
    if not model.is_final(m, entry):
        m[m[c.SUBSCRIPTION_SCHEDULED] + queue] -= 1
        model.appear(m, entry)
        invoke(m, f, a.OFFER_TO_QUEUE, entry, 0, 0)
    return 0


@action(a.REMOVE)
def remove(m: Ints, f: Reals, entry: int, state: int, _c: int) -> int:
    """Let go of a copy that its channel no longer has; a handler that runs it runs on."""
    queue = m[c.ENTRY_SUBSCRIPTION + entry]
    if m[m[c.SUBSCRIPTION_LEASE_SCOPE] + queue] == k.LEASE_SCOPE_PARTITION:
        return invoke(m, f, a.REMOVE_IN_GROUP, entry, state, 0)
    if model.is_final(m, entry):
        return 0
    _remove(m, f, entry, state)
    if m[m[c.SUBSCRIPTION_HAS_DEADLINES] + queue]:
        invoke(m, f, a.EXPIRE_AT_HEAD, queue, m[c.ENTRY_PARTITION + entry], 0)
    invoke(m, f, a.DISPATCH, queue, 0, 0)
    return 0


@jit
def _remove(m: Ints, f: Reals, entry: int, state: int) -> None:
    _take_out(m, entry, k.END_REMOVED)
    final = state
    queue = m[c.ENTRY_SUBSCRIPTION + entry]
    if state == k.STATE_EXPIRED and m[m[c.SUBSCRIPTION_DEAD_LETTER_EXPIRED] + queue]:
        invoke(m, f, a.MOVE_TO_DEAD_LETTERS, entry, 0, 0)
        final = k.STATE_DEAD_LETTERED
    finish(m, f, entry, final)


@jit
def _take_out(m: Ints, entry: int, end: int) -> None:
    """End the lease of a copy, if anybody holds one."""
    holder = m[c.ENTRY_HOLDER + entry]
    if holder != NOTHING:
        end_lease(m, holder, end, NOTHING)


# What clients say about a delivery ------------------------------------------------------------


@action(a.ARRIVE_SETTLEMENT)
def arrive_settlement(m: Ints, f: Reals, delivery: int, verdict: int, delay_ns: int) -> int:
    """Take in what an instance says about a delivery."""
    if verdict != ACKNOWLEDGE:
        return invoke(m, f, a.ARRIVE_VERDICT, delivery, verdict, delay_ns)
    entry = m[c.DELIVERY_ENTRY + delivery]
    queue = m[c.ENTRY_SUBSCRIPTION + entry]
    if m[c.ENTRY_HOLDER + entry] == delivery:
        end_lease(m, delivery, k.END_ACKNOWLEDGED, NOTHING)
    elif m[m[c.SUBSCRIPTION_LATE_ACKNOWLEDGEMENT_HONOURED] + queue] and not model.is_final(
        m, entry
    ):
        _take_out(m, entry, k.END_OVERTAKEN)
    else:
        return 0
    m[c.DELIVERY_SETTLED_AT + delivery] = m[c.NOW]
    finish(m, f, entry, k.STATE_ACKNOWLEDGED)
    if m[m[c.SUBSCRIPTION_AVAILABLE] + queue]:
        invoke(m, f, a.DISPATCH, queue, 0, 0)
    return 0


@action(a.ARRIVE_VERDICT)
def arrive_verdict(m: Ints, f: Reals, delivery: int, verdict: int, delay_ns: int) -> int:
    """Take in a negative acknowledgement, a rejection, or a wish to go to the retry channel."""
    entry = m[c.DELIVERY_ENTRY + delivery]
    queue = m[c.ENTRY_SUBSCRIPTION + entry]
    if m[m[c.SUBSCRIPTION_LEASE_SCOPE] + queue] == k.LEASE_SCOPE_PARTITION:
        # Only a move: the rest is settled with the offset.
        return invoke(m, f, a.STORE_FOR_RETRY, delivery, delay_ns, 0)
    if m[c.ENTRY_HOLDER + entry] != delivery:
        return 0
    if verdict == MOVE:
        m[c.OPEN] += 1  # in between the message is nowhere, but not done
        end_lease(m, delivery, k.END_ACKNOWLEDGED, NOTHING)
        finish(m, f, entry, k.STATE_MOVED)
        invoke(m, f, a.DISPATCH, queue, 0, 0)
        invoke(m, f, a.STORE_FOR_RETRY, delivery, delay_ns, 0)
        model.close(m)
        return 0
    if verdict == RELEASE:
        invoke(m, f, a.TAKE_BACK, delivery, k.END_RELEASED, delay_ns)
    elif m[m[c.SUBSCRIPTION_REJECT_REQUEUES] + queue]:
        invoke(m, f, a.TAKE_BACK, delivery, k.END_REJECTED, 0)
    else:
        end_lease(m, delivery, k.END_REJECTED, NOTHING)
        invoke(m, f, a.GIVE_UP, entry, 0, 0)
    invoke(m, f, a.DISPATCH, queue, 0, 0)
    return 0


# Handing over ---------------------------------------------------------------------------------


@jit
def hand_over(m: Ints, f: Reals, head: int, session: int, worker: int) -> None:
    """Lease a chain of copies to an instance and send them."""
    queue = m[c.ENTRY_SUBSCRIPTION + head]
    hold = hold_of(m, session, queue)
    entry, before, leader = head, NOTHING, NOTHING
    while entry != NOTHING:
        delivery = acquire(m, f, entry, session)
        m[c.DELIVERY_NEXT + delivery] = NOTHING
        if before == NOTHING:
            leader = delivery
        else:
            m[c.DELIVERY_NEXT + before] = delivery
        before = delivery
        _hold(m, hold, delivery)
        entry = m[c.ENTRY_NEXT + entry]
    send(m, f, session, leader, worker)
    if m[m[c.SUBSCRIPTION_IS_CAREFUL] + queue]:
        invoke(m, f, a.AFTER_HAND_OVER, queue, leader, before)


@action(a.AFTER_HAND_OVER)
def after_hand_over(m: Ints, f: Reals, queue: int, leader: int, last: int) -> int:
    """Settle what settles itself, and let go of what is too old and now comes first."""
    partition = m[c.ENTRY_PARTITION + m[c.DELIVERY_ENTRY + leader]]
    consumer = m[m[c.SUBSCRIPTION_CONSUMER] + queue]
    if m[m[c.CONSUMER_SETTLE] + consumer] == k.SETTLE_AUTO:
        delivery = leader
        while True:
            end_lease(m, delivery, k.END_ACKNOWLEDGED, NOTHING)
            m[c.DELIVERY_SETTLED_AT + delivery] = m[c.NOW]
            finish(m, f, m[c.DELIVERY_ENTRY + delivery], k.STATE_ACKNOWLEDGED)
            if delivery == last:
                break
            delivery = m[c.DELIVERY_NEXT + delivery]
    if m[m[c.SUBSCRIPTION_HAS_DEADLINES] + queue]:
        invoke(m, f, a.EXPIRE_AT_HEAD, queue, partition, 0)
    return 0


@jit
def _hold(m: Ints, hold: int, delivery: int) -> None:
    """Add a delivery to what a session holds, in the order of hand-over."""
    last = m[c.HOLD_LAST + hold]
    m[c.DELIVERY_HELD_PREVIOUS + delivery] = last
    m[c.DELIVERY_HELD_NEXT + delivery] = NOTHING
    if last == NOTHING:
        m[c.HOLD_FIRST + hold] = delivery
    else:
        m[c.DELIVERY_HELD_NEXT + last] = delivery
    m[c.HOLD_LAST + hold] = delivery
    m[c.HOLD_COUNT + hold] += 1


@jit
def _let_go(m: Ints, delivery: int) -> None:
    """Take a delivery out of what a session holds; a session without credit has some again."""
    queue = m[c.ENTRY_SUBSCRIPTION + m[c.DELIVERY_ENTRY + delivery]]
    hold = hold_of(m, m[c.DELIVERY_SESSION + delivery], queue)
    before = m[c.DELIVERY_HELD_PREVIOUS + delivery]
    after = m[c.DELIVERY_HELD_NEXT + delivery]
    if before == NOTHING:
        m[c.HOLD_FIRST + hold] = after
    else:
        m[c.DELIVERY_HELD_NEXT + before] = after
    if after == NOTHING:
        m[c.HOLD_LAST + hold] = before
    else:
        m[c.DELIVERY_HELD_PREVIOUS + after] = before
    m[c.DELIVERY_HELD_PREVIOUS + delivery] = NOT_LISTED
    m[c.HOLD_COUNT + hold] -= 1
    if m[c.HOLD_WITHOUT_CREDIT + hold]:
        m[c.HOLD_WITHOUT_CREDIT + hold] = 0
        m[c.HOLD_TURN + hold] = lists.append(m, m[m[c.SUBSCRIPTION_ROUND] + queue], hold)


@jit
def acquire(m: Ints, f: Reals, entry: int, session: int) -> int:
    """Begin the next attempt of a copy; without a session nobody takes it."""
    instance = NOTHING
    if session != NOTHING:
        instance = m[m[c.INSTANCE_NUMBER] + m[c.SESSION_INSTANCE + session]]
    delivery = new_delivery(m, entry, session, instance)
    m[c.ENTRY_HOLDER + entry] = delivery
    m[c.ENTRY_STATE + entry] = k.STATE_ACQUIRED
    queue = m[c.ENTRY_SUBSCRIPTION + entry]
    m[m[c.SUBSCRIPTION_AVAILABLE] + queue] -= 1
    m[m[c.SUBSCRIPTION_ACQUIRED] + queue] += 1
    m[c.ENTRY_COUNT + entry] += m[m[c.SUBSCRIPTION_COUNTS] + queue]
    if m[m[c.SUBSCRIPTION_RUNS_OUT] + queue] and session != NOTHING:
        invoke(m, f, a.BEGIN_LEASE, queue, delivery, 0)
    return delivery


# The states of a copy -------------------------------------------------------------------------


@jit
def end_lease(m: Ints, delivery: int, end: int, available_again_at: int) -> None:
    """End the lease of a copy's holder; its credit is free again."""
    model.end_lease(m, delivery, end, available_again_at)
    m[c.ENTRY_HOLDER + m[c.DELIVERY_ENTRY + delivery]] = NOTHING
    if m[c.DELIVERY_HELD_PREVIOUS + delivery] != NOT_LISTED:
        _let_go(m, delivery)


@jit
def make_available(m: Ints, f: Reals, entry: int) -> None:
    """Let a copy that was out wait for its next hand-over."""
    queue = m[c.ENTRY_SUBSCRIPTION + entry]
    _count_out(m, queue, entry)
    m[m[c.SUBSCRIPTION_AVAILABLE] + queue] += 1
    m[c.ENTRY_STATE + entry] = k.STATE_AVAILABLE
    m[c.ENTRY_AVAILABLE_AT + entry] = m[c.NOW]
    invoke(m, f, a.PUT_BACK, queue, entry, 0)
    if m[m[c.SUBSCRIPTION_SUSPENDED] + queue]:
        _part_again(m, f, queue, m[c.ENTRY_PARTITION + entry])
    if NOTHING < m[c.ENTRY_EXPIRES_AT + entry] <= m[c.NOW]:
        _remove(m, f, entry, k.STATE_EXPIRED)


@jit
def finish(m: Ints, f: Reals, entry: int, state: int) -> None:
    """Bring a copy whose lease has ended, or which had none, to a final state."""
    queue = m[c.ENTRY_SUBSCRIPTION + entry]
    if m[c.ENTRY_STATE + entry] == k.STATE_AVAILABLE:
        m[m[c.SUBSCRIPTION_AVAILABLE] + queue] -= 1
    elif m[c.ENTRY_DELIVERIES + entry] == 0:
        # Held back since it was stored, so it never stood in line.
        m[m[c.SUBSCRIPTION_SCHEDULED] + queue] -= 1
    else:
        _count_out(m, queue, entry)
        if m[m[c.SUBSCRIPTION_GROUPS] + queue] != NOTHING:
            invoke(m, f, a.SETTLED_IN_LINE, queue, entry, 0)
    if m[m[c.SUBSCRIPTION_REMEMBERS] + queue]:
        invoke(m, f, a.FORGET_REDELIVERY, queue, entry, 0)
    model.finish(m, f, entry, state)


@jit
def _count_out(m: Ints, queue: int, entry: int) -> None:
    """Count one less in the state in which a copy was that was out."""
    if m[c.ENTRY_STATE + entry] == k.STATE_SCHEDULED:
        m[m[c.SUBSCRIPTION_SCHEDULED] + queue] -= 1
    else:
        m[m[c.SUBSCRIPTION_ACQUIRED] + queue] -= 1
