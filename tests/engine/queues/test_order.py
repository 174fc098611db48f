"""The order of handing over, and the requests that wait for it."""

from __future__ import annotations

import numpy as np
import pytest

from eda_sim.engine.execute import execute
from eda_sim.spec import Scenario
from tests.engine.worlds import at, deliveries, seconds, world


@pytest.mark.rule("D1")
def test_copies_of_all_partitions_are_handed_over_in_one_order():
    trace = execute(
        world(
            seed=3,
            duration="20s",
            producer={"rate": "20/s", "key": "uniform(n=50)"},
            channel={"partitions": 5},
            consumer={"service": "exponential(100ms)", "instances": 3},
        )
    )
    rows = deliveries(trace)
    assert (np.diff(rows["copy_id"]) == 1).all()
    assert trace.copies["partition"].max() == 4


@pytest.mark.rule("D1")
def test_the_order_is_that_of_becoming_visible():
    # Two partitions whose servers are not equally loaded: what is stored later is visible later.
    scenario = world(
        seed=1,
        duration="20s",
        producer={"rate": "20/s", "key": "zipf(s=2, n=20)"},
        channel={"partitions": 2, "append": {"per_message": "50ms"}},
        consumer={"service": "1ms", "subscription": {"fetch_max_messages": 10}},
    )
    trace = execute(scenario)
    rows = deliveries(trace)
    assert (np.diff(rows["available_at"]) >= 0).all()
    assert (np.diff(rows["message_id"]) < 0).any()


@pytest.mark.rule("D2")
def test_the_worker_that_is_idle_longest_is_served_first():
    trace = execute(
        world(
            duration="20s",
            producer={"arrivals": at(0, 0, 0, 5, 6, 7)},
            consumer={"service": "empirical(values=[1s])", "instances": 3},
        )
    )
    # All three are idle from 1 s on, and asked in the order of their instances; then the first is
    # idle again at 6 s, behind the third.
    assert list(deliveries(trace)["instance"]) == [0, 1, 2, 0, 1, 2]


@pytest.mark.rule("D2")
def test_a_worker_of_two_queues_takes_them_in_turn():
    scenario = Scenario.model_validate(
        {
            "name": "two",
            "duration": "20s",
            "producers": {
                "left": {"to": "l", "arrivals": at(*[0] * 4)},
                "right": {"to": "r", "arrivals": at(*[0] * 4)},
            },
            "channels": {"l": {}, "r": {}},
            "consumers": {"server": {"reads": ["l", "r"], "service": "1s"}},
        }
    )
    rows = deliveries(execute(scenario))
    assert list(rows["channel"]) == [0, 1, 0, 1, 0, 1, 0, 1]
    assert seconds(rows["started_at"]) == list(range(8))
