"""Leaving out of a scenario what its brokers' presets bring by themselves.

Writing a scenario is the way back from :mod:`eda_sim.spec.presets.merging`: what a preset would
bring is left out, and what only equals the default of the model is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from eda_sim.spec.presets.base import ANYTHING, Default, Steps, steps
from eda_sim.spec.presets.catalogue import brokers
from eda_sim.spec.presets.fields import KINDS, adapter, owner
from eda_sim.spec.presets.merging import defaults_for

if TYPE_CHECKING:
    from eda_sim.spec.scenario import Scenario

ABSENT = object()


@dataclass(frozen=True)
class Setting:
    """One field of a scenario that presets can set.

    Attributes
    ----------
    path : tuple of str
        From the top of the scenario.
    is_default : bool
        Whether it would have its value if nobody had written it.
    by_preset : bool
        Whether a preset decides that.
    """

    path: Steps
    is_default: bool
    by_preset: bool


@cache
def settable(kind: str) -> tuple[Steps, ...]:
    """Return the fields that any preset can set.

    Parameters
    ----------
    kind : str
        "channels", "producers" or "consumers".

    Returns
    -------
    tuple of tuple of str
        Paths from such a part down.
    """
    found = {
        item.steps: None
        for broker in brokers().values()
        for item in broker.defaults
        if KINDS[kind] in item.parts
    }
    return tuple(found)


def settings(scenario: Scenario) -> Iterator[Setting]:
    """Look at every field of a scenario that presets can set.

    Parameters
    ----------
    scenario : Scenario
        A valid scenario.

    Yields
    ------
    Setting
        A field that lies in a part which is null is not there; that part itself is.
    """
    names = {
        name: channel.broker
        for name, channel in scenario.channels.items()
        if channel.broker is not None
    }
    for kind, part in KINDS.items():
        for name, value in getattr(scenario, kind).items():
            fields = {"to": getattr(value, "to", None)}
            if part == "consumer":
                fields = {
                    name_: getattr(value, name_) for name_ in ("reads", "emits", "retry_channel")
                }
            brought: dict[Steps, Default] = {}
            for item in defaults_for(part, name, fields, names):
                if all(_holds(value, kind, steps(f), wanted) for f, wanted in item.when.items()):
                    brought.setdefault(item.steps, item)
            yield from _settings_of(value, kind, name, brought)


def _holds(value: Any, kind: str, path: Steps, wanted: Any) -> bool:
    if isinstance(wanted, tuple):
        return any(_holds(value, kind, path, each) for each in wanted)
    found = _stored(value, kind, path)
    if wanted == ANYTHING or found in (None, ABSENT) or wanted is None:
        return (found not in (None, ABSENT)) == (wanted is not None)
    return bool(found == adapter(kind, path).validate_python(wanted))


def _stored(value: Any, kind: str, path: Steps) -> Any:
    """Return what a part holds in a field, ABSENT if it lies in something that is null."""
    for number in range(1, len(path) + 1):
        if value is None:
            return ABSENT
        value = getattr(value, owner(kind, path[:number])[1])
    return value


def _settings_of(
    value: Any, kind: str, name: str, brought: Mapping[Steps, Default]
) -> Iterator[Setting]:
    nulls: set[Steps] = set()
    for path in settable(kind):
        item = brought.get(path)
        found = _stored(value, kind, path)
        if found is ABSENT:
            parent = next(
                path[:n] for n in range(1, len(path)) if not _stored(value, kind, path[:n])
            )
            if parent in nulls:
                continue
            nulls.add(parent)
            decided = any(other[: len(parent)] == parent for other in brought)
            yield Setting((kind, name, *parent), is_default=not decided, by_preset=decided)
        elif item is not None:
            same = found == adapter(kind, path).validate_python(item.value)
            yield Setting((kind, name, *path), is_default=same, by_preset=True)
        else:
            model, own = owner(kind, path)
            same = found == model.model_fields[own].get_default(call_default_factory=True)
            yield Setting((kind, name, *path), is_default=same, by_preset=False)


def written(scenario: Scenario) -> dict[str, Any]:
    """Return a scenario as it would be written to a file, without what needs no writing.

    Parameters
    ----------
    scenario : Scenario
        A valid scenario.

    Returns
    -------
    dict
        Plain data; the values are spelled as in a file.
    """
    data: dict[str, Any] = scenario.model_dump(mode="json", exclude_defaults=True)
    if not any(channel.broker for channel in scenario.channels.values()):
        return data
    everything = scenario.model_dump(mode="json")
    for setting in settings(scenario):
        if setting.by_preset and setting.is_default:
            remove(data, setting.path)
        elif setting.by_preset:
            _copy(everything, data, setting.path)
    return _in_order(data, everything)


def remove(data: dict[str, Any], path: Steps, *, prune: bool = True) -> None:
    """Remove a field from plain data, and parts of it that are empty then.

    Parameters
    ----------
    data : dict
        Changed in place; nothing happens if there is no such field.
    path : tuple of str
        From the top.
    prune : bool
        Whether parts that are empty then are removed too.
    """
    first, *rest = path
    inside = data.get(first)
    if not rest:
        data.pop(first, None)
    elif isinstance(inside, dict):
        had = bool(inside)
        remove(inside, tuple(rest), prune=prune)
        if prune and had and not inside:
            del data[first]


def _copy(source: Mapping[str, Any], target: dict[str, Any], path: Steps) -> None:
    for part in path[:-1]:
        source, target = source[part], target.setdefault(part, {})
    target[path[-1]] = source[path[-1]]


def _in_order(data: dict[str, Any], model: Mapping[str, Any]) -> dict[str, Any]:
    """Put the fields of plain data into the order of another one that has all of them."""
    ordered = {name: data[name] for name in model if name in data}
    for name, value in ordered.items():
        if isinstance(value, dict) and isinstance(model[name], Mapping):
            ordered[name] = _in_order(value, model[name])
    return ordered
