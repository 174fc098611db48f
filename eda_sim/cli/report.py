"""What ``eda-sim run`` says about a run: a table for people, JSON for scripts."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from eda_sim.cli.wording import count, duration, percent, rate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eda_sim.run_summary import RunSummary
    from eda_sim.simulation import Run

__all__ = ["as_json", "as_text"]

_QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
_COUNTS = (
    "messages",
    "exactly_once",
    "duplicated",
    "lost",
    "pending",
    "out_of_order",
    "redeliveries",
)
_COLUMNS = 3
"""Consumers side by side; more go below, so that a table fits into 80 characters."""

Consumer = dict[str, Any]


def consumers_of(run: Run | RunSummary) -> list[Consumer]:
    """Return the numbers of each consumer: its summary, and its latencies with their intervals."""
    rows: list[Consumer] = [
        {str(key): value for key, value in row.items()}
        for row in run.summary().to_dict(orient="records")
    ]
    quantiles = run.latency().quantile(list(_QUANTILES.values()))
    for row in rows:
        own = quantiles[quantiles["consumer"] == row["consumer"]]
        for (word, _), point in zip(_QUANTILES.items(), own.to_dict(orient="records"), strict=True):
            row[f"latency_{word}_low_s"] = point["low"]
            row[f"latency_{word}_high_s"] = point["high"]
    return rows


def as_json(run: Run | RunSummary) -> dict[str, Any]:
    """Return the numbers of a run as plain data; what does not exist is None.

    Parameters
    ----------
    run : Run or RunSummary
        The run.

    Returns
    -------
    dict
        ``scenario``, ``seed``, ``simulated_s``, ``messages``, ``digest``, and ``consumers`` with
        one entry per consumer.
    """
    return {
        "scenario": run.scenario.name,
        "seed": run.seed,
        "simulated_s": run.ended_at,
        "messages": run.message_count,
        "digest": run.digest(),
        "consumers": [
            {key: _plain(value) for key, value in row.items()} for row in consumers_of(run)
        ],
    }


def as_text(run: Run | RunSummary) -> Iterator[str]:
    """Return the lines of the summary of a run.

    Parameters
    ----------
    run : Run or RunSummary
        The run.

    Yields
    ------
    str
        One line.
    """
    scenario = run.scenario
    yield (
        f"{scenario.name}: {count(run.message_count)} messages in {duration(run.ended_at)}"
        f" of simulated time, seed {run.seed}"
    )
    if scenario.warmup:
        yield f"(messages of the first {duration(scenario.warmup)}, the warm-up, are left out)"
    consumers = consumers_of(run)
    for first in range(0, len(consumers), _COLUMNS):
        yield ""
        yield from _table(consumers[first : first + _COLUMNS])
    yield ""
    if any("lag_max" not in row for row in consumers):
        yield "(a summary: percentiles within 1 %, without confidence intervals)"
        return
    yield "(a to b): 95 % confidence interval; - : the run is too short for an answer"


def _table(consumers: list[Consumer]) -> Iterator[str]:
    rows = [("", *(str(row["consumer"]) for row in consumers))]
    rows += [(key.replace("_", " "), *(count(row[key]) for row in consumers)) for key in _COUNTS]
    rows += [
        (f"latency {word}", *(_with_interval(row, word) for row in consumers))
        for word in _QUANTILES
    ]
    rows += [
        ("throughput", *(rate(row["effects_per_s"]) for row in consumers)),
        ("utilization", *(percent(row["utilization"]) for row in consumers)),
    ]
    if "lag_max" in consumers[0]:
        rows.append(("largest lag", *(count(row["lag_max"]) for row in consumers)))
    else:  # a summary does not know it
        rows.append(("mean lag", *(f"{row['lag_mean']:,.3g}" for row in consumers)))
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for label, *cells in rows:
        padded = (f"{cell:>{width}}" for cell, width in zip(cells, widths[1:], strict=True))
        yield "  ".join((f"{label:<{widths[0]}}", *padded)).rstrip()


def _with_interval(row: Consumer, word: str) -> str:
    value, low, high = (row[f"latency_{word}{part}_s"] for part in ("", "_low", "_high"))
    if math.isnan(low) or math.isnan(high):
        return duration(value)
    return f"{duration(value)} ({duration(low)} to {duration(high)})"


def _plain(value: Any) -> Any:
    """Make a number of NumPy's one of Python's, and what is not a finite number None."""
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and not math.isfinite(value) else value
