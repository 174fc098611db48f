"""Message groups: a group waits while one of its copies is out; the others go on (SQS FIFO).

One hand-over takes as many copies of the group whose turn it is as it may, in their order, and then
those of the next group. A copy without a key is a group of its own.
"""

from __future__ import annotations

from eda_sim.engine.compiled import actions as a
from eda_sim.engine.compiled import cells as c
from eda_sim.engine.compiled import codes as k
from eda_sim.engine.compiled import lists, maps, trees
from eda_sim.engine.compiled.lists import NOTHING
from eda_sim.engine.compiled.pointers import Ints, Reals, action, jit
from eda_sim.engine.compiled.rows import new_row

_OWNERS = 2_100_000
"""Owner in the hash table of the groups of the first subscription, by name."""


@jit
def _name(m: Ints, entry: int) -> int:
    key = m[c.MESSAGE_KEY + m[c.ENTRY_MESSAGE + entry]]
    return ~m[c.ENTRY_PLACE + entry] if key == k.NONE else key


@jit
def _group(m: Ints, queue: int, name: int) -> int:
    """Return the group of a name; make it if there is none."""
    group = maps.get(m, _OWNERS + queue, name, NOTHING)
    if group != NOTHING:
        return group
    group = m[c.FREE_MESSAGE_GROUP]
    if group == NOTHING:
        group = new_row(m, c.MESSAGE_GROUP_ROWS)
    else:
        m[c.FREE_MESSAGE_GROUP] = m[c.MESSAGE_GROUP_NODE + group]
    m[c.MESSAGE_GROUP_NAME + group] = name
    m[c.MESSAGE_GROUP_WAITING + group] = NOTHING
    m[c.MESSAGE_GROUP_OUT + group] = 0
    node = lists.append(m, m[m[c.SUBSCRIPTION_GROUPS] + queue], group)
    m[c.MESSAGE_GROUP_NODE + group] = node
    maps.put(m, _OWNERS + queue, name, group)
    return group


@jit
def _first(m: Ints, group: int) -> int:
    """Return the copy whose turn it is within a group, or NOTHING."""
    root = m[c.MESSAGE_GROUP_WAITING + group]
    while root != NOTHING:
        if m[c.ENTRY_STATE + trees.smallest(m, root)] == k.STATE_AVAILABLE:
            break
        root = trees.pop(m, root)
    m[c.MESSAGE_GROUP_WAITING + group] = root
    return NOTHING if root == NOTHING else trees.smallest(m, root)


@jit
def _wait(m: Ints, group: int, entry: int) -> None:
    root, place = m[c.MESSAGE_GROUP_WAITING + group], m[c.ENTRY_PLACE + entry]
    m[c.MESSAGE_GROUP_WAITING + group] = trees.push(m, root, place, entry)


@jit
def _make_ready(m: Ints, queue: int, group: int) -> None:
    """Let a group stand in line with the oldest of its copies; forget one that has none."""
    entry, name = _first(m, group), m[c.MESSAGE_GROUP_NAME + group]
    if entry != NOTHING:
        root, place = m[m[c.SUBSCRIPTION_READY] + queue], m[c.ENTRY_PLACE + entry]
        m[m[c.SUBSCRIPTION_READY] + queue] = trees.push(m, root, place, name)
        return
    maps.remove(m, _OWNERS + queue, name)
    lists.remove(m, m[m[c.SUBSCRIPTION_GROUPS] + queue], m[c.MESSAGE_GROUP_NODE + group])
    m[c.MESSAGE_GROUP_NODE + group] = m[c.FREE_MESSAGE_GROUP]
    m[c.FREE_MESSAGE_GROUP] = group


@jit
def add_to_group(m: Ints, queue: int, entry: int) -> None:
    """Let a new copy join the end of its group."""
    m[c.ENTRY_PLACE + entry] = m[m[c.LINE_NEXT_PLACE] + queue]
    m[m[c.LINE_NEXT_PLACE] + queue] += 1
    group = _group(m, queue, _name(m, entry))
    is_first = _first(m, group) == NOTHING
    _wait(m, group, entry)
    if is_first and m[c.MESSAGE_GROUP_OUT + group] == 0:
        _make_ready(m, queue, group)


