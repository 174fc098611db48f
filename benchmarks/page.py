"""The report: on the terminal, and as a page of the documentation."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, figures
from benchmarks.measuring import ROOT

SECTIONS = ("contest", "faulty", "slider", "curve", "growth", "start", "draws")
"""Modules that measure, in the order of the page."""
PAGE = ROOT / "docs" / "benchmarks.md"
NOTES = ROOT / "benchmarks" / "notes"
_INTRODUCTION = """\
# Benchmarks

`make bench` measures this and writes this page; `make bench FAST=1` tries it all at small sizes in
about a minute, and writes nothing here. Every model is checked to have done the work that it was
timed for. Times are processor time unless a line says otherwise, the fastest of several, with
contenders taking turns, so that ratios are of one run on one machine. The figures with all digits
are in `benchmarks/results/benchmarks.json`.
"""


def as_text(figure: Figure) -> str:
    """Return a figure for the terminal: its title, and its table in columns."""
    lines = [figure.head, *figure.rows]
    widths = [max(len(line[place]) for line in lines) for place in range(len(figure.head))]
    shown = [
        "  ".join(
            cell.rjust(width) if place and _is_number_column(figure, place) else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
    return "\n".join([figure.title, "-" * len(figure.title), *shown, ""])


def as_markdown(figure: Figure) -> str:
    """Return a figure for the page: title, table, paragraph, and the note of its section."""
    rules = [
        "---:" if place and _is_number_column(figure, place) else "---"
        for place in range(len(figure.head))
    ]
    table = "\n".join(f"| {' | '.join(line)} |" for line in (figure.head, rules, *figure.rows))
    return f"## {figure.title}\n\n{figure.text}\n\n{table}\n"


def write_page(result: Mapping[str, Any], path: Path = PAGE) -> None:
    """Write the page from the results.

    A note that was written by hand, where time goes, say, stands in ``benchmarks/notes`` under the
    name of its section, and comes after the section's last figure.
    """
    shown = figures(result["sections"])
    parts = [_INTRODUCTION, _machine(result)]
    missing = [name for name in SECTIONS if name not in result["sections"]]
    if missing:
        parts.append(f"Not measured yet: {', '.join(missing)}.\n")
    for number, figure in enumerate(shown):
        parts.append(as_markdown(figure))
        is_last = number + 1 == len(shown) or shown[number + 1].section != figure.section
        note = NOTES / f"{figure.section}.md"
        if is_last and note.exists():
            parts.append(note.read_text(encoding="utf-8").strip() + "\n")
    path.write_text("\n".join(parts), encoding="utf-8")


def _machine(result: Mapping[str, Any]) -> str:
    machine = result["machine"]
    sections = result["sections"].values()
    days = sorted({section["measured_at"][:10] for section in sections})
    when = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    every: dict[str, dict[str, None]] = {}
    for section in sections:
        for name, version in section["versions"].items():
            every.setdefault(name, {})[version] = None
    versions = ", ".join(f"{name} {' and '.join(own)}" for name, own in every.items())
    return (
        f"Measured {when} on {machine['processor']}, {machine['cores']} cores, "
        f"{machine['memory_gib']} GiB, {machine['system']}; {versions}.\n"
    )


def _is_number_column(figure: Figure, place: int) -> bool:
    cells = [row[place] for row in figure.rows if row[place] not in ("-", "left out")]
    return (
        bool(cells)
        and all(cell.replace(",", "")[:1].isdigit() for cell in cells)
        and (figure.section != "bars")
    )
