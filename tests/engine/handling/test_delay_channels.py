"""Channels with a delay, and retries that come from them."""

import numpy as np
import pytest

import eda_sim as es
from eda_sim.engine.execute import execute
from eda_sim.engine.trace import CopyState, Outcome
from eda_sim.spec.errors import ScenarioError
from tests.engine.worlds import at, copies, deliveries, seconds, world

QUEUE = {}
PARTITION = {"lease_scope": "partition", "lease_timeout": "10s"}


@pytest.mark.rule("H22")
@pytest.mark.parametrize("subscription", [QUEUE, PARTITION], ids=["queue", "partition"])
def test_a_channel_with_a_delay_keeps_messages_back(subscription):
    trace = execute(
        world(
            duration=10,
            sample_every=1,
            producer={"arrivals": at(1, 2, 3)},
            channel={"delay": "4.5s"},
            consumer={"service": "100ms", "subscription": subscription},
        )
    )
    rows = deliveries(trace)
    assert seconds(rows["available_at"]) == seconds(rows["started_at"]) == [5.5, 6.5, 7.5]
    assert seconds(copies(trace)["stored_at"]) == [1, 2, 3]
    assert trace.series["scheduled"].tolist() == [0, 1, 2, 3, 3, 3, 2, 1, 0, 0]
    assert trace.series["available"].max() == 0


@pytest.mark.rule("H22")
def test_what_is_delayed_at_the_end_is_scheduled():
    trace = execute(
        world(
            duration=3,
            producer={"arrivals": at(1)},
            channel={"delay": "5s"},
            consumer={"service": "100ms"},
        )
    )
    assert copies(trace)["state"].tolist() == [CopyState.SCHEDULED]


def retrying(subscription, **consumer):
    """Reads a main channel and its retry channel."""
    return es.Scenario.model_validate(
        {
            "name": "retrying",
            "seed": 1,
            "duration": 60,
            "producers": {"source": {"to": "main", "arrivals": at(1, 1)}},
            "channels": {"main": {}, "again": {"delay": "1s"}},
            "consumers": {
                "server": {
                    "reads": ["main", "again"],
                    "service": "100ms",
                    "retry": "list([4s, 9s], max_attempts=3)",
                    "retry_where": "channel",
                    "retry_channel": "again",
                    "subscription": subscription,
                    **consumer,
                }
            },
        }
    )


@pytest.mark.rule("H23")
@pytest.mark.parametrize("subscription", [QUEUE, PARTITION], ids=["queue", "partition"])
def test_a_failed_message_comes_again_from_the_retry_channel(subscription):
    trace = execute(retrying(subscription, poison_probability=1))
    rows = deliveries(trace)
    first = rows[rows["message_id"] == 0]
    # The delay of the policy, and that of the channel: 4 + 1 s, then 9 + 1 s.
    assert seconds(first["started_at"]) == pytest.approx([1, 6.1, 16.2], abs=0.15)
    assert [trace.names.channels[channel] for channel in first["channel"]] == [
        "main",
        "again",
        "again",
    ]
    assert first["outcome"].tolist() == [Outcome.FAILED, Outcome.FAILED, Outcome.DEAD]
    held = copies(trace)
    assert held["state"][held["message_id"] == 0].tolist() == [
        CopyState.MOVED,
        CopyState.MOVED,
        CopyState.DISCARDED,
    ]
    chain = held[held["message_id"] == 0]
    assert chain["source_copy"].tolist() == [-1, *chain["copy_id"].tolist()[:-1]]


@pytest.mark.rule("H2", "H23")
def test_chance_has_new_draws_for_every_copy():
    scenario = retrying(QUEUE, error_probability=0.5).replace(
        {
            "producers.source": {"to": "main", "rate": "50/s", "messages": 2000},
            "duration": "10min",
            "consumers.server.concurrency": 20,
        }
    )
    trace = execute(scenario)
    rows = deliveries(trace)
    attempts = rows.groupby("message_id").size()
    shares = np.bincount(attempts, minlength=4)[1:] / 2000
    assert shares == pytest.approx([0.5, 0.25, 0.25], abs=0.04)
    guarantee = es.run(scenario).guarantee()
    assert guarantee["lost"].iloc[0] / 2000 == pytest.approx(0.125, abs=0.03)
    assert guarantee["duplicated"].iloc[0] == 0


@pytest.mark.rule("H23")
def test_a_retry_channel_breaks_the_order_that_a_retry_in_place_keeps():
    started = {}
    for where in ("in_place", "channel"):
        scenario = retrying(PARTITION, error_probability=0.3).replace(
            {
                "producers.source": {
                    "to": "main",
                    "rate": "5/s",
                    "messages": 100,
                    "key": "uniform(n=2)",
                },
                "duration": "20min",
                "consumers.server.retry_where": where,
                "consumers.server.retry_channel": None if where == "in_place" else "again",
            }
        )
        started[where] = es.run(scenario).guarantee()["out_of_order"].iloc[0]
    assert started["in_place"] == 0
    assert started["channel"] > 10


@pytest.mark.rule("H3")
def test_a_retry_channel_has_no_place_for_the_order_of_groups():
    with pytest.raises(ScenarioError, match="group"):
        retrying({"lease_scope": "group"})
