"""Trees: priority queues of (key, value), as leftist trees of nodes.

A tree is named by its root, NOTHING for an empty one; whoever keeps it writes the new root down.

References
----------
C. A. Crane, "Linear lists and priority queues as balanced binary trees" (1972); D. E. Knuth, "The
Art of Computer Programming", volume 3, section 5.2.3.
"""

from __future__ import annotations

from eda_sim.engine.compiled import cells as c
from eda_sim.engine.compiled.lists import NOTHING, free_node, new_node
from eda_sim.engine.compiled.pointers import Ints, jit


@jit
def _rank(m: Ints, root: int) -> int:
    """Return the length of the right spine; a node keeps it where a list keeps its neighbour."""
    if root == NOTHING:
        return 0
    return m[c.NODE_PREVIOUS + root]


@jit
def merge(m: Ints, one: int, other: int) -> int:
    """Return the root of the tree that holds two others; equal keys keep no order."""
    # Down the right spines, keeping the way back in NEXT; then up, restoring the ranks.
    way = NOTHING
    while one != NOTHING and other != NOTHING:
        if m[c.NODE_KEY + other] < m[c.NODE_KEY + one]:
            one, other = other, one
        m[c.NODE_NEXT + one] = way
        way = one
        one = m[c.NODE_RIGHT + one]
    root = other if one == NOTHING else one
    while way != NOTHING:
        above = m[c.NODE_NEXT + way]
        left = m[c.NODE_LEFT + way]
        if _rank(m, left) < _rank(m, root):
            left, root = root, left
        m[c.NODE_LEFT + way] = left
        m[c.NODE_RIGHT + way] = root
        m[c.NODE_PREVIOUS + way] = _rank(m, root) + 1
        root = way
        way = above
    return root


@jit
def push(m: Ints, root: int, key: int, value: int) -> int:
    """Add a value under a key; return the new root."""
    node = new_node(m, value)
    m[c.NODE_KEY + node] = key
    m[c.NODE_LEFT + node] = NOTHING
    m[c.NODE_RIGHT + node] = NOTHING
    m[c.NODE_PREVIOUS + node] = 1
    return merge(m, root, node)


@jit
def smallest(m: Ints, root: int) -> int:
    """Return the value under the smallest key of a tree that is not empty."""
    return m[c.NODE_VALUE + root]


@jit
def smallest_key(m: Ints, root: int) -> int:
    """Return the smallest key of a tree that is not empty."""
    return m[c.NODE_KEY + root]


@jit
def pop(m: Ints, root: int) -> int:
    """Remove the smallest key; return the new root."""
    rest = merge(m, m[c.NODE_LEFT + root], m[c.NODE_RIGHT + root])
    free_node(m, root)
    return rest
