"""The deliveries of a run, given to a guard: what became of each message, and of the money.

One run answers for every guard: all of them meet the same deliveries in the same order, so what
differs between them is the guard and nothing else (common random numbers, to the last delivery).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from eda_sim.analysis.effects import effects_of
from eda_sim.analysis.guarantee import OUTCOMES, counts_of, shares
from eda_sim.analysis.tables import Tables
from eda_sim.patterns.idempotency.guards import Guard
from eda_sim.patterns.idempotency.messages import in_order, payments, the_consumer

__all__ = ["Effects", "compare", "effects", "shares"]


@dataclass(frozen=True)
class Effects:
    """What a guard made of the deliveries of a run.

    Attributes
    ----------
    guarantee : dict
        Counts of messages: ``messages``, ``exactly_once``, ``duplicated``, ``lost``, ``pending``.
    expected, actual : int
        Sum of all balances if each message had its effect once, and as it is.
    wrong_accounts : int
        Accounts whose balance is not what it should be.
    stored : int
        Entries that the guard kept in order to guard, at most.
    table : DataFrame
        One row per message: ``message_id``, ``account``, ``amount``, ``effects`` (times that it is
        in the balance), ``final`` (bool: nothing more can happen to it).
    """

    guarantee: dict[str, int]
    expected: int
    actual: int
    wrong_accounts: int
    stored: int
    table: pd.DataFrame = field(repr=False)


def effects(
    tables: Tables, guard: Guard, *, consumer: str | None = None, amount: int = 20
) -> Effects:
    """Give each delivery that a handler brought to its end to a guard, in the order of the ends.

    Parameters
    ----------
    tables : Tables
        Of a run whose consumer does not deduplicate by itself; the key of a message is its account.
    guard : Guard
        A new one: it starts with empty balances.
    consumer : str, optional
        Who handles them; the only consumer without it.
    amount : int
        What each message adds to its account.

    Returns
    -------
    Effects
        Of all messages of the run, those of the warm-up included: a balance forgets nothing. A
        message of a state-carrying guard is in the balance once if the balance is as new as it, and
        otherwise not at all.

    Raises
    ------
    ValueError
        If there are several consumers and none is named, or the guard has been used.

    Examples
    --------
    >>> import eda_sim as es
    >>> from eda_sim.patterns.idempotency import guards
    >>> from eda_sim.patterns.idempotency.payments import scenario
    >>> run = es.run(scenario(rate=20, lost_acknowledgements=0.1, duration="60s"))
    >>> found = effects(run.tables, guards.Unguarded())
    >>> found.actual - found.expected == 20 * run.guarantee()["extra_effects"].item() > 0
    True
    >>> effects(run.tables, guards.VersionCheck()).guarantee["duplicated"]
    0
    """
    if guard.balances:
        raise ValueError("guard has been used: it must start with empty balances")
    name = the_consumer(tables, consumer)
    deliveries = payments(tables, consumer=name, amount=amount)
    applied: Counter[int] = Counter()
    for message in in_order(deliveries):
        applied[message.message_id] += guard.apply(message)
    table = effects_of(tables, name, warmup=0.0)
    versions = guard.versions
    if versions is None:
        table["effects"] = [applied[number] for number in table["message_id"].tolist()]
    else:
        newest = table["key"].map(versions).fillna(0)
        table["effects"] = (table.groupby("key").cumcount() + 1 <= newest).astype(int)
    counts = {word: count for word, count in counts_of(table).items() if word in _COUNTED}
    wanted = amount * table.groupby("key").size()
    there = pd.Series(dict(guard.balances), dtype="int64").reindex(wanted.index, fill_value=0)
    return Effects(
        guarantee=counts,
        expected=int(wanted.sum()),
        actual=int(there.sum()),
        wrong_accounts=int((wanted != there).sum()),
        stored=guard.stored,
        table=table.rename(columns={"key": "account"}).assign(amount=amount)[
            ["message_id", "account", "amount", "effects", "final"]
        ],
    )


_COUNTED = ("messages", *OUTCOMES)


def compare(
    tables: Tables,
    guards: Mapping[str, Guard],
    *,
    consumer: str | None = None,
    amount: int = 20,
) -> pd.DataFrame:
    """Give the same deliveries to several guards.

    Parameters
    ----------
    tables, consumer, amount
        As of :func:`effects`.
    guards : mapping of str to Guard
        Name -> a new guard.

    Returns
    -------
    DataFrame
        One row per guard: ``name``, ``messages``, ``lost``, ``pending``, ``exactly_once``,
        ``duplicated``, ``expected``, ``actual``, ``wrong_accounts``, ``stored``.
        ``shares(table, by="name")`` makes shares with intervals of it.
    """
    rows = []
    for name, guard in guards.items():
        found = effects(tables, guard, consumer=consumer, amount=amount)
        balance = {word: getattr(found, word) for word in _BALANCE}
        rows.append({"name": name, **found.guarantee, **balance})
    return pd.DataFrame(rows, columns=["name", *_COUNTED, *_BALANCE])


_BALANCE = ("expected", "actual", "wrong_accounts", "stored")
