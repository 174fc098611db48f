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
from eda_sim.engine.compiled import reading as _reading
from eda_sim.engine.compiled import redelivery as _redelivery
from eda_sim.engine.compiled import schedules as _schedules
from eda_sim.engine.compiled import speed as _speed
from eda_sim.engine.compiled import transfers as _transfers
from eda_sim.engine.compiled import verdicts as _verdicts
from eda_sim.engine.compiled import workers as _workers
from eda_sim.engine.compiled.collection import WORTH_A_SEARCH, Collector
from eda_sim.engine.compiled.memory import Memory
from eda_sim.engine.compiled.pointers import addresses, enter
from eda_sim.engine.lineage import mix
from eda_sim.engine.plan import NONE, LeaseScope, Plan
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
        memory = _lay_out(plan, factor)
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
        memory = _lay_out(plan, factor, reuses_rows=True)
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


# Memory ---------------------------------------------------------------------------------------

_GROWING = {"HEAP": 1 << 14, "SLOT": 1 << 14}
"""Rows of the tables of columns that grow during a run."""

_CELLS_OF_A_MESSAGE = 160
"""What a message needs that is read once, with something to spare."""

_LEAST_ROOM, _MOST_ROOM = (1 << 24, 1 << 30) if pointers.COMPILED else (1 << 20, 1 << 24)
"""Cells to begin with."""


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


def _room(plan: Plan) -> int:
    """Return how many cells rows may take before there must be more."""
    messages = max(0, plan.run.messages)
    return min(_MOST_ROOM, _LEAST_ROOM + _CELLS_OF_A_MESSAGE * messages)


def _spare(plan: Plan, channels: int) -> int:
    """Return the cells of the largest number of rows that must lie side by side."""
    readers = np.bincount(plan.subscriptions.channel, minlength=channels).max(initial=0)
    queues = np.bincount(plan.subscriptions.consumer).max(initial=0)
    workers = plan.consumers.concurrency.max(initial=0)
    return int(
        max(
            readers * cells.ENTRY_WIDTH,
            queues * cells.HOLD_WIDTH,
            workers * cells.WORKER_WIDTH,
            2 * cells.LINK_WIDTH,
        )
    )


def _lay_out(plan: Plan, factor: int, *, reuses_rows: bool = False) -> Memory:
    groups = {
        "PRODUCER": plan.producers.rows._asdict(),
        "ARRIVAL_TIME": {"ns": plan.producers.arrival_times_ns},
        "SEGMENT": plan.producers.segments._asdict(),
        "KEY_SHARE": {"cumulative": plan.producers.key_cumulative},
        "SOURCE": {**plan.publishing._asdict(), **plan.links._asdict()},
        "CHANNEL": plan.channels.rows._asdict(),
        "KEY_PARTITION": {"number": plan.channels.key_partitions},
        "REPLICATION": plan.replication._asdict(),
        "CONSUMER": {**plan.consumers._asdict(), **plan.handling._asdict()},
        "SUBSCRIPTION": plan.subscriptions._asdict(),
        "EMIT": plan.emits._asdict(),
        "RETRY_INTEGER": {"number": plan.retries.integers.reshape(-1)},
        "RETRY_REAL": {"number": plan.retries.reals.reshape(-1)},
        "RETRY_PHASE": {"number": plan.retries.phases.reshape(-1)},
        "FAULT": plan.faults._asdict(),
    }
    capacities = {name: rows * factor for name, rows in _GROWING.items()}
    capacities |= {name: len(next(iter(group.values()))) for name, group in groups.items()}
    sources = len(plan.publishing.acks)
    channels, instances = len(plan.channels.rows.address), int(plan.consumers.instances.sum())
    capacities |= {
        "PARTITION": int(plan.channels.rows.partitions.sum()),
        "READER": len(plan.subscriptions.channel),
        "SPREAD": channels * sources,
        "OUTLET": channels * instances,
        "INSTANCE": instances,
        "GROUP": len(plan.consumers.address),
        "SHARE": int(plan.channels.rows.partitions[plan.subscriptions.channel].sum()),
        "LINE": int((plan.subscriptions.priorities + 1).sum()),
    }
    capacities |= _of_channels(plan, instances)
    memory = Memory(
        capacities,
        room=(_LEAST_ROOM if reuses_rows else _room(plan)) * factor,
        spare=_spare(plan, channels),
        actions=actions.COUNT,
        data=plan.distributions.data,
    )
    for name, group in groups.items():
        memory.fill(name, group)
    _link_rows(memory, plan, sources, channels, instances)
    _begin(memory, plan)
    return memory


