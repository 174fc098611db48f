"""The statistics of a run of which only a summary was kept.

Tables have the columns that the full record gives, with the same numbers where they can be had:

- counts, throughput, utilization, and the lag, queues and staleness *at the edges of the bins of
  time* are exact;
- quantiles are within 1 % (:mod:`eda_sim.analysis.histograms`);
- a lag is not known between two edges, so there is no largest one, and the recovery from a fault is
  judged at the edges: the level before is the highest of those in the stretch before the fault, the
  recovery the first at which the lag is back there;
- of the intervals of a single run there is that of the throughput, from the bins; ``low`` and
  ``high`` of all else are NaN.

The edges are at most 2,000: every 1, 2, 10, 20, 100 ... ns, the finest of these that reaches to the
end of the run.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from eda_sim.analysis.batch_means import BATCHES, ratio_of_batches
from eda_sim.analysis.estimates import Estimate
from eda_sim.analysis.guarantee import COUNTS
from eda_sim.analysis.histograms import LatencyHistogram
from eda_sim.analysis.recovery import recovery_of
from eda_sim.analysis.run_estimates import PERCENTILES, Found, estimates_table
from eda_sim.analysis.summary import publishing_table, summary_columns, summary_row
from eda_sim.analysis.tables import NANOSECONDS_PER_SECOND, Tables, state_name, to_tables
from eda_sim.analysis.utilization import utilization_of
from eda_sim.engine.summary import Summary
from eda_sim.engine.summary.result import TIMES
from eda_sim.engine.trace import NEVER, TABLES, MessageStatus, Table, Trace

if TYPE_CHECKING:
    from eda_sim.spec.scenario import Scenario

Values = npt.NDArray[np.float64]

_WINDOWS = 100


@dataclass(frozen=True)
class Summarized:
    """A summary and the facts of its scenario.

    Attributes
    ----------
    summary : Summary
        What was counted.
    scenario : Scenario
        What was run.
    """

    summary: Summary
    scenario: Scenario

    @cached_property
    def tables(self) -> Tables:
        """Tables with the samples, the faults and the facts; messages were not kept."""
        nothing = np.zeros(0, dtype=np.int64)
        empty: dict[str, Table] = {
            name: {column.name: nothing for column in columns} for name, columns in TABLES.items()
        }
        kept = {"series": self.summary.series, "faults": self.summary.faults}
        names, end = self.summary.facts.names, self.summary.ended_at_ns
        return to_tables(Trace(names, end, **{**empty, **kept}), self.scenario)

    @property
    def names(self) -> list[str]:
        """Names of the consumers, in the order of the scenario."""
        return list(self.summary.facts.names.consumers)

    @property
    def moments(self) -> Values:
        """Edges of the bins, and the end of the run (s)."""
        return _seconds(self.summary.moments)

    @property
    def seconds(self) -> float:
        """How long the run lasted after the warm-up (s)."""
        return self.tables.ended_at - self.tables.warmup

    def subscriptions_of(self, consumer: str) -> list[int]:
        """Return the numbers of a consumer's subscriptions."""
        number = self.names.index(consumer)
        return [at for at, (_, reader) in enumerate(self.summary.facts.reads) if reader == number]

    def times(self, what: str, consumer: str | None = None) -> LatencyHistogram:
        """Return the latency, waiting or service of one consumer, or of all.

        Raises
        ------
        KeyError
            If there is no such consumer, or no such time.
        """
        self._require(consumer)
        pairs = zip(self.names, self.summary.times[what], strict=True)
        own = {name: each for name, each in pairs if consumer in (None, name)}
        return LatencyHistogram(own, what)

    def _require(self, consumer: str | None) -> None:
        if consumer is not None and consumer not in self.names:
            message = f"no consumer {consumer!r}; there are {', '.join(self.names)}"
            raise KeyError(message)


def guarantee(run: Summarized) -> pd.DataFrame:
    """Return the counted guarantee of each consumer, exact; see :mod:`eda_sim.analysis.guarantee`.

    Returns
    -------
    DataFrame
        ``consumer``, and one count per word of ``COUNTS``.
    """
    columns = {"consumer": run.names, **{name: run.summary.counts[name] for name in COUNTS}}
    return pd.DataFrame(columns, columns=["consumer", *COUNTS])


def lag(run: Summarized) -> pd.DataFrame:
    """Return the lag of each subscription at the edges of the bins and at the end, exact.

    Returns
    -------
    DataFrame
        By subscription, then time: ``time`` (s), ``channel``, ``consumer``, ``messages`` (count),
        ``seconds`` (age of the oldest unsettled copy, 0 without one).
    """
    names, summary = run.summary.facts.names, run.summary
    parts = [
        (
            {"channel": names.channels[channel], "consumer": names.consumers[consumer]},
            {
                "time": run.moments,
                "messages": summary.lag[number],
                "seconds": _ages(summary.lag_since[number], summary.moments),
            },
        )
        for number, (channel, consumer) in enumerate(summary.facts.reads)
    ]
    return run.tables.joined(parts, ["time", "channel", "consumer", "messages", "seconds"])


