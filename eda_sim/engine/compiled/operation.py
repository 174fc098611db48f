"""Time in operation: the clock of a fault that comes only from work (rule F18).

The clock of a fault whose ``mtbf`` counts operation runs while an instance of its target is at
work, and else stands still. It keeps at most one event in the calendar. When that comes and the
clock has stood still meanwhile, it looks how much is left.
"""

from __future__ import annotations

from eda_sim.engine.compiled import actions as a
from eda_sim.engine.compiled import cells as c
from eda_sim.engine.compiled import codes as k
from eda_sim.engine.compiled import speed
from eda_sim.engine.compiled.calendar import schedule
from eda_sim.engine.compiled.instances import hits
from eda_sim.engine.compiled.pointers import Ints, Reals, action, invoke, jit
from eda_sim.engine.compiled.schedules import LAST_START, occur, time_up_ns

# Instances at work ----------------------------------------------------------------------------


@jit
def note_running(m: Ints, instance: int, change: int) -> None:
    """Note that one worker more (1) or less (-1) handles something."""
    if m[m[c.INSTANCE_HAS_CLOCKS] + instance]:
        m[m[c.INSTANCE_RUNNING] + instance] += change
        note_work(m, instance)


@jit
def note_work(m: Ints, instance: int) -> None:
    """Let clocks of operation run or stand still, whatever is the case now."""
    if not m[m[c.INSTANCE_HAS_CLOCKS] + instance]:
        return
    runs = m[m[c.INSTANCE_RUNNING] + instance] > 0
    is_at_work = int(runs and not speed.stands_still(m, instance))
    change = is_at_work - m[m[c.INSTANCE_IS_AT_WORK] + instance]
    if change == 0:
        return
    m[m[c.INSTANCE_IS_AT_WORK] + instance] = is_at_work
    for fault in range(m[c.FAULT_ROWS]):
        if m[m[c.FAULT_COUNTS_OPERATION] + fault] and hits(m, fault, instance):
            _note(m, fault, change)


# Clocks ---------------------------------------------------------------------------------------


@jit
def wait(m: Ints, f: Reals, fault: int) -> None:
    """Let a fault wait until its next time between failures has passed in operation."""
    m[m[c.FAULT_LEFT] + fault] = time_up_ns(m, f, fault)
    m[m[c.FAULT_IS_WAITING] + fault] = 1
    m[m[c.FAULT_IS_DUE] + fault] = 0
    if m[m[c.FAULT_AT_WORK] + fault]:
        _go_on(m, fault)


@jit
def _note(m: Ints, fault: int, change: int) -> None:
    """Note that one instance more (1) or less (-1) is at work."""
    m[m[c.FAULT_AT_WORK] + fault] += change
    if not m[m[c.FAULT_IS_WAITING] + fault]:
        return
    if change > 0 and m[m[c.FAULT_AT_WORK] + fault] == 1:
        _go_on(m, fault)
    elif m[m[c.FAULT_AT_WORK] + fault] == 0:
        # At least 1 ns: what was due at this very moment, and not its turn yet, comes later.
        passed = m[c.NOW] - m[m[c.FAULT_SINCE] + fault]
        m[m[c.FAULT_LEFT] + fault] = max(1, m[m[c.FAULT_LEFT] + fault] - passed)


@jit
def _go_on(m: Ints, fault: int) -> None:
    m[m[c.FAULT_SINCE] + fault] = m[c.NOW]
    if not m[m[c.FAULT_IS_DUE] + fault]:
        _look_later(m, fault)


@jit
def _look_later(m: Ints, fault: int) -> None:
    ends = m[m[c.FAULT_SINCE] + fault] + m[m[c.FAULT_LEFT] + fault]
    if ends < LAST_START:
        m[m[c.FAULT_IS_DUE] + fault] = 1
        number = m[m[c.FAULT_DRAWN] + fault]
        what = a.LOOK_AT_OPERATION
        schedule(m, ends, k.RANK_FAULT_START, fault, number, 0, what, fault, number, 0)


@action(a.LOOK_AT_OPERATION)
def look(m: Ints, f: Reals, fault: int, occurrence: int, _c: int) -> int:
    """Let an occurrence begin, if so much time has passed in operation."""
    m[m[c.FAULT_IS_DUE] + fault] = 0
    if not m[m[c.FAULT_AT_WORK] + fault]:
        return 0
    if m[c.NOW] < m[m[c.FAULT_SINCE] + fault] + m[m[c.FAULT_LEFT] + fault]:
        _look_later(m, fault)
        return 0
    m[m[c.FAULT_IS_WAITING] + fault] = 0
    occur(m, f, fault, m[c.NOW])
    return invoke(m, f, a.BEGIN_FAULT, fault, occurrence, 0)
