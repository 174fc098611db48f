"""Members: the client's side of a consumer group.

A member polls: it takes what was fetched, handles it in order, commits, and polls again. While it
works on what it polled, the next fetch is already on its way. Between polls it is deaf to the
group: what the group wants of it (give a partition up, join a new generation) waits for its next
poll. What it commits is in :mod:`commits`.
"""

from __future__ import annotations

from eda_sim.engine.compiled import actions as a
from eda_sim.engine.compiled import cells as c
from eda_sim.engine.compiled import codes as k
from eda_sim.engine.compiled import lists, model
from eda_sim.engine.compiled.calendar import schedule
from eda_sim.engine.compiled.commits import (
    auto_commit_later,
    commit,
    commit_consumed,
    forget_consumed,
    note_consumed,
    note_offset,
    send,
)
from eda_sim.engine.compiled.lists import NOTHING
from eda_sim.engine.compiled.pointers import Ints, Reals, action, invoke, jit
from eda_sim.engine.compiled.sessions import (
    AT_HEAD,
    GONE,
    no_longer_unfinished,
    sleep,
    wake_up,
)
from eda_sim.engine.compiled.topics import no_longer_readable, share_of

# Whether a batch is being handed to its handler, and has been handled when the call is over.
NO_CALL = 0
CALLING = 1
HANDLED = 2


@action(a.MAKE_MEMBERS)
def make_members(m: Ints, _f: Reals, session: int, _b: int, _c: int) -> int:
    """Let the workers of a new session know nothing yet of their group."""
    first = m[c.SESSION_FIRST_WORKER + session]
    workers = m[m[c.CONSUMER_CONCURRENCY] + m[c.SESSION_CONSUMER + session]]
    for worker in range(first, first + workers * c.WORKER_WIDTH, c.WORKER_WIDTH):
        for cell in (
            c.WORKER_IS_MEMBER,
            c.WORKER_SHALL_GIVE_UP,
            c.WORKER_SHALL_REJOIN,
            c.WORKER_POLLED_AT,
            c.WORKER_IS_WATCHED,
            c.WORKER_IS_FETCHING,
            c.WORKER_AUTO_COMMIT_IS_DUE,
            c.WORKER_AUTO_COMMITS,
            c.WORKER_CALLS,
            c.WORKER_FETCH_WAITS,
            c.WORKER_FETCHES,
        ):
            m[cell + worker] = 0
        for cell in (
            c.WORKER_GIVEN_UP,
            c.WORKER_OFFSETS,
            c.WORKER_CONSUMED,
            c.WORKER_READABLE_FIRST,
            c.WORKER_READABLE_LAST,
            c.WORKER_JOINED,
        ):
            m[cell + worker] = NOTHING
        for cell in (c.WORKER_IS_STOPPED, c.WORKER_IS_JOINING, c.WORKER_IS_POLLING):
            m[cell + worker] = 1
    return 0


# What the group wants -------------------------------------------------------------------------


@jit
def go_on(m: Ints, worker: int) -> None:
    """Go on: the group has taken this worker in, or has a new assignment for it."""
    m[c.WORKER_IS_STOPPED + worker] = 0
    m[c.WORKER_IS_JOINING + worker] = 0
    wake_up(m, worker)


@jit
def let_go(m: Ints, worker: int, share: int) -> None:
    """Read no more from a partition, and give it up at the next poll."""
    no_longer_readable(m, worker, share)
    m[c.WORKER_SHALL_GIVE_UP + worker] = 1
    wake_up(m, worker)


