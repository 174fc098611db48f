"""Lag and queue lengths: how far a consumer is behind, in messages and in seconds.

The words
---------
lag in messages
    Copies that are stored and not settled: waiting, handed over, or waiting for a redelivery. For a
    subscription with offsets it is the end of the log minus the committed offset.
lag in seconds
    Age of the oldest of them since it was stored. Not the lag in messages over a rate: a single
    stuck message makes it grow while the count stays at one.
queue length
    Copies that wait for a hand-over, or were handed over and wait for a worker; those that a worker
    has in hand are counted apart.

The series of a run sample these numbers as the run goes; the functions here count them exactly from
the tables, at any moment, and agree with the series at its moments.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd

from eda_sim.analysis.effects import OPEN_STATES
from eda_sim.analysis.steps import count_at, oldest_open_since, step_function
from eda_sim.analysis.tables import Tables, is_one_of

Values = npt.NDArray[np.float64]

_GRID = 200

LAG = {"copies": ("channel", "consumer", "stored_at", "settled_at")}
"""The columns that :func:`lag` needs, given its times."""
QUEUE_LENGTH = {
    "copies": ("copy_id", "consumer", "deliveries", "stored_at", "settled_at", "state"),
    "deliveries": (
        "copy_id",
        "consumer",
        "attempt",
        "available_at",
        "started_at",
        "finished_at",
        "settled_at",
        "available_again_at",
        "outcome",
    ),
}
"""The columns that :func:`queue_length` needs, given its times."""


def sample_times(tables: Tables) -> Values:
    """Return the moments of the series, or 200 even ones where the run sampled none."""
    if len(tables.series):
        return np.unique(tables.series["time"].to_numpy())
    return np.linspace(0.0, tables.ended_at, _GRID + 1)


def lag(tables: Tables, *, times: npt.ArrayLike | None = None) -> pd.DataFrame:
    """Return the lag of each subscription over time, counted exactly from the tables.

    Parameters
    ----------
    tables : Tables
        The tables of a run.
    times : array of float, optional
        Moments in seconds; those of the series without it.

    Returns
    -------
    DataFrame
        By subscription, then time: ``time`` (s), ``channel``, ``consumer``, ``messages`` (count),
        ``seconds`` (age of the oldest unsettled copy, 0 without one). An event at the very moment
        counts as having happened.
    """
    moments = sample_times(tables) if times is None else np.asarray(times, dtype=np.float64)
    parts = []
    for channel, consumer, copies in _subscriptions(tables):
        stored = copies["stored_at"].to_numpy()
        settled = copies["settled_at"].to_numpy()
        since = oldest_open_since(moments, stored, settled)
        done = np.sort(settled[~np.isnan(settled)])
        parts.append(
            (
                {"channel": channel, "consumer": consumer},
                {
                    "time": moments,
                    "messages": count_at(moments, np.sort(stored), done),
                    "seconds": np.nan_to_num(moments - since, nan=0.0),
                },
            )
        )
    return tables.joined(parts, ["time", "channel", "consumer", "messages", "seconds"])


def sampled_lag(tables: Tables) -> pd.DataFrame:
    """Return the lag in messages as the series sampled it.

    Returns
    -------
    DataFrame
        ``time`` (s), ``channel``, ``consumer``, ``messages`` (available, scheduled and acquired).
    """
    series = tables.series
    table = series[["time", "channel", "consumer"]].copy()
    table["messages"] = series["available"] + series["scheduled"] + series["acquired"]
    return table.sort_values(["channel", "consumer", "time"], kind="stable", ignore_index=True)


def lag_steps(tables: Tables) -> pd.DataFrame:
    """Return every change of the lag of each subscription.

    Returns
    -------
    DataFrame
        ``time`` (s), ``channel``, ``consumer``, ``messages``: the lag from that moment on.
    """
    parts = []
    for channel, consumer, copies in _subscriptions(tables):
        times, counts = step_function(
            copies["stored_at"].to_numpy(), copies["settled_at"].to_numpy()
        )
        who = {"channel": channel, "consumer": consumer}
        parts.append((who, {"time": times, "messages": counts}))
    return tables.joined(parts, ["time", "channel", "consumer", "messages"])


def telling_times(tables: Tables, *, points: int = 600) -> Values:
    """Return even moments over the run, and those at which a lag is at its highest.

    A picture of samples alone would miss the peaks between them.
    """
    even = np.linspace(0.0, tables.ended_at, points + 1)
    steps = lag_steps(tables)
    highest = steps.groupby(["channel", "consumer"], observed=True)["messages"].idxmax()
    return np.unique(np.concatenate([even, steps.loc[highest, "time"].to_numpy()]))


def queue_length(
    tables: Tables, *, times: npt.ArrayLike | None = None, consumer: str | None = None
) -> pd.DataFrame:
    """Return how many deliveries of each consumer wait, and how many are with a worker, over time.

    Parameters
    ----------
    tables : Tables
        The tables of a run.
    times : array of float, optional
        Moments in seconds; those of the series without it.
    consumer : str, optional
        One consumer; all of them without it.

    Returns
    -------
    DataFrame
        By consumer, then time: ``time`` (s), ``consumer``, ``waiting`` (copies that wait for
        a hand-over or, handed over, for a worker), ``in_service`` (workers that run a handler).
    """
    moments = sample_times(tables) if times is None else np.asarray(times, dtype=np.float64)
    parts = []
    for name in tables.names if consumer is None else [consumer]:
        waits = waiting_intervals(tables, name)
        own = tables.deliveries_of(name)
        parts.append(
            (
                {"consumer": name},
                {
                    "time": moments,
                    "waiting": _open_at(moments, waits["start"], waits["end"]),
                    "in_service": _open_at(moments, own["started_at"], own["finished_at"]),
                },
            )
        )
    return tables.joined(parts, ["time", "consumer", "waiting", "in_service"])


def waiting_intervals(tables: Tables, consumer: str) -> pd.DataFrame:
    """Return every stretch of time in which a copy waited for a worker of ``consumer``.

    A delivery waits from when its copy became available until a worker took it up. If a crash cut
    off the attempt before it, it waits from that moment on, also while the broker has not noticed
    yet. A copy that was never handed over waits from its storing on.

    Returns
    -------
    DataFrame
        ``copy_id``, ``start`` (s), ``end`` (s, NaN: still waiting when the run stopped).
    """
    copies = tables.copies[is_one_of(tables.copies["consumer"], [consumer])]
    deliveries = tables.deliveries_of(consumer).sort_values(["copy_id", "attempt"], kind="stable")
    crashed = is_one_of(deliveries["outcome"], ["crashed"])
    lost_at = deliveries["finished_at"].where(crashed)
    of_copy = deliveries["copy_id"]
    start = deliveries["available_at"].clip(upper=lost_at.groupby(of_copy, sort=False).shift(1))
    # A worker took it up, or else the first of what ended it.
    over = deliveries[["finished_at", "settled_at", "available_again_at"]].min(axis=1)
    delivered = pd.DataFrame(
        {"copy_id": of_copy, "start": start, "end": deliveries["started_at"].fillna(over)}
    )
    fresh = copies[copies["deliveries"] == 0]
    untouched = pd.DataFrame(
        {"copy_id": fresh["copy_id"], "start": fresh["stored_at"], "end": fresh["settled_at"]}
    )
    still_open = copies.loc[is_one_of(copies["state"], OPEN_STATES), "copy_id"]
    back_at = lost_at.fillna(deliveries["available_again_at"])
    last = ~of_copy.duplicated(keep="last") & of_copy.isin(still_open) & back_at.notna()
    returned = pd.DataFrame({"copy_id": of_copy[last], "start": back_at[last], "end": np.nan})
    return pd.concat([delivered, untouched, returned], ignore_index=True)


def busy_steps(tables: Tables, consumer: str) -> pd.DataFrame:
    """Return every change of the number of busy workers of ``consumer``.

    Returns
    -------
    DataFrame
        ``time`` (s), ``consumer``, ``busy``: workers that run a handler from that moment on.
    """
    own = tables.deliveries_of(consumer)
    own = own[own["worker"] < tables.workers_of(consumer)[1]]  # what interrupts needs no other
    times, counts = step_function(own["started_at"].to_numpy(), own["finished_at"].to_numpy())
    part = ({"consumer": consumer}, {"time": times, "busy": counts})
    return tables.joined([part], ["time", "consumer", "busy"])


def _open_at(moments: Values, starts: pd.Series, ends: pd.Series) -> npt.NDArray[np.int64]:
    begun = ~np.isnan(starts.to_numpy())
    over = ends.to_numpy()[begun]
    return count_at(moments, np.sort(starts.to_numpy()[begun]), np.sort(over[~np.isnan(over)]))


def _subscriptions(tables: Tables) -> Iterator[tuple[str, str, pd.DataFrame]]:
    copies = tables.copies
    for channel, consumer in zip(
        tables.subscriptions["channel"], tables.subscriptions["consumer"], strict=True
    ):
        chosen = is_one_of(copies["channel"], [channel]) & is_one_of(copies["consumer"], [consumer])
        yield str(channel), str(consumer), copies[chosen]
