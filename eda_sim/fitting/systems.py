"""Systems: a scenario that is calibrated on somebody's own log.

Arrivals come from ``created``, service times from ``started`` to ``finished``, the number of
workers from the messages that were in hand at once, and the way to the channel from messages that
found a worker free. Then a simulation waits where the system waited, and can be asked what the log
cannot: what if there were 30 % more.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from eda_sim.analysis.intervals import quantile_intervals
from eda_sim.fitting.arrivals import ArrivalFit, fit_arrivals
from eda_sim.fitting.chance import ljung_box
from eda_sim.fitting.durations import DistributionFit, Options, fit_durations
from eda_sim.fitting.errors import FitError
from eda_sim.fitting.families import rounded
from eda_sim.fitting.loads import at_load
from eda_sim.fitting.logs import Log, read_log
from eda_sim.fitting.spelling import spelled_distribution
from eda_sim.fitting.workers import Workers, find_workers
from eda_sim.spec import Constant, Link, PiecewiseArrivals, Scenario, TraceArrivals, dump
from eda_sim.spec.arrivals import AnyArrivals
from eda_sim.spec.distributions import Distribution

if TYPE_CHECKING:
    from eda_sim.plots.fitting import SystemPlots

QUANTILES = (0.5, 0.95, 0.99)
PRODUCER, CHANNEL, CONSUMER = "clients", "messages", "workers"
_WARMUP = 0.05
"""Share of a run that is left out, as it begins empty and the system did not."""
_EDGE = 0.01
"""Quantile of free ways that stands for their lower edge."""
_SPREAD = 0.02
"""Share of the mean service within which free ways are all the same."""
_LEAST_FREE = 20
_RELATED = 1e-3


@dataclass(frozen=True, repr=False)
class ScenarioFit:
    """A scenario made from a log, and all that it rests on.

    Attributes
    ----------
    log : Log
        What was read.
    arrivals : ArrivalFit
        Of the moments of creation.
    service : DistributionFit
        Of the time that handling took.
    workers : Workers
        How many there were.
    delivery : DistributionFit or None
        Of the way to a free worker; None if it always takes as long.
    scenario : Scenario
        The result.
    """

    log: Log
    arrivals: ArrivalFit
    service: DistributionFit
    workers: Workers
    delivery: DistributionFit | None
    scenario: Scenario

    @property
    def text(self) -> str:
        """The scenario as YAML."""
        return dump(self.scenario)

    @cached_property
    def observed(self) -> pd.DataFrame:
        """Percentiles of the log's latency: ``quantile``, ``value``, ``low``, ``high`` (s)."""
        estimates = quantile_intervals(self.log.latency, QUANTILES)
        rows = [(q, *each) for q, each in zip(QUANTILES, estimates, strict=True)]
        return pd.DataFrame(rows, columns=["quantile", "value", "low", "high"])

    @property
    def remarks(self) -> tuple[str, ...]:
        """What the scenario leaves out of what the log shows, and what the log cannot show."""
        said = [*self.log.remarks, *self.workers.remarks()]
        in_row = ljung_box(self.log.service[np.argsort(self.log.started, kind="stable")])[1]
        if in_row < _RELATED:
            said.append(
                f"service times in a row are related (Ljung-Box p = {in_row:.2g}); the scenario's "
                "are not"
            )
        return tuple(said)

    @property
    def explanation(self) -> str:
        """Why this scenario, in words: a line for each part."""
        workers = self.workers
        way = self.scenario.producers[PRODUCER].link.latency
        crowd = (
            f"at most {workers.most_busy} were busy at once, each {workers.utilization:.1%} of the "
            f"time, and {workers.waiting:.1%} of the messages found all busy"
        )
        lines = [
            f"arrivals: {self.arrivals.explanation}",
            f"service: {self.service.explanation}",
            f"workers: {workers.number}; {crowd}.",
            f"delivery: {spelled_distribution(way)} from creation to a worker that is free.",
            *(f"note: {remark}." for remark in self.remarks),
        ]
        return "\n".join(lines)

    def at_load(self, factor: float) -> Scenario:
        """Return the scenario with so many times as many arrivals; see :mod:`.loads`."""
        return at_load(self.scenario, factor)

    @property
    def plot(self) -> SystemPlots:
        """The figures: ``fit.plot.service()``, ``fit.plot.gaps()``, ``fit.plot.rate()``."""
        from eda_sim.plots.fitting import SystemPlots

        return SystemPlots(self.service.quantiles, self.arrivals.plot)

    def __repr__(self) -> str:
        return f"ScenarioFit({self.log.name}: {len(self.log):,} messages)\n{self.explanation}"


