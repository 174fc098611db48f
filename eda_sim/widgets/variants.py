"""A variant: a scenario that was run, and what is asked of it, each once."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from eda_sim.analysis.effects import effects_of
from eda_sim.analysis.estimates import Estimate
from eda_sim.analysis.guarantee import counts_of
from eda_sim.analysis.intervals import quantile_intervals
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

    @cached_property
    def _effects(self) -> pd.DataFrame:
        return effects_of(self.run.tables, self.consumer)

    @cached_property
    def seconds(self) -> npt.NDArray[np.float64]:
        """Times from creation to first effect, in order of creation."""
        took: npt.NDArray[np.float64] = (
            self._effects["effect_at"] - self._effects["created_at"]
        ).to_numpy()
        return took[~np.isnan(took)]

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
        """The guarantee, counted."""
        return counts_of(self._effects)

    def table(self, picture: str) -> pd.DataFrame:
        """Return the table behind a picture, of this consumer alone."""
        if picture == "percentiles":
            return self.percentiles
        if picture == "distribution":
            return self.run.latency(self.consumer).ecdf(points=POINTS)
        if picture == "heatmap":
            return self.run.latency(self.consumer).over_time()
        moments = np.linspace(0.0, self.run.ended_at, MOMENTS)
        table = self.run.lag(moments) if picture == "lag" else self.run.queue_length(moments)
        return table[table["consumer"] == self.consumer]
