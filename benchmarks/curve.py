"""A load curve by ``es.sweep``: 30 loads, 10 replications each, on one core and on two."""

from __future__ import annotations

from typing import Any, NamedTuple

import pandas as pd

import eda_sim as es
from benchmarks.measuring import timed
from benchmarks.worlds import MM1

WORKERS = 2


class Size(NamedTuple):
    """How large the curve is."""

    loads: int
    replications: int
    messages: int
    repeats: int


FULL = Size(loads=30, replications=10, messages=20_000, repeats=2)
FAST = Size(loads=4, replications=2, messages=5_000, repeats=1)


def measure(size: Size) -> dict[str, Any]:
    """Return a row per executor; all must have come to the same table."""
    from joblib.externals.loky import get_reusable_executor

    # The kernel is loaded, so that `es.sweep` chooses threads.
    es.run(MM1.scenario(50), engine="compiled")
    processes = get_reusable_executor(max_workers=WORKERS, timeout=600)
    executors = {"one core": 1, "threads": WORKERS, "joblib": processes}
    rows, tables = [], []
    for name, executor in executors.items():
        sweep(Size(2, 2, 10_000, 1), executor)  # processes start, import, and load the kernel
        best = None
        for _ in range(size.repeats):
            table, seconds = timed(lambda executor=executor: sweep(size, executor))
            best = seconds.wall_s if best is None else min(best, seconds.wall_s)
        check(table, size)
        tables.append(table)
        rows.append(
            {"executor": name, "workers": 1 if name == "one core" else WORKERS, "wall_s": best}
        )
    for table in tables[1:]:
        pd.testing.assert_frame_equal(table, tables[0])
    processes.shutdown()
    for row in rows:
        row["speed_up"] = rows[0]["wall_s"] / row["wall_s"]
    return {"size": size._asdict(), "rows": rows}


def sweep(size: Size, executor: Any) -> pd.DataFrame:
    """Return the curve, with the number of messages of each point beside it."""
    loads = [0.05 + 0.9 * number / max(size.loads - 1, 1) for number in range(size.loads)]
    rates = [f"{load / MM1.mean_service:.6f}/s" for load in loads]
    return es.sweep(
        MM1.scenario(size.messages),
        {"producers.clients.rate": rates},
        replications=size.replications,
        metrics=("latency.mean", "latency.p99", "utilization", "guarantee.exactly_once"),
        executor=executor,
        progress=False,
    )


def check(table: pd.DataFrame, size: Size) -> None:
    """Make sure that every run handled every message, and that load makes latency grow."""
    served = table[table["metric"] == "guarantee.exactly_once"]
    assert len(served) == size.loads, f"{len(served)} of {size.loads} points"
    assert bool((table["n"] == size.replications).all()), "replications are missing"
    assert bool((served["mean"] == size.messages).all()), "messages are missing"
    means = table.loc[table["metric"] == "latency.mean", "mean"]
    assert means.iloc[-1] > 2 * means.iloc[0], "a load of 95 % costs no time"
