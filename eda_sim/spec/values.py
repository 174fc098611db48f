"""Numbers from a text file beside the scenario: measured durations, arrival times."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from eda_sim.spec.errors import Problem, ScenarioError, nearest, shown
from eda_sim.spec.measures import Measure

LARGEST_FILE = 1 << 20
"""Bytes (1 MiB)."""


def read_values(
    data: dict[str, Any], target: tuple[str, int], measure: Measure, context: object
) -> dict[str, Any]:
    """Replace ``file`` and ``column`` in an object by the numbers that the file holds.

    Parameters
    ----------
    data : dict
        The object form of a distribution or of arrivals.
    target : tuple of str and int
        Parameter that takes the numbers, and how many it may take.
    measure : Measure
        What the numbers are.
    context : object
        ``{"folder": path}`` for a scenario from a file: then the file must lie in that folder or
        below, because a scenario may come from anyone. Otherwise the working directory counts.

    Returns
    -------
    dict
        The object without ``file`` and ``column``.

    Raises
    ------
    ScenarioError
        If the file cannot be read or holds something else.
    """
    name, most = target
    if data.get("file") is None:
        if data.get("column") is not None:
            raise ScenarioError(Problem(path=("column",), message="makes sense only with file"))
        return data
    if data.get(name) is not None:
        message = f"is one too many beside {name}: give either"
        raise ScenarioError(Problem(path=("file",), message=message))
    try:
        folder = context.get("folder") if isinstance(context, Mapping) else None
        text = _read(data["file"], folder)
        numbers = _numbers(text, data.get("column"), measure, most)
    except (ValueError, csv.Error) as error:
        raise ScenarioError(Problem(path=("file",), message=str(error))) from None
    rest = {key: value for key, value in data.items() if key not in ("file", "column")}
    return {**rest, name: numbers}


def _read(name: object, folder: Path | None) -> str:
    if not isinstance(name, str) or not name or "\0" in name:
        message = f"{shown(name)} is not valid: must be the name of a file"
        raise ValueError(message)
    base = Path.cwd() if folder is None else folder
    try:
        path = (base / name).resolve()
        if folder is not None and not path.is_relative_to(base.resolve()):
            message = f"{shown(name)} is not valid: must lie in the scenario's folder"
            raise ValueError(message)
        if not path.is_file():
            message = f"no file {shown(name)} in the scenario's folder"
            raise ValueError(message)
        with path.open("rb") as stream:
            content = stream.read(LARGEST_FILE + 1)
    except (OSError, RuntimeError) as error:  # RuntimeError: a loop of symbolic links
        reason = getattr(error, "strerror", None) or "cannot be resolved"
        message = f"cannot read {shown(name)}: {reason}"
        raise ValueError(message) from None
    if len(content) > LARGEST_FILE:
        message = f"{shown(name)} is larger than {LARGEST_FILE} bytes (1 MiB)"
        raise ValueError(message)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        message = f"{shown(name)} is not UTF-8 text"
        raise ValueError(message) from None


def _numbers(text: str, column: object, measure: Measure, most: int) -> list[float]:
    rows = ((row, number) for number, row in enumerate(csv.reader(io.StringIO(text)), 1) if row)
    index = 0
    values: list[float] = []
    for position, (row, line) in enumerate(rows):
        if position == 0 and column is not None:
            names = [name.strip() for name in row]
            if column not in names:
                message = f"no column {shown(column)}{nearest(str(column), names)}"
                raise ValueError(message)
            index = names.index(str(column))
            continue
        if index >= len(row):
            message = f"row {line} has no column {index + 1}"
            raise ValueError(message)
        if len(values) >= most:
            message = f"more than {most} numbers"
            raise ValueError(message)
        try:
            values.append(measure.convert(row[index].strip()))
        except ValueError as error:
            message = f"row {line}: {error}"
            raise ValueError(message) from None
    if not values:
        message = "there is no number in it"
        raise ValueError(message)
    return values
