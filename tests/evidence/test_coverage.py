"""Intervals keep their promise: the coverage of a thousand experiments of each kind."""

import dataclasses
import math

import pytest

from eda_sim.analysis.estimates import Estimate
from eda_sim.evidence import coverage as module
from eda_sim.evidence.coverage import EXPERIMENTS, coverage


@pytest.fixture(scope="module")
def thousand():
    return coverage(experiments=1000)


def test_intervals_of_95_percent_hold_the_truth_in_93_to_97_percent(thousand):
    assert len(thousand) == len(EXPERIMENTS)
    assert (thousand["experiments"] == 1000).all()
    assert thousand["coverage"].between(0.93, 0.97).all(), thousand


def test_hardly_any_experiment_is_refused(thousand):
    assert thousand["refused"].max() <= 10


def test_what_is_not_covered_is_missed_on_one_side(thousand):
    given = thousand["experiments"] - thousand["refused"]
    assert (thousand["covered"] + thousand["above"] + thousand["below"] == given).all()


def test_the_compiled_engine_is_covered_too():
    table = coverage(experiments=1, engine=60).iloc[len(EXPERIMENTS) :]
    # Of 60 intervals of 95 %, fewer than 50 hold the truth in 1 of 4,000 cases; of 12, fewer than
    # 8 in 1 of 5,000.
    assert list(table["experiments"]) == [60, 60, 12, 12]
    assert (table["covered"] >= [50, 50, 8, 8]).all(), table


def test_the_same_seed_gives_the_same_table():
    first, second, other = (coverage(experiments=3, seed=seed) for seed in (7, 7, 8))
    assert first.equals(second)
    assert not first["half_width"].equals(other["half_width"])


def test_an_interval_that_is_too_narrow_is_seen(monkeypatch):
    def narrow(random):
        value, low, high = EXPERIMENTS[0].make(random)
        return Estimate(value, (value + low) / 2, (value + high) / 2)

    monkeypatch.setattr(module, "EXPERIMENTS", (dataclasses.replace(EXPERIMENTS[0], make=narrow),))
    table = coverage(experiments=300)
    assert table["coverage"].item() < 0.85


def test_a_wrong_number_of_experiments_is_refused():
    with pytest.raises(ValueError, match="experiments is 0"):
        coverage(experiments=0)


def test_truths_are_those_of_theory():
    truths = {experiment.interval: experiment.truth for experiment in EXPERIMENTS}
    assert truths["share by Wilson"] == 0.5
    assert truths["p90 of independent observations, by order statistics"] == pytest.approx(
        -math.log(0.1) / 0.5
    )
