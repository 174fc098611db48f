"""Arrivals: the times at which a producer creates its messages.

Whatever the process, the n-th arrival uses the n-th draw of its producer, so two scenarios whose
rates differ see the same randomness.
"""

from __future__ import annotations

from collections.abc import Iterator

from eda_sim.engine.plan import NONE, ArrivalKind, Plan
from eda_sim.engine.reference.draws import Draws
from eda_sim.engine.reference.model import Model
from eda_sim.engine.streams.addresses import Stream
from eda_sim.engine.streams.philox import uniform
from eda_sim.engine.streams.rates import USED_UP, use_up


def moments(model: Model, producer: int) -> Iterator[int]:
    """Yield the times of arrival of one producer in ns, for ever or until the process ends."""
    row = model.plan.producers.rows
    kind = row.arrival_kind[producer]
    if kind == ArrivalKind.TRACE:
        first = int(row.arrival_start[producer])
        last = first + int(row.arrival_length[producer])
        yield from model.plan.producers.arrival_times_ns[first:last].tolist()
    elif kind == ArrivalKind.RENEWAL:
        yield from _renewals(model, producer)
    else:
        yield from _along_the_rate(model, producer)


def _renewals(model: Model, producer: int) -> Iterator[int]:
    row = model.plan.producers.rows
    address = int(row.address[producer])
    intervals = model.draws(row.interval[producer], Stream.ARRIVAL)
    time_ns = int(row.start_ns[producer])
    number = 0
    while True:
        time_ns += intervals.ns(address, number)
        yield time_ns
        number += 1


def _along_the_rate(model: Model, producer: int) -> Iterator[int]:
    """Use up one unit exponential after the other along the path of the rate."""
    row = model.plan.producers.rows
    address = int(row.address[producer])
    exponentials = model.draws(row.interval[producer], Stream.ARRIVAL)
    time_ns = int(row.start_ns[producer])
    stop_ns = int(row.stop_ns[producer])
    number = 0
    rest = exponentials.value(address, number)
    for rate, length_ns in _path(model.plan, producer):
        end_ns = NONE if length_ns == NONE else time_ns + length_ns
        if end_ns == NONE and rate == 0.0:
            return
        while True:
            left_ns = NONE if end_ns == NONE else end_ns - time_ns
            passed_ns, rest = use_up(rest, rate, left_ns)
            time_ns += passed_ns
            if rest != USED_UP:
                break
            yield time_ns
            number += 1
            rest = exponentials.value(address, number)
        if stop_ns != NONE and time_ns >= stop_ns:
            return


def _path(plan: Plan, producer: int) -> Iterator[tuple[float, int]]:
    """Yield the rate (per second) and the length (ns, NONE for ever) of each segment."""
    row, segments = plan.producers.rows, plan.producers.segments
    first = int(row.arrival_start[producer])
    last = first + int(row.arrival_length[producer])
    rates: list[float] = segments.rate_per_s[first:last].tolist()
    lengths: list[int] = segments.length[first:last].tolist()
    if row.arrival_kind[producer] == ArrivalKind.PIECEWISE:
        yield from zip(rates, lengths, strict=True)
        return
    if row.arrival_kind[producer] == ArrivalKind.PERIODIC:
        while True:
            yield from zip(rates, lengths, strict=True)
    run = plan.run
    key = (run.seed, run.replication, int(Stream.RATE))
    address = int(row.address[producer])
    start = uniform(*key, address, 0, 0)
    shares: list[float] = segments.start_probability[first:last].tolist()
    state = next(place for place, share in enumerate(shares) if start < share)
    visits = [Draws(plan.distributions, row, *key[:2], Stream.RATE) for row in lengths]
    number = 0
    while True:
        yield rates[state], max(1, visits[state].ns(address, number))
        state = (state + 1) % len(rates)
        number += 1


def bulk_size(draws: Draws | None, address: int, number: int) -> int:
    """Return how many messages the arrival ``number`` of a producer brings."""
    if draws is None:
        return 1
    return max(1, draws.count(address, number))
