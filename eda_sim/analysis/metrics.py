"""Metrics: one number of one consumer, asked for by name.

A metric is written ``quantity``, ``quantity.statistic``, and, where a scenario has several
consumers, ``quantity.statistic@consumer``: ``throughput``, ``latency.p99``,
``guarantee.lost@billing``. These names are what sweeps tabulate, comparisons compare, and
objectives (:mod:`eda_sim.analysis.objectives`) set bounds on.

================  ================================  ==============================================
quantity          statistics                        what it is
================  ================================  ==============================================
``latency``       mean, std, min, max, p50, p99 ..  created to first effect (s)
``waiting``       the same                          created to the start of service (s)
``service``       the same                          with a worker (s)
``guarantee``     lost, duplicated, ...             messages, counted
``throughput``    (none)                            messages in effect per second
``utilization``   (none), min, max                  of all workers; of the idlest, busiest instance
``lag``           max, mean, end                    messages behind, in its worst channel
``queue``         max, mean, end                    messages that wait for a worker
``staleness``     max, mean, end                    age of what is not yet seen (s)
``recovery``      max, mean                         from a fault's end to normal lag (s)
``deliveries``    (none)                            hand-overs
``redeliveries``  (none)                            hand-overs after the first
================  ================================  ==============================================

All leave out the warm-up. A percentile may have any number of digits: ``p99.9``, and ``p999`` for
the same. A number that does not exist (the latency of no message) is NaN; a recovery that did not
happen within the run is infinite.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np
import pandas as pd

from eda_sim.analysis.effects import effects_of
from eda_sim.analysis.guarantee import COUNTS, counts_of
from eda_sim.analysis.intervals import Values, quantiles
from eda_sim.analysis.lag import lag_steps, waiting_intervals
from eda_sim.analysis.latency import TIMES
from eda_sim.analysis.recovery import recovery
from eda_sim.analysis.staleness import staleness
from eda_sim.analysis.steps import Counts, area, level_at, step_function
from eda_sim.analysis.summary import after_warmup
from eda_sim.analysis.tables import Tables, is_one_of
from eda_sim.analysis.utilization import utilization
from eda_sim.spec.errors import nearest, shown
from eda_sim.spec.quantities import Dimension

_MOMENTS = ("mean", "std", "min", "max")
_OVER_TIME = ("max", "mean", "end")
_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d{1,6})?|\d{3,6})", re.ASCII)

STATISTICS: dict[str, tuple[str, ...]] = {
    "latency": (*_MOMENTS, "p50", "p95", "p99", "p99.9"),
    "waiting": (*_MOMENTS, "p50", "p95", "p99", "p99.9"),
    "service": (*_MOMENTS, "p50", "p95", "p99", "p99.9"),
    "guarantee": COUNTS,
    "throughput": ("",),
    "utilization": ("", "min", "max"),
    "lag": _OVER_TIME,
    "queue": _OVER_TIME,
    "staleness": _OVER_TIME,
    "recovery": ("max", "mean"),
    "deliveries": ("",),
    "redeliveries": ("",),
}
"""Quantity -> its statistics; ``""`` is the quantity by itself."""

_DIMENSIONS: dict[str, Dimension] = {
    **dict.fromkeys(("latency", "waiting", "service", "staleness", "recovery"), "time"),
    "throughput": "rate",
}


@dataclass(frozen=True)
class Metric:
    """One number of one consumer.

    Attributes
    ----------
    quantity : str
        What is measured: a key of :data:`STATISTICS`.
    statistic : str
        Which number of it; empty for the quantity by itself.
    consumer : str or None
        Whose; None where it is not said.
    """

    quantity: str
    statistic: str = ""
    consumer: str | None = None

    @property
    def name(self) -> str:
        """The metric without its consumer, as in ``latency.p99``."""
        return f"{self.quantity}.{self.statistic}" if self.statistic else self.quantity

    @property
    def dimension(self) -> Dimension:
        """What its values measure; durations are in seconds, rates per second."""
        return _DIMENSIONS.get(self.quantity, "number")

    def __str__(self) -> str:
        return self.name if self.consumer is None else f"{self.name}@{self.consumer}"

    def at(self, consumers: Sequence[str]) -> tuple[Metric, ...]:
        """Return this metric of each consumer that is meant.

        Parameters
        ----------
        consumers : sequence of str
            The consumers that there are.

        Returns
        -------
        tuple of Metric
            One if a consumer was named; otherwise one per consumer.

        Raises
        ------
        ValueError
            If the consumer that was named is not there.

        Examples
        --------
        >>> [str(each) for each in Metric("throughput").at(["billing", "audit"])]
        ['throughput@billing', 'throughput@audit']
        """
        if self.consumer is None:
            return tuple(replace(self, consumer=name) for name in consumers)
        if self.consumer not in consumers:
            hint = nearest(self.consumer, consumers)
            message = (
                f"metric: {shown(str(self))} is not valid: no consumer {self.consumer!r}{hint}"
            )
            raise ValueError(message)
        return (self,)

    def at_one(self, consumers: Sequence[str]) -> Metric:
        """Return this metric of the only consumer that can be meant.

        Raises
        ------
        ValueError
            If there are several and none was named, or the one that was is not there.

        Examples
        --------
        >>> str(Metric("latency", "p99").at_one(["billing"]))
        'latency.p99@billing'
        """
        meant = self.at(consumers)
        if len(meant) != 1:
            example = f"; say whose, as in {meant[0]}" if meant else ""
            many = f"there are {len(meant)} consumers{example}"
            message = f"metric: {shown(str(self))} is not valid: {many}"
            raise ValueError(message)
        return meant[0]


def parse_metric(text: object) -> Metric:
    """Read the name of a metric.

    Parameters
    ----------
    text : str or Metric
        As in ``latency.p99``, ``throughput`` or ``guarantee.lost@billing``.

    Returns
    -------
    Metric

    Raises
    ------
    ValueError
        If there is no such metric; one line with the nearest name.

    Examples
    --------
    >>> parse_metric("latency.p999@billing")
    Metric(quantity='latency', statistic='p99.9', consumer='billing')
    >>> parse_metric("latency.p09x")
    Traceback (most recent call last):
    ValueError: metric: 'latency.p09x' is not valid: no statistic 'p09x' of latency; ...
    """
    if isinstance(text, Metric):
        return text
    if not isinstance(text, str) or not text.strip():
        message = f"metric: {shown(text)} is not valid: must be a name such as 'latency.p99'"
        raise ValueError(message)
    name, at, consumer = (part.strip() for part in text.partition("@"))
    quantity, _, statistic = name.partition(".")
    if quantity not in STATISTICS:
        hint = nearest(quantity, STATISTICS) or f"; valid: {', '.join(STATISTICS)}"
        message = f"metric: {shown(text)} is not valid: no quantity {shown(quantity)}{hint}"
        raise ValueError(message)
    if at and not consumer:
        message = f"metric: {shown(text)} is not valid: a consumer must follow the @"
        raise ValueError(message)
    return Metric(quantity, _statistic(text, quantity, statistic), consumer or None)


def _statistic(text: str, quantity: str, statistic: str) -> str:
    known = STATISTICS[quantity]
    if statistic in known:
        return statistic
    if quantity in TIMES and (match := _PERCENTILE.fullmatch(statistic)):
        digits = match[1]
        # p999 is p99.9: what monitoring systems call it.
        digits = digits if "." in digits or len(digits) < 3 else f"{digits[:2]}.{digits[2:]}"
        return f"p{float(digits):g}"
    names = [each for each in known if each]
    if not statistic:
        message = f"metric: {shown(text)} is not valid: must be one of " + ", ".join(
            f"{quantity}.{each}" for each in names
        )
        raise ValueError(message)
    if not names:
        message = f"metric: {shown(text)} is not valid: {quantity} stands by itself"
        raise ValueError(message)
    hint = nearest(statistic, names) or f"; valid: {', '.join(names)}"
    message = (
        f"metric: {shown(text)} is not valid: no statistic {shown(statistic)} of {quantity}{hint}"
    )
    raise ValueError(message)


def measure(tables: Tables, metrics: Sequence[Metric]) -> list[float]:
    """Return the values of metrics in one run.

    Parameters
    ----------
    tables : Tables
        The tables of the run.
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

    Examples
    --------
    >>> import eda_sim as es
    >>> run = es.run(es.load("mm1").replace({"duration": "1min", "warmup": "0s"}))
    >>> metrics = [parse_metric("guarantee.lost@worker"), parse_metric("latency.p50@worker")]
    >>> lost, median = measure(run.tables, metrics)
    >>> lost, 0 < median < 10
    (0.0, True)
    """
    measuring = _Measuring(tables)
    return [measuring.value(metric) for metric in metrics]


class _Measuring:
    """The metrics of one run; what several of them need is made once."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._effects: dict[str, pd.DataFrame] = {}

    def value(self, metric: Metric) -> float:
        """Return one metric in s, per s or as a count; NaN if the run has no such number."""
        consumer = metric.consumer
        if consumer is None or consumer not in self._tables.names:
            message = f"metric {metric}: no consumer {consumer!r}"
            raise KeyError(message)
        of_quantity: dict[str, Callable[[str, str], float]] = {
            "guarantee": self._guarantee,
            "throughput": self._throughput,
            "utilization": self._utilization,
            "lag": self._lag,
            "queue": self._queue,
            "staleness": self._staleness,
            "recovery": self._recovery,
            "deliveries": self._deliveries,
            "redeliveries": self._redeliveries,
        }
        if metric.quantity in TIMES:
            return _of_times(self._times(consumer, metric.quantity), metric.statistic)
        return float(of_quantity[metric.quantity](consumer, metric.statistic))

    def _effects_at(self, consumer: str) -> pd.DataFrame:
        if consumer not in self._effects:
            self._effects[consumer] = effects_of(self._tables, consumer)
        return self._effects[consumer]

    def _times(self, consumer: str, what: str) -> Values:
        begin, end = TIMES[what]
        table = self._effects_at(consumer)
        took: Values = table[end].to_numpy() - table[begin].to_numpy()
        return took[table["effects"].to_numpy() > 0]

    def _guarantee(self, consumer: str, statistic: str) -> float:
        return counts_of(self._effects_at(consumer))[statistic]

    def _throughput(self, consumer: str, _: str) -> float:
        seconds = self._tables.ended_at - self._tables.warmup
        count = int((self._effects_at(consumer)["effects"] > 0).sum())
        return count / seconds if seconds > 0 else np.nan

    def _utilization(self, consumer: str, statistic: str) -> float:
        table = utilization(self._tables, by="instance" if statistic else "consumer")
        own = table.loc[table["consumer"] == consumer, "utilization"]
        return float(own.max() if statistic == "max" else own.min())

    def _lag(self, consumer: str, statistic: str) -> float:
        steps = lag_steps(self._tables)
        steps = steps[is_one_of(steps["consumer"], [consumer])]
        return max(
            (
                self._over_time(own["time"].to_numpy(), own["messages"].to_numpy(), statistic)
                for _, own in steps.groupby("channel", observed=True)
            ),
            default=0.0,
        )

    def _queue(self, consumer: str, statistic: str) -> float:
        waits = waiting_intervals(self._tables, consumer)
        steps = step_function(waits["start"].to_numpy(), waits["end"].to_numpy())
        return self._over_time(*steps, statistic)

    def _over_time(self, times: Values, levels: Counts, statistic: str) -> float:
        """Return a statistic of a step function from the warm-up to the end of the run."""
        start, end = self._tables.warmup, self._tables.ended_at
        if statistic == "mean":
            return area(times, levels, start, end) / (end - start) if end > start else np.nan
        if statistic == "end":
            return float(level_at(times, levels, np.array([end]))[0])
        inside = levels[times >= start]
        return float(max(level_at(times, levels, np.array([start]))[0], inside.max(initial=0)))

    def _staleness(self, consumer: str, statistic: str) -> float:
        table = staleness(self._tables)
        ages = table.loc[is_one_of(table["consumer"], [consumer]), "staleness_s"].to_numpy()
        if ages.size == 0:
            return np.nan
        return float({"max": ages.max(), "mean": ages.mean(), "end": ages[-1]}[statistic])

    def _recovery(self, consumer: str, statistic: str) -> float:
        table = recovery(self._tables)
        took = table.loc[table["target"] == consumer, "recovery_s"].fillna(np.inf)
        return float(took.max() if statistic == "max" else took.mean())

    def _deliveries(self, consumer: str, _: str) -> float:
        return len(after_warmup(self._tables, self._tables.deliveries_of(consumer)))

    def _redeliveries(self, consumer: str, _: str) -> float:
        own = after_warmup(self._tables, self._tables.deliveries_of(consumer))
        return int((own["attempt"] > 1).sum())


def _of_times(took: Values, statistic: str) -> float:
    if took.size == 0:
        return np.nan
    if statistic.startswith("p"):
        share = float(Decimal(statistic[1:]) / 100)
        return float(quantiles(took, np.array([share]))[0])
    return float(getattr(took, statistic)())
