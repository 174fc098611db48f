"""Emits: what a consumer publishes after an effect, or when it gives a message up."""

from __future__ import annotations

from eda_sim.engine.compiled import actions as a
from eda_sim.engine.compiled import cells as c
from eda_sim.engine.compiled import codes as k
from eda_sim.engine.compiled import draws, maps, model
from eda_sim.engine.compiled.pointers import Ints, Reals, action, jit
from eda_sim.engine.compiled.publishers import publish_from

_PURPOSES = 4
"""Owners in the hash table per row of the emits: repetitions after effects and after failures,
arrivals of a fan-in, and how many of them."""


@action(a.EMIT)
def emit(m: Ints, f: Reals, cause: int, instance: int, on_failure: int) -> int:
    """Publish what follows from an effect of ``cause``, or from giving it up."""
    consumer = m[m[c.INSTANCE_CONSUMER] + instance]
    first = m[m[c.CONSUMER_FIRST_EMIT] + consumer]
    last = first + m[m[c.CONSUMER_EMITS] + consumer]
    repetition = -1
    for emission in range(first, last):
        if m[m[c.EMIT_ON_FAILURE] + emission] != on_failure:
            continue
        if repetition < 0:
            owner, number = first * _PURPOSES + on_failure, m[c.MESSAGE_ID + cause]
            repetition = maps.get(m, owner, number, 0)
            maps.put(m, owner, number, repetition + 1)
        if _is_complete(m, emission, cause):
            _publish(m, f, emission, cause, instance, repetition)
    return 0


@jit
def _is_complete(m: Ints, emission: int, cause: int) -> bool:
    """Return whether this effect is the last that a fan-in has waited for."""
    join = m[m[c.EMIT_JOIN] + emission]
    if join == 1:
        return True
    chain, number = m[c.MESSAGE_CORRELATION_ID + cause], m[c.MESSAGE_ID + cause]
    counts = emission * _PURPOSES + 3
    arrived = maps.get(m, counts, chain, 0)
    if arrived == join:
        return False
    if not maps.has(m, emission * _PURPOSES + 2, number):
        maps.put(m, emission * _PURPOSES + 2, number, 1)
        arrived += 1
        maps.put(m, counts, chain, arrived)
    return arrived == join


@jit
def _happens(m: Ints, f: Reals, emission: int, lineage: int, repetition: int, root: int) -> bool:
    """Return whether an entry is published, by chance; those of one choice share their draw."""
    start, end = f[m[c.EMIT_CHANCE_FROM] + emission], f[m[c.EMIT_CHANCE_TO] + emission]
    if start == 0.0 and end == 1.0:
        return True
    first = m[m[c.EMIT_DRAWN_WITH] + emission]
    entity = draws.mix(draws.mix(lineage, m[m[c.EMIT_ADDRESS] + first]), repetition)
    return start <= draws.unit(m, k.STREAM_EMISSION, entity, root, 0) < end


@jit
def _publish(m: Ints, f: Reals, emission: int, cause: int, instance: int, repetition: int) -> None:
    """Publish what an entry of the emits makes of ``cause``, if chance has it."""
    lineage, number = m[c.MESSAGE_LINEAGE + cause], repetition
    if m[m[c.EMIT_JOIN] + emission] > 1:  # whichever came last, the address is that of the whole
        lineage, number = m[c.MESSAGE_FIRST_LINEAGE + cause], 0
    root, size = m[c.MESSAGE_ROOT + cause], m[m[c.EMIT_SIZE] + emission]
    if not _happens(m, f, emission, lineage, number, root):
        return
    lineage = draws.mix(draws.mix(lineage, m[m[c.EMIT_ADDRESS] + emission]), number)
    size_bytes = m[c.MESSAGE_SIZE_BYTES + cause]
    if size != k.NONE:
        size_bytes = draws.count(m, f, size, k.STREAM_EMIT_SIZE, lineage, root)
    consumer = m[m[c.INSTANCE_CONSUMER] + instance]
    sequence = m[m[c.CONSUMER_SEQUENCE] + consumer]
    m[m[c.CONSUMER_SEQUENCE] + consumer] = sequence + 1
    message = model.create(
        m,
        m[m[c.CONSUMER_SOURCE] + consumer],
        m[m[c.EMIT_CHANNEL] + emission],
        sequence,
        m[c.MESSAGE_KEY + cause] if m[m[c.EMIT_KEEP_KEY] + emission] else k.NONE,
        size_bytes,
        lineage,
        root,
        cause,
    )
    publish_from(m, f, instance, m[m[c.INSTANCE_PUBLISHING] + instance], message)
