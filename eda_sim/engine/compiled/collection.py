"""Collection: which rows nothing in a run refers to any more, handed over and used again.

A run that keeps only counts gives its rows back. From time to time, between two events, all that
may still be read is found, as a tracing garbage collector does it: from the roots (what the plan
fixed, the calendar, lists, sessions, requests and so on) along what each row refers to. The roots
are searched conservatively: any number that could be a row is taken for one. That may keep a row
for longer; it never gives one away. A message stays with all its copies and deliveries until none
of them is referred to, so that it can be counted as a whole.

References
----------
H.-J. Boehm, M. Weiser, "Garbage collection in an uncooperative environment" (1988).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from eda_sim.engine.compiled import batches, cells, rows
from eda_sim.engine.compiled.memory import TABLES, Columns, Memory, Numbers, Scratch
from eda_sim.engine.compiled.model import NOT_LISTED
from eda_sim.engine.plan import NONE
from eda_sim.engine.trace import TABLES as TRACE_TABLES
from eda_sim.engine.trace import CopyState, MessageStatus, Table

Marks = npt.NDArray[np.bool_]

WORTH_A_SEARCH = 40_000
"""New rows that are worth a search."""

FREED = -2
"""In the column that tells whether a row is in use."""

_USE = {
    "MESSAGE": "id",
    "ENTRY": "message_id",
    "DELIVERY": "copy_id",
    "BATCH": "number",
    "RECORD": "offset",
    "HISTORY": "earlier",
}
"""The tables whose rows are given back, and the column that tells which are in use."""

_REFERENCES = {
    "MESSAGE": {"next": "MESSAGE"},
    "ENTRY": {
        "message": "MESSAGE",
        "holder": "DELIVERY",
        "next": "ENTRY",
        "record": "RECORD",
        "history": "HISTORY",
    },
    "DELIVERY": {"entry": "ENTRY", "next": "DELIVERY"},
    "BATCH": {"message": "MESSAGE", "last_message": "MESSAGE"},
    "RECORD": {"message": "MESSAGE", "entries": "ENTRY", "next": "RECORD"},
    "HISTORY": {},
}
"""What their rows refer to. Neighbours in lists of deliveries stand in those lists themselves."""

_ROOTS = (
    "EVENT",
    "LIST",
    "NODE",
    "REQUEST",
    "FETCH",
    "PUBLISHER",
    "SESSION",
    "WORKER",
    "HOLD",
    "MESSAGE_GROUP",
    "LETTER",
    "RETRIES",
    "BREAKER",
    "MEMORY",
)
_FAMILIES = {"MESSAGE": "messages", "ENTRY": "copies", "DELIVERY": "deliveries"}
_ORDER = {
    "MESSAGE": ("message_id",),
    "ENTRY": ("consumer", "copy_id"),
    "DELIVERY": ("attempt", "consumer", "copy_id"),
}
"""By what their rows stand in the order of the run; the last counts most."""
_OPEN_STATUSES = (MessageStatus.BUFFERED, MessageStatus.IN_FLIGHT)
_FINAL_STATES = range(CopyState.ACKNOWLEDGED, CopyState.MOVED + 1)


class Batch(NamedTuple):
    """Rows that are handed over: messages with all their copies and deliveries."""

    messages: Table
    copies: Table
    deliveries: Table
    live: Table
    """What a summary has to know of the messages that stay."""


class _Rows(NamedTuple):
    """All rows of one table, used ones and free ones."""

    numbers: Numbers
    """Where they lie, ascending."""
    cells: Numbers
    """What stands in them, a row each."""
    is_used: Marks

    def column(self, table: str, name: str) -> Numbers:
        """Return a column."""
        found = TABLES[table]
        values: Numbers = self.cells[:, found.columns[name] - found.first - rows.COLUMNS]
        return values


class Collector:
    """Finds the rows that a run has done with.

    Parameters
    ----------
    memory : Memory
        That of the run.
    least_rows : int
        New rows that are worth a search.
    """

    def __init__(self, memory: Memory, least_rows: int) -> None:
        self._memory, self._least = memory, least_rows
        self._seen = self._kept = 0
        self._all = {table: Scratch() for table in _USE}
        self._gone = {table: Scratch() for table in _FAMILIES}

    def is_due(self) -> bool:
        """Return whether enough rows have come for a search to pay."""
        new = sum(self._memory.rows(table) for table in _FAMILIES) - self._seen
        return new >= max(self._least, self._kept)

    def collect(self) -> Batch:
        """Find what nobody refers to, free it, and return the families among it."""
        tables = {table: self._rows(table) for table in _USE}
        marks = self._marked(tables)
        live = np.unique(
            np.concatenate([self._ids(table, tables)[marks[table]] for table in _FAMILIES])
        )
        gone: dict[str, Marks] = {}
        for table, found in tables.items():
            if table in _FAMILIES:
                gone[table] = found.is_used & ~np.isin(self._ids(table, tables), live)
            else:
                gone[table] = found.is_used & ~marks[table]
        batch = self._batch(tables, {table: gone[table] for table in _FAMILIES})
        for table, found in tables.items():
            self._free(table, found, gone[table])
        self._seen = sum(self._memory.rows(table) for table in _FAMILIES)
        self._kept = sum(
            int(np.count_nonzero(tables[table].is_used & ~gone[table])) for table in _FAMILIES
        )
        return batch

    def rest(self) -> Batch:
        """Return all that is left at the end of a run."""
        tables = {table: self._rows(table) for table in _FAMILIES}
        return self._batch(tables, {table: tables[table].is_used for table in _FAMILIES})

    # Rows -------------------------------------------------------------------------------------

    def _rows(self, table: str) -> _Rows:
        numbers, values = self._memory.all_rows(table, self._all[table])
        found = _Rows(numbers, values, np.ones(numbers.size, dtype=bool))
        found.is_used[:] = found.column(table, _USE[table]) != FREED
        return found

    def _ids(self, table: str, tables: Mapping[str, _Rows]) -> Numbers:
        name = "id" if table == "MESSAGE" else "message_id"
        return tables[table].column(table, name)

    def _marked(self, tables: Mapping[str, _Rows]) -> dict[str, Marks]:
        """Return which rows may still be read."""
        marks = {table: np.zeros(found.numbers.size, dtype=bool) for table, found in tables.items()}
        words = self._memory.words(_ROOTS)
        fresh = {
            table: _among(found, words) | (_is_alive(table, found) & found.is_used)
            for table, found in tables.items()
        }
        while any(mark.any() for mark in fresh.values()):
            referred: dict[str, list[Numbers]] = {table: [] for table in tables}
            for table, mark in fresh.items():
                marks[table] |= mark
                for name, other in _REFERENCES[table].items():
                    referred[other].append(tables[table].column(table, name)[mark])
            fresh = {
                table: _among(found, np.concatenate(referred[table])) & ~marks[table]
                if referred[table]
                else np.zeros_like(marks[table])
                for table, found in tables.items()
            }
        return marks

    def _free(self, table: str, found: _Rows, gone: Marks) -> None:
        """Let rows be given out again."""
        numbers = found.numbers[gone]
        if numbers.size == 0:
            return
        first = TABLES[table].first
        self._memory.ints[numbers + TABLES[table].columns[_USE[table]]] = FREED
        link = first + rows.COLUMNS
        if table == "ENTRY":
            numbers = self._free_side_by_side(found, gone)
        if numbers.size:
            ints = self._memory.ints
            ints[numbers + link] = np.append(numbers[1:], ints[first + rows.FREE])
            ints[first + rows.FREE] = numbers[0]

    def _free_side_by_side(self, found: _Rows, gone: Marks) -> Numbers:
        """Free copies whose rows belong together, one per reader; return those that stand alone."""
        memory = self._memory
        readers = memory.column("CHANNEL", "readers")
        channel = found.column("ENTRY", "channel")
        is_alone = (readers[channel] == 1) | (found.column("ENTRY", "offset") == NONE)
        numbers, copies = found.numbers, found.column("ENTRY", "copy_id")
        for number in np.flatnonzero(readers > 1).tolist():
            own = gone & ~is_alone & (channel == number)
            # Of the rows of a copy the first stands for all.
            is_first = np.append(True, np.diff(copies[own]) != 0)
            firsts = numbers[own][is_first[: np.count_nonzero(own)]]
            if firsts.size:
                head = memory.base("CHANNEL", "free_entries") + number
                memory.ints[firsts + cells.ENTRY_COPY_ID] = np.append(firsts[1:], memory.ints[head])
                memory.ints[head] = firsts[0]
        alone: Numbers = numbers[gone & is_alone]
        return alone

    # Batches ----------------------------------------------------------------------------------

    def _batch(self, tables: Mapping[str, _Rows], gone: Mapping[str, Marks]) -> Batch:
        found = {
            name: _columns(table, tables[table], gone[table], self._gone[table])
            for table, name in _FAMILIES.items()
        }
        messages = tables["MESSAGE"]
        stays = messages.is_used & ~gone["MESSAGE"]
        live = {
            name: messages.column("MESSAGE", name)[stays]
            for name in ("source", "channel", "key", "created_at")
        }
        live["message_id"] = messages.column("MESSAGE", "id")[stays]
        return Batch(**found, live=live)

    # Series -----------------------------------------------------------------------------------

    def take_series(self) -> dict[str, Numbers]:
        """Return the samples that have been taken since, and give their rows back."""
        return self._memory.take_rows("SAMPLE", [spec.name for spec in TRACE_TABLES["series"]])


def _is_alive(table: str, found: _Rows) -> Marks:
    """Return which rows may be read whoever refers to them: what is not over yet."""
    if table == "MESSAGE":
        return np.isin(found.column(table, "status"), _OPEN_STATUSES)
    if table == "ENTRY":
        return ~np.isin(found.column(table, "state"), _FINAL_STATES)
    if table == "DELIVERY":
        held = found.column(table, "held_previous") != NOT_LISTED
        alive: Marks = held | (found.column(table, "unfinished_previous") != NOT_LISTED)
        return alive
    if table == "BATCH":
        open_: Marks = (found.column(table, "state") != batches.DONE) | (
            found.column(table, "is_open") != 0
        )
        return open_
    if table == "RECORD":
        stays: Marks = found.column(table, "is_gone") == 0
        return stays
    return np.zeros(found.numbers.size, dtype=bool)


def _among(found: _Rows, words: Numbers) -> Marks:
    """Return which used rows are among some numbers."""
    marks = np.zeros(found.numbers.size, dtype=bool)
    if found.numbers.size:
        inside = words[(words >= found.numbers[0]) & (words <= found.numbers[-1])]
        places = np.searchsorted(found.numbers, inside)
        marks[places[found.numbers[places] == inside]] = True
    return marks & found.is_used


def _columns(table: str, found: _Rows, gone: Marks, room: Scratch) -> Columns:
    """Return the columns of the trace for some rows, in the order of the run."""
    first = TABLES[table].first + rows.COLUMNS
    names = [spec.name for spec in TRACE_TABLES[_FAMILIES[table]]]
    places = {name: TABLES[table].columns[name] - first for name in names}
    if table == "MESSAGE":
        places["message_id"] = cells.MESSAGE_ID - first
    places_gone, width = np.flatnonzero(gone), TABLES[table].width
    block = room.of(places_gone.size * width).reshape(-1, width)
    found.cells.take(places_gone, axis=0, out=block, mode="clip")
    columns = Columns([block], places)
    keys = _ORDER[table]
    if (np.diff(columns[keys[-1]]) > 0).all():
        return columns
    return Columns([block[np.lexsort([columns[key] for key in keys])]], places)