@action(a.ANSWER_GROUP)
def answer_group(m: Ints, f: Reals, worker: int, _b: int, _c: int) -> int:
    """Do at a poll what the group wants of this worker, or ask to be a member again."""
    group = m[c.WORKER_CONSUMER + worker]
    if not m[c.WORKER_IS_MEMBER + worker]:
        if not m[c.WORKER_IS_JOINING + worker]:
            m[c.WORKER_IS_JOINING + worker] = 1
            m[c.WORKER_IS_STOPPED + worker] = 1
            m[c.WORKER_SHALL_GIVE_UP + worker] = 0
            m[c.WORKER_SHALL_REJOIN + worker] = 0
            forget_consumed(m, worker)
            send(m, f, worker, k.RANK_JOIN, a.ADMIT_MEMBERS, 1)
        return 0
    if m[c.WORKER_SHALL_GIVE_UP + worker]:
        m[c.WORKER_SHALL_GIVE_UP + worker] = 0
        moved = _moved(m, group, worker)
        if moved != NOTHING:
            commit_consumed(m, f, worker)
            send(m, f, worker, k.RANK_COMMIT, a.GIVE_PARTITIONS_UP, moved)
    if m[c.WORKER_SHALL_REJOIN + worker]:
        m[c.WORKER_SHALL_REJOIN + worker] = 0
        commit_consumed(m, f, worker)
        eager = m[m[c.GROUP_PROTOCOL] + group] == k.REBALANCE_PROTOCOL_EAGER
        m[c.WORKER_IS_STOPPED + worker] = int(eager)
        send(m, f, worker, k.RANK_COMMIT, a.MEMBER_REJOINED, 0)
    return 0


@jit
def _moved(m: Ints, group: int, worker: int) -> int:
    """Return a list of the partitions that a member has to give up, NOTHING if there is none.

    Until the group knows, all that still comes from them is dropped.
    """
    moved, given_up = NOTHING, m[c.WORKER_GIVEN_UP + worker]
    first = m[m[c.GROUP_FIRST_SHARE] + group]
    for share in range(first, first + m[m[c.GROUP_SHARES] + group]):
        if m[m[c.SHARE_OWNER] + share] != worker or m[m[c.SHARE_TARGET] + share] == worker:
            continue
        if moved == NOTHING:
            moved = lists.new_list(m)
        if given_up == NOTHING:
            given_up = lists.new_list(m)
            m[c.WORKER_GIVEN_UP + worker] = given_up
        lists.append(m, moved, share)
        if lists.find(m, given_up, share) == NOTHING:
            lists.append(m, given_up, share)
    return moved


# Polling --------------------------------------------------------------------------------------


@action(a.START_MEMBER)
def start(m: Ints, f: Reals, worker: int, _b: int, _c: int) -> int:
    """Let a member begin."""
    if m[c.WORKER_STATE + worker] == AT_HEAD:
        if m[m[c.CONSUMER_SETTLE] + m[c.WORKER_CONSUMER + worker]] == k.SETTLE_AUTO:
            auto_commit_later(m, worker)
        invoke(m, f, a.RESUME_MEMBER, worker, 0, 0)
    return 0


@action(a.BATCH_HANDLED)
def batch_handled(m: Ints, f: Reals, worker: int, _b: int, _c: int) -> int:
    """Let a member go on whose batch has been handled; a call of the handler ends first."""
    if m[c.WORKER_CALLS + worker] == CALLING:
        m[c.WORKER_CALLS + worker] = HANDLED
    else:
        m[c.WORKER_STATE + worker] = AT_HEAD
        invoke(m, f, a.RESUME_MEMBER, worker, 1, 0)
    return 0


