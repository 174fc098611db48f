"""A variant: a scenario that was run, and what is asked of it, each once.

Somebody waits for the answers, so they are made from the few columns that they need, and not from
the whole tables of a run.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from eda_sim.analysis.effects import FATES, Fates, fates_of
from eda_sim.analysis.estimates import Estimate
from eda_sim.analysis.guarantee import fates_counted
from eda_sim.analysis.intervals import quantile_intervals
from eda_sim.analysis.lag import LAG, QUEUE_LENGTH, lag, queue_length
from eda_sim.analysis.latency import Latency
from eda_sim.analysis.tables import is_one_of, to_frame, to_tables
from eda_sim.simulation import Run

QUANTILES = (0.5, 0.9, 0.99, 0.999)
POINTS = 400
"""Of a distribution: as many as a picture has pixels to show."""
MOMENTS = 400
"""Of a series, for the same reason."""


@dataclass(frozen=True)
class Variant:
    """One of the two sides of a comparison.

    Attributes
    ----------
    name : str
        ``A`` or ``B``.
    run : Run
        What happened.
    consumer : str
        Whose latency, lag and queue are looked at.
    """

    name: str
    run: Run = field(repr=False)
    consumer: str
    _tables: dict[str, pd.DataFrame] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    def _fates(self) -> Fates:
        tables = to_tables(self.run.trace, self.run.scenario, only=FATES)
        return fates_of(tables, self.consumer)

    @cached_property
    def seconds(self) -> npt.NDArray[np.float64]:
        """Times from creation to first effect, in order of creation."""
        took = self._fates.effect_at - self._fates.created_at
        return took[self._fates.effects > 0]

    @cached_property
    def percentiles(self) -> pd.DataFrame:
        """Percentiles with their intervals."""
        estimates = quantile_intervals(self.seconds, QUANTILES)
        rows = [
            (self.consumer, share, *each) for share, each in zip(QUANTILES, estimates, strict=True)
        ]
        return pd.DataFrame(rows, columns=["consumer", "quantile", "value", "low", "high"])

    def percentile(self, share: float) -> Estimate:
        """Return one of the percentiles."""
        return Estimate(
            *(
                float(self.percentiles[name].iloc[QUANTILES.index(share)])
                for name in ("value", "low", "high")
            )
        )

    @cached_property
    def counts(self) -> dict[str, int]:
        """How many messages there are, and how many of them are pending, lost, duplicated."""
        return fates_counted(self._fates.effects, self._fates.final)

    def table(self, picture: str) -> pd.DataFrame:
        """Return the table behind a picture, of this consumer alone."""
        if picture not in self._tables:
            self._tables[picture] = self._made(picture)
        return self._tables[picture]

    @property
    def faults(self) -> pd.DataFrame:
        """One row per fault and instance that it hit."""
        return to_frame(self.run.trace, "faults")

    def _made(self, picture: str) -> pd.DataFrame:
        if picture == "percentiles":
            return self.percentiles
        if picture == "distribution":
            return self._latency.ecdf(points=POINTS)
        if picture == "heatmap":
            return self._latency.over_time()
        only = LAG if picture == "lag" else QUEUE_LENGTH
        tables = to_tables(self.run.trace, self.run.scenario, only=only)
        moments = np.linspace(0.0, tables.ended_at, MOMENTS)
        if picture == "queue":
            return queue_length(tables, times=moments, consumer=self.consumer)
        table = lag(tables, times=moments)
        return table[is_one_of(table["consumer"], [self.consumer])]

    @property
    def _latency(self) -> Latency:
        fates = self._fates
        seen = fates.effects > 0
        rows = {
            "consumer": pd.Categorical([self.consumer]).repeat(len(self.seconds)),
            "message_id": fates.rows[seen],
            "created_at": fates.created_at[seen],
            "seconds": self.seconds,
        }
        return Latency(pd.DataFrame(rows, copy=False))
