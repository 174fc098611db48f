"""How leases are kept and how they end: renewal, backoff, sweeps, connections."""

from __future__ import annotations

import numpy as np
import pytest

from eda_sim.engine.execute import execute
from eda_sim.engine.trace import CopyState, LeaseEnd, Outcome
from eda_sim.spec import Scenario
from tests.engine.worlds import MILLISECOND, at, copies, count, deliveries, seconds, world


def one_long_message(**subscription: object) -> Scenario:
    """Return a message that needs ten seconds, and a second instance that is idle."""
    return world(
        duration="20s",
        producer={"arrivals": at(0)},
        consumer={"service": "10s", "instances": 2, "subscription": subscription},
    )


@pytest.mark.rule("D12")
def test_a_renewed_lease_does_not_run_out():
    trace = execute(one_long_message(lease_timeout="3s", lease_renewal={"interval": "2s"}))
    (row,) = deliveries(trace).itertuples()
    assert (row.settled_at, row.lease_end) == (10_000_000_000, LeaseEnd.ACKNOWLEDGED)


@pytest.mark.rule("D12")
def test_a_renewal_counts_from_when_it_reaches_the_broker():
    # 300 ms on the way: handed over at 0.3 s, begun at 0.6 s; the first renewal leaves at 2.6 s and
    # arrives at 2.9 s, too late for a lease of 2.5 s, and in time for one of 2.7 s.
    scenario = one_long_message(lease_timeout="2.5s", lease_renewal={"interval": "2s"})
    scenario = scenario.replace({"consumers.server.link": {"latency": "300ms"}})
    first, second = deliveries(execute(scenario)).itertuples()
    assert first.lease_ended_at == second.acquired_at == 2_800 * MILLISECOND
    longer = scenario.replace({"consumers.server.subscription.lease_timeout": "2.7s"})
    assert len(deliveries(execute(longer))) == 1


@pytest.mark.rule("D12")
def test_renewals_have_a_limit():
    # SQS: 12 hours in all, however often the visibility timeout is changed.
    renewal = {"interval": "2s", "limit": "7s"}
    first, _ = deliveries(
        execute(one_long_message(lease_timeout="3s", lease_renewal=renewal))
    ).itertuples()
    assert (first.lease_end, first.lease_ended_at) == (LeaseEnd.EXPIRED, 7_000 * MILLISECOND)


@pytest.mark.rule("D12")
def test_an_instance_that_stands_still_does_not_renew():
    scenario = one_long_message(lease_timeout="3s", lease_renewal={"interval": "2s"})
    paused = scenario.replace({"faults": [{"pause": "server/0", "at": "5s", "lasts": "8s"}]})
    first, second = deliveries(execute(paused)).itertuples()
    # The last renewal left at 4 s.
    assert (first.lease_end, first.lease_ended_at) == (LeaseEnd.EXPIRED, 7_000 * MILLISECOND)
    assert seconds([second.started_at, second.finished_at]) == [7, 17]


@pytest.mark.rule("D11")
def test_each_attempt_may_have_a_lease_of_its_own():
    # JetStream's BackOff: the first element for the first delivery, the last one again and again.
    trace = execute(
        world(
            duration="20s",
            producer={"arrivals": at(0)},
            consumer={
                "service": "1h",
                "instances": 9,
                "subscription": {"lease_backoff": ["1s", "3s", "5s"]},
            },
        )
    )
    assert seconds(deliveries(trace)["acquired_at"]) == [0, 1, 4, 9, 14, 19]


SWEPT = {
    "lease_timeout": "2s",
    "lease_ended_by": "client_sweep",
    "sweep_interval": "500ms",
    "on_disconnect": "hold",
}
"""Redis: XAUTOCLAIM with a min-idle-time of 2 s, every 500 ms."""


