"""Intervals over replications cover what they promise, on queues whose truth is known."""

import math

import numpy as np
import pytest

from eda_sim.analysis.replications import (
    independent_replications,
    mean_over_replications,
    one_sided_bound,
    ratio_over_replications,
    variance_ratio,
)
from eda_sim.theory import mm1


def mean_waits(load: float, runs: int, messages: int, seed: int) -> np.ndarray:
    """Mean waits of M/M/1 runs (service mean 1 s) after a warm-up, by Lindley's recursion."""
    random = np.random.default_rng(seed)
    steps = random.exponential(1.0, (runs, messages)) - random.exponential(
        1 / load, (runs, messages)
    )
    walk = np.cumsum(steps, axis=1)
    waits = walk - np.minimum(np.minimum.accumulate(walk, axis=1), 0.0)
    return waits[:, messages // 4 :].mean(axis=1)


@pytest.mark.parametrize("load", [0.3, 0.5, 0.7])
def test_intervals_cover_the_mean_wait_of_theory_as_often_as_they_say(load):
    truth = mm1(arrival_rate=load, service_rate=1.0).mean_wait
    experiments = mean_waits(load, 400 * 8, 4000, seed=5).reshape(400, 8)
    intervals = [mean_over_replications(values) for values in experiments]
    covered = np.mean([low <= truth <= high for _, low, high in intervals])
    # 95 % of 400: three standard deviations of chance are 3.3 %; means of waits are a bit skewed.
    assert 0.91 <= covered <= 0.985
    upper = [one_sided_bound(values, upper=True) >= truth for values in experiments]
    assert 0.89 <= np.mean(upper) <= 0.985


def test_missing_numbers_are_left_out_and_one_says_nothing_about_spread():
    assert mean_over_replications([1.0, math.nan, 3.0]).value == 2.0
    value, low, high = mean_over_replications([1.0, math.nan])
    assert value == 1.0
    assert math.isnan(low)
    assert math.isnan(high)
    assert math.isnan(mean_over_replications([]).value)
    assert mean_over_replications([1.0, math.inf]).value == math.inf


def test_independent_runs_of_that_number_have_an_interval_of_that_width():
    random = np.random.default_rng(3)
    common = random.normal(size=30)
    first = common + 0.1 * random.normal(size=30)
    second = common + 0.1 * random.normal(size=30) + 1
    needed = independent_replications(first, second)
    _, low, high = mean_over_replications(second - first)
    spread = math.sqrt(first.var(ddof=1) + second.var(ddof=1))
    from scipy.stats import t

    def half(runs):
        return t.ppf(0.975, 2 * runs - 2) * spread / math.sqrt(runs)

    assert half(needed) <= (high - low) / 2 < half(needed - 1)
    assert variance_ratio(first, second) == pytest.approx(needed / 30, rel=0.1)


def test_pairs_without_any_spread():
    assert independent_replications([1, 2], [2, 3]) == math.inf
    assert math.isnan(independent_replications([1, 1], [2, 2]))
    assert variance_ratio([1, 2], [2, 3]) == math.inf


def test_the_interval_of_a_ratio_holds_the_ratio_of_the_means_as_often_as_it_says():
    random = np.random.default_rng(8)
    common = random.normal(size=(2000, 8))
    first = 5 + common + 0.3 * random.normal(size=common.shape)
    second = 10 + 2 * common + 0.3 * random.normal(size=common.shape)
    pairs = zip(first, second, strict=True)
    covered = np.mean([ratio_over_replications(*pair).holds(2.0) for pair in pairs])
    # 95 % of 2000 normal samples: three standard deviations of chance are 1.5 %.
    assert covered == pytest.approx(0.95, abs=0.015)


def test_a_ratio_leaves_incomplete_pairs_out_and_knows_what_it_cannot_say():
    assert ratio_over_replications([2.0, math.nan, 2.0], [3.0, 1.0, 3.0]) == (1.5, 1.5, 1.5)
    for first, second in (([], []), ([0.0, 0.0], [1.0, 2.0]), ([1.0, math.inf], [1.0, 1.0])):
        assert all(math.isnan(number) for number in ratio_over_replications(first, second))
    for first, second in (([2.0], [3.0]), ([-1.0, 0.5, 1.5], [1.0, 2.0, 1.0])):
        estimate = ratio_over_replications(first, second)
        assert math.isfinite(estimate.value)
        assert not estimate.is_known
    ratio = ratio_over_replications([1.0, 2.0, 3.0, 2.5], [2.1, 4.0, 5.9, 5.1])
    inverse = ratio_over_replications([2.1, 4.0, 5.9, 5.1], [1.0, 2.0, 3.0, 2.5])
    assert inverse.low == pytest.approx(1 / ratio.high)