def fit_system(
    source: str | os.PathLike[str] | pd.DataFrame,
    *,
    columns: Mapping[str, str] | None = None,
    unit: str = "s",
    channel: str | None = None,
    consumer: str | None = None,
    as_is: bool = False,
    confidence: float = 0.95,
    resamples: int = 199,
) -> ScenarioFit:
    """Make a scenario from a log.

    Parameters
    ----------
    source : path or DataFrame
        As :func:`eda_sim.fitting.logs.read_log` reads it, as are the next four.
    columns, unit, channel, consumer : optional
        What the log calls its columns, in which unit its numbers are, and which part of it to take.
    as_is : bool
        Repeat the arrivals of the log, and take its service times as they are.
    confidence : float
        Of the intervals of parameters.
    resamples : int
        Samples of the bootstrap behind each p-value, 99 or more; with 0 there is none.

    Returns
    -------
    ScenarioFit

    Raises
    ------
    FitError
        If the log cannot be read, or is too short.
    """
    log = read_log(source, columns=columns, unit=unit, channel=channel, consumer=consumer)
    if not log.service.max() > 0:
        message = f"{log.name}: every message finished when it started; services need a duration"
        raise FitError(message)
    options = Options(confidence=confidence, resamples=resamples)
    arrivals = fit_arrivals(log.created, **options, what=f"{log.name}: created")
    service = fit_durations(log.service, **options, what=f"{log.name}: finished - started")
    workers = find_workers(log)
    ways, free = _delivery(log, workers, options)
    scenario = _scenario(
        log,
        arrivals=arrivals.as_is if as_is else arrivals.arrivals,
        service=service.as_is if as_is else service.distribution,
        workers=workers,
        way=free,
    )
    return ScenarioFit(log, arrivals, service, workers, ways, scenario)


def _delivery(
    log: Log, workers: Workers, options: Options
) -> tuple[DistributionFit | None, Distribution]:
    """Return how long the way to a free worker takes: always as long, or a distribution."""
    ways = workers.free_ways
    if ways.size < _LEAST_FREE:
        return None, Constant(value=_without_dust(float((log.started - log.created).min())))
    low, edge, high = np.quantile(ways, [0.05, _EDGE, 0.95])
    if high - low <= _SPREAD * float(log.service.mean()):
        return None, Constant(value=_without_dust(float(edge)))
    fit = fit_durations(ways, **options, what=f"{log.name}: started - created")
    return fit, fit.distribution


def _without_dust(seconds: float) -> float:
    """Return a duration with the digits of a scenario, 0 below a nanosecond."""
    return rounded(seconds) if seconds >= 1e-9 else 0.0


def _scenario(
    log: Log,
    *,
    arrivals: AnyArrivals,
    service: Distribution,
    workers: Workers,
    way: Distribution,
) -> Scenario:
    span = float(log.created[-1])
    follows_plan = isinstance(arrivals, PiecewiseArrivals | TraceArrivals)
    return Scenario(
        name=_name(log.name),
        description=f"Calibrated on {log.name}: {len(log):,} messages in {span:.6g} s.",
        duration=rounded(span * (len(log) + 1) / len(log)),
        warmup=0.0 if follows_plan else rounded(span * _WARMUP),
        producers={PRODUCER: {"to": CHANNEL, "arrivals": arrivals, "link": Link(latency=way)}},
        channels={CHANNEL: {}},
        consumers={
            CONSUMER: {
                "reads": CHANNEL,
                "instances": workers.instances,
                "concurrency": workers.concurrency,
                "service": service,
            }
        },
    )


def _name(file: str) -> str:
    """Make the name of a file one of a scenario."""
    stem = re.sub(r"[^A-Za-z0-9_-]+", "_", file.partition(".")[0]).strip("_")
    return (stem if stem[:1].isalpha() else f"log_{stem}".rstrip("_"))[:64]
