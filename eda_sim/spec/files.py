"""Scenarios in files: reading with the line of every mistake, and writing back exactly."""

from __future__ import annotations

import importlib.resources
import os
import tempfile
from dataclasses import replace
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from eda_sim.spec.errors import Problem, ScenarioError, nearest, shown
from eda_sim.spec.presets.leaving import written
from eda_sim.spec.scenario import Scenario
from eda_sim.spec.writing import to_yaml
from eda_sim.spec.yaml import LARGEST_TEXT, Document, read_document

SUFFIXES = (".yaml", ".yml")


def load(source: str | os.PathLike[str]) -> Scenario:
    """Read a scenario.

    Parameters
    ----------
    source : str or path
        The name of a bundled scenario, the path of a YAML file, or the text of one (a str with a
        line break, such as :func:`dump` returns).

    Returns
    -------
    Scenario
        The scenario, validated.

    Raises
    ------
    ScenarioError
        If there is no such scenario, or something is wrong with it: one line with file, line, path,
        value and what would be right.

    Examples
    --------
    >>> load("checkout").channels["orders"].partitions
    12
    """
    if isinstance(source, str):
        if "\n" in source:
            return _read(source, None, Path())
        if source in scenarios():
            return _read(bundled_text(source), f"{source}.yaml", Path())
        is_path = source.endswith(SUFFIXES) or "/" in source or os.sep in source
        if not is_path and not Path(source).is_file():
            hint = nearest(source, scenarios())
            message = f"no bundled scenario and no file {shown(source)}{hint}"
            raise ScenarioError(message)
    path = Path(source)
    return _read(_content(path, os.fspath(source)), os.fspath(source), path.parent)


def dump(scenario: Scenario, path: str | os.PathLike[str] | None = None) -> str:
    """Write a scenario as YAML; ``load(dump(scenario)) == scenario``.

    Parameters
    ----------
    scenario : Scenario
        What to write. Defaults, also those of its brokers, are left out; numbers read from a file
        are written out.
    path : str or path, optional
        File to write as well; it is replaced as a whole or not at all.

    Returns
    -------
    str
        The YAML.

    Raises
    ------
    ScenarioError
        If the text would be larger than a scenario file may be, or cannot be written.

    Examples
    --------
    >>> print(dump(load("mm1")).splitlines()[0])
    name: mm1
    """
    text = to_yaml(written(scenario))
    if len(text.encode()) > LARGEST_TEXT:
        message = f"the scenario is larger than {LARGEST_TEXT} bytes (1 MiB) as a file"
        raise ScenarioError(message)
    if path is not None:
        _write_whole(Path(path), text)
    return text


def scenarios() -> tuple[str, ...]:
    """Return the names of the bundled scenarios.

    Returns
    -------
    tuple of str
        Sorted names, each good for :func:`load`.

    Examples
    --------
    >>> "checkout" in scenarios()
    True
    """
    names = (entry.name for entry in _bundled().iterdir())
    return tuple(sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml")))


def bundled_text(name: str) -> str:
    """Return a bundled scenario as it was written, with its comments.

    Parameters
    ----------
    name : str
        One of :func:`scenarios`.

    Returns
    -------
    str
        YAML.

    Raises
    ------
    ScenarioError
        If there is no bundled scenario of this name.

    Examples
    --------
    >>> bundled_text("mm1").startswith("#")
    True
    """
    if name not in scenarios():
        message = f"no bundled scenario {shown(name)}{nearest(name, scenarios())}"
        raise ScenarioError(message)
    return (_bundled() / f"{name}.yaml").read_text(encoding="utf-8")


def _bundled() -> Traversable:
    # Not eda_sim/scenarios: Python could import that folder, over the function of this name.
    return importlib.resources.files("eda_sim") / "data" / "scenarios"


def parse_value(text: str) -> Any:
    """Read one value as it would stand in a scenario file.

    Parameters
    ----------
    text : str
        YAML, such as ``4``, ``20ms``, ``null``, ``{window: 10min}``.

    Returns
    -------
    object
        Good as a value for :meth:`Scenario.replace`.

    Raises
    ------
    ScenarioError
        If it is not YAML, or more than data.

    Examples
    --------
    >>> parse_value("4"), parse_value("200/s"), parse_value("{count: 10}")
    (4, '200/s', {'count': 10})
    """
    return read_document(text).data if text.strip() else None


def _read(text: str, file: str | None, folder: Path) -> Scenario:
    try:
        document = read_document(text)
    except ScenarioError as error:
        raise ScenarioError(replace(problem, file=file) for problem in error.problems) from None
    try:
        return Scenario.model_validate(document.data, context={"folder": folder})
    except ScenarioError as error:
        raise ScenarioError(
            _located(problem, document, file) for problem in error.problems
        ) from None


def _located(problem: Problem, document: Document, file: str | None) -> Problem:
    path = problem.path
    for length, part in enumerate(path):
        place = document.places.get(path[:length])
        if isinstance(part, int) and place is not None and not place.is_collection:
            path = path[:length]  # a name that stands for a list of one, as in "emits: orders"
            break
    if problem.key is None:
        line = document.line(path)
    else:
        line = document.line((*path, problem.key), of_key=True)
    return replace(problem, path=path, file=file, line=line)


def _content(path: Path, name: str) -> str:
    try:
        with path.open("rb") as stream:
            content = stream.read(LARGEST_TEXT + 1)
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        reason = getattr(error, "strerror", None) or "not a file name"
        raise ScenarioError(Problem(message=f"cannot be read: {reason}", file=name)) from None
    if len(content) > LARGEST_TEXT:
        message = f"larger than {LARGEST_TEXT} bytes (1 MiB)"
        raise ScenarioError(Problem(message=message, file=name))
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ScenarioError(Problem(message="not UTF-8 text", file=name, line=line)) from None


def _write_whole(path: Path, text: str) -> None:
    """Write a file under another name first, so that no half of it is ever seen."""
    temporary: str | None = None
    try:
        with tempfile.NamedTemporaryFile(
            "w",
            dir=path.parent,
            prefix=f".{path.name}.",
            delete=False,
            encoding="utf-8",
            newline="\n",
        ) as stream:
            temporary = stream.name
            stream.write(text)
        Path(temporary).replace(path)
        temporary = None
    except OSError as error:
        message = f"cannot be written: {error.strerror}"
        raise ScenarioError(Problem(message=message, file=os.fspath(path))) from None
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
