"""Maps: one hash table of (owner, key) -> value for everything that is remembered now and then.

Open addressing with linear probing; what is removed is closed up at once (Knuth, volume 3, section
6.4, algorithm R), so that nothing has to be cleaned later. Memory makes the table larger between
two events when it is half full. A slot is four cells side by side, so that a look at it is one look
at the memory: owner, key, value, and one that is free.
"""

from __future__ import annotations

from eda_sim.engine.compiled import actions as a
from eda_sim.engine.compiled import cells as c
from eda_sim.engine.compiled.lists import NOTHING
from eda_sim.engine.compiled.pointers import Ints, Reals, action, jit

__all__ = ["SLOT", "exchange", "get", "has", "put", "remove"]

SLOT = 4
"""Cells of a slot."""

_KEY = 1
_VALUE = 2

_POSITIVE = 0x7FFFFFFFFFFFFFFF


@jit
def _home(m: Ints, owner: int, key: int) -> int:
    """Return where a pair belongs: the number of cells is a power of two.

    Multiplicative hashing (Knuth, section 6.4) with 32-bit factors. Compiled, the sum may wrap
    around; its lower 63 bits are those of whole numbers all the same.
    """
    word = key * 0x9E3779B1 + (key >> 32) * 0x85EBCA77 + owner * 0xC2B2AE3D
    word ^= (word & _POSITIVE) >> 15
    word = (word & 0xFFFFFFFF) * 0x7FEB352D
    return ((word & _POSITIVE) >> 13) & (m[c.SLOT_CAPACITY] - 1) & -SLOT


@jit
def _slot_of(m: Ints, owner: int, key: int) -> int:
    """Return the first cell of the slot of a pair, or of the free slot where it would go."""
    cells, mask = m[c.SLOT_CELLS], m[c.SLOT_CAPACITY] - 1
    place = _home(m, owner, key)
    while m[cells + place] != NOTHING:
        if m[cells + place] == owner and m[cells + place + _KEY] == key:
            break
        place = (place + SLOT) & mask
    return cells + place


@jit
def has(m: Ints, owner: int, key: int) -> bool:
    """Return whether there is a value for a pair."""
    return m[_slot_of(m, owner, key)] != NOTHING


@jit
def get(m: Ints, owner: int, key: int, otherwise: int) -> int:
    """Return the value for a pair."""
    slot = _slot_of(m, owner, key)
    return otherwise if m[slot] == NOTHING else m[slot + _VALUE]


@jit
def put(m: Ints, owner: int, key: int, value: int) -> None:
    """Set the value for a pair; ``owner`` is at least 0."""
    exchange(m, owner, key, value)


@jit
def exchange(m: Ints, owner: int, key: int, value: int) -> int:
    """Set the value for a pair; return the one before, or NOTHING."""
    slot = _slot_of(m, owner, key)
    before = m[slot + _VALUE]
    if m[slot] == NOTHING:
        before = NOTHING
        used = SLOT * (m[c.SLOT_USED] + 1)
        if 2 * used > m[c.SLOT_CAPACITY]:
            m[c.NEEDS_ROOM] = 1
            if 8 * used > 7 * m[c.SLOT_CAPACITY]:
                m[c.OVERFLOWED] = 1
                return NOTHING
        m[c.SLOT_USED] += 1
        m[slot] = owner
        m[slot + _KEY] = key
    m[slot + _VALUE] = value
    return before


@jit
def _move(m: Ints, slot: int, to: int) -> None:
    m[to] = m[slot]
    m[to + _KEY] = m[slot + _KEY]
    m[to + _VALUE] = m[slot + _VALUE]


@jit
def remove(m: Ints, owner: int, key: int) -> None:
    """Forget a pair, if it is there."""
    cells, mask = m[c.SLOT_CELLS], m[c.SLOT_CAPACITY] - 1
    hole = _slot_of(m, owner, key) - cells
    if m[cells + hole] == NOTHING:
        return
    m[c.SLOT_USED] -= 1
    place = hole
    while True:
        place = (place + SLOT) & mask
        if m[cells + place] == NOTHING:
            break
        home = _home(m, m[cells + place], m[cells + place + _KEY])
        if ((place - home) & mask) >= ((place - hole) & mask):
            _move(m, cells + place, cells + hole)
            hole = place
    m[cells + hole] = NOTHING


@action(a.REHASH)
def rehash(m: Ints, _f: Reals, used: int, _b: int, _c: int) -> int:
    """Let everything find its place again in a table that had so many cells, and has more now.

    What has no new place yet has an owner below NOTHING; whoever finds its new place taken by such
    a one takes it, and the other looks for its own.
    """
    cells, capacity = m[c.SLOT_CELLS], m[c.SLOT_CAPACITY]
    for place in range(0, used, SLOT):
        if m[cells + place] != NOTHING:
            m[cells + place] = NOTHING - 1 - m[cells + place]
    for place in range(used, capacity, SLOT):
        m[cells + place] = NOTHING
    for start in range(0, used, SLOT):
        if m[cells + start] >= NOTHING:
            continue
        owner = NOTHING - 1 - m[cells + start]
        key, value = m[cells + start + _KEY], m[cells + start + _VALUE]
        m[cells + start] = NOTHING
        while owner >= 0:
            place = _home(m, owner, key)
            while m[cells + place] >= 0:
                place = (place + SLOT) & (capacity - 1)
            slot = cells + place
            displaced, other_key, other = m[slot], m[slot + _KEY], m[slot + _VALUE]
            m[slot], m[slot + _KEY], m[slot + _VALUE] = owner, key, value
            owner, key, value = NOTHING - 1 - displaced, other_key, other
    return 0
