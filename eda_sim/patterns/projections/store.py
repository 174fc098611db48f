"""A small real store with two sides, in one SQLite file, where each side may do its own work only.

command side
    Appends events. It may insert events and read them, and change nothing else.
projection
    Applies events to a read model. It may read events and change the read model.
query side
    Answers questions. It may read the read model; its connection is read-only.

Each side has a connection of its own, and gives it to nobody. What a side may do is no matter of
good will: the query side opens the file with ``mode=ro``, its connection is set to ``query_only``,
and an authorizer refuses whatever is not the side's own work, with an error that says what and to
whom (:mod:`eda_sim.patterns.projections.permissions`).

The projection follows by *position*, the number of an event in the log. It applies an event and
moves its position in one transaction, so after a crash it goes on where it was, without a gap and
without doing anything twice. A command returns the position of its last event: that is the version
token with which a query can wait until the read model has it.

References
----------
.. [1] SQLite, "Compile-time authorization callbacks" (sqlite3_set_authorizer) and "Uniform Resource
   Identifiers" (``mode=ro``), sqlite.org.
.. [2] G. Young, "CQRS documents" (2010).
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar

from eda_sim.patterns.projections.permissions import (
    SCHEMA_TABLES,
    NotAllowedError,
    Permissions,
    Side,
)

__all__ = [
    "CommandSide",
    "ConcurrencyError",
    "NotAllowedError",
    "NotYetVisibleError",
    "Projection",
    "QuerySide",
    "ReadModel",
    "Store",
]

Apply = Callable[["ReadModel", Mapping[str, Any]], None]
"""What a projection does with the data of an event."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS events (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    stream TEXT NOT NULL,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    data TEXT NOT NULL,
    UNIQUE (stream, version)
);
CREATE TABLE IF NOT EXISTS projections (name TEXT PRIMARY KEY, position INTEGER NOT NULL);
"""
_POLL_S = 0.002
"""How often a query that waits for a position looks again."""


class ConcurrencyError(RuntimeError):
    """Somebody else wrote to the stream in the meantime."""


class NotYetVisibleError(TimeoutError):
    """A read model did not reach a position in time."""


class CommandSide(Side):
    """Appends events; see :meth:`Store.command_side`."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            path,
            Permissions(
                side="command side",
                may_read=lambda table: table == "events",
                may_write=lambda table, action: (
                    table == "events" and action == sqlite3.SQLITE_INSERT
                ),
                hint="it appends events, and what has happened does not change",
            ),
        )

    def append(
        self,
        stream: str,
        *events: tuple[str, Mapping[str, Any]],
        expected_version: int | None = None,
    ) -> int:
        """Append events to a stream, all of them or none.

        Parameters
        ----------
        stream : str
            Whose events they are, such as ``"order-17"``.
        *events : (str, mapping)
            Name and data of each, in JSON.
        expected_version : int, optional
            Events that the stream has, as far as the caller knows.

        Returns
        -------
        int
            Position of the last event: the version token of this command.

        Raises
        ------
        ConcurrencyError
            If the stream has another version than expected.
        ValueError
            If there is no event.
        """
        if not events:
            message = f"events of {stream!r}: there must be at least one"
            raise ValueError(message)
        rows = [(name, json.dumps(data)) for name, data in events]
        with self._transaction():
            version = self.version(stream)
            if expected_version is not None and version != expected_version:
                message = f"{stream} has {version} events, not {expected_version}: read it again"
                raise ConcurrencyError(message)
            for number, (name, data) in enumerate(rows, start=version + 1):
                cursor = self._execute(
                    "INSERT INTO events (stream, version, name, data) VALUES (?, ?, ?, ?)",
                    (stream, number, name, data),
                )
        return int(cursor.lastrowid or 0)

    def version(self, stream: str) -> int:
        """Return how many events a stream has."""
        found = self._execute("SELECT count(*) FROM events WHERE stream = ?", (stream,))
        return int(found.fetchone()[0])


