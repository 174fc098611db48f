"""How long a random number takes: compiled, in blocks from Python, and one by one from Python.

Run it with ``python benchmarks/streams.py``; with ``EDA_SIM_INTERPRETED=1`` it measures the
interpreted twin. Each line is checked to have drawn what it claims before it is timed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import numpy as np

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


def nanoseconds_each(action: Callable[[], None], count: int) -> float:
    """Return the best of five, per draw; the first call, which may compile, is not counted."""
    action()
    best = float("inf")
    for _ in range(5):
        started = time.perf_counter()
        action()
        best = min(best, time.perf_counter() - started)
    return best / count * 1e9


def main() -> None:
    """Print a table in nanoseconds per draw."""
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

    ways = ((inside, DRAWS), (in_blocks, blocks * BLOCK), (one_by_one, calls))
    print(f"{'compiled' if COMPILED else 'interpreted'}, ns per draw")
    print(f"{'':18s}{'inside':>10s}{f'block {BLOCK}':>12s}{'one by one':>12s}")
    for row, name in enumerate(DISTRIBUTIONS):
        inside(row)
        assert out[3] == samplers.sample_ns(table, row, *ADDRESS, 3, 1)
        times = [nanoseconds_each(partial(draw, row), count) for draw, count in ways]
        print(f"{name:18s}{times[0]:10.1f}{times[1]:12.1f}{times[2]:12.1f}")


if __name__ == "__main__":
    main()
