"""The memory of a run: where everything lies, and how it grows.

All of it is one array of integers and one of reals. Behind the header (:mod:`cells`) come the
addresses of all actions, then the tables of columns, which the plan fixes, then the room of the
tables of rows (:mod:`rows`). There is more room than a run needs, since an operating system gives
memory only when it is touched; what stands in it at first is anything (:mod:`buffers`). Between two
events the run may ask for more: the array becomes longer, and everything keeps its place in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from eda_sim.engine.compiled import cells, rows
from eda_sim.engine.compiled.buffers import BUFFERS
from eda_sim.engine.compiled.pointers import COMPILED

REALS = frozenset(
    {
        cells.CHANNEL_APPEND_PER_REQUEST_S,
        cells.CHANNEL_APPEND_FIXED_S,
        cells.CHANNEL_APPEND_PER_BYTE_S,
        cells.CONSUMER_ERROR_PROBABILITY,
        cells.CONSUMER_POISON_PROBABILITY,
        cells.CONSUMER_BREAKER_FAILURE_RATE,
        cells.EMIT_CHANCE_FROM,
        cells.EMIT_CHANCE_TO,
        cells.FAULT_FACTOR,
        cells.FAULT_PROBABILITY,
        cells.INSTANCE_FACTOR,
        cells.KEY_SHARE_CUMULATIVE,
        cells.PRODUCER_REST,
        cells.RETRY_REAL_NUMBER,
        cells.SEGMENT_RATE_PER_S,
        cells.SEGMENT_START_PROBABILITY,
        cells.SOURCE_ACKNOWLEDGEMENT_LOSS,
        cells.SOURCE_DUPLICATION,
        cells.SOURCE_LOSS,
        cells.SOURCE_S_PER_BYTE,
    }
)
"""Cells of the columns that lie among the reals."""

SPARE = 1
"""Rows behind the last one of each table of columns, for what comes when there is no room."""

_ALIGNED = 8
"""Cells of a line of the cache."""

Numbers = npt.NDArray[np.int64]


class Table(NamedTuple):
    """One table: what its cells are called, and how wide its rows are if it consists of rows."""

    name: str
    first: int
    columns: dict[str, int]
    width: int


def _tables() -> dict[str, Table]:
    names = {name: cell for name, cell in vars(cells).items() if isinstance(cell, int)}
    tables: dict[str, Table] = {}
    for name, first in names.items():
        if names.get(f"{name}_ROWS") == first:
            prefix = f"{name}_"
            columns = {
                other.removeprefix(prefix).lower(): cell
                for other, cell in names.items()
                if other.startswith(prefix) and first + 1 < cell < first + cells.WIDEST
            }
            tables[name] = Table(name, first, columns, names.get(f"{name}_WIDTH", 0))
    return tables


TABLES = _tables()
OF_ROWS = {name: table for name, table in TABLES.items() if table.width}
OF_COLUMNS = {name: table for name, table in TABLES.items() if not table.width}


class Columns(Mapping[str, Numbers]):
    """Columns of rows; each is taken out of them when it is asked for, since few ever are.

    Parameters
    ----------
    blocks : list of int64 array
        Rows that lie side by side, one block after the other.
    places : mapping
        Name of a column -> its place in a row.
    """

    def __init__(self, blocks: list[Numbers], places: Mapping[str, int]) -> None:
        self._blocks, self._places = blocks, dict(places)
        self._taken: dict[str, Numbers] = {}

    def __getitem__(self, name: str) -> Numbers:
        if name not in self._taken:
            place = self._places[name]
            parts = [np.zeros(0, dtype=np.int64), *(block[:, place] for block in self._blocks)]
            self._taken[name] = np.concatenate(parts)
            if len(self._taken) == len(self._places):
                self._blocks = []  # so that the memory of the run can go
        return self._taken[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


class Scratch:
    """An array that is used again and again: new memory costs more than what is done with it."""

    def __init__(self) -> None:
        self._cells: Numbers = np.zeros(0, dtype=np.int64)

    def of(self, size: int) -> Numbers:
        """Return so many cells, whatever stands in them; those given out before are gone."""
        if size > self._cells.size:
            self._cells = np.empty(2 * size, dtype=np.int64)
        return self._cells[:size]


class Memory:
    """The memory of one run.

    Parameters
    ----------
    capacities : mapping
        Rows of each table of columns; one that is not named has none.
    room : int
        Cells for tables of rows.
    spare : int
        Cells that the largest number of rows takes that must lie side by side.
    actions : int
        Addresses of functions to keep room for.
    data : float64 array
        What the samplers read: it comes first among the reals.
    """

    def __init__(
        self,
        capacities: Mapping[str, int],
        *,
        room: int,
        spare: int,
        actions: int,
        data: npt.NDArray[np.float64],
    ) -> None:
        self.capacities = {name: capacities.get(name, 0) for name in OF_COLUMNS}
        self._bases: dict[int, int] = {}
        ints, reals = cells.HEADER + actions, len(data)
        for name, table in OF_COLUMNS.items():
            length = self.capacities[name] + SPARE
            for cell in table.columns.values():
                if cell in REALS:
                    self._bases[cell], reals = reals, reals + length
                else:
                    self._bases[cell], ints = ints, ints + length
        self._first = -(-ints // _ALIGNED) * _ALIGNED
        chunks = -(-(rows.HEAD + spare) // rows.CHUNK)
        self._spare = self._first
        self._first += chunks * rows.CHUNK
        self.reals: Any = np.empty(reals, dtype=np.float64) if COMPILED else [0.0] * reals
        self.ints: Any = _cells(self._first + room, self._first + rows.CHUNK)
        self._write_header(actions)
        self.reals[: len(data)] = data if COMPILED else data.tolist()

    def _write_header(self, actions: int) -> None:
        self.ints[: cells.HEADER + actions] = _blank(cells.HEADER + actions)
        for name, table in OF_COLUMNS.items():
            self.ints[table.first + 1] = self.capacities[name]
        for cell, base in self._bases.items():
            self.ints[cell] = base
        for table in OF_ROWS.values():
            self.ints[table.first + rows.WIDTH] = table.width
        self.ints[cells.FUNCTIONS] = cells.HEADER
        self.ints[cells.SPARE_ROOM] = self._spare
        self.ints[cells.NEXT_STRETCH] = self._first
        self.ints[cells.END_OF_ROOM] = len(self.ints)

    # Tables of columns ------------------------------------------------------------------------

    def fill(self, table: str, columns: Mapping[str, npt.NDArray[np.generic]]) -> None:
        """Write columns of a plan; they say how many rows the table has.

        Parameters
        ----------
        table : str
            Name of the table.
        columns : mapping
            Lower-case name of the column -> its values.
        """
        for name, values in columns.items():
            cell = TABLES[table].columns[name]
            base, array = self._bases[cell], self.reals if cell in REALS else self.ints
            array[base : base + len(values)] = values if COMPILED else values.tolist()
            self.ints[TABLES[table].first] = len(values)

    def set(self, table: str, column: str, value: int, start: int = 0) -> None:
        """Write one value into all rows of a column, from one on."""
        base, end = self._bases[TABLES[table].columns[column]], self.rows(table)
        self.ints[base + start : base + end] = value if COMPILED else [value] * (end - start)

    def base(self, table: str, column: str) -> int:
        """Return where a column begins."""
        return self._bases[TABLES[table].columns[column]]

    def column(self, table: str, column: str) -> Numbers:
        """Return a column of integers; a view where it can be one."""
        base = self.base(table, column)
        return np.asarray(self.ints[base : base + self.rows(table)], dtype=np.int64)

    def rows(self, table: str) -> int:
        """Return how many rows a table has."""
        return int(self.ints[TABLES[table].first])

    def widen(self, table: str, capacity: int) -> None:
        """Move a table of columns to where it has more room.

        Parameters
        ----------
        table : str
            Name of the table; it has no reals.
        capacity : int
            Rows that it will have room for.
        """
        used, cells_of = self.capacities[table], list(TABLES[table].columns.values())
        length = capacity + SPARE
        chunks = -(-(rows.HEAD + len(cells_of) * length) // rows.CHUNK)
        start = int(self.ints[cells.NEXT_STRETCH])
        while start + chunks * rows.CHUNK > len(self.ints):
            self.enlarge()
        self.ints[cells.NEXT_STRETCH] = start + chunks * rows.CHUNK
        self.ints[start + rows.OWNER] = TABLES[table].first
        self.ints[start + rows.CHUNKS] = chunks
        self.ints[start + rows.USED_END] = start + rows.HEAD
        for place, cell in enumerate(cells_of):
            base, old = start + rows.HEAD + place * length, self._bases[cell]
            self.ints[base : base + used] = self.ints[old : old + used]
            self._bases[cell] = base
            self.ints[cell] = base
        self.capacities[table] = capacity
        self.ints[TABLES[table].first + 1] = capacity

    # Tables of rows ---------------------------------------------------------------------------

    def is_nearly_full(self) -> bool:
        """Return whether tables of rows may soon find no room."""
        return bool(4 * self.ints[cells.NEXT_STRETCH] > 3 * self.ints[cells.END_OF_ROOM])

    def enlarge(self) -> None:
        """Make room for more rows."""
        used, ints = int(self.ints[cells.NEXT_STRETCH]), self.ints
        self.ints = _cells(4 * len(ints), len(ints) + len(ints) // 8 + rows.CHUNK)
        self.ints[:used] = ints[:used]
        self.ints[cells.END_OF_ROOM] = len(self.ints)

    def columns(self, table: str, names: list[str]) -> Columns:
        """Return columns of a table of rows.

        Parameters
        ----------
        table : str
            Name of the table.
        names : list of str
            Lower-case names of columns.
        """
        found = TABLES[table]
        blocks = []
        for start, limit in self._in_order(found.first):
            end = limit - (limit - start) % found.width
            block = np.asarray(self.ints[start:end], dtype=np.int64)
            blocks.append(block.reshape(-1, found.width))
        places = {name: found.columns[name] - found.first - rows.COLUMNS for name in names}
        return Columns(blocks, places)

    def all_rows(self, table: str, room: Scratch) -> tuple[Numbers, Numbers]:
        """Return where all rows of a table lie, ascending, and a copy of what stands in them."""
        found = TABLES[table]
        width = found.width
        numbers, values = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
        for start, limit in self._stretches(found.first):
            end = limit - (limit - start) % width
            numbers.append(np.arange(start, end, width) - found.first - rows.COLUMNS)
            values.append(np.asarray(self.ints[start:end], dtype=np.int64))
        block = room.of(sum(part.size for part in values))
        return np.concatenate(numbers), np.concatenate(values, out=block).reshape(-1, width)

    def words(self, tables: Iterable[str]) -> Numbers:
        """Return all that stands in the tables of columns, and in some tables of rows."""
        found = [np.asarray(self.ints[: self._spare], dtype=np.int64)]
        for table in tables:
            for start, end in self._stretches(TABLES[table].first):
                found.append(np.asarray(self.ints[start:end], dtype=np.int64))
        words: Numbers = np.concatenate(found)
        inside: Numbers = words[(words >= 0) & (words < self.ints[cells.NEXT_STRETCH])]
        return inside

    def take_rows(self, table: str, names: list[str]) -> dict[str, Numbers]:
        """Return columns of a table of rows that nobody refers to, and empty it."""
        columns = dict(self.columns(table, names))
        first = TABLES[table].first
        for start, _ in list(self._stretches(first)):
            begin = start - rows.HEAD
            if self.ints[begin + rows.CHUNKS] == 1:
                self.ints[begin + rows.OWNER] = 0
                self.ints[begin + rows.USED_END] = self.ints[cells.FREE_CHUNK]
                self.ints[cells.FREE_CHUNK] = begin
        for cell in (0, rows.NEXT, rows.END, rows.STRETCH):
            self.ints[first + cell] = 0
        return columns

    def _in_order(self, owner: int) -> list[tuple[int, int]]:
        """Return the stretches of a table in the order in which their rows came."""
        stretches = list(self._stretches(owner))
        return sorted(stretches, key=lambda one: self.ints[one[0] - rows.HEAD + rows.ROWS_BEFORE])

    def _stretches(self, owner: int) -> Iterator[tuple[int, int]]:
        """Yield where the rows of each stretch of a table begin and end."""
        start, end = self._first, int(self.ints[cells.NEXT_STRETCH])
        while start < end:
            if self.ints[start + rows.OWNER] == owner:
                used = int(self.ints[start + rows.USED_END])
                is_last = start == self.ints[owner + rows.STRETCH]
                yield start + rows.HEAD, int(self.ints[owner + rows.NEXT]) if is_last else used
            start += int(self.ints[start + rows.CHUNKS]) * rows.CHUNK


def _cells(count: int, least: int) -> Any:
    """Return so many cells; fewer where the system does not even promise that much memory."""
    if not COMPILED:
        return [0] * count
    while True:
        try:
            return BUFFERS.lend(count, touched=_touched)
        except MemoryError:
            if count <= least:
                raise
            count = max(least, 3 * count // 4)


def _touched(ints: Numbers) -> int:
    """Return how many cells a run has written to, from the first."""
    return min(max(0, int(ints[cells.NEXT_STRETCH])), ints.size)  # a run may not have begun


def _blank(count: int) -> Any:
    return 0 if COMPILED else [0] * count
