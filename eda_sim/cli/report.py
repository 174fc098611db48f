"""What ``eda-sim run`` says about a run: a table for people, JSON for scripts."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from eda_sim.cli.wording import count, duration, percent, rate, with_interval

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eda_sim.run_summary import RunSummary
    from eda_sim.simulation import Run

__all__ = ["as_json", "as_text"]

_COUNTS = (
    "messages",
    "exactly_once",
    "duplicated",
    "lost",
    "pending",
    "out_of_order",
    "redeliveries",
)
_ESTIMATES: tuple[tuple[str, str, Callable[[float], str]], ...] = (
    ("share lost", "lost_share", percent),
    ("share duplicated", "duplicated_share", percent),
    ("latency mean", "latency_mean_s", duration),
    ("latency p50", "latency_p50_s", duration),
    ("latency p95", "latency_p95_s", duration),
    ("latency p99", "latency_p99_s", duration),
    ("throughput", "effects_per_s", rate),
    ("utilization", "utilization", percent),
)
"""What is estimated: its label, its column in the summary, and how it is written."""
_COLUMNS = 3
"""Consumers side by side; more go below, so that a table fits into 80 characters."""

Consumer = dict[str, Any]


def consumers_of(run: Run | RunSummary) -> list[Consumer]:
    """Return the numbers of each consumer: the row of the summary."""
    return [
        {str(key): value for key, value in row.items()}
        for row in run.summary().to_dict(orient="records")
    ]


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
        yield "(a to b): 95 % confidence interval; a summary has it of the throughput alone"
        yield "(a summary: percentiles within 1 %)"
        return
    yield "(a to b): 95 % confidence interval; without it, or - : the run is too short to say"


def _table(consumers: list[Consumer]) -> Iterator[str]:
    rows = [("", *(str(row["consumer"]) for row in consumers))]
    rows += [(key.replace("_", " "), *(count(row[key]) for row in consumers)) for key in _COUNTS]
    rows += [
        (label, *(_with_interval(row, quantity, word) for row in consumers))
        for label, quantity, word in _ESTIMATES
    ]
    if "lag_max" in consumers[0]:
        rows.append(("largest lag", *(count(row["lag_max"]) for row in consumers)))
    else:  # a summary does not know it
        rows.append(("mean lag", *(f"{row['lag_mean']:,.3g}" for row in consumers)))
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for label, *cells in rows:
        padded = (f"{cell:>{width}}" for cell, width in zip(cells, widths[1:], strict=True))
        yield "  ".join((f"{label:<{widths[0]}}", *padded)).rstrip()


def _with_interval(row: Consumer, quantity: str, word: Callable[[float], str]) -> str:
    from eda_sim.analysis.run_estimates import ends_of

    low, high = (row[end] for end in ends_of(quantity))
    return with_interval(row[quantity], low, high, word)


def _plain(value: Any) -> Any:
    """Make a number of NumPy's one of Python's, and what is not a finite number None."""
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and not math.isfinite(value) else value