@action(a.RESUME_MEMBER)
def resume(m: Ints, f: Reals, worker: int, has_handled: int, _c: int) -> int:
    """Poll, handle what came, commit; until there is nothing, or the session closes."""
    session = m[c.WORKER_SESSION + worker]
    is_done = has_handled == 1
    while m[c.WORKER_STATE + worker] != GONE:
        if is_done:
            _settle_batch(m, f, worker)
            m[c.WORKER_IS_POLLING + worker] = 1
        instance = m[c.SESSION_INSTANCE + session]
        if m[m[c.INSTANCE_HAS_SPEED] + instance] and _stands_still(m, worker, instance):
            return 0
        if m[c.SESSION_CLOSING + session]:
            commit_consumed(m, f, worker)
            invoke(m, f, a.WORKER_HAS_ENDED, worker, 0, 0)
            return 0
        wanted = m[c.WORKER_SHALL_GIVE_UP + worker] + m[c.WORKER_SHALL_REJOIN + worker]
        if wanted or not m[c.WORKER_IS_MEMBER + worker]:
            invoke(m, f, a.ANSWER_GROUP, worker, 0, 0)
        if m[c.WORKER_AUTO_COMMIT_IS_DUE + worker]:
            commit_consumed(m, f, worker)
        if not _poll(m, worker, session):
            sleep(m, worker)
            if not m[c.WORKER_IS_STOPPED + worker]:
                _fetch(m, f, worker)
            return 0
        _fetch(m, f, worker)
        m[c.WORKER_IS_POLLING + worker] = 0
        _watch_poll_interval(m, worker)
        _begin_batch(m, f, worker)
        m[c.WORKER_CALLS + worker] = CALLING
        invoke(m, f, a.HANDLE_ALL, worker, 0, 0)
        is_done = m[c.WORKER_CALLS + worker] == HANDLED
        m[c.WORKER_CALLS + worker] = NO_CALL
        if not is_done:
            return 0
        m[c.WORKER_STATE + worker] = AT_HEAD
    return 0


@jit
def _stands_still(m: Ints, worker: int, instance: int) -> bool:
    """Wait for a fault to end, if there is one; a hang with work at hand is a poll too late."""
    if m[m[c.INSTANCE_PAUSES] + instance] + m[m[c.INSTANCE_HANGS] + instance] == 0:
        m[c.WORKER_IS_POLLING + worker] = 1
        return False
    if m[c.WORKER_INBOX_FIRST + worker] != NOTHING and m[c.WORKER_IS_POLLING + worker]:
        m[c.WORKER_IS_POLLING + worker] = 0
        _watch_poll_interval(m, worker)
    lists.append(m, m[m[c.INSTANCE_WAITING] + instance], worker)
    sleep(m, worker)
    return True


@jit
def _poll(m: Ints, worker: int, session: int) -> bool:
    """Take what was fetched, without what belongs to somebody else by now; return if that is all.

    What the group wants to move is handled until this member has been told: the partition may be
    meant for it again before that, and then nobody would go back to what it dropped.
    """
    delivery = m[c.WORKER_INBOX_FIRST + worker]
    if delivery == NOTHING:
        return False
    m[c.WORKER_INBOX_FIRST + worker] = NOTHING
    given_up, stopped = m[c.WORKER_GIVEN_UP + worker], m[c.WORKER_IS_STOPPED + worker]
    offsets, last = lists.new_list(m), NOTHING
    while delivery != NOTHING:
        following = m[c.DELIVERY_NEXT + delivery]
        entry = m[c.DELIVERY_ENTRY + delivery]
        share = share_of(m, entry)
        is_kept = m[c.ENTRY_HOLDER + entry] == delivery and not stopped
        if is_kept and given_up != NOTHING:
            is_kept = lists.find(m, given_up, share) == NOTHING
        if not is_kept:
            m[c.DELIVERY_OUTCOME + delivery] = k.OUTCOME_EXPIRED
            no_longer_unfinished(m, session, delivery)
            model.close(m)
        else:
            if last == NOTHING:
                m[c.WORKER_BATCH + worker] = delivery
            else:
                m[c.DELIVERY_NEXT + last] = delivery
            m[c.DELIVERY_NEXT + delivery] = NOTHING
            last = delivery
            note_offset(m, offsets, share, m[c.ENTRY_OFFSET + entry] + 1)
        delivery = following
    if last == NOTHING:
        lists.free_list(m, offsets)
        return False
    m[c.WORKER_OFFSETS + worker] = offsets
    return True


