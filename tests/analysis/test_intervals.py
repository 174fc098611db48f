"""Intervals: a published number, and the coverage that they promise."""

from __future__ import annotations

import numpy as np
import pytest

from eda_sim.analysis.batch_means import batch_means
from eda_sim.analysis.intervals import mean_interval, quantile_intervals
from tests.queues import mm1


def park_miller(count: int) -> np.ndarray:
    values, state = [], 12345
    for _ in range(count):
        state = 16807 * state % 2147483647
        values.append(state / 2147483647)
    return np.array(values)


def autoregressive(count: int, phi: float, seed: int) -> np.ndarray:
    """Return a stationary Gaussian AR(1) series with mean 0 and variance 1."""
    random = np.random.default_rng(seed)
    noise = random.normal(0, np.sqrt(1 - phi**2), count)
    values = np.empty(count)
    values[0] = random.normal()
    for i in range(1, count):
        values[i] = phi * values[i - 1] + noise[i]
    return values


def test_the_half_width_of_twenty_batch_means_is_the_known_one():
    # 1,000 uniforms of the minimal standard generator (Park and Miller, 1988), x0 = 12345.
    estimate = batch_means(park_miller(1000), adjusted=False).estimate
    assert estimate.high - estimate.value == pytest.approx(0.019723266742293223, rel=1e-8)
    assert estimate.value - estimate.low == pytest.approx(0.019723266742293223, rel=1e-8)


def test_intervals_cover_the_truth_although_observations_are_correlated():
    runs, covered_mean, covered_quantile = 300, 0, 0
    for seed in range(runs):
        values = autoregressive(4000, 0.9, seed)
        mean = mean_interval(values)
        covered_mean += mean.low <= 0 <= mean.high
        (p90,) = quantile_intervals(values, [0.9])
        covered_quantile += p90.low <= 1.2815515655446004 <= p90.high
    # 95 % of 300 is 285; four standard errors are 15. The textbook interval covers about 35 %.
    assert covered_mean >= 270
    assert covered_quantile >= 270


def test_intervals_are_not_wider_than_they_have_to_be():
    values = np.random.default_rng(1).normal(size=20_000)
    mean = mean_interval(values)
    textbook = 1.96 / np.sqrt(values.size)
    assert 0.5 * textbook < mean.high - mean.value < 2 * textbook


def test_a_short_run_has_a_value_and_no_interval():
    (tail,) = quantile_intervals(np.arange(1000.0), [0.999])
    assert tail.value == 998.0
    assert np.isnan(tail.low)
    assert np.isnan(tail.high)
    assert np.isnan(mean_interval(np.arange(39.0)).low)


def test_a_tail_that_was_visited_in_one_go_has_no_interval():
    # 1,000 of 20,000 are slow: enough to count, but they all come from the same bad minute.
    minute = np.where(np.arange(20_000) // 1000 == 7, 5.0, 1.0)
    spread = np.where(np.arange(20_000) % 20 == 7, 5.0, 1.0)
    noise = np.random.default_rng(4).uniform(0, 0.1, 20_000)
    (together,) = quantile_intervals(minute + noise, [0.99])
    (apart,) = quantile_intervals(spread + noise, [0.99])
    assert np.isnan(together.high)
    assert together.value == pytest.approx(apart.value, rel=0.05)
    assert apart.high - apart.low < 0.1


def test_the_interval_of_times_does_not_go_below_zero():
    values = np.where(np.arange(4000) < 200, 1000.0, 1.0)
    assert mean_interval(values).low == 0
    assert mean_interval(-values).low < -1000 * 200 / 4000
    waits = np.maximum(np.random.default_rng(6).normal(-1, 1, 20_000), 0)
    for estimate in quantile_intervals(waits, [0.5, 0.9, 0.99]):
        assert 0 <= estimate.low <= estimate.value <= estimate.high


def test_the_tail_of_a_busy_queue_is_covered():
    """The 99th percentile of M/M/1 at 80 %: with 20 batches always, 78 % of intervals cover it."""
    covered = given = 0
    for seed in range(100):
        trace = mm1(0.8, 1.0, 102_000, seed)
        took = (trace.deliveries["finished_at"] - trace.messages["created_at"])[2000:] / 1e9
        (tail,) = quantile_intervals(took, [0.99])
        given += not np.isnan(tail.low)
        covered += tail.low <= -5 * np.log(0.01) <= tail.high
    assert given >= 90
    assert covered >= 0.86 * given  # 95 % less three standard errors


def test_nothing_observed_gives_nan():
    assert np.isnan(mean_interval(np.array([])).value)
    assert np.isnan(quantile_intervals(np.array([]), [0.5])[0].value)


@pytest.mark.parametrize("wrong", [-0.1, 1.1])
def test_a_probability_outside_of_0_and_1_is_refused(wrong):
    with pytest.raises(ValueError, match="between 0 and 1"):
        quantile_intervals(np.arange(10.0), [wrong])
