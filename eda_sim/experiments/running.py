"""Runs by the hundred: made once, kept in a store, and never lost to the failure of another."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from eda_sim.analysis.metrics import Metric, measure
from eda_sim.analysis.summary_metrics import check_in_summary
from eda_sim.engine.execute import Record, check_record
from eda_sim.experiments.executors import Executor, check_executor, finished
from eda_sim.experiments.progress import Progress, shown_progress
from eda_sim.experiments.store import Store, run_key, scenario_hash
from eda_sim.run_summary import RunSummary
from eda_sim.simulation import run
from eda_sim.spec import Scenario
from eda_sim.spec.errors import one_line

if TYPE_CHECKING:
    import pandas as pd

StorePath = str | os.PathLike[str] | None


@dataclass(frozen=True)
class Task:
    """One run, and what is wanted of it.

    Attributes
    ----------
    scenario : Scenario
        What to simulate.
    seed, replication : int
        Where its random numbers come from.
    metrics : tuple of Metric
        What to measure, each with its consumer.
    record : {"full", "summary"}
        What the run keeps to be measured from.
    """

    scenario: Scenario = field(repr=False)
    seed: int
    replication: int
    metrics: tuple[Metric, ...]
    record: Record = "full"


@dataclass(frozen=True)
class Outcome:
    """What came of a run.

    Attributes
    ----------
    numbers : tuple of float
        One per metric; empty if the run failed.
    error : str
        Why it failed, in one line; empty if it did not.
    """

    numbers: tuple[float, ...] = ()
    error: str = ""


class ExperimentError(RuntimeError):
    """Some runs of an experiment failed; the others are kept.

    Attributes
    ----------
    table : DataFrame or None
        What the experiment would have returned, with the reasons in its column ``error``.
    """

    def __init__(self, message: str, table: pd.DataFrame | None = None) -> None:
        super().__init__(message)
        self.table = table


def make_run(task: Task) -> Outcome:
    """Make a run and measure it; whatever goes wrong becomes its outcome."""
    try:
        made = run(task.scenario, seed=task.seed, replication=task.replication, record=task.record)
        if isinstance(made, RunSummary):
            return Outcome(tuple(made.measure(task.metrics)))
        return Outcome(tuple(measure(made.tables, task.metrics)))
    except Exception as error:  # noqa: BLE001 - reported with the parameters of the run
        return Outcome(error=_in_one_line(error))


def make_runs(
    tasks: Sequence[Task],
    *,
    executor: Executor = None,
    store: StorePath = None,
    progress: Progress = False,
    label: str = "Simulating",
    record: Record = "full",
) -> list[Outcome]:
    """Make runs, except those that a store has; keep each one when it is finished.

    Parameters
    ----------
    tasks : sequence of Task
        The runs.
    executor : None, int, pool or Dask Client
        See :mod:`eda_sim.experiments.executors`.
    store : path, optional
        Folder for finished runs; see :mod:`eda_sim.experiments.store`.
    progress : bool or callable
        See :mod:`eda_sim.experiments.progress`.
    label : str
        What the bar says.
    record : {"full", "summary"}
        What each run keeps to be measured from.

    Returns
    -------
    list of Outcome
        In the order of the tasks.

    Raises
    ------
    ValueError
        If an argument is not valid, or a summary does not have a metric.
    """
    check_executor(executor)
    check_record(record)
    if record == "summary":
        check_in_summary(metric for task in tasks for metric in task.metrics)
        tasks = [replace(task, record=record) for task in tasks]
    kept = None if store is None else Store(store)
    keys = [""] * len(tasks) if kept is None else _keys(tasks)
    outcomes: dict[int, Outcome] = {}
    if kept is not None:
        for place, key in enumerate(keys):
            values = kept.get(key)
            if values is not None and len(values) == len(tasks[place].metrics):
                outcomes[place] = Outcome(tuple(values))
    missing = [place for place in range(len(tasks)) if place not in outcomes]
    with shown_progress(progress, label, len(tasks)) as show:
        show(len(outcomes) / max(len(tasks), 1))
        for which, result in finished(make_run, [tasks[place] for place in missing], executor):
            place = missing[which]
            outcome = Outcome(error=_died(result)) if isinstance(result, Exception) else result
            outcomes[place] = outcome
            if kept is not None and not outcome.error:
                kept.put(keys[place], outcome.numbers, _facts(tasks[place]))
            show(len(outcomes) / len(tasks))
    return [outcomes[place] for place in range(len(tasks))]


def only_numbers(outcomes: Sequence[Outcome], where: Callable[[int], str]) -> list[float]:
    """Return the only number of each run.

    Parameters
    ----------
    outcomes : sequence of Outcome
        Of runs that each had one metric.
    where : callable
        Gives the parameters of a run, by its position, in words.

    Returns
    -------
    list of float
        In their order.

    Raises
    ------
    ExperimentError
        If runs failed: how many, where first, and why.

    Examples
    --------
    >>> only_numbers([Outcome((1.5,)), Outcome((2.5,))], str)
    [1.5, 2.5]
    >>> only_numbers([Outcome((1.5,)), Outcome(error="no memory")], "replication {}".format)
    Traceback (most recent call last):
    eda_sim.experiments.running.ExperimentError: 1 of 2 runs failed: replication 1: no memory
    """
    failed = [place for place, outcome in enumerate(outcomes) if outcome.error]
    if failed:
        count = f"{len(failed)} of {len(outcomes)} runs failed"
        message = f"{count}: {where(failed[0])}: {outcomes[failed[0]].error}"
        raise ExperimentError(message)
    return [outcome.numbers[0] for outcome in outcomes]


def _keys(tasks: Iterable[Task]) -> list[str]:
    # The replications of a point share its scenario, which is hashed once.
    hashes: dict[int, str] = {}
    keys = []
    for task in tasks:
        if id(task.scenario) not in hashes:
            hashes[id(task.scenario)] = scenario_hash(task.scenario)
        known = hashes[id(task.scenario)]
        keys.append(run_key(known, task.seed, task.replication, task.metrics, task.record))
    return keys


def _facts(task: Task) -> dict[str, object]:
    return {
        "scenario": task.scenario.name,
        "seed": task.seed,
        "replication": task.replication,
        "record": task.record,
        "metrics": [str(metric) for metric in task.metrics],
    }


def _in_one_line(error: Exception) -> str:
    return one_line(f"{type(error).__name__}: {error}")


def _died(error: Exception) -> str:
    first = str(error).strip().partition("\n")[0]
    return one_line(f"the worker ended before the run did ({type(error).__name__}: {first})")
