"""What a slider waits for: from the edit of a scenario to its latency table."""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import eda_sim as es
from benchmarks.explorer import measure_explorer
from benchmarks.measuring import Seconds, timed


class Size(NamedTuple):
    """How much is simulated, and how often."""

    messages: int
    repeats: int


FULL = Size(messages=100_000, repeats=15)
FAST = Size(messages=20_000, repeats=5)


def measure(size: Size) -> dict[str, Any]:
    """Return the fastest and the median of each step of moving the slider, warm."""
    base = es.load("checkout").replace({"messages": size.messages})
    milliseconds = itertools.cycle((18, 19, 20, 21, 22))
    steps: dict[str, list[Seconds]] = {}
    for number in range(size.repeats + 1):
        service = f"lognormal(mean={next(milliseconds)}ms, p99=90ms)"
        taken = move(base, service, size.messages)
        if number:  # the first one loads the kernel
            for step, seconds in taken.items():
                steps.setdefault(step, []).append(seconds)
    rows = [
        {
            "step": step,
            "wall_ms": min(each.wall_s for each in taken) * 1e3,
            "median_wall_ms": sorted(each.wall_s for each in taken)[len(taken) // 2] * 1e3,
            "cpu_ms": min(each.cpu_s for each in taken) * 1e3,
        }
        for step, taken in steps.items()
    ]
    explorer = measure_explorer(size.messages, size.repeats)
    return {"size": size._asdict(), "rows": rows, "explorer": explorer}


def move(base: es.Scenario, service: str, messages: int) -> dict[str, Seconds]:
    """Move the slider once; return what each step took."""
    scenario, replacing = timed(lambda: base.replace({"consumers.billing.service": service}))
    run, running = timed(lambda: es.run(scenario, engine="compiled"))
    latency, tabulating = timed(run.latency)
    quantiles, estimating = timed(latency.quantile)
    assert run.trace.messages["created_at"].size == messages, "not all messages were created"
    assert len(latency) > 0.8 * messages, "too few messages took effect after the warm-up"
    assert bool(quantiles["value"].is_monotonic_increasing)
    whole = [sum(each) for each in zip(replacing, running, tabulating, strict=True)]
    return {
        "replace": replacing,
        "run": running,
        "latency": tabulating,
        "edit to latency table": Seconds(*whole),
        "quantiles with intervals": estimating,
    }
