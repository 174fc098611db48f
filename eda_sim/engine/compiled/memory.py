"""The memory of a run: where each table lies, and how it grows.

All of it is one array of integers and one of reals. Behind the header (:mod:`cells`) every column
of every table is a stretch as long as the capacity of its table. Capacities are generous, since an
operating system gives memory only when it is touched. Between two events the run may ask for more;
then everything moves into larger arrays.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from eda_sim.engine.compiled import cells
from eda_sim.engine.compiled.pointers import COMPILED

REALS = frozenset(
    {
        cells.CHANNEL_APPEND_PER_REQUEST_S,
        cells.CHANNEL_APPEND_FIXED_S,
        cells.CHANNEL_APPEND_PER_BYTE_S,
        cells.CONSUMER_ERROR_PROBABILITY,
        cells.CONSUMER_POISON_PROBABILITY,
        cells.CONSUMER_BREAKER_FAILURE_RATE,
        cells.FAULT_FACTOR,
        cells.FAULT_PROBABILITY,
        cells.INSTANCE_FACTOR,
        cells.KEY_SHARE_CUMULATIVE,
        cells.LINK_S_PER_BYTE,
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
"""Rows behind the last one of each table, for what comes when there is no room at all."""


class Table(NamedTuple):
    """One table: its first cell counts rows, the second is its capacity, then come its columns."""

    name: str
    first: int
    columns: dict[str, int]


def _tables() -> dict[str, Table]:
    names = {name: cell for name, cell in vars(cells).items() if isinstance(cell, int)}
    tables: dict[str, Table] = {}
    for name, first in names.items():
        if names.get(f"{name}_ROWS") == first:
            prefix = f"{name}_"
            tables[name] = Table(
                name,
                first,
                {
                    other.removeprefix(prefix).lower(): cell
                    for other, cell in names.items()
                    if other.startswith(prefix) and first + 1 < cell < first + cells.WIDEST
                },
            )
    return tables


TABLES = _tables()


class Memory:
    """The memory of one run.

    Parameters
    ----------
    capacities : mapping
        Rows of each table; one that is not named has none.
    actions : int
        Addresses of functions to keep room for.
    data : float64 array
        What the samplers read: it comes first among the reals.
    """

    def __init__(
        self, capacities: Mapping[str, int], actions: int, data: npt.NDArray[np.float64]
    ) -> None:
        self.capacities = {name: capacities.get(name, 0) for name in TABLES}
        self.actions = actions
        self._data = data
        self._allocate()
        self.ints[cells.FUNCTIONS] = cells.HEADER
        self.reals[: len(data)] = data if COMPILED else data.tolist()

    def _allocate(self) -> None:
        ints, reals = cells.HEADER + self.actions, len(self._data)
        self._bases: dict[int, int] = {}
        for name, table in TABLES.items():
            rows = self.capacities[name] + SPARE
            for cell in table.columns.values():
                if cell in REALS:
                    self._bases[cell], reals = reals, reals + rows
                else:
                    self._bases[cell], ints = ints, ints + rows
        self.ints: Any = np.empty(ints, dtype=np.int64) if COMPILED else [0] * ints
        self.reals: Any = np.empty(reals, dtype=np.float64) if COMPILED else [0.0] * reals
        self.ints[: cells.HEADER] = [0] * cells.HEADER
        self._write_header()

    def _write_header(self) -> None:
        for name, table in TABLES.items():
            self.ints[table.first + 1] = self.capacities[name]
        for cell, base in self._bases.items():
            self.ints[cell] = base

    def grow(self, capacities: Mapping[str, int]) -> None:
        """Move everything into larger arrays.

        Parameters
        ----------
        capacities : mapping
            New rows of some tables.
        """
        ints, reals, bases = self.ints, self.reals, self._bases
        self.capacities.update(capacities)
        self._allocate()
        head = cells.HEADER + self.actions
        self.ints[:head] = ints[:head]
        self.reals[: len(self._data)] = reals[: len(self._data)]
        self._write_header()
        for table in TABLES.values():
            rows = int(ints[table.first])
            for cell in table.columns.values():
                old, new = (reals, self.reals) if cell in REALS else (ints, self.ints)
                to, origin = self._bases[cell], bases[cell]
                new[to : to + rows] = old[origin : origin + rows]

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

    def set(self, table: str, column: str, value: float) -> None:
        """Write one value into all rows of a column."""
        cell = TABLES[table].columns[column]
        base, rows = self._bases[cell], self.rows(table)
        array = self.reals if cell in REALS else self.ints
        array[base : base + rows] = value if COMPILED else [value] * rows

    def rows(self, table: str) -> int:
        """Return how many rows a table has."""
        return int(self.ints[TABLES[table].first])

    def column(self, table: str, column: str) -> npt.NDArray[np.int64]:
        """Return the rows of a column of integers; a view where it can be one."""
        base = self._bases[TABLES[table].columns[column]]
        return np.asarray(self.ints[base : base + self.rows(table)], dtype=np.int64)
