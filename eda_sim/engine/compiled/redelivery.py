"""Redelivery: how a copy comes back whose lease ended without a settlement.

Every end counts or does not (``delivery_count_on``); a copy is given up when its next delivery
would bring the count above ``max_deliveries``, or when the retry policy has no further attempt.
Else it is available again after the delay of the policy; with a delay it is SCHEDULED meanwhile.
"""

from __future__ import annotations

from eda_sim.engine.compiled import actions as a
from eda_sim.engine.compiled import cells as c
from eda_sim.engine.compiled import codes as k
from eda_sim.engine.compiled import draws, maps
from eda_sim.engine.compiled.calendar import schedule
from eda_sim.engine.compiled.lists import NOTHING
from eda_sim.engine.compiled.pointers import Ints, Reals, action, invoke, jit
from eda_sim.engine.compiled.queues import end_lease, make_available
from eda_sim.engine.compiled.sessions import entity

_BEGAN_AT = 2_000_000
_LAST_DELAY_NS = 2_000_001
"""Owners in the hash table: when the first attempt of a copy began, and its last delay."""


@action(a.BUILD_REDELIVERY)
def build(m: Ints, _f: Reals, queue: int, _b: int, _c: int) -> int:
    """Make the owners of the retry policies of a subscription; NOTHING for at once, without end."""
    policy = m[m[c.SUBSCRIPTION_REDELIVERY] + queue]
    nack_policy = m[m[c.SUBSCRIPTION_NACK_REDELIVERY] + queue]
    owner = NOTHING if policy == k.AT_ONCE else draws.new_retries(m, policy)
    m[m[c.SUBSCRIPTION_POLICY] + queue] = owner
    if nack_policy != policy:
        owner = NOTHING if nack_policy == k.AT_ONCE else draws.new_retries(m, nack_policy)
    m[m[c.SUBSCRIPTION_NACK_POLICY] + queue] = owner
    m[m[c.SUBSCRIPTION_REMEMBERS] + queue] = 0
    return 0


@jit
def _counted_as(end: int) -> int:
    """Return the bit that says whether an end of a lease counts."""
    if end == k.END_EXPIRED:
        return k.DELIVERY_COUNT_TIMEOUT
    if end == k.END_RELEASED:
        return k.DELIVERY_COUNT_NACK
    if end == k.END_REJECTED:
        return k.DELIVERY_COUNT_REJECT
    return k.DELIVERY_COUNT_DISCONNECT


@action(a.TAKE_BACK)
def take_back(m: Ints, f: Reals, delivery: int, end: int, wished_ns: int) -> int:
    """Take a copy back from its holder; ``wished_ns`` is how long the holder asked it to wait."""
    entry = m[c.DELIVERY_ENTRY + delivery]
    queue = m[c.ENTRY_SUBSCRIPTION + entry]
    if m[m[c.SUBSCRIPTION_DELIVERY_COUNT_ON] + queue] & _counted_as(end):
        m[c.ENTRY_COUNT + entry] += 1
    limit = m[m[c.SUBSCRIPTION_MAX_DELIVERIES] + queue]
    count = m[c.ENTRY_COUNT + entry] + m[m[c.SUBSCRIPTION_COUNTS] + queue]
    exceeded = limit != k.NONE and count > limit
    delay_ns = wished_ns
    if not exceeded and delay_ns == 0:
        delay_ns = _delay_ns(m, f, queue, delivery, end)
    if exceeded or delay_ns == draws.GIVE_UP:
        end_lease(m, delivery, end, NOTHING)
        invoke(m, f, a.GIVE_UP, entry, 0, 0)
        return 0
    due = m[c.NOW] + delay_ns
    end_lease(m, delivery, end, due)
    if delay_ns == 0:
        make_available(m, f, entry)
        return 0
    m[m[c.SUBSCRIPTION_ACQUIRED] + queue] -= 1
    m[m[c.SUBSCRIPTION_SCHEDULED] + queue] += 1
    m[c.ENTRY_STATE + entry] = k.STATE_SCHEDULED
    attempt, copy_id = m[c.DELIVERY_ATTEMPT + delivery], m[c.ENTRY_COPY_ID + entry]
    schedule(
        m, due, k.RANK_REDELIVERY, queue, copy_id, attempt, a.REDELIVERY_IS_DUE, entry, attempt, 0
    )
    return 0


@action(a.REDELIVERY_IS_DUE)
def due(m: Ints, f: Reals, entry: int, attempt: int, _c: int) -> int:
    """Let a copy come back whose delay is over, unless it has gone meanwhile."""
    if m[c.ENTRY_STATE + entry] != k.STATE_SCHEDULED:
        return 0
    if m[c.ENTRY_DELIVERIES + entry] == attempt:
        make_available(m, f, entry)
        invoke(m, f, a.DISPATCH, m[c.ENTRY_SUBSCRIPTION + entry], 0, 0)
    return 0


@jit
def _delay_ns(m: Ints, f: Reals, queue: int, delivery: int, end: int) -> int:
    """Return the delay of the retry policy, or GIVE_UP."""
    owner = m[m[c.SUBSCRIPTION_POLICY] + queue]
    if end == k.END_RELEASED:
        owner = m[m[c.SUBSCRIPTION_NACK_POLICY] + queue]
    if owner == NOTHING:
        return 0
    entry = m[c.DELIVERY_ENTRY + delivery]
    message = m[c.ENTRY_MESSAGE + entry]
    began_at = maps.get(m, _BEGAN_AT, entry, NOTHING)
    if began_at == NOTHING:
        draws.note_first_attempt(m, owner)
        began_at = m[c.DELIVERY_ACQUIRED_AT + delivery]
        maps.put(m, _BEGAN_AT, entry, began_at)
        m[m[c.SUBSCRIPTION_REMEMBERS] + queue] = 1
    consumer, channel = m[c.ENTRY_CONSUMER + entry], m[c.ENTRY_CHANNEL + entry]
    about = entity(m, consumer, m[c.ENTRY_LINEAGE + entry])
    delay_ns = draws.retry_ns(
        m,
        f,
        owner,
        draws.mix(about, m[m[c.CHANNEL_ADDRESS] + channel]),
        m[c.MESSAGE_ROOT + message],
        m[c.DELIVERY_ATTEMPT + delivery],
        m[c.NOW] - began_at,
        maps.get(m, _LAST_DELAY_NS, entry, 0),
    )
    maps.put(m, _LAST_DELAY_NS, entry, delay_ns)
    return delay_ns


@action(a.FORGET_REDELIVERY)
def forget(m: Ints, _f: Reals, _queue: int, entry: int, _c: int) -> int:
    """Drop what was kept about a copy that is final."""
    maps.remove(m, _BEGAN_AT, entry)
    maps.remove(m, _LAST_DELAY_NS, entry)
    return 0