@pytest.mark.rule("D13")
def test_a_sweep_finds_a_lease_that_ran_out_within_one_interval():
    # One sweeper is left: the time from hand-over to the end of the lease is uniform between
    # min-idle and min-idle + the interval.
    waits = []
    for seed in range(60):
        scenario = world(
            seed=seed,
            duration="5s",
            producer={"arrivals": at(0)},
            consumer={"service": "1s", "instances": 2, "subscription": SWEPT},
            faults=[{"crash": "server/0", "at": "100ms", "lasts": "1h"}],
        )
        first, second = deliveries(execute(scenario)).itertuples()
        assert first.lease_end == LeaseEnd.EXPIRED
        assert second.available_at == second.acquired_at == first.lease_ended_at
        waits.append((first.lease_ended_at - first.acquired_at) / MILLISECOND - 2_000)
    assert 0 <= min(waits) < 50
    assert 450 < max(waits) <= 500
    assert np.mean(waits) == pytest.approx(250, abs=3 * 500 / np.sqrt(12 * 60))


@pytest.mark.rule("D13")
def test_nobody_sweeps_when_nobody_is_up():
    scenario = world(
        duration="20s",
        producer={"arrivals": at(0)},
        consumer={"service": "1s", "subscription": SWEPT},
        faults=[{"crash": "server", "at": "100ms", "lasts": "10s"}],
    )
    first, _ = deliveries(execute(scenario)).itertuples()
    assert 10_100 * MILLISECOND <= first.lease_ended_at <= 10_600 * MILLISECOND


@pytest.mark.rule("D13")
def test_with_more_sweepers_leases_are_found_sooner():
    def mean_wait(instances: int) -> float:
        trace = execute(
            world(
                duration="100s",
                producer={"arrivals": "constant(1/s)"},
                consumer={
                    "service": "10s",
                    "concurrency": 40,
                    "instances": instances,
                    "settle": "before",
                    "dedup": {"count": 1},
                    "subscription": {**SWEPT, "late_acknowledgement": "refused"},
                    "link": {"latency": "2.1s"},
                },
            )
        )
        rows = deliveries(trace)
        ended = rows[rows["lease_end"] == LeaseEnd.EXPIRED]
        return float((ended["lease_ended_at"] - ended["acquired_at"]).mean()) / MILLISECOND - 2_000

    assert mean_wait(4) < mean_wait(1) < 400


@pytest.mark.rule("D14")
def test_a_connection_that_closes_gives_everything_back():
    # RabbitMQ: what was prefetched and what ran, at once and in its old order.
    scenario = world(
        duration="60s",
        producer={"arrivals": at(0, 0, 0)},
        consumer={
            "service": "10s",
            "subscription": {
                "lease_scope": "connection",
                "delivery": "push",
                "max_outstanding": 5,
            },
        },
        faults=[{"crash": "server", "at": "12s", "lasts": "1s"}],
    )
    trace = execute(scenario)
    rows = deliveries(trace)
    assert list(rows["message_id"]) == [0, 1, 2, 1, 2]
    assert list(rows["lease_end"]) == [
        LeaseEnd.ACKNOWLEDGED,
        LeaseEnd.DISCONNECTED,
        LeaseEnd.DISCONNECTED,
        LeaseEnd.ACKNOWLEDGED,
        LeaseEnd.ACKNOWLEDGED,
    ]
    assert seconds(rows["lease_ended_at"][:3]) == [10, 12, 12]
    assert count(trace).once == 3


@pytest.mark.rule("D14")
def test_a_lease_that_is_held_outlives_the_connection():
    # SQS, JetStream: nobody tells the queue that its client is gone.
    scenario = world(
        duration="60s",
        producer={"arrivals": at(0)},
        consumer={
            "service": "10s",
            "instances": 2,
            "subscription": {"lease_timeout": "30s", "on_disconnect": "hold"},
        },
        faults=[{"crash": "server/0", "at": "5s", "lasts": "1s"}],
    )
    first, second = deliveries(execute(scenario)).itertuples()
    assert (first.outcome, first.lease_end) == (Outcome.CRASHED, LeaseEnd.EXPIRED)
    assert seconds([first.finished_at, first.lease_ended_at, second.started_at]) == [5, 30, 30]


