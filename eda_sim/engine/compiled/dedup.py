"""Deduplicators: remember which messages have taken effect, for a while.

A record is written when an effect takes place and read when a worker takes a delivery up. Between
the two, a second delivery of the same message passes: effect and record are one, but look-up and
effect are not.

A memory is a list of messages in the order of their records; a map leads to the nodes.
"""

from __future__ import annotations

from eda_sim.engine.compiled import cells as c
from eda_sim.engine.compiled import codes as k
from eda_sim.engine.compiled import lists, maps
from eda_sim.engine.compiled.lists import NOTHING
from eda_sim.engine.compiled.pointers import Ints, jit
from eda_sim.engine.compiled.rows import new_row

_OWNERS = 3_000_000
"""The first of the owners in the table of maps."""


@jit
def new_memory(m: Ints) -> int:
    """Return a memory in which there is nothing."""
    memory = new_row(m, c.MEMORY_ROWS)
    m[c.MEMORY_SEEN + memory] = lists.new_list(m)
    return memory


@jit
def has_seen(m: Ints, consumer: int, memory: int, number: int) -> bool:
    """Return whether the message with a number took effect within the window."""
    node = maps.get(m, _OWNERS + memory, number, NOTHING)
    if node == NOTHING:
        return False
    window_ns = m[m[c.CONSUMER_DEDUP_WINDOW_NS] + consumer]
    return window_ns == k.NONE or m[c.NOW] - m[c.NODE_KEY + node] <= window_ns


@jit
def record(m: Ints, consumer: int, memory: int, number: int) -> None:
    """Remember that a message took effect now, and forget what is too old."""
    seen, owner = m[c.MEMORY_SEEN + memory], _OWNERS + memory
    node = lists.append(m, seen, number)
    m[c.NODE_KEY + node] = m[c.NOW]
    before = maps.exchange(m, owner, number, node)
    if before != NOTHING:
        lists.remove(m, seen, before)
    count = m[m[c.CONSUMER_DEDUP_COUNT] + consumer]
    if count != k.NONE and lists.size(m, seen) > count:
        maps.remove(m, owner, lists.pop_first(m, seen))
    window_ns = m[m[c.CONSUMER_DEDUP_WINDOW_NS] + consumer]
    if window_ns == k.NONE:
        return
    while lists.size(m, seen):
        if m[c.NODE_KEY + lists.first(m, seen)] >= m[c.NOW] - window_ns:
            return
        maps.remove(m, owner, lists.pop_first(m, seen))


@jit
def forget_all(m: Ints, memory: int) -> None:
    """Let everything go."""
    seen = m[c.MEMORY_SEEN + memory]
    while lists.size(m, seen):
        maps.remove(m, _OWNERS + memory, lists.pop_first(m, seen))