@jit
def put_back_in_group(m: Ints, queue: int, entry: int) -> None:
    """Take in a copy that comes back to its old place in its group."""
    group = _group(m, queue, _name(m, entry))
    _wait(m, group, entry)
    _one_less_out(m, queue, group)


@action(a.SETTLED_IN_LINE)
def settled(m: Ints, _f: Reals, queue: int, entry: int, _c: int) -> int:
    """Note that a copy that was out will not come back: its group may go on."""
    _one_less_out(m, queue, _group(m, queue, _name(m, entry)))
    return 0


@jit
def _one_less_out(m: Ints, queue: int, group: int) -> None:
    m[c.MESSAGE_GROUP_OUT + group] -= 1
    if m[c.MESSAGE_GROUP_OUT + group] == 0:
        _make_ready(m, queue, group)


@jit
def part_from_groups(m: Ints, queue: int, partition: int, parted: int) -> None:
    """Move the copies of one partition out of their groups; a group lies in one partition."""
    node = lists.first(m, m[m[c.SUBSCRIPTION_GROUPS] + queue])
    while node != NOTHING:
        group = lists.value(m, node)
        root = m[c.MESSAGE_GROUP_WAITING + group]
        m[c.MESSAGE_GROUP_WAITING + group] = NOTHING
        while root != NOTHING:
            entry = trees.smallest(m, root)
            root = trees.pop(m, root)
            if m[c.ENTRY_PARTITION + entry] != partition:
                _wait(m, group, entry)
            elif m[c.ENTRY_STATE + entry] == k.STATE_AVAILABLE:
                lists.append(m, parted, entry)
        node = lists.following(m, node)


@jit
def rejoin_group(m: Ints, queue: int, entry: int) -> None:
    """Take in a copy again that has parted, at its old place in its group."""
    group = _group(m, queue, _name(m, entry))
    _wait(m, group, entry)
    if m[c.MESSAGE_GROUP_OUT + group] == 0:
        _make_ready(m, queue, group)


@jit
def _next_group(m: Ints, queue: int) -> int:
    """Return the group whose turn it is: the one with the oldest copy that may go, or NOTHING."""
    while m[m[c.SUBSCRIPTION_READY] + queue] != NOTHING:
        root = m[m[c.SUBSCRIPTION_READY] + queue]
        place, name = trees.smallest_key(m, root), trees.smallest(m, root)
        group = maps.get(m, _OWNERS + queue, name, NOTHING)
        may_go = group != NOTHING and m[c.MESSAGE_GROUP_OUT + group] == 0
        if may_go:
            entry = _first(m, group)
            if entry != NOTHING and m[c.ENTRY_PLACE + entry] == place:
                return group
        m[m[c.SUBSCRIPTION_READY] + queue] = trees.pop(m, root)
        if may_go:
            _make_ready(m, queue, group)
    return NOTHING


@jit
def first_of_groups(m: Ints, queue: int) -> int:
    """Return the copy whose turn it is, or NOTHING."""
    group = _next_group(m, queue)
    return NOTHING if group == NOTHING else _first(m, group)


@jit
def take_groups(m: Ints, queue: int, limit: int) -> int:
    """Remove the copies of one hand-over; return the first of their chain."""
    head, last, taken = NOTHING, NOTHING, 0
    while taken < limit:
        group = _next_group(m, queue)
        if group == NOTHING:
            break
        m[m[c.SUBSCRIPTION_READY] + queue] = trees.pop(m, m[m[c.SUBSCRIPTION_READY] + queue])
        while taken < limit:
            entry = _first(m, group)
            if entry == NOTHING:
                break
            m[c.MESSAGE_GROUP_WAITING + group] = trees.pop(m, m[c.MESSAGE_GROUP_WAITING + group])
            m[c.MESSAGE_GROUP_OUT + group] += 1
            m[c.ENTRY_NEXT + entry] = NOTHING
            if last == NOTHING:
                head = entry
            else:
                m[c.ENTRY_NEXT + last] = entry
            last = entry
            taken += 1
    return head
