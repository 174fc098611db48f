"""Scenarios that nobody thought of: every law holds, and each run is complete and repeatable.

Hypothesis mixes whatever the engine can do (see :mod:`tests.engine.mixtures`). What fails is
shrunk; the report shows the seed, the scenario as a file, and the first rows that are wrong. Paste
that file into a test of its own before mending what it shows.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import eda_sim as es
from eda_sim.engine import execute as module
from eda_sim.engine.laws.case import OPEN_STATES, LawViolation
from eda_sim.engine.reference.model import Model
from eda_sim.engine.reference.workers import Worker
from eda_sim.engine.trace import NEVER, TABLES, MessageStatus, Trace
from eda_sim.spec import Scenario
from tests.engine.mixtures import Focus, mixtures

# Not part of `make test` yet: see the note on `soak` in pyproject.toml.
pytestmark = pytest.mark.soak

SECOND = 1_000_000_000
SHOWN = 5
RATHER_LARGE = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


def examples(number: int) -> settings:
    """Derived from the test itself, so that the same tree gives the same result everywhere."""
    return settings(
        max_examples=number,
        deadline=None,
        derandomize=True,
        report_multiple_bugs=False,
        suppress_health_check=RATHER_LARGE,
    )


def examine(scenario: Scenario) -> Trace:
    """Run a scenario twice; hold the runs to every law, to each other, and to their end."""
    try:
        trace = module.execute(scenario)  # tests/lawful.py lets it check every law
        repeated(trace, module.execute.__wrapped__(scenario))
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
    messages, deliveries, copies = trace.messages, trace.deliveries, trace.copies
    # What consumers emit has no say in it.
    produced = messages["created_at"][messages["source"] < len(scenario.producers)]
    last = int(produced.max(initial=0))
    duration = None if scenario.duration is None else round(scenario.duration * SECOND)
    if not scenario.drain:
        early = duration is None or produced.size == scenario.messages
        assert trace.ended_at_ns == (last if early else duration)
        return
    # Production may go on for longer than its last message, but never ends before it.
    bound = max(last, duration or 0) + round(scenario.drain_timeout * SECOND)
    if trace.ended_at_ns >= bound:
        return
    pending = {
        "messages": np.flatnonzero(messages["status"] <= MessageStatus.IN_FLIGHT),
        "copies": np.flatnonzero(np.isin(copies["state"], OPEN_STATES)),
        "deliveries": np.flatnonzero(
            (deliveries["started_at"] != NEVER) & (deliveries["finished_at"] == NEVER)
        ),
    }
    for table, rows in pending.items():
        shown = [
            {name: int(values[row]) for name, values in getattr(trace, table).items()}
            for row in rows[:SHOWN]
        ]
        assert not shown, f"drained, but {rows.size} {table} are pending: {shown}"


@examples(100)
@given(st.sampled_from(Focus).flatmap(mixtures))
def test_generated_scenarios_keep_every_law(scenario):
    examine(scenario)


@pytest.mark.slow
@examples(600)
@given(mixtures(Focus.ANYTHING))
def test_mixtures_of_everything(scenario):
    examine(scenario)


@pytest.mark.slow
@examples(500)
@given(mixtures(Focus.QUEUES))
def test_queues_and_their_leases(scenario):
    examine(scenario)


@pytest.mark.slow
@examples(400)
@given(mixtures(Focus.GROUPS))
def test_groups_and_their_protocols(scenario):
    examine(scenario)


@pytest.mark.slow
@examples(400)
@given(mixtures(Focus.FAILURES))
def test_failing_handlers_and_faults(scenario):
    examine(scenario)


@pytest.mark.slow
@examples(200)
@given(mixtures(Focus.BROKERS))
def test_presets_of_brokers(scenario):
    examine(scenario)


# The report --------------------------------------------------------------------------------------


@pytest.mark.slow  # shrinking takes many runs
def test_a_broken_engine_is_reported_with_seed_scenario_and_rows(monkeypatch):
    # The broker forgets to write down that a copy is settled at its own time.
    def finish(self, entry, state):
        entry.state, entry.settled_at = state, entry.stored_at - 1
        self.close()

    monkeypatch.setattr(Model, "finish", finish)

    @examples(50)
    @given(mixtures(Focus.QUEUES))
    def search(scenario):
        examine(scenario)

    with pytest.raises(LawViolation) as failure:
        search()
    assert "row 0: copy_id=" in str(failure.value)
    assert_shows_its_scenario(failure.value)


@pytest.mark.slow  # shrinking takes many runs
def test_a_handler_that_outlives_its_crash_is_found(monkeypatch):
    monkeypatch.setattr(Worker, "stop", lambda _: None)

    @examples(300)
    @given(mixtures(Focus.FAILURES))
    def search(scenario):
        examine(scenario)

    with pytest.raises((AssertionError, KeyError)) as failure:
        search()
    shown = assert_shows_its_scenario(failure.value)
    assert any(fault.kind == "crash" for fault in shown.faults)


def assert_shows_its_scenario(error: BaseException) -> Scenario:
    """Read the scenario out of a report, and see that it fails in the same way."""
    (note,) = (note for note in error.__notes__ if note.startswith("seed: "))
    seed, text = note.split("\n", 1)
    shown = es.load(text)
    assert seed == f"seed: {shown.seed}"
    with pytest.raises(type(error)) as again:
        examine(shown)
    assert str(again.value) == str(error)
    return shown


def test_what_is_not_repeatable_is_reported():
    scenario = es.load("crash").replace({"duration": "5s", "faults": []})
    trace = module.execute(scenario)
    repeated(trace, module.execute(scenario))
    other = module.execute(scenario, seed=1)
    with pytest.raises(AssertionError, match=r"messages|created_at"):
        repeated(trace, other)


def test_what_is_not_complete_is_reported():
    scenario = es.load("crash").replace({"duration": "5s", "faults": []})
    trace = module.execute(scenario)
    complete(trace, scenario)
    with pytest.raises(AssertionError, match="drained, but"):
        trace.copies["state"][:1] = OPEN_STATES[0]
        complete(trace, scenario.replace({"drain": True}))
