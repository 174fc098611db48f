"""Crashes, counted: what is lost, what happens twice, and when a message is handed out again."""

from __future__ import annotations

import itertools

import pytest

from eda_sim.engine.execute import execute
from eda_sim.engine.trace import CopyState, Outcome
from eda_sim.spec import Scenario
from tests.engine.worlds import MILLISECOND, SECOND, at, copies, count, deliveries, seconds, world

LEASES = {
    "pull": {"lease_scope": "delivery"},
    "pull several": {"lease_scope": "delivery", "fetch_max_messages": 5},
    "push": {"lease_scope": "delivery", "delivery": "push"},
    "prefetch": {"lease_scope": "delivery", "delivery": "push", "max_outstanding": 5},
    "hold": {"lease_scope": "delivery", "lease_timeout": "20s", "on_disconnect": "hold"},
    "partition": {"lease_scope": "partition", "lease_timeout": "5s", "heartbeat_interval": "1s"},
}
SEEDS = range(2)


def busy(lease: str, **consumer: object) -> Scenario:
    """Return three instances that are nine tenths busy, and eight crashes among them."""
    moments = [20, 25, 26, 40, 55, 57, 70, 80]
    crashes = zip(moments, itertools.cycle([0, 1, 2]))
    return world(
        duration="100s",
        drain=True,
        producer={"rate": "27/s", "key": "uniform(n=50)", "link": {"latency": "2ms"}},
        channel={"partitions": 6},
        consumer={
            "service": "exponential(100ms)",
            "instances": 3,
            "link": {"latency": "5ms"},
            "subscription": LEASES[lease],
            **consumer,
        },
        faults=[{"crash": f"server/{i}", "at": f"{s}s", "lasts": "3s"} for s, i in crashes],
    )


@pytest.mark.rule("F4")
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("lease", LEASES)
def test_settled_after_nothing_is_lost(lease, seed):
    trace = execute(busy(lease), seed=seed)
    counted = count(trace)
    assert counted.messages == len(trace.messages["key"]) > 2500
    assert counted.lost == counted.pending == 0
    assert counted.once + counted.duplicated == counted.messages
    crashed = deliveries(trace)["outcome"] == Outcome.CRASHED
    assert crashed.sum() >= 4  # it was put to the test
    assert set(copies(trace)["state"]) == {CopyState.ACKNOWLEDGED}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("lease", LEASES)
def test_settled_before_nothing_happens_twice(lease, seed):
    trace = execute(busy(lease, settle="before"), seed=seed)
    counted = count(trace)
    assert counted.duplicated == counted.pending == 0
    assert counted.lost > 0
    assert counted.once + counted.lost == counted.messages
    # Lost is exactly what was acknowledged and then cut off by a crash.
    rows = deliveries(trace)
    cut_off = rows[(rows["outcome"] == Outcome.CRASHED) & (rows["settled_at"] >= 0)]
    assert counted.lost == cut_off["message_id"].nunique()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_commit_lags_behind_the_effects_of_its_batch(seed):
    # With leases on partitions an acknowledgement covers a batch, so a crash in the middle of one
    # repeats what had already taken effect. With single acknowledgements this member holds nothing
    # that has taken effect, and its crash repeats nothing.
    assert count(execute(busy("partition"), seed=seed)).duplicated > 0
    assert count(execute(busy("prefetch"), seed=seed)).duplicated == 0


@pytest.mark.rule("L6")
@pytest.mark.parametrize("seed", SEEDS)
def test_dedup_turns_duplicates_into_skips(seed):
    without = count(execute(busy("partition"), seed=seed))
    trace = execute(busy("partition", dedup={"window": "10min"}), seed=seed)
    counted = count(trace)
    assert without.skipped == 0
    assert counted.skipped > 0
    assert counted.duplicated == counted.lost == 0
    assert counted.once == counted.messages == without.messages
    rows = deliveries(trace)
    skipped = rows[rows["outcome"] == Outcome.SKIPPED]
    assert (skipped["effect"] == 0).all()
    assert (skipped["finished_at"] == skipped["started_at"]).all()  # the look-up is free here


def test_the_memory_of_an_instance_dies_with_it():
    # What comes again after a crash comes to another life, which remembers nothing.
    counted = count(execute(busy("partition", dedup={"window": "10min", "scope": "instance"})))
    assert counted.skipped == 0
    assert counted.duplicated > 0


