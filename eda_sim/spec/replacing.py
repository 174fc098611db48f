"""Variants of a scenario by dotted path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from eda_sim.spec.errors import Path, Problem, ScenarioError, nearest, shown
from eda_sim.spec.presets.leaving import remove, settings
from eda_sim.spec.problems import bare, fields_of, is_model, members_of, step
from eda_sim.spec.spelling import Family

if TYPE_CHECKING:
    from eda_sim.spec.scenario import Scenario


def replaced(scenario: Scenario, changes: Mapping[str, Any]) -> Scenario:
    """Return a scenario with some values replaced; see :meth:`Scenario.replace`.

    Parameters
    ----------
    scenario : Scenario
        The scenario to start from.
    changes : mapping
        Dotted path -> new value.

    Returns
    -------
    Scenario
        The variant, validated.

    Raises
    ------
    ScenarioError
        If a path or a value is not valid.
    """
    data = _written_out(scenario)
    problems: list[Problem] = []
    for path, value in changes.items():
        try:
            _set(data, type(scenario), path, value)
        except ScenarioError as error:
            problems.extend(error.problems)
    if problems:
        raise ScenarioError(problems)
    _leave_to_presets(data, scenario, [tuple(str(path).split(".")) for path in changes])
    return type(scenario).model_validate(data)


def _leave_to_presets(
    data: dict[str, Any], scenario: Scenario, changes: Sequence[tuple[str, ...]]
) -> None:
    """Remove what nobody wrote, so that another broker brings its own defaults."""
    # What a preset brought goes last: with it goes the part that nothing else is left in.
    for setting in sorted(settings(scenario), key=lambda setting: setting.by_preset):
        path = setting.path
        overlaps = (change[: len(path)] == path[: len(change)] for change in changes)
        if setting.is_default and not any(overlaps):
            remove(data, path, prune=setting.by_preset)


def _written_out(value: Any) -> Any:
    """Turn a scenario into dicts and lists of every field, in canonical units (exact)."""
    if isinstance(value, Family):
        parameters = {name: _written_out(item) for name, item in value.parameters().items()}
        return {"type": value.type, **parameters}
    if isinstance(value, BaseModel):
        return {
            field.alias or name: _written_out(getattr(value, name))
            for name, field in type(value).model_fields.items()
        }
    if isinstance(value, Mapping):
        return {name: _written_out(item) for name, item in value.items()}
    if isinstance(value, tuple):
        return [_written_out(item) for item in value]
    return value


def _set(data: dict[str, Any], model: type[BaseModel], path: object, value: Any) -> None:
    if not isinstance(path, str) or not path:
        message = f"{shown(path)} is not a path such as consumers.billing.instances"
        raise ScenarioError(message)
    *parents, last = path.split(".")
    here: Any = data
    annotation: Any = model
    walked: Path = ()
    for part in parents:
        key, annotation = _step(here, annotation, walked, part, adds=False)
        walked = (*walked, key)
        if isinstance(here, dict) and here.get(part) is None and is_model(bare(annotation)):
            here[part] = {}  # a part that was not there yet, such as dedup
        here = here[key]
        if not isinstance(here, dict | list):
            raise ScenarioError(Problem(path=walked, message="has no fields to replace"))
    adds = value is None or isinstance(value, Mapping | BaseModel)
    key, _ = _step(here, annotation, walked, last, adds=adds)
    here[key] = value


def _step(
    here: dict[str, Any] | list[Any], annotation: Any, walked: Path, part: str, *, adds: bool
) -> tuple[str | int, Any]:
    """Return the key in the data and the annotation behind it, or raise with the nearest name."""
    annotation = bare(annotation)
    if isinstance(here, list):
        if not (part.isascii() and part.isdigit() and len(part) < 10 and int(part) < len(here)):
            many = f"it has entries 0 to {len(here) - 1}" if here else "it is empty"
            raise ScenarioError(Problem(path=walked, message=f"no entry {shown(part)}; {many}"))
        return int(part), step(annotation, int(part))
    members = members_of(annotation)
    model = annotation
    if members:
        tag = here["type"] if "type" in here else next((key for key in members if key in here), "")
        model = members.get(tag)
    fields = fields_of(model)
    if fields:
        if part not in fields:
            message = f"unknown field {shown(part)}{nearest(part, fields)}"
            raise ScenarioError(Problem(path=walked, key=part, message=message))
        return part, fields[part]
    if part not in here and not adds:
        hint = nearest(part, here)
        message = f"there is no {shown(part)}{hint}"
        raise ScenarioError(Problem(path=walked, key=part, message=message))
    return part, step(annotation, part)
