"""Each law about handling can be broken."""

from functools import cache

import pytest

from eda_sim.engine.execute import execute
from eda_sim.engine.laws import LawViolation, check_laws
from eda_sim.engine.trace import Outcome
from tests.engine.breaking import broken_by, first
from tests.engine.worlds import SECOND, world
from tests.traces import tampered

RETRY = "fixed(10ms, max_attempts=3)"
WORLDS = {
    "failing": {"error_probability": 0.3, "on_exhausted": "leave"},
    "in_place": {"error_probability": 0.5, "retry": RETRY},
    "requeue": {"error_probability": 0.5, "retry": RETRY, "retry_where": "requeue"},
    "timeout": {"timeout": "20ms"},
    "transaction": {"dedup": {"window": "1h", "transactional": True}},
    "batch": {"batch_max_messages": 3, "subscription": {"fetch_max_messages": 3}},
}


@cache
def run(kind):
    scenario = world(
        seed=1,
        duration=5,
        producer={"rate": "100/s"},
        consumer={
            "service": "exponential(20ms)",
            "instances": 2,
            "concurrency": 2,
            "subscription": {"lease_timeout": "30ms"},
            **WORLDS[kind],
        },
    )
    return execute(scenario), scenario


@pytest.mark.parametrize(
    ("law", "kind", "outcome", "column", "value"),
    [
        ("failures_have_no_effect", "failing", Outcome.FAILED, "effect", 1),
        ("failures_have_no_effect", "failing", Outcome.UNFINISHED, "outcome", Outcome.FAILED),
        ("tries_are_bounded", "in_place", Outcome.OK, "tries", 4),
        ("tries_are_bounded", "requeue", Outcome.OK, "tries", 2),
        ("tries_are_bounded", "failing", Outcome.OK, "tries", 0),
    ],
)
def test_a_changed_number_breaks_the_law(law, kind, outcome, column, value):
    trace, scenario = run(kind)
    row = first(trace.deliveries["outcome"] == outcome)
    assert broken_by(tampered(trace, "deliveries", column, row, value), scenario) == law


def test_a_second_effect_in_spite_of_a_transaction_is_caught():
    trace, scenario = run("transaction")
    row = first(trace.deliveries["outcome"] == Outcome.SKIPPED)
    changed = tampered(trace, "deliveries", "effect", row, 1)
    changed = tampered(changed, "deliveries", "outcome", row, Outcome.OK)
    with pytest.raises(LawViolation, match="transactions_never_duplicate"):
        check_laws(changed, scenario)
    relaxed = scenario.replace({"consumers.server.dedup.transactional": False})
    check_laws(changed, relaxed)


@pytest.mark.parametrize(
    ("law", "kind", "change"),
    [
        ("batches_are_bounded", "batch", {"consumers.server.batch_max_messages": 2}),
        ("timeouts_stop_handlers", "timeout", {"consumers.server.timeout": "19ms"}),
        ("delays_are_kept", "failing", {"channels.queue.delay": "1ms"}),
    ],
)
def test_a_run_of_another_scenario_breaks_the_law(law, kind, change):
    trace, scenario = run(kind)
    assert broken_by(trace, scenario.replace(change)) == law
    assert trace.ended_at_ns == 5 * SECOND
