"""Times that messages took, from the histograms of a summary.

The questions are those of :class:`~eda_sim.analysis.latency.Latency`, the answers have its columns.
Quantiles and shares are within 1 % of the full record's (0.4 % by construction); size, minimum,
maximum, mean and standard deviation are exact. What depends on the order of messages is forgotten:
there is no confidence interval from a single run (``low`` and ``high`` are NaN; use replications),
and no latency over time.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from eda_sim.analysis.latency import USUAL_QUANTILES
from eda_sim.analysis.tables import NANOSECONDS_PER_SECOND, stacked
from eda_sim.engine.summary import Histogram
from eda_sim.engine.summary.histogram import last_of


@dataclass(frozen=True)
class LatencyHistogram:
    """Times that messages took, per consumer, in buckets.

    Attributes
    ----------
    histograms : mapping
        Consumer -> its histogram (ns).
    what : str
        The time that is meant: ``latency``, ``waiting`` or ``service``.
    """

    histograms: Mapping[str, Histogram] = field(repr=False)
    what: str = "latency"

    def __len__(self) -> int:
        return sum(each.size for each in self.histograms.values())

    @property
    def consumers(self) -> list[str]:
        """Names of the consumers, in the order of the scenario."""
        return list(self.histograms)

    def pooled(self, *others: LatencyHistogram) -> LatencyHistogram:
        """Return the times of this run and of further independent runs as those of one long run.

        Parameters
        ----------
        *others : LatencyHistogram
            The same time of the same consumers, of other runs.

        Raises
        ------
        ValueError
            If a run has other consumers, or another time is meant.
        """
        for other in others:
            if other.consumers != self.consumers or other.what != self.what:
                message = (
                    f"cannot pool {self.what} of {', '.join(self.consumers)} "
                    f"with {other.what} of {', '.join(other.consumers)}"
                )
                raise ValueError(message)
        return LatencyHistogram(
            {
                name: own.merged(*(other.histograms[name] for other in others))
                for name, own in self.histograms.items()
            },
            self.what,
        )

    def quantile(
        self, probabilities: float | Sequence[float] = USUAL_QUANTILES, *, confidence: float = 0.95
    ) -> pd.DataFrame:
        """Return quantiles, each within 1 % of the exact one.

        Parameters
        ----------
        probabilities : float or sequence of float
            Each in [0, 1]; 0.99 is the 99th percentile.
        confidence : float
            Without effect: there is no interval.

        Returns
        -------
        DataFrame
            ``consumer``, ``quantile``, ``value`` (s), ``low``, ``high`` (NaN).

        Raises
        ------
        ValueError
            If a probability is none.
        """
        del confidence
        wanted = [probabilities] if isinstance(probabilities, float | int) else list(probabilities)
        if not all(0 <= probability <= 1 for probability in wanted):
            message = f"a probability is between 0 and 1, not {probabilities}"
            raise ValueError(message)
        rows = [
            (name, probability, value / NANOSECONDS_PER_SECOND, math.nan, math.nan)
            for name, own in self.histograms.items()
            for probability, value in zip(wanted, own.quantiles(wanted), strict=True)
        ]
        return pd.DataFrame(rows, columns=["consumer", "quantile", "value", "low", "high"])

    def mean(self, *, confidence: float = 0.95) -> pd.DataFrame:
        """Return the exact mean per consumer.

        Parameters
        ----------
        confidence : float
            Without effect: there is no interval.

        Returns
        -------
        DataFrame
            ``consumer``, ``value`` (s), ``low``, ``high`` (NaN).
        """
        del confidence
        rows = [
            (name, own.mean / NANOSECONDS_PER_SECOND, math.nan, math.nan)
            for name, own in self.histograms.items()
        ]
        return pd.DataFrame(rows, columns=["consumer", "value", "low", "high"])

    def ecdf(self, *, points: int | None = None) -> pd.DataFrame:
        """Return the empirical distribution: the share of messages that took at most so long.

        Parameters
        ----------
        points : int, optional
            Without effect: there is one point per bucket that holds a message.

        Returns
        -------
        DataFrame
            ``consumer``, ``seconds`` (the longest time of the bucket), ``share`` (exact there).
        """
        del points
        parts = []
        for name, own in self.histograms.items():
            filled = np.flatnonzero(own.counts)
            longest = np.minimum(last_of(filled), own.highest)
            share = np.cumsum(own.counts[filled]) / max(own.size, 1)
            seconds = longest / NANOSECONDS_PER_SECOND
            parts.append(pd.DataFrame({"consumer": name, "seconds": seconds, "share": share}))
        return stacked(parts, ["consumer", "seconds", "share"])

    def statistic(self, consumer: str, name: str) -> float:
        """Return ``mean``, ``std``, ``min`` or ``max`` of one consumer, exact; NaN without any."""
        own = self.histograms[consumer]
        if own.size == 0:
            return math.nan
        found = {"mean": own.mean, "std": own.std, "min": own.lowest, "max": own.highest}[name]
        return found / NANOSECONDS_PER_SECOND