def queue_length(run: Summarized) -> pd.DataFrame:
    """Return how many copies wait, and how many are with a worker, at the edges, exact.

    Returns
    -------
    DataFrame
        By consumer, then time: ``time`` (s), ``consumer``, ``waiting``, ``in_service`` (counts).
    """
    columns = ("waiting", "in_service")
    parts = [
        (
            {"consumer": name},
            {"time": run.moments, **{word: run.summary.levels[word][at] for word in columns}},
        )
        for at, name in enumerate(run.names)
    ]
    return run.tables.joined(parts, ["time", "consumer", *columns])


def staleness(run: Summarized) -> pd.DataFrame:
    """Return the age of the oldest event not yet in effect, at the edges from the warm-up on.

    Returns
    -------
    DataFrame
        By consumer, then time: ``time`` (s), ``consumer``, ``staleness_s``; exact, lost messages
        included.
    """
    summary = run.summary
    after = summary.moments >= summary.facts.warmup_ns
    parts = [
        (
            {"consumer": name},
            {
                "time": run.moments[after],
                "staleness_s": _ages(summary.unseen_since[at], summary.moments)[after],
            },
        )
        for at, name in enumerate(run.names)
    ]
    return run.tables.joined(parts, ["time", "consumer", "staleness_s"])


def throughput(run: Summarized, *, window: float | None = None) -> pd.DataFrame:
    """Return rates per consumer over time, exact.

    Parameters
    ----------
    run : Summarized
        The run.
    window : float, optional
        Length of a window in seconds: a whole number of bins. Without it, the smallest that leaves
        at most a hundred windows.

    Returns
    -------
    DataFrame
        That of :func:`eda_sim.analysis.throughput.throughput`.

    Raises
    ------
    ValueError
        If the window is not a whole number of bins.
    """
    summary, end = run.summary, run.summary.ended_at_ns
    joined = _bins_of(window, summary)
    edges = np.append(np.arange(0, max(end, 1), joined * summary.bin_ns), end)
    starts = np.arange(0, edges.size - 1) * joined
    seconds = np.diff(_seconds(edges))
    columns = {"created": "created_per_s", "delivered": "delivered_per_s"}
    columns |= {"effects": "effects_per_s", "goodput": "goodput_per_s"}
    parts = []
    with np.errstate(invalid="ignore"):  # a run that ended as it began has no rates
        for at, name in enumerate(run.names):
            rates = {
                column: np.add.reduceat(summary.rates[word][at], starts) / seconds
                for word, column in columns.items()
            }
            window_edges = {"start": _seconds(edges[:-1]), "end": _seconds(edges[1:])}
            parts.append(({"consumer": name}, {**window_edges, **rates}))
    return run.tables.joined(parts, ["consumer", "start", "end", *columns.values()])


