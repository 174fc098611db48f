"""What became of each message at one consumer: the table behind latency and guarantee.

An effect is the state change that a handler makes when it finishes a delivery. One message may have
none, one or several at a consumer; the first is the one that a customer waits for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from eda_sim.analysis.tables import Tables, is_one_of, state_name
from eda_sim.engine import trace

OPEN_STATES = tuple(map(state_name, trace.OPEN_STATES))
"""States in which a copy may still be handed over, as tables call them."""

_FAILED_STATUSES = tuple(map(state_name, trace.FAILED_STATUSES))

FATES: Mapping[str, tuple[str, ...]] = {
    "messages": ("channel", "created_at", "status"),
    "copies": ("message_id", "consumer", "state"),
    "deliveries": ("message_id", "consumer", "started_at", "finished_at", "effect"),
}
"""The columns that :func:`fates_of` needs, as ``to_tables(..., only=FATES)`` takes them."""


@dataclass(frozen=True)
class Fates:
    """What became of the messages that a consumer should see, as arrays, in order of creation.

    Attributes
    ----------
    rows : array of int
        Row of each message in the table of messages.
    created_at, started_at, effect_at : array of float
        Seconds; when it was created, and when the first delivery that took effect began and ended
        (NaN without one).
    effects : array of int
        How often it took effect.
    final : array of bool
        Whether nothing more can happen to it here.
    """

    rows: npt.NDArray[np.int64]
    created_at: npt.NDArray[np.float64]
    started_at: npt.NDArray[np.float64]
    effect_at: npt.NDArray[np.float64]
    effects: npt.NDArray[np.int64]
    final: npt.NDArray[np.bool_]


def effects_of(tables: Tables, consumer: str, *, warmup: float | None = None) -> pd.DataFrame:
    """Return one row per message that ``consumer`` should see, with its effects.

    Parameters
    ----------
    tables : Tables
        The tables of a run.
    consumer : str
        Name of the consumer.
    warmup : float, optional
        Seconds; messages created before are left out. That of the run without it.

    Returns
    -------
    DataFrame
        In order of creation:
        ``message_id``, ``channel``, ``source``, ``key``,
        ``created_at`` (s),
        ``started_at`` (s, start of the first delivery that took effect, NaN without one),
        ``effect_at`` (s, end of that delivery),
        ``effects`` (count),
        ``final`` (bool: nothing more can happen to it here).

    Raises
    ------
    KeyError
        If there is no such consumer.
    """
    fates = fates_of(tables, consumer, warmup=warmup)
    columns = ["message_id", "channel", "source", "key", "created_at"]
    table = tables.messages[columns].iloc[fates.rows].reset_index(drop=True)
    for name in ("started_at", "effect_at", "effects", "final"):
        table[name] = getattr(fates, name)
    return table


def fates_of(tables: Tables, consumer: str, *, warmup: float | None = None) -> Fates:
    """Return what :func:`effects_of` does, without a table: for who asks again and again.

    Parameters
    ----------
    tables : Tables
        The tables of a run; the columns of :data:`FATES` are enough.
    consumer : str
        Name of the consumer.
    warmup : float, optional
        Seconds; messages created before are left out. That of the run without it.

    Returns
    -------
    Fates

    Raises
    ------
    KeyError
        If there is no such consumer.
    """
    messages = tables.messages
    created = messages["created_at"].to_numpy()
    stored = _stored(tables, consumer)
    chosen = is_one_of(messages["channel"], tables.channels_of(consumer))
    chosen |= stored > 0  # published elsewhere, and moved to where it reads
    chosen &= created >= (tables.warmup if warmup is None else warmup)
    rows = np.flatnonzero(chosen)
    first, counts = _first_effects(tables, consumer)
    # The extra NaN at the end is what row -1, "no effect", points to.
    started, finished = (
        np.append(tables.deliveries[name].to_numpy(), np.nan)[first[rows]]
        for name in ("started_at", "finished_at")
    )
    final = _final(tables, consumer, stored)[rows]
    return Fates(rows, created[rows], started, finished, counts[rows], final)


def _first_effects(tables: Tables, consumer: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the row of the first effective delivery per message (-1 without) and the effects."""
    deliveries, size = tables.deliveries, len(tables.messages)
    effective = (deliveries["effect"].to_numpy() == 1) & is_one_of(
        deliveries["consumer"], [consumer]
    )
    rows = np.flatnonzero(effective)
    ids = deliveries["message_id"].to_numpy()[rows]
    counts = np.bincount(ids, minlength=size)
    first = np.full(size, -1, dtype=np.int64)
    first[ids] = rows
    several = counts[ids] > 1
    if several.any():
        again = rows[several]
        finished = deliveries["finished_at"].to_numpy()[again]
        # Latest first, so that the earliest is written last and stays.
        backwards = again[np.argsort(finished, kind="stable")[::-1]]
        first[deliveries["message_id"].to_numpy()[backwards]] = backwards
    return first, counts


def _stored(tables: Tables, consumer: str) -> np.ndarray:
    """Return how many copies of each message a consumer's subscriptions have."""
    copies = tables.copies
    own = is_one_of(copies["consumer"], [consumer])
    return np.bincount(copies["message_id"].to_numpy()[own], minlength=len(tables.messages))


def _final(tables: Tables, consumer: str, stored: np.ndarray) -> np.ndarray:
    copies, size = tables.copies, len(tables.messages)
    own = is_one_of(copies["consumer"], [consumer])
    ids = copies["message_id"].to_numpy()
    still_open = np.bincount(ids[own & is_one_of(copies["state"], OPEN_STATES)], minlength=size)
    failed = is_one_of(tables.messages["status"], _FAILED_STATUSES)
    final: np.ndarray = (still_open == 0) & ((stored > 0) | failed)
    return final
