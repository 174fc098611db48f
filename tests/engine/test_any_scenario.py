"""Whatever a scenario says: it runs, it ends, it breaks no law, and it runs the same again.

The laws (:mod:`eda_sim.engine.laws`) are checked by the harness on every run that a test makes.
The times of these scenarios lie on a coarse grid, so many things happen at one moment.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eda_sim.engine.execute import execute
from eda_sim.engine.trace import NEVER
from eda_sim.spec import Scenario
from tests.strategies import scenarios

pytestmark = pytest.mark.rule("L1", "L2", "L3", "L4", "L5", "L6", "L7")

EXAMPLES = 150


def runnable(scenario: Scenario) -> Scenario:
    """Return the scenario with those of its faults that the engine knows."""
    return scenario.model_copy(
        update={"faults": tuple(fault for fault in scenario.faults if fault.kind == "crash")}
    )


SCENARIOS = scenarios(small=True).map(runnable)


@settings(max_examples=EXAMPLES)
@given(scenario=SCENARIOS, replication=st.integers(0, 2**32 - 1))
def test_any_scenario_runs_and_runs_the_same_again(scenario, replication):
    shares: list[float] = []
    first = execute(scenario, replication=replication, progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1
    second = execute(scenario, replication=replication)
    assert second.digest() == first.digest()


@settings(max_examples=EXAMPLES)
@given(scenario=SCENARIOS, at=st.sampled_from([0.001, 0.01, 0.05, 1.0]))
def test_a_longer_run_begins_like_a_shorter_one(scenario, at):
    # What has happened by a moment does not depend on when the run will end.
    short = scenario.model_copy(update={"duration": at, "warmup": 0.0, "drain": False})
    long = short.model_copy(update={"duration": 2 * at})
    shorter, longer = execute(short), execute(long)
    end = min(shorter.ended_at_ns, longer.ended_at_ns)
    for table, column in (("messages", "created_at"), ("deliveries", "acquired_at")):
        ours, theirs = getattr(shorter, table), getattr(longer, table)
        rows = int((ours[column] < end).sum())
        assert (theirs[column][:rows] == ours[column][:rows]).all()
        for name, values in ours.items():
            if not name.endswith("_at"):
                continue
            before = values[:rows]
            known = (before != NEVER) & (before < end)
            assert (theirs[name][:rows][known] == before[known]).all(), (table, name)
