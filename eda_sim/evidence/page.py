"""The evidence page: what the numbers of this package rest on, as Markdown.

It is made of tables only: those of :mod:`eda_sim.evidence.verdicts`,
:mod:`eda_sim.evidence.engines`, :mod:`eda_sim.evidence.coverage` and :mod:`eda_sim.evidence.speed`.
"""

from __future__ import annotations

import math
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import pandas as pd

from eda_sim.evidence.records import provenance
from eda_sim.evidence.speed import bars_table, contest_table, measured

PACKAGES = ("numpy", "scipy", "pandas", "simpy", "numba")
"""Whose versions the page names."""

_INTRODUCTION = """\
# Evidence

`eda-sim evidence` makes this page. Each number below is what this very version answers to a
question whose answer somebody else found: a book, a paper, a broker's own tests, or another method.
A record is **simulated** if a scenario, run by the compiled engine, gives the number within the
tolerance that its source states, or within a 99.9 % interval; **computed** if a function of
`theory` or `analysis` gives it to a millionth, or as closely as it is printed; **out of scope** if
neither, with the reason. Simulations never call the formula that they are compared with.
"""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What the page is made of.

    Attributes
    ----------
    computed, simulated : DataFrame
        By :func:`~eda_sim.evidence.verdicts.computed_table` and ``simulated_table``.
    engines : DataFrame
        By :func:`~eda_sim.evidence.engines.engines_table`.
    coverage : DataFrame
        By :func:`~eda_sim.evidence.coverage.coverage`.
    """

    computed: pd.DataFrame
    simulated: pd.DataFrame
    engines: pd.DataFrame
    coverage: pd.DataFrame

    def failures(self) -> list[str]:
        """Return one line for everything that does not agree."""
        records = pd.concat([self.computed, self.simulated])
        wrong = records[~records["agrees"].astype(bool) & records["answer"].notna()]
        found = [
            f"{row['id']}: {_number(row['answer'])} is not {_number(row['value'])} "
            f"({row['tolerance']})"
            for row in _rows(wrong)
        ]
        apart = self.engines[~self.engines["agrees"].astype(bool)]
        return found + [f"{row['scenario']}: {row['note']}" for row in _rows(apart)]


def page(evidence: Evidence) -> str:
    """Return the page.

    Parameters
    ----------
    evidence : Evidence
        What was found.

    Returns
    -------
    str
        Markdown; the same for the same tables and the same versions.
    """
    parts = [
        _INTRODUCTION,
        _versions(),
        _summary(evidence),
        _engines(evidence.engines),
        _coverage(evidence.coverage),
        speed_section(),
        _records(evidence),
    ]
    return "\n".join(parts)


def verdicts_on(text: str) -> dict[str, str]:
    """Return the verdict of each record that a page shows.

    Parameters
    ----------
    text : str
        A page.

    Returns
    -------
    dict
        Identifier of the record -> verdict and whether it agrees, as written there.

    Examples
    --------
    >>> verdicts_on("| `mm1.wait` | 4 | 4.01 | ±2 % | simulated | yes |")
    {'mm1.wait': 'simulated, yes'}
    """
    found = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `") and len(cells) == len(_HEAD):
            found[cells[0].strip("`")] = f"{cells[-2]}, {cells[-1]}"
    return found


_HEAD = ("record", "recorded", "answer", "tolerance", "verdict", "agrees")


def _versions() -> str:
    names = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return f"eda-sim {version('eda-sim')}, Python {platform.python_version()}, {names}.\n"


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def _answers(evidence: Evidence) -> pd.DataFrame:
    """Return one row per record: its simulation if it has one, else its computation."""
    simulated = {row["id"]: row for row in _rows(evidence.simulated)}
    return pd.DataFrame([simulated.get(row["id"], row) for row in _rows(evidence.computed)])


def _summary(evidence: Evidence) -> str:
    answers = _answers(evidence)
    rows = []
    for model, group in answers.groupby("model", sort=False):
        counts = group["verdict"].value_counts()
        agreeing = int(group["agrees"].sum())
        shown = [str(counts.get(word, 0)) for word in ("simulated", "computed", "out of scope")]
        rows.append([str(model), str(len(group)), *shown, f"{agreeing} of {len(group)}"])
    counts = answers["verdict"].value_counts()
    words = ", ".join(f"{counts[word]} {word}" for word in counts.index)
    head = ["model", "records", "simulated", "computed", "out of scope", "agree"]
    return (
        f"## Records\n\n{len(answers)} records: {words}; {int(answers['agrees'].sum())} agree. "
        f"{provenance()}\n\n{_table(head, rows)}"
    )


def _engines(table: pd.DataFrame) -> str:
    rows = [
        [
            row["scenario"],
            str(row["seed"]),
            f"{row['messages']:,}",
            f"{row['deliveries']:,}",
            f"{row['numbers']:,}",
            "yes" if row["agrees"] else row["note"],
        ]
        for row in _rows(table)
    ]
    head = ["scenario", "seed", "messages", "deliveries", "numbers compared", "the same"]
    return (
        "## Two engines, and laws\n\nEvery bundled scenario on the reference engine and on the "
        f"compiled one, compared to the last bit; {table['laws'].max()} laws checked for each row "
        "that they wrote. The tests do so for some thousand generated scenarios more.\n\n"
        f"{_table(head, rows)}"
    )


def _coverage(table: pd.DataFrame) -> str:
    columns = [str(name) for name in table.columns]
    rows = [[_cell(value) for value in row] for row in table.itertuples(index=False)]
    return (
        "## Coverage of intervals\n\nIntervals of 95 %, made again and again for models whose "
        f"truth is known, and the share that holds it.\n\n{_table(columns, rows)}"
    )


def speed_section() -> str:
    """Return the section about speed: every bar, met or missed, and every contender.

    Returns
    -------
    str
        Markdown.

    Examples
    --------
    >>> speed_section().splitlines()[0]
    '## Speed'
    """
    bars = bars_table()
    counts = bars["verdict"].value_counts()
    words = ", ".join(f"{counts.get(word, 0)} {word}" for word in ("met", "missed", "open"))
    asked = [
        [
            str(row["what"]),
            str(row["asked"]),
            str(row["reached"]),
            "**missed**" if row["verdict"] == "missed" else str(row["verdict"]),
        ]
        for row in _rows(bars)
    ]
    raced = [
        [
            str(row["world"]),
            str(row["contender"]),
            str(row["version"]),
            f"{row['messages']:,}",
            f"{row['messages_per_s']:,.0f}",
            f"{row['ours_is']:.3g}",
        ]
        for row in _rows(contest_table())
    ]
    head = ["world", "contender", "version", "messages", "messages per s", "compiled is x as fast"]
    return (
        f"## Speed\n\n{measured()} Of {len(bars)} bars: {words}. An open bar was not measured. "
        "More is in [benchmarks](benchmarks.md).\n\n"
        f"{_table(['what', 'asked', 'reached', 'verdict'], asked)}\n"
        "The same model on every simulator, in processor time without compiling. A last column "
        f"below 1 says that the contender is faster.\n\n{_table(head, raced)}"
    )


def _records(evidence: Evidence) -> str:
    rows = [
        [
            f"`{row['id']}`",
            _number(row["value"]),
            _number(row["answer"]) + _interval(row["low"], row["high"]),
            str(row["tolerance"]),
            str(row["verdict"]),
            "yes" if row["agrees"] else "**no**",
        ]
        for row in _rows(_answers(evidence))
    ]
    return f"## Every record\n\n{_table(_HEAD, rows)}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _cell(value: object) -> str:
    return _number(value) if isinstance(value, float) else str(value)


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.6g}"


def _interval(low: float, high: float) -> str:
    return "" if math.isnan(low) else f" ({_number(low)} to {_number(high)})"
