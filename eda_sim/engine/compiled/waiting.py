"""Waiting lines: in which order a queue hands over what is available.

Every copy gets a place when it first comes. A copy that comes back takes its old place, or goes
before all that were not handed over yet, or to the end. With priorities there is a line for each,
and one for what goes before all of them; with groups see :mod:`message_groups`.

A line is a row: those that wait in the order in which they came and those that go ahead are chains
of copies, those that returned to their old places are a tree. A copy that is settled or removed
while it waits is not searched for: it is passed over when its turn comes.
"""

from __future__ import annotations

from eda_sim.engine.compiled import actions as a
from eda_sim.engine.compiled import cells as c
from eda_sim.engine.compiled import codes as k
from eda_sim.engine.compiled import lists, trees
from eda_sim.engine.compiled.lists import NOTHING
from eda_sim.engine.compiled.message_groups import (
    add_to_group,
    first_of_groups,
    part_from_groups,
    put_back_in_group,
    rejoin_group,
    take_groups,
)
from eda_sim.engine.compiled.pointers import Ints, Reals, action, jit
from eda_sim.engine.compiled.rows import add_row

IN_ORDER = 0
BY_PRIORITY = 1
IN_GROUPS = 2


@jit
def build(m: Ints, queue: int) -> None:
    """Let the line of a subscription be empty; those of its priorities come behind all first."""
    m[m[c.SUBSCRIPTION_LEVELS] + queue] = 0
    m[m[c.SUBSCRIPTION_GROUPS] + queue] = NOTHING
    m[m[c.SUBSCRIPTION_READY] + queue] = NOTHING
    m[m[c.SUBSCRIPTION_SUSPENDED] + queue] = 0
    kind, position = IN_ORDER, m[m[c.SUBSCRIPTION_REQUEUE_POSITION] + queue]
    if m[m[c.SUBSCRIPTION_LEASE_SCOPE] + queue] == k.LEASE_SCOPE_GROUP:
        kind = IN_GROUPS
        m[m[c.SUBSCRIPTION_GROUPS] + queue] = lists.new_list(m)
    elif m[m[c.SUBSCRIPTION_PRIORITIES] + queue] > 1:
        kind = BY_PRIORITY
        m[m[c.SUBSCRIPTION_LEVELS] + queue] = m[m[c.SUBSCRIPTION_PRIORITIES] + queue]
    m[m[c.SUBSCRIPTION_LINE_KIND] + queue] = kind
    m[c.LINE_ROWS] = max(m[c.LINE_ROWS], m[c.SUBSCRIPTION_ROWS])
    _clear(m, queue, position)
    m[m[c.SUBSCRIPTION_FIRST_LEVEL] + queue] = m[c.LINE_ROWS]
    for _ in range(m[m[c.SUBSCRIPTION_LEVELS] + queue]):
        _clear(m, add_row(m, c.LINE_ROWS), k.REQUEUE_POSITION_ORIGINAL)


@jit
def _clear(m: Ints, line: int, position: int) -> None:
    m[m[c.LINE_POSITION] + line] = position
    m[m[c.LINE_NEXT_PLACE] + line] = 0
    m[m[c.LINE_WAITING_FIRST] + line] = NOTHING
    m[m[c.LINE_AHEAD_FIRST] + line] = NOTHING
    m[m[c.LINE_RETURNED] + line] = NOTHING


# One line: first come, first served -----------------------------------------------------------


@jit
def append(m: Ints, cell: int, line: int, entry: int) -> None:
    """Let a copy join the end of a chain, whose first and last stand in two columns."""
    m[c.ENTRY_NEXT + entry] = NOTHING
    if m[m[cell] + line] == NOTHING:
        m[m[cell] + line] = entry
    else:
        m[c.ENTRY_NEXT + m[m[cell + 1] + line]] = entry
    m[m[cell + 1] + line] = entry


@jit
def add(m: Ints, line: int, entry: int) -> None:
    """Let a new copy join a line at the end."""
    m[c.ENTRY_PLACE + entry] = m[m[c.LINE_NEXT_PLACE] + line]
    m[m[c.LINE_NEXT_PLACE] + line] += 1
    append(m, c.LINE_WAITING_FIRST, line, entry)


