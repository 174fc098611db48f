"""Maps: one hash table of (owner, key) -> value for everything that is remembered now and then.

Open addressing with linear probing; what is removed is closed up at once (Knuth, volume 3, section
6.4, algorithm R), so that nothing has to be cleaned later. Memory makes the table larger between
two events when it is half full.
"""

from __future__ import annotations

from eda_sim.engine.compiled import actions as a
from eda_sim.engine.compiled import cells as c
from eda_sim.engine.compiled.lists import NOTHING
from eda_sim.engine.compiled.pointers import Ints, Reals, action, jit
from eda_sim.engine.lineage import mix

__all__ = ["get", "has", "place_of", "put", "remove"]

_mix = jit(mix)


@jit
def _home(m: Ints, owner: int, key: int) -> int:
    """Return where a pair belongs: the number of slots is a power of two."""
    word = _mix(_mix(owner & 0xFFFFFFFF, key & 0xFFFFFFFF), (key >> 32) & 0xFFFFFFFF)
    return word & (m[c.SLOT_CAPACITY] - 1)


@jit
def place_of(m: Ints, owner: int, key: int) -> int:
    """Return the slot of a pair, or the free slot where it would go."""
    mask = m[c.SLOT_CAPACITY] - 1
    slot = _home(m, owner, key)
    while m[m[c.SLOT_OWNER] + slot] != NOTHING:
        if m[m[c.SLOT_OWNER] + slot] == owner and m[m[c.SLOT_KEY] + slot] == key:
            break
        slot = (slot + 1) & mask
    return slot


@jit
def has(m: Ints, owner: int, key: int) -> bool:
    """Return whether there is a value for a pair."""
    return m[m[c.SLOT_OWNER] + place_of(m, owner, key)] != NOTHING


@jit
def get(m: Ints, owner: int, key: int, otherwise: int) -> int:
    """Return the value for a pair."""
    slot = place_of(m, owner, key)
    if m[m[c.SLOT_OWNER] + slot] == NOTHING:
        return otherwise
    return m[m[c.SLOT_VALUE] + slot]


@jit
def put(m: Ints, owner: int, key: int, value: int) -> None:
    """Set the value for a pair; ``owner`` is at least 0."""
    slot = place_of(m, owner, key)
    if m[m[c.SLOT_OWNER] + slot] == NOTHING:
        m[c.SLOT_USED] += 1
        if 2 * m[c.SLOT_USED] > m[c.SLOT_CAPACITY]:
            m[c.NEEDS_ROOM] = 1
            if 8 * m[c.SLOT_USED] > 7 * m[c.SLOT_CAPACITY]:
                m[c.OVERFLOWED] = 1
                return
        m[m[c.SLOT_OWNER] + slot] = owner
        m[m[c.SLOT_KEY] + slot] = key
    m[m[c.SLOT_VALUE] + slot] = value


@jit
def remove(m: Ints, owner: int, key: int) -> None:
    """Forget a pair, if it is there."""
    mask = m[c.SLOT_CAPACITY] - 1
    hole = place_of(m, owner, key)
    if m[m[c.SLOT_OWNER] + hole] == NOTHING:
        return
    m[c.SLOT_USED] -= 1
    slot = hole
    while True:
        slot = (slot + 1) & mask
        if m[m[c.SLOT_OWNER] + slot] == NOTHING:
            break
        home = _home(m, m[m[c.SLOT_OWNER] + slot], m[m[c.SLOT_KEY] + slot])
        if ((slot - home) & mask) >= ((slot - hole) & mask):
            m[m[c.SLOT_OWNER] + hole] = m[m[c.SLOT_OWNER] + slot]
            m[m[c.SLOT_KEY] + hole] = m[m[c.SLOT_KEY] + slot]
            m[m[c.SLOT_VALUE] + hole] = m[m[c.SLOT_VALUE] + slot]
            hole = slot
    m[m[c.SLOT_OWNER] + hole] = NOTHING


@action(a.REHASH)
def rehash(m: Ints, _f: Reals, slots: int, _b: int, _c: int) -> int:
    """Let everything find its place again in a table that had so many slots, and has more now.

    What has no new place yet has an owner below NOTHING; whoever finds its new place taken by such
    a one takes it, and the other looks for its own.
    """
    capacity = m[c.SLOT_CAPACITY]
    owners, keys, values = m[c.SLOT_OWNER], m[c.SLOT_KEY], m[c.SLOT_VALUE]
    for slot in range(slots):
        if m[owners + slot] != NOTHING:
            m[owners + slot] = NOTHING - 1 - m[owners + slot]
    for slot in range(slots, capacity):
        m[owners + slot] = NOTHING
    for start in range(slots):
        if m[owners + start] >= NOTHING:
            continue
        owner, key, value = NOTHING - 1 - m[owners + start], m[keys + start], m[values + start]
        m[owners + start] = NOTHING
        while owner >= 0:
            slot = _home(m, owner, key)
            while m[owners + slot] >= 0:
                slot = (slot + 1) & (capacity - 1)
            displaced, other_key, other = m[owners + slot], m[keys + slot], m[values + slot]
            m[owners + slot], m[keys + slot], m[values + slot] = owner, key, value
            owner, key, value = NOTHING - 1 - displaced, other_key, other
    return 0
