"""Loops: emissions and dead letters that come back, which must die out on average.

Entry (i, j) of the matrix of expected emissions is how many messages for consumer j follow, on
average, from one that consumer i has handled. Consumers are types of a multitype branching process:
what follows from one message is finite on average if and only if the spectral radius of the matrix
is below 1 (T. E. Harris, The Theory of Branching Processes, 1963, chapter II). A message is counted
as handled once; redeliveries that repeat an effect add to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from eda_sim.spec.errors import Path, Problem

if TYPE_CHECKING:
    from eda_sim.spec.consumers import Consumer
    from eda_sim.spec.scenario import Scenario

_ROUNDING = 1e-9
"""What the spectral radius may be wrong by: a loop with so little to spare is refused."""


class _Step(NamedTuple):
    """A way from one consumer to the next, over a channel."""

    channel: str
    reader: str
    gain: float
    field: Path
    is_join: bool


_Steps = dict[str, list[_Step]]


def check_loops(scenario: Scenario) -> Iterator[Problem]:
    """Find a loop of emissions and dead letters that does not die out.

    Parameters
    ----------
    scenario : Scenario
        Its references lead somewhere.

    Yields
    ------
    Problem
        The first such loop, its gain, and what would be right.
    """
    steps = _steps(scenario)
    for group in _strong_groups(steps):
        inside = {
            name: [step for step in steps[name] if step.reader in group and step.gain > 0.0]
            for name in steps
            if name in group
        }
        radius = _spectral_radius(inside)
        joins = [(name, step) for name in inside for step in inside[name] if step.is_join]
        if joins:
            name, step = joins[0]
            loop = _loop(inside, step.reader, name) + [(name, step)]
            message = (
                f"a join within a loop: {_written(loop)}; a chain of messages is joined once, so "
                "join behind the loop"
            )
            yield Problem(path=("consumers", name, *step.field, "join"), message=message)
            return
        if radius >= 1.0 - _ROUNDING:
            first = next(iter(inside))
            loop = _loop(inside, first, first)
            gain = float(np.prod([step.gain for _, step in loop]))
            message = (
                f"a cycle that never ends: {_written(loop)}; its gain is {gain:.6g}, and the "
                f"spectral radius of the expected emissions {radius:.6g}, which must be below 1: "
                "give emissions of it a lower probability"
            )
            name, step = loop[-1]
            field = step.field[:1] if step.field[0] == "emits" else step.field
            yield Problem(path=("consumers", name, *field), message=message)
            return


def _steps(scenario: Scenario) -> _Steps:
    readers: dict[str, list[str]] = {channel: [] for channel in scenario.channels}
    for name, consumer in scenario.consumers.items():
        for channel in consumer.reads:
            readers[channel].append(name)
    steps: _Steps = {}
    for name, consumer in scenario.consumers.items():
        ways: list[tuple[str, float, Path, bool]] = [
            (
                emission.to,
                emission.probability * _share(consumer, emission.on),
                ("emits", number),
                emission.join is not None,
            )
            for number, emission in enumerate(consumer.emits)
        ]
        dead_letter = consumer.subscription.dead_letter
        if dead_letter is not None:
            ways.append((dead_letter, 1.0, ("subscription", "dead_letter"), False))
        steps[name] = [
            _Step(channel, reader, gain, field, is_join)
            for channel, gain, field, is_join in ways
            for reader in readers[channel]
        ]
    return steps


def _share(consumer: Consumer, on: str) -> float:
    """Return the most messages of a hundredth part that can take effect, or be given up."""
    never_fails = 1.0 - consumer.poison_probability
    succeeds = never_fails * (1.0 - consumer.error_probability)
    is_final = consumer.retry.type == "none" and consumer.on_exhausted == "reject"
    if on == "effect":
        return succeeds if is_final else never_fails
    fails_by_chance_only = consumer.timeout is None and consumer.circuit_breaker is None
    if fails_by_chance_only and consumer.on_exhausted == "reject":
        return 1.0 - succeeds
    return 1.0


def _strong_groups(steps: _Steps) -> Iterator[set[str]]:
    """Yield the consumers that can reach each other, for each group that has a loop."""
    # Only a scenario with emissions pays for this import.
    if not any(steps.values()):
        return
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    number = {name: place for place, name in enumerate(steps)}
    ways = [
        (number[name], number[step.reader])
        for name in steps
        for step in steps[name]
        if step.gain > 0.0
    ]
    if not ways:
        return
    sources, targets = zip(*ways, strict=True)
    graph = coo_array((np.ones(len(ways)), (sources, targets)), shape=(len(number),) * 2)
    _, labels = connected_components(graph, directed=True, connection="strong")
    groups: dict[int, set[str]] = {}
    for name, label in zip(steps, labels.tolist(), strict=True):
        groups.setdefault(label, set()).add(name)
    loops_of_one = {source for source, target in ways if source == target}
    for group in groups.values():
        if len(group) > 1 or any(number[name] in loops_of_one for name in group):
            yield group


def _spectral_radius(steps: _Steps) -> float:
    number = {name: place for place, name in enumerate(steps)}
    expected = np.zeros((len(steps), len(steps)))
    for name, following in steps.items():
        for step in following:
            expected[number[name], number[step.reader]] += step.gain
    return float(np.abs(np.linalg.eigvals(expected)).max())


def _loop(steps: _Steps, start: str, end: str) -> list[tuple[str, _Step]]:
    """Return a shortest way from one consumer of a strong group to another, or around to itself."""
    if start == end and any(step.is_join for step in steps[start] if step.reader == start):
        return []
    came_from: dict[str, tuple[str, _Step]] = {}
    queue = [start]
    for name in queue:
        for step in steps[name]:
            if step.reader not in came_from:
                came_from[step.reader] = (name, step)
                queue.append(step.reader)
    way = [came_from[end]]
    while way[-1][0] != start:
        way.append(came_from[way[-1][0]])
    return way[::-1]


def _written(loop: list[tuple[str, _Step]]) -> str:
    return " -> ".join(f"{name} -> {step.channel}" for name, step in loop) + f" -> {loop[0][0]}"
