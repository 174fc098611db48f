"""Reading: what the broker does for the members of a group that fetch and commit."""

from __future__ import annotations

from eda_sim.engine.compiled import actions as a
from eda_sim.engine.compiled import cells as c
from eda_sim.engine.compiled import codes as k
from eda_sim.engine.compiled import lists, model
from eda_sim.engine.compiled.calendar import schedule
from eda_sim.engine.compiled.lists import NOTHING
from eda_sim.engine.compiled.pointers import Ints, Reals, action, invoke, jit
from eda_sim.engine.compiled.sessions import send
from eda_sim.engine.compiled.topics import (
    be_readable,
    go_back,
    has_unread,
    make_readable,
    no_longer_readable,
)


@action(a.FETCH)
def fetch(m: Ints, f: Reals, member: int, _b: int, _c: int) -> int:
    """Take in a fetch; it waits here until there is enough, or has waited long enough."""
    if not m[c.SESSION_ALIVE + m[c.WORKER_SESSION + member]]:
        return 0
    m[c.WORKER_FETCH_WAITS + member] = 1
    m[c.WORKER_FETCHES + member] += 1
    if m[c.WORKER_READABLE_FIRST + member] != NOTHING:
        invoke(m, f, a.ANSWER_FETCH, member, 0, 0)
    if m[m[c.GROUP_FETCH_MIN_BYTES] + m[c.WORKER_CONSUMER + member]] > 1:
        _answer_later(m, member)
    return 0


@jit
def _answer_later(m: Ints, member: int) -> None:
    """Answer a fetch that still waits with whatever there is, when it has waited long enough."""
    if not m[c.WORKER_FETCH_WAITS + member]:
        return
    consumer, number = m[c.WORKER_CONSUMER + member], m[c.WORKER_FETCHES + member]
    row = m[m[c.CONSUMER_FIRST_SUBSCRIPTION] + consumer]
    schedule(
        m,
        m[c.NOW] + m[m[c.SUBSCRIPTION_FETCH_MAX_WAIT_NS] + row],
        k.RANK_FETCH_WAIT,
        consumer,
        m[c.WORKER_PLACE + member],
        number,
        a.ANSWER_ANYWAY,
        member,
        number,
        0,
    )


@action(a.ANSWER_ANYWAY)
def answer_anyway(m: Ints, f: Reals, member: int, number: int, _c: int) -> int:
    """Answer a fetch that has waited long enough, with little if need be."""
    if m[c.WORKER_FETCHES + member] == number and m[c.WORKER_FETCH_WAITS + member]:
        invoke(m, f, a.ANSWER_FETCH, member, 1, 0)
        _answer_later(m, member)
    return 0


@action(a.ANSWER_FETCH)
def answer(m: Ints, f: Reals, member: int, even_little: int, _c: int) -> int:
    """Answer a waiting fetch with what the member's partitions hold, one after the other.

    A partition that has more than fits goes to the back, so that none of them starves.
    """
    share = m[c.WORKER_READABLE_FIRST + member]
    if not m[c.WORKER_FETCH_WAITS + member] or share == NOTHING:
        return 0
    group, session = m[c.WORKER_CONSUMER + member], m[c.WORKER_SESSION + member]
    enough = m[m[c.GROUP_FETCH_MIN_BYTES] + group]
    if enough > 1 and not even_little and _readable_bytes(m, member) < enough:
        return 0
    instance = m[m[c.INSTANCE_NUMBER] + m[c.SESSION_INSTANCE + session]]
    room = m[m[c.GROUP_FETCH_MAX_MESSAGES] + group]
    first, last = NOTHING, NOTHING
    while share != NOTHING and room > 0:
        while room > 0 and has_unread(m, share):
            entry = _next_entry(m, f, share)
            if entry == NOTHING:
                continue
            delivery = model.new_delivery(m, entry, session, instance)
            m[c.DELIVERY_NEXT + delivery] = NOTHING
            m[c.ENTRY_HOLDER + entry] = delivery
            m[c.ENTRY_STATE + entry] = k.STATE_ACQUIRED
            if first == NOTHING:
                first = delivery
            else:
                m[c.DELIVERY_NEXT + last] = delivery
            last = delivery
            room -= 1
            subscription = m[m[c.SHARE_SUBSCRIPTION] + share]
            m[m[c.SUBSCRIPTION_AVAILABLE] + subscription] -= 1
            m[m[c.SUBSCRIPTION_ACQUIRED] + subscription] += 1
        no_longer_readable(m, member, share)
        if has_unread(m, share):
            be_readable(m, member, share)
        share = m[c.WORKER_READABLE_FIRST + member]
    if first != NOTHING:
        m[c.WORKER_FETCH_WAITS + member] = 0
        send(m, f, session, first, member)
    return 0


