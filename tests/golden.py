"""Golden digests: what every bundled scenario must give, bit for bit.

A digest covers every cell of every table of a run. It changes when a scenario is changed, or what a
run means: a rule, an address of a draw, a column. Then ``make golden`` writes ``tests/golden.json``
anew, and the change log says why. A digest that changes by itself is an error.
"""

from __future__ import annotations

import json
from pathlib import Path

import eda_sim as es

FILE = Path(__file__).with_name("golden.json")


def expected() -> dict[str, str]:
    """Return the digests that were written down."""
    digests: dict[str, str] = json.loads(FILE.read_text(encoding="utf-8"))
    return digests


def digest(name: str) -> str:
    """Run a bundled scenario and return the digest of what happened."""
    return es.run(es.load(name)).digest()


def write() -> None:
    """Run every bundled scenario and write the digests down; say which are new."""
    before = expected() if FILE.exists() else {}
    after = {name: digest(name) for name in es.scenarios()}
    FILE.write_text(json.dumps(after, indent=2) + "\n", encoding="utf-8")
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            print(f"{name}: {before.get(name, 'new')[:12]} -> {after.get(name, 'gone')[:12]}")  # noqa: T201


if __name__ == "__main__":
    write()
