"""Members: the client's side of a consumer group.

A member polls: it takes what was fetched, handles it in order, commits, and polls again. While it
works on what it polled, the next fetch is already on its way. Between polls it is deaf to the
group: what the group wants of it (give a partition up, join a new generation) waits for its next
poll.

A commit travels as a list of partitions, with their offsets as keys; whoever gets it gives it back.
"""

from __future__ import annotations

from eda_sim.engine.compiled import actions as a
from eda_sim.engine.compiled import cells as c
from eda_sim.engine.compiled import codes as k
from eda_sim.engine.compiled import lists, model, network
from eda_sim.engine.compiled.calendar import schedule
from eda_sim.engine.compiled.lists import NOTHING
from eda_sim.engine.compiled.pointers import Ints, Reals, action, invoke, jit
from eda_sim.engine.compiled.sessions import (
    AT_HEAD,
    GONE,
    event_address,
    no_longer_unfinished,
    sleep,
    to_broker,
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
    first = m[m[c.SESSION_FIRST_WORKER] + session]
    workers = m[m[c.CONSUMER_CONCURRENCY] + m[m[c.SESSION_CONSUMER] + session]]
    for worker in range(first, first + workers):
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
            m[m[cell] + worker] = 0
        for cell in (
            c.WORKER_GIVEN_UP,
            c.WORKER_OFFSETS,
            c.WORKER_CONSUMED,
            c.WORKER_READABLE_FIRST,
            c.WORKER_READABLE_LAST,
            c.WORKER_JOINED,
        ):
            m[m[cell] + worker] = NOTHING
        for cell in (c.WORKER_IS_STOPPED, c.WORKER_IS_JOINING, c.WORKER_IS_POLLING):
            m[m[cell] + worker] = 1
    return 0


# What the group wants -------------------------------------------------------------------------


@jit
def go_on(m: Ints, worker: int) -> None:
    """Go on: the group has taken this worker in, or has a new assignment for it."""
    m[m[c.WORKER_IS_STOPPED] + worker] = 0
    m[m[c.WORKER_IS_JOINING] + worker] = 0
    wake_up(m, worker)


@jit
def let_go(m: Ints, worker: int, share: int) -> None:
    """Read no more from a partition, and give it up at the next poll."""
    no_longer_readable(m, worker, share)
    m[m[c.WORKER_SHALL_GIVE_UP] + worker] = 1
    wake_up(m, worker)


@action(a.ANSWER_GROUP)
def answer_group(m: Ints, f: Reals, worker: int, _b: int, _c: int) -> int:
    """Do at a poll what the group wants of this worker, or ask to be a member again."""
    group = m[m[c.WORKER_CONSUMER] + worker]
    if not m[m[c.WORKER_IS_MEMBER] + worker]:
        if not m[m[c.WORKER_IS_JOINING] + worker]:
            m[m[c.WORKER_IS_JOINING] + worker] = 1
            m[m[c.WORKER_IS_STOPPED] + worker] = 1
            m[m[c.WORKER_SHALL_GIVE_UP] + worker] = 0
            m[m[c.WORKER_SHALL_REJOIN] + worker] = 0
            _forget_consumed(m, worker)
            _send(m, f, worker, k.RANK_JOIN, a.ADMIT_MEMBERS, 1)
        return 0
    if m[m[c.WORKER_SHALL_GIVE_UP] + worker]:
        m[m[c.WORKER_SHALL_GIVE_UP] + worker] = 0
        moved = _moved(m, group, worker)
        if moved != NOTHING:
            _commit_consumed(m, f, worker)
            _send(m, f, worker, k.RANK_COMMIT, a.GIVE_PARTITIONS_UP, moved)
    if m[m[c.WORKER_SHALL_REJOIN] + worker]:
        m[m[c.WORKER_SHALL_REJOIN] + worker] = 0
        _commit_consumed(m, f, worker)
        eager = m[m[c.GROUP_PROTOCOL] + group] == k.REBALANCE_PROTOCOL_EAGER
        m[m[c.WORKER_IS_STOPPED] + worker] = int(eager)
        _send(m, f, worker, k.RANK_COMMIT, a.MEMBER_REJOINED, 0)
    return 0


@jit
def _moved(m: Ints, group: int, worker: int) -> int:
    """Return a list of the partitions that a member has to give up, NOTHING if there is none.

    Until the group knows, all that still comes from them is dropped.
    """
    moved, given_up = NOTHING, m[m[c.WORKER_GIVEN_UP] + worker]
    first = m[m[c.GROUP_FIRST_SHARE] + group]
    for share in range(first, first + m[m[c.GROUP_SHARES] + group]):
        if m[m[c.SHARE_OWNER] + share] != worker or m[m[c.SHARE_TARGET] + share] == worker:
            continue
        if moved == NOTHING:
            moved = lists.new_list(m)
        if given_up == NOTHING:
            given_up = lists.new_list(m)
            m[m[c.WORKER_GIVEN_UP] + worker] = given_up
        lists.append(m, moved, share)
        if lists.find(m, given_up, share) == NOTHING:
            lists.append(m, given_up, share)
    return moved


@jit
def _send(m: Ints, f: Reals, worker: int, rank: int, what: int, b: int) -> None:
    """Send something to the group."""
    number = m[m[c.WORKER_REQUESTS] + worker]
    m[m[c.WORKER_REQUESTS] + worker] = number + 1
    session, own = m[m[c.WORKER_SESSION] + worker], m[m[c.WORKER_NUMBER] + worker]
    to_broker(m, f, session, own, rank, number, what, worker, b)


# Polling --------------------------------------------------------------------------------------


@action(a.START_MEMBER)
def start(m: Ints, f: Reals, worker: int, _b: int, _c: int) -> int:
    """Let a member begin."""
    if m[m[c.WORKER_STATE] + worker] == AT_HEAD:
        if m[m[c.CONSUMER_SETTLE] + m[m[c.WORKER_CONSUMER] + worker]] == k.SETTLE_AUTO:
            _auto_commit_later(m, worker)
        invoke(m, f, a.RESUME_MEMBER, worker, 0, 0)
    return 0


@action(a.BATCH_HANDLED)
def batch_handled(m: Ints, f: Reals, worker: int, _b: int, _c: int) -> int:
    """Let a member go on whose batch has been handled; a call of the handler ends first."""
    if m[m[c.WORKER_CALLS] + worker] == CALLING:
        m[m[c.WORKER_CALLS] + worker] = HANDLED
    else:
        m[m[c.WORKER_STATE] + worker] = AT_HEAD
        invoke(m, f, a.RESUME_MEMBER, worker, 1, 0)
    return 0


@action(a.RESUME_MEMBER)
def resume(m: Ints, f: Reals, worker: int, has_handled: int, _c: int) -> int:
    """Poll, handle what came, commit; until there is nothing, or the session closes."""
    session = m[m[c.WORKER_SESSION] + worker]
    is_done = has_handled == 1
    while m[m[c.WORKER_STATE] + worker] != GONE:
        if is_done:
            _settle_batch(m, f, worker)
            m[m[c.WORKER_IS_POLLING] + worker] = 1
        instance = m[m[c.SESSION_INSTANCE] + session]
        if m[m[c.INSTANCE_HAS_SPEED] + instance] and _stands_still(m, worker, instance):
            return 0
        if m[m[c.SESSION_CLOSING] + session]:
            _commit_consumed(m, f, worker)
            invoke(m, f, a.WORKER_HAS_ENDED, worker, 0, 0)
            return 0
        wanted = m[m[c.WORKER_SHALL_GIVE_UP] + worker] + m[m[c.WORKER_SHALL_REJOIN] + worker]
        if wanted or not m[m[c.WORKER_IS_MEMBER] + worker]:
            invoke(m, f, a.ANSWER_GROUP, worker, 0, 0)
        if m[m[c.WORKER_AUTO_COMMIT_IS_DUE] + worker]:
            _commit_consumed(m, f, worker)
        if not _poll(m, worker, session):
            sleep(m, worker)
            if not m[m[c.WORKER_IS_STOPPED] + worker]:
                _fetch(m, f, worker)
            return 0
        _fetch(m, f, worker)
        m[m[c.WORKER_IS_POLLING] + worker] = 0
        _watch_poll_interval(m, worker)
        _begin_batch(m, f, worker)
        m[m[c.WORKER_CALLS] + worker] = CALLING
        invoke(m, f, a.HANDLE_ALL, worker, 0, 0)
        is_done = m[m[c.WORKER_CALLS] + worker] == HANDLED
        m[m[c.WORKER_CALLS] + worker] = NO_CALL
        if not is_done:
            return 0
        m[m[c.WORKER_STATE] + worker] = AT_HEAD
    return 0


@jit
def _stands_still(m: Ints, worker: int, instance: int) -> bool:
    """Wait for a fault to end, if there is one; a hang with work at hand is a poll too late."""
    if m[m[c.INSTANCE_PAUSES] + instance] + m[m[c.INSTANCE_HANGS] + instance] == 0:
        m[m[c.WORKER_IS_POLLING] + worker] = 1
        return False
    if m[m[c.WORKER_INBOX_FIRST] + worker] != NOTHING and m[m[c.WORKER_IS_POLLING] + worker]:
        m[m[c.WORKER_IS_POLLING] + worker] = 0
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
    delivery = m[m[c.WORKER_INBOX_FIRST] + worker]
    if delivery == NOTHING:
        return False
    m[m[c.WORKER_INBOX_FIRST] + worker] = NOTHING
    given_up, stopped = m[m[c.WORKER_GIVEN_UP] + worker], m[m[c.WORKER_IS_STOPPED] + worker]
    offsets, last = lists.new_list(m), NOTHING
    while delivery != NOTHING:
        following = m[m[c.DELIVERY_NEXT] + delivery]
        entry = m[m[c.DELIVERY_ENTRY] + delivery]
        share = share_of(m, entry)
        is_kept = m[m[c.ENTRY_HOLDER] + entry] == delivery and not stopped
        if is_kept and given_up != NOTHING:
            is_kept = lists.find(m, given_up, share) == NOTHING
        if not is_kept:
            m[m[c.DELIVERY_OUTCOME] + delivery] = k.OUTCOME_EXPIRED
            no_longer_unfinished(m, session, delivery)
            model.close(m)
        else:
            if last == NOTHING:
                m[m[c.WORKER_BATCH] + worker] = delivery
            else:
                m[m[c.DELIVERY_NEXT] + last] = delivery
            m[m[c.DELIVERY_NEXT] + delivery] = NOTHING
            last = delivery
            _note_offset(m, offsets, share, m[m[c.ENTRY_OFFSET] + entry] + 1)
        delivery = following
    if last == NOTHING:
        lists.free_list(m, offsets)
        return False
    m[m[c.WORKER_OFFSETS] + worker] = offsets
    return True


@jit
def _begin_batch(m: Ints, f: Reals, worker: int) -> None:
    consumer, offsets = m[m[c.WORKER_CONSUMER] + worker], m[m[c.WORKER_OFFSETS] + worker]
    row = m[m[c.CONSUMER_FIRST_SUBSCRIPTION] + consumer]
    if m[m[c.CONSUMER_SETTLE] + consumer] == k.SETTLE_BEFORE:
        m[m[c.WORKER_OFFSETS] + worker] = NOTHING
        _commit(m, f, worker, offsets)
    elif m[m[c.SUBSCRIPTION_AUTO_COMMITS_DELIVERED] + row]:
        _note_consumed(m, worker, offsets)


@jit
def _settle_batch(m: Ints, f: Reals, worker: int) -> None:
    settle, offsets = (
        m[m[c.CONSUMER_SETTLE] + m[m[c.WORKER_CONSUMER] + worker]],
        m[m[c.WORKER_OFFSETS] + worker],
    )
    m[m[c.WORKER_OFFSETS] + worker] = NOTHING
    if settle == k.SETTLE_AUTO:
        _note_consumed(m, worker, offsets)
        lists.free_list(m, offsets)
    elif settle == k.SETTLE_AFTER:
        _commit(m, f, worker, offsets)


@jit
def _fetch(m: Ints, f: Reals, worker: int) -> None:
    if not m[m[c.WORKER_IS_FETCHING] + worker]:
        m[m[c.WORKER_IS_FETCHING] + worker] = 1
        _send(m, f, worker, k.RANK_REQUEST, a.FETCH, 0)


# Committing -----------------------------------------------------------------------------------


@jit
def _note_offset(m: Ints, offsets: int, share: int, offset: int) -> None:
    """Note how far a partition has been read; it keeps its place among the others."""
    node = lists.last(m, offsets)
    if node != NOTHING and m[m[c.NODE_VALUE] + node] != share:
        node = lists.find(m, offsets, share)
    if node == NOTHING:
        node = lists.append(m, offsets, share)
    m[m[c.NODE_KEY] + node] = offset


@jit
def _note_consumed(m: Ints, worker: int, offsets: int) -> None:
    consumed = m[m[c.WORKER_CONSUMED] + worker]
    if consumed == NOTHING:
        consumed = lists.new_list(m)
        m[m[c.WORKER_CONSUMED] + worker] = consumed
    node = lists.first(m, offsets)
    while node != NOTHING:
        _note_offset(m, consumed, m[m[c.NODE_VALUE] + node], m[m[c.NODE_KEY] + node])
        node = m[m[c.NODE_NEXT] + node]


@jit
def _forget_consumed(m: Ints, worker: int) -> None:
    consumed = m[m[c.WORKER_CONSUMED] + worker]
    if consumed != NOTHING:
        lists.free_list(m, consumed)
        m[m[c.WORKER_CONSUMED] + worker] = NOTHING


@jit
def _commit(m: Ints, f: Reals, worker: int, offsets: int) -> None:
    session, own = m[m[c.WORKER_SESSION] + worker], m[m[c.WORKER_NUMBER] + worker]
    link = m[m[c.SESSION_CONNECTION] + session]
    if m[m[c.LINK_DISTURBANCES] + link] != NOTHING:
        about = event_address(m, session, k.RANK_COMMIT, own)
        number = m[m[c.WORKER_REQUESTS] + worker]
        if network.loses_settlement(m, f, link, about, number, 1):
            lists.free_list(m, offsets)
            return
    _send(m, f, worker, k.RANK_COMMIT, a.COMMIT, offsets)


@jit
def _commit_consumed(m: Ints, f: Reals, worker: int) -> None:
    m[m[c.WORKER_AUTO_COMMIT_IS_DUE] + worker] = 0
    consumed = m[m[c.WORKER_CONSUMED] + worker]
    if consumed != NOTHING:
        m[m[c.WORKER_CONSUMED] + worker] = NOTHING
        _commit(m, f, worker, consumed)


@jit
def _auto_commit_later(m: Ints, worker: int) -> None:
    """Commit at every interval: at once while polling, else at the next poll.

    A client that commits what it delivered (librdkafka) has a thread for it and never waits.
    """
    consumer, session = m[m[c.WORKER_CONSUMER] + worker], m[m[c.WORKER_SESSION] + worker]
    row = m[m[c.CONSUMER_FIRST_SUBSCRIPTION] + consumer]
    number = m[m[c.WORKER_AUTO_COMMITS] + worker] + 1
    m[m[c.WORKER_AUTO_COMMITS] + worker] = number
    schedule(
        m,
        m[c.NOW] + m[m[c.SUBSCRIPTION_AUTO_COMMIT_NS] + row],
        k.RANK_AUTO_COMMIT,
        consumer,
        m[m[c.WORKER_PLACE] + worker],
        (m[m[c.SESSION_NUMBER] + session] << 24) + number,
        a.AUTO_COMMIT,
        worker,
        0,
        0,
    )


@action(a.AUTO_COMMIT)
def auto_commit(m: Ints, f: Reals, worker: int, _b: int, _c: int) -> int:
    """Commit because the interval is over, or as soon as something does not hold it up."""
    session = m[m[c.WORKER_SESSION] + worker]
    if not m[m[c.SESSION_ALIVE] + session]:
        return 0
    row = m[m[c.CONSUMER_FIRST_SUBSCRIPTION] + m[m[c.WORKER_CONSUMER] + worker]]
    has_own_thread = m[m[c.SUBSCRIPTION_AUTO_COMMITS_DELIVERED] + row] == 1
    may_commit = has_own_thread or m[m[c.WORKER_IS_POLLING] + worker] == 1
    instance = m[m[c.SESSION_INSTANCE] + session]
    if m[m[c.INSTANCE_HAS_SPEED] + instance]:
        # In a hang, other threads than that of the handler go on.
        hangs = m[m[c.INSTANCE_HANGS] + instance] > 0 and not has_own_thread
        may_commit = may_commit and not hangs and m[m[c.INSTANCE_PAUSES] + instance] == 0
    if may_commit:
        _commit_consumed(m, f, worker)
    else:
        m[m[c.WORKER_AUTO_COMMIT_IS_DUE] + worker] = 1
    _auto_commit_later(m, worker)
    return 0


# The poll interval ----------------------------------------------------------------------------


@jit
def _watch_poll_interval(m: Ints, worker: int) -> None:
    """Leave the group if the next poll does not come in time (Kafka: max.poll.interval.ms)."""
    m[m[c.WORKER_POLLED_AT] + worker] = m[c.NOW]
    row = m[m[c.CONSUMER_FIRST_SUBSCRIPTION] + m[m[c.WORKER_CONSUMER] + worker]]
    interval_ns = m[m[c.SUBSCRIPTION_MAX_POLL_INTERVAL_NS] + row]
    if interval_ns != k.NONE and not m[m[c.WORKER_IS_WATCHED] + worker]:
        _watch_until(m, worker, m[c.NOW] + interval_ns)


@jit
def _watch_until(m: Ints, worker: int, time_ns: int) -> None:
    m[m[c.WORKER_IS_WATCHED] + worker] = 1
    consumer, place = m[m[c.WORKER_CONSUMER] + worker], m[m[c.WORKER_PLACE] + worker]
    number = m[m[c.SESSION_NUMBER] + m[m[c.WORKER_SESSION] + worker]]
    rank = k.RANK_POLL_INTERVAL
    schedule(m, time_ns, rank, consumer, place, number, a.POLL_IS_LATE, worker, 0, 0)


@action(a.POLL_IS_LATE)
def poll_is_late(m: Ints, f: Reals, worker: int, _b: int, _c: int) -> int:
    """Leave the group, unless a poll has come meanwhile."""
    m[m[c.WORKER_IS_WATCHED] + worker] = 0
    session = m[m[c.WORKER_SESSION] + worker]
    if m[m[c.WORKER_IS_POLLING] + worker] or not m[m[c.SESSION_ALIVE] + session]:
        return 0
    instance = m[m[c.SESSION_INSTANCE] + session]
    if m[m[c.INSTANCE_HAS_SPEED] + instance] and m[m[c.INSTANCE_PAUSES] + instance]:
        lists.append(m, m[m[c.INSTANCE_AFTERWARDS] + instance], worker)
        return 0
    row = m[m[c.CONSUMER_FIRST_SUBSCRIPTION] + m[m[c.WORKER_CONSUMER] + worker]]
    due = m[m[c.WORKER_POLLED_AT] + worker] + m[m[c.SUBSCRIPTION_MAX_POLL_INTERVAL_NS] + row]
    if due > m[c.NOW]:
        _watch_until(m, worker, due)
    else:
        invoke(m, f, a.REMOVE_MEMBERS, worker, 1, 0)
    return 0
