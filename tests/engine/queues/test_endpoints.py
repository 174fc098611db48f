"""Push to an endpoint: a call for each message, and a retry policy in phases."""

from __future__ import annotations

import numpy as np
import pytest

from eda_sim.engine.execute import execute
from eda_sim.engine.trace import CopyState, LeaseEnd, Outcome
from eda_sim.spec import Scenario
from tests.engine.worlds import SECOND, at, copies, deliveries, seconds, world

SNS = (
    "phased(phases=[phase(3, 0s), phase(2, 1s), phase(10, 1s, 20s, exponential), "
    "phase(100000, 20s)])"
)
"""Amazon SNS to SQS, Lambda, Firehose: 3 at once, 2 after 1 s, 10 with a backoff from 1 to 20 s,
100,000 every 20 s."""


def endpoint(policy: str = SNS, **consumer: object) -> Scenario:
    subscription = {"delivery": "endpoint", "redelivery": policy}
    return world(
        messages=1,
        drain=True,
        drain_timeout="30d",
        producer={"arrivals": at(0)},
        consumer={"service": "0s", "subscription": subscription, **consumer},
    )


@pytest.mark.rule("D7", "D20")
@pytest.mark.parametrize("how", ["down", "failing"])
def test_sns_makes_100_015_retries_over_23_days(how):
    # docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html: "100,015 times, over 23
    # days"; 100,000 x 20 s alone are 2,000,000 s = 23.148 d. The first attempt is no retry.
    scenario = (
        endpoint().replace({"faults": [{"crash": "server", "at": 0, "lasts": "30d"}]})
        if how == "down"
        else endpoint(error_probability=1, on_exhausted="release")
    )
    trace = execute(scenario)
    rows = deliveries(trace)
    assert len(rows) == 1 + 100_015
    gaps = np.diff(rows["acquired_at"]) / SECOND
    assert list(gaps[:5]) == [0, 0, 0, 1, 1]
    assert gaps[5:15] == pytest.approx(np.geomspace(1, 20, 10))
    assert set(gaps[15:]) == {20.0}
    days = rows["acquired_at"].iloc[-1] / SECOND / 86_400
    assert days == pytest.approx(23.15, abs=0.005)
    (copy,) = copies(trace).itertuples()
    assert copy.state == CopyState.DISCARDED
    ends = {LeaseEnd.REFUSED} if how == "down" else {LeaseEnd.RELEASED}
    assert set(rows["lease_end"]) == ends


@pytest.mark.rule("D7")
def test_nobody_there_is_a_failed_attempt_without_an_instance():
    scenario = endpoint("fixed(base=10s)").replace(
        {"faults": [{"crash": "server", "at": 0, "lasts": "25s"}]}
    )
    rows = deliveries(execute(scenario))
    assert seconds(rows["acquired_at"]) == [0, 10, 20, 30]
    assert list(rows["instance"]) == [-1, -1, -1, 0]
    assert list(rows["outcome"]) == [Outcome.REFUSED] * 3 + [Outcome.OK]


@pytest.mark.rule("D7")
def test_every_message_is_called_at_once_whoever_is_busy():
    trace = execute(
        world(
            duration="60s",
            producer={"arrivals": at(*[0] * 5)},
            consumer={
                "service": "1s",
                "instances": 2,
                "subscription": {"delivery": "endpoint", "redelivery": SNS},
            },
        )
    )
    rows = deliveries(trace)
    assert list(rows["instance"]) == [0, 1, 0, 1, 0]
    assert seconds(rows["acquired_at"]) == [0] * 5
    assert seconds(rows["started_at"]) == [0, 0, 1, 1, 2]


@pytest.mark.rule("D7", "D11", "D17")
def test_a_call_that_is_not_answered_in_time_has_failed():
    # The endpoint goes on and does its work; the answer cannot arrive, and the retry does it again.
    scenario = endpoint("fixed(base=10s, max_attempts=3)", service="20s", instances=3)
    scenario = scenario.replace({"consumers.server.subscription.lease_timeout": "15s"})
    trace = execute(scenario)
    rows = deliveries(trace)
    assert seconds(rows["acquired_at"]) == [0, 25, 50]
    assert set(rows["lease_end"]) == {LeaseEnd.EXPIRED}
    assert list(rows["effect"]) == [1, 1, 1]
    assert (rows["settled_at"] == -1).all()


@pytest.mark.rule("D7", "D22")
def test_an_error_of_the_client_is_not_retried():
    # SNS: client-side errors are never retried; the message is discarded or goes to the DLQ.
    rows = deliveries(execute(endpoint(error_probability=1, on_exhausted="reject")))
    assert list(rows["lease_end"]) == [LeaseEnd.REJECTED]


@pytest.mark.rule("D7", "D14")
def test_a_crash_fails_the_calls_that_were_going_on():
    scenario = endpoint("fixed(base=1s)", service="10s", instances=2)
    scenario = scenario.replace({"faults": [{"crash": "server/0", "at": "5s", "lasts": "1h"}]})
    first, second = deliveries(execute(scenario)).itertuples()
    assert (first.lease_end, first.instance) == (LeaseEnd.DISCONNECTED, 0)
    assert (seconds([second.acquired_at]), second.instance) == ([6], 1)
