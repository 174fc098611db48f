"""Commits: what members of a group say about how far they have read, and when.

A commit travels as a list of partitions, with their offsets as keys; whoever gets it gives it back.
"""

from __future__ import annotations

from eda_sim.engine.compiled import actions as a
from eda_sim.engine.compiled import cells as c
from eda_sim.engine.compiled import codes as k
from eda_sim.engine.compiled import lists, network
from eda_sim.engine.compiled.calendar import schedule
from eda_sim.engine.compiled.lists import NOTHING
from eda_sim.engine.compiled.pointers import Ints, Reals, action, jit
from eda_sim.engine.compiled.sessions import event_address, to_broker


@jit
def send(m: Ints, f: Reals, worker: int, rank: int, what: int, b: int) -> None:
    """Send something to the group."""
    number = m[c.WORKER_REQUESTS + worker]
    m[c.WORKER_REQUESTS + worker] = number + 1
    session, own = m[c.WORKER_SESSION + worker], m[c.WORKER_NUMBER + worker]
    to_broker(m, f, session, own, rank, number, what, worker, b)


@jit
def note_offset(m: Ints, offsets: int, share: int, offset: int) -> None:
    """Note how far a partition has been read; it keeps its place among the others."""
    node = lists.last(m, offsets)
    if node != NOTHING and m[c.NODE_VALUE + node] != share:
        node = lists.find(m, offsets, share)
    if node == NOTHING:
        node = lists.append(m, offsets, share)
    m[c.NODE_KEY + node] = offset


@jit
def note_consumed(m: Ints, worker: int, offsets: int) -> None:
    """Note how far a batch goes, for the next automatic commit."""
    consumed = m[c.WORKER_CONSUMED + worker]
    if consumed == NOTHING:
        consumed = lists.new_list(m)
        m[c.WORKER_CONSUMED + worker] = consumed
    node = lists.first(m, offsets)
    while node != NOTHING:
        note_offset(m, consumed, m[c.NODE_VALUE + node], m[c.NODE_KEY + node])
        node = m[c.NODE_NEXT + node]


@jit
def forget_consumed(m: Ints, worker: int) -> None:
    """Drop what the next automatic commit would say."""
    consumed = m[c.WORKER_CONSUMED + worker]
    if consumed != NOTHING:
        lists.free_list(m, consumed)
        m[c.WORKER_CONSUMED + worker] = NOTHING


@jit
def commit(m: Ints, f: Reals, worker: int, offsets: int) -> None:
    """Send a commit, which may get lost on its way."""
    session, own = m[c.WORKER_SESSION + worker], m[c.WORKER_NUMBER + worker]
    link = m[c.SESSION_CONNECTION + session]
    if m[c.LINK_FIXED_NS + link] == NOTHING:  # else nothing gets lost on it either
        about = event_address(m, session, k.RANK_COMMIT, own)
        number = m[c.WORKER_REQUESTS + worker]
        if network.loses_settlement(m, f, link, about, number, 1):
            lists.free_list(m, offsets)
            return
    send(m, f, worker, k.RANK_COMMIT, a.COMMIT, offsets)


@jit
def commit_consumed(m: Ints, f: Reals, worker: int) -> None:
    """Commit what was handled, or delivered, since the last time."""
    m[c.WORKER_AUTO_COMMIT_IS_DUE + worker] = 0
    consumed = m[c.WORKER_CONSUMED + worker]
    if consumed != NOTHING:
        m[c.WORKER_CONSUMED + worker] = NOTHING
        commit(m, f, worker, consumed)


@jit
def auto_commit_later(m: Ints, worker: int) -> None:
    """Commit at every interval: at once while polling, else at the next poll.

    A client that commits what it delivered (librdkafka) has a thread for it and never waits.
    """
    consumer, session = m[c.WORKER_CONSUMER + worker], m[c.WORKER_SESSION + worker]
    row = m[m[c.CONSUMER_FIRST_SUBSCRIPTION] + consumer]
    number = m[c.WORKER_AUTO_COMMITS + worker] + 1
    m[c.WORKER_AUTO_COMMITS + worker] = number
    schedule(
        m,
        m[c.NOW] + m[m[c.SUBSCRIPTION_AUTO_COMMIT_NS] + row],
        k.RANK_AUTO_COMMIT,
        consumer,
        m[c.WORKER_PLACE + worker],
        (m[c.SESSION_NUMBER + session] << 24) + number,
        a.AUTO_COMMIT,
        worker,
        0,
        0,
    )


@action(a.AUTO_COMMIT)
def auto_commit(m: Ints, f: Reals, worker: int, _b: int, _c: int) -> int:
    """Commit because the interval is over, or as soon as something does not hold it up."""
    session = m[c.WORKER_SESSION + worker]
    if not m[c.SESSION_ALIVE + session]:
        return 0
    row = m[m[c.CONSUMER_FIRST_SUBSCRIPTION] + m[c.WORKER_CONSUMER + worker]]
    has_own_thread = m[m[c.SUBSCRIPTION_AUTO_COMMITS_DELIVERED] + row] == 1
    may_commit = has_own_thread or m[c.WORKER_IS_POLLING + worker] == 1
    instance = m[c.SESSION_INSTANCE + session]
    if m[m[c.INSTANCE_HAS_SPEED] + instance]:
        # In a hang, other threads than that of the handler go on.
        hangs = m[m[c.INSTANCE_HANGS] + instance] > 0 and not has_own_thread
        may_commit = may_commit and not hangs and m[m[c.INSTANCE_PAUSES] + instance] == 0
    if may_commit:
        commit_consumed(m, f, worker)
    else:
        m[c.WORKER_AUTO_COMMIT_IS_DUE + worker] = 1
    auto_commit_later(m, worker)
    return 0
