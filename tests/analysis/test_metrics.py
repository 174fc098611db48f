"""Metrics by name say what the tables say, and wrong names are one line."""

import math

import numpy as np
import pytest

import eda_sim as es
from eda_sim.analysis.metrics import STATISTICS, Metric, measure, parse_metric
from eda_sim.analysis.objectives import parse_objective


@pytest.fixture(scope="module")
def run():
    changes = {"duration": "40s", "warmup": "5s", "faults.0.at": "15s", "faults.0.lasts": "5s"}
    return es.run(es.load("crash").replace(changes))


def values(run, *names):
    metrics = [m for name in names for m in parse_metric(name).at(list(run.scenario.consumers))]
    return measure(run.tables, metrics)


def test_metrics_are_the_numbers_of_the_summary(run):
    (row,) = run.summary().to_dict("records")
    same = {
        "latency.mean": "latency_mean_s",
        "latency.p50": "latency_p50_s",
        "latency.p99": "latency_p99_s",
        "latency.max": "latency_max_s",
        "waiting.mean": "waiting_mean_s",
        "throughput": "effects_per_s",
        "utilization": "utilization",
        "deliveries": "deliveries",
        "redeliveries": "redeliveries",
        **{f"guarantee.{word}": word for word in STATISTICS["guarantee"]},
    }
    assert values(run, *same) == pytest.approx([row[word] for word in same.values()], rel=1e-12)


def test_metrics_over_time_agree_with_their_series(run):
    times = np.arange(5.0, run.ended_at, 0.001)
    lag = run.lag(times)["messages"]
    queue = run.queue_length(times)["waiting"]
    highest, mean, end, waiting, longest = values(
        run, "lag.max", "lag.mean", "lag.end", "queue.mean", "queue.max"
    )
    assert lag.max() <= highest <= lag.max() + 2
    assert mean == pytest.approx(lag.mean(), rel=0.01)
    assert end == run.lag([run.ended_at])["messages"].iloc[-1]
    assert waiting == pytest.approx(queue.mean(), rel=0.01)
    assert longest >= queue.max()
    assert values(run, "staleness.max") == [run.staleness()["staleness_s"].max()]
    took = run.recovery()["recovery_s"].iloc[0]
    assert values(run, "recovery.max") == [math.inf if math.isnan(took) else took]


def test_every_metric_of_the_list_can_be_measured_and_read_back(run):
    for quantity, statistics in STATISTICS.items():
        for statistic in statistics:
            (metric,) = Metric(quantity, statistic).at(list(run.scenario.consumers))
            assert parse_metric(str(metric)) == metric
            (value,) = measure(run.tables, [metric])
            assert isinstance(value, float)
            assert value >= 0


def test_percentiles_may_have_any_digits():
    assert parse_metric("latency.p999") == parse_metric("latency.p99.9")
    assert parse_metric("latency.p50").statistic == "p50"
    assert parse_metric("waiting.p99.95@a").name == "waiting.p99.95"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("latancy.p99", "no quantity 'latancy'; did you mean 'latency'?"),
        ("latency.maen", "no statistic 'maen' of latency; did you mean 'mean'?"),
        ("latency", "must be one of latency.mean"),
        ("throughput.p99", "throughput stands by itself"),
        ("latency.p99@", "a consumer must follow the @"),
        ("", "must be a name such as 'latency.p99'"),
        (7, "must be a name such as 'latency.p99'"),
    ],
)
def test_wrong_metric_is_one_line(text, line):
    with pytest.raises(ValueError, match=r"^metric: ") as caught:
        parse_metric(text)
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_metric_of_one_consumer_needs_to_know_whose():
    metric = parse_metric("latency.p99")
    with pytest.raises(ValueError, match=r"there are 2 consumers; say whose, as in latency.p99@a"):
        metric.at_one(["a", "b"])
    with pytest.raises(ValueError, match="no consumer 'biling'; did you mean 'billing'"):
        parse_metric("latency.p99@biling").at(["billing"])


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("latency.p99", "must be a metric, a comparison and a value"),
        ("latency.p99 =< 1s", "'=<' is not valid: must be one of <=, >=, ==, <, >"),
        ("latency.p99 < 1/s", "'1/s' is not valid: must be a time such as 200ms"),
        ("throughput > 10ms", "must be a rate such as 150/s"),
        ("latency.p99 <", "'' is not valid: must be a time"),
        (None, "must be a metric, a comparison and a value"),
    ],
)
def test_wrong_objective_is_one_line(text, line):
    with pytest.raises(ValueError, match=r"^(objective|metric): ") as caught:
        parse_objective(text)
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_objective_is_met_only_with_its_whole_confidence_bound():
    objective = parse_objective("latency.mean < 100ms")
    steady, shaky = [0.09, 0.091, 0.089, 0.09], [0.02, 0.17, 0.05, 0.12]
    assert objective.holds(objective.worst(steady))
    assert np.mean(shaky) == pytest.approx(np.mean(steady))
    assert not objective.holds(objective.worst(shaky))
    assert not objective.holds(objective.worst([0.05, math.nan]))
    floor = parse_objective("throughput >= 10/s")
    assert floor.holds(floor.worst([11, 11.1, 11.2]))
    assert not floor.holds(floor.worst([11, 9, 11.2]))


def test_an_objective_of_equality_is_met_by_every_run_or_not_at_all():
    none_lost = parse_objective("guarantee.lost == 0")
    assert none_lost.holds(none_lost.worst([0.0] * 5))
    assert not none_lost.holds(none_lost.worst([0.0] * 4 + [1.0]))
