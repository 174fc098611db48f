"""Nodes of a channel that crash or lose power: what is accepted, what is kept, who leads."""

import numpy as np
import pytest

from eda_sim.engine.execute import execute
from eda_sim.engine.laws import LawViolation, check_laws
from eda_sim.engine.trace import NEVER, CopyState, MessageStatus
from tests.engine.worlds import MILLISECOND, SECOND, copies, count, deliveries, messages, world
from tests.traces import tampered

RATE = 100
GROUP = {"lease_scope": "partition", "fetch_max_messages": 10}


def cluster(*faults, channel=None, consumer=None, duration=40, **settings):
    """Return a channel of three nodes, of which node 0 leads, and what happens to them.

    Followers are 20 ms behind. A failure is noticed after 2 s, the election takes 500 ms.
    """
    publishing = {"request_timeout": "400ms", "retry": "fixed(100ms)"}
    publishing |= {key: settings.pop(key) for key in ("acks", "retry") if key in settings}
    replication = {
        "factor": 3,
        "lag": "20ms",
        "failure_detection": "2s",
        "election": "500ms",
        **settings,
    }
    return world(
        duration=f"{duration}s",
        drain=True,
        drain_timeout="10s",
        producer={
            "arrivals": f"constant({RATE}/s)",
            "link": {"latency": "5ms"},
            "publishing": publishing,
        },
        channel={"replication": replication, **(channel or {})},
        consumer={"service": "1ms", **(consumer or {})},
        faults=list(faults),
    )


def stored_between(trace, begin, end):
    """Return which copies were stored between two times in seconds."""
    return copies(trace)["stored_at"].between(begin * SECOND + 1, end * SECOND - 1)


def gone(trace):
    """Return the messages that were confirmed and are not there any more."""
    rows = messages(trace)
    return rows[(rows["confirmed_at"] != NEVER) & (rows["status"] == MessageStatus.TRUNCATED)]


# A leader ----------------------------------------------------------------------------------------


@pytest.mark.rule("F15")
def test_nothing_is_accepted_until_the_failure_is_noticed_and_another_node_leads():
    trace = execute(cluster({"crash": "queue/0", "at": "10s", "lasts": "20s"}))
    rows = messages(trace)
    assert not stored_between(trace, 10, 12.5).any()
    assert stored_between(trace, 12.5, 13).any()
    taken = deliveries(trace)["acquired_at"]
    assert not taken.between(10 * SECOND, 12.5 * SECOND - 1).any()
    # The publisher asks again until it is heard, so nobody loses anything.
    waited = rows["created_at"].between(10 * SECOND, 12 * SECOND)
    assert (rows["attempts"][waited] > 1).all()
    assert (rows["status"] == MessageStatus.CONFIRMED).all()
    assert count(trace).lost == 0


@pytest.mark.rule("F15")
def test_who_does_not_ask_again_loses_what_comes_without_a_leader():
    trace = execute(cluster({"crash": "queue/0", "at": "10s", "lasts": "20s"}, retry="none"))
    rows = messages(trace)
    unheard = rows["status"] == MessageStatus.UNKNOWN
    sent = rows["sent_at"].between(9_995 * MILLISECOND, 12_495 * MILLISECOND - 1)
    assert unheard[sent].all()
    stored = rows["stored_at"] != NEVER
    assert not stored[sent].any()
    # What was stored just before, and not yet committed, is not there any more either.
    lost = unheard & ~sent
    assert rows["sent_at"][lost].between(9_960 * MILLISECOND, 10 * SECOND).all()
    assert (rows["status"][~unheard] == MessageStatus.CONFIRMED).all()


@pytest.mark.rule("F15")
def test_what_only_the_old_leader_had_is_truncated_though_it_was_confirmed():
    crash = {"crash": "queue/0", "at": "10s", "lasts": "20s"}
    trace = execute(cluster(crash, acks="leader"))
    rows = gone(trace)
    # Answers take 5 ms: what was stored in the last 20 ms, and answered in time.
    assert rows["stored_at"].between(9_980 * MILLISECOND, 10 * SECOND).all()
    assert 1 <= len(rows) <= 2
    ends = copies(trace).set_index("message_id")["state"]
    assert (ends[rows.index] == CopyState.TRUNCATED).all()
    assert not np.isin(deliveries(trace)["message_id"], rows.index).any()  # nobody ever saw them
    # Who waits for all replicas is told of nothing that can go.
    assert gone(execute(cluster(crash, acks="all"))).empty


