"""Throughput: how much went in and came out, per second, in windows of equal length."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from eda_sim.analysis.batch_means import BATCHES, ratio_of_batches
from eda_sim.analysis.effects import effects_of
from eda_sim.analysis.estimates import Estimate
from eda_sim.analysis.tables import Tables, is_one_of

Values = npt.NDArray[np.float64]

_WINDOWS = 100
_RATES = ("created_per_s", "delivered_per_s", "effects_per_s", "goodput_per_s")


def throughput(tables: Tables, *, window: float | None = None) -> pd.DataFrame:
    """Return rates per consumer over time.

    Parameters
    ----------
    tables : Tables
        The tables of a run.
    window : float, optional
        Length of a window in seconds, the last one may be shorter; without it, a hundredth of the
        run.

    Returns
    -------
    DataFrame
        By consumer, then time: ``consumer``, ``start``, ``end`` (s), and per second of that window:
        ``created_per_s`` (messages created for its channels), ``delivered_per_s`` (hand-overs),
        ``effects_per_s`` (all effects), ``goodput_per_s`` (first effects only: a duplicate is work,
        not progress).

    Raises
    ------
    ValueError
        If ``window`` is not greater than 0.
    """
    length = tables.ended_at / _WINDOWS if window is None else window
    if not length > 0:
        message = f"a window lasts longer than 0 s, not {length}"
        raise ValueError(message)
    edges = _edges(tables.ended_at, length)
    seconds = np.diff(edges)
    created = tables.messages["created_at"].to_numpy()
    parts = []
    for name in tables.names:
        own = tables.deliveries_of(name)
        effective = own.loc[own["effect"] == 1, "finished_at"].to_numpy()
        everything = effects_of(tables, name, warmup=0.0)["effect_at"].to_numpy()
        counted = {
            "created_per_s": created[
                is_one_of(tables.messages["channel"], tables.channels_of(name))
            ],
            "delivered_per_s": own["acquired_at"].to_numpy(),
            "effects_per_s": effective,
            "goodput_per_s": everything[~np.isnan(everything)],
        }
        rates = {key: _per_window(moments, edges) / seconds for key, moments in counted.items()}
        parts.append(({"consumer": name}, {"start": edges[:-1], "end": edges[1:], **rates}))
    return tables.joined(parts, ["consumer", "start", "end", *_RATES])


def rate_of_run(moments: Values, start: float, end: float, *, confidence: float = 0.95) -> Estimate:
    """Return how often per second something happened, with its batch-means interval.

    Parameters
    ----------
    moments : array of float
        When it happened (s), each within the stretch.
    start, end : float
        The stretch of the run (s), which is cut into 20 batches.
    confidence : float
        Probability that the interval covers the true rate.

    Returns
    -------
    Estimate
        NaN for an empty stretch. ``low`` and ``high`` are NaN with fewer than 40 moments, two per
        batch, or batches that are too alike.

    Examples
    --------
    >>> moments = np.cumsum(np.random.default_rng(1).exponential(0.1, size=5000))
    >>> rate_of_run(moments, 0.0, moments[-1]).holds(10.0)
    True
    """
    if not end > start:
        return Estimate(np.nan, np.nan, np.nan)
    if moments.size < 2 * BATCHES:
        return Estimate(moments.size / (end - start), np.nan, np.nan)
    edges = np.linspace(start, end, BATCHES + 1)
    counts = _per_window(moments, edges).astype(np.float64)
    _, low, high = ratio_of_batches(counts, np.diff(edges), confidence=confidence)
    return Estimate(moments.size / (end - start), low, high)


def _edges(end: float, length: float) -> Values:
    whole = int(np.floor(end / length + 1e-9))
    edges: Values = np.arange(whole + 1, dtype=np.float64) * length
    if whole and abs(edges[-1] - end) <= 1e-9 * end:
        edges[-1] = end
        return edges
    return np.append(edges, end)


def _per_window(moments: Values, edges: Values) -> npt.NDArray[np.int64]:
    """Count moments per window [start, end); the last one takes its end too."""
    place = np.searchsorted(edges, moments, side="right") - 1
    place = np.minimum(place, edges.size - 2)
    return np.bincount(place, minlength=edges.size - 1).astype(np.int64)
