"""The store: a folder in which every finished run leaves a small file.

The name of a file is a hash of all that decides its content: the scenario (without its name and
description), the seed, the replication, the metrics, the record that they are measured from, and
the source of the simulator. So a store can be shared by sweeps, copied between machines, and kept
while the package changes: what does not fit any more is not found, and made anew. A file appears
whole or not at all; deleting any or all of them costs nothing but time.
"""

from __future__ import annotations

import functools
import hashlib
import json
import math
import os
from collections.abc import Sequence
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from eda_sim.analysis.metrics import Metric
from eda_sim.spec import Scenario

_ROOMS = ("analysis", "engine", "spec")
"""What decides the numbers of a run."""

_LEFT_OUT = {"name", "description"}


class Store:
    """The values of finished runs, in files.

    Parameters
    ----------
    folder : path
        Made if it is not there.

    Examples
    --------
    >>> import tempfile
    >>> store = Store(tempfile.mkdtemp())
    >>> store.put("0f", [0.1, math.nan], {"replication": 3})
    >>> store.get("0f")
    [0.1, nan]
    >>> store.get("1a") is None
    True
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._folder = Path(folder)
        self._folder.mkdir(parents=True, exist_ok=True)

    def get(self, key: str) -> list[float] | None:
        """Return the values of a run, None if they are not there."""
        try:
            content = json.loads(self._path(key).read_text(encoding="utf-8"))
            return [float(value) for value in content["values"]]
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError):
            return None  # a disk that was full, a machine that lost power: the run is made anew

    def put(self, key: str, values: Sequence[float], facts: dict[str, object]) -> None:
        """Keep the values of a run, with facts for people who look into the file."""
        # JSON has no word for what is not finite; float() reads the strings back.
        plain = [value if math.isfinite(value) else str(value) for value in values]
        text = json.dumps({**facts, "values": plain})
        path = self._path(key)
        staging = path.with_name(f".{key}.{os.getpid()}.tmp")
        staging.write_text(text, encoding="utf-8")
        staging.replace(path)

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.json"


def scenario_hash(scenario: Scenario) -> str:
    """Return a hash of all that a scenario says about its runs."""
    return hashlib.sha256(scenario.model_dump_json(exclude=_LEFT_OUT).encode()).hexdigest()


def run_key(
    scenario: str, seed: int, replication: int, metrics: Sequence[Metric], record: str = "full"
) -> str:
    """Return the name under which a run is kept.

    Parameters
    ----------
    scenario : str
        As :func:`scenario_hash` returns it.
    seed, replication : int
        Of the run.
    metrics : sequence of Metric
        What its values are.
    record : {"full", "summary"}
        What they were measured from.

    Returns
    -------
    str
        32 hexadecimal digits.
    """
    named = [str(metric) for metric in metrics]
    parts = [source_hash(), scenario, seed, replication, named, record]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


@functools.cache
def source_hash() -> str:
    """Return a hash of the source that decides what a run says; takes a few milliseconds, once.

    A version number would be forgotten in the very change that makes the numbers differ.
    """
    digest = hashlib.sha256()
    root = resources.files("eda_sim")
    for room in _ROOMS:
        for path, content in sorted(_sources(root / room, room)):
            digest.update(path.encode() + b"\0" + content + b"\0")
    return digest.hexdigest()


def _sources(folder: Traversable, name: str) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    for entry in folder.iterdir():
        if entry.is_dir() and entry.name != "__pycache__":
            found += _sources(entry, f"{name}/{entry.name}")
        elif entry.name.endswith(".py"):
            found.append((f"{name}/{entry.name}", entry.read_bytes()))
    return found
