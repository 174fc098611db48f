"""Points: the scenarios of a sweep, and what each of them changes."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from eda_sim.spec import Scenario, ScenarioError
from eda_sim.spec.errors import shown

Changes = Mapping[str, Any]


@dataclass(frozen=True)
class Point:
    """One scenario of a sweep.

    Attributes
    ----------
    parameters : dict
        Dotted path -> value, as the sweep was given them.
    scenario : Scenario or None
        The scenario with these values; None if they make none.
    error : str
        Why they make none; empty if they do.
    """

    parameters: dict[str, Any]
    scenario: Scenario | None = field(repr=False)
    error: str = ""

    def __str__(self) -> str:
        return spelled(self.parameters)


def spelled(parameters: Changes) -> str:
    """Write changes on one line, as the command line takes them.

    Examples
    --------
    >>> spelled({"consumers.billing.instances": 4, "duration": "1min"})
    'consumers.billing.instances=4, duration=1min'
    """
    return ", ".join(f"{path}={value}" for path, value in parameters.items()) or "no changes"


def points_of(scenario: Scenario, what: object) -> list[Point]:
    """Return the points that a grid, a list of changes or a design means.

    Parameters
    ----------
    scenario : Scenario
        The scenario to start from.
    what : mapping or iterable of mappings
        Path -> values (every combination of them, the last path turning fastest), or the changes of
        each point.

    Returns
    -------
    list of Point

    Raises
    ------
    ValueError
        If it is neither of these, or has no point.
    """
    changes = _grid(what) if isinstance(what, Mapping) else _listed(what)
    if not changes:
        message = "points: there is none; give at least one value to each path"
        raise ValueError(message)
    return [_point(scenario, each) for each in changes]


def _grid(grid: Mapping[str, Iterable[Any]]) -> list[dict[str, Any]]:
    values = {}
    for path, given in grid.items():
        if isinstance(given, str | Mapping) or not isinstance(given, Iterable):
            message = f"{path}: {shown(given)} is not valid: must be a list of values"
            raise ValueError(message)
        values[path] = [_plain(value) for value in given]
    return [dict(zip(values, row, strict=True)) for row in itertools.product(*values.values())]


def _listed(changes: object) -> list[dict[str, Any]]:
    rows = []
    if isinstance(changes, str) or not isinstance(changes, Iterable):
        message = f"points: {shown(changes)} is not valid: must be a grid or a list of changes"
        raise ValueError(message)
    for number, each in enumerate(changes):
        if not isinstance(each, Mapping):
            message = (
                f"points: entry {number}: {shown(each)} is not valid: must map paths to values"
            )
            raise ValueError(message)
        rows.append({path: _plain(value) for path, value in each.items()})
    return rows


def _plain(value: Any) -> Any:
    """Make a number of NumPy's one of Python's."""
    return value.item() if hasattr(value, "item") and not hasattr(value, "__len__") else value


def _point(scenario: Scenario, parameters: dict[str, Any]) -> Point:
    try:
        variant = scenario.replace(parameters) if parameters else scenario
    except ScenarioError as error:
        return Point(parameters, None, str(error))
    return Point(parameters, variant)


def paths_of(points: Sequence[Point]) -> list[str]:
    """Return every path that some point changes, in the order in which they come up."""
    return list(dict.fromkeys(path for point in points for path in point.parameters))
