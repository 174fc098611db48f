"""Simultaneous events: small worlds, worked out by hand from the rank table.

In each of them several things happen at one nanosecond, and the order decides what comes out.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from eda_sim.engine.execute import execute
from eda_sim.engine.lineage import mix
from eda_sim.engine.ranks import Rank
from eda_sim.engine.streams.addresses import Stream, entity_of
from eda_sim.engine.streams.samplers import fill_ns, lower
from eda_sim.engine.trace import CopyState, Outcome, Trace
from eda_sim.spec import Scenario
from eda_sim.spec.distributions import Empirical
from tests.engine.worlds import SECOND, at, copies, deliveries, messages, seconds, world

pytestmark = pytest.mark.rule("R4", "R5")


def lanes(trace: Trace, consumer: str = "server") -> list[tuple[int, int, float, float]]:
    """Return (message, worker, start, end) of each delivery in the order of hand-over."""
    return [
        (row.message_id, row.worker, row.started_at / SECOND, row.finished_at / SECOND)
        for row in deliveries(trace, consumer).itertuples()
    ]


def test_the_ranks_are_in_the_order_of_semantics():
    # Fault ends, fault starts, completions and settlements, timers, appends, dispatches, and new
    # messages last. 0 and 1 are SimPy's own.
    families = [
        [Rank.FAULT_END],
        [Rank.FAULT_START],
        [Rank.COMPLETION],
        [Rank.SETTLEMENT, Rank.COMMIT, Rank.DISCONNECT],
        [Rank.LEASE_EXPIRY, Rank.SESSION_TIMEOUT],
        [Rank.PUBLISH, Rank.APPEND, Rank.CONFIRM],
        [Rank.REQUEST, Rank.RECEIVE],
        [Rank.CREATE],
        [Rank.SAMPLE],
    ]
    for earlier, later in itertools.pairwise(families):
        assert max(earlier) < min(later)
    assert min(Rank) >= 2


def test_work_that_ends_as_work_comes_frees_its_worker():
    # D/D/1 with load 1: the worker is never idle and nobody ever waits.
    scenario = world(
        duration="6.5s",
        sample_every="500ms",
        producer={"arrivals": "constant(interval=1s)"},
        consumer={"service": "1s"},
    )
    trace = execute(scenario)
    rows = deliveries(trace)
    assert seconds(rows["started_at"]) == [1, 2, 3, 4, 5, 6]
    assert (rows["started_at"] == messages(trace)["created_at"]).all()
    # Sampled last of all: one in service, none waiting.
    busy = dict(zip(seconds(trace.series["time"]), trace.series["busy"], strict=True))
    assert [busy[moment] for moment in (0.5, 1, 1.5, 2, 6)] == [0, 1, 1, 1, 1]
    assert not trace.series["available"].any()


def test_a_load_above_one_waits_in_steps():
    # D/D/1: every second one message, 1.25 s of work each: message n waits n/4 s.
    scenario = world(
        messages=9,
        drain=True,
        producer={"arrivals": "constant(interval=1s)"},
        consumer={"service": "1.25s"},
    )
    rows = deliveries(execute(scenario))
    assert seconds(rows["started_at"] - rows["available_at"]) == [n / 4 for n in range(9)]


def test_simultaneous_producers_go_in_the_order_of_the_scenario():
    scenario = Scenario.model_validate(
        {
            "name": "pair",
            "messages": 6,
            "drain": True,
            "producers": {
                "second": {"to": "queue", "arrivals": "constant(interval=1s)"},
                "first": {"to": "queue", "arrivals": "constant(interval=1s)"},
            },
            "channels": {"queue": {}},
            "consumers": {"server": {"reads": "queue", "service": "400ms"}},
        }
    )
    trace = execute(scenario)
    # The order of the scenario, not that of the names.
    assert messages(trace)["source"].tolist() == [0, 1, 0, 1, 0, 1]
    assert messages(trace)["sequence"].tolist() == [0, 0, 1, 1, 2, 2]
    assert lanes(trace) == [
        (0, 0, 1.0, 1.4),
        (1, 0, 1.4, 1.8),
        (2, 0, 2.0, 2.4),
        (3, 0, 2.4, 2.8),
        (4, 0, 3.0, 3.4),
        (5, 0, 3.4, 3.8),
    ]


def test_messages_that_reach_the_broker_together_go_by_source_and_not_by_age():
    # Created at 1 s and 2 s, both arrive at 3 s: the source of the younger one stands first.
    scenario = Scenario.model_validate(
        {
            "name": "meeting",
            "messages": 2,
            "drain": True,
            "producers": {
                "near": {"to": "queue", "arrivals": at(2), "link": {"latency": "1s"}},
                "far": {"to": "queue", "arrivals": at(1), "link": {"latency": "2s"}},
            },
            "channels": {"queue": {}},
            "consumers": {"server": {"reads": "queue", "service": "1s"}},
        }
    )
    trace = execute(scenario)
    assert messages(trace)["source"].tolist() == [1, 0]
    assert messages(trace)["stored_at"].tolist() == [3 * SECOND] * 2
    assert copies(trace)["message_id"].tolist() == [1, 0]
    assert lanes(trace) == [(1, 0, 3.0, 4.0), (0, 0, 4.0, 5.0)]


@pytest.mark.rule("R6")
def test_idle_workers_are_served_longest_idle_first():
    # Worker 1 finishes at 2 s, worker 0 at 3 s, worker 2 has been idle from the start.
    scenario = world(
        messages=5,
        drain=True,
        producer={"arrivals": at(1, 1, 4, 4, 4)},
        consumer={"service": "empirical(values=[1s])", "concurrency": 3},
    )
    assert [(row[0], row[1]) for row in lanes(execute(scenario))] == [
        (0, 0),
        (1, 1),
        (2, 2),
        (3, 0),
        (4, 1),
    ]


def test_completions_of_one_moment_go_by_message():
    # Two workers finish together, and two messages wait: the one with the older message goes first.
    scenario = world(
        messages=4,
        drain=True,
        producer={"arrivals": at(0, 0, 0.5, 0.6)},
        consumer={"service": "1s", "instances": 2},
    )
    rows = deliveries(execute(scenario))
    assert rows["instance"].tolist() == [0, 1, 0, 1]
    assert seconds(rows["started_at"]) == [0, 0, 1, 1]


def test_a_crash_comes_before_the_completion_of_that_moment():
    scenario = world(
        duration="10s",
        drain=True,
        producer={"arrivals": at(1)},
        consumer={"service": "1s"},
        faults=[{"crash": "server/0", "at": "2s", "lasts": "1s"}],
    )
    first, second = deliveries(execute(scenario)).itertuples()
    assert (first.outcome, first.effect, first.finished_at) == (Outcome.CRASHED, 0, 2 * SECOND)
    assert (second.started_at, second.effect) == (3 * SECOND, 1)


def test_a_fault_that_ends_lets_the_message_of_that_moment_in():
    scenario = world(
        duration="10s",
        producer={"arrivals": at(2)},
        consumer={"service": "1s"},
        faults=[{"crash": "server/0", "at": "1s", "lasts": "1s"}],
    )
    (only,) = deliveries(execute(scenario)).itertuples()
    assert only.acquired_at == only.started_at == 2 * SECOND


def test_of_two_faults_one_ends_before_the_other_begins():
    # Up and down again at 2 s: the message that waits is taken up and lost in that instant.
    scenario = world(
        duration="10s",
        drain=True,
        producer={"arrivals": at(1.5)},
        consumer={"service": "1s"},
        faults=[
            {"crash": "server/0", "at": "2s", "lasts": "1s"},
            {"crash": "server/0", "at": "1s", "lasts": "1s"},
        ],
    )
    trace = execute(scenario)
    first, second = deliveries(trace).itertuples()
    assert (first.started_at, first.finished_at) == (2 * SECOND, 2 * SECOND)
    assert first.outcome == Outcome.CRASHED
    assert (second.started_at, second.effect) == (3 * SECOND, 1)
    assert trace.faults["fault"].tolist() == [1, 0]


def test_an_acknowledgement_that_comes_as_the_lease_ends_is_in_time():
    for link in ("0s", "250ms"):
        scenario = world(
            duration="20s",
            drain=True,
            producer={"arrivals": at(1)},
            consumer={
                "service": "1s",
                "instances": 2,
                "link": {"latency": link},
                "subscription": {
                    "lease_timeout": "1s" if link == "0s" else "1.5s",
                    "late_acknowledgement": "refused",
                },
            },
        )
        trace = execute(scenario)
        (only,) = deliveries(trace).itertuples()
        assert only.settled_at - only.acquired_at == (SECOND if link == "0s" else 1.5 * SECOND)
        assert copies(trace)["state"].tolist() == [CopyState.ACKNOWLEDGED]


def test_without_any_delay_a_chain_of_services_is_done_in_one_instant():
    scenario = Scenario.model_validate(
        {
            "name": "instant",
            "messages": 3,
            "drain": True,
            "producers": {"source": {"to": "a", "arrivals": at(1, 1, 2)}},
            "channels": {"a": {}, "b": {}, "c": {}},
            "consumers": {
                "one": {"reads": "a", "service": "0s", "emits": "b"},
                "two": {"reads": "b", "service": "0s", "emits": "c"},
                "three": {"reads": "c", "service": "0s"},
            },
        }
    )
    trace = execute(scenario)
    assert trace.ended_at_ns == 2 * SECOND
    table = messages(trace)
    assert len(table) == 9
    rows = deliveries(trace, "three")
    root = table["correlation_id"].to_numpy()[rows["message_id"]]
    created = table["created_at"].to_numpy()[root]
    assert (rows["finished_at"] == created).all()
    assert sorted(root) == sorted(set(table["correlation_id"]))


@pytest.mark.parametrize("delivery", ["pull", "push"])
def test_a_burst_is_dealt_out_in_the_order_of_instances(delivery):
    scenario = world(
        messages=6,
        drain=True,
        producer={"arrivals": at(*[1] * 6)},
        consumer={
            "service": "1s",
            "instances": 3,
            "subscription": {"delivery": delivery},
        },
    )
    rows = deliveries(execute(scenario))
    assert rows["instance"].tolist() == [0, 1, 2, 0, 1, 2]
    assert seconds(rows["started_at"]) == [1, 1, 1, 2, 2, 2]


# Law & Kelton ------------------------------------------------------------------------------------

INTERVALS = [0.4, 1.2, 0.5, 1.7, 0.2, 1.6, 0.2, 1.4, 1.9]
SERVICE = [2.0, 0.7, 0.2, 1.1, 3.7, 0.6]


def seed_that_draws(values: list[float]) -> int:
    """Return a seed with which the first messages need these service times, in this order."""
    table = lower([Empirical(values=tuple(values))])
    wanted = np.array([round(value * SECOND) for value in values])
    entity = mix(entity_of("consumers.server"), entity_of("producers.source"))
    drawn = np.empty(len(values), dtype=np.int64)
    for seed in range(2_000_000):
        fill_ns(drawn, table, 0, seed, 0, int(Stream.SERVICE), entity, 0, 1)
        if (drawn == wanted).all():
            return seed
    raise AssertionError("no such seed")


def test_law_and_keltons_hand_simulation():
    # trace.lawkelton.d of the oracles; A. M. Law, W. D. Kelton, "Simulation Modeling and Analysis",
    # section 1.4: the simulation ends as the sixth customer begins service, at 8.6. Mean delay of
    # the six 0.95 (and 9.9 / 8.6 in queue on average, server busy 7.7 of 8.6).
    scenario = world(
        seed=seed_that_draws(SERVICE),
        duration="20s",
        producer={"arrivals": at(*np.cumsum(INTERVALS).round(9).tolist())},
        consumer={"service": f"empirical(values={SERVICE})"},
    )
    trace = execute(scenario)
    rows = deliveries(trace).sort_values("message_id").head(6)
    created = messages(trace)["created_at"].to_numpy()
    assert seconds(rows["finished_at"] - rows["started_at"]) == SERVICE
    assert seconds(rows["started_at"])[-1] == 8.6
    assert np.mean(seconds(rows["started_at"] - created[:6])) == pytest.approx(0.95, abs=1e-12)
    end = round(8.6 * SECOND)
    busy = (rows["finished_at"].clip(upper=end) - rows["started_at"]).clip(lower=0).sum()
    assert busy / SECOND == pytest.approx(7.7)
    started = deliveries(trace).set_index("message_id")["started_at"].reindex(range(9))
    queued = (started.clip(upper=end) - created).clip(lower=0).sum()
    assert queued / SECOND == pytest.approx(9.9)
