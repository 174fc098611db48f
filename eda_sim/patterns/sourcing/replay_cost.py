"""What it costs to load an aggregate: measured on a real store, fitted, and foretold.

A timing differs from machine to machine and from run to run; the line through timings is what can
be carried to a size that was not measured.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import optimize, stats

from eda_sim.patterns.sourcing.accounts import Account
from eda_sim.patterns.sourcing.store import AccountStore


class ReplayCost(NamedTuple):
    """Time of a load as a line: ``load_s`` + ``event_s`` times the events that are replayed.

    Attributes
    ----------
    load_s, event_s : float
        Seconds of a load that replays nothing, and of each replayed event.
    covariance : tuple of tuple of float
        Of these two.
    spread : float
        Standard deviation of a timing around the line, as a share of it.
    degrees : int
        Degrees of freedom: timings minus 2.
    """

    load_s: float
    event_s: float
    covariance: tuple[tuple[float, float], tuple[float, float]]
    spread: float
    degrees: int

    def interval(self, *, confidence: float = 0.95) -> pd.DataFrame:
        """Return both coefficients with their confidence intervals: value, low, high."""
        values = np.array([self.load_s, self.event_s])
        margin = self._t(confidence) * np.sqrt(np.diag(np.array(self.covariance)))
        return pd.DataFrame(
            {"value": values, "low": values - margin, "high": values + margin},
            index=["load_s", "event_s"],
        )

    def predict(self, events: Sequence[int], *, confidence: float = 0.95) -> pd.DataFrame:
        """Return the seconds of one load that replays so many events, with prediction interval."""
        there = np.asarray(events, dtype=float)
        design = np.stack([np.ones_like(there), there], axis=1)
        value = self.load_s + self.event_s * there
        of_line = np.einsum("ij,jk,ik->i", design, np.array(self.covariance), design)
        margin = self._t(confidence) * np.sqrt(of_line + (self.spread * value) ** 2)
        return pd.DataFrame(
            {"replayed": there.astype(int), "value": value}
            | {"low": np.maximum(0.0, value - margin), "high": value + margin}
        )

    def _t(self, confidence: float) -> float:
        return float(stats.t.ppf((1 + confidence) / 2, self.degrees))


def measure(
    events: Sequence[int],
    *,
    snapshot_every: int | None = None,
    repeats: int = 5,
    database: str = ":memory:",
) -> pd.DataFrame:
    """Time loads of accounts of several lengths from a real store.

    Parameters
    ----------
    events : sequence of int
        Events of each account, at least 1.
    snapshot_every : int, optional
        Events between snapshots; without it there are none.
    repeats : int
        Loads of each account.
    database : str
        As of :class:`~eda_sim.patterns.sourcing.store.AccountStore`.

    Returns
    -------
    DataFrame
        A row for each load: ``events``, ``replayed`` (events after the snapshot), ``seconds``. As
        :mod:`timeit` does it, Python's garbage collector rests meanwhile.

    Examples
    --------
    >>> measure([10, 25], snapshot_every=10, repeats=1)[["events", "replayed"]]
       events  replayed
    0      10         0
    1      25         5
    """
    for count in events:
        if count < 1:
            raise ValueError(f"events {count}: an account has at least 1, that of its opening")
    if repeats < 1:
        raise ValueError(f"repeats {repeats}: must be at least 1")
    store = AccountStore(database, snapshot_every=snapshot_every)
    rows = []
    try:
        for count in events:
            account = Account.open("Ada")
            store.save_many(account, (1 for _ in range(count - 1)))
            for _ in range(repeats):
                seconds = _timed_load(store, account)
                rows.append((count, store.replayed(count), seconds))
    finally:
        store.close()
    return pd.DataFrame(rows, columns=["events", "replayed", "seconds"])


def _timed_load(store: AccountStore, account: Account) -> float:
    was_on = gc.isenabled()
    gc.disable()
    try:
        begin = time.perf_counter()
        loaded = store.load(account.id)
        seconds = time.perf_counter() - begin
    finally:
        if was_on:
            gc.enable()
    assert loaded.version == account.version
    return seconds


def fit(timings: pd.DataFrame) -> ReplayCost:
    """Fit a line to timings of loads.

    Parameters
    ----------
    timings : DataFrame
        ``replayed`` and ``seconds``, a row for each load, of three or more lengths.

    Returns
    -------
    ReplayCost
        By least squares of relative errors, through the median of each length: what disturbs a
        timing only ever makes it longer, and grows with it.

    Raises
    ------
    ValueError
        If there are fewer than three lengths.

    Examples
    --------
    >>> exact = pd.DataFrame({"replayed": [0, 10, 100], "seconds": [0.001, 0.0012, 0.003]})
    >>> cost = fit(exact)
    >>> round(cost.load_s, 6), round(cost.event_s, 8)
    (0.001, 2e-05)
    >>> cost.predict([1000])["value"].round(6).item()
    0.021
    """
    medians = timings.groupby("replayed")["seconds"].median()
    if len(medians) < 3:
        raise ValueError(f"replayed {list(medians.index)}: a fit needs three lengths or more")
    lengths, seconds = medians.index.to_numpy(float), medians.to_numpy(float)
    slope = (seconds[-1] - seconds[0]) / (lengths[-1] - lengths[0])
    (load, event), covariance = optimize.curve_fit(
        lambda count, load, event: load + event * count,
        lengths,
        seconds,
        p0=(seconds[0], slope),
        sigma=seconds,
        absolute_sigma=False,
    )
    line = load + event * lengths
    degrees = len(lengths) - 2
    spread = float(np.sqrt(np.sum((seconds / line - 1) ** 2) / degrees))
    (a, b), (c, d) = covariance.tolist()
    return ReplayCost(float(load), float(event), ((a, b), (c, d)), spread, degrees)
