"""Groups: subscriptions with a lease on each partition, and cumulative acknowledgement.

A consumer group reads partitions. Each partition belongs to one member at a time (a member is one
worker of one instance), which reads on from the position and commits offsets. A commit
acknowledges everything before it. When a partition changes hands, the position goes back to the
committed offset: what was read and not committed is delivered again.

A group has the row of its consumer. Its members are a chain in the order of (instance, session,
worker); static members have no session in their key, and take the place of a predecessor.

This module is about who is a member. What members read and commit is in :mod:`reading`, who gets
what in :mod:`assignment`, how partitions change hands in :mod:`rebalancing`, the client's side in
:mod:`members`.
"""

from __future__ import annotations

from eda_sim.engine.compiled import actions as a
from eda_sim.engine.compiled import cells as c
from eda_sim.engine.compiled import codes as k
from eda_sim.engine.compiled import lists
from eda_sim.engine.compiled.calendar import schedule
from eda_sim.engine.compiled.heartbeats import last_heartbeat
from eda_sim.engine.compiled.lists import NOTHING
from eda_sim.engine.compiled.members import go_on
from eda_sim.engine.compiled.pointers import Ints, Reals, action, invoke, jit
from eda_sim.engine.compiled.rebalancing import given_up, has_barrier
from eda_sim.engine.compiled.topics import new_share

_BITS = 21
"""Bits for the number of a session, and for that of a worker, in the key of a member."""


@action(a.BUILD_GROUP)
def build(m: Ints, _f: Reals, group: int, _b: int, _c: int) -> int:
    """Make the rows of a group and of its partitions."""
    row = m[m[c.CONSUMER_FIRST_SUBSCRIPTION] + group]
    m[c.GROUP_ROWS] = m[c.CONSUMER_ROWS]
    m[m[c.GROUP_FIRST_SHARE] + group] = m[c.SHARE_ROWS]
    for subscription in range(row, row + m[m[c.CONSUMER_SUBSCRIPTIONS] + group]):
        m[m[c.SUBSCRIPTION_AVAILABLE] + subscription] = 0
        m[m[c.SUBSCRIPTION_SCHEDULED] + subscription] = 0
        m[m[c.SUBSCRIPTION_ACQUIRED] + subscription] = 0
        m[m[c.SUBSCRIPTION_FIRST_SHARE] + subscription] = m[c.SHARE_ROWS]
        channel = m[m[c.SUBSCRIPTION_CHANNEL] + subscription]
        for number in range(m[m[c.CHANNEL_PARTITIONS] + channel]):
            new_share(m, group, subscription, number)
    m[m[c.GROUP_SHARES] + group] = m[c.SHARE_ROWS] - m[m[c.GROUP_FIRST_SHARE] + group]
    m[m[c.GROUP_MEMBER_FIRST] + group] = NOTHING
    m[m[c.GROUP_MEMBER_LAST] + group] = NOTHING
    m[m[c.GROUP_MEMBERS] + group] = 0
    m[m[c.GROUP_PROTOCOL] + group] = m[m[c.SUBSCRIPTION_REBALANCE_PROTOCOL] + row]
    m[m[c.GROUP_FETCH_MIN_BYTES] + group] = m[m[c.SUBSCRIPTION_FETCH_MIN_BYTES] + row]
    m[m[c.GROUP_FETCH_MAX_MESSAGES] + group] = m[m[c.SUBSCRIPTION_FETCH_MAX_MESSAGES] + row]
    m[m[c.GROUP_IS_PREPARING] + group] = 0
    m[m[c.GROUP_GENERATION] + group] = 0
    m[m[c.GROUP_EPOCH] + group] = 0
    m[m[c.GROUP_IS_PENDING] + group] = 0
    m[m[c.GROUP_EVENTS] + group] = 0
    m[m[c.GROUP_ASSIGNED_AT] + group] = -m[m[c.SUBSCRIPTION_ASSIGNMENT_INTERVAL_NS] + row]
    return 0


@action(a.START_GROUP)
def start(m: Ints, f: Reals, group: int, _b: int, _c: int) -> int:
    """Let all instances be members from the first moment."""
    first = m[m[c.CONSUMER_FIRST_INSTANCE] + group]
    workers = m[m[c.CONSUMER_CONCURRENCY] + group]
    for instance in range(first, first + m[m[c.CONSUMER_INSTANCES] + group]):
        session = m[m[c.INSTANCE_SESSION] + instance]
        if session != NOTHING:
            row = m[c.SESSION_FIRST_WORKER + session]
            for worker in range(row, row + workers * c.WORKER_WIDTH, c.WORKER_WIDTH):
                _enter(m, group, worker)
    invoke(m, f, a.START_PROTOCOL, group, 0, 0)
    return 0


# Membership -----------------------------------------------------------------------------------


