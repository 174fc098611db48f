"""Speed: how fast the work of an instance goes, and what happens when that changes.

Work is counted in nanoseconds at full speed. An instance that is slowed down by a factor needs that
many times as long for it; one that stands still (a pause, a hang) does none. When the speed
changes, each piece of work under way is brought up to date and gets a new end; the events of the
old end find that they are out of date and do nothing.

There is one rounding rule: what is left takes ``floor(left * factor + 0.5)``, what has been done is
``floor(passed / factor)``, in float64. At full speed both are exact.

A worker does one piece of work at a time, so that stands in its row.
"""

from __future__ import annotations

from eda_sim.engine.compiled import actions as a
from eda_sim.engine.compiled import cells as c
from eda_sim.engine.compiled import codes as k
from eda_sim.engine.compiled import lists
from eda_sim.engine.compiled.calendar import schedule, wake
from eda_sim.engine.compiled.lists import NOTHING
from eda_sim.engine.compiled.pointers import Ints, Reals, action, invoke, jit
from eda_sim.engine.compiled.sessions import sleep, wake_up


@jit
def stands_still(m: Ints, instance: int) -> bool:
    """Return whether no work is done at all."""
    return m[m[c.INSTANCE_PAUSES] + instance] + m[m[c.INSTANCE_HANGS] + instance] > 0


@jit
def wait(m: Ints, instance: int, worker: int) -> None:
    """Let a worker sleep until it may look whether the instance goes on."""
    lists.append(m, m[m[c.INSTANCE_WAITING] + instance], worker)
    sleep(m, worker)


# Work -----------------------------------------------------------------------------------------


@jit
def begin_work(m: Ints, f: Reals, worker: int, work_ns: int, limit_ns: int) -> None:
    """Begin a piece of work, with a limit on its time or NONE; RESUME_HANDLING when it ends."""
    instance = m[c.SESSION_INSTANCE + m[c.WORKER_SESSION + worker]]
    if m[m[c.INSTANCE_HAS_SPEED] + instance]:
        limit = k.NONE if limit_ns == k.NONE else m[c.NOW] + limit_ns
        go_on_with_work(m, f, worker, work_ns, limit)
        return
    enough = limit_ns == k.NONE or work_ns <= limit_ns
    ends = m[c.NOW] + (work_ns if enough else limit_ns)
    _call_at(m, ends, worker, a.RESUME_HANDLING, int(enough))


@jit
def go_on_with_work(m: Ints, f: Reals, worker: int, left_ns: int, limit: int) -> None:
    """Do what is left of a piece of work, until a moment or NONE."""
    instance = m[c.SESSION_INSTANCE + m[c.WORKER_SESSION + worker]]
    m[c.WORKER_WORK_LEFT + worker] = left_ns
    m[c.WORKER_WORK_LIMIT + worker] = limit
    m[c.WORKER_WORK_SINCE + worker] = m[c.NOW]
    node = lists.append(m, m[m[c.INSTANCE_WORKS] + instance], worker)
    m[c.WORKER_WORK_NODE + worker] = node
    _reschedule_work(m, f, instance, worker)


@jit
def _call_at(m: Ints, time_ns: int, worker: int, what: int, argument: int) -> None:
    delivery = m[c.WORKER_PART_FIRST + worker]
    schedule(
        m,
        time_ns,
        k.RANK_COMPLETION,
        m[c.WORKER_CONSUMER + worker],
        m[c.DELIVERY_COPY_ID + delivery],
        m[c.DELIVERY_ATTEMPT + delivery],
        what,
        worker,
        argument,
        0,
    )


@jit
def _takes_ns(f: Reals, factor: int, work_ns: int) -> int:
    """Return how long so much work takes at a factor, which stands in a cell."""
    if f[factor] == 1.0:
        return work_ns
    takes = work_ns * f[factor] + 0.5
    return k.FOREVER if takes >= k.FOREVER else int(takes)


