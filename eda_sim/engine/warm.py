"""Compile the kernels once, so that the first run does not wait: ``python -m eda_sim.engine.warm``.

Numba compiles a function for the types that it is called with and keeps the result on disk. So the
calls here are the calls of real runs: the first messages of every bundled scenario, and the
samplers that only analysis and benchmarks use.
"""

from __future__ import annotations

import time
from types import SimpleNamespace

import numpy as np

from eda_sim.engine.execute import execute
from eda_sim.engine.streams.samplers import fill, lower, sample
from eda_sim.spec import load, scenarios

__all__ = ["main", "warm"]

_MESSAGES = 50


def warm() -> float:
    """Call every compiled function once.

    Returns
    -------
    float
        Seconds that it took: up to a minute the first time, about one from then on.

    Examples
    --------
    >>> warm() > 0.0
    True
    """
    started = time.perf_counter()
    for name in scenarios():
        execute(load(name).replace({"messages": _MESSAGES}))
    table = lower([SimpleNamespace(type="constant", value=0.02)])
    sample(table, 0, 0, 0, 1, 0, 0, 0)
    fill(np.empty(1, dtype=np.float64), table, 0, 0, 0, 1, 0, 0, 0)
    return time.perf_counter() - started


def main() -> None:
    """Compile and say how long it took."""
    print(f"Kernels ready after {warm():.1f} s")  # noqa: T201 - the output of a command


if __name__ == "__main__":
    main()
