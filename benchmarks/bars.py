"""The bars: what was asked for, what was reached, and whether that is enough."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

Sections = Mapping[str, Any]

FLAT = 1.2
"""Most that the time per message may grow where it has to be flat."""


class Bar(NamedTuple):
    """One line of the table.

    Attributes
    ----------
    what : str
        What is measured.
    asked : str
        The bar, in words.
    reached : str
        The figure; or why there is none.
    met : bool or None
        None where it was not measured, or not at its full size.
    """

    what: str
    asked: str
    reached: str
    met: bool | None

    @property
    def verdict(self) -> str:
        """The last column: met, missed, or open."""
        return {True: "met", False: "missed", None: "open"}[self.met]


def bars(sections: Sections) -> list[Bar]:
    """Return every bar whose section was measured; small sizes meet and miss nothing."""
    makers: dict[str, Callable[[Any], Iterator[Bar]]] = {
        "contest": _of_contest,
        "slider": _of_slider,
        "curve": _of_curve,
        "growth": _of_growth,
        "start": _of_start,
    }
    found = []
    for name, make in makers.items():
        if name in sections:
            own = list(make(sections[name]))
            is_full = sections[name]["is_full"]
            found += own if is_full else [bar._replace(met=None) for bar in own]
    return found


def _of_contest(found: Any) -> Iterator[Bar]:
    asked = {"SimPy": 40.0, "Ciw": 100.0, "cimba": 1.0}
    for row in found["rows"]:
        if row["contender"] != "compiled":
            continue
        factors = row["times_as_fast_as"]
        for other, least in asked.items():
            what = f"compiled engine beside {other}, {row['world']}"
            wanted = f"at least {least:g} times as fast" if least > 1 else "faster"
            if other in factors:
                reached = f"{factors[other]:.3g} times"
                yield Bar(what, wanted, reached, factors[other] >= least)
            else:
                yield Bar(what, wanted, found["missing"].get(other, "missing"), None)
        what, wanted = f"compiled engine beside C++, {row['world']}", "at most 2.5 times its time"
        if "C++" in factors:
            slower = 1.0 / factors["C++"]
            yield Bar(what, wanted, f"{slower:.3g} times", slower <= 2.5)
        else:
            yield Bar(what, wanted, found["missing"].get("C++", "missing"), None)


def _of_slider(found: Any) -> Iterator[Bar]:
    (row,) = (each for each in found["rows"] if each["step"] == "edit to latency table")
    messages = found["size"]["messages"]
    yield Bar(
        f"checkout with {messages:,} messages, edit to latency table, warm",
        "under 100 ms",
        f"{row['wall_ms']:.0f} ms (processor {row['cpu_ms']:.0f} ms)",
        row["wall_ms"] < 100.0,
    )


def _of_curve(found: Any) -> Iterator[Bar]:
    size = found["size"]
    runs = size["loads"] * size["replications"]
    best = min(found["rows"], key=lambda row: row["wall_s"])
    yield Bar(
        f"load curve, {runs} runs of {size['messages']:,} messages, two cores",
        "under 5 s",
        f"{best['wall_s']:.2f} s ({best['executor']})",
        best["wall_s"] < 5.0,
    )


def _of_growth(found: Any) -> Iterator[Bar]:
    summary = [row for row in found["messages"] if row["record"] == "summary"]
    yield from _of_summary(summary)
    rows = found["instances"]
    first = rows[0]["ns_per_message"]
    # A calendar of n entries costs log n; each power of ten may add the time of one once.
    shares = {
        row["instances"]: row["ns_per_message"] / first / (1 + math.log10(row["instances"]))
        for row in rows
    }
    last = rows[-1]
    yield Bar(
        f"time per message, 1 to {last['instances']:,} instances",
        "grows no faster than log: at most 1 + log10(n) times",
        f"{last['ns_per_message'] / first:.3g} times",
        max(shares.values()) <= 1.0,
    )


def _of_summary(rows: list[Any]) -> Iterator[Bar]:
    memory, flat = "peak memory, summary, 10^8 messages", "time per message, summary, 10^5 to 10^8"
    why = "es.run has no record=" if not rows else "10^8 messages were not run"
    by_messages = {row["messages"]: row for row in rows}
    last = by_messages.get(10**8)
    if last is None or "missing" in last:
        why = why if last is None else last["missing"]
        yield Bar(memory, "at most 400 MB", why, None)
        yield Bar(flat, "flat within 20 %", why, None)
        return
    megabytes = last["peak_mib"] * 2**20 / 1e6
    yield Bar(memory, "at most 400 MB", f"{megabytes:.0f} MB", megabytes <= 400.0)
    times = [row["ns_per_message"] for count, row in by_messages.items() if count >= 10**5]
    ratio = max(times) / min(times)
    yield Bar(flat, "flat within 20 %", f"within {100 * (ratio - 1):.0f} %", ratio <= FLAT)


def _of_start(found: Any) -> Iterator[Bar]:
    cold = found["cold_compile_s"]
    reached = "left out" if cold is None else f"{cold:.0f} s"
    yield Bar("cold compile", "under 60 s", reached, None if cold is None else cold < 60.0)
    for row in found["rows"]:
        what = f"first run in a new process, {row['engine']}, {row['messages']:,} messages"
        first_run_s = row["import_s"] + row["run_s"]
        reached = f"{first_run_s:.2f} s (process, from start to exit, {row['process_s']:.2f} s)"
        yield Bar(what, "under 1.5 s with imports", reached, first_run_s < 1.5)
