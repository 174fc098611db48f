"""Lists: doubly linked lists of numbers, for everything that waits in an order of its own.

A list is a row of the table LIST, its elements are rows of NODE. Rows that are free again form a
chain of their own.
"""

from __future__ import annotations

from eda_sim.engine.compiled import cells as c
from eda_sim.engine.compiled.pointers import Ints, jit
from eda_sim.engine.compiled.rows import new_row

NOTHING = -1
"""No row."""


@jit
def new_node(m: Ints, value: int) -> int:
    """Return a node that stands in no list yet."""
    node = m[c.FREE_NODE]
    if node == NOTHING:
        node = new_row(m, c.NODE_ROWS)
    else:
        m[c.FREE_NODE] = m[c.NODE_NEXT + node]
    m[c.NODE_VALUE + node] = value
    return node


@jit
def free_node(m: Ints, node: int) -> None:
    """Give a node back."""
    m[c.NODE_NEXT + node] = m[c.FREE_NODE]
    m[c.FREE_NODE] = node


@jit
def new_list(m: Ints) -> int:
    """Return an empty list."""
    row = m[c.FREE_LIST]
    if row == NOTHING:
        row = new_row(m, c.LIST_ROWS)
    else:
        m[c.FREE_LIST] = m[c.LIST_FIRST + row]
    m[c.LIST_FIRST + row] = NOTHING
    m[c.LIST_LAST + row] = NOTHING
    m[c.LIST_SIZE + row] = 0
    return row


@jit
def size(m: Ints, line: int) -> int:
    """Return how many elements a list has."""
    return m[c.LIST_SIZE + line]


@jit
def first(m: Ints, line: int) -> int:
    """Return the first node of a list, or NOTHING."""
    return m[c.LIST_FIRST + line]


@jit
def last(m: Ints, line: int) -> int:
    """Return the last node of a list, or NOTHING."""
    return m[c.LIST_LAST + line]


@jit
def following(m: Ints, node: int) -> int:
    """Return the next node, or NOTHING."""
    return m[c.NODE_NEXT + node]


@jit
def value(m: Ints, node: int) -> int:
    """Return the element at a node."""
    return m[c.NODE_VALUE + node]


@jit
def append(m: Ints, line: int, element: int) -> int:
    """Add an element at the end; return its node."""
    node = new_node(m, element)
    before = m[c.LIST_LAST + line]
    m[c.NODE_PREVIOUS + node] = before
    m[c.NODE_NEXT + node] = NOTHING
    if before == NOTHING:
        m[c.LIST_FIRST + line] = node
    else:
        m[c.NODE_NEXT + before] = node
    m[c.LIST_LAST + line] = node
    m[c.LIST_SIZE + line] += 1
    return node


@jit
def remove(m: Ints, line: int, node: int) -> int:
    """Take a node out of its list and give it back; return its element."""
    before, after = m[c.NODE_PREVIOUS + node], m[c.NODE_NEXT + node]
    if before == NOTHING:
        m[c.LIST_FIRST + line] = after
    else:
        m[c.NODE_NEXT + before] = after
    if after == NOTHING:
        m[c.LIST_LAST + line] = before
    else:
        m[c.NODE_PREVIOUS + after] = before
    m[c.LIST_SIZE + line] -= 1
    element = m[c.NODE_VALUE + node]
    free_node(m, node)
    return element


@jit
def pop_first(m: Ints, line: int) -> int:
    """Take out and return the first element of a list that has one."""
    return remove(m, line, first(m, line))


@jit
def find(m: Ints, line: int, element: int) -> int:
    """Return the first node with an element, or NOTHING."""
    node = first(m, line)
    while node != NOTHING and m[c.NODE_VALUE + node] != element:
        node = m[c.NODE_NEXT + node]
    return node


@jit
def clear(m: Ints, line: int) -> None:
    """Take all elements out."""
    while first(m, line) != NOTHING:
        pop_first(m, line)


@jit
def free_list(m: Ints, line: int) -> None:
    """Give a list back, with all that is in it."""
    clear(m, line)
    m[c.LIST_FIRST + line] = m[c.FREE_LIST]
    m[c.FREE_LIST] = line
