"""Emissions by chance: probabilities, choices, and loops."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import eda_sim as es
from eda_sim.engine.execute import execute
from eda_sim.engine.plan import make_plan
from eda_sim.engine.trace import Trace
from tests.engine.worlds import SECOND, at, deliveries, messages

ORDERS = 2_000


def shop(emits, *, count=ORDERS, **consumers):
    """Return a producer of orders, a consumer that emits, and readers of what is emitted."""
    return es.Scenario.model_validate(
        {
            "name": "shop",
            "seed": 7,
            "messages": count,
            "drain": True,
            "drain_timeout": "1h",
            "producers": {"web": {"to": "orders", "arrivals": "constant(interval=1s)"}},
            "channels": {name: {} for name in ("orders", "a", "b", "c")},
            "consumers": {
                "billing": {"reads": "orders", "service": "1ms", "emits": emits},
                "reader": {"reads": ["a", "b", "c"], "service": "exponential(10ms)"},
                **consumers,
            },
        }
    )


def causes(trace: Trace, channel: str) -> set[int]:
    """Return the orders that led to a message in a channel, by their sequence."""
    rows = messages(trace)
    found = rows[rows["channel"] == trace.names.channels.index(channel)]
    return set(rows.loc[found["causation_id"], "sequence"])


def is_share(count: int, of: int, expected: float) -> bool:
    """Return whether a share of independent draws is as expected, by an exact test."""
    return bool(stats.binomtest(count, of, expected).pvalue > 0.001)


@pytest.mark.rule("H26")
@pytest.mark.parametrize("probability", [0, 0.02, 0.3, 0.98, 1])
def test_a_share_is_published(probability):
    trace = execute(shop([{"to": "a", "probability": probability}]))
    emitted = causes(trace, "a")
    assert is_share(len(emitted), ORDERS, probability)
    # Nothing in a row or in turns: neighbours are published independently.
    both = len(emitted & {order + 1 for order in emitted})
    assert is_share(both, ORDERS - 1, probability**2)


@pytest.mark.rule("H26")
def test_entries_are_drawn_each_on_its_own():
    trace = execute(shop([{"to": to, "probability": 0.5} for to in "abc"]))
    a, b, c = (causes(trace, to) for to in "abc")
    assert all(is_share(len(each), ORDERS, 0.5) for each in (a, b, c))
    assert all(is_share(len(each), ORDERS, 0.25) for each in (a & b, b & c, a & c))
    assert is_share(len(a & b & c), ORDERS, 0.125)


@pytest.mark.rule("H26")
def test_what_is_published_seldom_is_published_often_too():
    few, many = (
        causes(execute(shop([{"to": "a", "probability": share}])), "a") for share in (0.3, 0.4)
    )
    assert few < many


@pytest.mark.rule("H26")
def test_a_probability_moves_no_other_draw():
    def services(probability):
        emits = ["a", {"to": "b", "probability": probability, "size": "uniform(100B, 1KB)"}]
        trace = execute(shop(emits, count=300))
        rows = deliveries(trace, "reader")
        table = messages(trace).loc[rows["message_id"]]
        work = (rows["finished_at"] - rows["started_at"]).to_numpy()
        place = pd.MultiIndex.from_arrays(
            [table["channel"], messages(trace).loc[table["causation_id"], "sequence"]]
        )
        return pd.DataFrame({"work": work, "size": table["size_bytes"].to_numpy()}, index=place)

    seldom, often = services(0.2), services(1)
    assert 300 < len(seldom) < len(often) == 600
    pd.testing.assert_frame_equal(often.loc[seldom.index], seldom)


@pytest.mark.rule("H26")
def test_one_way_of_a_choice_is_taken_or_none():
    shares = {"a": 0.5, "b": 0.3, "c": 0.1}
    emits = [{"to": to, "probability": p, "choice": "way"} for to, p in shares.items()]
    trace = execute(shop(emits))
    found = {to: causes(trace, to) for to in shares}
    assert not found["a"] & found["b"] | found["b"] & found["c"] | found["a"] & found["c"]
    assert all(is_share(len(found[to]), ORDERS, share) for to, share in shares.items())
    assert is_share(sum(map(len, found.values())), ORDERS, 0.9)


@pytest.mark.rule("H26")
def test_a_choice_that_adds_up_to_one_is_always_made():
    emits = [{"to": to, "probability": 0.1, "choice": "way"} for to in "abcabcabca"]
    plan = make_plan(shop(emits)).emits
    assert plan.chance_to[-1] == 1.0
    np.testing.assert_array_equal(plan.chance_from[1:], plan.chance_to[:-1])
    assert set(plan.drawn_with) == {0}
    assert len(messages(execute(shop(emits, count=500)))) == 1000


@pytest.mark.rule("H26")
def test_two_choices_are_independent():
    emits = [
        {"to": to, "probability": 0.5, "choice": choice} for choice in ("one", "two") for to in "ab"
    ]
    trace = execute(shop(emits))
    rows = messages(trace)
    emitted = rows[rows["causation_id"] >= 0]
    ways = emitted.groupby("causation_id")["channel"].agg(tuple)
    assert {len(way) for way in ways} == {2}
    agree = sum(first == second for first, second in ways)
    assert is_share(agree, ORDERS, 0.5)


@pytest.mark.rule("H26")
def test_a_fan_in_is_decided_once():
    splitter = {"reads": "orders", "service": "1ms", "emits": ["a", "a", "a"]}
    joiner = {
        "reads": "a",
        "service": "exponential(10ms)",
        "concurrency": 3,
        "emits": [{"to": "b", "join": 3, "probability": 0.5}],
    }
    scenario = shop([], billing=splitter, reader={"reads": "b", "service": "1ms"}, joiner=joiner)
    rows = messages(execute(scenario))
    whole = rows[rows["channel"] == 2]
    assert whole["correlation_id"].is_unique
    assert is_share(len(whole), ORDERS, 0.5)


@pytest.mark.rule("H26")
def test_failures_are_published_by_chance_too():
    failing = {
        "reads": "orders",
        "service": "1ms",
        "error_probability": 0.5,
        "emits": [{"to": "a", "on": "failure", "probability": 0.5}],
    }
    trace = execute(shop([], billing=failing))
    assert is_share(len(causes(trace, "a")), ORDERS, 0.25)


# Loops --------------------------------------------------------------------------------------------

REWORK = [{"to": "orders", "probability": 0.6}]


def visits(trace: Trace, consumer: str = "billing") -> pd.DataFrame:
    """Return the handlings of each order, first to last, and how long each took."""
    rows = deliveries(trace, consumer)
    table = messages(trace).loc[rows["message_id"]]
    found = pd.DataFrame(
        {
            "order": table["correlation_id"].to_numpy(),
            "message": rows["message_id"].to_numpy(),
            "cause": table["causation_id"].to_numpy(),
            "work": ((rows["finished_at"] - rows["started_at"]) / SECOND).to_numpy(),
        }
    )
    found["visit"] = found.groupby("order").cumcount()
    return found


def rework(**consumer):
    server = {"reads": "orders", "service": "exponential(100ms)", "emits": REWORK, **consumer}
    return shop([], billing=server)


@pytest.mark.rule("H27")
def test_each_time_round_is_a_message_of_its_own():
    found = visits(execute(rework()))
    assert found["message"].is_unique
    for _, order in found[found["order"].isin(range(200))].groupby("order"):
        assert order["cause"].tolist() == [-1, *order["message"].tolist()[:-1]]
        assert order["order"].iloc[0] == order["message"].iloc[0]


@pytest.mark.rule("H27")
def test_visits_are_geometric():
    counts = visits(execute(rework())).groupby("order").size()
    assert len(counts) == ORDERS
    for least in (1, 2, 5):
        assert is_share(int((counts > least).sum()), int((counts >= least).sum()), 0.6)


@pytest.mark.rule("H27")
def test_two_visits_share_no_draw():
    found = visits(execute(rework()))
    assert found["work"].is_unique
    table = found.pivot_table(index="order", columns="visit", values="work")
    pairs = table[[0, 1]].dropna()
    assert len(pairs) > 1_000
    # What a visit needs says nothing about the next, nor about whether there is one.
    assert stats.spearmanr(pairs[0], pairs[1]).pvalue > 0.001
    assert stats.ks_2samp(table[0], pairs[1]).pvalue > 0.001
    assert stats.ks_2samp(pairs[0], table[0][table[1].isna()]).pvalue > 0.001


@pytest.mark.rule("H27")
def test_a_variant_keeps_the_visits_and_their_work():
    one, other = (
        visits(execute(rework(**more))).set_index(["order", "visit"])["work"]
        for more in ({}, {"instances": 3, "subscription": {"delivery": "push"}})
    )
    # The ids of messages differ, the orders and their visits do not.
    assert len(one) == len(other) > ORDERS
    assert sorted(one.groupby("order").agg(tuple)) == sorted(other.groupby("order").agg(tuple))


@pytest.mark.rule("H27")
@pytest.mark.parametrize(
    "consumer",
    [
        {"service": "0s"},
        {"service": "0s", "subscription": {"lease_scope": "partition"}},
        {"service": "0s", "subscription": {"delivery": "push"}, "dedup": {"window": "1h"}},
        {"service": "0s", "batch_max_messages": 5, "publishing": {"linger": "5ms"}},
        {"link": {"latency": "exponential(20ms)"}, "instances": 2},
    ],
)
def test_loops_end_in_every_kind_of_subscription(consumer):
    scenario = rework(**consumer)
    trace = execute(scenario)
    work = visits(trace)
    assert work["message"].is_unique
    assert len(work) > 2 * ORDERS
    # Drained: nothing that went round is left.
    assert trace.ended_at_ns < (ORDERS + 60) * SECOND
    summary = execute(scenario, record="summary")
    assert summary.digest() == execute(scenario, engine="reference", record="summary").digest()


@pytest.mark.rule("H27")
def test_a_loop_over_several_consumers_and_dead_letters():
    scenario = shop(
        [],
        billing={
            "reads": "orders",
            "service": "10ms",
            "error_probability": 0.4,
            "emits": "a",
            "subscription": {"dead_letter": "b"},
        },
        reader={"reads": "a", "service": "1ms", "emits": [{"to": "orders", "probability": 0.2}]},
        hospital={"reads": "b", "service": "1ms", "emits": [{"to": "orders", "probability": 0.5}]},
    )
    counts = visits(execute(scenario)).groupby("order").size()
    # 0.6 * 0.2 + 0.4 * 0.5 of those that are billed are billed again.
    assert is_share(int((counts > 1).sum()), ORDERS, 0.32)


@pytest.mark.rule("H27")
def test_a_loop_begins_with_what_has_arrived_only():
    # Three orders at one moment, handled in no time: a loop ends within that moment.
    scenario = rework(service="0s").replace(
        {"producers.web.arrivals": at(1, 1, 1), "messages": 3, "drain_timeout": "1s"}
    )
    rows = messages(execute(scenario))
    assert set(rows["created_at"]) == {SECOND}
    assert (rows["copies"] == 1).all()
