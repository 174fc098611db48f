"""Schedules: when a fault is there. A pure function of its address, so anyone may ask ahead."""

from __future__ import annotations

from eda_sim.engine.compiled import actions as a
from eda_sim.engine.compiled import cells as c
from eda_sim.engine.compiled import codes as k
from eda_sim.engine.compiled import draws, lists
from eda_sim.engine.compiled.lists import NOTHING
from eda_sim.engine.compiled.pointers import Ints, Reals, action, jit

LAST_START = 1 << 61
"""No fault begins later."""


@action(a.BEGIN_SCHEDULE)
def begin(m: Ints, _f: Reals, fault: int, _b: int, _c: int) -> int:
    """Note the occurrence of a fault that comes once; the others are drawn when asked for."""
    occurrences = lists.new_list(m)
    m[m[c.FAULT_OCCURRENCES] + fault] = occurrences
    m[m[c.FAULT_DRAWN] + fault] = 0
    m[m[c.FAULT_LAST_END] + fault] = 0
    m[m[c.FAULT_ENDED] + fault] = 0
    m[m[c.FAULT_AT_WORK] + fault] = 0
    m[m[c.FAULT_IS_WAITING] + fault] = 0
    if m[m[c.FAULT_MTBF] + fault] == k.NONE:
        start, lasts_ns = m[m[c.FAULT_AT_NS] + fault], m[m[c.FAULT_LASTS_NS] + fault]
        _add(m, fault, start, k.FOREVER if lasts_ns == k.NONE else start + lasts_ns)
        m[m[c.FAULT_ENDED] + fault] = 1
    return 0


@jit
def _add(m: Ints, fault: int, start: int, end: int) -> None:
    node = lists.append(m, m[m[c.FAULT_OCCURRENCES] + fault], start)
    m[c.NODE_KEY + node] = end
    m[m[c.FAULT_DRAWN] + fault] += 1
    m[m[c.FAULT_LAST_END] + fault] = end


@jit
def extend(m: Ints, f: Reals, fault: int) -> bool:
    """Draw one occurrence more; return whether there is one."""
    if m[m[c.FAULT_ENDED] + fault]:
        return False
    start = m[m[c.FAULT_LAST_END] + fault] + time_up_ns(m, f, fault)
    if start >= LAST_START:
        m[m[c.FAULT_ENDED] + fault] = 1
        return False
    occur(m, f, fault, start)
    return True


@jit
def time_up_ns(m: Ints, f: Reals, fault: int) -> int:
    """Draw the time until the next occurrence; at least 1 ns, so that time goes on."""
    number, address = m[m[c.FAULT_DRAWN] + fault], m[m[c.FAULT_ADDRESS] + fault]
    up = m[m[c.FAULT_MTBF] + fault]
    return max(1, draws.ns(m, f, up, k.STREAM_FAULT_START, address, number, 1))


@jit
def occur(m: Ints, f: Reals, fault: int, start: int) -> None:
    """Let the next occurrence begin at a time; it lasts at least 1 ns."""
    number, address = m[m[c.FAULT_DRAWN] + fault], m[m[c.FAULT_ADDRESS] + fault]
    down = m[m[c.FAULT_MTTR] + fault]
    down_ns = max(1, draws.ns(m, f, down, k.STREAM_FAULT_LENGTH, address, number, 1))
    _add(m, fault, start, start + down_ns)


@jit
def over(m: Ints, f: Reals, fault: int, time_ns: int) -> int:
    """Return when the occurrence that is there at a time ends; the time itself without one."""
    drawn, last_end = m[c.FAULT_DRAWN] + fault, m[c.FAULT_LAST_END] + fault
    while m[drawn] == 0 or m[last_end] <= time_ns:
        if not extend(m, f, fault):
            break
    node = lists.last(m, m[m[c.FAULT_OCCURRENCES] + fault])
    while node != NOTHING and m[c.NODE_VALUE + node] > time_ns:
        node = m[c.NODE_PREVIOUS + node]
    if node == NOTHING:
        return time_ns
    return max(time_ns, m[c.NODE_KEY + node])


@jit
def is_there(m: Ints, f: Reals, fault: int, time_ns: int) -> bool:
    """Return whether a fault is there at a time."""
    return over(m, f, fault, time_ns) > time_ns