@pytest.mark.parametrize("memory", [{"window": "100ms"}, {"count": 1}])
def test_a_memory_too_short_lets_duplicates_through(memory):
    # A partition comes back at least four seconds after the crash.
    counted = count(execute(busy("partition", dedup=memory)))
    assert counted.duplicated > 0


def test_a_look_up_takes_its_time():
    rows = deliveries(execute(busy("partition", dedup={"window": "10min", "lookup": "7ms"})))
    took = rows["finished_at"] - rows["started_at"]
    lookup = 7 * MILLISECOND
    assert set(took[rows["outcome"] == Outcome.SKIPPED]) == {lookup}
    assert took[rows["outcome"] == Outcome.OK].min() > lookup
    # A message needs the same service as without a look-up, after it.
    without = deliveries(execute(busy("partition")))
    first = [
        table[(table["attempt"] == 1) & (table["outcome"] == Outcome.OK)].set_index("message_id")
        for table in (rows, without)
    ]
    more, less = (table["finished_at"] - table["started_at"] for table in first)
    assert set((more - less).dropna()) == {lookup}


@pytest.mark.parametrize("latency_ms", [0, 30])
def test_release_hands_out_again_when_the_broker_sees_the_connection_close(latency_ms):
    latency = latency_ms * MILLISECOND
    scenario = world(
        duration="20s",
        producer={"arrivals": at(1)},
        consumer={
            "service": "4s",
            "instances": 2,
            "link": {"latency": f"{latency_ms}ms"},
            "subscription": {"lease_timeout": "15s", "on_disconnect": "release"},
        },
        faults=[{"crash": "server/0", "at": "3s", "lasts": "1s"}],
    )
    first, second = deliveries(execute(scenario)).itertuples()
    assert (first.instance, first.acquired_at) == (0, SECOND)
    assert first.outcome == Outcome.CRASHED
    assert first.finished_at == 3 * SECOND
    assert (second.instance, second.attempt) == (1, 2)
    assert second.available_at == second.acquired_at == 3 * SECOND + latency
    assert second.started_at == 3 * SECOND + 2 * latency
    assert second.effect == 1


@pytest.mark.parametrize("latency_ms", [0, 30])
def test_hold_hands_out_again_exactly_when_the_lease_ends(latency_ms):
    scenario = world(
        duration="20s",
        producer={"arrivals": at(1)},
        consumer={
            "service": "4s",
            "instances": 2,
            "link": {"latency": f"{latency_ms}ms"},
            "subscription": {"lease_timeout": "10s", "on_disconnect": "hold"},
        },
        faults=[{"crash": "server/0", "at": "3s", "lasts": "1s"}],
    )
    first, second = deliveries(execute(scenario)).itertuples()
    assert first.outcome == Outcome.CRASHED
    assert second.available_at == second.acquired_at == first.acquired_at + 10 * SECOND
    assert second.started_at == second.acquired_at + latency_ms * MILLISECOND
    assert second.effect == 1


def test_hold_in_a_busy_system():
    rows = deliveries(execute(busy("hold")))
    again = rows[rows["attempt"] == 2].set_index("copy_id")
    before = rows[rows["attempt"] == 1].set_index("copy_id").loc[again.index]
    assert len(again) >= 4
    assert ((again["available_at"] - before["acquired_at"]) == 20 * SECOND).all()
    assert set(before["outcome"]) == {Outcome.CRASHED}


def test_a_crash_takes_everything_in_memory():
    # At 2.5 s the only instance runs one message and has two in its buffer.
    scenario = world(
        duration="20s",
        drain=True,
        producer={"arrivals": at(0, 0, 0, 0)},
        consumer={
            "service": "2s",
            "subscription": {"delivery": "push", "max_outstanding": 3},
        },
        faults=[{"crash": "server/0", "at": "2.5s", "lasts": "1s"}],
    )
    rows = deliveries(execute(scenario))
    lost = rows[rows["outcome"] == Outcome.CRASHED]
    assert list(lost["message_id"]) == [1, 2, 3]
    assert seconds(lost["finished_at"]) == [2.5, 2.5, 2.5]
    assert list(lost["started_at"]) == [2 * SECOND, -1, -1]
    again = rows[rows["attempt"] == 2]
    assert seconds(again["available_at"]) == [2.5, 2.5, 2.5]
    assert seconds(again["acquired_at"]) == [3.5, 3.5, 3.5]  # up again, and connected
    assert seconds(again["finished_at"]) == [5.5, 7.5, 9.5]