@jit
def _reschedule_work(m: Ints, f: Reals, instance: int, worker: int) -> None:
    """Find out when work will end, as things are now."""
    version = m[c.WORKER_WORK_VERSION + worker] + 1
    m[c.WORKER_WORK_VERSION + worker] = version
    ends = k.FOREVER
    if not stands_still(m, instance):
        factor = m[c.INSTANCE_FACTOR] + instance
        ends = m[c.NOW] + _takes_ns(f, factor, m[c.WORKER_WORK_LEFT + worker])
    limit = m[c.WORKER_WORK_LIMIT + worker]
    if limit != k.NONE and not m[m[c.INSTANCE_PAUSES] + instance]:
        ends = min(ends, max(m[c.NOW], limit))
    if ends < k.FOREVER:
        _call_at(m, ends, worker, a.END_WORK, version)


@action(a.END_WORK)
def end_work(m: Ints, f: Reals, worker: int, version: int, _c: int) -> int:
    """Let work end, unless its end has changed meanwhile."""
    if version != m[c.WORKER_WORK_VERSION + worker]:
        return 0
    instance = m[c.SESSION_INSTANCE + m[c.WORKER_SESSION + worker]]
    is_done = 0
    if not stands_still(m, instance):
        factor = m[c.INSTANCE_FACTOR] + instance
        takes = _takes_ns(f, factor, m[c.WORKER_WORK_LEFT + worker])
        is_done = int(m[c.NOW] - m[c.WORKER_WORK_SINCE + worker] >= takes)
    lists.remove(m, m[m[c.INSTANCE_WORKS] + instance], m[c.WORKER_WORK_NODE + worker])
    m[c.WORKER_WORK_VERSION + worker] += 1
    wake(m, a.RESUME_HANDLING, worker, is_done)
    return 0


# Changes --------------------------------------------------------------------------------------


@jit
def bring_up_to_date(m: Ints, f: Reals, instance: int) -> None:
    """Note what was done since the speed changed last."""
    node = lists.first(m, m[m[c.INSTANCE_WORKS] + instance])
    factor = f[m[c.INSTANCE_FACTOR] + instance]
    while node != NOTHING:
        worker = lists.value(m, node)
        if not stands_still(m, instance):
            done = m[c.NOW] - m[c.WORKER_WORK_SINCE + worker]
            if factor != 1.0:
                done = int(done / factor)
            left = m[c.WORKER_WORK_LEFT + worker]
            m[c.WORKER_WORK_LEFT + worker] = max(0, left - done)
        m[c.WORKER_WORK_SINCE + worker] = m[c.NOW]
        node = lists.following(m, node)


@jit
def reschedule(m: Ints, f: Reals, instance: int) -> None:
    """Let everything go on at the new speed."""
    node = lists.first(m, m[m[c.INSTANCE_WORKS] + instance])
    while node != NOTHING:
        _reschedule_work(m, f, instance, lists.value(m, node))
        node = lists.following(m, node)
    if not m[m[c.INSTANCE_PAUSES] + instance]:
        afterwards = m[m[c.INSTANCE_AFTERWARDS] + instance]
        for _ in range(lists.size(m, afterwards)):
            invoke(m, f, a.POLL_IS_LATE, lists.pop_first(m, afterwards), 0, 0)
    if not stands_still(m, instance):
        waiting = m[m[c.INSTANCE_WAITING] + instance]
        while lists.size(m, waiting):
            wake_up(m, lists.pop_first(m, waiting))


@jit
def forget(m: Ints, instance: int) -> None:
    """Drop everything that was under way: the process has crashed."""
    works = m[m[c.INSTANCE_WORKS] + instance]
    while lists.size(m, works):
        m[c.WORKER_WORK_VERSION + lists.pop_first(m, works)] += 1
    lists.clear(m, m[m[c.INSTANCE_WAITING] + instance])
    lists.clear(m, m[m[c.INSTANCE_AFTERWARDS] + instance])
