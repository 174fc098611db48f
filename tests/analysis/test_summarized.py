"""A summary says what the full record says: counts equal, quantiles within 1 %, the rest exact."""

import json
import math

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import eda_sim as es
from eda_sim.analysis.metrics import STATISTICS, Metric, measure, parse_metric
from eda_sim.analysis.recovery import recovery_of
from eda_sim.analysis.storage import RunFolderError
from eda_sim.analysis.summary_metrics import FullRecordNeededError, check_in_summary
from eda_sim.cli import main
from eda_sim.engine import execute as module
from eda_sim.engine.summary import facts_of, summarize
from eda_sim.run_summary import RunSummary
from eda_sim.simulation import Run
from tests.engine.examining import SEEDS
from tests.engine.mixtures import Focus
from tests.generated import each_generated

SAMPLED = ("staleness", "recovery")
"""Judged at the edges of the bins by a summary: other moments than those of the full record."""


def both(scenario):
    """A run and its summary; the same trace, so that every difference is the summary's."""
    trace = module.execute.__wrapped__(scenario)
    summary = summarize(trace, facts_of(scenario, trace.names))
    return Run(scenario, trace, scenario.seed), RunSummary(scenario, summary, scenario.seed)


def metrics_in_both(scenario):
    for quantity, statistics in STATISTICS.items():
        for statistic in statistics:
            if quantity not in SAMPLED and (quantity, statistic) not in (
                ("lag", "max"),
                ("queue", "max"),
            ):
                yield from Metric(quantity, statistic).at(list(scenario.consumers))


def assert_agree(scenario):
    full, brief = both(scenario)
    # Over no time there is no mean; the full record calls that of a lag that never was 0.
    lasts = full.ended_at > scenario.warmup
    metrics = [each for each in metrics_in_both(scenario) if lasts or each.name != "lag.mean"]
    exact, found = measure(full.tables, metrics), brief.measure(metrics)
    for metric, one, other in zip(metrics, exact, found, strict=True):
        tolerance = 0.01 if metric.statistic.startswith("p") else 1e-9
        if metric.quantity in ("guarantee", "deliveries", "redeliveries"):
            tolerance = 0
        assert other == pytest.approx(one, rel=tolerance, abs=1e-12, nan_ok=True), str(metric)
    moments = brief.kept.moments / 1e9
    after = moments[moments >= scenario.warmup]
    same = pd.testing.assert_frame_equal
    same(brief.guarantee(), full.guarantee())
    ends = ["low", "high"]  # a summary does not know them
    same(
        brief.utilization(by="instance").drop(columns=ends),
        full.utilization(by="instance").drop(columns=ends),
    )
    same(brief.lag(), full.lag(moments))
    same(brief.queue_length(), full.queue_length(moments))
    same(brief.staleness(), full.staleness(after))
    same(brief.recovery(), recovery_of(full.tables, full.lag(moments)))
    same(brief.faults, full.faults)
    one, other = brief.publishing(), full.publishing()
    same(one[["source", "channel"]], other[["source", "channel"]].astype(str))
    for name in one.columns[2:]:
        if "_low_" in name or "_high_" in name:
            assert one[name].isna().all()
            continue
        tolerance = 0.01 if name.startswith("publish") else 1e-12
        assert one[name].to_numpy() == pytest.approx(
            other[name].to_numpy(), rel=tolerance, nan_ok=True
        ), name
    return full, brief


@pytest.mark.parametrize("name", es.scenarios())
def test_bundled_scenarios_agree(name):
    assert_agree(es.load(name).replace({"duration": "20s", "warmup": "1s"}))


@pytest.mark.parametrize("seed", SEEDS[::2])
def test_generated_scenarios_agree(seed):
    each_generated(Focus.ANYTHING, seed, assert_agree)


@pytest.fixture(scope="module")
def pair():
    changes = {"duration": "40s", "warmup": "5s", "faults.0.at": "15s", "faults.0.lasts": "5s"}
    return both(es.load("crash").replace(changes))


def test_windows_of_throughput_are_those_of_the_full_record(pair):
    full, brief = pair
    width = brief.kept.bin_ns / 1e9
    for window in (20 * width, 37 * width, 1e9 * width):
        pd.testing.assert_frame_equal(brief.throughput(window), full.throughput(window))
    usual = brief.throughput()
    assert 50 < len(usual) <= 100
    whole = (usual["goodput_per_s"] * (usual["end"] - usual["start"])).sum()
    assert whole == pytest.approx((full.deliveries["effect"] == 1).sum())
    with pytest.raises(ValueError, match=r"^window: .* bins of 0\.1 s to put together"):
        brief.throughput(1.5 * width)


