"""Summaries on disk: one JSON file of whole numbers and names, readable by anything.

The folder is that of a saved run, with ``summary.json`` in place of the tables. Times are in
nanoseconds. Reading gives the summary back as it was, and its digest proves it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from eda_sim.analysis.storage import FORMAT, META, RunFolderError, read_meta
from eda_sim.engine.summary import Summary

FILE = "summary.json"


def write_summary(summary: Summary, folder: Path, **facts: Any) -> None:
    """Write a summary into an existing folder.

    Parameters
    ----------
    summary : Summary
        What to write.
    folder : Path
        Where ``summary.json`` and ``meta.json`` go.
    **facts
        What else ``meta.json`` shall say, as plain data.
    """
    text = json.dumps(summary.to_data(), separators=(",", ":")) + "\n"
    (folder / FILE).write_text(text, encoding="utf-8")
    meta = {"format": FORMAT, "record": "summary", **facts, "digest": summary.digest()}
    (folder / META).write_text(json.dumps(meta, indent=2) + "\n", encoding="utf-8")


def read_summary(folder: Path) -> tuple[Summary, dict[str, Any]]:
    """Read a summary back and make sure that it is the one that was written.

    Returns
    -------
    summary : Summary
    meta : dict
        What ``meta.json`` says.

    Raises
    ------
    RunFolderError
        If something is missing, of another version, or not what was written.
    """
    meta = read_meta(folder)
    if meta.get("record") != "summary":
        message = f"{folder}: holds the tables of a run, not its summary: read it with Run"
        raise RunFolderError(message)
    try:
        summary = Summary.from_data(json.loads((folder / FILE).read_text(encoding="utf-8")))
        is_same = summary.digest() == meta["digest"]
    except (AttributeError, IndexError, KeyError, TypeError, ValueError, OSError) as error:
        message = f"{folder}: not readable as a saved run: {error}"
        raise RunFolderError(message) from error
    if not is_same:
        message = f"{folder}: the summary is not the one that was saved: its digest differs"
        raise RunFolderError(message)
    return summary, meta
