"""What is measured in a run: times of messages, and how many of them are there.

Averages over messages are over those that were created after the warm-up and before the end of
production; averages over time are over the same window.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from eda_sim.analysis.steps import area, clipped, step_function
from eda_sim.engine.trace import Column, Trace
from eda_sim.evidence.families import Simulation
from eda_sim.evidence.records import Params, Record
from eda_sim.evidence.simulated.building import SERVER
from eda_sim.spec import Scenario

if TYPE_CHECKING:
    from eda_sim.simulation import Run

Values = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

REPLICATIONS = 20


def more_near_saturation(base: float, load: float, *, power: int = 1, least: int = 10) -> int:
    """Return a number of replications that grows with the memory of a queue.

    >>> [more_near_saturation(3, load) for load in (0.5, 0.9)]
    [10, 30]
    """
    return max(least, round(base / (1.0 - load) ** power))


def to_seconds(times: Column) -> Values:
    """Return seconds; NaN for what did not happen."""
    values: Values = times / 1e9
    values[times < 0] = np.nan
    return values


def window_of(run: Run) -> tuple[float, float]:
    """Return the seconds between the warm-up and the end of production."""
    duration = run.scenario.duration
    return run.scenario.warmup, run.ended_at if duration is None else duration


def code_of(trace: Trace, consumer: str) -> int:
    """Return the number of a consumer in a trace."""
    return trace.names.consumers.index(consumer)


def is_counted(run: Run) -> Flags:
    """Return which messages were created in the window."""
    start, end = window_of(run)
    created = to_seconds(run.trace.messages["created_at"])
    return np.asarray((created >= start) & (created < end))


@dataclass(frozen=True)
class Station:
    """A queue and its servers, as its messages saw it; one entry per message that was served.

    Attributes
    ----------
    messages : array of int
        Their numbers.
    created, started, finished : array of float
        Seconds; ``started`` is that of the first hand-over, ``finished`` that of the last one.
    counted : array of bool
        Those that were created in the window.
    window : tuple of float
        Seconds.
    """

    messages: Column
    created: Values
    started: Values
    finished: Values
    counted: Flags
    window: tuple[float, float]

    @functools.cached_property
    def waits(self) -> Values:
        """From creation to the start of the service."""
        return (self.started - self.created)[self.counted]

    @functools.cached_property
    def sojourns(self) -> Values:
        """From creation to the end of the service."""
        return (self.finished - self.created)[self.counted]

    def mean_level(self, starts: Values, ends: Values) -> float:
        """Return how many of these intervals cover a moment of the window, on average."""
        start, end = self.window
        return float(clipped(starts, ends, start, end).sum()) / (end - start)

    def share_of_time(self, starts: Values, ends: Values, is_so: Callable[..., Flags]) -> float:
        """Return the share of the window in which the number of intervals is as asked."""
        times, counts = step_function(starts, ends)
        start, end = self.window
        before = np.concatenate([[-np.inf], times])
        flags = is_so(np.concatenate([[0], counts])).astype(np.int64)
        return area(before, flags, start, end) / (end - start)


@functools.lru_cache(maxsize=1)
def station(run: Run, consumer: str = SERVER) -> Station:
    """Return a consumer as its messages saw it; the run before is forgotten."""
    deliveries, messages = run.trace.deliveries, run.trace.messages
    rows = np.flatnonzero(deliveries["consumer"] == code_of(run.trace, consumer))
    ids = deliveries["message_id"][rows]
    size = messages["created_at"].size
    first, last = np.full(size, -1), np.full(size, -1)
    last[ids] = rows
    first[ids[::-1]] = rows[::-1]
    served = np.flatnonzero(first >= 0)
    started = to_seconds(deliveries["started_at"][first[served]])
    return Station(
        messages=served,
        created=to_seconds(messages["created_at"][served]),
        started=started,
        finished=to_seconds(deliveries["finished_at"][last[served]]),
        counted=is_counted(run)[served],
        window=window_of(run),
    )


def tail(values: Values, at: float | None) -> float:
    """Return the share of values above a point."""
    return float((values > _given(at)).mean())


def quantile(values: Values, at: float | None) -> float:
    """Return a quantile of values."""
    return float(np.quantile(values, _given(at)))


def _given(at: float | None) -> float:
    if at is None:
        message = "at: is missing; the metric is asked at a point"
        raise ValueError(message)
    return at


STATION_METRICS: Mapping[str, Callable[[Station, float | None], float]] = {
    "mean_wait": lambda s, _: float(s.waits.mean()),
    "mean_sojourn": lambda s, _: float(s.sojourns.mean()),
    "variance_of_wait": lambda s, _: float(s.waits.var()),
    "wait_quantile": lambda s, at: quantile(s.waits, at),
    "sojourn_quantile": lambda s, at: quantile(s.sojourns, at),
    "wait_tail": lambda s, at: tail(s.waits, at),
    "sojourn_tail": lambda s, at: tail(s.sojourns, at),
    "probability_of_waiting": lambda s, _: float((s.waits > 0).mean()),
    "mean_queue_length": lambda s, _: s.mean_level(s.created, s.started),
    "mean_number": lambda s, _: s.mean_level(s.created, s.finished),
    "number_probability": lambda s, at: s.share_of_time(
        s.created, s.finished, lambda count: count == _given(at)
    ),
    "idle_share": lambda s, _: 1.0 - s.mean_level(s.started, s.finished),
}
"""What can be asked of one consumer; of one with a single worker where it is about idleness."""


def of_station(
    scenario: Callable[[Params], Scenario],
    *metrics: str,
    replications: int | Callable[[Params], int] = REPLICATIONS,
) -> dict[str, Simulation]:
    """Return simulations of metrics of the consumer ``server``.

    Parameters
    ----------
    scenario : callable
        Params to scenario.
    *metrics : str
        Of :data:`STATION_METRICS`.
    replications : int or callable
        Independent runs; or params to their number.
    """

    def simulation(metric: str) -> Simulation:
        def measure(run: Run, record: Record) -> float:
            return STATION_METRICS[metric](station(run), record.at)

        return Simulation(scenario=scenario, measure=measure, replications=replications)

    return {metric: simulation(metric) for metric in metrics}
