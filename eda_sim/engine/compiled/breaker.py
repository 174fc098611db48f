"""Circuit breakers: closed, open, half open; the rules of Resilience4j's count-based window.

A breaker counts outcomes in the order in which calls end, also those of calls that began before it
last changed its state.
"""

from __future__ import annotations

from eda_sim.engine.compiled import actions as a
from eda_sim.engine.compiled import cells as c
from eda_sim.engine.compiled import codes as k
from eda_sim.engine.compiled import lists
from eda_sim.engine.compiled.calendar import schedule
from eda_sim.engine.compiled.lists import NOTHING
from eda_sim.engine.compiled.pointers import Ints, Reals, action, jit
from eda_sim.engine.compiled.rows import new_row
from eda_sim.engine.compiled.sessions import wake_up

_CLOSED = 0
_OPEN = 1
_HALF_OPEN = 2


@jit
def new_breaker(m: Ints, session: int) -> int:
    """Return a new breaker for a session."""
    breaker = new_row(m, c.BREAKER_ROWS)
    m[c.BREAKER_SESSION + breaker] = session
    m[c.BREAKER_OPENINGS + breaker] = 0
    m[c.BREAKER_OUTCOMES + breaker] = lists.new_list(m)
    _change(m, breaker, _CLOSED)
    return breaker


@jit
def _change(m: Ints, breaker: int, state: int) -> None:
    m[c.BREAKER_STATE + breaker] = state
    lists.clear(m, m[c.BREAKER_OUTCOMES + breaker])
    m[c.BREAKER_FAILURES + breaker] = 0
    m[c.BREAKER_TRIALS + breaker] = 0


@jit
def may_call(m: Ints, breaker: int) -> bool:
    """Return whether a call would be let through now."""
    state = m[c.BREAKER_STATE + breaker]
    if state == _HALF_OPEN:
        consumer = m[c.SESSION_CONSUMER + m[c.BREAKER_SESSION + breaker]]
        most = m[m[c.CONSUMER_BREAKER_HALF_OPEN_CALLS] + consumer]
        return m[c.BREAKER_TRIALS + breaker] < most
    return state == _CLOSED


@jit
def must_pause(m: Ints, session: int) -> bool:
    """Return whether the circuit breaker keeps workers from taking messages."""
    breaker = m[c.SESSION_BREAKER + session]
    if breaker == NOTHING:
        return False
    if not m[m[c.CONSUMER_BREAKER_PAUSES] + m[c.SESSION_CONSUMER + session]]:
        return False
    return not may_call(m, breaker)


@jit
def let_through(m: Ints, breaker: int) -> bool:
    """Let a call through, or not; one that is counts as a trial when half open."""
    if not may_call(m, breaker):
        return False
    if m[c.BREAKER_STATE + breaker] == _HALF_OPEN:
        m[c.BREAKER_TRIALS + breaker] += 1
    return True


@jit
def record(m: Ints, f: Reals, breaker: int, failed: int) -> None:
    """Count the outcome of a call that was let through."""
    consumer = m[c.SESSION_CONSUMER + m[c.BREAKER_SESSION + breaker]]
    half_open = m[c.BREAKER_STATE + breaker] == _HALF_OPEN
    window = m[m[c.CONSUMER_BREAKER_WINDOW] + consumer]
    if half_open:
        window = m[m[c.CONSUMER_BREAKER_HALF_OPEN_CALLS] + consumer]
    outcomes = m[c.BREAKER_OUTCOMES + breaker]
    lists.append(m, outcomes, failed)
    m[c.BREAKER_FAILURES + breaker] += failed
    if lists.size(m, outcomes) > window:
        m[c.BREAKER_FAILURES + breaker] -= lists.pop_first(m, outcomes)
    if m[c.BREAKER_STATE + breaker] == _OPEN:
        return
    calls = lists.size(m, outcomes)
    if calls < min(m[m[c.CONSUMER_BREAKER_MINIMUM_CALLS] + consumer], window):
        return
    rate = m[c.BREAKER_FAILURES + breaker] / calls
    if rate >= f[m[c.CONSUMER_BREAKER_FAILURE_RATE] + consumer]:
        _open(m, breaker)
    elif half_open:
        _change(m, breaker, _CLOSED)
        _wake_paused(m, breaker)


@jit
def _open(m: Ints, breaker: int) -> None:
    _change(m, breaker, _OPEN)
    opening = m[c.BREAKER_OPENINGS + breaker] + 1
    m[c.BREAKER_OPENINGS + breaker] = opening
    session = m[c.BREAKER_SESSION + breaker]
    consumer = m[c.SESSION_CONSUMER + session]
    schedule(
        m,
        m[c.NOW] + m[m[c.CONSUMER_BREAKER_OPEN_NS] + consumer],
        k.RANK_CIRCUIT_BREAKER,
        consumer,
        m[m[c.INSTANCE_NUMBER] + m[c.SESSION_INSTANCE + session]],
        (m[c.SESSION_NUMBER + session] << 20) + opening,
        a.HALF_OPEN,
        breaker,
        opening,
        0,
    )


@action(a.HALF_OPEN)
def half_open(m: Ints, _f: Reals, breaker: int, opening: int, _c: int) -> int:
    """Let trials through: the breaker has been open long enough."""
    if m[c.BREAKER_STATE + breaker] == _OPEN:
        if m[c.BREAKER_OPENINGS + breaker] == opening:
            _change(m, breaker, _HALF_OPEN)
            _wake_paused(m, breaker)
    return 0


@jit
def _wake_paused(m: Ints, breaker: int) -> None:
    """Let workers that the circuit breaker stopped look for work again."""
    paused = m[c.SESSION_PAUSED + m[c.BREAKER_SESSION + breaker]]
    while lists.size(m, paused):
        wake_up(m, lists.pop_first(m, paused))
