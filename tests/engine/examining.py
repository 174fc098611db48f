"""Scenarios that nobody thought of are run here: every law holds, and each run is complete.

:func:`examine` is what all generated scenarios go through. :func:`search` lets Hypothesis make a
few of them from one seed. What fails is shrunk; the report shows the seed, the scenario as a file,
and the first rows that are wrong. Paste that file into ``tests/engine/found`` before mending what
it shows.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded

import eda_sim as es
from eda_sim.engine import execute as module
from eda_sim.engine.trace import NEVER, OPEN_STATES, TABLES, MessageStatus, Trace
from eda_sim.spec import Scenario
from tests.engine.mixtures import Focus, mixtures

SECOND = 1_000_000_000
SHOWN = 5
ROUND = 10
"""Scenarios per seed: Hypothesis varies those that it has after as many, and makes few new ones."""
ROUNDS = 32
"""Seeds for each focus in ``make test``."""
SEEDS = [
    *range(3),
    *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(3, ROUNDS)),
    *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(ROUNDS, 10 * ROUNDS)),
]
"""All seeds; ``make test-fast`` takes the first of them, ``make soak`` the later ones."""


def search(focus: Focus, seed: int, *, shrinks: bool = True) -> None:
    """Generate scenarios from a seed and examine them; shrink the first that fails."""

    @seeded(seed)
    @settings(
        max_examples=ROUND,
        phases=(Phase.generate, Phase.shrink) if shrinks else (Phase.generate,),
        deadline=None,
        database=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(mixtures(focus))
    def find(scenario: Scenario) -> None:
        examine(scenario)

    find()


def examine(scenario: Scenario) -> Trace:
    """Run a scenario on both engines, then again; hold the runs to laws, each other and their end.

    The comparison of the engines is made by ``tests/lawful.py``, with every law.
    """
    try:
        trace = module.execute(scenario)
        repeated(trace, module.execute.__wrapped__(scenario, engine="reference"))
        complete(trace, scenario)
    except Exception as error:
        error.add_note(f"seed: {scenario.seed}\n{es.dump(scenario)}")
        raise
    return trace


def repeated(trace: Trace, again: Trace) -> None:
    """Law L7: same seed, same bytes."""
    if trace.digest() == again.digest():
        return
    for table, columns in TABLES.items():
        first, second = getattr(trace, table), getattr(again, table)
        for column in columns:
            one, other = first[column.name], second[column.name]
            assert one.size == other.size, f"{one.size} {table}, then {other.size}"
            rows = np.flatnonzero(one != other)[:SHOWN]
            assert not rows.size, (
                f"{table}.{column.name} in the rows {rows.tolist()}: "
                f"{one[rows].tolist()}, then {other[rows].tolist()}"
            )
    raise AssertionError(f"ended at {trace.ended_at_ns} ns, then at {again.ended_at_ns} ns")


def complete(trace: Trace, scenario: Scenario) -> None:
    """Rules R7 and R8: a run ends when it should, with nothing pending where it was drained."""
    messages = trace.messages
    # What consumers emit has no say in it.
    produced = messages["created_at"][messages["source"] < len(scenario.producers)]
    last = int(produced.max(initial=0))
    duration = None if scenario.duration is None else round(scenario.duration * SECOND)
    if scenario.drain:
        # Production may go on for longer than its last message, but never ends before it.
        bound = max(last, duration or 0) + round(scenario.drain_timeout * SECOND)
        if trace.ended_at_ns < bound:
            nothing_pending(trace)
    elif produced.size == scenario.messages:
        assert trace.ended_at_ns == last
    elif duration is not None:
        assert trace.ended_at_ns == duration
    else:
        # A producer that is dead may end production after its last message.
        hit = {target.split(".")[-1] for fault in scenario.faults for target in fault.targets}
        assert trace.ended_at_ns == last or (
            trace.ended_at_ns > last and hit & set(scenario.producers)
        )


def nothing_pending(trace: Trace) -> None:
    """Rule R8: what was drained has nothing open."""
    deliveries, copies = trace.deliveries, trace.copies
    started, finished = deliveries["started_at"] != NEVER, deliveries["finished_at"] != NEVER
    pending = {
        "messages": np.flatnonzero(trace.messages["status"] <= MessageStatus.IN_FLIGHT),
        "copies": np.flatnonzero(np.isin(copies["state"], OPEN_STATES)),
        "deliveries": np.flatnonzero(started & ~finished),
    }
    for table, rows in pending.items():
        shown = [
            {name: int(values[row]) for name, values in getattr(trace, table).items()}
            for row in rows[:SHOWN]
        ]
        assert not shown, f"drained, but {rows.size} {table} are pending: {shown}"
