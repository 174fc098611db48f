"""Utilization: the share of the workers' time in which they run a handler.

The words
---------
busy
    A worker is busy from taking a delivery up until it is done with it, or a crash ends it. Work
    that leads to no effect (a duplicate that is skipped, a handler that crashes) is work all the
    same.
up
    An instance is up unless a crash has taken it down. Time in which it is down is nobody's time:
    it is neither busy nor idle.
utilization
    Busy worker-seconds over worker-seconds in which the instance is up.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from eda_sim.analysis.steps import clipped
from eda_sim.analysis.tables import Tables, is_one_of

DOWN_KINDS = ("crash", "stop")
"""Kinds of fault that take an instance down."""


def utilization(tables: Tables, *, by: str = "consumer") -> pd.DataFrame:
    """Return the utilization of each consumer, or of each instance, after the warm-up.

    Parameters
    ----------
    tables : Tables
        The tables of a run.
    by : str
        ``consumer`` or ``instance``.

    Returns
    -------
    DataFrame
        ``consumer``, ``instance`` (where asked for), ``workers`` (count), ``busy_s``, ``up_s``
        (worker-seconds), ``utilization`` (NaN if it was never up).

    Raises
    ------
    ValueError
        If ``by`` is another word.

    References ---------- Busy time over capacity is the utilization law, U = X S: D. Gross et al.,
    "Fundamentals of Queueing Theory", 4th ed. (2008), section 1.5.
    """
    start, end = tables.warmup, tables.ended_at
    busy = {}
    for name in tables.names:
        own = tables.deliveries_of(name)
        instances, concurrency = tables.workers_of(name)
        # What interrupts another handling needs no further worker.
        own = own[own["started_at"].notna() & (own["worker"] < concurrency)]
        lengths = clipped(own["started_at"].to_numpy(), own["finished_at"].to_numpy(), start, end)
        worker_of = own["instance"].to_numpy()
        busy[name] = np.bincount(worker_of, weights=lengths, minlength=instances).astype(float)
    return utilization_of(tables, busy, by=by)


def utilization_of(
    tables: Tables, busy_s: Mapping[str, npt.NDArray[np.float64]], *, by: str = "consumer"
) -> pd.DataFrame:
    """Return the utilization of workers whose busy time is known.

    Parameters
    ----------
    tables : Tables
        The tables of a run; of its rows only the faults are looked at.
    busy_s : mapping
        Consumer -> worker-seconds per instance, after the warm-up.
    by : str
        ``consumer`` or ``instance``.

    Returns
    -------
    DataFrame
        That of :func:`utilization`.

    Raises
    ------
    ValueError
        If ``by`` is another word.
    """
    if by not in ("consumer", "instance"):
        message = f"by is 'consumer' or 'instance', not {by!r}"
        raise ValueError(message)
    start, end = tables.warmup, tables.ended_at
    rows = []
    for name in tables.names:
        instances, concurrency = tables.workers_of(name)
        for instance in range(instances):
            down = _total(down_intervals(tables, name, instance), start, end)
            up = concurrency * (end - start - down)
            rows.append((name, instance, concurrency, busy_s[name][instance], up))
    table = pd.DataFrame(rows, columns=["consumer", "instance", "workers", "busy_s", "up_s"])
    if by == "consumer":
        sums = table.groupby("consumer", sort=False)[["workers", "busy_s", "up_s"]].sum()
        table = sums.reset_index()
    table["utilization"] = (table["busy_s"] / table["up_s"]).where(table["up_s"] > 0)
    return table


def down_intervals(tables: Tables, consumer: str, instance: int) -> npt.NDArray[np.float64]:
    """Return the stretches of time in which an instance was down, merged where faults overlap.

    Returns
    -------
    array of float, shape (n, 2)
        Start and end in seconds; a fault that outlived the run ends with it.
    """
    faults = tables.faults
    chosen = is_one_of(faults["kind"], DOWN_KINDS) & is_one_of(faults["target"], [consumer])
    chosen &= faults["instance"].isin([instance, -1]).to_numpy()
    rows = faults[chosen].sort_values("started_at")
    merged: list[list[float]] = []
    for start, end in zip(
        rows["started_at"], rows["ended_at"].fillna(tables.ended_at), strict=True
    ):
        if merged and start <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], float(end))
        else:
            merged.append([float(start), float(end)])
    return np.array(merged, dtype=np.float64).reshape(len(merged), 2)


def _total(intervals: npt.NDArray[np.float64], start: float, end: float) -> float:
    return float(clipped(intervals[:, 0], intervals[:, 1], start, end).sum())
