"""Loops: emissions and dead letters that come back, which must die out.

Entry (i, j) of the matrix of expected emissions is how many messages for consumer j follow, on
average, from one that consumer i handles. Consumers are the types of a multitype branching process:
what follows from one message is finite on average if and only if the spectral radius of the matrix
is below 1 (T. E. Harris, "The Theory of Branching Processes", 1963, chapter II). Every stored copy
is taken as handled once; what redeliveries repeat takes time, and comes on top.
"""

from __future__ import annotations

import graphlib
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from eda_sim.spec.errors import Path, Problem

if TYPE_CHECKING:
    from eda_sim.spec.consumers import Consumer
    from eda_sim.spec.scenario import Scenario

_ROUNDING = 1e-9
"""What a spectral radius may be wrong by: a loop with so little to spare is refused."""

_DETOUR = 1e-9
"""What a further step counts for among loops with the same gain."""


class _Step(NamedTuple):
    """A way from one consumer to the next, over a channel."""

    channel: str
    reader: str
    gain: float
    field: Path
    is_join: bool


_Steps = dict[str, list[_Step]]
_Loop = list[tuple[str, _Step]]


def check_loops(scenario: Scenario) -> Iterator[Problem]:
    """Find loops of emissions and dead letters that do not die out.

    Parameters
    ----------
    scenario : Scenario
        Its references lead somewhere.

    Yields
    ------
    Problem
        A loop, how many messages come back over it, and what would be right; one for each group
        of consumers that reach each other.
    """
    steps = _steps(scenario)
    if not _has_loop(steps):
        return  # without what only loops need to be imported
    for group in _groups(steps):
        inside = {
            name: [step for step in ways if step.reader in group]
            for name, ways in steps.items()
            if name in group
        }
        problem = _join_in_loop(inside) or _endless(inside)
        if problem is not None:
            yield problem


def _steps(scenario: Scenario) -> _Steps:
    readers: dict[str, list[str]] = {channel: [] for channel in scenario.channels}
    for name, consumer in scenario.consumers.items():
        for channel in consumer.reads:
            readers[channel].append(name)
    faults = {fault.kind for fault in scenario.faults}
    steps: _Steps = {}
    for name, consumer in scenario.consumers.items():
        duplicates = 1.0 if "duplication" in faults else consumer.link.duplicate_probability
        ways: list[tuple[str, float, Path, bool]] = []
        for number, emission in enumerate(consumer.emits):
            share = _share(consumer, emission.on, has_bugs="bug" in faults)
            gain = emission.probability * share * (1.0 + duplicates)
            ways.append((emission.to, gain, ("emits", number), emission.join is not None))
        dead_letter = consumer.subscription.dead_letter
        if dead_letter is not None:
            waits = _only_waits(scenario, consumer, has_bugs="bug" in faults)
            gain = 0.0 if waits else 1.0
            ways.append((dead_letter, gain, ("subscription", "dead_letter"), False))
        steps[name] = [
            _Step(channel, reader, gain, field, is_join)
            for channel, gain, field, is_join in ways
            if gain > 0.0
            for reader in readers[channel]
        ]
    return steps


def _share(consumer: Consumer, on: str, *, has_bugs: bool) -> float:
    """Return the largest share of what a consumer handles that takes effect, or that it gives up.

    Where it cannot be told from the settings alone (retries, time-outs, faults), it is 1.
    """
    sound = 1.0 - consumer.poison_probability
    succeed_at_once = sound * (1.0 - consumer.error_probability)
    if on == "effect":
        one_attempt = consumer.retry.type == "none" and consumer.on_exhausted == "reject"
        return succeed_at_once if one_attempt else sound
    fails_otherwise = (
        consumer.timeout is not None or consumer.circuit_breaker is not None or has_bugs
    )
    comes_again = consumer.on_exhausted != "reject"
    return 1.0 if fails_otherwise or comes_again else 1.0 - succeed_at_once


def _only_waits(scenario: Scenario, consumer: Consumer, *, has_bugs: bool) -> bool:
    """Return whether only the end of a time to live makes dead letters of what a consumer reads.

    So RabbitMQ's users build a retry after a while: a queue that nobody reads, with x-message-ttl
    and the first queue as its dead letter exchange. Each time round takes time.
    """
    subscription = consumer.subscription
    if not subscription.dead_letter_expired or subscription.max_deliveries is not None:
        return False
    if _share(consumer, "failure", has_bugs=has_bugs) > 0.0:
        return False
    channels = [scenario.channels[name] for name in consumer.reads]
    return all(
        channel.message_ttl is not None
        and channel.max_messages is None
        and channel.max_bytes is None
        and channel.max_age is None
        for channel in channels
    )


