"""Failover: who leads next, when, and what is lost by it."""

from __future__ import annotations

import numpy as np
import pytest

from eda_sim.engine.execute import execute
from eda_sim.engine.trace import CopyState
from tests.engine.publishing.logs import counted, crash, ends, publish, replicated, statuses, when
from tests.engine.worlds import SECOND, copies, deliveries, messages, world

AGAIN = {"request_timeout": "1s", "retry": "fixed(500ms)"}


# Without a leader ---------------------------------------------------------------------------------


@pytest.mark.rule("P25")
def test_nothing_is_stored_until_a_leader_is_elected():
    # The leader dies at 2; that is noticed at 10, and another leads at 10.1.
    trace = publish(
        *(1, 5, 10.05, 10.15, 30),
        channel=replicated(lag="50ms", election="100ms"),
        faults=[crash("queue/0", 2)],
    )
    assert statuses(trace) == ["CONFIRMED", "LOST", "LOST", "CONFIRMED", "CONFIRMED"]
    # The dead node is known to be down: nobody waits for it.
    assert when(trace, "committed_at") == [1.05, None, None, 10.2, 30.05]


@pytest.mark.rule("P12", "P25")
def test_retries_bridge_the_gap():
    trace = publish(
        *(1, 5),
        publishing=AGAIN,
        channel=replicated(lag="50ms", election="100ms"),
        faults=[crash("queue/0", 2)],
    )
    # Attempts at 5, 6.5, 8, 9.5 and 11.
    assert counted(trace, "attempts") == [1, 5]
    assert when(trace, "stored_at") == [1, 11]


@pytest.mark.rule("P25")
def test_what_a_dead_leader_was_appending_is_lost():
    trace = publish(
        *(1, 2, 20),
        channel={**replicated(), "append": {"per_message": "500ms"}},
        faults=[crash("queue/0", 2.1)],
    )
    assert statuses(trace) == ["CONFIRMED", "LOST", "CONFIRMED"]


@pytest.mark.rule("P25")
def test_nothing_is_handed_out_without_a_leader():
    # Stored and committed before, and waiting for the only worker, busy with the first until 6.
    trace = publish(
        *(1, 1.5),
        channel=replicated(),
        consumer={"service": "5s"},
        faults=[crash("queue/0", 2)],
    )
    assert [time / SECOND for time in deliveries(trace)["acquired_at"]] == [1, 10]


@pytest.mark.rule("P25")
def test_a_leader_that_is_back_in_time_leads_on():
    trace = publish(
        *(1, 2, 5, 6),
        publishing={"acks": "leader"},
        channel=replicated(lag="100ms"),
        faults=[crash("queue/0", 2.01, 3.5)],
    )
    # What no follower had got is still in its log; it is committed when they have caught up.
    assert statuses(trace) == ["CONFIRMED", "CONFIRMED", "LOST", "CONFIRMED"]
    assert when(trace, "committed_at") == [1.1, 5.61, None, 6.1]


@pytest.mark.rule("P25")
def test_failures_are_noticed_between_7_and_9_seconds_after_them():
    # Kafka: session time-out 9 s after the last heartbeat, one of which comes every 2 s: 8 s mean.
    scenario = world(
        duration=20,
        producer={"arrivals": "constant(interval=10ms)"},
        channel={"replication": {"factor": 3}},
        consumer={"service": 0},
        faults=[crash("queue/0", 5)],
    )
    gaps = []
    for seed in range(60):
        table = messages(execute(scenario, seed=seed))
        lost = table[table["stored_at"] < 0]["created_at"] / SECOND
        gaps.append(lost.max() - 5)
    assert min(gaps) > 6.99
    assert max(gaps) <= 9
    assert np.mean(gaps) == pytest.approx(8, abs=3 * 2 / np.sqrt(12 * len(gaps)) + 0.01)
    assert np.std(gaps) == pytest.approx(2 / np.sqrt(12), rel=0.3)


# Election -----------------------------------------------------------------------------------------


@pytest.mark.rule("P26")
def test_the_first_in_sync_leads_and_the_others_follow():
    # Node 0 dies, then node 1 that leads after it, then node 2 is the last.
    trace = publish(
        *(1, 15, 35, 55),
        channel=replicated(lag="50ms"),
        faults=[crash("queue/0", 5), crash("queue/1", 20), crash("queue/2", 40, 10)],
    )
    assert statuses(trace) == ["CONFIRMED"] * 4
    assert when(trace, "committed_at") == [1.05, 15.05, 35, 55]