def _bins_of(window: float | None, summary: Summary) -> int:
    if window is None:
        return max(1, -(-summary.ended_at_ns // (_WINDOWS * summary.bin_ns)))
    bins = round(window * NANOSECONDS_PER_SECOND / summary.bin_ns)
    if bins < 1 or not math.isclose(bins * summary.bin_ns, window * NANOSECONDS_PER_SECOND):
        width = summary.bin_ns / NANOSECONDS_PER_SECOND
        message = (
            f"window: {window} is not valid: a summary has bins of {width:g} s to put together"
        )
        raise ValueError(message)
    return bins


def utilization(run: Summarized, *, by: str = "consumer") -> pd.DataFrame:
    """Return the utilization of each consumer, or instance, after the warm-up, exact.

    Parameters
    ----------
    run : Summarized
        The run.
    by : str
        ``consumer`` or ``instance``.
    """
    busy = {
        name: _seconds(np.array(run.summary.busy[at], dtype=np.float64))
        for at, name in enumerate(run.names)
    }
    return utilization_of(run.tables, busy, by=by)


def recovery(run: Summarized) -> pd.DataFrame:
    """Return how the lag recovered from each fault, judged at the edges of the bins.

    Returns
    -------
    DataFrame
        That of :func:`eda_sim.analysis.recovery.recovery`.
    """
    return recovery_of(run.tables, lag(run))


def publishing(run: Summarized) -> pd.DataFrame:
    """Return how publishing went, one row per source and channel.

    Returns
    -------
    DataFrame
        That of :func:`eda_sim.analysis.summary.publishing`; percentiles are within 1 %.
    """
    names = run.summary.facts.names
    statuses = [state_name(status) for status in MessageStatus]
    rows = []
    for each in run.summary.published:
        middle, tail = each.took.quantiles([0.5, 0.99])
        messages = sum(each.statuses)
        rows.append(
            {
                "source": names.sources[each.source],
                "channel": names.channels[each.channel],
                "messages": messages,
                "created_per_s": messages / run.seconds if run.seconds > 0 else math.nan,
                **dict(zip(statuses, each.statuses, strict=True)),
                "extra_copies": each.extra_copies,
                "publish_p50_s": middle / NANOSECONDS_PER_SECOND,
                "publish_p99_s": tail / NANOSECONDS_PER_SECOND,
            }
        )
    return publishing_table(rows)


def summary(run: Summarized) -> pd.DataFrame:
    """Return the numbers that one looks at first, one row per consumer.

    Returns
    -------
    DataFrame
        The columns of :func:`eda_sim.analysis.summary.summary`, but ``lag_mean`` (messages, in the
        worst channel, over the run after the warm-up) in place of the largest lag.
    """
    counts, found = run.summary.counts, _estimates_of(run)
    rows = []
    for at, name in enumerate(run.names):
        counted = {word: counts[word][at] for word in (*COUNTS, "deliveries", "redeliveries")}
        longest = run.times("latency", name).statistic(name, "max")
        lag_mean = {"lag_mean": mean_lag(run, name)}
        rows.append(summary_row({"consumer": name, **counted}, found[name], longest, lag_mean))
    return pd.DataFrame(rows, columns=summary_columns("lag_mean"))


def estimates(run: Summarized) -> pd.DataFrame:
    """Return the estimates of a run.

    Only the throughput has an interval, from the bins of time: of all else, what was kept does not
    tell by how much one part of the run differs from another.

    Returns
    -------
    DataFrame
        That of :func:`eda_sim.analysis.run_estimates.estimates`.
    """
    return estimates_table(_estimates_of(run))


def _estimates_of(run: Summarized) -> dict[str, Found]:
    counts, used = run.summary.counts, utilization(run)["utilization"]
    took, waited = (run.times(what) for what in TIMES[:2])
    found: dict[str, Found] = {}
    for at, name in enumerate(run.names):
        points = took.histograms[name].quantiles(list(PERCENTILES.values()))
        messages = counts["messages"][at]
        values = {
            "latency_mean_s": took.statistic(name, "mean"),
            **{
                f"latency_{word}_s": point / NANOSECONDS_PER_SECOND
                for word, point in zip(PERCENTILES, points, strict=True)
            },
            "waiting_mean_s": waited.statistic(name, "mean"),
            "utilization": float(used.iloc[at]),
            **{
                f"{word}_share": counts[word][at] / messages if messages else math.nan
                for word in ("lost", "duplicated")
            },
        }
        alone = {word: Estimate(value, math.nan, math.nan) for word, value in values.items()}
        found[name] = {"effects_per_s": _rate(run, at), **alone}
    return found


def _rate(run: Summarized, consumer: int) -> Estimate:
    """Return the throughput, and the half widths that the bins after the warm-up give it."""
    value = effects_per_s(run, run.names[consumer])
    effects = run.summary.rates["goodput"][consumer]
    edges = run.moments
    after = np.flatnonzero(edges[:-1] >= run.tables.warmup)
    if after.size < BATCHES or effects[after].sum() < 2 * BATCHES:
        return Estimate(value, math.nan, math.nan)
    bounds = after[0] + np.linspace(0, after.size, BATCHES + 1).astype(np.int64)
    counts = np.diff(np.append(0, np.cumsum(effects))[bounds]).astype(np.float64)
    near, low, high = ratio_of_batches(counts, np.diff(edges[bounds]))
    return Estimate(value, max(value - (near - low), 0.0), value + (high - near))


def effects_per_s(run: Summarized, consumer: str) -> float:
    """Return first effects of messages created after the warm-up, per second after it."""
    effects = run.summary.times["latency"][run.names.index(consumer)].size
    return effects / run.seconds if run.seconds > 0 else math.nan


def mean_lag(run: Summarized, consumer: str) -> float:
    """Return the mean lag of a consumer in its worst channel, over the run after the warm-up."""
    areas = [run.summary.lag_area[number] for number in run.subscriptions_of(consumer)]
    return mean_level(run, max(areas, default=0))


def mean_level(run: Summarized, area_ns: int) -> float:
    """Return the mean of what was added up over the run after the warm-up."""
    return area_ns / NANOSECONDS_PER_SECOND / run.seconds if run.seconds > 0 else math.nan


def _seconds(nanoseconds: npt.NDArray[np.int64] | Values) -> Values:
    return nanoseconds / NANOSECONDS_PER_SECOND


def _ages(since: npt.NDArray[np.int64], moments: npt.NDArray[np.int64]) -> Values:
    return _seconds(np.where(since == NEVER, 0, moments - since))