@pytest.mark.rule("F15")
def test_a_commit_rule_that_waits_for_nobody_lets_subscriptions_see_what_is_truncated():
    crash = {"crash": "queue/0", "at": "10s", "lasts": "20s"}
    settings = {"commit_rule": "leader", "unclean_leader_election": True, "lag": "1s"}
    trace = execute(cluster(crash, **settings, consumer={"service": "11ms"}))
    held = copies(trace).drop_duplicates("message_id")
    lost = held[held["stored_at"].between(9 * SECOND, 10 * SECOND)]
    states = set(lost["state"])
    assert states == {CopyState.ACKNOWLEDGED, CopyState.TRUNCATED}
    assert len(gone(trace)) == pytest.approx(RATE, abs=2)  # a second's worth, handled or not


@pytest.mark.rule("F15")
def test_offsets_of_what_is_truncated_are_given_out_again():
    trace = execute(cluster({"crash": "queue/0", "at": "10s", "lasts": "5s"}, acks="leader"))
    held = copies(trace)
    lost = held[held["state"] == CopyState.TRUNCATED]
    assert len(lost)
    for offset in lost["offset"]:
        again = held[held["offset"] == offset]
        assert len(again) == 2
        assert (again["stored_at"].iloc[1] > again["settled_at"].iloc[0]).all()
    assert held["offset"].max() == len(held) - len(lost) - 1


def test_a_law_catches_an_offset_that_is_given_out_twice():
    scenario = cluster({"crash": "queue/0", "at": "10s", "lasts": "5s"}, acks="leader")
    trace = execute(scenario)
    lost = int(np.flatnonzero(trace.copies["state"] == CopyState.TRUNCATED)[0])
    with pytest.raises(LawViolation, match="its offset was given out again"):
        check_laws(tampered(trace, "copies", "settled_at", lost, 40 * SECOND), scenario)


def test_a_law_catches_a_promise_that_is_broken():
    scenario = cluster({"crash": "queue/0", "at": "10s", "lasts": "5s"})
    trace = tampered(execute(scenario), "messages", "status", 7, MessageStatus.TRUNCATED)
    with pytest.raises(LawViolation, match="confirmed by all in sync, and truncated"):
        check_laws(trace, scenario)


@pytest.mark.rule("F15")
def test_a_leader_that_is_back_before_it_is_missed_leads_on():
    trace = execute(cluster({"crash": "queue/0", "at": "10s", "lasts": "1s"}, acks="leader"))
    assert not stored_between(trace, 10, 11).any()
    assert stored_between(trace, 11, 11.5).any()
    assert gone(trace).empty


# Followers ---------------------------------------------------------------------------------------


@pytest.mark.rule("F15")
def test_a_follower_that_dies_is_waited_for_until_it_is_missed():
    crash = {"crash": "queue/2", "at": "10s", "lasts": "20s"}
    waits = {}
    for rule in ("isr", "quorum"):
        rows = messages(execute(cluster(crash, commit_rule=rule)))
        assert (rows["status"] == MessageStatus.CONFIRMED).all()
        waits[rule] = ((rows["committed_at"] - rows["stored_at"]) / SECOND).max()
        # Storing goes on: only nobody is told.
        assert rows["stored_at"].between(10 * SECOND, 12 * SECOND).sum() >= 2 * RATE - 1
    assert waits["isr"] == pytest.approx(2, abs=0.05)
    assert waits["quorum"] == pytest.approx(0.02)


@pytest.mark.rule("F15")
def test_a_node_that_is_back_has_everything_a_lag_later():
    # Two nodes. Node 1 was away; node 0 dies for ever when it is back: soon, or at once.
    away = {"crash": "queue/1", "at": "10s", "lasts": "5s"}
    for seconds, leads in (("20s", True), ("15.01s", False)):
        died = {"crash": "queue/0", "at": seconds}
        trace = execute(cluster(away, died, factor=2))
        assert gone(trace).empty
        assert stored_between(trace, 23, 39).any() == leads
    # Elected although it had not caught up, it leads, and five seconds of messages are gone.
    trace = execute(cluster(away, died, factor=2, unclean_leader_election=True))
    assert stored_between(trace, 18, 39).any()
    rows = gone(trace)
    assert rows["created_at"].between(9_900 * MILLISECOND, 15_010 * MILLISECOND).all()
    assert len(rows) == pytest.approx(5 * RATE, rel=0.1)


