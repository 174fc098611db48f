"""Priorities: higher ones first, never interrupting what runs."""

from __future__ import annotations

import numpy as np
import pytest

from eda_sim.engine.execute import execute
from eda_sim.spec import Scenario
from tests.engine.worlds import SECOND, at, deliveries, messages


def two_classes(rates: tuple[float, float], servers: int, **settings: object) -> Scenario:
    return Scenario.model_validate(
        {
            "name": "classes",
            "producers": {
                "urgent": {"to": "queue", "rate": rates[0], "priority": 1},
                "usual": {"to": "queue", "rate": rates[1]},
            },
            "channels": {"queue": {}},
            "consumers": {
                "server": {
                    "reads": "queue",
                    "service": "exponential(1s)",
                    "concurrency": servers,
                    "subscription": {"priorities": 2},
                }
            },
            **settings,
        }
    )


def mean_waits(scenario: Scenario, replications: int) -> np.ndarray:
    """Return the mean waits in s: urgent, usual, all."""
    means = []
    for replication in range(replications):
        trace = execute(scenario, replication=replication)
        rows = deliveries(trace)
        rows = rows[(rows["started_at"] >= 0) & (rows["available_at"] >= 500 * SECOND)]
        waits = (rows["started_at"] - rows["available_at"]).to_numpy() / SECOND
        urgent = messages(trace)["priority"].to_numpy()[rows["message_id"]] == 1
        means.append([waits[urgent].mean(), waits[~urgent].mean(), waits.mean()])
    return np.mean(means, axis=0)


@pytest.mark.rule("D8")
@pytest.mark.slow
@pytest.mark.parametrize(
    ("rates", "servers", "expected"),
    [
        # Cobham 1954; Kleinrock II, chapter 3: M/G/1, non-preemptive, exponential service of 1 s.
        ((0.3, 0.4), 1, (1.0, 10 / 3)),
        # Cobham 1954: M/M/3; all together wait as in a queue without priorities.
        ((1.0, 1.5), 3, (0.35112359550561795, 2.1067415730337067)),
    ],
)
def test_mean_waits_are_those_of_theory(rates, servers, expected):
    duration = 20_000 if servers == 1 else 8_000
    seen = mean_waits(two_classes(rates, servers, duration=duration, seed=11), 8)
    assert seen[:2] == pytest.approx(expected, rel=0.06)
    share = rates[0] / sum(rates)
    everyone = share * expected[0] + (1 - share) * expected[1]
    assert seen[2] == pytest.approx(everyone, rel=0.06)


@pytest.mark.rule("D8")
def test_higher_goes_first_then_order_and_nothing_is_interrupted():
    scenario = two_classes((1, 1), 1, duration="60s").replace(
        {
            "producers.usual.rate": None,
            "producers.usual.arrivals": at(0, 0, 0),
            "producers.urgent.rate": None,
            "producers.urgent.arrivals": at(0.5, 0.6),
            "consumers.server.service": "1s",
        }
    )
    trace = execute(scenario)
    rows = deliveries(trace)
    priority = messages(trace)["priority"].to_numpy()[rows["message_id"]]
    assert list(priority) == [0, 1, 1, 0, 0]
    assert list(rows["message_id"]) == [0, 3, 4, 1, 2]


@pytest.mark.rule("D8")
def test_priorities_above_the_highest_level_count_as_the_highest():
    # RabbitMQ: "published with the maximum priority".
    scenario = two_classes((1, 1), 1, duration="60s").replace(
        {
            "producers.usual.rate": None,
            "producers.usual.arrivals": at(0, 0.1, 0.3),
            "producers.usual.priority": 5,
            "producers.urgent.rate": None,
            "producers.urgent.arrivals": at(0.2),
            "producers.urgent.priority": 200,
            "consumers.server.service": "1s",
        }
    )
    rows = deliveries(execute(scenario))
    assert list(rows["message_id"]) == [0, 1, 2, 3]


@pytest.mark.rule("D8", "D19")
@pytest.mark.parametrize(
    ("position", "order"), [("original", [0, 2, 1, 1]), ("head", [0, 1, 2, 1])]
)
def test_what_comes_back_to_the_head_goes_before_every_priority(position, order):
    # RabbitMQ 4.3: the returns queue ignores priority. 0 is long, 1 of low priority and crashes
    # with its instance at 2 s, when 2 of high priority waits.
    scenario = two_classes((1, 1), 1, duration="60s").replace(
        {
            "producers.usual.rate": None,
            "producers.usual.arrivals": at(0),
            "producers.urgent.rate": None,
            "producers.urgent.arrivals": at(1.5),
            "consumers.server.service": "10s",
            "consumers.server.instances": 1,
            "consumers.server.subscription.requeue_position": position,
            "faults": [{"crash": "server", "at": "2s", "lasts": "1s"}],
        }
    )
    rows = deliveries(execute(scenario))
    first_back = 1 if position == "original" else 0
    assert list(rows["message_id"])[1] == first_back
    assert order[0] == rows["message_id"].iloc[0]


@pytest.mark.rule("D8")
def test_an_emitted_message_inherits_its_priority():
    scenario = Scenario.model_validate(
        {
            "name": "chain",
            "duration": "10s",
            "producers": {"source": {"to": "a", "arrivals": at(0, 1), "priority": 7}},
            "channels": {"a": {}, "b": {}},
            "consumers": {
                "first": {"reads": "a", "service": "1s", "emits": "b"},
                "second": {"reads": "b", "service": "1s"},
            },
        }
    )
    assert set(execute(scenario).messages["priority"]) == {7}
