"""Metrics of a run of which only a summary was kept: the names of :mod:`eda_sim.analysis.metrics`.

The largest lag and the longest queue cannot be had: they may lie between two edges of the bins of
time. Staleness is looked at at the edges, and so is the recovery from faults.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal

import numpy as np

from eda_sim.analysis import summarized as of_summary
from eda_sim.analysis.metrics import STATISTICS, Metric
from eda_sim.analysis.summarized import Summarized
from eda_sim.analysis.tables import NANOSECONDS_PER_SECOND
from eda_sim.engine.summary.result import TIMES

_MISSING = {("lag", "max"), ("queue", "max")}


class FullRecordNeededError(ValueError):
    """What only the full record of a run can tell."""


def check_in_summary(metrics: Iterable[Metric]) -> None:
    """Refuse metrics that a summary does not have.

    Raises
    ------
    FullRecordNeededError
        One line with the metric, and what there is instead.

    Examples
    --------
    >>> check_in_summary([Metric("lag", "max")])
    Traceback (most recent call last):
    eda_sim.analysis.summary_metrics.FullRecordNeededError: metric: 'lag.max' needs record='full': a
    summary has lag.mean, lag.end
    """
    for metric in metrics:
        if (metric.quantity, metric.statistic) in _MISSING:
            there = ", ".join(
                f"{metric.quantity}.{statistic}"
                for statistic in STATISTICS[metric.quantity]
                if (metric.quantity, statistic) not in _MISSING
            )
            message = f"metric: '{metric}' needs record='full': a summary has {there}"
            raise FullRecordNeededError(message)


def measure_summary(run: Summarized, metrics: Sequence[Metric]) -> list[float]:
    """Return the values of metrics in one run.

    Parameters
    ----------
    run : Summarized
        The run.
    metrics : sequence of Metric
        Each with its consumer.

    Returns
    -------
    list of float
        One per metric; seconds, per second, or counts.

    Raises
    ------
    KeyError
        If a metric names no consumer, or one that is not there.
    FullRecordNeededError
        If a summary does not have it.
    """
    check_in_summary(metrics)
    return [_value(run, metric) for metric in metrics]


def _value(run: Summarized, metric: Metric) -> float:
    consumer = metric.consumer
    if consumer is None or consumer not in run.names:
        message = f"metric {metric}: no consumer {consumer!r}"
        raise KeyError(message)
    if metric.quantity in TIMES:
        return _of_times(run, metric.quantity, consumer, metric.statistic)
    of_quantity: dict[str, Callable[[Summarized, str, str], float]] = {
        "guarantee": _guarantee,
        "throughput": lambda run, name, _: of_summary.effects_per_s(run, name),
        "utilization": _utilization,
        "lag": _lag,
        "queue": _queue,
        "staleness": _staleness,
        "recovery": _recovery,
        "deliveries": lambda run, name, _: _guarantee(run, name, "deliveries"),
        "redeliveries": lambda run, name, _: _guarantee(run, name, "redeliveries"),
    }
    return float(of_quantity[metric.quantity](run, consumer, metric.statistic))


def _of_times(run: Summarized, what: str, consumer: str, statistic: str) -> float:
    times = run.times(what, consumer)
    if statistic.startswith("p"):
        share = float(Decimal(statistic[1:]) / 100)
        (value,) = times.histograms[consumer].quantiles([share])
        return value / NANOSECONDS_PER_SECOND
    return times.statistic(consumer, statistic)


def _guarantee(run: Summarized, consumer: str, statistic: str) -> float:
    return run.summary.counts[statistic][run.names.index(consumer)]


def _utilization(run: Summarized, consumer: str, statistic: str) -> float:
    table = of_summary.utilization(run, by="instance" if statistic else "consumer")
    own = table.loc[table["consumer"] == consumer, "utilization"]
    return float(own.max() if statistic == "max" else own.min())


def _lag(run: Summarized, consumer: str, statistic: str) -> float:
    if statistic == "mean":
        return of_summary.mean_lag(run, consumer)
    own = run.summary.lag[run.subscriptions_of(consumer)]
    return float(own[:, -1].max(initial=0))


def _queue(run: Summarized, consumer: str, statistic: str) -> float:
    number = run.names.index(consumer)
    if statistic == "mean":
        return of_summary.mean_level(run, run.summary.waiting_area[number])
    return float(run.summary.levels["waiting"][number][-1])


def _staleness(run: Summarized, consumer: str, statistic: str) -> float:
    table = of_summary.staleness(run)
    ages = table.loc[table["consumer"] == consumer, "staleness_s"].to_numpy()
    if ages.size == 0:
        return math.nan
    return float({"max": ages.max(), "mean": ages.mean(), "end": ages[-1]}[statistic])


def _recovery(run: Summarized, consumer: str, statistic: str) -> float:
    table = of_summary.recovery(run)
    took = table.loc[table["target"] == consumer, "recovery_s"].fillna(np.inf)
    return float(took.max() if statistic == "max" else took.mean())