@pytest.mark.rule("P26", "P27")
@pytest.mark.parametrize(("unclean", "status"), [(True, "TRUNCATED"), (False, "CONFIRMED")])
def test_an_unclean_election_loses_what_was_committed(unclean, status):
    # The follower lags 5 s and is not in sync: the leader commits alone, at 21, and dies at 22.
    trace = publish(
        *(1, 20, 40, 70),
        channel=replicated(
            factor=2, lag="5s", replica_lag_max="1s", unclean_leader_election=unclean
        ),
        consumer={"service": "10s"},
        faults=[crash("queue/0", 22, 40)],
    )
    assert when(trace, "confirmed_at")[1] == 21
    assert statuses(trace)[1] == status
    # Clean: nobody leads until the old leader is back at 62.
    assert statuses(trace)[2] == ("CONFIRMED" if unclean else "LOST")
    assert statuses(trace)[3] == "CONFIRMED"


@pytest.mark.rule("P26")
def test_a_quorum_needs_a_majority_to_elect():
    trace = publish(
        *(1, 20, 40),
        channel=replicated(lag="50ms", commit_rule="quorum"),
        faults=[crash("queue/0", 5), crash("queue/1", 5, 30)],
    )
    assert statuses(trace) == ["CONFIRMED", "LOST", "CONFIRMED"]


@pytest.mark.rule("P26")
def test_a_quorum_elects_the_most_advanced():
    # Node 1 was down while the second message was stored, and is up again but not caught up yet.
    trace = publish(
        *(1, 3, 40),
        channel=replicated(lag="2s", commit_rule="quorum"),
        faults=[crash("queue/1", 2.5, 10), crash("queue/0", 13)],
    )
    assert when(trace, "committed_at")[:2] == [3, 5]
    assert statuses(trace) == ["CONFIRMED"] * 3
    assert set(copies(trace)["state"]) == {CopyState.ACKNOWLEDGED}


@pytest.mark.rule("P26")
@pytest.mark.parametrize(("lag", "status"), [("0s", "CONFIRMED"), ("2s", "LOST")])
def test_under_the_leader_rule_one_that_lacks_something_does_not_lead(lag, status):
    trace = publish(
        *(1, 4, 30, 60),
        channel=replicated(lag=lag, commit_rule="leader"),
        faults=[crash("queue/0", 5, 50)],
    )
    assert statuses(trace) == ["CONFIRMED", "CONFIRMED", status, "CONFIRMED"]


@pytest.mark.rule("P26", "P27")
def test_under_the_leader_rule_an_unclean_election_loses_the_tail():
    # Asynchronous replication (Redis): what is confirmed and not replicated yet is lost.
    trace = publish(
        *(1, 4, 30),
        channel=replicated(lag="2s", commit_rule="leader", unclean_leader_election=True),
        consumer={"service": "60s"},
        faults=[crash("queue/0", 5)],
    )
    assert when(trace, "confirmed_at") == [1, 4, 30]
    assert statuses(trace) == ["CONFIRMED", "TRUNCATED", "CONFIRMED"]


# Truncation ---------------------------------------------------------------------------------------


@pytest.mark.rule("P27")
def test_offsets_are_given_out_again():
    trace = publish(
        *(1, 2, 20, 21),
        publishing={"acks": "leader"},
        channel=replicated(lag="50ms"),
        faults=[crash("queue/0", 2.01)],
    )
    assert statuses(trace) == ["CONFIRMED", "TRUNCATED", "CONFIRMED", "CONFIRMED"]
    held = copies(trace)
    assert list(held["offset"]) == [0, 1, 1, 2]
    assert ends(trace)[1] == (1, "TRUNCATED", 10.01)


@pytest.mark.rule("P27")
def test_a_node_that_returns_follows_the_new_log():
    # The old leader comes back with a tail that nobody has any more, and leads again at 48.
    trace = publish(
        *(1, 2, 20, 60),
        publishing={"acks": "leader"},
        channel=replicated(factor=2, lag="50ms"),
        faults=[crash("queue/0", 2.01, 20), crash("queue/1", 40)],
    )
    assert statuses(trace) == ["CONFIRMED", "TRUNCATED", "CONFIRMED", "CONFIRMED"]
    assert list(copies(trace)["offset"]) == [0, 1, 1, 2]