@pytest.mark.rule("F15")
def test_too_few_in_sync_and_nothing_is_promised():
    crash = {"crash": "queue/1", "at": "10s", "lasts": "10s"}
    rows = messages(execute(cluster(crash, factor=2, min_insync=2)))
    assert not rows["confirmed_at"].between(10_050 * MILLISECOND, 20 * SECOND).any()
    assert (rows["status"] == MessageStatus.CONFIRMED).all()
    majority = messages(execute(cluster(crash, factor=2, commit_rule="quorum")))
    assert not majority["confirmed_at"].between(10_050 * MILLISECOND, 20 * SECOND).any()


# All nodes ---------------------------------------------------------------------------------------


@pytest.mark.rule("F15")
@pytest.mark.parametrize("subscription", [{}, GROUP], ids=["queue", "group"])
def test_while_all_nodes_are_down_nothing_happens_and_then_everything_is_there(subscription):
    scenario = cluster(
        {"crash": "queue", "at": "10s", "lasts": "5s"}, consumer={"subscription": subscription}
    )
    trace = execute(scenario)
    assert not stored_between(trace, 10, 15).any()
    taken = deliveries(trace)["acquired_at"]
    assert not taken.between(10 * SECOND, 15 * SECOND - 1).any()
    assert stored_between(trace, 15, 15.5).any()  # the last leader is back, and has everything
    rows = messages(trace)
    assert (rows["status"] == MessageStatus.CONFIRMED).all()
    assert gone(trace).empty
    assert deliveries(trace).query("effect == 1")["message_id"].nunique() == len(rows)


@pytest.mark.rule("F15")
def test_a_channel_of_one_node_has_nobody_to_take_over():
    rows = {}
    for kind, target in (("crash", "queue"), ("crash", "queue/0"), ("power_loss", "queue")):
        scenario = world(
            duration="60s",
            drain=True,
            drain_timeout="10s",
            producer={
                "arrivals": f"constant({RATE}/s)",
                "publishing": {"request_timeout": "400ms", "retry": "fixed(100ms)"},
            },
            consumer={"service": "1ms"},
            faults=[{kind: target, "at": "40s", "lasts": "10s"}],
        )
        trace = execute(scenario)
        assert not stored_between(trace, 40, 50).any()
        assert stored_between(trace, 50, 51).any()
        rows[kind] = gone(trace)
    assert rows["crash"].empty
    assert rows["power_loss"]["stored_at"].min() > 10 * SECOND
    assert len(rows["power_loss"]) == pytest.approx(30 * RATE, abs=1)


# Power -------------------------------------------------------------------------------------------

OUTAGE = {"power_loss": "queue", "at": "40.5s", "lasts": "5s"}


@pytest.mark.rule("F15")
@pytest.mark.parametrize(
    ("flush", "from_second"),
    [({}, 10.5), ({"flush": "interval", "flush_interval": "2s"}, 40), ({"flush": "before_ack"}, 0)],
    ids=["os", "interval", "before_ack"],
)
def test_a_power_loss_takes_what_was_not_on_the_disk(flush, from_second):
    trace = execute(cluster(OUTAGE, duration=60, **flush))
    rows = gone(trace)
    if flush.get("flush") == "before_ack":
        assert rows.empty
        return
    assert len(rows) == pytest.approx((40.5 - from_second) * RATE, abs=5)
    assert rows["stored_at"].min() / SECOND == pytest.approx(from_second, abs=0.05)
    # They had been handled long before; what is lost is what the channel should have kept.
    assert deliveries(trace).query("effect == 1")["message_id"].nunique() == len(messages(trace))


