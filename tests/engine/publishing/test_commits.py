"""Commits: when replicas have enough of a message for consumers to see it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from eda_sim.engine.execute import execute
from tests.engine.publishing.logs import counted, crash, publish, replicated, statuses, when
from tests.engine.worlds import SECOND, deliveries, messages, world


@pytest.mark.rule("P22")
@pytest.mark.parametrize(
    ("rule", "committed_at"), [("leader", [1, 2]), ("isr", [1.05, 2.05]), ("quorum", [1.05, 2.05])]
)
def test_a_commit_comes_a_lag_later_where_it_waits_for_replicas(rule, committed_at):
    trace = publish(1, 2, channel=replicated(lag="50ms", commit_rule=rule))
    assert when(trace, "stored_at") == [1, 2]
    assert when(trace, "committed_at") == committed_at
    assert [time / SECOND for time in deliveries(trace)["available_at"]] == committed_at


@pytest.mark.rule("P22")
@pytest.mark.parametrize(("rule", "followers"), [("quorum", 2), ("isr", 4)])
def test_the_majority_is_the_median_and_all_are_the_slowest(rule, followers):
    # Five nodes: the leader and the second fastest of four followers, or the slowest.
    scenario = world(
        seed=4,
        messages=4000,
        drain=True,
        producer={"arrivals": "constant(interval=10s)"},
        channel={"replication": {"factor": 5, "lag": "exponential(1s)", "commit_rule": rule}},
        consumer={"service": 0},
    )
    table = messages(execute(scenario))
    waits = (table["committed_at"] - table["stored_at"]) / SECOND
    expected = sum(1 / (4 - place) for place in range(followers))
    margin = stats.t.ppf(0.9995, len(waits) - 1) * stats.sem(waits)
    assert waits.mean() == pytest.approx(expected, abs=margin)


@pytest.mark.rule("P22")
def test_commits_come_in_order_however_the_lags_fall():
    scenario = world(
        messages=3000,
        drain=True,
        producer={"rate": "1000/s"},
        channel={"replication": {"factor": 3, "lag": "exponential(20ms)"}},
        consumer={"service": 0},
    )
    committed = messages(execute(scenario))["committed_at"].to_numpy()
    assert (np.diff(committed) >= 0).all()
    assert (np.diff(committed) == 0).any()


@pytest.mark.rule("P22")
def test_the_leader_of_a_partition_is_node_partition_modulo_factor():
    # Node 1 leads partitions 1 and 4: only those are without a leader.
    trace = publish(
        *(10 + place / 10 for place in range(6)),
        channel={"partitions": 6, **replicated()},
        faults=[crash("queue/1", 5)],
    )
    assert [status == "LOST" for status in statuses(trace)] == [n % 3 == 1 for n in range(6)]


# In sync ------------------------------------------------------------------------------------------


@pytest.mark.rule("P23")
@pytest.mark.parametrize(("lag_max", "committed_at"), [(None, 9.5), ("3s", 4.5), ("30s", 9.5)])
def test_a_dead_follower_stalls_commits_until_it_is_missed(lag_max, committed_at):
    # It dies at 1.5: noticed at 9.5, or behind for too long at 4.5.
    trace = publish(
        *(1, 2, 30),
        channel=replicated(lag="50ms", replica_lag_max=lag_max),
        faults=[crash("queue/1", 1.5)],
    )
    assert when(trace, "committed_at") == [1.05, committed_at, 30.05]
    assert when(trace, "confirmed_at") == [1.05, committed_at, 30.05]


@pytest.mark.rule("P23")
def test_a_quorum_does_not_miss_a_dead_follower():
    trace = publish(
        *(1, 2),
        channel=replicated(lag="50ms", commit_rule="quorum"),
        faults=[crash("queue/1", 1.5)],
    )
    assert when(trace, "committed_at") == [1.05, 2.05]


@pytest.mark.rule("P23")
def test_a_quorum_waits_for_a_majority():
    trace = publish(
        *(1, 2),
        channel=replicated(lag="50ms", commit_rule="quorum"),
        faults=[crash("queue/1", 1.5), crash("queue/2", 1.5, 20)],
    )
    assert when(trace, "committed_at") == [1.05, 21.55]


@pytest.mark.rule("P23")
def test_a_follower_that_is_back_before_it_was_missed_catches_up_a_lag_later():
    trace = publish(*(1, 2, 2.5), channel=replicated(lag="50ms"), faults=[crash("queue/1", 1.5, 3)])
    assert when(trace, "committed_at") == [1.05, 4.55, 4.55]


@pytest.mark.rule("P23")
def test_a_slow_follower_is_waited_for_as_long_as_it_may_lag():
    # Lag 5 s, allowed 1 s: it leaves at 2 and is back at 6, when it has all that is committed.
    trace = publish(
        *(1, 3, 10), channel=replicated(factor=2, lag="5s", replica_lag_max="1s"), duration=30
    )
    assert when(trace, "committed_at") == [2, 3, 11]
    # Without a bound everything waits for it.
    trace = publish(1, 3, 10, channel=replicated(factor=2, lag="5s"), duration=30)
    assert when(trace, "committed_at") == [6, 8, 15]


# Minimum ------------------------------------------------------------------------------------------


@pytest.mark.rule("P24")
def test_with_too_few_in_sync_writes_that_ask_for_all_are_refused():
    # The follower is dead from 1.5 to 21.5; it is missed at 9.5.
    trace = publish(
        *(1, 2, 15, 30),
        channel=replicated(factor=2, min_insync=2, lag="50ms"),
        faults=[crash("queue/1", 1.5, 20)],
    )
    assert statuses(trace) == ["CONFIRMED", "CONFIRMED", "REJECTED", "CONFIRMED"]
    assert when(trace, "committed_at") == [1.05, 21.55, None, 30.05]


@pytest.mark.rule("P24")
def test_with_too_few_in_sync_nothing_is_committed_whatever_the_acks():
    trace = publish(
        *(1, 2, 15, 30),
        publishing={"acks": "leader"},
        channel=replicated(factor=2, min_insync=2, lag="50ms"),
        faults=[crash("queue/1", 1.5, 20)],
    )
    assert when(trace, "confirmed_at") == [1, 2, 15, 30]
    assert when(trace, "committed_at") == [1.05, 21.55, 21.55, 30.05]


@pytest.mark.rule("P13", "P24")
def test_a_refusal_for_want_of_replicas_is_worth_a_retry():
    trace = publish(
        *(1, 15),
        publishing={"retry": "fixed(5s)"},
        channel=replicated(factor=2, min_insync=2, lag="50ms"),
        faults=[crash("queue/1", 1.5, 20)],
    )
    assert counted(trace, "attempts") == [1, 3]
    assert when(trace, "stored_at") == [1, 25]


@pytest.mark.rule("P24")
def test_a_minimum_of_one_goes_on_alone():
    trace = publish(
        *(1, 2, 15),
        channel=replicated(factor=2, lag="50ms"),
        faults=[crash("queue/1", 1.5)],
    )
    assert when(trace, "committed_at") == [1.05, 9.5, 15]
