"""The run: lay a plan out in memory, let the kernel run, return the trace."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from eda_sim.engine.compiled import actions, cells, loop, maps, pointers
from eda_sim.engine.compiled import assignment as _assignment
from eda_sim.engine.compiled import batching as _batching
from eda_sim.engine.compiled import breaker as _breaker
from eda_sim.engine.compiled import careful as _careful
from eda_sim.engine.compiled import closing as _closing
from eda_sim.engine.compiled import connections as _connections
from eda_sim.engine.compiled import dead_letters as _dead_letters
from eda_sim.engine.compiled import dispatch as _dispatch
from eda_sim.engine.compiled import emits as _emits
from eda_sim.engine.compiled import failover as _failover
from eda_sim.engine.compiled import faults as _faults
from eda_sim.engine.compiled import groups as _groups
from eda_sim.engine.compiled import handling as _handling
from eda_sim.engine.compiled import leases as _leases
from eda_sim.engine.compiled import operation as _operation
from eda_sim.engine.compiled import preemption as _preemption
from eda_sim.engine.compiled import reading as _reading
from eda_sim.engine.compiled import redelivery as _redelivery
from eda_sim.engine.compiled import schedules as _schedules
from eda_sim.engine.compiled import speed as _speed
from eda_sim.engine.compiled import transfers as _transfers
from eda_sim.engine.compiled import verdicts as _verdicts
from eda_sim.engine.compiled import workers as _workers
from eda_sim.engine.compiled.collection import WORTH_A_SEARCH, Collector
from eda_sim.engine.compiled.layout import lay_out
from eda_sim.engine.compiled.memory import Memory
from eda_sim.engine.compiled.pointers import enter
from eda_sim.engine.plan import NONE, Plan
from eda_sim.engine.summary import Facts, Summarizer, Summary
from eda_sim.engine.summary.samples import thinned
from eda_sim.engine.trace import TABLES as TRACE_TABLES
from eda_sim.engine.trace import Table, Trace

_UNITS = (
    _assignment,
    _batching,
    _breaker,
    _careful,
    _closing,
    _connections,
    _dead_letters,
    _dispatch,
    _emits,
    _failover,
    _faults,
    _groups,
    _handling,
    _leases,
    _operation,
    _preemption,
    _reading,
    _redelivery,
    _schedules,
    _speed,
    _transfers,
    _verdicts,
    _workers,
)
"""Modules whose actions nothing here names."""

Progress = Callable[[float], None]

_EVENTS_AT_A_TIME = 1_000_000
_EVENTS_BETWEEN_COUNTS = 1 << 13
_TABLES = {
    "messages": "MESSAGE",
    "copies": "ENTRY",
    "deliveries": "DELIVERY",
    "series": "SAMPLE",
    "faults": "OCCURRENCE",
}


def simulate(plan: Plan, *, progress: Progress | None = None) -> Trace:
    """Run a plan on the compiled engine.

    Parameters
    ----------
    plan : Plan
        What to run.
    progress : callable, optional
        Called now and then with the share of the run that is done.

    Returns
    -------
    Trace
        What happened: to the last bit what the reference engine writes down.
    """
    factor = 1
    while True:
        memory = lay_out(plan, factor)
        if _run(memory, plan, progress):
            return _trace(memory, plan)
        factor *= 4


def summarize(
    plan: Plan,
    facts: Facts,
    *,
    progress: Progress | None = None,
    least_rows: int = WORTH_A_SEARCH,
) -> Summary:
    """Run a plan on the compiled engine and keep only counts.

    Parameters
    ----------
    plan : Plan
        What to run.
    facts : Facts
        What its summary counts by.
    progress : callable, optional
        Called now and then with the share of the run that is done.
    least_rows : int
        So many new rows, and as many as are in use, are worth looking which have been done with.

    Returns
    -------
    Summary
        To the byte what counting the whole trace gives.
    """
    factor = 1
    while True:
        memory = lay_out(plan, factor, reuses_rows=True)
        counting = _Counting(memory, facts, least_rows)
        if _run(memory, plan, progress, counting):
            return counting.finish()
        factor *= 4


class _Counting:
    """Hands rows over to be counted while a run goes on.

    Parameters
    ----------
    memory : Memory
        That of the run.
    facts : Facts
        Of the scenario.
    least_rows : int
        New rows that are worth a search.
    """

    def __init__(self, memory: Memory, facts: Facts, least_rows: int) -> None:
        self._memory, self._facts = memory, facts
        self._summarizer = Summarizer(facts)
        self._collector = Collector(memory, least_rows)
        self._series: dict[str, npt.NDArray[np.int64]] | None = None
        self.events_between = min(_EVENTS_BETWEEN_COUNTS, least_rows)

    def go_on(self) -> None:
        """Count what the run has done with, if that is much."""
        if not pointers.COMPILED:  # lists of Python have no columns to take; then all is the rest
            return
        if self._collector.is_due() or self._memory.is_nearly_full():
            batch = self._collector.collect()
            self._summarizer.absorb(batch.messages, batch.copies, batch.deliveries, live=batch.live)
            self._take_series()

    def finish(self) -> Summary:
        """Count what is left, and return everything."""
        rest = self._collector.rest()
        self._summarizer.absorb(rest.messages, rest.copies, rest.deliveries, live=rest.live)
        self._take_series()
        faults = self._memory.columns("OCCURRENCE", _names("faults"))
        ended_at = int(self._memory.ints[cells.NOW])
        return self._summarizer.finish(ended_at, self._series or {}, faults)

    def _take_series(self) -> None:
        taken = self._collector.take_series()
        if self._series is not None:
            taken = {
                name: np.concatenate([self._series[name], values]) for name, values in taken.items()
            }
        self._series = thinned(taken, self._facts.sample_every_ns)


def is_kept() -> bool:
    """Return whether the kernel is on disk, so that a run need not wait for the compiler."""
    return pointers.is_kept(actions.RUN)


def compile_kernel(part: int = 0, parts: int = 1) -> int:
    """Compile one share of the kernel's units, and keep them on disk.

    Parameters
    ----------
    part, parts : int
        Which share, from 0, of how many.

    Returns
    -------
    int
        How many units this was.
    """
    return pointers.compile_some(part, parts)


def _run(
    memory: Memory, plan: Plan, progress: Progress | None, counting: _Counting | None = None
) -> bool:
    """Let a run happen; return whether its memory was enough."""
    _call(memory, actions.START, 0)
    limit = _EVENTS_AT_A_TIME if counting is None else counting.events_between
    while True:
        why = _call(memory, actions.RUN, limit)
        if why == loop.OVERFLOWED:
            return False
        if why == loop.ENDED:
            if progress is not None:
                progress(1.0)
            return True
        if counting is not None:
            counting.go_on()
        if why == loop.NEEDS_ROOM:
            _make_room(memory)
        if progress is not None:
            progress(_share(memory, plan))


def _call(memory: Memory, action: int, argument: int) -> int:
    return enter(memory.ints, memory.reals, action, argument)


def _share(memory: Memory, plan: Plan) -> float:
    if plan.run.duration_ns == NONE:
        return min(1.0, float(memory.ints[cells.CREATED]) / plan.run.messages)
    return min(1.0, float(memory.ints[cells.NOW]) / plan.run.duration_ns)


def _make_room(memory: Memory) -> None:
    """Give more room to what asked for it."""
    memory.ints[cells.NEEDS_ROOM] = 0
    if memory.is_nearly_full():
        memory.enlarge()
    if 4 * memory.rows("HEAP") > 3 * memory.capacities["HEAP"]:
        memory.widen("HEAP", 4 * memory.capacities["HEAP"])
    used = memory.capacities["SLOT"]
    if 2 * maps.SLOT * memory.ints[cells.SLOT_USED] > used:
        memory.widen("SLOT", 4 * used)
        _call(memory, actions.REHASH, used)


# The trace ------------------------------------------------------------------------------------


def _names(table: str) -> list[str]:
    return [spec.name for spec in TRACE_TABLES[table]]


def _trace(memory: Memory, plan: Plan) -> Trace:
    tables: dict[str, Table] = {
        table: memory.columns(_TABLES[table], _names(table)) for table in TRACE_TABLES
    }
    return Trace(plan.names, int(memory.ints[cells.NOW]), **tables)
