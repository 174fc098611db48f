"""A variant: a scenario that was run, and what is asked of it, each once.

Somebody waits for the answers, so they are made from the few columns that they need; the whole
tables of a run are made only for a picture that shows more than latency.
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
from eda_sim.analysis.tables import to_tables
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

    def _made(self, picture: str) -> pd.DataFrame:
        if picture == "percentiles":
            return self.percentiles
        if picture == "distribution":
            return self.run.latency(self.consumer).ecdf(points=POINTS)
        if picture == "heatmap":
            return self.run.latency(self.consumer).over_time()
        moments = np.linspace(0.0, self.run.ended_at, MOMENTS)
        table = self.run.lag(moments) if picture == "lag" else self.run.queue_length(moments)
        return table[table["consumer"] == self.consumer]
