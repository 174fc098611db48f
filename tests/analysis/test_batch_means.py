"""Batch means: what they adjust for, and when they refuse."""

import numpy as np
import pytest

from eda_sim.analysis.batch_means import (
    adjusted_half_widths,
    batch_means,
    overlapping_batch_means,
    von_neumann,
)
from eda_sim.theory import lindley_waits, mm1


def series(random: np.random.Generator, length: int, correlation: float) -> np.ndarray:
    values, state = np.empty(length), random.normal()
    noise = random.normal(0, np.sqrt(1 - correlation**2), length)
    for i in range(length):
        state = correlation * state + noise[i]
        values[i] = state
    return values


def test_von_neumann_finds_correlation_and_none_in_noise():
    random = np.random.default_rng(1)
    assert von_neumann(series(random, 5000, 0.6))[0] == pytest.approx(0.6, abs=0.05)
    chances = [von_neumann(random.normal(size=20))[1] for _ in range(2000)]
    assert np.mean(np.array(chances) < 0.05) == pytest.approx(0.05, abs=0.015)
    assert von_neumann([1.0] * 10) == (0.0, 1.0)
    with pytest.raises(ValueError, match="at least 4"):
        von_neumann([1.0, 2.0, 3.0])


def test_without_skewness_and_correlation_the_adjusted_interval_is_students():
    values = np.tile([1.0, -1.0, -1.0, 1.0, 1.0, -1.0], 4)  # neighbours alternate as often as not
    below, above = adjusted_half_widths(values)
    correlation = max(0.0, von_neumann(values)[0] + 1 / values.size)
    student = 2.0686576104190406 * values.std(ddof=1) / np.sqrt(values.size)
    stretch = np.sqrt((1 + correlation) / (1 - correlation))
    assert below == pytest.approx(above) == pytest.approx(student * stretch)


def test_the_adjusted_interval_leans_to_where_the_tail_is():
    values = np.random.default_rng(2).permutation([1.0] * 15 + [2.0] * 3 + [9.0] * 2)
    below, above = adjusted_half_widths(values)
    assert above > 1.3 * below
    mirrored = adjusted_half_widths(-values)
    assert mirrored == pytest.approx((above, below))


def test_short_runs_of_a_busy_queue_are_covered_where_the_textbook_is_not():
    random = np.random.default_rng(3)
    truth = mm1(arrival_rate=0.8, service_rate=1).mean_wait
    shape = (400, 6000)
    waits = lindley_waits(
        intervals=random.exponential(1 / 0.8, shape), services=random.exponential(1, shape)
    )[:, 1000:]
    adjusted = [batch_means(row).estimate for row in waits]
    plain = [batch_means(row, adjusted=False).estimate for row in waits]
    given = [each for each in adjusted if each.is_known]
    assert len(given) >= 390
    assert np.mean([each.holds(truth) for each in given]) >= 0.90
    assert np.mean([each.holds(truth) for each in plain]) <= 0.90


def test_batches_that_are_alike_and_runs_that_are_short_are_refused_with_a_reason():
    slow = series(np.random.default_rng(5), 400, 0.999)
    result = batch_means(slow)
    assert not result.estimate.is_known
    assert result.estimate.value == pytest.approx(slow.mean())
    assert "still alike" in result.reason
    assert result.p_value < 0.01
    assert batch_means(slow[:39]).reason == "39 observations are too few for 20 batches"
    assert np.isnan(batch_means([]).estimate.value)
    assert batch_means(slow, adjusted=False).estimate.is_known
    with pytest.raises(ValueError, match="batches is 3: must be at least 4"):
        batch_means(slow, batches=3)


def test_overlapping_batches_say_the_same_with_more_freedom():
    random = np.random.default_rng(6)
    covered, widths = 0, []
    for _ in range(400):
        values = random.normal(size=1000)
        estimate = overlapping_batch_means(values)
        covered += estimate.holds(0.0)
        widths.append(estimate.half_width)
    assert 0.92 <= covered / 400 <= 0.98
    assert np.mean(widths) == pytest.approx(2.05 / np.sqrt(1000), rel=0.1)
    with pytest.raises(ValueError, match="half of the 10 observations"):
        overlapping_batch_means(np.arange(10.0), batches=6)