@pytest.mark.rule("F15")
def test_a_power_loss_of_a_subscription_that_lags_loses_its_messages():
    slow = {"service": "12ms"}  # 83 a second of 100
    trace = execute(cluster(OUTAGE, duration=60, consumer=slow))
    rows = gone(trace)
    seen = deliveries(trace).query("effect == 1")["message_id"]
    unseen = rows[~rows.index.isin(seen)]
    lag = 40.5 * (RATE - 1 / 0.012)
    assert len(unseen) == pytest.approx(lag, rel=0.05)
    crash = {"crash" if key == "power_loss" else key: value for key, value in OUTAGE.items()}
    assert gone(execute(cluster(crash, duration=60, consumer=slow))).empty


@pytest.mark.rule("F15")
def test_a_flush_before_the_answer_costs_its_time():
    plain = messages(execute(cluster()))
    flushed = messages(execute(cluster(flush="before_ack", flush_time="5ms")))
    more = flushed["confirmed_at"] - plain["confirmed_at"]
    assert set(more[plain["confirmed_at"] != NEVER][:1000]) == {10 * MILLISECOND}  # both disks


@pytest.mark.rule("F15")
@pytest.mark.parametrize("node", [0, 1])
def test_a_power_loss_of_one_node_loses_nothing_that_others_have(node):
    fault = {"power_loss": f"queue/{node}", "at": "20s", "lasts": "1s"}
    trace = execute(cluster(fault))
    assert gone(trace).empty
    assert (messages(trace)["status"] == MessageStatus.CONFIRMED).all()
    # Then the other two die as well. Node 0 or 1 has fetched again what its disk had not.
    others = [{"crash": f"queue/{other}", "at": "30s"} for other in {0, 1, 2} - {node}]
    trace = execute(cluster(fault, *others))
    assert gone(trace).empty
    assert stored_between(trace, 35, 39).any()


# When --------------------------------------------------------------------------------------------


@pytest.mark.rule("F15", "F1")
def test_nodes_that_fail_again_and_again_lose_nothing_that_all_in_sync_have():
    faults = [
        {"crash": f"queue/{node}", "mtbf": "exponential(15s)", "mttr": "exponential(4s)"}
        for node in range(3)
    ]
    scenario = cluster(*faults, duration=200, channel={"partitions": 3})
    trace = execute(scenario)
    assert np.bincount(trace.faults["instance"]).min() > 5
    assert gone(trace).empty
    first = messages(trace)
    assert count(trace).lost == 0
    confirmed = first["status"] == MessageStatus.CONFIRMED
    assert confirmed[first["created_at"] < 180 * SECOND].all()
    careless = cluster(
        *faults,
        duration=200,
        channel={"partitions": 3},
        acks="leader",
        unclean_leader_election=True,
        lag="200ms",
    )
    assert len(gone(execute(careless))) > 20


@pytest.mark.rule("F15")
def test_who_was_missed_while_all_were_down_waits_for_the_last_one_in_sync():
    # All die at once. Nodes 1 and 2 come back, but only node 0 is sure to have everything.
    faults = [
        {"crash": "queue", "at": "10s", "lasts": "4s"},
        {"crash": "queue/0", "at": "12s", "lasts": "6s"},
    ]
    trace = execute(cluster(*faults))
    assert not stored_between(trace, 10, 18).any()
    assert stored_between(trace, 18, 18.5).any()
    assert gone(trace).empty
    unclean = execute(cluster(*faults, unclean_leader_election=True))
    assert not stored_between(unclean, 10, 14.5).any()
    assert stored_between(unclean, 14.5, 15).any()


@pytest.mark.rule("F3", "F16")
def test_a_node_is_down_until_the_last_fault_that_took_it_down_is_over():
    faults = [
        {"crash": "queue", "at": "10s", "lasts": "1s"},
        {"crash": "queue/0", "at": "10.5s", "lasts": "7.5s"},
        {"power_loss": "queue/0", "at": "13s", "lasts": "1s"},
    ]
    trace = execute(cluster(*faults))
    assert not stored_between(trace, 10, 12.5).any()  # the others are up, and miss their leader
    assert stored_between(trace, 12.5, 13).any()
    assert trace.faults["instance"].tolist() == [-1, 0, 0]
    assert {trace.names.targets[target] for target in trace.faults["target"]} == {"queue"}
    alone = execute(cluster(*faults, factor=1))
    assert not stored_between(alone, 10, 18).any()
    assert stored_between(alone, 18, 19).any()
