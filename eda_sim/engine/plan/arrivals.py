"""Arrivals as columns: intervals, times from a trace, or the path of a rate."""

from __future__ import annotations

import enum
from typing import NamedTuple

import numpy as np

from eda_sim.engine.plan.columns import NONE, Floats, Integers, Numbering
from eda_sim.engine.streams.samplers import to_ns
from eda_sim.spec.arrivals import (
    AnyArrivals,
    ConstantArrivals,
    ModulatedArrivals,
    PiecewiseArrivals,
    PoissonArrivals,
    RenewalArrivals,
    TraceArrivals,
)
from eda_sim.spec.distributions import Constant, Exponential

_UNIT_EXPONENTIAL = Exponential(mean=1.0)


class ArrivalKind(enum.IntEnum):
    """How a producer decides when to create its next message."""

    RENEWAL = 0
    TRACE = 1
    PIECEWISE = 2
    PERIODIC = 3
    MODULATED = 4


class Segments(NamedTuple):
    """The paths of all rates, one row per segment (piecewise) or state (modulated).

    Attributes
    ----------
    rate_per_s : float64 array
        Arrivals per second.
    length : int64 array
        Length in ns, NONE for one without end; in a modulated path the row of its distribution.
    start_probability : float64 array
        Cumulative probability that a modulated path begins in this state, or in one before it.
    """

    rate_per_s: Floats
    length: Integers
    start_probability: Floats


class ArrivalLists:
    """What the rows of producers point into, while it grows."""

    def __init__(self) -> None:
        self.times_ns: list[int] = []
        self.rates: list[float] = []
        self.lengths: list[int] = []
        self.start_probabilities: list[float] = []

    def segments(self) -> Segments:
        """Return the segments as arrays."""
        return Segments(
            np.array(self.rates, dtype=np.float64),
            np.array(self.lengths, dtype=np.int64),
            np.array(self.start_probabilities, dtype=np.float64),
        )


def lower_arrivals(
    arrivals: AnyArrivals, start_ns: int, numbering: Numbering, lists: ArrivalLists
) -> dict[str, float]:
    """Return the columns about the arrivals of one producer; append to the lists.

    ``arrival_start`` and ``arrival_length`` point into the times of a trace, or into the segments.
    """
    match arrivals:
        case TraceArrivals():
            start = len(lists.times_ns)
            lists.times_ns += [start_ns + to_ns(time) for time in arrivals.times]
            return _columns(ArrivalKind.TRACE, NONE, start, len(arrivals.times))
        case RenewalArrivals():
            return _columns(ArrivalKind.RENEWAL, numbering.row(arrivals.interval))
        case ConstantArrivals():
            return _columns(ArrivalKind.RENEWAL, numbering.row(Constant(value=arrivals.interval)))
        case PoissonArrivals():
            mean = 1 / arrivals.rate
            return _columns(ArrivalKind.RENEWAL, numbering.row(Exponential(mean=mean)))
        case PiecewiseArrivals():
            kind = ArrivalKind.PERIODIC if arrivals.repeat else ArrivalKind.PIECEWISE
            lengths = [to_ns(duration) for duration in arrivals.durations]
            lengths += [NONE] * (len(arrivals.rates) - len(lengths))
            return _path(kind, arrivals.rates, lengths, numbering, lists)
        case ModulatedArrivals():
            rows = [numbering.row(Exponential(mean=mean)) for mean in arrivals.mean_durations]
            columns = _path(ArrivalKind.MODULATED, arrivals.rates, rows, numbering, lists)
            shares = np.cumsum(arrivals.mean_durations) / sum(arrivals.mean_durations)
            lists.start_probabilities[-len(rows) :] = [*shares.tolist()[:-1], 1.0]
            return columns


def _path(
    kind: ArrivalKind,
    rates: tuple[float, ...],
    lengths: list[int],
    numbering: Numbering,
    lists: ArrivalLists,
) -> dict[str, float]:
    start = len(lists.rates)
    lists.rates += rates
    lists.lengths += lengths
    lists.start_probabilities += [1.0] * len(rates)
    return _columns(kind, numbering.row(_UNIT_EXPONENTIAL), start, len(rates))


def _columns(kind: ArrivalKind, interval: int, start: int = 0, length: int = 0) -> dict[str, float]:
    return {
        "arrival_kind": kind,
        "interval": interval,
        "arrival_start": start,
        "arrival_length": length,
    }