def test_recovery_is_that_of_the_full_record_but_for_the_edges(pair):
    full, brief = (run.recovery().iloc[0] for run in pair)
    assert brief["started_at"] == full["started_at"]
    assert brief["peak"] == pytest.approx(full["peak"], abs=2)
    assert brief["recovery_s"] == pytest.approx(full["recovery_s"], rel=0.1)


def test_a_distribution_keeps_its_shape(pair):
    full, brief = (run.latency() for run in pair)
    steps = brief.ecdf()
    values = np.sort(full.values)
    exact = np.searchsorted(values, steps["seconds"].to_numpy() + 1e-12, side="right")
    assert (steps["share"] * values.size).to_numpy() == pytest.approx(exact)
    assert len(brief.pooled(brief)) == 2 * len(full)
    pooled = brief.pooled(brief).quantile([0.9])["value"][0]
    assert pooled == brief.quantile(0.9)["value"][0]
    assert brief.quantile()["low"].isna().all()
    with pytest.raises(ValueError, match="cannot pool latency"):
        brief.pooled(pair[1].waiting())
    with pytest.raises(ValueError, match="between 0 and 1"):
        brief.quantile(99)


def test_what_needs_the_full_record_says_so(pair):
    _, brief = pair
    with pytest.raises(AttributeError, match=r"^messages: .* run with record='full'"):
        _ = brief.messages
    with pytest.raises(AttributeError, match="no attribute 'mesages'"):
        _ = brief.mesages
    with pytest.raises(FullRecordNeededError, match=r"'queue.max' needs record='full'"):
        check_in_summary([parse_metric("queue.max")])
    with pytest.raises(KeyError, match="no consumer 'nobody'"):
        brief.latency("nobody")
    with pytest.raises(FullRecordNeededError, match=r"lag\.mean, lag\.end"):
        es.sweep(brief.scenario, [{}], metrics="lag.max", record="summary", progress=False)


def test_sampled_metrics_are_there(pair):
    _, brief = pair
    names = ("staleness.max", "staleness.mean", "staleness.end", "recovery.max")
    (consumer,) = brief.scenario.consumers
    metrics = [parse_metric(f"{name}@{consumer}") for name in names]
    values = brief.measure(metrics)
    assert all(value >= 0 and not math.isnan(value) for value in values)
    assert values[0] == brief.staleness()["staleness_s"].max()


def test_a_summary_is_kept_and_found_again(pair, tmp_path):
    full, brief = pair
    brief.save(tmp_path / "brief")
    again = RunSummary.load(tmp_path / "brief")
    assert again.digest() == brief.digest()
    pd.testing.assert_frame_equal(again.summary(), brief.summary())
    with pytest.raises(RunFolderError, match="holds the summary of a run"):
        Run.load(tmp_path / "brief")
    full.save(tmp_path / "full")
    with pytest.raises(RunFolderError, match="holds the tables of a run"):
        RunSummary.load(tmp_path / "full")
    file = tmp_path / "brief" / "summary.json"
    file.write_text(file.read_text().replace('"messages":', '"messages":1', 1))
    with pytest.raises(RunFolderError, match="its digest differs"):
        RunSummary.load(tmp_path / "brief")


def test_a_sweep_measures_from_summaries_and_keeps_both_apart(pair, tmp_path):
    scenario = pair[0].scenario.replace({"duration": "10s", "warmup": "1s", "faults": []})
    arguments = {"metrics": ["latency.p99", "guarantee.lost", "lag.mean"], "progress": False}
    tables = [
        es.sweep(scenario, [{}], replications=2, store=tmp_path, record=record, **arguments)
        for record in ("full", "summary")
    ]
    assert len(list(tmp_path.glob("*.json"))) == 4
    full, brief = (table["mean"].to_numpy() for table in tables)
    assert brief[0] == pytest.approx(full[0], rel=0.01)
    assert brief[1:] == pytest.approx(full[1:], rel=1e-9)


def test_the_command_counts_too(tmp_path):
    base = ["run", "mm1", "--set", "duration=1min", "--set", "warmup=0s", "--record", "summary"]
    folder = str(tmp_path / "run")
    said = CliRunner().invoke(main, [*base, "--out", folder])
    assert said.exit_code == 0, said.output
    assert "mean lag" in said.output
    assert "percentiles within 1 %" in said.output
    assert RunSummary.load(folder).message_count == 466
    data = json.loads(CliRunner().invoke(main, [*base, "--json"]).output)
    assert data["messages"] == 466
    assert data["consumers"][0]["latency_p50_low_s"] is None