@jit
def _readable_bytes(m: Ints, member: int) -> int:
    total, share = 0, m[c.WORKER_READABLE_FIRST + member]
    while share != NOTHING:
        total += m[m[c.SHARE_UNREAD_BYTES] + share]
        share = m[m[c.SHARE_READABLE_NEXT] + share]
    return total


@jit
def _next_entry(m: Ints, f: Reals, share: int) -> int:
    """Move the position over one copy; return it, or NOTHING if it is final."""
    entry = m[m[c.SHARE_UNREAD] + share]
    m[m[c.SHARE_POSITION] + share] += 1
    m[m[c.SHARE_UNREAD] + share] = m[c.ENTRY_NEXT + entry]
    size_bytes = m[c.MESSAGE_SIZE_BYTES + m[c.ENTRY_MESSAGE + entry]]
    m[m[c.SHARE_UNREAD_BYTES] + share] -= size_bytes
    if not model.is_final(m, entry):
        return entry
    subscription = m[m[c.SHARE_SUBSCRIPTION] + share]
    if m[c.ENTRY_STATE + entry] == k.STATE_EXPIRED:
        if m[m[c.SUBSCRIPTION_START_AT_LATEST] + subscription]:
            _skip_to_end(m, f, share)
    return NOTHING


@jit
def _skip_to_end(m: Ints, f: Reals, share: int) -> None:
    """Read on at the end, because retention took what the position pointed at."""
    subscription = m[m[c.SHARE_SUBSCRIPTION] + share]
    while has_unread(m, share):
        entry = m[m[c.SHARE_UNREAD] + share]
        m[m[c.SHARE_POSITION] + share] += 1
        m[m[c.SHARE_UNREAD] + share] = m[c.ENTRY_NEXT + entry]
        size_bytes = m[c.MESSAGE_SIZE_BYTES + m[c.ENTRY_MESSAGE + entry]]
        m[m[c.SHARE_UNREAD_BYTES] + share] -= size_bytes
        if not model.is_final(m, entry):
            m[m[c.SUBSCRIPTION_AVAILABLE] + subscription] -= 1
            model.finish(m, f, entry, k.STATE_EXPIRED)


# Committing -----------------------------------------------------------------------------------


@action(a.COMMIT)
def commit(m: Ints, f: Reals, member: int, offsets: int, _c: int) -> int:
    """Record offsets; those of partitions that the member no longer owns are refused."""
    node = lists.first(m, offsets)
    while node != NOTHING and m[c.WORKER_IS_MEMBER + member]:
        share = m[c.NODE_VALUE + node]
        if m[m[c.SHARE_OWNER] + share] == member:
            _acknowledge(m, f, share, m[c.NODE_KEY + node])
        node = m[c.NODE_NEXT + node]
    lists.free_list(m, offsets)
    return 0


@jit
def _acknowledge(m: Ints, f: Reals, share: int, offset: int) -> None:
    """Commit an offset, or the position if that is not so far."""
    offset = min(offset, m[m[c.SHARE_POSITION] + share])
    subscription = m[m[c.SHARE_SUBSCRIPTION] + share]
    while m[m[c.SHARE_COMMITTED] + share] < offset:
        entry = m[m[c.SHARE_OPEN] + share]
        m[m[c.SHARE_OPEN] + share] = m[c.ENTRY_NEXT + entry]
        m[c.ENTRY_NEXT + entry] = NOTHING
        m[m[c.SHARE_COMMITTED] + share] += 1
        if model.is_final(m, entry):
            continue
        m[m[c.SUBSCRIPTION_ACQUIRED] + subscription] -= 1
        holder, state = m[c.ENTRY_HOLDER + entry], m[c.ENTRY_DISPOSITION + entry]
        if holder != NOTHING:
            if state == k.STATE_ACKNOWLEDGED:
                m[c.DELIVERY_SETTLED_AT + holder] = m[c.NOW]
            model.end_lease(m, holder, k.END_ACKNOWLEDGED, NOTHING)
        model.finish(m, f, entry, state)


# Ownership ------------------------------------------------------------------------------------


@action(a.TRANSFER)
def transfer(m: Ints, f: Reals, share: int, new_owner: int, _c: int) -> int:
    """Give a partition to its new owner, who reads on from the committed offset."""
    old_owner = m[m[c.SHARE_OWNER] + share]
    if old_owner != NOTHING:
        no_longer_readable(m, old_owner, share)
        m[m[c.SHARE_LAST_OWNER] + share] = old_owner
    go_back(m, share)
    m[m[c.SHARE_OWNER] + share] = new_owner
    make_readable(m, f, share)
    return 0
