"""Partitioners against Kafka's own vectors and recorded shares of partitions."""

import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eda_sim.engine.partitioners import (
    KEYED_PARTITIONERS,
    crc32,
    key_bytes,
    murmur2,
    partition_table,
)
from eda_sim.engine.streams.samplers import zipf_cumulative


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        # Apache Kafka, UtilsTest.testMurmur2
        ("21", -973932308),
        ("foobar", -790332482),
        ("a-little-bit-long-string", -985981536),
        ("a-little-bit-longer-string", -1486304829),
        ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        ("abc", 479470107),
    ],
)
def test_murmur2_is_kafkas(key, expected):
    assert murmur2(key.encode()) == expected


def naive_murmur2(data: bytes) -> int:
    """MurmurHash2 as Kafka's Java has it, a word at a time."""
    mask, m = 0xFFFFFFFF, 0x5BD1E995
    h = 0x9747B28C ^ len(data)
    whole = len(data) - len(data) % 4
    for place in range(0, whole, 4):
        k = int.from_bytes(data[place : place + 4], "little") * m & mask
        k = (k ^ k >> 24) * m & mask
        h = h * m & mask ^ k
    rest = data[whole:]
    if rest:
        h = (h ^ int.from_bytes(rest, "little")) * m & mask
    h = (h ^ h >> 13) * m & mask
    return h ^ h >> 15


@given(st.binary(max_size=40))
def test_murmur2_of_any_bytes(data):
    assert murmur2(data) & 0xFFFFFFFF == naive_murmur2(data)


def test_crc32_is_zlibs_and_the_published_check_value():
    assert crc32(b"123456789") == 0xCBF43926
    assert crc32(b"") == 0


def partition_of(partitioner: str, key: int, partitions: int) -> int:
    data = key_bytes(key)
    if partitioner == "murmur2":
        return (naive_murmur2(data) & 0x7FFFFFFF) % partitions
    return zlib.crc32(data) % partitions


@pytest.mark.parametrize("partitioner", KEYED_PARTITIONERS)
@given(count=st.integers(0, 1200), partitions=st.integers(1, 2**31 - 1))
def test_a_table_is_its_keys_one_by_one(partitioner, count, partitions):
    expected = [partition_of(partitioner, key, partitions) for key in range(count)]
    table = partition_table(partitioner, count, partitions)
    assert table.dtype == np.int64
    assert table.tolist() == expected


@pytest.mark.parametrize("partitioner", KEYED_PARTITIONERS)
def test_a_large_table(partitioner):
    table = partition_table(partitioner, 1_000_000, 12)
    for key in (0, 8, 9, 98, 99, 99_999, 123_456, 999_998, 999_999):
        assert table[key] == partition_of(partitioner, key, 12)
    shares = np.bincount(table, minlength=12) / table.size
    assert np.abs(shares - 1 / 12).max() < 0.005


def test_kafkas_partition_of_a_key():
    """Record kafka.part.21.12: (murmur2("21") & 0x7fffffff) % 12."""
    assert (murmur2(b"21") & 0x7FFFFFFF) == 1173551340
    assert (murmur2(b"21") & 0x7FFFFFFF) % 12 == 0


@pytest.mark.parametrize(
    ("keys", "s", "partitions", "hottest", "share"),
    [
        # Records zipf.1000.1.0.12.* and zipf.10000.0.8.6.*: Zipf keys "key-<rank>" on partitions by
        # murmur2; rho = total rate / rate of a partition's server * share of the hottest one.
        (1000, 1.0, 12, 0, 0.889484560214529 * 20.0 / 100.0),
        (10_000, 0.8, 6, 2, 0.7960929870218143 * 250.0 / 1000.0),
    ],
)
def test_the_hottest_partition_under_zipf(keys, s, partitions, hottest, share):
    popularity = np.diff(zipf_cumulative(keys, s), prepend=0.0)
    table = partition_table("murmur2", keys, partitions)
    shares = np.bincount(table, weights=popularity, minlength=partitions)
    assert int(shares.argmax()) == hottest
    assert shares.max() == pytest.approx(share, rel=1e-10)


@pytest.mark.parametrize("partitioner", ["sticky", "round_robin", "md5"])
def test_other_partitioners_do_not_look_at_keys(partitioner):
    with pytest.raises(ValueError, match=r"does not look at keys: must be crc32 or murmur2"):
        partition_table(partitioner, 10, 2)


@pytest.mark.parametrize(("count", "partitions"), [(-1, 3), (3, 0)])
def test_counts_out_of_bounds(count, partitions):
    with pytest.raises(ValueError, match="must be at least 0 and 1"):
        partition_table("murmur2", count, partitions)
