"""A real read model, the balance of every account, rebuilt from a real store while events come.

Each reader is a process of its own, follows the log from its first event, and applies the events of
its share of the accounts: those of one account always go to the same reader, in order. Every reader
has to pass all rows of the log, so what is shared is the work of applying, not that of reading.
"""

from __future__ import annotations

import math
import multiprocessing
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import pandas as pd

from eda_sim.patterns.sourcing.accounts import Account
from eda_sim.patterns.sourcing.store import AccountStore, reader_of

_TICK_S = 0.02
"""Between two writes of new events."""


class Rebuilt(NamedTuple):
    """What one reader did.

    Attributes
    ----------
    history, applied : int
        Events in the log when it began; events of its own accounts that it applied.
    seconds : float
        Until it first found nothing new; NaN if it was not allowed that long.
    balances : dict of UUID to int
        Its share of the read model, in cents.
    """

    history: int
    applied: int
    seconds: float
    balances: dict[UUID, int]


def follow(
    database: str | Path, *, reader: int = 0, readers: int = 1, most_s: float = math.inf
) -> Rebuilt:
    """Rebuild one reader's share of the read model, in this process.

    Parameters
    ----------
    database : str or Path
        As of :class:`~eda_sim.patterns.sourcing.store.AccountStore`.
    reader, readers : int
        Which one this is, from 0, of how many.
    most_s : float
        Seconds after which to give up.

    Raises
    ------
    ValueError
        If there is no such reader.
    """
    if not 0 <= reader < readers:
        raise ValueError(f"reader {reader}: must be at least 0 and below readers, {readers}")
    store = AccountStore(database)
    history = store.last_position()
    balances: dict[UUID, int] = {}
    position = applied = 0
    seconds = math.nan
    begin = time.perf_counter()
    while time.perf_counter() - begin < most_s:
        after, events = store.events_after(position, reader=reader, readers=readers)
        if after == position:
            seconds = time.perf_counter() - begin
            break
        for event in events:
            _apply(balances, event)
        position, applied = after, applied + len(events)
    store.close()
    return Rebuilt(history, applied, seconds, balances)


def measure(
    *,
    accounts: int,
    events: int,
    readers: Sequence[int] = (1, 2),
    event_rate: float = 0.0,
    most_s: float = 60.0,
) -> pd.DataFrame:
    """Time rebuilds of a real read model while events are written to a store in a file of its own.

    Parameters
    ----------
    accounts, events : int
        Accounts, and events of each of them, before the first rebuild.
    readers : sequence of int
        A rebuild is made with each of these numbers of processes, one rebuild after the other.
    event_rate : float
        New events per second meanwhile, for one account after the other.
    most_s : float
        Seconds after which a reader gives up.

    Returns
    -------
    DataFrame
        A row for each reader: ``readers``, ``reader``, ``history``, ``applied``, ``seconds`` as of
        :class:`Rebuilt`, and ``right``: whether each balance is one that the account has had since
        the rebuild began (without new events: the one that it has).

    Raises
    ------
    ValueError
        If a number is not positive.
    """
    for name, value in (("accounts", accounts), ("events", events), ("most_s", most_s)):
        if not value > 0:
            raise ValueError(f"{name} {value}: must be positive")
    if not readers or min(readers) < 1:
        raise ValueError(f"readers {list(readers)}: must each be at least 1")
    if event_rate < 0:
        raise ValueError(f"event_rate {event_rate}: must not be negative")
    rows = []
    with tempfile.TemporaryDirectory(prefix="eda-sim-") as folder:
        path = Path(folder) / "accounts.sqlite"
        store = AccountStore(path)
        kept = [Account.open(f"owner {number}") for number in range(accounts)]
        for account in kept:
            store.save_many(account, (1 for _ in range(events - 1)))
        for count in readers:
            before = {account.id: account.balance for account in kept}
            parts = _rebuild(path, store, kept, readers=count, event_rate=event_rate, most_s=most_s)
            for reader, found in enumerate(parts):
                mine = {name for name in before if reader_of(name, count) == reader}
                right = set(found.balances) == mine and all(
                    before[name] <= balance <= store.load(name).balance
                    for name, balance in found.balances.items()
                )
                rows.append((count, reader, *found[:3], right))
        store.close()
    columns = ["readers", "reader", "history", "applied", "seconds", "right"]
    return pd.DataFrame(rows, columns=columns)


def _rebuild(
    path: Path,
    store: AccountStore,
    accounts: list[Account],
    *,
    readers: int,
    event_rate: float,
    most_s: float,
) -> list[Rebuilt]:
    """Let processes read, and write new events until the last of them has caught up."""
    # A process that is forked while others write would share their connections.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(readers, mp_context=context) as pool:
        work: list[Future[Rebuilt]] = [
            pool.submit(follow, path, reader=number, readers=readers, most_s=most_s)
            for number in range(readers)
        ]
        begin, written = time.perf_counter(), 0
        while not all(each.done() for each in work):
            due = int((time.perf_counter() - begin) * event_rate) - written
            if due:
                store.save_many(accounts[written % len(accounts)], (1 for _ in range(due)))
                written += due
            time.sleep(_TICK_S)
        return [each.result() for each in work]


def _apply(balances: dict[UUID, int], event: object) -> None:
    """Do to the read model what an event says."""
    if isinstance(event, Account.Opened):
        balances[event.originator_id] = 0
    elif isinstance(event, Account.Deposited):
        balances[event.originator_id] += event.amount
    elif isinstance(event, Account.Withdrawn):
        balances[event.originator_id] -= event.amount
