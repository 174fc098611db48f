"""The door: run a scenario, ask the run, draw it, keep it.

>>> import eda_sim as es
>>> run = es.run(es.load("mm1").replace({"duration": "1min", "warmup": "0s"}), seed=1)
>>> run.guarantee()[["consumer", "lost", "duplicated"]].to_dict("records")
[{'consumer': 'worker', 'lost': 0, 'duplicated': 0}]

A :class:`Run` is a value: what was run, and the trace of what happened. Tables and statistics are
made from the trace when they are asked for, by :mod:`eda_sim.analysis`; ``run.plot`` draws them
with :mod:`eda_sim.plots`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Unpack, overload

import numpy.typing as npt
import pandas as pd

from eda_sim.analysis.guarantee import guarantee
from eda_sim.analysis.lag import lag, queue_length
from eda_sim.analysis.latency import Latency, latency
from eda_sim.analysis.little import littles_law
from eda_sim.analysis.recovery import recovery
from eda_sim.analysis.run_estimates import estimates, readable
from eda_sim.analysis.staleness import staleness
from eda_sim.analysis.storage import RunFolderError, read_trace, whole_run_folder, write_trace
from eda_sim.analysis.summary import publishing, summary
from eda_sim.analysis.tables import Tables, to_tables
from eda_sim.analysis.throughput import throughput
from eda_sim.analysis.topology import topology
from eda_sim.analysis.utilization import utilization
from eda_sim.engine import execute
from eda_sim.engine.execute import Engine, Options, Record
from eda_sim.engine.summary import Summary
from eda_sim.engine.trace import Trace
from eda_sim.engine.user import Handler, Process
from eda_sim.run_summary import RunSummary
from eda_sim.spec import Scenario, dump, load

if TYPE_CHECKING:
    from eda_sim.plots.accessor import RunPlots

SCENARIO = "scenario.yaml"


@overload
def run(
    scenario: Scenario, *, record: Literal["full"] = "full", **options: Unpack[Options]
) -> Run: ...


@overload
def run(
    scenario: Scenario, *, record: Literal["summary"], **options: Unpack[Options]
) -> RunSummary: ...


@overload
def run(scenario: Scenario, *, record: Record, **options: Unpack[Options]) -> Run | RunSummary: ...


def run(
    scenario: Scenario,
    *,
    seed: int | None = None,
    replication: int = 0,
    engine: Engine = "auto",
    record: Record = "full",
    progress: Callable[[float], None] | None = None,
    handlers: Mapping[str, Handler] | None = None,
    processes: Iterable[Process] = (),
) -> Run | RunSummary:
    """Simulate a scenario.

    Parameters
    ----------
    scenario : Scenario
        What to simulate.
    seed : int, optional
        Instead of the scenario's own seed, 0 to 2**32 - 1. Equal seeds give equal runs.
    replication : int
        Number of the independent replication, from 0.
    engine : {"auto", "compiled", "reference"}
        Who simulates; the run is the same.
    record : {"full", "summary"}
        Keep every row, some hundred bytes per message; or count them in constant memory, with
        quantiles within 1 %.
    progress : callable, optional
        Called now and then with the share of the run that is done, from 0 to 1.
    handlers : mapping, optional
        Name of a consumer -> a function of yours that handles its messages.
    processes : iterable of functions, optional
        Generator functions of yours that run beside the model. :mod:`eda_sim.engine.user` says what
        both can do.

    Returns
    -------
    Run or RunSummary
        The latter with ``record="summary"``.

    Raises
    ------
    HandlerError
        If your code raised something other than a :class:`~eda_sim.engine.user.Failure`.

    Examples
    --------
    >>> import eda_sim as es
    >>> quick = es.load("mm1").replace({"duration": "1min", "warmup": "0s"})
    >>> es.run(quick, seed=1).digest() == es.run(quick, seed=1).digest()
    True
    """
    written = execute.execute(
        scenario,
        seed=seed,
        replication=replication,
        engine=engine,
        record=record,
        progress=progress,
        handlers=handlers,
        processes=processes,
    )
    used = scenario.seed if seed is None else seed
    if isinstance(written, Summary):
        return RunSummary(scenario, written, seed=used, replication=replication)
    return Run(scenario=scenario, trace=written, seed=used, replication=replication)


def check(
    scenario: Scenario,
    *,
    seed: int | None = None,
    replication: int = 0,
    progress: Callable[[float], None] | None = None,
) -> Run:
    """Run a scenario on both engines; check every law, and that they agree to the last bit.

    Parameters
    ----------
    scenario : Scenario
        What to check. The reference engine runs it too, at about 30,000 messages a second.
    seed, replication : int, optional
        As for :func:`run`.
    progress : callable, optional
        Called now and then with the share of the reference engine's run that is done, from 0 to 1.

    Returns
    -------
    Run
        What both wrote down.

    Raises
    ------
    LawViolation
        If a law of the model is broken, with the rows that break it.
    TwinError
        If the engines disagree, with the first place at which they do.

    Examples
    --------
    >>> import eda_sim as es
    >>> check(es.load("mm1").replace({"messages": 100})).messages.shape[0]
    100
    """
    from eda_sim.engine.twins import check_twins

    trace, _ = check_twins(scenario, seed=seed, replication=replication, progress=progress)
    used = scenario.seed if seed is None else seed
    return Run(scenario=scenario, trace=trace, seed=used, replication=replication)


@dataclass(frozen=True, eq=False, repr=False)
class Run:
    """What happened in one run of a scenario.

    Times are in seconds of simulated time. Statistics leave out the messages created during the
    scenario's warm-up; the tables hold all of them.
    :func:`eda_sim.analysis.tables.describe_columns` explains the columns.

    Attributes
    ----------
    scenario : Scenario
        What was run.
    trace : Trace
        What the engine wrote down.
    seed : int
        Seed that was used.
    replication : int
        Number of the independent replication.
    """

    scenario: Scenario
    trace: Trace = field(repr=False)
    seed: int
    replication: int = 0

    # Tables -------------------------------------------------------------------------------------

    @cached_property
    def tables(self) -> Tables:
        """All tables, and the facts of the scenario that statistics need."""
        return to_tables(self.trace, self.scenario)

    @property
    def messages(self) -> pd.DataFrame:
        """One row per message, in order of creation."""
        return self.tables.messages

    @property
    def copies(self) -> pd.DataFrame:
        """One row per stored copy and subscription."""
        return self.tables.copies

    @property
    def deliveries(self) -> pd.DataFrame:
        """One row per delivery, in the order of hand-over."""
        return self.tables.deliveries

    @property
    def series(self) -> pd.DataFrame:
        """One row per sampled moment, channel and consumer."""
        return self.tables.series

    @property
    def faults(self) -> pd.DataFrame:
        """One row per fault and instance that it hit."""
        return self.tables.faults

    @property
    def message_count(self) -> int:
        """How many messages were created, those of the warm-up included."""
        return int(self.trace.messages["created_at"].size)

    @property
    def ended_at(self) -> float:
        """Simulated seconds after which the run stopped."""
        return self.tables.ended_at

    # Statistics ---------------------------------------------------------------------------------

    def latency(self, consumer: str | None = None) -> Latency:
        """Return the times from creation to first effect, of one consumer or of all.

        Examples
        --------
        >>> import eda_sim as es
        >>> quick = es.load("mm1").replace({"duration": "1min", "warmup": "0s"})
        >>> list(es.run(quick).latency("worker").quantile([0.5]).columns)
        ['consumer', 'quantile', 'value', 'low', 'high']
        """
        return latency(self.tables, consumer=consumer)

    def waiting(self, consumer: str | None = None) -> Latency:
        """Return the times from creation to the start of the delivery that took effect."""
        return latency(self.tables, consumer=consumer, what="waiting")

    def service(self, consumer: str | None = None) -> Latency:
        """Return how long the deliveries that took effect were with a worker."""
        return latency(self.tables, consumer=consumer, what="service")

    def guarantee(self) -> pd.DataFrame:
        """Return how many messages were lost, duplicated, and so on, per consumer."""
        return guarantee(self.tables)

    def lag(self, times: npt.ArrayLike | None = None) -> pd.DataFrame:
        """Return how far each consumer was behind, in messages and seconds, over time."""
        return lag(self.tables, times=times)

    def queue_length(self, times: npt.ArrayLike | None = None) -> pd.DataFrame:
        """Return how many copies waited for a worker of each consumer, over time."""
        return queue_length(self.tables, times=times)

    def staleness(
        self, times: npt.ArrayLike | None = None, *, forget_lost: bool = False
    ) -> pd.DataFrame:
        """Return the age of the oldest event not yet in effect at each consumer, over time."""
        return staleness(self.tables, times=times, forget_lost=forget_lost)

    def throughput(self, window: float | None = None) -> pd.DataFrame:
        """Return rates in and out per consumer, in windows of so many seconds."""
        return throughput(self.tables, window=window)

    def utilization(self, *, by: str = "consumer") -> pd.DataFrame:
        """Return the share of the workers' up-time in which they ran a handler."""
        return utilization(self.tables, by=by)

    def littles_law(self) -> pd.DataFrame:
        """Return both sides of Little's law for each station of each consumer."""
        return littles_law(self.tables)

    def recovery(self) -> pd.DataFrame:
        """Return, for each fault, how long the lag needed to get back to normal."""
        return recovery(self.tables)

    def publishing(self) -> pd.DataFrame:
        """Return how publishing went, one row per source and channel."""
        return publishing(self.tables)

    def estimates(self) -> pd.DataFrame:
        """Return rates, times and shares with their 95 % intervals, one row each."""
        return estimates(self.tables)

    def summary(self) -> pd.DataFrame:
        """Return the numbers to look at first, with 95 % intervals, one row per consumer."""
        return summary(self.tables)

    def topology(self) -> pd.DataFrame:
        """Return who sends to whom, one row per edge."""
        return topology(self.scenario)

    @property
    def plot(self) -> RunPlots:
        """The figures: ``run.plot.latency()``, ``run.plot.lag()``, and so on."""
        from eda_sim.plots.accessor import RunPlots

        return RunPlots(self.tables, self.scenario)

    # Identity and storage -----------------------------------------------------------------------

    @cached_property
    def _digest(self) -> str:
        return self.trace.digest()

    def digest(self) -> str:
        """Return a SHA-256 over every bit of what happened: equal digests mean equal runs."""
        return self._digest

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the run into a folder: Parquet tables, ``scenario.yaml`` and ``meta.json``.

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
            write_trace(self.trace, whole, **facts)
            (whole / SCENARIO).write_text(dump(self.scenario), encoding="utf-8")

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Run:
        """Read a run that :meth:`save` wrote, and make sure that it is the one.

        Raises
        ------
        RunFolderError
            If the folder does not hold a run, or its tables are not those that were saved.
        """
        folder = Path(path)
        trace, meta = read_trace(folder)
        try:
            scenario = load(folder / SCENARIO)
            seed, replication = int(meta["seed"]), int(meta["replication"])
        except (KeyError, ValueError) as error:
            message = f"{folder}: not readable as a saved run: {error}"
            raise RunFolderError(message) from error
        return cls(scenario=scenario, trace=trace, seed=seed, replication=replication)

    def __repr__(self) -> str:
        deliveries = self.trace.deliveries["attempt"].size
        return (
            f"Run({self.scenario.name}, seed={self.seed}, replication={self.replication}: "
            f"{self.message_count:,} messages, {deliveries:,} deliveries, "
            f"{self.trace.ended_at_ns / 1e9:g} s, digest {self.digest()[:8]})"
        )

    def _repr_html_(self) -> str:
        table = readable(self.summary()).to_html()
        return f"<p>{self!r}</p>{table}<p>(a to b): 95 % confidence interval</p>"
