"""The guarantee of a run, counted: lost, pending, exactly once, duplicated, out of order.

The words
---------
exactly once, duplicated
    One effect, or more than one, of a message at a consumer.
lost
    No effect, and nothing left that could still make one: every copy is settled or gone, or
    publishing failed for good.
pending
    No effect yet when the run stopped. Not the same as lost: a longer run may settle it.
out of order
    A message whose first effect came after the first effect of a message that the same source
    created later, in the same channel, with the same key: it was overtaken.

``messages = exactly_once + duplicated + lost + pending``, always.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from eda_sim.analysis.effects import effects_of
from eda_sim.analysis.proportions import wilson
from eda_sim.analysis.tables import Tables

NO_KEY = -1

COUNTS = (
    "messages",
    "exactly_once",
    "duplicated",
    "lost",
    "pending",
    "out_of_order",
    "extra_effects",
)
"""What is counted, in the order of the columns."""

OUTCOMES = ("lost", "pending", "exactly_once", "duplicated")
"""What becomes of a message: one of these."""


def guarantee(tables: Tables) -> pd.DataFrame:
    """Return the counted guarantee of each consumer.

    Parameters
    ----------
    tables : Tables
        The tables of a run.

    Returns
    -------
    DataFrame
        One row per consumer: ``consumer``, then counts of messages: ``messages``, ``exactly_once``,
        ``duplicated``, ``lost``, ``pending``, ``out_of_order``; and ``extra_effects``, the effects
        beyond the first of each message.
    """
    rows = [{"consumer": name, **counts_of(effects_of(tables, name))} for name in tables.names]
    return pd.DataFrame(rows, columns=["consumer", *COUNTS])


def counts_of(table: pd.DataFrame) -> dict[str, int]:
    """Return the counted guarantee of one consumer.

    Parameters
    ----------
    table : DataFrame
        As :func:`eda_sim.analysis.effects.effects_of` returns it.

    Returns
    -------
    dict
        One count per word of :data:`COUNTS`.
    """
    effects = table["effects"].to_numpy()
    return {
        **fates_counted(effects, table["final"].to_numpy()),
        "out_of_order": int(overtaken(table).sum()),
        "extra_effects": int(np.maximum(effects - 1, 0).sum()),
    }


def fates_counted(effects: npt.NDArray[np.int64], final: npt.NDArray[np.bool_]) -> dict[str, int]:
    """Return how many messages there are, and how many of them met which fate.

    Parameters
    ----------
    effects : array of int
        How often each message took effect.
    final : array of bool
        Whether nothing more can happen to it.

    Returns
    -------
    dict
        ``messages``, ``exactly_once``, ``duplicated``, ``lost``, ``pending``.

    Examples
    --------
    >>> fates_counted(np.array([1, 0, 0, 2]), np.array([True, True, False, True]))
    {'messages': 4, 'exactly_once': 1, 'duplicated': 1, 'lost': 1, 'pending': 1}
    """
    without = effects == 0
    return {
        "messages": len(effects),
        "exactly_once": int((effects == 1).sum()),
        "duplicated": int((effects > 1).sum()),
        "lost": int((without & final).sum()),
        "pending": int((without & ~final).sum()),
    }


def overtaken(effects: pd.DataFrame) -> pd.Series:
    """Return which messages were overtaken by a later one of the same source, channel and key.

    Parameters
    ----------
    effects : DataFrame
        As :func:`eda_sim.analysis.effects.effects_of` returns it.

    Returns
    -------
    Series of bool
        One per row; messages without a key or without an effect are never overtaken.
    """
    ordered = effects[(effects["key"] != NO_KEY) & effects["effect_at"].notna()]
    backwards = ordered.iloc[::-1]
    groups = backwards.groupby(["source", "channel", "key"], observed=True, sort=False)
    earliest_later = groups["effect_at"].cummin()
    late = backwards["effect_at"] > earliest_later
    return late.reindex(effects.index, fill_value=False)


def shares(
    counted: pd.DataFrame, *, by: str = "consumer", confidence: float = 0.95
) -> pd.DataFrame:
    """Return the share of each outcome, with its interval.

    Parameters
    ----------
    counted : DataFrame
        As :func:`guarantee` returns it: ``messages``, ``lost``, ``pending``, ``exactly_once``,
        ``duplicated``, one row per consumer or whatever is compared.
    by : str
        Column that names the rows.
    confidence : float
        Probability that an interval covers the true share.

    Returns
    -------
    DataFrame
        One row per row and outcome: ``name``, ``outcome``, ``count``, ``value``, ``low``, ``high``
        (shares of the messages). The interval is Wilson's, which takes messages for independent
        trials: true of lost acknowledgements, too short after an outage, which hits many at once.

    Examples
    --------
    >>> found = pd.DataFrame(
    ...     [("shop", 100, 2, 0, 98, 0)],
    ...     columns=["consumer", "messages", "lost", "pending", "exactly_once", "duplicated"],
    ... )
    >>> shares(found).round(3)[["outcome", "value", "low", "high"]].values.tolist()[0]
    ['lost', 0.02, 0.006, 0.07]
    """
    rows = []
    for row in counted.to_dict("records"):
        for outcome in OUTCOMES:
            count = int(row[outcome])
            found = wilson(count, int(row["messages"]), confidence=confidence)
            rows.append((row[by], outcome, count, *found))
    return pd.DataFrame(rows, columns=["name", "outcome", "count", "value", "low", "high"])
