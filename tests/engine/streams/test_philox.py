"""Philox against its published answers, a second implementation, and the odds of chance."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

WORDS = st.integers(0, 2**32 - 1)

# Random123, tests/kat_vectors, "philox4x32 10": counter, key, result
KNOWN_ANSWERS = [
    (
        "00000000 00000000 00000000 00000000",
        "00000000 00000000",
        "6627e8d5 e169c58d bc57ac4c 9b00dbd8",
    ),
    (
        "ffffffff ffffffff ffffffff ffffffff",
        "ffffffff ffffffff",
        "408f276d 41c83b0e a20bc7c6 6d5451fd",
    ),
    (  # the digits of pi
        "243f6a88 85a308d3 13198a2e 03707344",
        "a4093822 299f31d0",
        "d16cfe09 94fdcceb 5001e420 24126ea1",
    ),
]


def words(text: str) -> tuple[int, ...]:
    return tuple(int(word, 16) for word in text.split())


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN_ANSWERS)
def test_published_known_answers(streams, counter, key, answer):
    assert streams.philox.philox(*words(counter), *words(key)) == words(answer)


def naive_philox(counter: list[int], key: list[int]) -> tuple[int, ...]:
    """Salmon et al. (2011), section 3.3, on whole numbers: split each product by division."""
    left_0, right_0, left_1, right_1 = counter
    for number in range(10):
        key_0 = (key[0] + number * 0x9E3779B9) % 2**32
        key_1 = (key[1] + number * 0xBB67AE85) % 2**32
        high_0, low_0 = divmod(left_0 * 0xD2511F53, 2**32)
        high_1, low_1 = divmod(left_1 * 0xCD9E8D57, 2**32)
        left_0, right_0 = high_1 ^ right_0 ^ key_0, low_1
        left_1, right_1 = high_0 ^ right_1 ^ key_1, low_0
    return left_0, right_0, left_1, right_1


@given(st.tuples(WORDS, WORDS, WORDS, WORDS), st.tuples(WORDS, WORDS))
def test_every_address_as_in_a_second_implementation(compiled, interpreted, counter, key):
    expected = naive_philox(list(counter), list(key))
    assert compiled.philox.philox(*counter, *key) == expected
    assert interpreted.philox.philox(*counter, *key) == expected


@given(st.tuples(*[WORDS] * 6))
def test_uniform_has_the_same_bits_compiled_and_interpreted(compiled, interpreted, address):
    u = compiled.philox.uniform(*address)
    assert u == interpreted.philox.uniform(*address)
    assert 0.0 < u < 1.0
    assert (u * 2**53) % 2 == 1.0  # an odd multiple of 2**-53, so 1 - u is exact
    assert 1.0 - (1.0 - u) == u


@given(st.tuples(*[WORDS] * 6))
def test_types_of_integers_do_not_matter(compiled, interpreted, address):
    expected = naive_philox(list(address[:4]), list(address[4:]))
    for kind in (np.int64, np.uint64, np.uint32):
        typed = [kind(word) for word in address]
        assert compiled.philox.philox(*typed) == expected
        assert interpreted.philox.philox(*typed) == expected


def test_only_the_lower_32_bits_of_a_word_count(streams):
    assert streams.philox.philox(2**32 + 5, 0, 0, -1, 0, 0) == streams.philox.philox(
        5, 0, 0, 2**32 - 1, 0, 0
    )


def test_the_ends_of_the_unit_interval(streams):
    highest = 2**32 - 1
    assert streams.philox.unit_interval(0, 0) == 2.0**-53
    assert streams.philox.unit_interval(highest, highest) == 1.0 - 2.0**-53
    assert streams.philox.unit_interval(2**31, 0) == 0.5 + 2.0**-53
    assert streams.philox.unit_interval(2**31 - 1, highest) == 0.5 - 2.0**-53


AXES = ("seed", "replication", "stream", "entity", "event", "draw")


def along(compiled, axis: str, count: int = 60_000) -> np.ndarray:
    """Return the numbers at neighbouring addresses that differ in one word."""
    address = [7, 0, 4, 123456789, 17, 1024]
    place = AXES.index(axis)
    out = np.empty(count)
    for i in range(count):
        address[place] = i
        out[i] = compiled.philox.uniform(*address)
    return out


@pytest.mark.parametrize("axis", AXES)
def test_neighbouring_addresses_look_independent(compiled, axis):
    u = along(compiled, axis)
    # Bounds are at about one in a million, and the numbers are always the same.
    assert stats.kstest(u, "uniform").pvalue > 1e-6
    for lag in (1, 2, 3, 7, 1024):
        correlation = np.corrcoef(u[:-lag], u[lag:])[0, 1]
        assert abs(correlation) < 5.0 / np.sqrt(u.size)
    pairs, _, _ = np.histogram2d(u[:-1:2], u[1::2], bins=16, range=[[0, 1], [0, 1]])
    assert stats.chisquare(pairs.ravel()).pvalue > 1e-6
    low_bits = (u * 2**53).astype(np.int64) >> 1 & 0xFF
    assert stats.chisquare(np.bincount(low_bits, minlength=256)).pvalue > 1e-6
    assert np.unique(u).size == u.size


def test_one_bit_of_the_address_flips_half_of_the_block(compiled):
    random = np.random.default_rng(1)
    flips = []
    for _ in range(200):
        address = random.integers(0, 2**32, 6).tolist()
        before = compiled.philox.philox(*address)
        for bit in range(192):
            other = list(address)
            other[bit // 32] ^= 1 << bit % 32
            after = compiled.philox.philox(*other)
            flips.append(sum((a ^ b).bit_count() for a, b in zip(before, after, strict=True)))
    assert np.mean(flips) == pytest.approx(64.0, abs=0.2)
    assert np.std(flips) == pytest.approx(np.sqrt(32.0), abs=0.1)
    assert min(flips) > 30
