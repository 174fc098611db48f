"""What has happened by a moment does not depend on when the run will end, or on who watches it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eda_sim.engine.execute import execute
from eda_sim.engine.trace import NEVER, TABLES, Trace
from eda_sim.spec import Scenario
from tests.strategies import scenarios

EXAMPLES = 100


@pytest.mark.rule("L7", "R7")
@settings(max_examples=EXAMPLES)
@given(scenario=scenarios(small=True), ends_at=st.sampled_from([0.001, 0.01, 0.05, 1.0]))
def test_a_longer_run_begins_like_a_shorter_one(scenario, ends_at):
    shorter = execute(lasting(scenario, ends_at))
    longer = execute(lasting(scenario, 2 * ends_at))
    end = min(shorter.ended_at_ns, longer.ended_at_ns)
    for table, column in (
        ("messages", "created_at"),
        ("copies", "stored_at"),
        ("deliveries", "acquired_at"),
        ("faults", "started_at"),
    ):
        rows = int((getattr(shorter, table)[column] < end).sum())
        assert int((getattr(longer, table)[column] < end).sum()) == rows
        for name in times(table):
            assert_same_until(end, rows, (shorter, longer), table, name)


def lasting(scenario: Scenario, seconds: float) -> Scenario:
    """Return the scenario with another end."""
    end = {"duration": seconds, "warmup": 0.0, "drain": False}
    return scenario.model_copy(update=end)


def times(table: str) -> list[str]:
    return [column.name for column in TABLES[table] if column.unit == "ns"]


def assert_same_until(
    end: int, rows: int, runs: tuple[Trace, Trace], table: str, column: str
) -> None:
    """Assert that what happened before ``end`` happened at the same time in both runs."""
    ours, theirs = (getattr(run, table)[column][:rows] for run in runs)
    for one, other in ((ours, theirs), (theirs, ours)):
        happened = (one != NEVER) & (one < end)
        assert (one[happened] == other[happened]).all(), (table, column)


@pytest.mark.rule("L7")
@settings(max_examples=EXAMPLES)
@given(scenario=scenarios(small=True), replication=st.integers(0, 2**32 - 1))
def test_whoever_watches_sees_the_same_run(scenario, replication):
    shares: list[float] = []
    watched = execute(scenario, replication=replication, progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert execute(scenario, replication=replication).digest() == watched.digest()