@jit
def _put_back(m: Ints, line: int, entry: int) -> None:
    position = m[m[c.LINE_POSITION] + line]
    if position == k.REQUEUE_POSITION_ORIGINAL:
        _return(m, line, entry)
    elif position == k.REQUEUE_POSITION_HEAD:
        append(m, c.LINE_AHEAD_FIRST, line, entry)
    else:
        add(m, line, entry)


@jit
def _return(m: Ints, line: int, entry: int) -> None:
    """Let a copy stand at its old place."""
    root, place = m[m[c.LINE_RETURNED] + line], m[c.ENTRY_PLACE + entry]
    m[m[c.LINE_RETURNED] + line] = trees.push(m, root, place, entry)


@jit
def _first_of_chain(m: Ints, cell: int, line: int) -> int:
    """Return the first of a chain that waits still, and forget those before it."""
    entry = m[m[cell] + line]
    while entry != NOTHING and m[c.ENTRY_STATE + entry] != k.STATE_AVAILABLE:
        after = m[c.ENTRY_NEXT + entry]
        m[c.ENTRY_NEXT + entry] = NOTHING
        entry = after
    m[m[cell] + line] = entry
    return entry


@jit
def first(m: Ints, line: int) -> int:
    """Return the copy whose turn it is in one line, or NOTHING."""
    if m[m[c.LINE_AHEAD_FIRST] + line] != NOTHING:
        entry = _first_of_chain(m, c.LINE_AHEAD_FIRST, line)
        if entry != NOTHING:
            return entry
    entry = _first_of_chain(m, c.LINE_WAITING_FIRST, line)
    if m[m[c.LINE_RETURNED] + line] == NOTHING:
        return entry
    root = m[m[c.LINE_RETURNED] + line]
    while root != NOTHING:
        if m[c.ENTRY_STATE + trees.smallest(m, root)] == k.STATE_AVAILABLE:
            break
        root = trees.pop(m, root)
    m[m[c.LINE_RETURNED] + line] = root
    if root == NOTHING:
        return entry
    if entry != NOTHING and m[c.ENTRY_PLACE + entry] < trees.smallest_key(m, root):
        return entry
    return trees.smallest(m, root)


@jit
def take_one(m: Ints, line: int) -> int:
    """Remove and return the copy whose turn it is in one line, or NOTHING."""
    entry = first(m, line)
    if entry == NOTHING:
        return NOTHING
    if m[m[c.LINE_WAITING_FIRST] + line] == entry:
        m[m[c.LINE_WAITING_FIRST] + line] = m[c.ENTRY_NEXT + entry]
    elif m[m[c.LINE_AHEAD_FIRST] + line] == entry:
        m[m[c.LINE_AHEAD_FIRST] + line] = m[c.ENTRY_NEXT + entry]
    else:
        m[m[c.LINE_RETURNED] + line] = trees.pop(m, m[m[c.LINE_RETURNED] + line])
    return entry


@jit
def _part(m: Ints, line: int, partition: int, parted: int) -> None:
    """Move the copies of one partition out of a line, and those that wait still into a list."""
    for cell in (c.LINE_AHEAD_FIRST, c.LINE_WAITING_FIRST):
        entry = m[m[cell] + line]
        m[m[cell] + line] = NOTHING
        while entry != NOTHING:
            after = m[c.ENTRY_NEXT + entry]
            if m[c.ENTRY_PARTITION + entry] != partition:
                append(m, cell, line, entry)
            elif m[c.ENTRY_STATE + entry] == k.STATE_AVAILABLE:
                lists.append(m, parted, entry)
            entry = after
    root = m[m[c.LINE_RETURNED] + line]
    m[m[c.LINE_RETURNED] + line] = NOTHING
    while root != NOTHING:
        entry = trees.smallest(m, root)
        root = trees.pop(m, root)
        if m[c.ENTRY_PARTITION + entry] != partition:
            _return(m, line, entry)
        elif m[c.ENTRY_STATE + entry] == k.STATE_AVAILABLE:
            lists.append(m, parted, entry)


# All lines of a queue -------------------------------------------------------------------------


