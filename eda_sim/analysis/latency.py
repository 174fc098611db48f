"""Latency: from the creation of a message to its first effect.

The words
---------
latency
    Created to first effect: what a customer waits for. Publishing, queueing, service and every
    failed attempt are in it.
waiting
    Created to the start of the delivery that took effect first: latency without that service.
service
    How long the worker ran that delivery.
percentile by nines
    On a scale where 90 %, 99 % and 99.9 % are equally far apart, a tail that gets ten times rarer
    per step is a straight line.

Only messages that took effect have a latency. Under overload those still pending at the end would
have had the longest, so read latency beside ``guarantee``, which counts them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from eda_sim.analysis.effects import effects_of
from eda_sim.analysis.intervals import Estimate, mean_interval, quantile_intervals
from eda_sim.analysis.tables import Tables, is_one_of, stacked

_NEEDED = ("message_id", "created_at", "started_at", "effect_at")

USUAL_QUANTILES = (0.5, 0.9, 0.95, 0.99, 0.999)

TIMES = {
    "latency": ("created_at", "effect_at"),
    "waiting": ("created_at", "started_at"),
    "service": ("started_at", "effect_at"),
}
"""Each time, and the columns of the effects between which it passes."""


@dataclass(frozen=True)
class Latency:
    """Times that messages took, per consumer, with their statistics.

    Attributes
    ----------
    table : DataFrame
        One row per message that took effect, by consumer, then creation: ``consumer``,
        ``message_id``, ``created_at`` (s), ``seconds``.
    what : str
        The time that is meant: ``latency``, ``waiting`` or ``service``.
    """

    table: pd.DataFrame = field(repr=False)
    what: str = "latency"

    def __len__(self) -> int:
        return len(self.table)

    @property
    def values(self) -> npt.NDArray[np.float64]:
        """Seconds, in the order of the table."""
        values: npt.NDArray[np.float64] = self.table["seconds"].to_numpy(dtype=np.float64)
        return values

    @property
    def consumers(self) -> list[str]:
        """Names of the consumers in the table, in the order of the scenario."""
        return [str(name) for name in self.table["consumer"].cat.categories]

    def of(self, consumer: str) -> npt.NDArray[np.float64]:
        """Return the seconds of one consumer, in order of creation."""
        return self.values[is_one_of(self.table["consumer"], [consumer])]

    def pooled(self, *others: Latency) -> Latency:
        """Return the times of this run and of further independent runs as those of one long run.

        The statistics of the result are those of all runs together, and so are their intervals:
        they hold for runs with different replications (or seeds) of one scenario.

        Parameters
        ----------
        *others : Latency
            The same time of the same consumers, of other runs.

        Returns
        -------
        Latency
            ``created_at`` is that of each run.

        Raises
        ------
        ValueError
            If a run has other consumers, or another time is meant.

        Examples
        --------
        >>> import eda_sim as es
        >>> quick = es.load("mm1").replace({"duration": "1min", "warmup": "0s"})
        >>> first, second = (es.run(quick, replication=n).latency("worker") for n in (0, 1))
        >>> len(first.pooled(second)) == len(first) + len(second)
        True
        """
        for other in others:
            if other.consumers != self.consumers or other.what != self.what:
                message = (
                    f"cannot pool {self.what} of {', '.join(self.consumers)} "
                    f"with {other.what} of {', '.join(other.consumers)}"
                )
                raise ValueError(message)
        parts = [self.table, *(other.table for other in others)]
        return Latency(pd.concat(parts, ignore_index=True), self.what)

    def quantile(
        self, probabilities: float | Sequence[float] = USUAL_QUANTILES, *, confidence: float = 0.95
    ) -> pd.DataFrame:
        """Return quantiles with confidence intervals that respect autocorrelation.

        Parameters
        ----------
        probabilities : float or sequence of float
            Each in [0, 1]; 0.99 is the 99th percentile.
        confidence : float
            Probability that an interval covers the true quantile.

        Returns
        -------
        DataFrame
            ``consumer``, ``quantile``, ``value``, ``low``, ``high`` (s). ``low`` and ``high`` are
            NaN where the run is too short for an honest interval; see
            :mod:`eda_sim.analysis.intervals` for the method and its sources.
        """
        wanted = [probabilities] if isinstance(probabilities, float | int) else list(probabilities)
        rows = [
            (name, probability, *estimate)
            for name in self.consumers
            for probability, estimate in zip(
                wanted,
                quantile_intervals(self.of(name), wanted, confidence=confidence),
                strict=True,
            )
        ]
        columns = ["consumer", "quantile", "value", "low", "high"]
        return pd.DataFrame(rows, columns=columns)

    def mean(self, *, confidence: float = 0.95) -> pd.DataFrame:
        """Return the mean per consumer, with its batch-means interval.

        Returns
        -------
        DataFrame
            ``consumer``, ``value``, ``low``, ``high`` (s).
        """
        rows: list[tuple[str, *Estimate]] = [
            (name, *mean_interval(self.of(name), confidence=confidence)) for name in self.consumers
        ]
        return pd.DataFrame(rows, columns=["consumer", "value", "low", "high"])

    def ecdf(self, *, points: int = 2000) -> pd.DataFrame:
        """Return the empirical distribution: the share of messages that took at most so long.

        Parameters
        ----------
        points : int
            At most so many points per consumer, spread evenly over the sorted messages and, so that
            the tail keeps its shape, over the number of nines. All of them where there are fewer.

        Returns
        -------
        DataFrame
            ``consumer``, ``seconds``, ``share`` (in (0, 1], exact at every point).
        """
        parts = []
        for name in self.consumers:
            ordered = np.sort(self.of(name))
            ranks = _ranks(ordered.size, points)
            parts.append(
                pd.DataFrame(
                    {
                        "consumer": name,
                        "seconds": ordered[ranks - 1],
                        "share": ranks / max(ordered.size, 1),
                    }
                )
            )
        return stacked(parts, ["consumer", "seconds", "share"])

    def over_time(self, *, windows: int = 60, buckets_per_decade: int = 10) -> pd.DataFrame:
        """Return how many messages of each window of creation fell into each latency bucket.

        Parameters
        ----------
        windows : int
            Equal windows between the first and the last creation.
        buckets_per_decade : int
            Buckets per factor of ten, equally wide on a logarithmic scale.

        Returns
        -------
        DataFrame
            ``consumer``, ``start``, ``end`` (s of creation), ``low``, ``high`` (s of latency),
            ``count``; every cell of the grid, empty ones too. The lowest bucket is where the
            fastest one in 200 messages begin; all that were faster count in it.
        """
        parts = [self._grid(name, windows, buckets_per_decade) for name in self.consumers]
        return stacked(parts, ["consumer", "start", "end", "low", "high", "count"])

    def _grid(self, consumer: str, windows: int, buckets_per_decade: int) -> pd.DataFrame:
        seconds = self.of(consumer)
        own = is_one_of(self.table["consumer"], [consumer])
        created = self.table["created_at"].to_numpy()[own]
        positive = seconds[seconds > 0]
        if positive.size == 0:
            positive = np.array([1e-9])
        (fastest,) = quantile_intervals(positive, [0.005])
        lowest = np.floor(np.log10(fastest.value) * buckets_per_decade)
        highest = np.floor(np.log10(positive.max()) * buckets_per_decade) + 1
        edges = 10 ** (np.arange(lowest, highest + 1) / buckets_per_decade)
        start, end = (created[0], created[-1]) if created.size else (0.0, 0.0)
        moments = np.linspace(start, end if end > start else start + 1, windows + 1)
        column = np.clip(np.searchsorted(moments, created, side="right") - 1, 0, windows - 1)
        row = np.clip(np.searchsorted(edges, seconds, side="right") - 1, 0, edges.size - 2)
        shape = (windows, edges.size - 1)
        counts = np.bincount(column * shape[1] + row, minlength=shape[0] * shape[1])
        return pd.DataFrame(
            {
                "consumer": consumer,
                "start": np.repeat(moments[:-1], shape[1]),
                "end": np.repeat(moments[1:], shape[1]),
                "low": np.tile(edges[:-1], windows),
                "high": np.tile(edges[1:], windows),
                "count": counts,
            }
        )


def latency(tables: Tables, *, consumer: str | None = None, what: str = "latency") -> Latency:
    """Return the times from creation to first effect.

    Parameters
    ----------
    tables : Tables
        The tables of a run.
    consumer : str, optional
        One consumer; all of them without it.
    what : str
        ``latency`` (created to effect), ``waiting`` (created to the start of the delivery that took
        effect) or ``service`` (that start to the effect).

    Returns
    -------
    Latency

    Raises
    ------
    KeyError
        If there is no such consumer, or no such time.
    """
    begin, end = TIMES[what]
    names = tables.names if consumer is None else [consumer]
    parts = []
    for name in names:
        effects = effects_of(tables, name)
        seen = effects["effects"].to_numpy() > 0
        columns = {column: effects[column].to_numpy()[seen] for column in _NEEDED}
        rows = {
            "message_id": columns["message_id"],
            "created_at": columns["created_at"],
            "seconds": columns[end] - columns[begin],
        }
        parts.append(({"consumer": name}, rows))
    table = tables.joined(parts, ["consumer", "message_id", "created_at", "seconds"])
    table["consumer"] = table["consumer"].cat.set_categories(names)
    return Latency(table, what)


def _ranks(size: int, points: int) -> npt.NDArray[np.int64]:
    """Return at most about ``points`` ranks of 1..size: half spread evenly, half by nines."""
    if size <= points:
        return np.arange(1, size + 1, dtype=np.int64)
    even = np.linspace(1, size, points // 2)
    nines = size - np.geomspace(1, size, points - points // 2) + 1
    return np.unique(np.concatenate([even, nines]).round().astype(np.int64))
