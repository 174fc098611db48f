"""Histograms: quantiles within their error, everything else exact, whatever the size of a value."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eda_sim.analysis.intervals import quantiles
from eda_sim.engine.summary.histogram import (
    BUCKETS,
    RELATIVE_ERROR,
    Histogram,
    bucket_of,
    exact_square_sum,
    exact_sum,
    first_of,
    last_of,
    middle_of,
    sums_by,
)

LARGEST = 2**63 - 1
DAYS_48 = 2**52
durations = st.one_of(st.integers(0, 300), st.integers(0, DAYS_48), st.integers(0, LARGEST))
columns = st.lists(durations, min_size=1, max_size=60).map(np.array)


def histogram_of(values):
    histogram = Histogram()
    histogram.add(values)
    return histogram


@given(columns)
def test_the_middle_of_a_bucket_is_close_to_every_value_in_it(values):
    buckets = bucket_of(values)
    assert buckets.min() >= 0
    assert buckets.max() < BUCKETS
    # A double has 53 digits: above 2**53 ns (104 days) a value is rounded once more.
    slack = 1 + 2.0**-52
    assert (np.abs(middle_of(buckets) - values) <= RELATIVE_ERROR * slack * values).all()
    assert (first_of(buckets) <= values * slack).all()
    assert (last_of(buckets) * slack >= values).all()


@given(durations, durations)
def test_buckets_ascend_with_their_values(one, other):
    low, high = sorted((one, other))
    first, second = bucket_of(np.array([low, high]))
    assert first <= second


def test_small_values_have_buckets_of_their_own():
    values = np.arange(256)
    assert np.unique(bucket_of(values)).size == 256
    assert middle_of(bucket_of(values)).tolist() == values.tolist()


@given(columns, st.lists(st.floats(0, 1), min_size=1, max_size=5))
def test_quantiles_are_within_one_percent_of_the_exact_ones(values, probabilities):
    exact = quantiles(values, np.array(probabilities))
    found = np.array(histogram_of(values).quantiles(probabilities))
    assert (np.abs(found - exact) <= 0.01 * exact).all()
    assert values.min() <= found.min()
    assert found.max() <= float(values.max())


@given(columns)
def test_moments_are_exact(values):
    histogram = histogram_of(values)
    whole = [int(value) for value in values]
    assert histogram.total == sum(whole) == exact_sum(values)
    assert histogram.squares == sum(value**2 for value in whole) == exact_square_sum(values)
    assert (histogram.lowest, histogram.highest) == (min(whole), max(whole))
    mean = Fraction(sum(whole), len(whole))
    variance = sum((value - mean) ** 2 for value in whole) / len(whole)
    assert histogram.mean == pytest.approx(float(mean), rel=1e-15)
    assert histogram.std == pytest.approx(math.sqrt(variance), rel=1e-12)


@given(st.lists(st.tuples(st.integers(0, 3), durations), max_size=60))
def test_sums_of_groups_are_exact(pairs):
    groups = np.array([group for group, _ in pairs], dtype=np.int64)
    values = np.array([value for _, value in pairs], dtype=np.int64)
    expected = [sum(value for group, value in pairs if group == each) for each in range(4)]
    assert sums_by(groups, values, 4) == expected


@given(columns, columns)
def test_parts_add_up(one, other):
    merged = histogram_of(one).merged(histogram_of(other), Histogram())
    whole = histogram_of(np.concatenate([one, other]))
    for name, value in vars(whole).items():
        assert np.array_equal(getattr(merged, name), value), name


def test_a_million_values_do_not_overflow():
    values = np.full(1_200_000, DAYS_48)
    histogram = histogram_of(values)
    assert histogram.total == 1_200_000 * DAYS_48
    assert histogram.squares == 1_200_000 * DAYS_48**2
    assert histogram.std == 0
    assert sums_by(np.arange(values.size) % 2, values, 2) == [600_000 * DAYS_48] * 2


def test_of_nothing_there_is_no_statistic():
    nothing = Histogram()
    nothing.add(np.zeros(0, dtype=np.int64))
    assert nothing.size == 0
    assert all(math.isnan(x) for x in (nothing.mean, nothing.std, *nothing.quantiles([0.5])))


def test_a_negative_duration_is_refused():
    with pytest.raises(ValueError, match="one is -5 ns"):
        Histogram().add(np.array([3, -5]))
