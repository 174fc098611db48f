"""Partitioning: which partition of a channel a source sends its next message to."""

from __future__ import annotations

from eda_sim.engine.compiled import cells as c
from eda_sim.engine.compiled import codes as k
from eda_sim.engine.compiled import draws
from eda_sim.engine.compiled.lists import NOTHING
from eda_sim.engine.compiled.pointers import Ints, Reals, jit

STICKY_BYTES = 16_384


@jit
def _partition_of_key(m: Ints, channel: int, message: int) -> int:
    """Return the partition of a message's key, NOTHING where keys decide nothing."""
    key = m[c.MESSAGE_KEY + message]
    if key == k.NONE or m[m[c.CHANNEL_KEY_PARTITION_COUNT] + channel] == 0:
        return NOTHING
    start = m[m[c.CHANNEL_KEY_PARTITION_START] + channel]
    return m[m[c.KEY_PARTITION_NUMBER] + start + key]


@jit
def choose(m: Ints, f: Reals, channel: int, message: int, keyless: int) -> int:
    """Return the partition for a message that its source is about to send."""
    partition = _partition_of_key(m, channel, message)
    if partition != NOTHING:
        return partition
    spread = m[m[c.CHANNEL_KEYLESS] + channel] if keyless == k.NONE else keyless
    row = channel * m[c.SOURCE_ROWS] + m[c.MESSAGE_SOURCE + message]
    if spread == k.KEYLESS_STICKY:
        return _stay(m, f, channel, message, row)
    if spread == k.KEYLESS_RANDOM:
        address = draws.mix(m[m[c.CHANNEL_ADDRESS] + channel], m[c.MESSAGE_LINEAGE + message])
        return _draw(m, f, channel, address, m[c.MESSAGE_ROOT + message])
    partition = m[m[c.SPREAD_NEXT] + row]
    m[m[c.SPREAD_NEXT] + row] = (partition + 1) % m[m[c.CHANNEL_PARTITIONS] + channel]
    return partition


@jit
def of_copy(m: Ints, channel: int, message: int) -> int:
    """Return the partition for a message that the broker itself moves here."""
    partition = _partition_of_key(m, channel, message)
    if partition != NOTHING:
        return partition
    partitions = m[m[c.CHANNEL_PARTITIONS] + channel]
    return m[c.MESSAGE_ID + message] % partitions


@jit
def _stay(m: Ints, f: Reals, channel: int, message: int, row: int) -> int:
    """Stay with a partition until a batch's worth of bytes went there, then draw another."""
    number = m[m[c.SPREAD_STAY_NUMBER] + row]
    if number == NOTHING:
        source = m[c.MESSAGE_SOURCE + message]
        entity = draws.mix(m[m[c.CHANNEL_ADDRESS] + channel], _address_of_source(m, source))
        m[m[c.SPREAD_STAY_ENTITY] + row] = entity
    if number == NOTHING or m[m[c.SPREAD_STAY_BYTES] + row] >= STICKY_BYTES:
        number += 1
        m[m[c.SPREAD_STAY_NUMBER] + row] = number
        entity = m[m[c.SPREAD_STAY_ENTITY] + row]
        m[m[c.SPREAD_STAY_PARTITION] + row] = _draw(m, f, channel, entity, number)
        m[m[c.SPREAD_STAY_BYTES] + row] = 0
    m[m[c.SPREAD_STAY_BYTES] + row] += m[c.MESSAGE_SIZE_BYTES + message]
    return m[m[c.SPREAD_STAY_PARTITION] + row]


@jit
def _draw(m: Ints, f: Reals, channel: int, entity: int, event: int) -> int:
    """Return a partition, each as likely as any other."""
    share = draws.share(m, f, k.STREAM_PARTITION, entity, event)
    return int(share * m[m[c.CHANNEL_PARTITIONS] + channel])


@jit
def _address_of_source(m: Ints, source: int) -> int:
    """Return the address of a producer, or of a consumer that emits."""
    producers = m[c.PRODUCER_ROWS]
    if source < producers:
        return m[m[c.PRODUCER_ADDRESS] + source]
    return m[m[c.CONSUMER_ADDRESS] + source - producers]
