"""An inbox table: the id of a message and its effect in one transaction, on SQLite.

The table of ids has the id as its primary key, so a copy cannot be inserted. Since the effect is in
the same transaction, a crash between the two leaves neither, and the next delivery does both.

References
----------
.. [1] C. Richardson, "Microservices Patterns" (2018), section 3.3.6: tracking messages.
.. [2] SQLite, "Atomic commit in SQLite", sqlite.org.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import Self

from eda_sim.patterns.idempotency.messages import Message

_SCHEMA = """
CREATE TABLE IF NOT EXISTS inbox (message_id INTEGER PRIMARY KEY, at REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS accounts (account INTEGER PRIMARY KEY, balance INTEGER NOT NULL);
"""


def _nothing() -> None:
    """Do nothing between record and effect."""


class Inbox:
    """A handler with an inbox table.

    Parameters
    ----------
    path : str or path
        Of the database; one in memory without it.
    one_transaction : bool
        Whether record and effect are committed together. With ``False`` the record is committed
        first, as with an inbox in another database: a crash between the two loses the effect.
    between : callable
        Called between record and effect; a test raises an error there, which is a crash.

    Examples
    --------
    >>> pays = Message(message_id=1, account=7, version=1, amount=20, total=20, at=0.0)
    >>> with Inbox() as guard:
    ...     [guard.apply(pays), guard.apply(pays)], dict(guard.balances), guard.stored
    ([True, False], {7: 20}, 1)
    """

    versions = None

    def __init__(
        self,
        path: str | os.PathLike[str] = ":memory:",
        *,
        one_transaction: bool = True,
        between: Callable[[], None] = _nothing,
    ) -> None:
        # isolation_level None: no transaction begins by itself.
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.executescript(_SCHEMA)
        self.one_transaction = one_transaction
        self.between = between

    def apply(self, message: Message) -> bool:
        """Record the id and add the amount, unless the id is recorded already."""
        if not self.one_transaction:
            is_new = self._record(message)
            self.between()
            if is_new:
                self._add(message)
            return is_new
        with self._transaction():
            is_new = self._record(message)
            self.between()
            if is_new:
                self._add(message)
        return is_new

    def forget_before(self, at: float) -> int:
        """Delete what was recorded before a time (s), and return how much: a window for a table."""
        return self._connection.execute("DELETE FROM inbox WHERE at < ?", (at,)).rowcount

    @property
    def balances(self) -> Mapping[int, int]:
        """Account -> balance."""
        return dict(self._connection.execute("SELECT account, balance FROM accounts"))

    @property
    def stored(self) -> int:
        """Rows of the inbox."""
        return int(self._connection.execute("SELECT count(*) FROM inbox").fetchone()[0])

    def close(self) -> None:
        """Close the database."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _record(self, message: Message) -> bool:
        """Return whether the id was new."""
        row = (message.message_id, message.at)
        return (
            self._connection.execute("INSERT OR IGNORE INTO inbox VALUES (?, ?)", row).rowcount > 0
        )

    def _add(self, message: Message) -> None:
        self._connection.execute(
            "INSERT INTO accounts VALUES (?, ?) "
            "ON CONFLICT (account) DO UPDATE SET balance = balance + excluded.balance",
            (message.account, message.amount),
        )

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")
