"""Leases on partitions: who owns what, what a crash moves, and where reading goes on.

The rules of the default group: a live owner gives a partition up at its next poll, after it
committed; a dead one is noticed when its session times out; static members keep their place.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
import pandas as pd
import pytest

from eda_sim.engine.execute import execute
from eda_sim.engine.trace import CopyState, Outcome, Trace
from eda_sim.spec import Scenario
from tests.engine.worlds import MILLISECOND, SECOND, at, copies, count, deliveries, messages, world

TIMEOUT_S, HEARTBEAT_S = 10, 3


def group(*, crashes: list[tuple[str, float, float]] | None = None, **parts: Any) -> Scenario:
    """Return a group with a session timeout of 10 s and a heartbeat every 3 s."""
    consumer = {
        "service": "20ms",
        "subscription": {
            "lease_scope": "partition",
            "lease_timeout": f"{TIMEOUT_S}s",
            "heartbeat_interval": f"{HEARTBEAT_S}s",
            **parts.pop("subscription", {}),
        },
        **parts.pop("consumer", {}),
    }
    faults = [{"crash": who, "at": when, "lasts": lasts} for who, when, lasts in crashes or ()]
    return world(consumer=consumer, faults=faults, **parts)


def owners(trace: Trace, since: int = 0) -> dict[str, dict[int, set[tuple[int, int]]]]:
    """Return who handled the partitions of each channel: (instance, worker)."""
    rows = deliveries(trace)
    rows = rows[rows["started_at"] >= since]
    where = messages(trace)["partition"].to_numpy()[rows["message_id"]]
    found: dict[str, dict[int, set[tuple[int, int]]]] = defaultdict(lambda: defaultdict(set))
    for partition, row in zip(where, rows.itertuples(), strict=True):
        channel = trace.names.channels[row.channel]
        found[channel][partition].add((row.instance, row.worker))
    return found


# Assignment ---------------------------------------------------------------------------------------


@pytest.mark.rule("G1", "G10")
@pytest.mark.parametrize(
    ("partitions", "instances", "concurrency", "expected"),
    [
        # Shares of Kafka's RangeAssignor: consecutive, and the first members have one more.
        (3, 2, 1, [2, 1]),
        (7, 3, 1, [3, 2, 2]),
        (10, 4, 1, [3, 3, 2, 2]),
        (12, 5, 1, [3, 3, 2, 2, 2]),
        (12, 6, 1, [2, 2, 2, 2, 2, 2]),
        (4, 1, 1, [4]),
        (2, 3, 1, [1, 1, 0]),  # more members than partitions: one has nothing to do
        (5, 2, 2, [2, 1, 1, 1]),  # every worker of every instance is a member
    ],
)
def test_partitions_are_shared_like_kafkas_range_assignor(
    partitions, instances, concurrency, expected
):
    scenario = group(
        messages=partitions,
        drain=True,
        producer={"rate": 10},  # without keys, every partition gets one message in turn
        channel={"partitions": partitions},
        consumer={"instances": instances, "concurrency": concurrency},
    )
    members = [(i, w) for i in range(instances) for w in range(concurrency)]
    in_order = [
        member for member, share in zip(members, expected, strict=True) for _ in range(share)
    ]
    found = owners(execute(scenario))["queue"]
    assert [found[partition] for partition in range(partitions)] == [{one} for one in in_order]


@pytest.mark.rule("G10")
def test_each_topic_is_shared_by_itself():
    # The example of Kafka's RangeAssignor: two consumers, two topics of three partitions each.
    # C0: [t0p0, t0p1, t1p0, t1p1], C1: [t0p2, t1p2]
    scenario = Scenario.model_validate(
        {
            "name": "topics",
            "messages": 6,
            "drain": True,
            "producers": {
                "first": {"to": "t0", "rate": 10, "messages": 3},
                "second": {"to": "t1", "rate": 10, "messages": 3},
            },
            "channels": {"t0": {"partitions": 3}, "t1": {"partitions": 3}},
            "consumers": {
                "server": {
                    "reads": ["t0", "t1"],
                    "instances": 2,
                    "service": "1ms",
                    "subscription": {"lease_scope": "partition"},
                }
            },
        }
    )
    found = owners(execute(scenario))
    for topic in ("t0", "t1"):
        assert found[topic] == {0: {(0, 0)}, 1: {(0, 0)}, 2: {(1, 0)}}


# Detection ----------------------------------------------------------------------------------------


def time_of_move(trace: Trace, crash_ns: int) -> int:
    """Return how long after a crash the first message of a moved partition was handed over."""
    rows = deliveries(trace)
    where = messages(trace)["partition"].to_numpy()[rows["message_id"]]
    moved = rows[(where == 0) & (rows["instance"] == 1)]
    return int(moved["acquired_at"].min()) - crash_ns


@pytest.mark.rule("G7")
def test_a_crash_is_noticed_a_session_timeout_after_the_last_heartbeat():
    scenario = group(
        duration="40s",
        producer={"rate": "50/s"},
        channel={"partitions": 2},
        consumer={"instances": 2, "service": "1ms"},
        crashes=[("server/0", 12, 20)],
    )
    noticed = [
        time_of_move(execute(scenario, replication=number), 12 * SECOND) / SECOND
        for number in range(40)
    ]
    # There is always something to read, so partition 0 moves when the crash is noticed. The last
    # heartbeat was sent at some moment of the interval before the crash.
    assert all(TIMEOUT_S - HEARTBEAT_S < after <= TIMEOUT_S for after in noticed)
    assert min(noticed) < TIMEOUT_S - 0.8 * HEARTBEAT_S
    assert max(noticed) > TIMEOUT_S - 0.2 * HEARTBEAT_S
    assert np.mean(noticed) == pytest.approx(TIMEOUT_S - HEARTBEAT_S / 2, abs=0.4)


@pytest.mark.rule("G7")
def test_until_then_nobody_reads_its_partitions():
    trace = execute(
        group(
            duration="40s",
            producer={"rate": "50/s"},
            channel={"partitions": 2},
            consumer={"instances": 2, "service": "1ms"},
            crashes=[("server/0", 12, 20)],
        )
    )
    moved = time_of_move(trace, 12 * SECOND) + 12 * SECOND
    rows = deliveries(trace)
    rows["partition"] = messages(trace)["partition"].to_numpy()[rows["message_id"]]
    between = rows[(rows["acquired_at"] > 12 * SECOND) & (rows["acquired_at"] < moved)]
    assert set(between["partition"]) == {1}
    # What waited meanwhile is handed over at once, and nothing is lost.
    burst = rows[(rows["acquired_at"] == moved) & (rows["partition"] == 0)]
    assert len(burst) == pytest.approx((moved - 12 * SECOND) / SECOND * 25, rel=0.25)
    assert count(trace).lost == 0


# Coming back --------------------------------------------------------------------------------------


@pytest.mark.rule("G8")
def test_an_instance_back_before_its_session_times_out_takes_its_old_place():
    scenario = group(
        duration="40s",
        producer={"rate": "50/s"},
        channel={"partitions": 3},
        consumer={"instances": 3, "service": "1ms", "link": {"latency": "4ms"}},
        crashes=[("server/1", 12, 2)],
    )
    trace = execute(scenario)
    assert owners(trace)["queue"] == {0: {(0, 0)}, 1: {(1, 0)}, 2: {(2, 0)}}
    # It reads on as soon as it has joined and fetched over the link.
    rows = deliveries(trace)
    back = rows[(rows["instance"] == 1) & (rows["acquired_at"] > 13 * SECOND)]
    joining = back["acquired_at"].min() - 14 * SECOND
    assert 4 * MILLISECOND <= joining <= 12 * MILLISECOND
    # The others did not notice.
    quiet = deliveries(execute(scenario.replace({"faults": []})))
    for instance in (0, 2):
        mine, undisturbed = (
            table[table["instance"] == instance].drop(columns="copy_id").reset_index(drop=True)
            for table in (rows, quiet)
        )
        pd.testing.assert_frame_equal(mine, undisturbed)


@pytest.mark.rule("G4", "G6")
def test_reading_goes_on_at_the_committed_offset():
    # Ten messages at once, fetched up to three at a time. Arrivals of one moment come one by one,
    # so the first two batches hold one message each; the third is 2, 3, 4, the fourth 5, 6, 7. The
    # crash comes in the middle of that one, when 5 has taken effect and is not committed.
    scenario = group(
        duration="60s",
        drain=True,
        producer={"arrivals": at(*[1] * 10)},
        consumer={"service": "1s"},
        subscription={"fetch_max_messages": 3},
        crashes=[("server/0", 7.5, 2)],
    )
    trace = execute(scenario)
    rows = deliveries(trace)
    done = rows[(rows["effect"] == 1) & (rows["finished_at"] < 7.5 * SECOND)]
    assert done["message_id"].tolist() == [0, 1, 2, 3, 4, 5]
    committed = copies(trace)["settled_at"].to_numpy() < 7.5 * SECOND
    assert committed.tolist() == [True] * 5 + [False] * 5
    again = rows[rows["acquired_at"] >= 9.5 * SECOND]
    assert again["message_id"].tolist() == [5, 6, 7, 8, 9]
    # A second fetch was under way at the crash: 8 and 9 had been handed over as well.
    assert again["attempt"].tolist() == [2, 2, 2, 2, 2]
    effects = rows.groupby("message_id")["effect"].sum()
    assert effects.tolist() == [1, 1, 1, 1, 1, 2, 1, 1, 1, 1]


@pytest.mark.rule("G4", "G6")
def test_a_join_causes_no_duplicates():
    # Instance 1 crashes while there is nothing to do, so only its join could repeat anything. By
    # then the other one is behind, with a batch in work and another one in its buffer.
    scenario = group(
        duration="60s",
        drain=True,
        producer={"rate": "140/s", "start": "15s", "key": "uniform(n=40)"},
        channel={"partitions": 6},
        consumer={"instances": 2, "service": "exponential(10ms)", "link": {"latency": "5ms"}},
        subscription={"fetch_max_messages": 400},
        crashes=[("server/1", 1, 29)],
    )
    trace = execute(scenario)
    everywhere = owners(trace)["queue"]
    assert all(everywhere[partition] == {(0, 0)} for partition in range(3))
    assert all(everywhere[partition] == {(0, 0), (1, 0)} for partition in range(3, 6))
    counted = count(trace)
    assert counted.once == counted.messages > 4000
    # It had read ahead of what it gave up: that was handed out again, to the new owner, unhandled.
    rows = deliveries(trace)
    dropped = rows[rows["outcome"] == Outcome.EXPIRED]
    assert len(dropped) > 0
    assert (dropped["started_at"] == -1).all()
    again = rows[rows["attempt"] == 2]
    assert set(again["copy_id"]) == set(dropped["copy_id"])
    assert set(again["instance"]) == {1}
    # And the order within a partition is kept across the move.
    done = rows[rows["effect"] == 1].merge(copies(trace)[["copy_id", "partition", "offset"]])
    for _, partition in done.sort_values("started_at").groupby("partition"):
        assert partition["offset"].is_monotonic_increasing


@pytest.mark.rule("G3")
def test_a_partition_moves_between_two_polls_of_its_owner():
    # The batch of the owner takes two seconds. It does not give up in the middle of it.
    scenario = group(
        duration="60s",
        drain=True,
        producer={"arrivals": at(*[20] * 21)},
        channel={"partitions": 2},
        consumer={"instances": 2, "service": "100ms"},
        crashes=[("server/1", 1, 20)],
    )
    trace = execute(scenario)
    rows = deliveries(trace)
    # The first arrival makes a batch of one (20 s to 20.1 s), the rest one of twenty (to 22.1 s).
    taken_over = rows[rows["instance"] == 1]
    assert set(rows[rows["instance"] == 0]["finished_at"]) == {
        20 * SECOND + number * 100 * MILLISECOND for number in range(1, 22)
    }
    assert len(taken_over) == 0
    later = execute(scenario.replace({"producers.source.arrivals": at(*[20] * 21, 22.05)}))
    rows = deliveries(later)
    (moved,) = rows[rows["instance"] == 1].itertuples()
    assert moved.acquired_at == 22.1 * SECOND
    assert count(later).duplicated == 0


# Everything down ----------------------------------------------------------------------------------


def test_a_group_of_which_nobody_is_left_starts_again():
    scenario = group(
        duration="60s",
        drain=True,
        producer={"rate": "20/s"},
        channel={"partitions": 4},
        consumer={"instances": 2, "dedup": {"window": "10min"}},
        crashes=[("server", 10, 25)],
    )
    trace = execute(scenario)
    rows = deliveries(trace)
    assert not rows["started_at"].between(10 * SECOND, 35 * SECOND - 1).any()
    counted = count(trace)
    assert counted.once == counted.messages
    assert set(copies(trace)["state"]) == {CopyState.ACKNOWLEDGED}
    # The first to come back gets everything, and the other one its half at the next poll.
    assert rows.loc[rows["started_at"] >= 35 * SECOND, "instance"].iloc[0] == 0
    assert owners(trace, since=50 * SECOND)["queue"] == {
        0: {(0, 0)},
        1: {(0, 0)},
        2: {(1, 0)},
        3: {(1, 0)},
    }


@pytest.mark.rule("G2")
def test_a_backlog_in_one_partition_starves_no_other():
    # One member with two partitions: a thousand messages wait in one, and ten come to the other.
    scenario = Scenario.model_validate(
        {
            "name": "hot",
            "messages": 1010,
            "drain": True,
            "producers": {
                "flood": {"to": "wide", "arrivals": at(*[1] * 1000)},
                "trickle": {"to": "narrow", "arrivals": at(*[2] * 10)},
            },
            "channels": {"wide": {}, "narrow": {}},
            "consumers": {
                "server": {
                    "reads": ["wide", "narrow"],
                    "service": "10ms",
                    "subscription": {"lease_scope": "partition", "fetch_max_messages": 50},
                }
            },
        }
    )
    rows = deliveries(execute(scenario))
    narrow = rows[rows["channel"] == 1]
    # Before them: a batch in work, one in the buffer, and one that the other partition has begun.
    assert narrow["finished_at"].max() <= 2 * SECOND + (3 * 50 + 10) * 10 * MILLISECOND
