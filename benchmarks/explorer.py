"""What the reader of a lesson waits for: from a slider let go to the picture, by its parts.

What the browser and the messages to it take comes on top; the tests of the lessons measure it all.
"""

from __future__ import annotations

import time
from statistics import median
from typing import Any, NamedTuple

import eda_sim as es


class World(NamedTuple):
    """A scenario whose instances are turned, and how many there are at least."""

    name: str
    knob: str
    least: int
    changes: dict[str, Any]


WORLDS = (
    World("mm1", "consumers.worker.instances", 1, {"duration": "5h"}),
    World("checkout", "consumers.billing.instances", 4, {}),
)
PICTURES = ("percentiles", "distribution", "lag", "queue", "heatmap")
PARTS = ("run", "analysis", "draw")


def measure_explorer(messages: int, repeats: int) -> list[dict[str, Any]]:
    """Return, for each scenario and picture, medians of the parts and of the whole, in ms."""
    return [_row(world, picture, messages, repeats) for world in WORLDS for picture in PICTURES]


def _row(world: World, picture: str, messages: int, repeats: int) -> dict[str, Any]:
    scenario = es.load(world.name).replace({"messages": messages, **world.changes})
    places = range(world.least, world.least + 6)
    explorer = es.explore(scenario, {world.knob: places}, picture=picture)
    given = explorer.positions[world.knob]
    positions = [str(place) for place in places if str(place) != given]
    moves: list[dict[str, float]] = []
    for number in range(repeats + 2):
        begin = time.perf_counter()
        explorer.turn({world.knob: positions[number % len(positions)]})
        whole = 1000 * (time.perf_counter() - begin)
        assert explorer.error is None, explorer.error
        assert explorer.changes, "A was not run again, and B was"
        if number >= 2:  # the first ones make axes and ticks
            moves.append({**explorer.timings, "whole": whole})
    parts = {f"{part}_ms": median(move[part] for move in moves) for part in (*PARTS, "whole")}
    return {
        "scenario": world.name,
        "picture": picture,
        **parts,
        "fastest_ms": min(move["whole"] for move in moves),
        "over_run": parts["whole_ms"] / parts["run_ms"],
    }
