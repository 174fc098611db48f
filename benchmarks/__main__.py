"""Run the benchmarks: ``python -m benchmarks``; see ``--help``."""

from __future__ import annotations

import argparse
import datetime as dt
import importlib
import json
import os
from pathlib import Path
from typing import Any

from benchmarks.figures import figures
from benchmarks.kept import write_speed
from benchmarks.machine import machine, versions
from benchmarks.measuring import ROOT
from benchmarks.page import SECTIONS, as_text, write_page

RESULTS = ROOT / "benchmarks" / "results" / "benchmarks.json"
FAST_RESULTS = ROOT / "results" / "benchmarks-fast.json"


def main() -> None:
    """Measure, print, and keep the figures."""
    options = _options()
    path = FAST_RESULTS if options.fast else RESULTS
    kept = _kept(path) if options.only else {}
    print(", ".join(f"{name} {version}" for name, version in versions().items()), flush=True)
    sections = dict(kept)
    for name in options.only or SECTIONS:
        print(f"measuring {name} ...", flush=True)
        sections[name] = measure(name, is_fast=options.fast, with_cold=not options.warm)
        own = {name: sections[name]}
        for figure in figures(own)[1:]:
            print(f"\n{as_text(figure)}", flush=True)
    sections = {name: sections[name] for name in SECTIONS if name in sections}
    result = {"machine": machine(), "sections": sections}
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(as_text(figures(sections)[0]))
    print(f"Kept in {path.relative_to(ROOT)}")
    if not options.fast:
        write_page(result)
        if "contest" in sections:
            write_speed(result)


def measure(name: str, *, is_fast: bool, with_cold: bool = True) -> dict[str, Any]:
    """Measure one section."""
    module = importlib.import_module(f"benchmarks.{name}")
    size = module.FAST if is_fast else module.FULL
    if name == "start" and not with_cold:
        size = size._replace(cold=False)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    found = module.measure(size)
    now = dt.datetime.now(tz=dt.UTC).isoformat(timespec="seconds")
    return {
        "measured_at": now,
        "versions": versions(),
        "is_full": not is_fast,
        "load_before": load,
        **found,
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--fast", action="store_true", help="small sizes, in about a minute")
    parser.add_argument(
        "--only", nargs="+", choices=SECTIONS, help="measure these, and keep the others' figures"
    )
    parser.add_argument(
        "--warm", action="store_true", help="leave out the cold compilation, which takes a minute"
    )
    return parser.parse_args()


def _kept(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    result = json.loads(path.read_text(encoding="utf-8"))
    return dict(result["sections"]) if result["machine"] == machine() else {}


if __name__ == "__main__":
    main()
