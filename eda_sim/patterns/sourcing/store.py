"""A real event store: SQLite, or PostgreSQL, through the library `eventsourcing`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pandas as pd
from eventsourcing.application import AggregateNotFoundError, Application
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import StoredEvent

from eda_sim.patterns.sourcing.accounts import Account

_AT_A_TIME = 10_000
"""Events in one transaction when many are written."""


def reader_of(identity: UUID | str, readers: int) -> int:
    """Return which of some readers, from 0, follows an account: always the same one.

    Examples
    --------
    >>> reader_of("00000000-0000-0000-0000-00000000000b", 4)
    3
    """
    return int(str(identity)[-8:], 16) % readers


@dataclass
class AccountStore:
    """Accounts, kept as their events.

    Parameters
    ----------
    database : str or Path
        Where events are kept: ``":memory:"``, a file of SQLite, or the address of a PostgreSQL
        database (``postgresql://user:password@host:port/name``).
    snapshot_every : int, optional
        After each so many events of an account its state is stored too; without it, never.

    Raises
    ------
    ValueError
        If ``snapshot_every`` is below 1 or the address is of another kind of database.

    Examples
    --------
    >>> store = AccountStore(snapshot_every=2)
    >>> account = Account.open("Ada")
    >>> account.deposit(500)
    >>> account.withdraw(120)
    >>> store.save(account)
    >>> store.load(account.id).balance, store.load(account.id, version=2).balance
    (380, 500)
    >>> store.audit_trail(account.id)[["version", "event", "amount"]]
       version      event  amount
    0        1     Opened    <NA>
    1        2  Deposited     500
    2        3  Withdrawn     120
    """

    database: str | Path = ":memory:"
    snapshot_every: int | None = None
    _application: Application[UUID] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.snapshot_every is not None and self.snapshot_every < 1:
            raise ValueError(f"snapshot_every {self.snapshot_every}: must be at least 1")
        self._application = Application(env=self._environment())

    def save(self, account: Account) -> None:
        """Store an account's new events, and a snapshot where one is due.

        Raises
        ------
        eventsourcing.persistence.IntegrityError
            If somebody else has stored an event with the same version: load it anew and decide
            again (optimistic concurrency).
        """
        before = account.version - len(account.pending_events)
        self._application.save(account)
        for version in self._snapshots_due(before, account.version):
            self._application.take_snapshot(account.id, version=version)

    def save_many(self, account: Account, amounts: Iterable[int]) -> None:
        """Store a deposit for each of many amounts, ten thousand in a transaction."""
        for amount in amounts:
            account.deposit(amount)
            if len(account.pending_events) >= _AT_A_TIME:
                self._insert(account)
        self._insert(account)

    def load(self, identity: UUID, *, version: int | None = None) -> Account:
        """Return an account as it is, or as it was at a version, by replaying its events.

        Raises
        ------
        KeyError
            If there is no such account, or it had no such version.
        """
        try:
            account: Account = self._application.repository.get(identity, version=version)
        except AggregateNotFoundError:
            raise KeyError(f"{identity}: no such account") from None
        if version is not None and account.version != version:
            raise KeyError(f"{identity}: no version {version}; the last is {account.version}")
        return account

    def load_at(self, identity: UUID, moment: datetime) -> Account:
        """Return an account as it was at a moment (with a time zone).

        Raises
        ------
        KeyError
            If the account did not exist then.
        """
        trail = self.audit_trail(identity)
        then = trail.loc[trail["at"] <= pd.Timestamp(moment), "version"]
        if then.empty:
            raise KeyError(f"{identity}: did not exist at {moment}")
        return self.load(identity, version=int(then.iloc[-1]))

    def audit_trail(self, identity: UUID) -> pd.DataFrame:
        """Return every event of an account in order: version, at, event, amount, reason."""
        rows = [
            (
                event.originator_version,
                getattr(event, "timestamp", pd.NaT),
                type(event).__name__,
                getattr(event, "amount", None),
                getattr(event, "reason", None),
            )
            for event in self._application.events.get(identity)
        ]
        trail = pd.DataFrame(rows, columns=["version", "at", "event", "amount", "reason"])
        return trail.astype({"amount": "Int64"})

    def storage(self, identity: UUID) -> pd.DataFrame:
        """Return what an account takes: kind (events, snapshots), rows, bytes of their content."""
        snapshots = self._application.factory.aggregate_recorder(purpose="snapshots")
        recorders = {"events": self._application.recorder, "snapshots": snapshots}
        rows = []
        for kind, recorder in recorders.items():
            stored = recorder.select_events(identity)
            rows.append((kind, len(stored), sum(len(event.state) for event in stored)))
        return pd.DataFrame(rows, columns=["kind", "rows", "bytes"])

    def last_position(self) -> int:
        """Return the position in the log of the last event of all accounts; 0 without any."""
        return self._application.recorder.max_notification_id() or 0

    def events_after(
        self, position: int, *, most: int = _AT_A_TIME, reader: int = 0, readers: int = 1
    ) -> tuple[int, list[DomainEventProtocol[UUID]]]:
        """Return how far the log of all accounts was read, and the events of a reader's accounts.

        Parameters
        ----------
        position : int
            After which to read; 0 at first.
        most : int
            Rows to read at most.
        reader, readers : int
            Which one asks, from 0, of how many that share the accounts.

        Returns
        -------
        int, list of events
            The position of the last row that was read, the same as before if there is none.
        """
        rows = self._application.recorder.select_notifications(
            position, most, inclusive_of_start=False
        )
        mapper = self._application.mapper
        mine = [row for row in rows if reader_of(row.originator_id, readers) == reader]
        return (rows[-1].id if rows else position), [mapper.to_domain_event(row) for row in mine]

    def replayed(self, version: int) -> int:
        """Return how many events a load of an account at this version replays."""
        return version % self.snapshot_every if self.snapshot_every else version

    def close(self) -> None:
        """Close the database."""
        self._application.close()

    def stored(self, identity: UUID) -> Sequence[StoredEvent]:
        """Return an account's events as they are stored."""
        return self._application.recorder.select_events(identity)

    def _insert(self, account: Account) -> None:
        before = account.version - len(account.pending_events)
        events = account.collect_events()
        mapper = self._application.mapper
        self._application.recorder.insert_events([mapper.to_stored_event(one) for one in events])
        for version in self._snapshots_due(before, account.version):
            self._application.take_snapshot(account.id, version=version)

    def _snapshots_due(self, before: int, after: int) -> list[int]:
        if self.snapshot_every is None:
            return []
        every = self.snapshot_every
        return list(range((before // every + 1) * every, after + 1, every))

    def _environment(self) -> dict[str, Any]:
        shared = {"IS_SNAPSHOTTING_ENABLED": "y"}
        address = urlsplit(str(self.database))
        if address.scheme in ("postgresql", "postgres"):
            return shared | {
                "PERSISTENCE_MODULE": "eventsourcing.postgres",
                "POSTGRES_DBNAME": address.path.lstrip("/"),
                "POSTGRES_HOST": address.hostname or "localhost",
                "POSTGRES_PORT": str(address.port or 5432),
                "POSTGRES_USER": address.username or "",
                "POSTGRES_PASSWORD": address.password or "",
            }
        if "://" in str(self.database):
            raise ValueError(
                f"database {self.database}: must be a file, ':memory:' or postgresql://..."
            )
        return shared | {
            "PERSISTENCE_MODULE": "eventsourcing.sqlite",
            "SQLITE_DBNAME": str(self.database),
        }
