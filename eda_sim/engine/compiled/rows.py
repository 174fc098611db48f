"""Rows: where the tables that grow during a run get their rows from.

Such a table takes memory in *stretches*: one or more chunks of equal size that nobody else uses. A
stretch begins with a few cells of its own (whose it is, how long, where its used rows end, how many
rows came before), then come rows side by side, each in one piece. A row is known by where it lies:
the number of a row is its first cell less the number of the table's first column, so that column
plus row is a cell.

Rows never move. When the memory becomes larger, everything keeps its place in it.
"""

from __future__ import annotations

from eda_sim.engine.compiled import cells as c
from eda_sim.engine.compiled.pointers import Ints, jit

COLUMNS = 2
"""Cells of a table before its first column."""

# What the header knows of a table of rows, behind how many it has.
NEXT = 1
END = 2
WIDTH = 3
STRETCH = 4
FREE = 5

# What stands at the beginning of a stretch.
OWNER = 0
CHUNKS = 1
USED_END = 2
ROWS_BEFORE = 3
HEAD = 8

CHUNK = 1 << 15
"""Cells of a chunk."""

NO_ROW = 0
"""What ends a chain of free rows, whose links stand in their first column."""


@jit
def add_row(m: Ints, rows: int) -> int:
    """Return a new last row of a table of columns, whose first cell is ``rows``."""
    row = m[rows]
    if row >= m[rows + 1]:
        m[c.OVERFLOWED] = 1
        return m[rows + 1]
    m[rows] = row + 1
    return row


@jit
def new_row(m: Ints, rows: int) -> int:
    """Return a new row of a table of rows, whose first cell is ``rows``."""
    m[rows] += 1
    free = m[rows + FREE]
    if free != NO_ROW:
        m[rows + FREE] = m[rows + COLUMNS + free]
        return free
    at, width = m[rows + NEXT], m[rows + WIDTH]
    if at + width > m[rows + END]:
        at = _next_stretch(m, rows, 1)
    m[rows + NEXT] = at + width
    return at - rows - COLUMNS


@jit
def new_rows(m: Ints, rows: int, count: int) -> int:
    """Return the first of new rows that lie side by side."""
    first = reserve(m, rows, count)
    m[rows + NEXT] += count * m[rows + WIDTH]
    m[rows] += count
    return first


@jit
def reserve(m: Ints, rows: int, count: int) -> int:
    """Let the next rows of a table of rows lie side by side; return where the first will be."""
    at = m[rows + NEXT]
    if at + count * m[rows + WIDTH] > m[rows + END]:
        at = _next_stretch(m, rows, count)
    return at - rows - COLUMNS


@jit
def _next_stretch(m: Ints, rows: int, count: int) -> int:
    """Let a table go on in a new stretch with room for so many rows; return its first cell."""
    if m[rows + STRETCH]:
        m[m[rows + STRETCH] + USED_END] = m[rows + NEXT]
    chunks = (HEAD + count * m[rows + WIDTH] + CHUNK - 1) // CHUNK
    start = m[c.NEXT_STRETCH]
    if chunks == 1 and m[c.FREE_CHUNK]:
        start = m[c.FREE_CHUNK]
        m[c.FREE_CHUNK] = m[start + USED_END]
        m[start + OWNER] = rows
        m[start + USED_END] = 0
        m[start + ROWS_BEFORE] = m[rows]
        m[rows + STRETCH] = start
    elif start + chunks * CHUNK > m[c.END_OF_ROOM]:
        # Whoever asks gets memory that nobody reads any more: the run will be begun again.
        m[c.OVERFLOWED] = 1
        start = m[c.SPARE_ROOM]
    else:
        m[c.NEXT_STRETCH] = start + chunks * CHUNK
        if 4 * m[c.NEXT_STRETCH] > 3 * m[c.END_OF_ROOM]:
            m[c.NEEDS_ROOM] = 1
        m[start + OWNER] = rows
        m[start + CHUNKS] = chunks
        m[start + USED_END] = 0
        m[start + ROWS_BEFORE] = m[rows]
        m[rows + STRETCH] = start
    m[rows + NEXT] = start + HEAD
    m[rows + END] = start + chunks * CHUNK
    return start + HEAD
