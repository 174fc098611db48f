"""Figures of the report: from what was measured to tables of words, each with its paragraph."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from benchmarks.bars import bars

Row = tuple[str, ...]
TITLES = {"mm1": "M/M/1", "pipeline": "Pipeline"}
WORLDS = {
    "mm1": "A queue with one worker that is busy 80 % of the time; exponential intervals and "
    "service.",
    "pipeline": "One producer sends round robin to a channel with 4 partitions; a group of 4 "
    "consumers, one for each partition, each busy 75 % of the time. In the scenario the consumers "
    "hold partitions by leases with heartbeats and commits; the others have four queues.",
}


class Figure(NamedTuple):
    """A table under a title, and what it says."""

    section: str
    title: str
    text: str
    head: Row
    rows: list[Row]


def figures(sections: Mapping[str, Any]) -> list[Figure]:
    """Return the figures of all sections that were measured, the bars first."""
    makers: dict[str, Callable[[Any], Iterator[Figure]]] = {
        "contest": _contest,
        "faulty": _faulty,
        "slider": _slider,
        "curve": _curve,
        "growth": _growth,
        "start": _start,
        "draws": _draws,
    }
    found = [_bars(sections)]
    for name, make in makers.items():
        if name in sections:
            found += make(sections[name])
    return found


def _bars(sections: Mapping[str, Any]) -> Figure:
    text = (
        "What was asked for, and what this run reached. A bar is open where it was not measured, "
        "or not at its full size."
    )
    rows = [(bar.what, bar.asked, bar.reached, bar.verdict) for bar in bars(sections)]
    return Figure("bars", "Bars", text, ("what", "asked", "reached", "verdict"), rows)


def _contest(found: Any) -> Iterator[Figure]:
    others = ("SimPy", "Ciw", "cimba", "C++")
    head = ("contender", "messages", "ns/message", *(f"x {other}" for other in others), "mean (s)")
    for world, title in TITLES.items():
        rows: list[Row] = []
        own = [row for row in found["rows"] if row["world"] == world]
        if not own:
            continue
        for row in own:
            factors = row["times_as_fast_as"]
            rows.append(
                (
                    row["contender"],
                    f"{row['messages']:,}",
                    f"{row['ns_per_message']:,.0f}",
                    *(_number(factors.get(other)) for other in others),
                    f"{row['mean_sojourn_s']:.4f}",
                )
            )
        rows += [(name, *["-"] * 6, why) for name, why in found["missing"].items()]
        text = (
            f"{WORLDS[world]} By theory a message stays {own[0]['theory_s']:.4f} s on average; "
            "each contender was checked to have served every message and to be within five "
            "standard errors of that. Processor time from model to result: of the two engines to "
            "the full trace, of Ciw to its records, of the others to a list or a sum of "
            "sojourns. A column with x says how many times as fast a contender is as that one. "
            "Compiling (Numba, cimba, C++) is not included."
        )
        yield Figure("contest", title, text, head, rows)


def _faulty(found: Any) -> Iterator[Figure]:
    rows = [
        (
            row["scenario"],
            row["engine"],
            f"{row['messages']:,}",
            f"{row['deliveries']:,}",
            f"{row['ns_per_message']:,.0f}",
            _number(row.get("times_as_fast_as_reference")),
        )
        for row in found["rows"]
    ]
    text = (
        "Bundled scenarios in which instances crash, leases end, and work comes again. No other "
        "contender has these notions, so the two engines, which write the same trace, are beside "
        "each other."
    )
    head = ("scenario", "engine", "messages", "deliveries", "ns/message", "x reference")
    yield Figure("faulty", "With faults", text, head, rows)


def _slider(found: Any) -> Iterator[Figure]:
    rows = [
        (
            row["step"],
            f"{row['wall_ms']:.1f}",
            f"{row['median_wall_ms']:.1f}",
            f"{row['cpu_ms']:.1f}",
        )
        for row in found["rows"]
    ]
    text = (
        f"What a slider waits for: `checkout` with {found['size']['messages']:,} messages, another "
        "service time at each move, in a process that has run before. The fourth line is the "
        "first three together: `scenario.replace(...)`, `es.run(...)`, `run.latency()`. The last "
        "is what quantiles with their confidence intervals cost on top."
    )
    head = ("step", "fastest, wall (ms)", "median, wall (ms)", "fastest, processor (ms)")
    yield Figure("slider", "A slider", text, head, rows)
    if "explorer" in found:
        yield _explorer(found)


def _explorer(found: Any) -> Figure:
    parts = ("run_ms", "analysis_ms", "draw_ms", "whole_ms", "fastest_ms")
    rows = [
        (
            row["scenario"],
            row["picture"],
            *(f"{row[part]:.0f}" for part in parts),
            f"{row['over_run']:.2f}",
        )
        for row in found["explorer"]
    ]
    text = (
        f"`es.explore` with {found['size']['messages']:,} messages: from the move of a slider to "
        "the picture of both variants as PNG, medians. Analysis is what is said below the picture, "
        "with its intervals; the table of a picture counts as drawing. The browser comes on top."
    )
    head = (
        *("scenario", "picture", "run (ms)", "analysis (ms)", "draw (ms)"),
        *("whole (ms)", "fastest (ms)", "x run"),
    )
    return Figure("slider", "The explorer", text, head, rows)


def _curve(found: Any) -> Iterator[Figure]:
    size = found["size"]
    rows = [
        (row["executor"], f"{row['workers']}", f"{row['wall_s']:.2f}", f"{row['speed_up']:.2f}")
        for row in found["rows"]
    ]
    text = (
        f"M/M/1 at {size['loads']} loads from 5 % to 95 %, {size['replications']} replications of "
        f"{size['messages']:,} messages each, by `es.sweep` with means, percentiles and "
        "intervals. Seconds on the wall, workers started before. Threads share one loaded kernel; "
        "joblib's processes have one each. All three came to the same table, to the last bit."
    )
    yield Figure(
        "curve", "Load curve", text, ("executor", "workers", "wall (s)", "x one core"), rows
    )


def _growth(found: Any) -> Iterator[Figure]:
    rows = [_of_messages(row) for row in found["messages"]]
    summary = (
        'With `record="summary"` nothing is kept per message.'
        if found["has_summary"]
        else "There is no constant-memory record yet: `es.run` has no argument `record`."
    )
    text = (
        "The pipeline on the compiled engine, each run in a process of its own. The peak is the "
        "most resident memory of that process, with Python, the libraries and the loaded kernel, "
        f"which are the column before. {summary}"
    )
    head = ("record", "messages", "ns/message", "before (MiB)", "peak (MiB)", "bytes/message")
    yield Figure("growth", "Growth in messages, and memory", text, head, rows)
    for what, text in _WHAT_GROWS.items():
        rows = [
            (f"{row[what]:,}", f"{row['messages']:,}", f"{row['ns_per_message']:,.0f}")
            for row in found[what]
        ]
        head = (what, "messages handled", "ns/message")
        yield Figure("growth", f"Growth in {what}", text, head, rows)


def _of_messages(row: Any) -> Row:
    if "missing" in row:
        return (row["record"], f"{row['messages']:,}", row["missing"], "-", "-", "-")
    each = (row["peak_mib"] - row["peak_before_mib"]) * 2**20 / row["messages"]
    return (
        row["record"],
        f"{row['messages']:,}",
        f"{row['ns_per_message']:,.0f}",
        f"{row['peak_before_mib']:,.0f}",
        f"{row['peak_mib']:,.0f}",
        f"{each:,.0f}",
    )


def _start(found: Any) -> Iterator[Figure]:
    rows: list[Row] = [
        (
            f"first run, {row['engine']}, {row['messages']:,} messages",
            f"{row['process_s']:.2f}",
            f"{row['import_s']:.2f}",
            f"{row['run_s']:.2f}",
        )
        for row in found["rows"]
    ]
    cold = found["cold_compile_s"]
    rows.append(("cold compile", "left out" if cold is None else f"{cold:.1f}", "-", "-"))
    text = (
        "Seconds on the wall of a new process, from the start of Python to its end; in it, of the "
        "import and of the first run. The kernel is compiled once, "
        "by the set-up step; its time is that of an empty cache."
    )
    yield Figure("start", "Start", text, ("what", "whole (s)", "import (s)", "run (s)"), rows)


def _draws(found: Any) -> Iterator[Figure]:
    rows = [
        (row["distribution"], *(f"{row[f'{way}_ns']:,.1f}" for way in _WAYS))
        for row in found["rows"]
    ]
    text = (
        f"Nanoseconds of processor time per addressed random number, kernels {found['kernels']}: "
        "inside compiled code, in blocks that Python asks for, and one by one from Python."
    )
    yield Figure("draws", "Random numbers", text, ("distribution", *_WAYS.values()), rows)


_WHAT_GROWS = {
    "instances": "So many partitions and as many instances of one consumer, each as busy as in the "
    "pipeline, at a constant number of messages.",
    "services": "So many services in a chain, each of which sends on what it has handled; per "
    "message that one service handles, at a constant number of these.",
}

_WAYS = {"inside": "inside", "in_blocks": "in blocks", "one_by_one": "one by one"}


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"
