"""What the page of evidence shows of the results, kept as data of the package."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.bars import bars
from benchmarks.measuring import ROOT

SPEED = ROOT / "eda_sim" / "evidence" / "speed.json"
_OURS = {"compiled", "reference"}


def speed(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return bars, contest, machine, versions and dates of a result."""
    sections = result["sections"]
    days = sorted({section["measured_at"][:10] for section in sections.values()})
    contest = sections["contest"]
    return {
        "measured_on": days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}",
        "python": contest["versions"]["python"],
        "machine": result["machine"],
        "bars": [
            {"what": bar.what, "asked": bar.asked, "reached": bar.reached, "verdict": bar.verdict}
            for bar in bars(sections)
        ],
        "contest": _contest(contest),
    }


def write_speed(result: Mapping[str, Any], path: Path = SPEED) -> None:
    """Write it where the package reads it."""
    text = json.dumps(speed(result), indent=2, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def _contest(contest: Mapping[str, Any]) -> list[dict[str, Any]]:
    versions = {name.casefold(): version for name, version in contest["versions"].items()}
    ours = {
        row["world"]: row["ns_per_message"]
        for row in contest["rows"]
        if row["contender"] == "compiled"
    }
    return [
        {
            "world": row["world"],
            "contender": row["contender"],
            "version": versions[
                "eda-sim" if row["contender"] in _OURS else row["contender"].casefold()
            ],
            "messages": row["messages"],
            "messages_per_s": 1e9 / row["ns_per_message"],
            "ours_is": row["ns_per_message"] / ours[row["world"]],
        }
        for row in contest["rows"]
    ]
