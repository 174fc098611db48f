"""Every contender on the same worlds, one after the other, round by round."""

from __future__ import annotations

from typing import Any, NamedTuple

from benchmarks.contenders import CONTENDERS, Contender, Run
from benchmarks.contenders.served import Served, check_served
from benchmarks.measuring import timed
from benchmarks.worlds import WORLDS, World

YARDSTICKS = ("SimPy", "Ciw", "cimba", "C++")
"""Whose time the others' are divided by."""


class Size(NamedTuple):
    """How much a contest is given to do."""

    rounds: int
    most_messages: int


FULL = Size(rounds=5, most_messages=10**9)
FAST = Size(rounds=1, most_messages=10_000)


def measure(size: Size) -> dict[str, Any]:
    """Return a row per world and contender, and why contenders are missing."""
    loaded: dict[Contender, Run] = {}
    missing: dict[str, str] = {}
    for contender in CONTENDERS:
        try:
            loaded[contender] = contender.load()
        except ImportError as error:
            missing[contender.name] = str(error)
    rows = [row for world in WORLDS for row in measure_world(world, loaded, size)]
    return {"rows": rows, "missing": missing}


def measure_world(world: World, loaded: dict[Contender, Run], size: Size) -> list[dict[str, Any]]:
    """Measure all contenders on one world."""
    best: dict[str, tuple[Served, float]] = {}
    for number in range(size.rounds):
        for contender, run in loaded.items():
            messages = messages_of(world, contender, size)
            if number == 0 and not contender.measures_itself:
                run(world, 50)  # compiles, and fills caches
            served, seconds = timed(lambda run=run, count=messages: run(world, count))
            check_served(served, world, messages)
            cpu_s = seconds.cpu_s if served.cpu_s is None else served.cpu_s
            if contender.name not in best or cpu_s < best[contender.name][1]:
                best[contender.name] = (served, cpu_s)
    each = {name: cpu_s / served.messages for name, (served, cpu_s) in best.items()}
    return [
        {
            "world": world.name,
            "contender": name,
            "messages": served.messages,
            "cpu_s": cpu_s,
            "ns_per_message": each[name] * 1e9,
            "mean_sojourn_s": served.mean_sojourn,
            "theory_s": world.mean_sojourn,
            "times_as_fast_as": {
                other: each[other] / each[name] for other in YARDSTICKS if other in each
            },
        }
        for name, (served, cpu_s) in best.items()
    ]


def messages_of(world: World, contender: Contender, size: Size) -> int:
    """Return how many messages a contender simulates."""
    return min(world.messages, contender.most_messages, size.most_messages)