@jit
def _enter(m: Ints, group: int, worker: int) -> int:
    """Put a worker into the chain of members; return the one in whose place it steps.

    That is NOTHING for most, and the worker itself if it was a member already.
    """
    session = m[c.WORKER_SESSION + worker]
    key = m[m[c.INSTANCE_NUMBER] + m[c.SESSION_INSTANCE + session]] << _BITS
    if not m[m[c.SUBSCRIPTION_STATIC_MEMBERSHIP] + m[m[c.CONSUMER_FIRST_SUBSCRIPTION] + group]]:
        key += m[c.SESSION_NUMBER + session]
    key = (key << _BITS) + m[c.WORKER_NUMBER + worker]
    before = m[m[c.GROUP_MEMBER_LAST] + group]
    while before != NOTHING and m[c.WORKER_MEMBER_KEY + before] > key:
        before = m[c.WORKER_MEMBER_PREVIOUS + before]
    predecessor = NOTHING
    if before != NOTHING and m[c.WORKER_MEMBER_KEY + before] == key:
        if before == worker:
            return worker
        predecessor = before
        before = m[c.WORKER_MEMBER_PREVIOUS + before]
        _unlink(m, group, predecessor)
    after = m[m[c.GROUP_MEMBER_FIRST] + group]
    if before != NOTHING:
        after = m[c.WORKER_MEMBER_NEXT + before]
        m[c.WORKER_MEMBER_NEXT + before] = worker
    else:
        m[m[c.GROUP_MEMBER_FIRST] + group] = worker
    if after != NOTHING:
        m[c.WORKER_MEMBER_PREVIOUS + after] = worker
    else:
        m[m[c.GROUP_MEMBER_LAST] + group] = worker
    m[c.WORKER_MEMBER_KEY + worker] = key
    m[c.WORKER_MEMBER_PREVIOUS + worker] = before
    m[c.WORKER_MEMBER_NEXT + worker] = after
    m[c.WORKER_IS_MEMBER + worker] = 1
    m[m[c.GROUP_MEMBERS] + group] += 1
    return predecessor


@jit
def _unlink(m: Ints, group: int, worker: int) -> None:
    """Take a worker out of the chain of members."""
    before = m[c.WORKER_MEMBER_PREVIOUS + worker]
    after = m[c.WORKER_MEMBER_NEXT + worker]
    if before == NOTHING:
        m[m[c.GROUP_MEMBER_FIRST] + group] = after
    else:
        m[c.WORKER_MEMBER_NEXT + before] = after
    if after == NOTHING:
        m[m[c.GROUP_MEMBER_LAST] + group] = before
    else:
        m[c.WORKER_MEMBER_PREVIOUS + after] = before
    m[c.WORKER_IS_MEMBER + worker] = 0
    m[m[c.GROUP_MEMBERS] + group] -= 1


@action(a.JOIN_GROUP)
def join(m: Ints, f: Reals, session: int, _b: int, _c: int) -> int:
    """Take in an instance that came up; a static member takes its predecessor's place."""
    if m[c.SESSION_ALIVE + session]:
        workers = m[m[c.CONSUMER_CONCURRENCY] + m[c.SESSION_CONSUMER + session]]
        invoke(m, f, a.ADMIT_MEMBERS, m[c.SESSION_FIRST_WORKER + session], workers, 0)
    return 0


@action(a.ADMIT_MEMBERS)
def admit(m: Ints, f: Reals, first: int, count: int, _c: int) -> int:
    """Take in workers, one row after the other, that ask to be members."""
    group = m[c.WORKER_CONSUMER + first]
    joined = lists.new_list(m)
    for worker in range(first, first + count * c.WORKER_WIDTH, c.WORKER_WIDTH):
        predecessor = _enter(m, group, worker)
        if predecessor == NOTHING:
            lists.append(m, joined, worker)
        elif predecessor != worker:
            _replace(m, f, group, predecessor, worker)
    # A worker that was a member before has dropped what it had, so the next owner goes back.
    row = m[m[c.GROUP_FIRST_SHARE] + group]
    for share in range(row, row + m[m[c.GROUP_SHARES] + group]):
        owner = m[m[c.SHARE_OWNER] + share]
        if owner != NOTHING and lists.find(m, joined, owner) != NOTHING:
            invoke(m, f, a.TRANSFER, share, NOTHING, 0)
    if lists.size(m, joined):
        barrier = has_barrier(m, group)
        node = lists.first(m, joined)
        while node != NOTHING:
            worker = lists.value(m, node)
            if barrier:
                m[c.WORKER_JOINED + worker] = m[m[c.GROUP_EPOCH] + group]
            else:
                go_on(m, worker)
            node = lists.following(m, node)
        invoke(m, f, a.MEMBERS_CHANGED, group, 0, 0)
    lists.free_list(m, joined)
    return 0


