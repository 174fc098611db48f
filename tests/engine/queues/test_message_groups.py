"""Message groups, as in a FIFO queue of SQS: order within a group, no waiting between groups."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from eda_sim.engine.execute import execute
from eda_sim.engine.trace import Trace
from tests.engine.worlds import at, copies, deliveries, messages, seconds, world

FIFO = {"lease_scope": "group"}


def keyed(trace: Trace) -> pd.DataFrame:
    """Return the deliveries with the key of their message."""
    rows = deliveries(trace)
    return rows.assign(key=messages(trace)["key"].to_numpy()[rows["message_id"]])


@pytest.mark.rule("D9")
def test_a_group_is_handled_in_order_and_one_by_one():
    scenario = world(
        seed=2,
        duration="60s",
        producer={"rate": "20/s", "key": "uniform(n=5)"},
        consumer={
            "service": "exponential(300ms)",
            "instances": 4,
            "concurrency": 2,
            "subscription": FIFO,
        },
    )
    rows = keyed(execute(scenario))
    rows = rows[rows["finished_at"] >= 0]
    assert len(rows) > 500
    for _, group in rows.groupby("key"):
        assert (np.diff(group["message_id"]) > 0).all()
        assert (group["started_at"].to_numpy()[1:] >= group["finished_at"].to_numpy()[:-1]).all()
    # With five groups, five workers are busy at a time, not eight.
    plain = scenario.replace({"consumers.server.subscription": {}})
    done = keyed(execute(plain))
    assert (done["finished_at"] >= 0).sum() > 1.1 * len(rows)


@pytest.mark.rule("D9")
@pytest.mark.parametrize("how", [{}, {"delivery": "push", "max_outstanding": 1}])
def test_a_locked_group_does_not_block_the_others(how):
    scenario = world(
        seed=5,
        duration="60s",
        producer={"arrivals": at(*range(12)), "key": "uniform(n=3)"},
        consumer={
            "service": "empirical(values=[100ms])",
            "instances": 2,
            "subscription": {**FIFO, **how},
        },
    )
    keys = messages(execute(scenario))["key"].to_numpy()
    locked = keys[0]
    assert len(set(keys)) == 3
    stuck = scenario.replace({"faults": [{"hang": "server/0", "at": 0, "lasts": "1h"}]})
    rows = keyed(execute(stuck))
    # Instance 0 keeps what it was given first, for an hour, and with it the group.
    assert list(rows[rows["key"] == locked]["instance"]) == [0]
    others = np.flatnonzero(keys != locked)
    done = rows[rows["finished_at"] >= 0]
    assert sorted(done["message_id"]) == sorted(others)
    assert set(done["instance"]) == {1}


@pytest.mark.rule("D9")
def test_one_receive_call_takes_as_many_of_a_group_as_it_may():
    # The guide of SQS: the call "first attempts to return as many messages with the same message
    # group ID as possible".
    scenario = world(
        seed=4,
        duration="60s",
        producer={"arrivals": at(*[1] * 12), "key": "uniform(n=3)"},
        consumer={
            "service": "1s",
            "subscription": {
                **FIFO,
                "fetch_max_messages": 10,
                "fetch_max_wait": 0,
                "poll_interval": "1500ms",
            },
        },
    )
    rows = keyed(execute(scenario))
    first = rows[rows["acquired_at"] == rows["acquired_at"].iloc[0]]
    assert len(first) == 10
    # One group after the other, each in its order.
    assert (first["key"].diff() != 0).sum() == first["key"].nunique()
    for _, group in rows.groupby("key"):
        assert (np.diff(group["message_id"]) > 0).all()


@pytest.mark.rule("D9", "D20")
def test_a_group_waits_while_one_of_its_messages_waits_to_come_back():
    scenario = world(
        duration="60s",
        producer={"arrivals": at(0, 0, 0), "key": "uniform(n=1)"},
        consumer={
            "service": "1s",
            "instances": 3,
            "error_probability": 0.999,
            "retry": "list(delays=[5s], max_attempts=2)",
            "retry_where": "requeue",
            "subscription": FIFO,
        },
    )
    rows = deliveries(execute(scenario))
    # Each fails, waits 5 s, fails again and is given up; only then the next one goes.
    assert list(rows["message_id"]) == [0, 0, 1, 1, 2, 2]
    assert seconds(rows["started_at"]) == [0, 6, 7, 13, 14, 20]


@pytest.mark.rule("D9", "D11")
def test_a_lease_that_runs_out_unlocks_the_group_for_the_same_message_only():
    scenario = world(
        duration="60s",
        producer={"arrivals": at(0, 0, 0), "key": "uniform(n=1)"},
        consumer={
            "service": "empirical(values=[4s])",
            "instances": 3,
            "subscription": {**FIFO, "lease_timeout": "3s", "late_acknowledgement": "refused"},
        },
    )
    scenario = scenario.replace({"consumers.server.subscription.max_deliveries": 2})
    rows = deliveries(execute(scenario))
    assert list(rows["message_id"]) == [0, 0, 1, 1, 2, 2]
    assert seconds(rows["acquired_at"]) == [0, 3, 6, 9, 12, 15]


@pytest.mark.rule("D9")
def test_messages_without_a_key_wait_for_nobody():
    trace = execute(
        world(
            duration="60s",
            producer={"arrivals": at(0, 0, 0)},
            consumer={"service": "1s", "instances": 3, "subscription": FIFO},
        )
    )
    assert seconds(deliveries(trace)["started_at"]) == [0, 0, 0]
    assert (copies(trace)["settled_at"] == 10**9).all()
