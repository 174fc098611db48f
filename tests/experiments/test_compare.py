"""Comparisons: pairs see through chance, and say how far."""

import math

import pandas as pd
import pytest

import eda_sim as es
from eda_sim.theory import mm1

QUICK = es.load("mm1").replace({"duration": "60s", "warmup": "5s"})
OPTIONS = {"replications": 8, "executor": 1, "metric": "waiting.mean"}


@pytest.fixture(scope="module")
def result():
    faster = {"consumers.worker.service": "exponential(mean=95ms)"}
    return es.compare(QUICK.replace({"producers.clients.rate": "5/s"}), faster, **OPTIONS)


def test_pairs_take_most_of_the_chance_out_of_a_small_difference(result):
    assert result.variance_ratio > 10
    assert result.independent_replications > 8 * 5
    assert result.is_different
    assert result.difference.high < 0


def test_the_interval_holds_the_difference_of_theory(result):
    before, after = (mm1(arrival_rate=5, service_rate=rate).mean_wait for rate in (10, 1 / 0.095))
    value, low, high = result.difference
    spread = high - low
    assert low - spread <= after - before <= high + spread
    assert value == pytest.approx(after - before, rel=0.5)


def test_result_reads_well_and_has_its_tables(result):
    assert repr(result).startswith("waiting.mean@worker: ")
    assert "95 % confidence, 8 pairs; independent runs would have needed" in repr(result)
    assert result.table["what"].tolist() == ["scenario", "variant", "difference"]
    runs = result.runs
    pd.testing.assert_series_equal(
        runs["difference"], runs["variant"] - runs["scenario"], check_names=False
    )
    assert result.table["mean"].iloc[2] == pytest.approx(runs["difference"].mean())


def test_equal_scenarios_do_not_differ():
    result = es.compare(QUICK, {"description": "the same"}, **{**OPTIONS, "replications": 2})
    assert tuple(result.difference) == (0, 0, 0)
    assert not result.is_different
    assert result.independent_replications == math.inf


def test_wrong_arguments_are_one_line():
    with pytest.raises(ValueError, match="replications: 1 is not valid: must be an integer of at"):
        es.compare(QUICK, {}, replications=1)
    with pytest.raises(es.ScenarioError, match="did you mean 'instances'"):
        es.compare(QUICK, {"consumers.worker.instance": 2})
    with pytest.raises(ValueError, match=r"say whose, as in latency\.p99@"):
        es.compare(es.load("fan_out"), {})
