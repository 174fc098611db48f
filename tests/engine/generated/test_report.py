"""What is wrong is reported: with the seed, the scenario as a file, and the first rows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import eda_sim as es
from eda_sim.engine import execute as module
from eda_sim.engine.laws.case import LawViolation
from eda_sim.engine.reference.model import Model
from eda_sim.engine.reference.workers import Worker
from eda_sim.engine.trace import OPEN_STATES
from eda_sim.spec import Scenario
from tests.engine import examining
from tests.engine.examining import ROUND, ROUNDS, complete, examine, repeated, search
from tests.engine.mixtures import Focus


def test_there_are_more_than_two_thousand_scenarios(monkeypatch):
    seen = []
    monkeypatch.setattr(examining, "examine", lambda scenario: seen.append(es.dump(scenario)))
    search(Focus.ANYTHING, 0)
    assert len(seen) == ROUND
    # Each round begins with the simplest scenario, which it shares with the others.
    assert len(set(seen)) >= ROUND - 1
    assert len(Focus) * ROUNDS * (ROUND - 1) >= 2_000
    files = {path.stem for path in Path(__file__).parent.glob("test_*.py")}
    assert {f"test_{focus.name.lower()}" for focus in Focus} <= files


def test_a_broken_engine_is_reported_with_seed_scenario_and_rows(monkeypatch):
    # The broker forgets to write down that a copy is settled at its own time.
    def finish(self, entry, state):
        entry.state, entry.settled_at = state, entry.stored_at - 1
        self.close()

    monkeypatch.setattr(Model, "finish", finish)
    with pytest.raises(LawViolation) as failure:
        search(Focus.QUEUES, 0)
    assert "row 0: copy_id=" in str(failure.value)
    shown = assert_shows_its_scenario(failure.value)
    assert len(es.dump(shown).splitlines()) < 20, "shrunk to what matters"


def test_a_handler_that_outlives_its_crash_is_found(monkeypatch):
    monkeypatch.setattr(Worker, "stop", lambda _: None)
    with pytest.raises((AssertionError, KeyError)) as failure:
        for seed in range(ROUNDS):
            search(Focus.FAILURES, seed, shrinks=False)
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
    # A message may show an object, with its address.
    assert re.sub(r"0x\w+", "", str(again.value)) == re.sub(r"0x\w+", "", str(error))
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