@jit
def _line_of(m: Ints, queue: int, entry: int) -> int:
    """Return the line of a copy's priority."""
    levels = m[m[c.SUBSCRIPTION_LEVELS] + queue]
    if levels == 0:
        return queue
    priority = m[c.MESSAGE_PRIORITY + m[c.ENTRY_MESSAGE + entry]]
    return m[m[c.SUBSCRIPTION_FIRST_LEVEL] + queue] + min(priority, levels - 1)


@jit
def _next_line(m: Ints, queue: int) -> int:
    """Return the line whose turn it is: what goes ahead, then the highest priority, or NOTHING."""
    if first(m, queue) != NOTHING:
        return queue
    lowest = m[m[c.SUBSCRIPTION_FIRST_LEVEL] + queue]
    line = lowest + m[m[c.SUBSCRIPTION_LEVELS] + queue] - 1
    while line >= lowest:
        if first(m, line) != NOTHING:
            return line
        line -= 1
    return NOTHING


@action(a.ADD_TO_LINE)
def add_to_line(m: Ints, _f: Reals, queue: int, entry: int, _c: int) -> int:
    """Let a new copy join at the end."""
    if m[m[c.SUBSCRIPTION_LINE_KIND] + queue] == IN_GROUPS:
        add_to_group(m, queue, entry)
    else:
        add(m, _line_of(m, queue, entry), entry)
    return 0


@action(a.PUT_BACK)
def put_back(m: Ints, _f: Reals, queue: int, entry: int, _c: int) -> int:
    """Take in a copy that was out and comes back."""
    if m[m[c.SUBSCRIPTION_LINE_KIND] + queue] == IN_GROUPS:
        put_back_in_group(m, queue, entry)
        return 0
    goes_ahead = m[m[c.SUBSCRIPTION_REQUEUE_POSITION] + queue] == k.REQUEUE_POSITION_HEAD
    _put_back(m, queue if goes_ahead else _line_of(m, queue, entry), entry)
    return 0


@action(a.PART_LINE)
def part(m: Ints, _f: Reals, queue: int, partition: int, parted: int) -> int:
    """Move the copies of one partition that wait here into a list."""
    if m[m[c.SUBSCRIPTION_LINE_KIND] + queue] == IN_GROUPS:
        part_from_groups(m, queue, partition, parted)
        return 0
    _part(m, queue, partition, parted)
    lowest = m[m[c.SUBSCRIPTION_FIRST_LEVEL] + queue]
    for line in range(lowest, lowest + m[m[c.SUBSCRIPTION_LEVELS] + queue]):
        _part(m, line, partition, parted)
    return 0


@action(a.REJOIN_LINE)
def rejoin(m: Ints, _f: Reals, queue: int, entry: int, _c: int) -> int:
    """Take in a copy again that has parted, at its old place."""
    if m[m[c.SUBSCRIPTION_LINE_KIND] + queue] == IN_GROUPS:
        rejoin_group(m, queue, entry)
    else:
        _return(m, _line_of(m, queue, entry), entry)
    return 0


@action(a.FIRST_IN_LINE)
def first_in_line(m: Ints, _f: Reals, queue: int, _b: int, _c: int) -> int:
    """Return the copy whose turn it is, if there is one that may be handed over, or NOTHING."""
    if m[m[c.SUBSCRIPTION_LINE_KIND] + queue] == IN_GROUPS:
        return first_of_groups(m, queue)
    line = _next_line(m, queue)
    return NOTHING if line == NOTHING else first(m, line)


@action(a.TAKE_BATCH)
def take_batch(m: Ints, _f: Reals, queue: int, limit: int, _c: int) -> int:
    """Remove the copies of one hand-over, at most so many; return the first of their chain."""
    if m[m[c.SUBSCRIPTION_LINE_KIND] + queue] == IN_GROUPS:
        return take_groups(m, queue, limit)
    head, last = NOTHING, NOTHING
    for _ in range(limit):
        line = _next_line(m, queue)
        if line == NOTHING:
            break
        entry = take_one(m, line)
        m[c.ENTRY_NEXT + entry] = NOTHING
        if last == NOTHING:
            head = entry
        else:
            m[c.ENTRY_NEXT + last] = entry
        last = entry
    return head
