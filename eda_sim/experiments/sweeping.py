"""Sweeps: the same question asked of many scenarios.

Two tables come of a sweep. :func:`sweep` returns one row per point and metric, with the mean over
replications and its confidence interval. With ``runs=True`` it returns what that is made of: one
row per point, replication and metric. :func:`summarize` makes the first table of the second.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from eda_sim.analysis.metrics import Metric, parse_metric
from eda_sim.analysis.replications import mean_over_replications
from eda_sim.engine.execute import Record
from eda_sim.experiments.arguments import check_count, check_seed, check_share
from eda_sim.experiments.executors import Executor
from eda_sim.experiments.points import Changes, Point, paths_of, points_of
from eda_sim.experiments.progress import Progress
from eda_sim.experiments.running import (
    ExperimentError,
    Outcome,
    StorePath,
    Task,
    make_runs,
)
from eda_sim.spec import Scenario
from eda_sim.spec.errors import shown

USUAL_METRICS = ("latency.mean", "latency.p99", "throughput", "utilization", "guarantee.lost")
_OF_A_RUN = ("replication", "seed", "metric", "consumer", "value", "error")
_OF_A_POINT = ("metric", "consumer", "mean", "low", "high", "n", "error")


def sweep(
    scenario: Scenario,
    points: Mapping[str, Iterable[Any]] | Iterable[Changes],
    *,
    replications: int = 1,
    metrics: str | Sequence[str | Metric] = USUAL_METRICS,
    executor: Executor = None,
    store: StorePath = None,
    progress: Progress = True,
    seed: int | None = None,
    confidence: float = 0.95,
    errors: str = "raise",
    runs: bool = False,
    record: Record = "full",
) -> pd.DataFrame:
    """Simulate variants of a scenario, several times each, and tabulate what came of them.

    Parameters
    ----------
    scenario : Scenario
        What is varied.
    points : mapping or iterable of mappings
        Dotted path -> values, for every combination of them; or the changes of each point, path ->
        value, as :func:`~eda_sim.experiments.designs.design` chooses them.
    replications : int
        Independent runs of each point, numbered from 0. All points share their random numbers.
    metrics : str or sequence of str
        What to measure: ``latency.p99``, ``guarantee.lost@billing``; see
        :mod:`eda_sim.analysis.metrics`. Without a consumer, of every consumer.
    executor : None, int or Dask Client, optional
        Who makes the runs: see :mod:`eda_sim.experiments.executors`.
    store : path, optional
        Folder in which finished runs are kept. The same call, after whatever ended it, goes on from
        there and ends with the same table.
    progress : bool or callable
        A bar for whoever watches, none, or a function that is called with the share that is done.
    seed : int, optional
        Instead of the seed of each point's scenario, 0 to 2**32 - 1.
    confidence : float
        Probability that an interval covers the true mean.
    errors : {"raise", "keep"}
        What happens, after all other runs, if some failed.
    runs : bool
        Return the table of runs.
    record : {"full", "summary"}
        What each run keeps to be measured from: with ``summary`` its memory is constant, and
        percentiles are within 1 %.

    Returns
    -------
    DataFrame
        By point, then metric: ``point`` (number), one column per path, ``metric``, ``consumer``,
        ``mean``, ``low``, ``high`` (s, per s, or counts), ``n`` (replications that have such a
        number), ``error`` (missing, or why runs of this point failed). ``low`` and ``high`` are NaN
        with fewer than two replications. With ``runs``: ``point``, the paths, ``replication``,
        ``seed``, ``metric``, ``consumer``, ``value``, ``error``.

    Raises
    ------
    ExperimentError
        If runs failed, at the end: how many, where first, and why. Its ``table`` has everything
        that did not fail. Not with ``errors="keep"``.
    ValueError
        If an argument is not valid, or no point makes a scenario.

    Examples
    --------
    >>> import eda_sim as es
    >>> quick = es.load("mm1").replace({"duration": "1min", "warmup": "0s"})
    >>> table = es.sweep(
    ...     quick,
    ...     {"producers.clients.rate": ["4/s", "8/s"]},
    ...     replications=3,
    ...     metrics="latency.p99",
    ... )
    >>> table[["producers.clients.rate", "metric", "n"]].values.tolist()
    [['4/s', 'latency.p99', 3], ['8/s', 'latency.p99', 3]]
    >>> bool(table["mean"].is_monotonic_increasing)
    True
    """
    check_count("replications", replications)
    check_share("confidence", confidence)
    check_seed(seed)
    _check_errors(errors)
    wanted = _metrics(metrics)
    chosen = points_of(scenario, points)
    if errors == "raise" and all(point.scenario is None for point in chosen):
        raise ValueError(chosen[0].error)
    plans = [_metrics_at(point, wanted, scenario) for point in chosen]
    tasks, places = _tasks(chosen, plans, replications, seed)
    label = f"Sweep of {scenario.name}"
    outcomes = make_runs(
        tasks, executor=executor, store=store, progress=progress, label=label, record=record
    )
    by_place = dict(zip(places, outcomes, strict=True))
    raw = _table_of_runs(chosen, plans, by_place, replications, seed)
    table = raw if runs else summarize(raw, confidence=confidence)
    if errors == "raise" and bool(raw["error"].notna().any()):
        raise ExperimentError(_complaint(raw, chosen), table)
    return table


def summarize(runs: pd.DataFrame, *, confidence: float = 0.95) -> pd.DataFrame:
    """Return mean and confidence interval over the replications of each point and metric.

    Parameters
    ----------
    runs : DataFrame
        What :func:`sweep` returns with ``runs=True``.
    confidence : float
        Probability that an interval covers the true mean.

    Returns
    -------
    DataFrame
        What :func:`sweep` returns.

    Examples
    --------
    >>> import eda_sim as es
    >>> quick = es.load("mm1").replace({"duration": "1min", "warmup": "0s"})
    >>> runs = es.sweep(quick, [{}], replications=2, metrics="throughput", runs=True)
    >>> len(runs), len(summarize(runs))
    (2, 1)
    """
    parameters = [name for name in runs.columns if name not in ("point", *_OF_A_RUN)]
    rows = []
    for _, own in runs.groupby(["point", "metric", "consumer"], sort=False, dropna=False):
        values = own["value"].to_numpy(dtype=float)
        mean, low, high = mean_over_replications(values, confidence=confidence)
        first, failed = own.iloc[0], own["error"].dropna()
        rows.append(
            {
                **{name: first[name] for name in ("point", *parameters, "metric", "consumer")},
                "mean": mean,
                "low": low,
                "high": high,
                "n": int(own["value"].notna().sum()),
                "error": failed.iloc[0] if len(failed) else None,
            }
        )
    table = pd.DataFrame(rows, columns=["point", *parameters, *_OF_A_POINT])
    return _as_words(table)


def _check_errors(errors: object) -> None:
    if errors not in ("raise", "keep"):
        message = f"errors: {shown(errors)} is not valid: must be 'raise' or 'keep'"
        raise ValueError(message)


def _metrics(given: str | Sequence[str | Metric]) -> list[Metric]:
    listed = [given] if isinstance(given, str | Metric) else list(given)
    if not listed:
        message = "metrics: there is none; name at least one, as in 'latency.p99'"
        raise ValueError(message)
    return list(dict.fromkeys(parse_metric(each) for each in listed))


def _metrics_at(point: Point, wanted: Sequence[Metric], scenario: Scenario) -> tuple[Metric, ...]:
    """Return the metrics of each consumer that the point has."""
    there = (point.scenario or scenario).consumers
    names = [*there, *(name for name in scenario.consumers if name not in there)]
    meant = [each for metric in wanted for each in metric.at(names)]
    return tuple(each for each in meant if each.consumer in there)


def _tasks(
    points: Sequence[Point],
    plans: Sequence[tuple[Metric, ...]],
    replications: int,
    seed: int | None,
) -> tuple[list[Task], list[tuple[int, int]]]:
    """Return the runs to make, and the point and replication of each."""
    tasks, places = [], []
    for number, (point, metrics) in enumerate(zip(points, plans, strict=True)):
        if point.scenario is None:
            continue
        own = point.scenario.seed if seed is None else seed
        for replication in range(replications):
            tasks.append(Task(point.scenario, own, replication, metrics))
            places.append((number, replication))
    return tasks, places


def _table_of_runs(
    points: Sequence[Point],
    plans: Sequence[tuple[Metric, ...]],
    outcomes: Mapping[tuple[int, int], Outcome],
    replications: int,
    seed: int | None,
) -> pd.DataFrame:
    paths = paths_of(points)
    rows = []
    for number, (point, metrics) in enumerate(zip(points, plans, strict=True)):
        own = seed if seed is not None or point.scenario is None else point.scenario.seed
        given = [point.parameters.get(path) for path in paths]
        for replication in range(replications):
            outcome = outcomes.get((number, replication), Outcome(error=point.error))
            values = outcome.numbers or (math.nan,) * len(metrics)
            rows += [
                (number, *given, replication, own, m.name, m.consumer, value, outcome.error or None)
                for m, value in zip(metrics, values, strict=True)
            ]
    return _as_words(pd.DataFrame(rows, columns=["point", *paths, *_OF_A_RUN]))


def _as_words(table: pd.DataFrame) -> pd.DataFrame:
    """Keep the columns of words as such where they are empty."""
    words = dict.fromkeys(("metric", "consumer", "error"), "str")
    return table.astype(words)


def _complaint(runs: pd.DataFrame, points: Sequence[Point]) -> str:
    each = runs.drop_duplicates(["point", "replication"])
    failed = each[each["error"].notna()]
    first = failed.iloc[0]
    where = sorted({int(number) for number in failed["point"]})
    point = points[where[0]]
    at = "" if point.error else f", replication {first['replication']}"
    more = f" (and at {len(where) - 1} more)" if len(where) > 1 else ""
    return (
        f"{len(failed)} of {len(each)} runs failed, at {len(where)} of {len(points)} points: "
        f"{point}{at}: {first['error']}{more}"
    )
