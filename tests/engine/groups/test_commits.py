"""Fetching, committing, and what a crash repeats or loses."""

from __future__ import annotations

import numpy as np
import pytest

from eda_sim.engine.execute import execute
from tests.engine.worlds import SECOND, at, deliveries, messages, world

LEASE = {"lease_scope": "partition", "lease_timeout": "10s", "heartbeat_interval": "3s"}


def effects(trace):
    rows = deliveries(trace)
    return np.bincount(rows["message_id"][rows["effect"] == 1], minlength=len(messages(trace)))


@pytest.mark.rule("G5")
def test_auto_commit_repeats_half_an_interval_on_average():
    # brokers.md 10.6: mean r * 2.5 s with auto.commit.interval.ms = 5 s. The crash comes at a
    # different place in the interval each time.
    rate, repeated = 40, []
    for seed in range(60):
        trace = execute(
            world(
                seed=seed,
                duration=60,
                drain=True,
                producer={"rate": f"{rate}/s"},
                consumer={
                    "service": "constant(1ms)",
                    "settle": "auto",
                    "subscription": {**LEASE, "lease_scope": "partition"},
                },
                faults=[{"crash": "server/0", "at": 20 + seed / 12, "lasts": 1}],
            )
        )
        counts = effects(trace)
        assert counts.min() >= 1  # nothing is lost
        repeated.append((counts > 1).sum())
    assert np.mean(repeated) == pytest.approx(rate * 2.5, rel=0.1)
    assert max(repeated) <= rate * 5 * 1.3


@pytest.mark.rule("G5")
def test_auto_commit_of_what_was_delivered_loses_what_was_not_handled_yet():
    # A hundred messages are delivered at 19 s and take 10 s; the commit comes at 20 s, the crash at
    # 22 s. What was handled by then, or would be next, is gone for the group.
    scenario = world(
        duration=60,
        drain=True,
        producer={"arrivals": at(*[19.0] * 100)},
        consumer={
            "service": "constant(100ms)",
            "settle": "auto",
            "subscription": {**LEASE, "auto_commit_of": "delivered"},
        },
        faults=[{"crash": "server/0", "at": 22, "lasts": 5}],
    )
    lost = (effects(execute(scenario)) == 0).sum()
    java = scenario.replace({"consumers.server.subscription.auto_commit_of": "previous_polls"})
    assert lost == 71  # 29 were done, the rest had been committed
    assert (effects(execute(java)) == 0).sum() == 0


@pytest.mark.rule("G4", "G6")
def test_commit_after_repeats_the_polled_batch_and_commit_before_loses_it():
    # Ten messages lie ready; the first is polled alone, the second was fetched
    # meanwhile, the other eight come as one batch. The crash comes in the seventh of those.
    def run(settle):
        return execute(
            world(
                duration=60,
                drain=True,
                producer={"arrivals": at(*[1.0] * 10)},
                consumer={"service": "constant(1s)", "settle": settle, "subscription": LEASE},
                faults=[{"crash": "server/0", "at": 9.5, "lasts": 1}],
            )
        )

    after, before = effects(run("after")), effects(run("before"))
    assert after.tolist() == [1, 1, 2, 2, 2, 2, 2, 2, 1, 1]
    assert before.tolist() == [1, 1, 1, 1, 1, 1, 1, 1, 0, 0]


@pytest.mark.rule("G2")
def test_a_fetch_waits_for_enough_bytes_or_long_enough():
    scenario = world(
        duration=20,
        producer={"arrivals": at(1.0, 1.1, 1.2, 5.0), "size": "constant(100B)"},
        consumer={
            "service": "constant(1ms)",
            "subscription": {**LEASE, "fetch_min_bytes": 300, "fetch_max_wait": "10s"},
        },
    )
    acquired = deliveries(execute(scenario))["acquired_at"] / SECOND
    # Three messages make 300 bytes; the fourth is alone until the fetch has waited 10 s.
    assert acquired.tolist() == pytest.approx([1.2, 1.2, 1.2, 11.2])


@pytest.mark.rule("G2", "G3")
def test_a_poll_returns_at_most_what_it_may_and_partitions_take_turns():
    scenario = world(
        duration=20,
        producer={"arrivals": at(*[1.0] * 12)},
        channel={"partitions": 2},
        consumer={
            "service": "constant(1s)",
            "link": {"latency": "1ms"},
            "subscription": {**LEASE, "fetch_max_messages": 2},
        },
    )
    trace = execute(scenario)
    rows = deliveries(trace)
    sizes = rows.groupby("acquired_at").size()
    assert sizes.max() <= 2
    where = messages(trace)["partition"].to_numpy()[rows["message_id"]]
    assert set(where[:5]) == {0, 1}


@pytest.mark.rule("G3")
def test_the_next_fetch_travels_while_the_member_works():
    # 50 ms each way, 100 ms of work: without fetching ahead, half of the capacity would be gone.
    scenario = world(
        duration=60,
        producer={"arrivals": "constant(interval=100ms)"},
        consumer={"service": "constant(99ms)", "link": {"latency": "50ms"}, "subscription": LEASE},
    )
    trace = execute(scenario)
    rows = deliveries(trace)
    busy = rows["finished_at"].max() - rows["started_at"].min()
    assert (rows["effect"].sum() * 99_000_000) / busy > 0.98
