"""The window of consistency: against theory, with events that never become visible, over time."""

import math

import numpy as np
import pytest

import eda_sim as es
from eda_sim.patterns.projections import consistency, services

LAW = {"command": "exponential(5ms)", "project": "exponential(10ms)"}


@pytest.fixture(scope="module")
def runs():
    shop = services.scenario(rate=50, **LAW, replicas=2, duration="100s")
    return [es.run(shop, replication=number, engine="compiled").tables for number in range(8)]


def test_both_sides_have_instances_of_their_own():
    shop = services.scenario(
        rate=10, **LAW, command_instances=2, query_instances=3, replicas=2, duration="30s"
    )
    tables = es.run(shop).tables
    sizes = tables.consumers.set_index("consumer")["instances"]
    assert sizes.to_dict() == {"command-side": 2, "query-side-0": 3, "query-side-1": 3}
    assert services.query_sides(tables) == ["query-side-0", "query-side-1"]
    assert shop.channels["events"].partitions == 3


def test_the_window_of_a_single_worker_is_exponential(runs):
    """Poisson commands leave M/M/1 as a Poisson stream (Burke), so a query side is M/M/1 too."""
    queue = es.theory.mm1(arrival_rate=50, service_rate=100)
    first, *others = [consistency.consistency_window(tables) for tables in runs]
    window = first.pooled(*others)
    for row in window.mean(confidence=0.999).itertuples():
        assert row.low <= queue.mean_sojourn <= row.high
    assert window.what == "consistency window"


def test_the_probability_of_a_fresh_read(runs):
    after = [0.0, 0.01, 0.03, 0.1]
    found = consistency.freshness(*runs, after=after, confidence=0.999)
    assert list(found["consumer"].unique()) == ["query-side-0", "query-side-1"]
    for row in found.itertuples():
        theory = 1 - math.exp(-50 * row.after_s)
        assert row.low <= theory <= row.high
        assert row.high - row.low < 0.1
    one = consistency.freshness(runs[0], after=after)
    assert one["fresh"].is_monotonic_increasing or one["fresh"].iloc[:4].is_monotonic_increasing
    assert (one["high"] - one["low"])[1:3].gt(0).all()


def test_events_that_never_become_visible_are_stale():
    """Latency leaves them out; freshness must not."""
    shop = services.scenario(rate=50, **LAW, duration="60s", warmup="0s").replace(
        {"faults": [{"crash": "query-side-0", "at": "30s"}]}
    )
    tables = es.run(shop).tables
    (fresh,) = consistency.freshness(tables, after=[1.0])["fresh"]
    assert fresh == pytest.approx(30 / 59, abs=0.03)
    ages = consistency.staleness_over_time(tables, times=[29.0, 50.0, 60.0])
    assert ages["staleness_s"].iloc[0] < 1
    assert ages["staleness_s"].iloc[1:].tolist() == pytest.approx([20.0, 30.0], abs=0.3)


def test_only_moments_before_the_end_count():
    shop = services.scenario(rate=50, **LAW, duration="20s", warmup="0s")
    tables = es.run(shop).tables
    (whole,) = consistency.freshness(tables, after=[5.0])["fresh"]
    assert whole == 1.0


def test_staleness_is_that_of_query_sides_alone(runs):
    ages = consistency.staleness_over_time(runs[0])
    assert list(ages["consumer"].cat.categories) == ["query-side-0", "query-side-1"]
    mean = es.theory.mm1(arrival_rate=50, service_rate=100).mean_wait
    everything = [
        consistency.staleness_over_time(tables, times=np.linspace(10, 100, 9001)) for tables in runs
    ]
    means = [table["staleness_s"].mean() for table in everything]
    assert np.mean(means) == pytest.approx(mean, rel=0.15)


def test_shares_know_their_neighbours():
    flags = np.repeat(np.random.default_rng(1).random(200) < 0.3, 50)
    alike = consistency.share_over_time([flags])
    mixed = consistency.share_over_time([np.random.default_rng(2).permutation(flags)])
    assert alike.half_width > 3 * mixed.half_width
    assert consistency.share_over_time([np.ones(10, dtype=bool)]).high == 1.0
    several = consistency.share_over_time([flags[:5000], flags[5000:]])
    assert several.value == pytest.approx(flags.mean())


def test_bad_input_is_told():
    tables = es.run(es.load("mm1").replace({"messages": 10})).tables
    with pytest.raises(ValueError, match="nobody reads a channel 'events'; there are worker"):
        services.query_sides(tables)
    with pytest.raises(ValueError, match=r"runs are 0"):
        consistency.freshness(after=[1.0])
    with pytest.raises(ValueError, match=r"after \[-1\.0\]"):
        consistency.freshness(tables, after=[-1.0])
    with pytest.raises(es.ScenarioError, match=r"query-side-0\.service"):
        services.scenario(rate=1, command="1ms", project="soon")
