"""The calendar: what happens when, and in which order at one moment.

Events are ordered by (time, rank, entity, number, attempt), as :mod:`eda_sim.engine.ranks` says,
and last by the order of scheduling. Before any of them come the *turns* of the present moment:
first the urgent ones (a part begins to run), then the ordinary ones (somebody is woken), each in
the order in which they were asked for. That is SimPy's order of the reference engine.
"""

from __future__ import annotations

from eda_sim.engine.compiled import cells as c
from eda_sim.engine.compiled.lists import NOTHING
from eda_sim.engine.compiled.pointers import Ints, jit
from eda_sim.engine.compiled.rows import add_row, new_row

BEFORE_ALL = 0
"""The rank of what comes before everything else at its moment."""


@jit
def _new_event(m: Ints, action: int, first: int, second: int, third: int) -> int:
    event = m[c.FREE_EVENT]
    if event == NOTHING:
        event = new_row(m, c.EVENT_ROWS)
    else:
        m[c.FREE_EVENT] = m[c.EVENT_SERIAL + event]
    m[c.EVENT_ACTION + event] = action
    m[c.EVENT_A + event] = first
    m[c.EVENT_B + event] = second
    m[c.EVENT_C + event] = third
    return event


@jit
def free_event(m: Ints, event: int) -> None:
    """Give back an event that has come."""
    m[c.EVENT_SERIAL + event] = m[c.FREE_EVENT]
    m[c.FREE_EVENT] = event


# The calendar ---------------------------------------------------------------------------------


@jit
def _comes_before(m: Ints, one: int, other: int) -> bool:
    """Return whether one of two events at the same time comes first."""
    for cell in (c.EVENT_RANK, c.EVENT_NUMBER, c.EVENT_ATTEMPT):
        left, right = m[cell + one], m[cell + other]
        if left != right:
            return left < right
    return m[c.EVENT_SERIAL + one] < m[c.EVENT_SERIAL + other]


@jit
def schedule(
    m: Ints,
    time: int,
    rank: int,
    entity: int,
    number: int,
    attempt: int,
    action: int,
    first: int,
    second: int,
    third: int,
) -> None:
    """Let an action be called at a time, at the place of (rank, entity, number, attempt)."""
    event = _new_event(m, action, first, second, third)
    m[c.EVENT_RANK + event] = rank << 32 | entity
    m[c.EVENT_NUMBER + event] = number
    m[c.EVENT_ATTEMPT + event] = attempt
    m[c.EVENT_SERIAL + event] = m[c.SERIAL]
    m[c.SERIAL] += 1
    times, events = m[c.HEAP_TIME], m[c.HEAP_EVENT]
    place = add_row(m, c.HEAP_ROWS)
    if 4 * place > 3 * m[c.HEAP_CAPACITY]:
        m[c.NEEDS_ROOM] = 1
    while place > 0:
        above = (place - 1) >> 2
        other_time = m[times + above]
        if other_time < time:
            break
        other = m[events + above]
        if other_time == time and not _comes_before(m, event, other):
            break
        m[times + place] = other_time
        m[events + place] = other
        place = above
    m[times + place] = time
    m[events + place] = event


@jit
def pop(m: Ints) -> int:
    """Remove and return the first event of a calendar that is not empty."""
    times, events = m[c.HEAP_TIME], m[c.HEAP_EVENT]
    first = m[events]
    rows = m[c.HEAP_ROWS] - 1
    m[c.HEAP_ROWS] = rows
    time, event = m[times + rows], m[events + rows]
    place = 0
    while True:
        best = 4 * place + 1
        if best >= rows:
            break
        best_time, best_event = m[times + best], m[events + best]
        for child in range(4 * place + 2, min(4 * place + 5, rows)):
            child_time = m[times + child]
            if child_time < best_time or (
                child_time == best_time and _comes_before(m, m[events + child], best_event)
            ):
                best, best_time, best_event = child, child_time, m[events + child]
        if best_time > time or (best_time == time and _comes_before(m, event, best_event)):
            break
        m[times + place] = best_time
        m[events + place] = best_event
        place = best
    m[times + place] = time
    m[events + place] = event
    return first


# Turns of the present moment ------------------------------------------------------------------


@jit
def _join(m: Ints, line: int, event: int) -> None:
    """Let an event join a line, whose first and last stand in two cells."""
    m[c.EVENT_SERIAL + event] = NOTHING
    if m[line] == NOTHING:
        m[line] = event
    else:
        m[c.EVENT_SERIAL + m[line + 1]] = event
    m[line + 1] = event


@jit
def urge(m: Ints, action: int, first: int, second: int) -> None:
    """Let an action be called at this moment, before anything that has been woken."""
    _join(m, c.URGENT_FIRST, _new_event(m, action, first, second, 0))


@jit
def wake(m: Ints, action: int, first: int, second: int) -> None:
    """Let an action be called at this moment, after what causes it and what was woken before."""
    _join(m, c.NORMAL_FIRST, _new_event(m, action, first, second, 0))


@jit
def next_turn(m: Ints) -> int:
    """Remove and return the next turn of this moment, or NOTHING."""
    line = c.URGENT_FIRST if m[c.URGENT_FIRST] != NOTHING else c.NORMAL_FIRST
    event = m[line]
    if event != NOTHING:
        m[line] = m[c.EVENT_SERIAL + event]
    return event
