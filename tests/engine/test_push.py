"""Push with prefetch: credit, round robin, and how a window must cover the way."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
import pytest

from eda_sim.engine.execute import execute
from eda_sim.engine.trace import NEVER, Trace
from eda_sim.spec import Scenario
from tests.engine.worlds import MILLISECOND, SECOND, at, deliveries, seconds, world


def pushed(prefetch: int | None, **parts: Any) -> Scenario:
    """Return a consumer to whom the broker pushes."""
    consumer = {
        "service": "100ms",
        "subscription": {"delivery": "push", "max_outstanding": prefetch},
        **parts.pop("consumer", {}),
    }
    return world(consumer=consumer, **parts)


def most_outstanding(trace: Trace) -> dict[int, int]:
    """Return the most unsettled deliveries that each instance ever held."""
    rows = deliveries(trace)
    over = rows["settled_at"].where(rows["settled_at"] != NEVER, trace.ended_at_ns)
    most = {}
    for instance, own in rows.groupby("instance"):
        changes = pd.concat(
            [
                pd.DataFrame({"time": own["acquired_at"], "step": 1}),
                pd.DataFrame({"time": over[own.index], "step": -1}),
            ]
        )
        # An acknowledgement makes room before the next hand-over of that moment.
        changes = changes.sort_values(["time", "step"])
        most[instance] = int(changes["step"].cumsum().max())
    return most


@pytest.mark.parametrize("prefetch", [1, 2, 7, 30])
@pytest.mark.parametrize("concurrency", [1, 3])
def test_the_prefetch_is_never_exceeded_and_used_to_the_full(prefetch, concurrency):
    scenario = pushed(
        prefetch,
        duration="20s",
        drain=True,
        producer={"rate": "100/s"},
        consumer={
            "service": "exponential(100ms)",
            "instances": 2,
            "concurrency": concurrency,
            "link": {"latency": "exponential(20ms)"},
        },
    )
    assert most_outstanding(execute(scenario)) == {0: prefetch, 1: prefetch}


def test_without_a_bound_everything_goes_out_at_once():
    trace = execute(pushed(None, messages=50, drain=True, producer={"arrivals": at(*[1] * 50)}))
    assert set(deliveries(trace)["acquired_at"]) == {SECOND}
    assert most_outstanding(trace) == {0: 50}


def test_deliveries_go_round_the_instances():
    scenario = pushed(
        None,
        messages=9,
        drain=True,
        producer={"arrivals": "constant(interval=1s)"},
        consumer={"instances": 4},
    )
    # Round robin, whether somebody is idle or not: a queue per instance, not one for all.
    assert deliveries(execute(scenario))["instance"].tolist() == [0, 1, 2, 3, 0, 1, 2, 3, 0]


def test_the_turn_passes_over_instances_without_credit():
    # The first message keeps instance 0 busy for 10 s; with a prefetch of 1 its turns go to others.
    scenario = Scenario.model_validate(
        {
            "name": "turns",
            "messages": 7,
            "drain": True,
            "producers": {"source": {"to": "queue", "arrivals": at(0, 1, 2, 3, 4, 5, 11)}},
            "channels": {"queue": {}},
            "consumers": {
                "server": {
                    "reads": "queue",
                    "instances": 3,
                    "service": "empirical(values=[100ms, 10s])",
                    "subscription": {"delivery": "push", "max_outstanding": 1},
                }
            },
        }
    )
    for seed in range(10_000):
        rows = deliveries(execute(scenario, seed=seed))
        service = (rows["finished_at"] - rows["started_at"]).tolist()
        if service == [10 * SECOND] + [100 * MILLISECOND] * 6:
            break
    else:
        pytest.fail("no such seed")
    assert rows["instance"].tolist() == [0, 1, 2, 1, 2, 1, 2]


def test_credit_comes_back_with_the_acknowledgement_and_not_with_the_effect():
    scenario = pushed(
        1,
        messages=3,
        drain=True,
        producer={"arrivals": at(0, 0, 0)},
        consumer={"link": {"latency": "1s"}},
    )
    rows = deliveries(execute(scenario))
    assert seconds(rows["acquired_at"]) == [0, 2.1, 4.2]
    assert seconds(rows["started_at"]) == [1, 3.1, 5.2]
    assert seconds(rows["settled_at"]) == [2.1, 4.2, 6.3]


def test_a_worker_takes_what_its_instance_has_in_the_order_of_arrival():
    scenario = pushed(
        10,
        messages=6,
        drain=True,
        producer={"arrivals": at(*[0] * 6)},
        consumer={"concurrency": 2},
    )
    rows = deliveries(execute(scenario))
    assert rows["worker"].tolist() == [0, 1, 0, 1, 0, 1]
    assert seconds(rows["started_at"]) == [0, 0, 0.1, 0.1, 0.2, 0.2]


@pytest.mark.parametrize(
    ("prefetch", "busy"),
    [
        (1, 4 / 104),  # 3.8 %: the worker waits for the way there and back
        (2, 8 / 104),
        (25, 100 / 104),
        (26, 1.0),  # 104 ms of way and work, 4 ms each: 26 keep it busy
        (40, 1.0),
    ],
)
def test_a_window_must_cover_the_way(prefetch, busy):
    # M. Sackman, "Some queuing theory: throughput, latency and bandwidth", RabbitMQ blog, May 2012:
    # 50 ms each way and 4 ms of work need a prefetch of 26.
    scenario = pushed(
        prefetch,
        duration="30s",
        producer={"arrivals": at(*[0] * 7600)},
        consumer={"service": "4ms", "link": {"latency": "50ms"}},
    )
    rows = deliveries(execute(scenario))
    # Finished in a hundred round trips, from the first start on.
    start = 50 * MILLISECOND
    done = rows["finished_at"].between(start + 1, start + 100 * 104 * MILLISECOND).sum()
    assert done * 4 / (100 * 104) == pytest.approx(busy)


def test_a_deep_prefetch_lets_messages_wait_behind_a_slow_one():
    # Two workers, one of them ten times slower by luck of the draw: pushed ahead, messages wait for
    # the slow one although the other is idle; pulled, they never do.
    def idle_while_waiting(subscription: dict[str, Any]) -> bool:
        scenario = world(
            duration="100s",
            producer={"rate": "12/s"},
            consumer={
                "service": "hyperexponential(mean=100ms, cv=3)",
                "instances": 2,
                "subscription": subscription,
            },
            sample_every="100ms",
        )
        trace = execute(scenario)
        rows = deliveries(trace)
        moments = trace.series["time"]
        waits = np.array(
            [
                ((rows["available_at"] <= now) & ~rows["started_at"].between(0, now)).any()
                for now in moments
            ]
        )
        return bool((waits & (trace.series["busy"] < 2)).any())

    assert idle_while_waiting({"delivery": "push", "max_outstanding": 20})
    assert not idle_while_waiting({"delivery": "pull"})


def test_an_instance_that_comes_back_goes_to_the_end_of_the_round():
    scenario = pushed(
        None,
        duration="20s",
        producer={"arrivals": at(1, 2, 3, 6, 7, 8, 9)},
        consumer={"instances": 3},
        faults=[{"crash": "server/0", "at": "4s", "lasts": "1s"}],
    )
    rows = deliveries(execute(scenario))
    assert rows["instance"].tolist() == [0, 1, 2, 1, 2, 0, 1]
    assert Counter(rows["attempt"]) == {1: 7}
