"""Keys: Zipf's law, equally popular keys, and published shares."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

WORDS = st.integers(0, 2**32 - 1)
COUNT = 200_000


@pytest.mark.parametrize(
    ("n", "s", "share"),
    [
        # 1 / H(n, s) by direct summation; records zipf.1000.1.0.top and zipf.10000.0.8.top
        (1000, 1.0, 0.13359213049244015),
        (10_000, 0.8, 0.03688588104276641),
    ],
)
def test_share_of_the_most_popular_key(streams, n, s, share):
    cumulative = streams.keys.zipf_cumulative(n, s)
    assert cumulative.size == n
    assert cumulative[0] == pytest.approx(share, rel=1e-12)
    assert cumulative[-1] == 1.0


@given(st.integers(1, 300), st.floats(0.0, 5.0))
def test_zipf_is_the_law_and_has_the_same_bits_twice(compiled, interpreted, n, s):
    cumulative = compiled.keys.zipf_cumulative(n, s)
    assert np.array_equal(cumulative, interpreted.keys.zipf_cumulative(n, s))
    weights = [k**-s for k in range(1, n + 1)]
    expected = np.cumsum(weights) / math.fsum(weights)
    assert cumulative == pytest.approx(expected, rel=1e-12)
    assert (np.diff(cumulative) >= 0.0).all()


def test_a_million_keys_add_up(compiled):
    cumulative = compiled.keys.zipf_cumulative(1_000_000, 1.1)
    k = np.arange(1, 1_000_001, dtype=np.longdouble)
    weights = k ** np.longdouble(-1.1)
    expected = (np.cumsum(weights) / weights.sum()).astype(np.float64)
    assert np.abs(cumulative - expected).max() < 1e-14


@pytest.mark.parametrize(
    ("n", "s"), [(0, 1.0), (-3, 1.0), (10, -0.1), (10, math.inf), (10, math.nan)]
)
def test_wrong_numbers_are_named(compiled, n, s):
    with pytest.raises(ValueError, match="must be"):
        compiled.keys.zipf_cumulative(n, s)


@pytest.mark.parametrize("s", [0.0, 0.8, 1.0, 1.7])
def test_keys_come_as_often_as_they_should(compiled, s):
    cumulative = compiled.keys.zipf_cumulative(50, s)
    out = np.empty(COUNT, dtype=np.int64)
    compiled.keys.fill_keys(out, cumulative, 50, 7, 0, 2, 99, 0)
    expected = COUNT * np.diff(cumulative, prepend=0.0)
    assert stats.chisquare(np.bincount(out, minlength=50), expected).pvalue > 1e-4


def test_equally_popular_keys(compiled):
    out = np.empty(COUNT, dtype=np.int64)
    compiled.keys.fill_keys(out, compiled.keys.uniform_cumulative(), 17, 7, 0, 2, 99, 0)
    assert (out.min(), out.max()) == (0, 16)
    assert stats.chisquare(np.bincount(out, minlength=17)).pvalue > 1e-4


@given(st.integers(1, 2**40), st.floats(0.0, 3.0), st.tuples(*[WORDS] * 5))
def test_keys_have_the_same_bits_compiled_and_interpreted(compiled, interpreted, n, s, address):
    tables = [(compiled.keys.uniform_cumulative(), n)]
    tables.append((compiled.keys.zipf_cumulative(n % 100 + 1, s), n % 100 + 1))
    for cumulative, key_count in tables:
        key = compiled.keys.sample_key(cumulative, key_count, *address)
        assert key == interpreted.keys.sample_key(cumulative, key_count, *address)
        assert 0 <= key < key_count
        blocks = [np.empty(5, dtype=np.int64) for _ in range(2)]
        compiled.keys.fill_keys(blocks[0], cumulative, key_count, *address)
        interpreted.keys.fill_keys(blocks[1], cumulative, key_count, *address)
        assert blocks[0].tolist() == blocks[1].tolist()
        assert blocks[0][0] == key


def test_a_key_is_the_inverse_of_its_uniform(compiled):
    """The number that any other variate of the message would take in its first attempt."""
    cumulative = compiled.keys.zipf_cumulative(1000, 1.0)
    u = [compiled.philox.uniform(7, 0, 2, 99, event, 1024) for event in range(500)]
    keys = [compiled.keys.sample_key(cumulative, 1000, 7, 0, 2, 99, event) for event in range(500)]
    assert keys == np.searchsorted(cumulative, u, side="right").tolist()