@jit
def _begin_batch(m: Ints, f: Reals, worker: int) -> None:
    consumer, offsets = m[c.WORKER_CONSUMER + worker], m[c.WORKER_OFFSETS + worker]
    row = m[m[c.CONSUMER_FIRST_SUBSCRIPTION] + consumer]
    if m[m[c.CONSUMER_SETTLE] + consumer] == k.SETTLE_BEFORE:
        m[c.WORKER_OFFSETS + worker] = NOTHING
        commit(m, f, worker, offsets)
    elif m[m[c.SUBSCRIPTION_AUTO_COMMITS_DELIVERED] + row]:
        note_consumed(m, worker, offsets)


@jit
def _settle_batch(m: Ints, f: Reals, worker: int) -> None:
    settle, offsets = (
        m[m[c.CONSUMER_SETTLE] + m[c.WORKER_CONSUMER + worker]],
        m[c.WORKER_OFFSETS + worker],
    )
    m[c.WORKER_OFFSETS + worker] = NOTHING
    if settle == k.SETTLE_AUTO:
        note_consumed(m, worker, offsets)
        lists.free_list(m, offsets)
    elif settle == k.SETTLE_AFTER:
        commit(m, f, worker, offsets)


@jit
def _fetch(m: Ints, f: Reals, worker: int) -> None:
    if not m[c.WORKER_IS_FETCHING + worker]:
        m[c.WORKER_IS_FETCHING + worker] = 1
        send(m, f, worker, k.RANK_REQUEST, a.FETCH, 0)


# The poll interval ----------------------------------------------------------------------------


@jit
def _watch_poll_interval(m: Ints, worker: int) -> None:
    """Leave the group if the next poll does not come in time (Kafka: max.poll.interval.ms)."""
    m[c.WORKER_POLLED_AT + worker] = m[c.NOW]
    row = m[m[c.CONSUMER_FIRST_SUBSCRIPTION] + m[c.WORKER_CONSUMER + worker]]
    interval_ns = m[m[c.SUBSCRIPTION_MAX_POLL_INTERVAL_NS] + row]
    if interval_ns != k.NONE and not m[c.WORKER_IS_WATCHED + worker]:
        _watch_until(m, worker, m[c.NOW] + interval_ns)


@jit
def _watch_until(m: Ints, worker: int, time_ns: int) -> None:
    m[c.WORKER_IS_WATCHED + worker] = 1
    consumer, place = m[c.WORKER_CONSUMER + worker], m[c.WORKER_PLACE + worker]
    number = m[c.SESSION_NUMBER + m[c.WORKER_SESSION + worker]]
    rank = k.RANK_POLL_INTERVAL
    schedule(m, time_ns, rank, consumer, place, number, a.POLL_IS_LATE, worker, 0, 0)


@action(a.POLL_IS_LATE)
def poll_is_late(m: Ints, f: Reals, worker: int, _b: int, _c: int) -> int:
    """Leave the group, unless a poll has come meanwhile."""
    m[c.WORKER_IS_WATCHED + worker] = 0
    session = m[c.WORKER_SESSION + worker]
    if m[c.WORKER_IS_POLLING + worker] or not m[c.SESSION_ALIVE + session]:
        return 0
    instance = m[c.SESSION_INSTANCE + session]
    if m[m[c.INSTANCE_HAS_SPEED] + instance] and m[m[c.INSTANCE_PAUSES] + instance]:
        lists.append(m, m[m[c.INSTANCE_AFTERWARDS] + instance], worker)
        return 0
    row = m[m[c.CONSUMER_FIRST_SUBSCRIPTION] + m[c.WORKER_CONSUMER + worker]]
    due = m[c.WORKER_POLLED_AT + worker] + m[m[c.SUBSCRIPTION_MAX_POLL_INTERVAL_NS] + row]
    if due > m[c.NOW]:
        _watch_until(m, worker, due)
    else:
        invoke(m, f, a.REMOVE_MEMBERS, worker, 1, 0)
    return 0
