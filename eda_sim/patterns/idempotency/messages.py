"""What is delivered: messages that change the balance of an account.

One message says the same thing in two ways, and a handler chooses the one that it can use: *add*
20 € (``amount``), or *the total is now* 140 € (``total``).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pandas as pd

from eda_sim.analysis.tables import Tables


class Message(NamedTuple):
    """One delivery of a message.

    Attributes
    ----------
    message_id : int
        The same for every copy of a message.
    account : int
        Whose balance it changes.
    version : int
        Which message of its account it is, in the order of creation, from 1.
    amount, total : int
        What it adds, and what the balance of the account is after it.
    at : float
        When it is handled, in seconds.
    """

    message_id: int
    account: int
    version: int
    amount: int
    total: int
    at: float


def payments(tables: Tables, *, consumer: str | None = None, amount: int = 20) -> pd.DataFrame:
    """Return each delivery that a handler of a run brought to its end, in the order of the ends.

    Parameters
    ----------
    tables : Tables
        Of a run; the key of a message is its account.
    consumer : str, optional
        Who handles them; the only consumer without it.
    amount : int
        What each message adds.

    Returns
    -------
    DataFrame
        Columns as the attributes of :class:`Message`.

    Raises
    ------
    ValueError
        If there are several consumers and none is named.
    """
    name = the_consumer(tables, consumer)
    created = tables.messages
    created = created[created["channel"].isin(tables.channels_of(name))]
    version = created.groupby("key").cumcount() + 1
    what = pd.DataFrame(
        {
            "message_id": created["message_id"],
            "account": created["key"],
            "version": version,
            "amount": amount,
            "total": amount * version,
        }
    )
    deliveries = tables.deliveries_of(name)
    done = deliveries.loc[deliveries["effect"] == 1, ["message_id", "finished_at"]]
    done = done.sort_values("finished_at", kind="stable").rename(columns={"finished_at": "at"})
    return done.merge(what, on="message_id", how="left")[[*Message._fields]]


def in_order(table: pd.DataFrame) -> Iterator[Message]:
    """Yield the rows of such a table as messages."""
    # Lists hold Python's own numbers, which a database takes as they are.
    columns = (table[name].tolist() for name in Message._fields)
    return (Message(*row) for row in zip(*columns, strict=True))


def the_consumer(tables: Tables, consumer: str | None) -> str:
    """Return the consumer that is meant.

    Raises
    ------
    ValueError
        If there are several and none is named.
    """
    if consumer is not None:
        return consumer
    if len(tables.names) != 1:
        message = f"consumer is None: must be one of {', '.join(tables.names)}"
        raise ValueError(message)
    return tables.names[0]
