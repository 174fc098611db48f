"""Topics: the channels that a group reads, partition by partition.

A row of SHARE is one partition as a group sees it. Its log is a chain of copies by offset, of which
only what is not committed is looked at: ``OPEN`` is the first such copy, ``UNREAD`` the one at the
position (NOTHING at the end of the log). Everything before the position was handed to the owner.
``TARGET`` is who shall own the partition, ``LAST_OWNER`` who owned it before nobody did.
"""

from __future__ import annotations

from eda_sim.engine.compiled import actions as a
from eda_sim.engine.compiled import cells as c
from eda_sim.engine.compiled import codes as k
from eda_sim.engine.compiled import model
from eda_sim.engine.compiled.lists import NOTHING
from eda_sim.engine.compiled.pointers import Ints, Reals, action, invoke, jit
from eda_sim.engine.compiled.rows import add_row


@jit
def new_share(m: Ints, group: int, subscription: int, number: int) -> None:
    """Make the row of one partition of a group."""
    share = add_row(m, c.SHARE_ROWS)
    m[m[c.SHARE_GROUP] + share] = group
    m[m[c.SHARE_SUBSCRIPTION] + share] = subscription
    m[m[c.SHARE_NUMBER] + share] = number
    for cell in (
        c.SHARE_POSITION,
        c.SHARE_COMMITTED,
        c.SHARE_LOG_END,
        c.SHARE_UNREAD_BYTES,
        c.SHARE_HELD,
        c.SHARE_IS_SUSPENDED,
        c.SHARE_IS_READABLE,
    ):
        m[m[cell] + share] = 0
    for cell in (
        c.SHARE_OPEN,
        c.SHARE_UNREAD,
        c.SHARE_LOG_LAST,
        c.SHARE_OWNER,
        c.SHARE_TARGET,
        c.SHARE_LAST_OWNER,
    ):
        m[m[cell] + share] = NOTHING


@jit
def share_of(m: Ints, entry: int) -> int:
    """Return the partition in whose log a copy stands."""
    subscription = m[c.ENTRY_SUBSCRIPTION + entry]
    return m[m[c.SUBSCRIPTION_FIRST_SHARE] + subscription] + m[c.ENTRY_PARTITION + entry]


@jit
def has_unread(m: Ints, share: int) -> bool:
    """Return whether the log goes on behind the position, with something that may be read."""
    entry = m[m[c.SHARE_UNREAD] + share]
    if entry == NOTHING or m[m[c.SHARE_IS_SUSPENDED] + share]:
        return False
    if m[m[c.SHARE_HELD] + share] == 0:
        return True
    return m[c.ENTRY_STATE + entry] != k.STATE_SCHEDULED


@jit
def _join_log(m: Ints, share: int, entry: int) -> None:
    """Put a copy at its offset: retention may have taken what a failover lost there."""
    if m[c.ENTRY_OFFSET + entry] < m[m[c.SHARE_LOG_END] + share]:
        _cut(m, share, m[c.ENTRY_OFFSET + entry])
    m[c.ENTRY_NEXT + entry] = NOTHING
    if m[m[c.SHARE_OPEN] + share] == NOTHING:
        m[m[c.SHARE_OPEN] + share] = entry
    else:
        m[c.ENTRY_NEXT + m[m[c.SHARE_LOG_LAST] + share]] = entry
    if m[m[c.SHARE_UNREAD] + share] == NOTHING:
        m[m[c.SHARE_UNREAD] + share] = entry
    m[m[c.SHARE_LOG_LAST] + share] = entry
    m[m[c.SHARE_LOG_END] + share] += 1


@jit
def _cut(m: Ints, share: int, offset: int) -> None:
    """Let the log end before an offset."""
    committed = m[m[c.SHARE_COMMITTED] + share]
    if offset < m[m[c.SHARE_LOG_END] + share]:
        m[m[c.SHARE_LOG_END] + share] = offset
        if offset <= m[m[c.SHARE_POSITION] + share]:
            m[m[c.SHARE_POSITION] + share] = offset
            m[m[c.SHARE_UNREAD] + share] = NOTHING
        if offset <= committed:
            m[m[c.SHARE_COMMITTED] + share] = offset
            m[m[c.SHARE_OPEN] + share] = NOTHING
        else:
            last = m[m[c.SHARE_OPEN] + share]
            for _ in range(offset - committed - 1):
                last = m[c.ENTRY_NEXT + last]
            m[c.ENTRY_NEXT + last] = NOTHING
            m[m[c.SHARE_LOG_LAST] + share] = last
    unread_bytes, unread = 0, m[m[c.SHARE_UNREAD] + share]
    while unread != NOTHING:
        if m[c.ENTRY_STATE + unread] != k.STATE_SCHEDULED:
            unread_bytes += m[c.MESSAGE_SIZE_BYTES + m[c.ENTRY_MESSAGE + unread]]
        unread = m[c.ENTRY_NEXT + unread]
    m[m[c.SHARE_UNREAD_BYTES] + share] = unread_bytes


