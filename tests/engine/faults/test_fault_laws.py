"""Each law about faults can be broken."""

import pytest

from eda_sim.engine.execute import execute
from tests.engine.breaking import broken_by
from tests.engine.worlds import SECOND, at, world
from tests.traces import tampered


@pytest.mark.parametrize(
    ("law", "fault"),
    [
        ("nothing_while_still", {"pause": "server"}),
        ("nothing_while_still", {"hang": "server/0"}),
        ("nothing_while_down", {"stop": "server"}),
        ("dead_producers_create_nothing", {"crash": "source"}),
        ("nothing_crosses_a_cut", {"partition": ["source", "queue"]}),
        ("nothing_crosses_a_cut", {"partition": ["server", "queue"]}),
        ("dead_channels_do_nothing", {"crash": "queue"}),
        ("dead_channels_do_nothing", {"power_loss": "queue/0"}),
    ],
)
def test_a_fault_that_would_have_lasted_longer_is_caught(law, fault):
    scenario = world(
        duration="6s",
        producer={"arrivals": "constant(20/s)"},
        consumer={"service": "10ms"},
        faults=[{**fault, "at": "2s", "lasts": "1s"}],
    )
    trace = execute(scenario)
    assert broken_by(tampered(trace, "faults", "ended_at", 0, 4 * SECOND), scenario) == law


def test_a_fault_of_operation_in_an_idle_instance_is_caught():
    fault = {"slow": "server", "factor": 2, "mtbf": "1s", "mttr": "1s"}
    scenario = world(
        duration="6s",
        producer={"arrivals": at(1)},
        consumer={"service": "1s"},
        faults=[{**fault, "mtbf_counts": "operation"}],
    )
    trace = execute(scenario)
    assert trace.faults["started_at"].tolist() == [2 * SECOND]
    broken = tampered(trace, "faults", "started_at", 0, 2 * SECOND + 1)
    assert broken_by(broken, scenario) == "only_work_wears_out"


@pytest.mark.parametrize(
    ("column", "row", "value"), [("occurrence", 1, 2), ("ended_at", 0, 4 * SECOND)]
)
def test_occurrences_out_of_order_are_caught(column, row, value):
    law = "occurrences_in_order"
    fault = {"slow": "server", "factor": 2, "mtbf": "1s", "mttr": "500ms"}
    scenario = world(
        duration="6s",
        producer={"arrivals": "constant(20/s)"},
        consumer={"service": "10ms"},
        faults=[fault],
    )
    trace = execute(scenario)
    assert broken_by(tampered(trace, "faults", column, row, value), scenario) == law