class ReadModel:
    """What a projection may do while it applies an event: change the rows of its tables."""

    def __init__(self, execute: Callable[..., sqlite3.Cursor]) -> None:
        self.__execute = execute

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run a statement and return its rows.

        Raises
        ------
        NotAllowedError
            If it touches more than the read model.
        """
        return self.__execute(statement, parameters).fetchall()


class Projection(Side):
    """Follows the events and keeps a read model; see :meth:`Store.projection`."""

    def __init__(self, path: Path, name: str, apply: Mapping[str, Apply]) -> None:
        super().__init__(
            path,
            Permissions(
                side="projection",
                may_read=lambda _: True,
                may_write=lambda table, _: table not in {"events", *SCHEMA_TABLES},
                hint="it changes rows of the read model, and the events are not its own",
            ),
        )
        self.name = name
        self._apply = dict(apply)

    @property
    def position(self) -> int:
        """Position of the last event that is in the read model; 0 at first."""
        return _position(self._execute, self.name)

    def catch_up(self, *, most: int | None = None) -> int:
        """Apply the events that are new, each in a transaction with its position.

        Parameters
        ----------
        most : int, optional
            Events after which to stop; all without it.

        Returns
        -------
        int
            Events that were passed; those that nobody asked for are passed over.
        """
        passed = 0
        while most is None or passed < most:
            with self._transaction():
                event = self._execute(
                    "SELECT position, name, data FROM events WHERE position > ? "
                    "ORDER BY position LIMIT 1",
                    (self.position,),
                ).fetchone()
                if event is None:
                    return passed
                position, name, data = event
                if name in self._apply:
                    self._apply[name](ReadModel(self._execute), json.loads(data))
                self._execute("REPLACE INTO projections VALUES (?, ?)", (self.name, position))
            passed += 1
        return passed


class QuerySide(Side):
    """Answers questions from a read model; see :meth:`Store.query_side`."""

    def __init__(self, path: Path, projection: str) -> None:
        super().__init__(
            path,
            Permissions(
                side="query side",
                may_read=lambda table: table != "events",
                may_write=lambda *_: False,
                hint="it reads the read model and changes nothing; use the command side",
            ),
            read_only=True,
        )
        self.projection = projection

    @property
    def position(self) -> int:
        """Position of the last event that the read model shows."""
        return _position(self._execute, self.projection)

    def query(
        self,
        statement: str,
        parameters: Sequence[Any] | Mapping[str, Any] = (),
        *,
        at_least: int = 0,
        timeout_s: float = 1.0,
    ) -> list[tuple[Any, ...]]:
        """Return the rows that a statement finds in the read model.

        Parameters
        ----------
        statement : str
            A ``SELECT``.
        parameters : sequence or mapping
            For its placeholders.
        at_least : int
            Version token: wait until the read model shows the event at this position.
        timeout_s : float
            How long to wait for it at most.

        Returns
        -------
        list of tuple

        Raises
        ------
        NotAllowedError
            If the statement would write, or read the events themselves.
        NotYetVisibleError
            If the read model does not get there in time.
        """
        until = time.monotonic() + timeout_s
        while (position := self.position) < at_least:
            if time.monotonic() >= until:
                message = (
                    f"{self.projection} shows position {position}, not {at_least}, "
                    f"after {timeout_s:g} s"
                )
                raise NotYetVisibleError(message)
            time.sleep(_POLL_S)
        return self._execute(statement, parameters).fetchall()


AnySide = TypeVar("AnySide", bound=Side)


class Store:
    """One file with an event log and read models, and a connection for each side.

    Parameters
    ----------
    path : str or path
        Of the file; it is made if it is not there.
    read_model : str
        ``CREATE TABLE IF NOT EXISTS`` statements of the read models. Nobody makes tables later.

    Examples
    --------
    >>> store = Store.temporary(
    ...     read_model="CREATE TABLE IF NOT EXISTS totals (customer TEXT PRIMARY KEY, euros REAL)"
    ... )
    >>> def ordered(model, event):
    ...     model.execute("INSERT OR IGNORE INTO totals VALUES (?, 0)", [event["customer"]])
    ...     model.execute(
    ...         "UPDATE totals SET euros = euros + ? WHERE customer = ?",
    ...         [event["euros"], event["customer"]],
    ...     )
    >>> commands, queries = store.command_side(), store.query_side("totals")
    >>> totals = store.projection("totals", {"ordered": ordered})
    >>> token = commands.append("order-1", ("ordered", {"customer": "Ann", "euros": 12.5}))
    >>> queries.query("SELECT euros FROM totals")
    []
    >>> totals.catch_up(), queries.query("SELECT euros FROM totals", at_least=token)
    (1, [(12.5,)])
    >>> queries.query("DELETE FROM totals")  # doctest: +NORMALIZE_WHITESPACE
    Traceback (most recent call last):
    ...
    eda_sim.patterns.projections.permissions.NotAllowedError: the query side may not delete from
    totals: it reads the read model and changes nothing; use the command side
    >>> store.close()
    """

    def __init__(self, path: str | os.PathLike[str], *, read_model: str) -> None:
        self._path = Path(path)
        self._sides: list[Side] = []
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        with contextlib.closing(sqlite3.connect(self._path)) as connection:
            # Readers go on while somebody writes.
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(_SCHEMA + read_model)

    @classmethod
    def temporary(cls, *, read_model: str) -> Self:
        """Return a store whose file is gone when it is closed, for trying things out."""
        folder = tempfile.TemporaryDirectory(prefix="eda-sim-")
        store = cls(Path(folder.name) / "store.db", read_model=read_model)
        store._folder = folder
        return store

    def command_side(self) -> CommandSide:
        """Return a connection that appends events."""
        return self._kept(CommandSide(self._path))

    def projection(self, name: str, apply: Mapping[str, Apply]) -> Projection:
        """Return a projection that goes on where the one of this name was.

        Parameters
        ----------
        name : str
            Under which its position is kept.
        apply : mapping
            Name of an event -> what it does with a :class:`ReadModel` and the event's data.
        """
        return self._kept(Projection(self._path, name, apply))

    def query_side(self, projection: str) -> QuerySide:
        """Return a read-only connection to what a projection keeps."""
        return self._kept(QuerySide(self._path, projection))

    def close(self) -> None:
        """Close the connections of all sides; a temporary file goes with them."""
        for side in self._sides:
            side.close()
        if self._folder is not None:
            self._folder.cleanup()

    def _kept(self, side: AnySide) -> AnySide:
        self._sides.append(side)
        return side


def _position(execute: Callable[..., sqlite3.Cursor], projection: str) -> int:
    found = execute("SELECT position FROM projections WHERE name = ?", (projection,)).fetchone()
    return 0 if found is None else int(found[0])