@jit
def go_back(m: Ints, share: int) -> None:
    """Set the position back to the committed offset: what was read in between comes again."""
    committed = m[m[c.SHARE_COMMITTED] + share]
    subscription = m[m[c.SHARE_SUBSCRIPTION] + share]
    now = m[c.NOW]
    entry = m[m[c.SHARE_OPEN] + share]
    for _ in range(m[m[c.SHARE_POSITION] + share] - committed):
        message = m[c.ENTRY_MESSAGE + entry]
        m[m[c.SHARE_UNREAD_BYTES] + share] += m[c.MESSAGE_SIZE_BYTES + message]
        if not model.is_final(m, entry):
            m[c.ENTRY_STATE + entry] = k.STATE_AVAILABLE
            m[c.ENTRY_AVAILABLE_AT + entry] = now
            holder = m[c.ENTRY_HOLDER + entry]
            if holder != NOTHING:
                model.end_lease(m, holder, k.END_REVOKED, now)
            m[c.ENTRY_HOLDER + entry] = NOTHING
            m[m[c.SUBSCRIPTION_AVAILABLE] + subscription] += 1
            m[m[c.SUBSCRIPTION_ACQUIRED] + subscription] -= 1
        entry = m[c.ENTRY_NEXT + entry]
    m[m[c.SHARE_POSITION] + share] = committed
    m[m[c.SHARE_UNREAD] + share] = m[m[c.SHARE_OPEN] + share]


# What may be read -----------------------------------------------------------------------------


@jit
def be_readable(m: Ints, member: int, share: int) -> None:
    """Let a partition join the end of the line of those that its owner will read."""
    last = m[c.WORKER_READABLE_LAST + member]
    m[m[c.SHARE_IS_READABLE] + share] = 1
    m[m[c.SHARE_READABLE_NEXT] + share] = NOTHING
    m[m[c.SHARE_READABLE_PREVIOUS] + share] = last
    if last == NOTHING:
        m[c.WORKER_READABLE_FIRST + member] = share
    else:
        m[m[c.SHARE_READABLE_NEXT] + last] = share
    m[c.WORKER_READABLE_LAST + member] = share


@jit
def no_longer_readable(m: Ints, member: int, share: int) -> None:
    """Take a partition out of the line of those that its owner will read, if it stands there."""
    if not m[m[c.SHARE_IS_READABLE] + share]:
        return
    m[m[c.SHARE_IS_READABLE] + share] = 0
    before = m[m[c.SHARE_READABLE_PREVIOUS] + share]
    after = m[m[c.SHARE_READABLE_NEXT] + share]
    if before == NOTHING:
        m[c.WORKER_READABLE_FIRST + member] = after
    else:
        m[m[c.SHARE_READABLE_NEXT] + before] = after
    if after == NOTHING:
        m[c.WORKER_READABLE_LAST + member] = before
    else:
        m[m[c.SHARE_READABLE_PREVIOUS] + after] = before


@jit
def make_readable(m: Ints, f: Reals, share: int) -> None:
    """Let the owner read what a partition holds, unless it is about to give it up."""
    owner = m[m[c.SHARE_OWNER] + share]
    if owner == NOTHING or owner != m[m[c.SHARE_TARGET] + share] or not has_unread(m, share):
        return
    if not m[m[c.SHARE_IS_READABLE] + share]:
        be_readable(m, owner, share)
    if m[c.WORKER_FETCH_WAITS + owner]:
        invoke(m, f, a.ANSWER_FETCH, owner, 0, 0)


# What the channel calls -----------------------------------------------------------------------


@action(a.OFFER_TO_GROUP)
def offer(m: Ints, f: Reals, entry: int, _b: int, _c: int) -> int:
    """Take in a copy that has just become visible."""
    share = share_of(m, entry)
    _join_log(m, share, entry)
    message = m[c.ENTRY_MESSAGE + entry]
    m[m[c.SHARE_UNREAD_BYTES] + share] += m[c.MESSAGE_SIZE_BYTES + message]
    m[m[c.SUBSCRIPTION_AVAILABLE] + m[c.ENTRY_SUBSCRIPTION + entry]] += 1
    make_readable(m, f, share)
    return 0


