"""Connections to a SQLite file that do one side's work only.

A connection belongs to its side and is given to nobody. What a side may do, an *authorizer*
decides: SQLite asks it when it compiles a statement, before anything happens. Transactions begin
and end where the side itself says so, never in a statement that somebody hands in.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_READING = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
_WRITING = {
    sqlite3.SQLITE_INSERT: "insert into",
    sqlite3.SQLITE_UPDATE: "update",
    sqlite3.SQLITE_DELETE: "delete from",
}
SCHEMA_TABLES = frozenset({"sqlite_master", "sqlite_schema", "sqlite_sequence"})
"""Tables in which SQLite keeps what tables there are."""


class NotAllowedError(PermissionError):
    """A side tried to do what is not its work."""


@dataclass(frozen=True)
class Permissions:
    """What one side may do.

    Attributes
    ----------
    side : str
        Its name.
    may_read : callable
        Name of a table to whether it may be read.
    may_write : callable
        Name of a table and kind of the change (``sqlite3.SQLITE_INSERT``, ...) to whether it may.
    hint : str
        What the side is for, told with each refusal.
    """

    side: str
    may_read: Callable[[str], bool]
    may_write: Callable[[str, int], bool]
    hint: str

    def refusal(self, action: int, first: str | None, second: str | None) -> str | None:
        """Return what is wrong with an action, None if nothing is."""
        if action in _READING:
            return None
        table = first or ""
        if action == sqlite3.SQLITE_READ:
            allowed = self.may_read(table) or table in SCHEMA_TABLES
            return None if allowed else f"read {table}"
        if action in _WRITING:
            return None if self.may_write(table, action) else f"{_WRITING[action]} {table}"
        named = " ".join(part for part in (first, second) if part)
        return f"run this statement ({named or 'neither reads nor writes rows'})"


class Side:
    """A connection that only its side has, and that does only what its side may do."""

    def __init__(self, path: Path, permissions: Permissions, *, read_only: bool = False) -> None:
        # isolation_level None: no transaction begins by itself.
        self.__connection = sqlite3.connect(
            f"{path.resolve().as_uri()}?mode={'ro' if read_only else 'rw'}",
            uri=True,
            isolation_level=None,
        )
        self.__connection.execute("PRAGMA busy_timeout = 5000")
        if read_only:
            self.__connection.execute("PRAGMA query_only = ON")
        self.__permissions = permissions
        self.__refused = ""
        self.__controls = False
        self.__connection.set_authorizer(self.__authorize)

    def __authorize(
        self, action: int, first: str | None, second: str | None, *_: str | None
    ) -> int:
        if action == sqlite3.SQLITE_TRANSACTION and self.__controls:
            return sqlite3.SQLITE_OK
        refusal = self.__permissions.refusal(action, first, second)
        if refusal is None:
            return sqlite3.SQLITE_OK
        self.__refused = self.__refused or refusal
        return sqlite3.SQLITE_DENY

    def _execute(
        self, statement: str, parameters: Sequence[Any] | Mapping[str, Any] = ()
    ) -> sqlite3.Cursor:
        self.__refused = ""
        try:
            return self.__connection.execute(statement, parameters)
        except sqlite3.DatabaseError as error:
            if self.__refused:
                permissions = self.__permissions
                message = f"the {permissions.side} may not {self.__refused}: {permissions.hint}"
                raise NotAllowedError(message) from error
            raise

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self.__control("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.__control("ROLLBACK")
            raise
        self.__control("COMMIT")

    def __control(self, statement: str) -> None:
        self.__controls = True
        try:
            self._execute(statement)
        finally:
            self.__controls = False

    def close(self) -> None:
        """Close the connection; closing it twice does nothing."""
        self.__connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