def _has_loop(steps: _Steps) -> bool:
    onward = {name: [step.reader for step in ways] for name, ways in steps.items()}
    try:
        graphlib.TopologicalSorter(onward).prepare()
    except graphlib.CycleError:
        return True
    return False


def _groups(steps: _Steps) -> list[set[str]]:
    """Return the consumers that reach each other, group by group."""
    from scipy.sparse.csgraph import connected_components

    names = list(steps)
    _, labels = connected_components(_matrix(steps), directed=True, connection="strong")
    groups: dict[int, set[str]] = {}
    for name, label in zip(names, labels.tolist(), strict=True):
        groups.setdefault(label, set()).add(name)
    return list(groups.values())


def _matrix(steps: _Steps) -> Any:
    """Return how many messages for each consumer follow from one that each handles: i to j."""
    import numpy as np

    number = {name: place for place, name in enumerate(steps)}
    expected = np.zeros((len(steps), len(steps)))
    for name, ways in steps.items():
        for step in ways:
            expected[number[name], number[step.reader]] += step.gain
    return expected


def _join_in_loop(steps: _Steps) -> Problem | None:
    joins = [(name, step) for name, ways in steps.items() for step in ways if step.is_join]
    if not joins:
        return None
    loop = _strongest_loop(steps, joins)
    name, step = loop[0]
    message = (
        f"a join within a cycle: {_written(loop)}; all messages with one correlation id are joined "
        "once, however often they go round: join behind the cycle"
    )
    return Problem(path=("consumers", name, *step.field, "join"), message=message)


def _endless(steps: _Steps) -> Problem | None:
    """Return what is wrong with the loops of consumers that all reach each other, if anything."""
    import numpy as np

    expected = _matrix(steps)
    if not expected.any():
        return None
    radius = float(np.abs(np.linalg.eigvals(expected)).max())
    if radius < 1.0 - _ROUNDING:
        return None
    loop = _strongest_loop(steps, [(name, step) for name in steps for step in steps[name]])
    number = {name: place for place, name in enumerate(steps)}
    gain = float(np.prod([expected[number[name], number[step.reader]] for name, step in loop]))
    if gain >= 1.0 - _ROUNDING:
        message = (
            f"a cycle that never ends: {_written(loop)}; a message comes back {gain:.6g} times on "
            "average, which must be less than 1: give an emission in it a lower probability"
        )
    else:
        message = (
            f"cycles that never end: {_written(loop)}, over which a message comes back {gain:.6g} "
            f"times on average, and others that meet it; together they make {radius:.6g} messages "
            "of each with every step, which must be less than 1: give emissions in them lower "
            "probabilities"
        )
    name, step = loop[-1]
    field = step.field[:1] if step.field[0] == "emits" else step.field
    return Problem(path=("consumers", name, *field), message=message)


def _strongest_loop(steps: _Steps, first: _Loop) -> _Loop:
    """Return the loop that begins with one of these steps and over which most comes back.

    Dijkstra's way from the end of each step to its beginning, where a step is the longer the less
    goes over it; of loops with the same gain the shortest, and the first of those.
    """
    import numpy as np
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import dijkstra

    names = list(steps)
    number = {name: place for place, name in enumerate(names)}
    best: dict[tuple[int, int], tuple[str, _Step]] = {}
    for name in names:
        for step in sorted(steps[name], key=lambda step: -step.gain):
            best.setdefault((number[name], number[step.reader]), (name, step))
    sources, targets = zip(*best, strict=True)
    lengths = [_length(step) for _, step in best.values()]
    graph = coo_array((lengths, (sources, targets)), shape=(len(names), len(names))).tocsr()
    distance, before = dijkstra(graph, return_predecessors=True)
    ends = [(number[name], number[step.reader]) for name, step in first]
    around = [
        _length(step) + distance[end, start]
        for (_, step), (start, end) in zip(first, ends, strict=True)
    ]
    chosen = int(np.argmin(np.round(around, 12)))  # rounded: the order of a sum is no difference
    start, end = ends[chosen]
    way: _Loop = []
    place = start
    while place != end:
        way.append(best[int(before[end, place]), place])
        place = int(before[end, place])
    return [first[chosen], *way[::-1]]


def _length(step: _Step) -> float:
    return _DETOUR - math.log(min(step.gain, 1.0))


def _written(loop: _Loop) -> str:
    return " -> ".join(f"{name} -> {step.channel}" for name, step in loop) + f" -> {loop[0][0]}"
