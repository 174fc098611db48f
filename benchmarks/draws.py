"""How long a random number takes: compiled, in blocks from Python, and one by one from Python.

With ``EDA_SIM_INTERPRETED=1`` in the environment it measures the interpreted twin. Each line is
checked to have drawn what it claims before it is timed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from benchmarks.measuring import fastest
from eda_sim.engine.streams import samplers
from eda_sim.engine.streams._jit import COMPILED
from eda_sim.spec.distributions import (
    Constant,
    Empirical,
    Erlang,
    Exponential,
    Hyperexponential,
    Lognormal,
    Mixture,
    Pareto,
    Weibull,
)

DISTRIBUTIONS = {
    "constant": Constant(value=0.02),
    "exponential": Exponential(mean=0.02),
    "lognormal": Lognormal(mean=0.02, p99=0.09),
    "erlang, 4 stages": Erlang(mean=0.02, stages=4),
    "hyperexponential": Hyperexponential(mean=0.02, cv=2),
    "weibull": Weibull(mean=0.02, cv=2),
    "pareto": Pareto(mean=0.02, shape=2.5),
    "empirical": Empirical(values=[0.01, 0.02, 0.03]),
    "mixture": Mixture(components=[Exponential(mean=0.01), Constant(value=0.1)], weights=[9, 1]),
}
ADDRESS = (7, 0, 4, 99)
DRAWS = 400_000 if COMPILED else 4_000
BLOCK = 256
FULL = 5
FAST = 1
"""Repeats."""


def nanoseconds_each(action: Callable[[], None], count: int, repeats: int) -> float:
    """Return the fastest, per draw; the first call, which may compile, is not counted."""
    action()
    _, seconds = fastest(action, repeats)
    return seconds.cpu_s / count * 1e9


def measure(repeats: int) -> dict[str, Any]:
    """Return a row per distribution, in nanoseconds per draw."""
    table = samplers.lower(list(DISTRIBUTIONS.values()))
    out = np.empty(DRAWS, dtype=np.int64)
    block = np.empty(BLOCK, dtype=np.int64)
    blocks, calls = max(DRAWS // BLOCK // 4, 4), max(DRAWS // 40, 100)

    def inside(row: int) -> None:
        samplers.fill_ns(out, table, row, *ADDRESS, 0, 1)

    def in_blocks(row: int) -> None:
        for number in range(blocks):
            samplers.fill_ns(block, table, row, *ADDRESS, number * BLOCK, 1)
            block.tolist()

    def one_by_one(row: int) -> None:
        for event in range(calls):
            samplers.sample_ns(table, row, *ADDRESS, event, 1)

    ways = {
        "inside": (inside, DRAWS),
        "in_blocks": (in_blocks, blocks * BLOCK),
        "one_by_one": (one_by_one, calls),
    }
    rows = []
    for row, name in enumerate(DISTRIBUTIONS):
        inside(row)
        assert out[3] == samplers.sample_ns(table, row, *ADDRESS, 3, 1)
        times = {
            f"{way}_ns": nanoseconds_each(partial(draw, row), count, repeats)
            for way, (draw, count) in ways.items()
        }
        rows.append({"distribution": name, **times})
    return {"rows": rows, "kernels": "compiled" if COMPILED else "interpreted"}
