"""Partitioners: which partition a key goes to.

A partitioner hashes the bytes of a key and takes the remainder, so all messages with one key meet
in one partition and stay in order there. Two families of clients hash differently, and a topic that
both write to loses that order. Key number ``k`` (from 0, by rank) has the bytes ``key-<k + 1>``.

References
----------
A. Appleby, MurmurHash2 (2008). Apache Kafka, ``org.apache.kafka.common.utils.Utils.murmur2`` and
``BuiltInPartitioner.partitionForKey``; librdkafka, ``rd_kafka_msg_partitioner_consistent``.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = [
    "KEYED_PARTITIONERS",
    "crc32",
    "key_bytes",
    "murmur2",
    "partition_table",
    "partitions_of",
]

_SEED: Final = 0x9747B28C
_MULTIPLIER: Final = 0x5BD1E995
_SHIFT: Final = 24
_WORD: Final = 0xFFFFFFFF


def key_bytes(key: int) -> bytes:
    """Return the bytes of a key.

    Parameters
    ----------
    key : int
        Number of the key, from 0 by rank.

    Returns
    -------
    bytes
        ``key-`` and the rank from 1.

    Examples
    --------
    >>> key_bytes(0)
    b'key-1'
    """
    return b"key-%d" % (key + 1)


def murmur2(data: bytes) -> int:
    """Return MurmurHash2 with the seed of Kafka's Java client.

    Parameters
    ----------
    data : bytes
        What to hash.

    Returns
    -------
    int
        A signed 32-bit number, as Java has it.

    References
    ----------
    Apache Kafka, ``Utils.murmur2``; the example is from its ``UtilsTest``.

    Examples
    --------
    >>> murmur2(b"21")
    -973932308
    """
    rows = np.frombuffer(data, dtype=np.uint8).reshape(1, len(data))
    unsigned = int(_murmur2_rows(rows)[0])
    return unsigned - 2**32 if unsigned >= 2**31 else unsigned


def crc32(data: bytes) -> int:
    """Return the CRC-32 that librdkafka's consistent partitioner uses.

    Parameters
    ----------
    data : bytes
        What to hash.

    Returns
    -------
    int
        An unsigned 32-bit number.

    Examples
    --------
    >>> f"{crc32(b'123456789'):08x}"
    'cbf43926'
    """
    return zlib.crc32(data)


def _murmur2_rows(rows: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint32]:
    """Return the unsigned hash of each row of bytes; all rows are as long as the array is wide."""
    count, length = rows.shape
    multiplier = np.uint32(_MULTIPLIER)
    hashes = np.full(count, _SEED ^ length, dtype=np.uint32)
    bulk = length // 4 * 4
    for start in range(0, bulk, 4):
        words = np.ascontiguousarray(rows[:, start : start + 4]).view("<u4")[:, 0].astype(np.uint32)
        words *= multiplier
        words ^= words >> np.uint32(_SHIFT)
        words *= multiplier
        hashes *= multiplier
        hashes ^= words
    for position in range(length - 1, bulk - 1, -1):
        hashes ^= rows[:, position].astype(np.uint32) << np.uint32(8 * (position - bulk))
    if length > bulk:
        hashes *= multiplier
    hashes ^= hashes >> np.uint32(13)
    hashes *= multiplier
    hashes ^= hashes >> np.uint32(15)
    return hashes


def _murmur2_partitions(key_count: int, partitions: int) -> npt.NDArray[np.int64]:
    """Hash keys in groups of equal length: ranks 1-9, 10-99, ..."""
    table = np.empty(key_count, dtype=np.int64)
    prefix = np.frombuffer(b"key-", dtype=np.uint8)
    digits, low = 1, 1
    while low <= key_count:
        high = min(10 * low, key_count + 1)
        ranks = np.arange(low, high, dtype=np.int64)
        rows = np.empty((high - low, len(prefix) + digits), dtype=np.uint8)
        rows[:, : len(prefix)] = prefix
        for place in range(digits):
            rows[:, -1 - place] = ranks // 10**place % 10 + ord("0")
        # Kafka's toPositive: the sign bit is cut off, not the absolute value taken.
        positive = _murmur2_rows(rows) & np.uint32(0x7FFFFFFF)
        table[low - 1 : high - 1] = positive.astype(np.int64) % partitions
        digits, low = digits + 1, 10 * low
    return table


def _crc32_partitions(key_count: int, partitions: int) -> npt.NDArray[np.int64]:
    hashes = (zlib.crc32(key_bytes(key)) for key in range(key_count))
    return np.fromiter(hashes, dtype=np.int64, count=key_count) % partitions


_TABLES: Final[dict[str, Callable[[int, int], npt.NDArray[np.int64]]]] = {
    "murmur2": _murmur2_partitions,
    "crc32": _crc32_partitions,
}

KEYED_PARTITIONERS: Final = tuple(sorted(_TABLES))
"""Partitioners that look at the key; the others only say where a message without one goes."""


def partition_table(partitioner: str, key_count: int, partitions: int) -> npt.NDArray[np.int64]:
    """Return the partition of each key.

    Parameters
    ----------
    partitioner : str
        ``"murmur2"`` (Kafka's Java client) or ``"crc32"`` (librdkafka).
    key_count : int
        Number of keys.
    partitions : int
        Number of partitions, at least 1.

    Returns
    -------
    int64 array
        Entry k is the partition of key k, 0 <= partition < partitions.

    Raises
    ------
    ValueError
        If the partitioner does not look at keys, or a number is out of bounds.

    Examples
    --------
    >>> partition_table("murmur2", 4, 12).tolist()
    [0, 2, 11, 9]
    """
    if partitioner not in _TABLES:
        names = " or ".join(KEYED_PARTITIONERS)
        message = f"partitioner {partitioner!r} does not look at keys: must be {names}"
        raise ValueError(message)
    if key_count < 0 or partitions < 1:
        message = f"{key_count} keys on {partitions} partitions: must be at least 0 and 1"
        raise ValueError(message)
    return _TABLES[partitioner](key_count, partitions)


def partitions_of(partitioner: str, names: Sequence[str], partitions: int) -> npt.NDArray[np.int64]:
    """Return the partition of each of some keys that have names.

    Parameters
    ----------
    partitioner : str
        ``"murmur2"`` (Kafka's Java client) or ``"crc32"`` (librdkafka).
    names : sequence of str
        Texts of keys; their bytes are those of UTF-8.
    partitions : int
        Number of partitions, at least 1.

    Returns
    -------
    int64 array

    Examples
    --------
    >>> partitions_of("murmur2", ["21", "key-1"], 12).tolist()
    [0, 0]
    """
    keys = [name.encode() for name in names]
    if partitioner == "murmur2":
        # As above: the sign bit is cut off.
        hashes = [murmur2(key) & 0x7FFFFFFF for key in keys]
    else:
        hashes = [crc32(key) for key in keys]
    return np.array(hashes, dtype=np.int64) % partitions