@pytest.mark.rule("D15")
def test_a_silent_connection_is_closed_when_patience_is_over():
    # RabbitMQ with heartbeat=2 s closed the connection of a stopped process after 4.95 to 5.19 s,
    # by its rule of two to three intervals (the project's measurements).
    for seed in range(10):
        scenario = world(
            seed=seed,
            duration="60s",
            producer={"arrivals": at(0)},
            consumer={
                "service": "3s",
                "instances": 2,
                "subscription": {
                    "lease_scope": "connection",
                    "delivery": "push",
                    "connection_timeout": "uniform(low=4s, high=6s)",
                },
            },
            faults=[{"pause": "server/0", "at": "1s", "lasts": "30s"}],
        )
        trace = execute(scenario)
        first, second = deliveries(trace).itertuples()
        assert first.lease_end == LeaseEnd.DISCONNECTED
        assert 5_000 * MILLISECOND <= first.lease_ended_at <= 7_000 * MILLISECOND
        assert second.instance == 1
        # The first handler goes on at 31 s with the two seconds that are left; its acknowledgement
        # comes over a connection that is closed.
        assert seconds([first.finished_at]) == [33]
        assert (first.effect, first.settled_at) == (1, -1)
        assert count(trace).duplicated == 1


@pytest.mark.rule("D15")
@pytest.mark.parametrize("delivery", ["push", "pull"])
def test_an_instance_that_is_heard_again_connects_anew(delivery):
    scenario = world(
        duration="60s",
        producer={"arrivals": at(20)},
        consumer={
            "service": "1s",
            "subscription": {
                "lease_scope": "connection",
                "delivery": delivery,
                "connection_timeout": "5s",
            },
        },
        faults=[{"pause": "server", "at": "1s", "lasts": "14s"}],
    )
    assert seconds(deliveries(execute(scenario))["started_at"]) == [20]
    still_away = scenario.replace({"faults.0.lasts": "24s"})
    assert seconds(deliveries(execute(still_away))["acquired_at"]) == [25]


@pytest.mark.rule("D15")
def test_a_short_silence_goes_unnoticed():
    scenario = world(
        duration="60s",
        producer={"arrivals": at(0)},
        consumer={
            "service": "3s",
            "instances": 2,
            "subscription": {"delivery": "push", "connection_timeout": "5s"},
        },
        faults=[
            {"pause": "server/0", "at": "1s", "lasts": "4s"},
            {"pause": "server/0", "at": "5.5s", "lasts": "4s"},
        ],
    )
    (row,) = deliveries(execute(scenario)).itertuples()
    assert (row.lease_end, seconds([row.finished_at])) == (LeaseEnd.ACKNOWLEDGED, [11])


@pytest.mark.rule("D15")
def test_a_delivery_that_takes_too_long_costs_the_whole_connection():
    # RabbitMQ up to 4.2: consumer_timeout closes the channel, and all its deliveries come back.
    scenario = world(
        duration="60s",
        producer={"arrivals": at(0, 1)},
        consumer={
            "service": "empirical(values=[30s])",
            "subscription": {
                "lease_scope": "connection",
                "delivery": "push",
                "max_outstanding": 2,
                "lease_timeout": "20s",
                "max_deliveries": 2,
            },
        },
    )
    trace = execute(scenario)
    rows = deliveries(trace)
    assert seconds(rows["lease_ended_at"]) == [20, 20, 40, 40]
    assert list(rows["message_id"]) == [0, 1, 0, 1]
    assert set(rows["lease_end"]) == {LeaseEnd.EXPIRED}
    assert set(copies(trace)["state"]) == {CopyState.DISCARDED}
