"""Intervals: a published number, and the coverage that they promise."""

from __future__ import annotations

import numpy as np
import pytest

from eda_sim.analysis.intervals import mean_interval, quantile_intervals


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
    estimate = mean_interval(park_miller(1000))
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


def test_fewer_batches_where_the_tail_is_thin_mean_a_wider_interval():
    values = np.random.default_rng(2).exponential(size=40_000)
    middle, tail = quantile_intervals(values, [0.5, 0.999])
    assert not np.isnan(tail.low)
    assert tail.high - tail.low > middle.high - middle.low


def test_the_interval_of_times_does_not_go_below_zero():
    values = np.where(np.arange(4000) < 200, 1000.0, 1.0)
    mean = mean_interval(values)
    (p95,) = quantile_intervals(values, [0.95])
    assert mean.low == 0
    assert p95.low == 0
    assert mean_interval(-values).low < -1000 * 200 / 4000


def test_nothing_observed_gives_nan():
    assert np.isnan(mean_interval(np.array([])).value)
    assert np.isnan(quantile_intervals(np.array([]), [0.5])[0].value)


@pytest.mark.parametrize("wrong", [-0.1, 1.1])
def test_a_probability_outside_of_0_and_1_is_refused(wrong):
    with pytest.raises(ValueError, match="between 0 and 1"):
        quantile_intervals(np.arange(10.0), [wrong])