def _of_channels(plan: Plan, instances: int) -> dict[str, int]:
    """Return how many lanes of publishers, replicas and nodes there may be."""
    partitions = plan.channels.rows.partitions
    nodes = plan.replication.is_replicated * plan.replication.factor
    lanes = partitions[plan.producers.rows.channel].sum() + instances * partitions.sum()
    replicas = (nodes * partitions).sum()
    return {"LANE": int(lanes), "REPLICA": int(replicas), "BROKER": int(nodes.sum())}


def _begin(memory: Memory, plan: Plan) -> None:
    """Set the scalars of the run, and the addresses of all actions."""
    run, ints = plan.run, memory.ints
    for cell, value in (
        (cells.RUN_SEED, run.seed),
        (cells.RUN_REPLICATION, run.replication),
        (cells.RUN_DURATION_NS, run.duration_ns),
        (cells.RUN_MESSAGES, run.messages),
        (cells.RUN_DRAIN, int(run.drain)),
        (cells.RUN_DRAIN_TIMEOUT_NS, run.drain_timeout_ns),
        (cells.RUN_SAMPLE_EVERY_NS, run.sample_every_ns),
        (cells.FREE_EVENT, NONE),
        (cells.FREE_NODE, NONE),
        (cells.FREE_LIST, NONE),
        (cells.FREE_REQUEST, NONE),
        (cells.FREE_FETCH, NONE),
        (cells.FREE_MESSAGE_GROUP, NONE),
        (cells.FREE_LETTER, NONE),
        (cells.URGENT_FIRST, NONE),
        (cells.NORMAL_FIRST, NONE),
    ):
        ints[cell] = value
    ints[cells.SLOT_ROWS] = memory.capacities["SLOT"]
    memory.set("SLOT", "cells", NONE)
    table = addresses(actions.COUNT)
    ints[cells.HEADER : cells.HEADER + actions.COUNT] = table


def _link_rows(memory: Memory, plan: Plan, sources: int, channels: int, instances: int) -> None:
    """Fill in which rows belong to which: readers of channels, subscriptions and emits."""
    readers = np.argsort(plan.subscriptions.channel, kind="stable")
    counts = np.bincount(plan.subscriptions.channel, minlength=channels)
    memory.fill("READER", {"subscription": readers})
    memory.fill("CHANNEL", {"first_reader": _starts(counts), "readers": counts})
    consumers, producers = len(plan.consumers.address), sources - len(plan.consumers.address)
    subscriptions = np.bincount(plan.subscriptions.consumer, minlength=consumers)
    emits = np.bincount(plan.emits.consumer, minlength=consumers)
    first = _starts(subscriptions)
    scopes = plan.subscriptions.lease_scope
    memory.fill(
        "CONSUMER",
        {
            "source": producers + np.arange(consumers),
            "first_subscription": first,
            "subscriptions": subscriptions,
            "first_emit": _starts(emits),
            "emits": emits,
            "is_group": (scopes[first] == LeaseScope.PARTITION).astype(np.int64),
        },
    )
    memory.fill("EMIT", {"address": _emit_addresses(plan)})
    nothing = np.full(channels * max(sources, instances), NONE)
    zeros = np.zeros(channels * sources, dtype=np.int64)
    memory.fill("SPREAD", {"next": zeros, "stay_number": nothing[: channels * sources]})
    memory.fill("OUTLET", {"publisher": nothing[: channels * instances]})


def _starts(counts: np.ndarray) -> np.ndarray:
    """Return where each group of consecutive rows begins."""
    starts: np.ndarray = np.cumsum(counts) - counts
    return starts


def _emit_addresses(plan: Plan) -> np.ndarray:
    """Return the address of each row of the emits, as the reference engine's emitter mixes it."""
    places: dict[int, int] = {}
    addresses = []
    for consumer in plan.emits.consumer.tolist():
        place = places.get(consumer, 0)
        places[consumer] = place + 1
        addresses.append(mix(int(plan.consumers.address[consumer]), place))
    return np.array(addresses, dtype=np.int64)


# The trace ------------------------------------------------------------------------------------


def _names(table: str) -> list[str]:
    return [spec.name for spec in TRACE_TABLES[table]]


def _trace(memory: Memory, plan: Plan) -> Trace:
    tables: dict[str, Table] = {
        table: memory.columns(_TABLES[table], _names(table)) for table in TRACE_TABLES
    }
    return Trace(plan.names, int(memory.ints[cells.NOW]), **tables)
