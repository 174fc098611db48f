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

import itertools
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from eda_sim.analysis.batch_means import BATCHES, ratio_of_batches
from eda_sim.analysis.estimates import Estimate
from eda_sim.analysis.steps import clipped, covered
from eda_sim.analysis.tables import Tables, is_one_of

Values = npt.NDArray[np.float64]

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
        (worker-seconds), ``utilization`` (NaN if it was never up), ``low``, ``high`` (its 95 %
        interval by batch means; NaN with fewer than 40 deliveries, or batches that are too alike).

    Raises
    ------
    ValueError
        If ``by`` is another word.

    References
    ----------
    Busy time over capacity is the utilization law, U = X S: D. Gross et al., "Fundamentals of
    Queueing Theory", 4th ed. (2008), section 1.5.
    """
    start, end = tables.warmup, tables.ended_at
    edges = np.linspace(start, max(start, end), BATCHES + 1)
    busy, batches = {}, {}
    for name in tables.names:
        own = tables.deliveries_of(name)
        instances, concurrency = tables.workers_of(name)
        # What interrupts another handling needs no further worker.
        own = own[own["started_at"].notna() & (own["worker"] < concurrency)]
        lengths = clipped(own["started_at"].to_numpy(), own["finished_at"].to_numpy(), start, end)
        worker_of = own["instance"].to_numpy()
        busy[name] = np.bincount(worker_of, weights=lengths, minlength=instances).astype(float)
        batches[name] = _busy_in_batches(own, 1 if by == "consumer" else instances, edges)
    return utilization_of(tables, busy, batches, by=by)


def utilization_of(
    tables: Tables,
    busy_s: Mapping[str, Values],
    batches_s: Mapping[str, Values] | None = None,
    *,
    by: str = "consumer",
) -> pd.DataFrame:
    """Return the utilization of workers whose busy time is known.

    Parameters
    ----------
    tables : Tables
        The tables of a run; of its rows only the faults are looked at.
    busy_s : mapping
        Consumer -> worker-seconds per instance, after the warm-up.
    batches_s : mapping, optional
        Consumer -> the same in each of 20 equal stretches, one row per row of the result. Without
        it there is no interval.
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
    edges = np.linspace(start, max(start, end), BATCHES + 1)
    rows, intervals = [], []
    for name in tables.names:
        instances, concurrency = tables.workers_of(name)
        ups = np.empty((instances, BATCHES))
        for instance in range(instances):
            down = down_intervals(tables, name, instance)
            up = concurrency * (end - start - _total(down, start, end))
            ups[instance] = concurrency * (np.diff(edges) - covered(down[:, 0], down[:, 1], edges))
            rows.append((name, instance, concurrency, busy_s[name][instance], up))
        if by == "consumer":
            ups = ups.sum(axis=0, keepdims=True)
        batches = np.full_like(ups, np.nan) if batches_s is None else batches_s[name]
        intervals += [_interval(*each) for each in zip(batches, ups, strict=True)]
    table = pd.DataFrame(rows, columns=["consumer", "instance", "workers", "busy_s", "up_s"])
    if by == "consumer":
        sums = table.groupby("consumer", sort=False)[["workers", "busy_s", "up_s"]].sum()
        table = sums.reset_index()
    table["utilization"] = (table["busy_s"] / table["up_s"]).where(table["up_s"] > 0)
    table["low"] = [each.low for each in intervals]
    table["high"] = [each.high for each in intervals]
    return table


def _busy_in_batches(deliveries: pd.DataFrame, rows: int, edges: Values) -> Values:
    """Return the busy time between the edges, of one row in all or of each instance.

    NaN where there are fewer than two deliveries per batch.
    """
    row_of = deliveries["instance"].to_numpy() if rows > 1 else np.zeros(len(deliveries))
    order = np.argsort(row_of, kind="stable")
    bounds = np.searchsorted(row_of[order], np.arange(rows + 1))
    starts, ends = (deliveries[name].to_numpy()[order] for name in ("started_at", "finished_at"))
    busy = np.full((rows, edges.size - 1), np.nan)
    for row, (first, last) in enumerate(itertools.pairwise(bounds)):
        if last - first >= 2 * BATCHES:
            busy[row] = covered(starts[first:last], ends[first:last], edges)
    return busy


def _interval(busy: Values, up: Values) -> Estimate:
    """Return the utilization of batches; nobody is busy for longer than he is up."""
    if np.isnan(busy).any():
        return Estimate(np.nan, np.nan, np.nan)
    value, low, high = ratio_of_batches(busy, up)
    return Estimate(value, low, np.minimum(high, 1.0))


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
