"""Comparisons: how different two scenarios are, chance set aside.

Both scenarios are run with the same random numbers, and the difference is taken within each
replication. What both met alike (a burst of arrivals, a few long services) cancels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from eda_sim.analysis.intervals import Estimate
from eda_sim.analysis.metrics import Metric, parse_metric
from eda_sim.analysis.replications import (
    independent_replications,
    mean_over_replications,
    ratio_over_replications,
    variance_ratio,
)
from eda_sim.engine.execute import Record
from eda_sim.experiments.arguments import check_count, check_seed, check_share
from eda_sim.experiments.executors import Executor
from eda_sim.experiments.progress import Progress
from eda_sim.experiments.running import StorePath, Task, make_runs, only_numbers
from eda_sim.experiments.wording import spelled_value
from eda_sim.spec import Scenario

if TYPE_CHECKING:
    from eda_sim.plots.accessor import ComparisonPlot

_SIDES = ("scenario", "variant")


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """The difference between two scenarios.

    Attributes
    ----------
    metric : Metric
        What was compared.
    runs : DataFrame
        One row per replication: ``replication``, ``scenario``, ``variant``, ``difference`` (variant
        minus scenario).
    confidence : float
        Probability that an interval covers the true mean.
    """

    metric: Metric
    runs: pd.DataFrame = field(repr=False)
    confidence: float = 0.95

    @property
    def difference(self) -> Estimate:
        """Mean of the variant minus the scenario, with its paired interval."""
        return self._mean_of("difference")

    @property
    def ratio(self) -> Estimate:
        """How many times the scenario's mean that of the variant is, with its paired interval."""
        return ratio_over_replications(*self._pairs(), confidence=self.confidence)

    @property
    def table(self) -> pd.DataFrame:
        """``what`` (scenario, variant, difference), ``mean``, ``low``, ``high``, ``n``."""
        names = (*_SIDES, "difference")
        rows = [(name, *self._mean_of(name), int(self.runs[name].notna().sum())) for name in names]
        return pd.DataFrame(rows, columns=["what", "mean", "low", "high", "n"])

    @property
    def is_different(self) -> bool:
        """Whether the interval of the difference leaves zero out."""
        value, low, high = self.difference
        return bool(low > 0 or high < 0 or (low == high == value != 0))

    @property
    def variance_ratio(self) -> float:
        """Variance of an unpaired difference over that of the paired one."""
        return variance_ratio(*self._pairs())

    @property
    def independent_replications(self) -> float:
        """Independent runs of *each* scenario that would give an interval of the same width."""
        return independent_replications(*self._pairs(), confidence=self.confidence)

    @property
    def plot(self) -> ComparisonPlot:
        """The figure: ``comparison.plot()``, or ``comparison.plot(as_ratio=True)``."""
        from eda_sim.plots.accessor import ComparisonPlot

        return ComparisonPlot(
            self.table,
            self.runs,
            self.ratio,
            str(self.metric),
            self.metric.dimension,
            self.confidence,
        )

    def _pairs(self) -> tuple[Any, Any]:
        whole = self.runs.dropna(subset=["difference"])
        return whole["scenario"].to_numpy(), whole["variant"].to_numpy()

    def _mean_of(self, name: str) -> Estimate:
        return mean_over_replications(self.runs[name].to_numpy(), confidence=self.confidence)

    def __repr__(self) -> str:
        dimension = self.metric.dimension
        before, after = (spelled_value(self._mean_of(name).value, dimension) for name in _SIDES)
        value, low, high = (spelled_value(number, dimension) for number in self.difference)
        pairs = len(self._pairs()[0])
        return (
            f"{self.metric}: {before} -> {after}, difference {value} "
            f"({low} to {high}, {100 * self.confidence:.4g} % confidence, {pairs} pairs; "
            f"independent runs would have needed {self.independent_replications:,.0f} of each)"
        )


def compare(
    scenario: Scenario,
    variant: Scenario | Mapping[str, Any],
    *,
    metric: str | Metric = "latency.p99",
    replications: int = 20,
    seed: int | None = None,
    confidence: float = 0.95,
    executor: Executor = None,
    store: StorePath = None,
    progress: Progress = True,
    record: Record = "full",
) -> Comparison:
    """Compare two scenarios by pairs of runs that share their random numbers.

    Parameters
    ----------
    scenario : Scenario
        What is there.
    variant : Scenario or mapping
        What it is compared with; or what of it changes, path -> value.
    metric : str
        What to compare: see :mod:`eda_sim.analysis.metrics`.
    replications : int
        Pairs of runs, at least 2.
    seed : int, optional
        Of all runs; that of ``scenario`` without it.
    confidence : float
        Probability that the interval covers the true difference.
    executor, store, progress, record
        As in :func:`~eda_sim.experiments.sweeping.sweep`.

    Returns
    -------
    Comparison

    Raises
    ------
    ExperimentError
        If a run failed.
    ValueError
        If an argument is not valid, also if both have several consumers and none is named.

    References
    ----------
    A. M. Law, "Simulation Modeling and Analysis", 5th ed. (2015), sections 10.2.1 and 11.2.

    Examples
    --------
    >>> import eda_sim as es
    >>> quick = es.load("mm1").replace({"duration": "2min", "warmup": "0s"})
    >>> faster = {"consumers.worker.service": "exponential(mean=90ms)"}
    >>> result = es.compare(quick, faster, metric="latency.mean", replications=5)
    >>> result.is_different, result.difference.value < 0, result.variance_ratio > 2
    (True, True, True)
    """
    check_count("replications", replications, at_least=2)
    check_share("confidence", confidence)
    check_seed(seed)
    other = variant if isinstance(variant, Scenario) else scenario.replace(variant)
    wanted = parse_metric(metric)
    metrics = [wanted.at_one(list(each.consumers)) for each in (scenario, other)]
    used = scenario.seed if seed is None else seed
    tasks = [
        Task(each, used, replication, (own,))
        for replication in range(replications)
        for each, own in zip((scenario, other), metrics, strict=True)
    ]
    label = f"Comparison of {scenario.name}"
    outcomes = make_runs(
        tasks, executor=executor, store=store, progress=progress, label=label, record=record
    )
    return Comparison(metrics[0], _table_of_pairs(only_numbers(outcomes, _place)), confidence)


def _place(number: int) -> str:
    """Say which run of a comparison has a number: both sides take turns."""
    replication, side = divmod(number, len(_SIDES))
    return f"{_SIDES[side]}, replication {replication}"


def _table_of_pairs(values: list[float]) -> pd.DataFrame:
    before, after = values[::2], values[1::2]
    runs = pd.DataFrame({"replication": range(len(before)), "scenario": before, "variant": after})
    runs["difference"] = runs["variant"] - runs["scenario"]
    return runs
