"""Dispatch: which instance gets what is available.

``pull``: an idle worker asks. Its request waits at the broker until there is something for it, or
until it has waited long enough. ``push``: the broker sends round robin to whoever has credit.
"""

from __future__ import annotations

from eda_sim.engine.compiled import actions as a
from eda_sim.engine.compiled import cells as c
from eda_sim.engine.compiled import lists
from eda_sim.engine.compiled.lists import NOTHING, new_row
from eda_sim.engine.compiled.pointers import Ints, Reals, action, jit
from eda_sim.engine.compiled.queues import hand_over, take_one
from eda_sim.engine.compiled.sessions import hold_of


@jit
def new_fetch(m: Ints, worker: int, number: int) -> int:
    """Return the request of an idle worker for messages."""
    fetch = m[c.FREE_FETCH]
    if fetch == NOTHING:
        fetch = new_row(m, c.FETCH_ROWS)
    else:
        m[c.FREE_FETCH] = m[m[c.FETCH_NEXT_FREE] + fetch]
    m[m[c.FETCH_WORKER] + fetch] = worker
    m[m[c.FETCH_NUMBER] + fetch] = number
    m[m[c.FETCH_ANSWERED] + fetch] = 0
    m[m[c.FETCH_OVERDUE] + fetch] = 0
    m[m[c.FETCH_REFERENCES] + fetch] = 1
    return fetch


@jit
def release_fetch(m: Ints, fetch: int) -> None:
    """Note that one line, timer or message less knows of a request."""
    m[m[c.FETCH_REFERENCES] + fetch] -= 1
    if m[m[c.FETCH_REFERENCES] + fetch] == 0:
        m[m[c.FETCH_NEXT_FREE] + fetch] = m[c.FREE_FETCH]
        m[c.FREE_FETCH] = fetch


@action(a.ARRIVE_REQUEST)
def arrive_request(m: Ints, f: Reals, fetch: int, _b: int, _c: int) -> int:
    """Let a request reach the broker."""
    worker = m[m[c.FETCH_WORKER] + fetch]
    queue = m[m[c.CONSUMER_FIRST_SUBSCRIPTION] + m[m[c.WORKER_CONSUMER] + worker]]
    session = m[m[c.WORKER_SESSION] + worker]
    if m[m[c.HOLD_IS_CONNECTED] + hold_of(m, session, queue)]:
        m[m[c.FETCH_REFERENCES] + fetch] += 1
        lists.append(m, m[m[c.SUBSCRIPTION_FETCHES] + queue], fetch)
        pull(m, f, queue)
    release_fetch(m, fetch)
    return 0


@action(a.DISPATCH)
def dispatch(m: Ints, f: Reals, queue: int, _b: int, _c: int) -> int:
    """Hand over what can be handed over now."""
    pull(m, f, queue)
    return 0


@jit
def pull(m: Ints, f: Reals, queue: int) -> None:
    """Answer requests, one after the other, as long as there is something for them."""
    fetches = m[m[c.SUBSCRIPTION_FETCHES] + queue]
    while m[m[c.SUBSCRIPTION_AVAILABLE] + queue] and lists.size(m, fetches):
        fetch = lists.value(m, lists.first(m, fetches))
        if m[m[c.FETCH_ANSWERED] + fetch]:
            release_fetch(m, lists.pop_first(m, fetches))
            continue
        first = _batch(m, queue)
        if first == NOTHING:
            return
        worker = m[m[c.FETCH_WORKER] + fetch]
        m[m[c.FETCH_ANSWERED] + fetch] = 1
        release_fetch(m, lists.pop_first(m, fetches))
        hand_over(m, f, first, m[m[c.WORKER_SESSION] + worker], worker)


@jit
def _batch(m: Ints, queue: int) -> int:
    """Take the copies of one hand-over out of the line; return the first of their chain."""
    first, last = NOTHING, NOTHING
    for _ in range(m[m[c.SUBSCRIPTION_FETCH_MAX_MESSAGES] + queue]):
        entry = take_one(m, queue)
        if entry == NOTHING:
            break
        m[m[c.ENTRY_NEXT] + entry] = NOTHING
        if first == NOTHING:
            first = entry
        else:
            m[m[c.ENTRY_NEXT] + last] = entry
        last = entry
    return first