def test_what_was_sent_before_the_crash_arrives():
    # Acknowledged at 2 s over a way of 100 ms; the crash in between takes nothing back.
    scenario = world(
        duration="20s",
        drain=True,
        producer={"arrivals": at(0.9)},
        consumer={"service": "1s", "instances": 2, "link": {"latency": "100ms"}},
        faults=[{"crash": "server/0", "at": "2.05s", "lasts": "1s"}],
    )
    (only,) = deliveries(execute(scenario)).itertuples()
    assert (only.finished_at, only.settled_at) == (2 * SECOND, 2.1 * SECOND)


def test_what_is_on_its_way_to_an_instance_that_crashes_is_handed_out_again():
    scenario = world(
        duration="20s",
        drain=True,
        producer={"arrivals": at(1)},
        consumer={"service": "1s", "instances": 2, "link": {"latency": "100ms"}},
        faults=[{"crash": "server/0", "at": "1.05s", "lasts": "1s"}],
    )
    first, second = deliveries(execute(scenario)).itertuples()
    assert first.outcome == Outcome.CRASHED
    assert (first.received_at, first.started_at) == (-1, -1)
    assert first.finished_at == 1.05 * SECOND
    assert second.acquired_at == 1.15 * SECOND


def test_what_is_sent_to_a_dead_instance_is_lost_on_arrival():
    # The broker learns of the crash 100 ms late and hands the message to nobody in between.
    scenario = world(
        duration="20s",
        drain=True,
        producer={"arrivals": at(1.02)},
        consumer={"service": "1s", "instances": 1, "link": {"latency": "100ms"}},
        faults=[{"crash": "server/0", "at": "1s", "lasts": "1s"}],
    )
    first, second = deliveries(execute(scenario)).itertuples()
    assert (first.acquired_at, first.outcome) == (1.02 * SECOND, Outcome.CRASHED)
    assert first.finished_at == 1.12 * SECOND
    assert second.available_at == 1.1 * SECOND
    assert second.acquired_at == 2.1 * SECOND  # its first request, sent when it came up


def test_faults_on_one_target_nest():
    # Down from 1 s to 6 s: the second crash begins and the first one ends in between.
    scenario = world(
        duration="20s",
        drain=True,
        sample_every="500ms",
        producer={"arrivals": at(2)},
        consumer={"service": "1s"},
        faults=[
            {"crash": "server/0", "at": "1s", "lasts": "3s"},
            {"crash": "server", "at": "3s", "lasts": "3s"},
        ],
    )
    trace = execute(scenario)
    (only,) = deliveries(trace).itertuples()
    assert (only.started_at, only.attempt) == (6 * SECOND, 1)
    up = dict(zip(seconds(trace.series["time"]), trace.series["up"], strict=True))
    assert [up[moment] for moment in (0.5, 1, 3.5, 4, 5.5, 6)] == [1, 0, 0, 0, 0, 1]
    assert seconds(trace.faults["started_at"]) == [1, 3]
    assert seconds(trace.faults["ended_at"]) == [4, 6]


def test_a_crash_of_a_consumer_is_one_of_all_its_instances():
    scenario = world(
        duration="10s",
        producer={"arrivals": at(1, 1, 1)},
        consumer={"service": "5s", "instances": 3},
        faults=[{"crash": "server", "at": "2s", "lasts": "1s"}],
    )
    trace = execute(scenario)
    rows = deliveries(trace)
    assert list(rows["outcome"]) == [Outcome.CRASHED] * 3 + [Outcome.OK] * 3
    assert list(rows["started_at"]) == [SECOND] * 3 + [3 * SECOND] * 3
    assert list(trace.faults["instance"]) == [-1]
    assert set(trace.faults["fault"]) == {0}


def test_a_producer_does_not_notice():
    quiet = execute(busy("pull").replace({"faults": []}))
    troubled = execute(busy("pull"))
    for column in ("created_at", "key", "size_bytes", "stored_at"):
        assert (quiet.messages[column] == troubled.messages[column]).all()
