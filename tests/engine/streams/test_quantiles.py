"""The quantile of the normal distribution, and the look-up in a cumulative table."""

import itertools
import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtri

OPEN_UNIT = st.integers(0, 2**52 - 1).map(lambda k: (2 * k + 1) * 2.0**-53)


def grid() -> np.ndarray:
    tails = 2.0 ** np.arange(-52.0, -1.0, 0.01)
    return np.concatenate([tails, np.linspace(0.0005, 0.9995, 20_000), 1.0 - tails])


def test_normal_quantile_is_scipys(streams):
    u = grid()
    z = np.array([streams.quantiles.normal_quantile(value) for value in u.tolist()])
    reference = ndtri(u)
    where = np.abs(u - 0.5) > 1e-9
    error = np.abs(z - reference)[where] / np.abs(reference)[where]
    assert error.max() < 1e-15


@given(OPEN_UNIT)
def test_normal_quantile_is_pythons_own(compiled, interpreted, u):
    """CPython's statistics module holds another transcription of the same algorithm."""
    z = compiled.quantiles.normal_quantile(u)
    assert z == interpreted.quantiles.normal_quantile(u)
    expected = statistics.NormalDist().inv_cdf(u)
    assert z == pytest.approx(expected, rel=1e-15, abs=1e-300)


@given(OPEN_UNIT)
def test_normal_quantile_is_symmetric(compiled, u):
    assert compiled.quantiles.normal_quantile(u) == -compiled.quantiles.normal_quantile(1.0 - u)


def test_normal_quantile_grows(compiled):
    z = [compiled.quantiles.normal_quantile(u) for u in np.unique(grid()).tolist()]
    assert all(a <= b for a, b in itertools.pairwise(z))


def test_normal_quantile_is_finite_at_the_ends(streams):
    lowest = streams.quantiles.normal_quantile(2.0**-53)
    assert lowest == pytest.approx(-8.209536151601387, rel=1e-14)
    assert streams.quantiles.normal_quantile(1.0 - 2.0**-53) == -lowest
    assert streams.quantiles.normal_quantile(0.5) == 0.0


@given(
    st.lists(st.floats(0.0, 10.0, allow_subnormal=False), min_size=1, max_size=30).filter(
        lambda weights: math.fsum(weights) > 0.0
    ),
    OPEN_UNIT,
    st.integers(0, 5),
)
def test_first_above_is_a_search_from_the_left(compiled, interpreted, weights, u, start):
    cumulative = np.cumsum(weights) / np.sum(weights)
    cumulative[-1] = 1.0
    data = np.concatenate([np.full(start, 0.5), cumulative, [0.1]])
    expected = next(i for i, value in enumerate(cumulative.tolist()) if u < value)
    for copy in (compiled, interpreted):
        assert copy.quantiles.first_above(data, start, cumulative.size, u) == expected
