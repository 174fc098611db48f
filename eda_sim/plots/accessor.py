"""``run.plot`` and ``comparison.plot``: figures with their tables already in place."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd
from matplotlib.axes import Axes

from eda_sim.analysis.estimates import Estimate
from eda_sim.analysis.lag import lag, queue_length, telling_times
from eda_sim.analysis.latency import USUAL_QUANTILES, latency
from eda_sim.analysis.recovery import recovery
from eda_sim.analysis.tables import Tables
from eda_sim.analysis.topology import topology
from eda_sim.plots import flow
from eda_sim.plots import latency as latency_plots
from eda_sim.plots.comparison import comparison
from eda_sim.plots.heatmap import heatmap
from eda_sim.plots.recovery import recovery as draw_recovery
from eda_sim.plots.timeline import timeline
from eda_sim.plots.topology import topology as draw_topology
from eda_sim.spec import Scenario
from eda_sim.spec.quantities import Dimension


@dataclass(frozen=True)
class RunPlots:
    """The figures of one run.

    Every method draws on ``ax``, or on a new figure, and returns the Axes. ``consumer`` chooses one
    consumer; where a figure can only show one and the run has several, it must be given.
    """

    tables: Tables = field(repr=False)
    scenario: Scenario = field(repr=False)

    def latency(
        self,
        consumer: str | None = None,
        *,
        objective: tuple[float, float] | None = None,
        ax: Axes | None = None,
    ) -> Axes:
        """Draw latency by nines; see :func:`eda_sim.plots.latency.by_nines`.

        ``objective`` is a share and its seconds: (0.999, 0.1) is "99.9 % within 100 ms".
        """
        took = latency(self.tables, consumer=consumer)
        return latency_plots.by_nines(
            took.ecdf(), intervals=took.quantile(), objective=objective, ax=ax
        )

    def percentiles(
        self,
        consumer: str | None = None,
        *,
        probabilities: tuple[float, ...] = USUAL_QUANTILES,
        ax: Axes | None = None,
    ) -> Axes:
        """Draw percentiles with intervals; see :func:`eda_sim.plots.latency.percentiles`."""
        table = latency(self.tables, consumer=consumer).quantile(probabilities)
        return latency_plots.percentiles(table, ax=ax)

    def ecdf(self, consumer: str | None = None, *, ax: Axes | None = None) -> Axes:
        """Draw the empirical distribution; see :func:`eda_sim.plots.latency.ecdf`."""
        took = latency(self.tables, consumer=consumer)
        return latency_plots.ecdf(took.ecdf(), intervals=took.quantile(), ax=ax)

    def heatmap(
        self, consumer: str | None = None, *, windows: int = 60, ax: Axes | None = None
    ) -> Axes:
        """Draw latency over time; see :func:`eda_sim.plots.heatmap.heatmap`."""
        table = latency(self.tables, consumer=consumer).over_time(windows=windows)
        return heatmap(table, faults=self.tables.faults, ax=ax)

    def lag(
        self,
        consumer: str | None = None,
        *,
        unit: str = "messages",
        ax: Axes | None = None,
    ) -> Axes:
        """Draw how far consumers are behind; see :func:`eda_sim.plots.flow.lag`."""
        table = _of(lag(self.tables, times=telling_times(self.tables)), consumer)
        return flow.lag(table, unit=unit, faults=self.tables.faults, ax=ax)

    def queue_length(self, consumer: str | None = None, *, ax: Axes | None = None) -> Axes:
        """Draw what waits and what is in hand; see :func:`eda_sim.plots.flow.queue_length`."""
        table = _of(queue_length(self.tables, times=telling_times(self.tables)), consumer)
        return flow.queue_length(table, faults=self.tables.faults, ax=ax)

    def recovery(self, consumer: str | None = None, *, ax: Axes | None = None) -> Axes:
        """Draw how the lag recovers from faults; see :func:`eda_sim.plots.recovery.recovery`."""
        table = recovery(self.tables)
        if consumer is not None:
            table = table[table["target"] == consumer]
        lags = lag(self.tables, times=telling_times(self.tables))
        return draw_recovery(lags, table, faults=self.tables.faults, ax=ax)

    def timeline(
        self,
        consumer: str | None = None,
        *,
        between: tuple[float, float] | None = None,
        ax: Axes | None = None,
    ) -> Axes:
        """Draw what each worker did; see :func:`eda_sim.plots.timeline.timeline`."""
        table = _of(self.tables.deliveries, consumer)
        return timeline(table, between=between, faults=self.tables.faults, ax=ax)

    def topology(self, *, ax: Axes | None = None) -> Axes:
        """Draw who sends to whom; see :func:`eda_sim.plots.topology.topology`."""
        return draw_topology(topology(self.scenario), ax=ax)


@dataclass(frozen=True)
class ComparisonPlot:
    """The figure of one comparison: call it."""

    table: pd.DataFrame = field(repr=False)
    pairs: pd.DataFrame = field(repr=False)
    ratio: Estimate = field(repr=False)
    what: str
    dimension: Dimension
    confidence: float = 0.95

    def __call__(
        self,
        *,
        as_ratio: bool = False,
        names: tuple[str, str] = ("scenario", "variant"),
        what: str | None = None,
        title: str | None = None,
        ax: Axes | None = None,
    ) -> Axes:
        """Draw both and what lies between; see :func:`eda_sim.plots.comparison.comparison`.

        Parameters
        ----------
        as_ratio : bool
            How many times the scenario the variant is, instead of the difference.
        names : (str, str)
            What the scenario and the variant are called.
        what : str, optional
            What is compared, instead of the name of the metric.
        title : str, optional
            Instead of the one that says what is to be seen.
        ax : Axes, optional
            Where to draw; a new figure without it.

        Returns
        -------
        Axes
        """
        table = self.table[["what", "mean", "low", "high"]]
        if as_ratio:
            row = pd.DataFrame([("ratio", *self.ratio)], columns=table.columns)
            table = pd.concat([table[table["what"] != "difference"], row], ignore_index=True)
        return comparison(
            table,
            pairs=self.pairs,
            dimension=self.dimension,
            what=what or self.what,
            names=names,
            confidence=self.confidence,
            title=title,
            ax=ax,
        )


def _of(table: pd.DataFrame, consumer: str | None) -> pd.DataFrame:
    return table if consumer is None else table[table["consumer"] == consumer]