@action(a.HOLD_IN_GROUP)
def hold(m: Ints, _f: Reals, entry: int, _b: int, _c: int) -> int:
    """Take in a copy that is not visible before its delay is over; what follows it waits."""
    share = share_of(m, entry)
    model.wait(m, entry)
    _join_log(m, share, entry)
    m[m[c.SHARE_HELD] + share] += 1
    m[m[c.SUBSCRIPTION_SCHEDULED] + m[c.ENTRY_SUBSCRIPTION + entry]] += 1
    return 0


@action(a.ADMIT_IN_GROUP)
def admit(m: Ints, f: Reals, entry: int, _b: int, _c: int) -> int:
    """Let the group read a copy whose delay is over, unless it has gone meanwhile."""
    if not model.is_final(m, entry):
        model.appear(m, entry)
        m[m[c.SUBSCRIPTION_AVAILABLE] + m[c.ENTRY_SUBSCRIPTION + entry]] += 1
        _no_longer_held(m, f, entry)
    return 0


@jit
def _no_longer_held(m: Ints, f: Reals, entry: int) -> None:
    share = share_of(m, entry)
    message = m[c.ENTRY_MESSAGE + entry]
    m[m[c.SHARE_HELD] + share] -= 1
    m[m[c.SHARE_UNREAD_BYTES] + share] += m[c.MESSAGE_SIZE_BYTES + message]
    m[m[c.SUBSCRIPTION_SCHEDULED] + m[c.ENTRY_SUBSCRIPTION + entry]] -= 1
    make_readable(m, f, share)


@action(a.REMOVE_IN_GROUP)
def remove(m: Ints, f: Reals, entry: int, state: int, _c: int) -> int:
    """Let go of a copy that its channel no longer has; its offset stays empty.

    A failover removes from the end (TRUNCATED): those offsets are given out again.
    """
    if not model.is_final(m, entry):
        subscription = m[c.ENTRY_SUBSCRIPTION + entry]
        before = m[c.ENTRY_STATE + entry]
        if before == k.STATE_ACQUIRED:
            m[m[c.SUBSCRIPTION_ACQUIRED] + subscription] -= 1
        elif before != k.STATE_SCHEDULED:
            m[m[c.SUBSCRIPTION_AVAILABLE] + subscription] -= 1
        holder = m[c.ENTRY_HOLDER + entry]
        if holder != NOTHING:
            model.end_lease(m, holder, k.END_REMOVED, NOTHING)
        m[c.ENTRY_HOLDER + entry] = NOTHING
        model.finish(m, f, entry, state)
        if before == k.STATE_SCHEDULED:
            _no_longer_held(m, f, entry)
    if state == k.STATE_TRUNCATED:
        _cut(m, share_of(m, entry), m[c.ENTRY_OFFSET + entry])
    return 0


@action(a.SUSPEND_IN_GROUP)
def suspend(m: Ints, _f: Reals, subscription: int, partition: int, _c: int) -> int:
    """Let nobody read from a partition that has no leader."""
    share = m[m[c.SUBSCRIPTION_FIRST_SHARE] + subscription] + partition
    m[m[c.SHARE_IS_SUSPENDED] + share] = 1
    return 0


@action(a.RESUME_IN_GROUP)
def resume(m: Ints, f: Reals, subscription: int, partition: int, _c: int) -> int:
    """Let the owner of a partition read on: it has a leader again."""
    share = m[m[c.SUBSCRIPTION_FIRST_SHARE] + subscription] + partition
    m[m[c.SHARE_IS_SUSPENDED] + share] = 0
    make_readable(m, f, share)
    return 0


@action(a.EXPIRE_AT_HEAD_IN_GROUP)
def expire_at_head(m: Ints, f: Reals, subscription: int, partition: int, _c: int) -> int:
    """Let go of the copies whose time is over, from the position on to the first that lives."""
    share = m[m[c.SUBSCRIPTION_FIRST_SHARE] + subscription] + partition
    entry = m[m[c.SHARE_UNREAD] + share]
    while entry != NOTHING:
        following = m[c.ENTRY_NEXT + entry]
        if not model.is_final(m, entry):
            expires_at = m[c.ENTRY_EXPIRES_AT + entry]
            if expires_at == NOTHING or expires_at > m[c.NOW]:
                break
            invoke(m, f, a.REMOVE_IN_GROUP, entry, k.STATE_EXPIRED, 0)
        entry = following
    return 0