@jit
def _replace(m: Ints, f: Reals, group: int, old: int, new: int) -> None:
    invoke(m, f, a.MEMBER_REPLACED, old, new, 0)
    first = m[m[c.GROUP_FIRST_SHARE] + group]
    for share in range(first, first + m[m[c.GROUP_SHARES] + group]):
        if m[m[c.SHARE_TARGET] + share] == old:
            m[m[c.SHARE_TARGET] + share] = new
        if m[m[c.SHARE_OWNER] + share] == old:
            invoke(m, f, a.TRANSFER, share, new, 0)


@action(a.LEAVE_GROUP)
def leave(m: Ints, f: Reals, session: int, _b: int, _c: int) -> int:
    """Let an instance go that said good-bye: nobody has to wait for its session to time out."""
    workers = m[m[c.CONSUMER_CONCURRENCY] + m[c.SESSION_CONSUMER + session]]
    invoke(m, f, a.REMOVE_MEMBERS, m[c.SESSION_FIRST_WORKER + session], workers, 0)
    return 0


@action(a.REMOVE_MEMBERS)
def remove(m: Ints, f: Reals, first: int, count: int, _c: int) -> int:
    """Count on these workers no longer; what they still do, they do without the group."""
    group, gone = m[c.WORKER_CONSUMER + first], 0
    for worker in range(first, first + count * c.WORKER_WIDTH, c.WORKER_WIDTH):
        if m[c.WORKER_IS_MEMBER + worker]:
            gone += 1
            _unlink(m, group, worker)
            m[c.WORKER_JOINED + worker] = NOTHING
    if gone:
        invoke(m, f, a.MEMBERS_CHANGED, group, 0, 0)
    return 0


@action(a.EXCLUDE_LATE)
def exclude_late(m: Ints, f: Reals, group: int, _b: int, _c: int) -> int:
    """Count on those members no longer who have not joined in time."""
    gone, member = 0, m[m[c.GROUP_MEMBER_FIRST] + group]
    while member != NOTHING:
        following = m[c.WORKER_MEMBER_NEXT + member]
        if m[c.WORKER_JOINED + member] != m[m[c.GROUP_EPOCH] + group]:
            gone += 1
            _unlink(m, group, member)
        member = following
    if gone:
        invoke(m, f, a.MEMBERS_CHANGED, group, 0, 0)
    return 0


@action(a.GIVE_PARTITIONS_UP)
def give_up(m: Ints, f: Reals, member: int, moved: int, _c: int) -> int:
    """Take back what a live owner lets go."""
    group = m[c.WORKER_CONSUMER + member]
    given = m[c.WORKER_GIVEN_UP + member]
    node = lists.first(m, moved)
    while node != NOTHING:
        place = lists.find(m, given, lists.value(m, node))
        if place != NOTHING:
            lists.remove(m, given, place)
        node = lists.following(m, node)
    while lists.size(m, moved):
        share = lists.pop_first(m, moved)
        if m[m[c.SHARE_OWNER] + share] == member:
            given_up(m, f, group, share)
    lists.free_list(m, moved)
    return 0


# Signs of life --------------------------------------------------------------------------------


@action(a.GROUP_FELL_SILENT)
def fell_silent(m: Ints, f: Reals, session: int, _b: int, _c: int) -> int:
    """Start the clock after which the group misses an instance that sends no heartbeats."""
    consumer, silence = m[c.SESSION_CONSUMER + session], m[c.SESSION_SILENCES + session]
    row = m[m[c.CONSUMER_FIRST_SUBSCRIPTION] + consumer]
    schedule(
        m,
        last_heartbeat(m, f, session) + m[m[c.SUBSCRIPTION_LEASE_TIMEOUT_NS] + row],
        k.RANK_SESSION_TIMEOUT,
        consumer,
        m[m[c.INSTANCE_NUMBER] + m[c.SESSION_INSTANCE + session]],
        (m[c.SESSION_NUMBER + session] << 12) + silence,
        a.SESSION_TIMED_OUT,
        session,
        silence,
        0,
    )
    return 0


@action(a.SESSION_TIMED_OUT)
def session_timed_out(m: Ints, f: Reals, session: int, silence: int, _c: int) -> int:
    """Count on the workers of a session no longer from which nothing was heard."""
    if m[c.SESSION_SILENT + session] and m[c.SESSION_SILENCES + session] == silence:
        invoke(m, f, a.LEAVE_GROUP, session, 0, 0)
    return 0


@action(a.GROUP_DISCONNECT)
def disconnect(m: Ints, _f: Reals, session: int, _b: int, _c: int) -> int:
    """Notice that a connection is closed: its fetches get no answer any more."""
    first = m[c.SESSION_FIRST_WORKER + session]
    workers = m[m[c.CONSUMER_CONCURRENCY] + m[c.SESSION_CONSUMER + session]]
    for worker in range(first, first + workers * c.WORKER_WIDTH, c.WORKER_WIDTH):
        m[c.WORKER_FETCH_WAITS + worker] = 0
    return 0