@pytest.mark.rule("P27")
def test_what_took_effect_is_not_undone():
    trace = publish(
        *(1, 20),
        channel=replicated(factor=2, lag="5s", replica_lag_max="1s", unclean_leader_election=True),
        faults=[crash("queue/0", 3)],
    )
    assert ends(trace)[0] == (0, "ACKNOWLEDGED", 2)
    assert list(copies(trace)["offset"]) == [0, 0]


@pytest.mark.rule("P27")
@pytest.mark.parametrize("scope", ["delivery", "partition"])
def test_both_kinds_of_subscription_go_on_after_a_truncation(scope):
    trace = publish(
        *(1, 2, 20, 21),
        publishing={"acks": "leader"},
        channel=replicated(lag="50ms"),
        consumer={"subscription": {"lease_scope": scope}},
        faults=[crash("queue/0", 2.01)],
    )
    assert [state for _, state, _ in ends(trace)] == [
        "ACKNOWLEDGED",
        "TRUNCATED",
        "ACKNOWLEDGED",
        "ACKNOWLEDGED",
    ]


# Flush --------------------------------------------------------------------------------------------


def power_loss(**flush: object) -> list[str]:
    """Return what becomes of four messages when all nodes lose power at 35 for two seconds."""
    trace = publish(
        *(1, 33.5, 34.5, 50),
        channel=replicated(lag="1ms", **flush),
        consumer={"service": "200s"},
        faults=[crash("queue", 35, 2, kind="power_loss")],
    )
    return statuses(trace)


@pytest.mark.rule("P28")
def test_what_the_system_had_not_written_back_is_lost():
    assert power_loss(flush="os") == ["CONFIRMED", "TRUNCATED", "TRUNCATED", "CONFIRMED"]


@pytest.mark.rule("P28")
@pytest.mark.parametrize(("interval", "kept"), [("2s", 1), ("5s", 2), ("20s", 0), ("33502ms", 1)])
def test_what_came_after_the_last_flush_is_lost(interval, kept):
    # The last multiple before 35 is 34, 35, 20 or 33.502: copies come at 33.501 and 34.501.
    found = power_loss(flush="interval", flush_interval=interval)
    assert found == ["CONFIRMED", *["CONFIRMED"] * kept, *["TRUNCATED"] * (2 - kept), "CONFIRMED"]


@pytest.mark.rule("P28")
def test_who_flushes_before_the_answer_loses_nothing():
    assert power_loss(flush="before_ack", flush_time="10ms") == ["CONFIRMED"] * 4


@pytest.mark.rule("P28")
def test_flushing_takes_its_time_at_the_leader_and_at_the_followers():
    trace = publish(
        *(1, 1.005), channel=replicated(lag="1ms", flush="before_ack", flush_time="10ms")
    )
    assert when(trace, "stored_at") == [1.01, 1.02]  # one request after the other
    assert when(trace, "committed_at") == [1.021, 1.031]


@pytest.mark.rule("P28")
def test_a_crash_leaves_the_disk():
    trace = publish(
        *(1, 33.5, 34.5, 50),
        channel=replicated(lag="1ms"),
        consumer={"service": "200s"},
        faults=[crash("queue", 35, 2)],
    )
    assert statuses(trace) == ["CONFIRMED"] * 4


@pytest.mark.rule("P26", "P28")
def test_one_replica_that_keeps_its_disk_is_enough():
    trace = publish(
        *(1, 33.5, 34.5, 50),
        channel=replicated(lag="1ms"),
        consumer={"service": "200s"},
        faults=[
            crash("queue/0", 35, 2, kind="power_loss"),
            crash("queue/1", 35, 2, kind="power_loss"),
            crash("queue/2", 35, 2),
        ],
    )
    assert statuses(trace) == ["CONFIRMED"] * 4


@pytest.mark.rule("P28")
def test_a_channel_on_one_node_has_only_its_disk():
    trace = publish(*(1, 34, 50), faults=[crash("queue", 35, 2)], consumer={"service": "200s"})
    assert statuses(trace) == ["CONFIRMED"] * 3
    trace = publish(
        *(1, 34, 50),
        consumer={"service": "200s"},
        faults=[crash("queue", 35, 2, kind="power_loss")],
    )
    assert statuses(trace) == ["CONFIRMED", "TRUNCATED", "CONFIRMED"]
