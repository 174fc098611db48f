"""A run of which only a summary was kept: the same questions, in constant memory.

>>> import eda_sim as es
>>> quick = es.load("mm1").replace({"duration": "1min", "warmup": "0s"})
>>> run = es.run(quick, record="summary")
>>> run.guarantee()[["consumer", "lost", "duplicated"]].to_dict("records")
[{'consumer': 'worker', 'lost': 0, 'duplicated': 0}]
>>> run.messages
Traceback (most recent call last):
AttributeError: messages: a summary does not keep it; run with record='full'
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NoReturn

import pandas as pd

from eda_sim.analysis import summarized as of_summary
from eda_sim.analysis.histograms import LatencyHistogram
from eda_sim.analysis.metrics import Metric
from eda_sim.analysis.run_estimates import readable
from eda_sim.analysis.storage import RunFolderError, whole_run_folder
from eda_sim.analysis.summarized import Summarized
from eda_sim.analysis.summary_metrics import measure_summary
from eda_sim.analysis.summary_storage import read_summary, write_summary
from eda_sim.analysis.topology import topology
from eda_sim.engine.summary import Summary
from eda_sim.spec import Scenario, dump, load

SCENARIO = "scenario.yaml"

_OF_THE_FULL_RECORD = (
    "copies",
    "deliveries",
    "littles_law",
    "messages",
    "plot",
    "tables",
    "trace",
)


@dataclass(frozen=True, eq=False, repr=False)
class RunSummary:
    """What is known of one run of a scenario when its rows are forgotten.

    Tables have the columns of :class:`~eda_sim.simulation.Run`. Counts, means, throughput and
    utilization are exact, quantiles within 1 %; lag, queues and staleness are exact at the edges of
    at most 2,000 bins of time. :mod:`eda_sim.analysis.summarized` says more.

    Attributes
    ----------
    scenario : Scenario
        What was run.
    kept : Summary
        What was counted.
    seed : int
        Seed that was used.
    replication : int
        Number of the independent replication.
    """

    scenario: Scenario
    kept: Summary = field(repr=False)
    seed: int
    replication: int = 0

    @cached_property
    def _own(self) -> Summarized:
        return Summarized(self.kept, self.scenario)

    def __getattr__(self, name: str) -> NoReturn:
        if name in _OF_THE_FULL_RECORD:
            message = f"{name}: a summary does not keep it; run with record='full'"
            raise AttributeError(message)
        message = f"{type(self).__name__!r} object has no attribute {name!r}"
        raise AttributeError(message, name=name, obj=self)

    # What was kept ------------------------------------------------------------------------------

    @property
    def series(self) -> pd.DataFrame:
        """One row per moment that was sampled and kept, channel and consumer."""
        return self._own.tables.series

    @property
    def faults(self) -> pd.DataFrame:
        """One row per fault and instance that it hit."""
        return self._own.tables.faults

    @property
    def ended_at(self) -> float:
        """Simulated seconds after which the run stopped."""
        return self._own.tables.ended_at

    @property
    def message_count(self) -> int:
        """How many messages were created, those of the warm-up included."""
        return self.kept.messages

    # Statistics ---------------------------------------------------------------------------------

    def latency(self, consumer: str | None = None) -> LatencyHistogram:
        """Return the times from creation to first effect, of one consumer or of all.

        Examples
        --------
        >>> import eda_sim as es
        >>> quick = es.load("mm1").replace({"duration": "1min", "warmup": "0s"})
        >>> list(es.run(quick, record="summary").latency("worker").quantile([0.5]).columns)
        ['consumer', 'quantile', 'value', 'low', 'high']
        """
        return self._own.times("latency", consumer)

    def waiting(self, consumer: str | None = None) -> LatencyHistogram:
        """Return the times from creation to the start of the delivery that took effect."""
        return self._own.times("waiting", consumer)

    def service(self, consumer: str | None = None) -> LatencyHistogram:
        """Return how long the deliveries that took effect were with a worker."""
        return self._own.times("service", consumer)

    def guarantee(self) -> pd.DataFrame:
        """Return how many messages were lost, duplicated, and so on, per consumer."""
        return of_summary.guarantee(self._own)

    def lag(self) -> pd.DataFrame:
        """Return how far each consumer was behind, in messages and seconds, at the edges."""
        return of_summary.lag(self._own)

    def queue_length(self) -> pd.DataFrame:
        """Return how many copies waited for a worker of each consumer, at the edges."""
        return of_summary.queue_length(self._own)

    def staleness(self) -> pd.DataFrame:
        """Return the age of the oldest event not yet in effect at each consumer, at the edges."""
        return of_summary.staleness(self._own)

    def throughput(self, window: float | None = None) -> pd.DataFrame:
        """Return rates in and out per consumer, in windows of a whole number of bins."""
        return of_summary.throughput(self._own, window=window)

    def utilization(self, *, by: str = "consumer") -> pd.DataFrame:
        """Return the share of the workers' up-time in which they ran a handler."""
        return of_summary.utilization(self._own, by=by)

    def recovery(self) -> pd.DataFrame:
        """Return, for each fault, how long the lag needed to get back to normal, at the edges."""
        return of_summary.recovery(self._own)

    def publishing(self) -> pd.DataFrame:
        """Return how publishing went, one row per source and channel."""
        return of_summary.publishing(self._own)

    def estimates(self) -> pd.DataFrame:
        """Return rates, times and shares, one row each; the throughput has a 95 % interval."""
        return of_summary.estimates(self._own)

    def summary(self) -> pd.DataFrame:
        """Return the numbers to look at first, one row per consumer."""
        return of_summary.summary(self._own)

    def topology(self) -> pd.DataFrame:
        """Return who sends to whom, one row per edge."""
        return topology(self.scenario)

    def measure(self, metrics: Sequence[Metric]) -> list[float]:
        """Return the values of metrics, each with its consumer."""
        return measure_summary(self._own, metrics)

    # Identity and storage -----------------------------------------------------------------------

    @cached_property
    def _digest(self) -> str:
        return self.kept.digest()

    def digest(self) -> str:
        """Return a SHA-256 over every number of the summary."""
        return self._digest

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the summary into a folder: ``summary.json``, ``scenario.yaml``, ``meta.json``.

        The folder appears whole or not at all.

        Parameters
        ----------
        path : str or path
            A folder that does not exist, is empty, or holds a run, which is replaced.

        Raises
        ------
        FileExistsError
            If something else is there.
        """
        from eda_sim import __version__

        with whole_run_folder(path) as whole:
            facts = {
                "version": __version__,
                "scenario": self.scenario.name,
                "seed": self.seed,
                "replication": self.replication,
            }
            write_summary(self.kept, whole, **facts)
            (whole / SCENARIO).write_text(dump(self.scenario), encoding="utf-8")

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> RunSummary:
        """Read a summary that :meth:`save` wrote, and make sure that it is the one.

        Raises
        ------
        RunFolderError
            If the folder does not hold a summary, or not the one that was saved.
        """
        folder = Path(path)
        summary, meta = read_summary(folder)
        try:
            scenario = load(folder / SCENARIO)
            seed, replication = int(meta["seed"]), int(meta["replication"])
        except (KeyError, ValueError) as error:
            message = f"{folder}: not readable as a saved run: {error}"
            raise RunFolderError(message) from error
        return cls(scenario, summary, seed=seed, replication=replication)

    def __repr__(self) -> str:
        return (
            f"RunSummary({self.scenario.name}, seed={self.seed}, replication={self.replication}: "
            f"{self.kept.messages:,} messages, {self.kept.deliveries:,} deliveries, "
            f"{self.ended_at:g} s, digest {self.digest()[:8]})"
        )

    def _repr_html_(self) -> str:
        table = readable(self.summary()).to_html()
        return f"<p>{self!r}</p>{table}<p>(a to b): 95 % confidence interval</p>"
