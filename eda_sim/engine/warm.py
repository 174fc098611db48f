"""Compile the kernels once, so that the first run does not wait: ``python -m eda_sim.engine.warm``.

Numba keeps what it has compiled on disk. The compiled engine's units are compiled by two processes
side by side. The samplers are compiled for the types that they are called with, so the calls here
are those of real runs: the first messages of every bundled scenario on the reference engine.
"""

from __future__ import annotations

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from types import SimpleNamespace

import numpy as np

from eda_sim.engine.execute import execute
from eda_sim.engine.streams._jit import COMPILED
from eda_sim.engine.streams.samplers import fill, lower, sample
from eda_sim.spec import load, scenarios

__all__ = ["main", "warm"]

_MESSAGES = 50
_PROCESSES = 2


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
    if COMPILED:
        with ProcessPoolExecutor(_PROCESSES, multiprocessing.get_context("spawn")) as processes:
            list(processes.map(_compile_share, range(_PROCESSES)))
    for name in scenarios():
        execute(load(name).replace({"messages": _MESSAGES}), engine="reference")
    execute(load("mm1").replace({"messages": _MESSAGES}), engine="compiled")
    table = lower([SimpleNamespace(type="constant", value=0.02)])
    sample(table, 0, 0, 0, 1, 0, 0, 0)
    fill(np.empty(1, dtype=np.float64), table, 0, 0, 0, 1, 0, 0, 0)
    return time.perf_counter() - started


def _compile_share(part: int) -> int:
    from eda_sim.engine.compiled.simulation import compile_kernel

    return compile_kernel(part, _PROCESSES)


def main() -> None:
    """Compile and say how long it took."""
    print(f"Kernels ready after {warm():.1f} s")  # noqa: T201 - the output of a command


if __name__ == "__main__":
    main()
