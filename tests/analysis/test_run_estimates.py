"""What one run says about its system holds the truth, and nothing is said where it cannot know."""

import itertools

import numpy as np
import pandas as pd
import pytest

import eda_sim as es
from eda_sim.analysis.batch_means import ratio_of_batches
from eda_sim.analysis.proportions import share_of_run, wilson
from eda_sim.analysis.run_estimates import QUANTITIES, ends_of
from eda_sim.analysis.steps import clipped, covered
from eda_sim.analysis.throughput import rate_of_run


def heaps(random, *, count, gap, length):
    """Outages: they begin every ``gap`` messages, and hit ``length``, on average."""
    hit = np.zeros(count, dtype=bool)
    for start in random.integers(0, count, random.poisson(count / gap)):
        hit[start : start + random.geometric(1 / length)] = True
    return hit


def test_shares_are_covered_whether_messages_are_hit_alone_or_in_heaps():
    random = np.random.default_rng(1)
    alone = [share_of_run(random.random(5000) < 0.01) for _ in range(500)]
    assert np.mean([each.holds(0.01) for each in alone]) >= 0.94
    runs = [heaps(random, count=20000, gap=1000, length=20) for _ in range(500)]
    truth = np.mean(runs)
    found = [share_of_run(run) for run in runs]
    given = [each for each in found if each.is_known]
    assert len(given) >= 450
    assert np.mean([each.holds(truth) for each in given]) >= 0.92
    naive = [wilson(int(run.sum()), run.size) for run in runs]
    assert np.mean([each.holds(truth) for each in naive]) <= 0.6


def test_a_share_that_came_in_few_heaps_has_no_interval_and_none_at_all_has_wilsons():
    rare = np.arange(20000) // 100 == 50
    assert not share_of_run(rare).is_known
    assert share_of_run(rare).value == 0.005
    assert not share_of_run(~rare).is_known  # nor has what became of all others
    never = np.zeros(1000, dtype=bool)
    assert share_of_run(never) == wilson(0, 1000)
    assert share_of_run(~never) == wilson(1000, 1000)
    assert not share_of_run(never[:39]).is_known
    assert np.isnan(share_of_run(never[:0]).value)


def test_rates_are_covered_and_short_or_empty_stretches_refused():
    random = np.random.default_rng(2)
    moments = random.exponential(1 / 8, size=(400, 12000)).cumsum(axis=1)
    found = [rate_of_run(row[row < 600], 0.0, 600.0) for row in moments]
    assert 0.93 <= np.mean([each.holds(8.0) for each in found]) <= 0.995
    assert rate_of_run(np.linspace(0, 10, 39), 0.0, 10.0).value == 3.9
    assert not rate_of_run(np.linspace(0, 10, 39), 0.0, 10.0).is_known
    assert np.isnan(rate_of_run(np.empty(0), 5.0, 5.0).value)
    rising = np.sqrt(np.linspace(0, 100.0, 5000))  # a rate that only grows is no rate of a run
    assert not rate_of_run(rising, 0.0, 10.0).is_known


def test_ratios_of_batches_allow_for_unequal_wholes():
    wholes = np.array([1.0, 4.0] * 10)
    value, low, high = ratio_of_batches(0.5 * wholes, wholes)
    assert (value, low, high) == (0.5, 0.5, 0.5)
    assert np.isnan(ratio_of_batches(np.zeros(20), np.zeros(20)).value)
    assert ratio_of_batches(np.eye(20)[7], np.ones(20)).low == 0.0


def test_covered_time_is_that_of_each_interval():
    random = np.random.default_rng(3)
    starts = random.uniform(0, 10, 200)
    ends = starts + random.exponential(1, 200)
    starts[:3], ends[5:9] = np.nan, np.nan
    edges = np.array([2.0, 3.0, 5.5, 9.0])
    each = [clipped(starts, ends, *pair).sum() for pair in itertools.pairwise(edges)]
    assert covered(starts, ends, edges) == pytest.approx(each)


@pytest.fixture(scope="module")
def short():
    return es.load("mm1").replace({"duration": "20min"})


def test_intervals_of_a_queue_hold_what_theory_says(short):
    theory = {"effects_per_s": 8.0, "utilization": 0.8, "latency_mean_s": 0.5, "lost_share": 0.0}
    runs = [es.run(short, replication=each).estimates() for each in range(40)]
    tables = [table.set_index("quantity") for table in runs]
    for quantity, truth in theory.items():
        own = pd.DataFrame([table.loc[quantity, ["low", "high"]] for table in tables])
        own = own.dropna()
        assert len(own) >= 35
        assert ((own["low"] <= truth) & (truth <= own["high"])).mean() >= 0.85, quantity


def test_the_summary_has_each_estimate_with_its_ends_beside_it(short):
    run = es.run(short)
    table, row = run.estimates(), run.summary().iloc[0]
    assert table["quantity"].tolist() == list(QUANTITIES)
    columns = list(run.summary().columns)
    for quantity, value, low, high in table.drop(columns="consumer").itertuples(index=False):
        place = columns.index(quantity)
        assert tuple(columns[place + 1 : place + 3]) == ends_of(quantity)
        np.testing.assert_array_equal(row.iloc[place : place + 3].tolist(), [value, low, high])
        assert low <= value <= high or np.isnan(low)
    assert table["low"].notna().sum() >= 7
    assert row["latency_p95_low_s"] == run.latency().quantile(0.95)["low"].iloc[0]
    page = run._repr_html_()
    assert f"{row['utilization']:.4g} ({row['utilization_low']:.4g} to " in page
    assert "_low" not in page
    assert "95 % confidence interval" in page


def test_a_run_that_is_too_short_has_values_and_no_intervals(short):
    row = es.run(short.replace({"messages": 30, "warmup": "0s"})).estimates()
    assert row[["low", "high"]].isna().all(axis=None)
    assert row["value"].notna().all()
    empty = es.run(short.replace({"duration": "1us", "warmup": "0s"})).estimates()
    assert empty[["low", "high"]].isna().all(axis=None)


def test_utilization_of_an_instance_that_was_down_is_that_of_its_up_time():
    run = es.run(es.load("crash"))
    for by in ("consumer", "instance"):
        table = run.utilization(by=by)
        assert (table["low"] <= table["utilization"]).all()
        assert ((table["utilization"] <= table["high"]) & (table["high"] <= 1)).all()
        assert (table["high"] - table["low"] < 0.2).all()


def test_a_summary_knows_the_interval_of_its_throughput_and_no_other(short):
    full, brief = (es.run(short, record=kind).estimates() for kind in ("full", "summary"))
    full, brief = full.set_index("quantity"), brief.set_index("quantity")
    assert brief["value"].to_numpy() == pytest.approx(full["value"].to_numpy(), rel=0.01)
    assert brief["low"].dropna().index.tolist() == ["effects_per_s"]
    width = full.loc["effects_per_s", "high"] - full.loc["effects_per_s", "low"]
    found = brief.loc["effects_per_s", "high"] - brief.loc["effects_per_s", "low"]
    assert found == pytest.approx(width, rel=0.35)
    few = es.run(short.replace({"messages": 30}), record="summary").estimates()
    assert few["low"].isna().all()
