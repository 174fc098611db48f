"""Compile the kernels once, so that the first run does not wait: ``python -m eda_sim.engine.warm``.

Numba compiles a function for the types that it is called with and keeps the result on disk. The
calls here have the types that the engines use; a test compares.
"""

from __future__ import annotations

import time
from types import SimpleNamespace

import numpy as np

from eda_sim.engine.streams.philox import uniform
from eda_sim.engine.streams.rates import use_up
from eda_sim.engine.streams.retries import RetryTable, draw_retry_delay_ns
from eda_sim.engine.streams.samplers import fill, fill_ns, lower, sample, sample_ns

__all__ = ["main", "warm"]


def warm() -> float:
    """Call every compiled function once.

    Returns
    -------
    float
        Seconds that it took: up to a minute the first time, less than one from then on.

    Examples
    --------
    >>> warm() >= 0.0
    True
    """
    started = time.perf_counter()
    table = lower([SimpleNamespace(type="constant", value=0.02)])
    uniform(0, 0, 1, 0, 0, 0)
    sample(table, 0, 0, 0, 1, 0, 0, 0)
    sample_ns(table, 0, 0, 0, 1, 0, 0, 0)
    fill(np.empty(1, dtype=np.float64), table, 0, 0, 0, 1, 0, 0, 0)
    fill_ns(np.empty(1, dtype=np.int64), table, 0, 0, 0, 1, 0, 0, 0)
    use_up(0.5, 1.0, -1)
    no_retry = np.zeros((1, 11), dtype=np.int64)
    retries = RetryTable(no_retry, np.zeros((1, 2)), np.zeros((1, 5), dtype=np.int64))
    draw_retry_delay_ns(retries, 0, 0, 0, 12, 0, 0, 1, 0, 0)
    return time.perf_counter() - started


def main() -> None:
    """Compile and say how long it took."""
    print(f"Kernels ready after {warm():.1f} s")  # noqa: T201 - the output of a command


if __name__ == "__main__":
    main()
