"""Putting the defaults of brokers into scenarios.

A preset is merged into the plain data of a scenario before it is validated, so that every rule
between fields sees what will be run. What the data says wins, also when it says ``null``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from eda_sim.spec.errors import Problem
from eda_sim.spec.presets.base import ANYTHING, Default, Part, Steps, steps
from eda_sim.spec.presets.catalogue import brokers
from eda_sim.spec.presets.fields import KINDS, adapter

if TYPE_CHECKING:
    from eda_sim.spec.scenario import Scenario


def with_presets(data: Any) -> Any:
    """Merge the presets of channels into the plain data of a scenario.

    Parameters
    ----------
    data : object
        What is to become a scenario; wrong data is left for validation to refuse.

    Returns
    -------
    object
        The same, or a copy with the defaults of brokers.

    Examples
    --------
    >>> data = {
    ...     "channels": {"orders": {"broker": "kafka"}},
    ...     "producers": {"shop": {"to": "orders"}},
    ... }
    >>> with_presets(data)["producers"]["shop"]["publishing"]["acks"]
    'all'
    """
    names = _brokers_of(data)
    if not names:
        return data
    merged = dict(data)
    for kind, part in KINDS.items():
        parts = merged.get(kind)
        if isinstance(parts, Mapping):
            merged[kind] = {
                name: _merged(value, kind, defaults_for(part, name, _fields(value), names))
                for name, value in parts.items()
            }
    return merged


def _brokers_of(data: Any) -> dict[Any, str]:
    """Return the broker of each channel that names one that exists."""
    channels = data.get("channels") if isinstance(data, Mapping) else None
    if not isinstance(channels, Mapping):
        return {}
    named = {name: _fields(value).get("broker") for name, value in channels.items()}
    return {
        name: broker
        for name, broker in named.items()
        if isinstance(broker, str) and broker in brokers()
    }


def _fields(value: Any) -> Mapping[str, Any]:
    """Return what a part says itself, whether it was read from a file or made in Python."""
    if isinstance(value, BaseModel):
        return {
            field.alias or name: getattr(value, name)
            for name, field in type(value).model_fields.items()
            if name in value.model_fields_set
        }
    return value if isinstance(value, Mapping) else {}


def defaults_for(
    part: Part, name: str, fields: Mapping[str, Any], names: Mapping[Any, str]
) -> Iterator[Default]:
    """Yield the defaults that may hold for one part; none if its channels have several brokers.

    Parameters
    ----------
    part : {"channel", "producer", "consumer"}
        What it is.
    name : str
        Its name.
    fields : mapping
        ``to``, ``reads``, ``emits`` and ``retry_channel``, in any spelling.
    names : mapping
        Channel -> broker.

    Yields
    ------
    Default
        Whether its condition holds is not decided here.
    """
    if part == "channel":
        roles: dict[str, list[Any]] = {"channel": [name]}
    elif part == "producer":
        roles = {"publishing": [fields.get("to")]}
    else:
        roles = {
            "subscription": _channels(fields.get("reads")),
            "publishing": _channels(fields.get("emits") or fields.get("retry_channel")),
        }
        roles["consumer"] = roles["subscription"]
    for section, channels in roles.items():
        found = {names.get(channel) for channel in channels if isinstance(channel, str)}
        if len(found) == 1 and (broker := found.pop()) is not None:
            for item in brokers()[broker].defaults:
                if item.field.startswith(f"{section}.") and part in item.parts:
                    yield item


def _channels(value: Any) -> list[Any]:
    """Return the channels that ``reads`` or ``emits`` names, in whatever way it is written."""
    if isinstance(value, str | Mapping | BaseModel):
        value = [value]
    if not isinstance(value, list | tuple):
        return []
    return [item if isinstance(item, str) else _fields(item).get("to") for item in value]


def _merged(value: Any, kind: str, defaults: Iterable[Default]) -> Any:
    for item in defaults:
        if all(
            _is(_get(value, steps(field)), wanted, kind, steps(field))
            for field, wanted in item.when.items()
        ):
            value = _with(value, item.steps, item.value)
    return value


def _get(value: Any, path: Steps) -> Any:
    for part in path:
        value = _fields(value).get(part)
    return value


def _is(found: Any, wanted: Any, kind: str, path: Steps) -> bool:
    """Return whether a field has a value, however the two are spelled."""
    if isinstance(wanted, tuple):
        return any(_is(found, each, kind, path) for each in wanted)
    if wanted == ANYTHING or found is None or wanted is None:
        return (found is not None) == (wanted is not None)
    if found == wanted:
        return True
    read = adapter(kind, path).validate_python
    try:
        return bool(read(found) == read(wanted))
    except ValueError:
        return False  # validation will say what is wrong with it


def _with(value: Any, path: Steps, new: Any) -> Any:
    """Return a part with a field set, unless it says something itself."""
    if not isinstance(value, Mapping | BaseModel):
        return value
    first, *rest = path
    fields = dict(_fields(value))
    if not rest:
        fields.setdefault(first, new)
    else:
        fields[first] = _with(fields.get(first, {}), tuple(rest), new)
    return fields


def different_brokers(scenario: Scenario) -> Iterator[Problem]:
    """Find parts whose channels have different brokers, so that none can give them defaults.

    Parameters
    ----------
    scenario : Scenario
        Its references lead somewhere.

    Yields
    ------
    Problem
        Where, and which channels.
    """
    for name, consumer in scenario.consumers.items():
        emitted = tuple(emission.to for emission in consumer.emits)
        for field, channels in (("reads", consumer.reads), ("emits", emitted)):
            by_broker: dict[str | None, str] = {}
            for channel in channels:
                by_broker.setdefault(scenario.channels[channel].broker, channel)
            if len(by_broker) > 1:
                listed = ", ".join(f"{c} ({b or 'none'})" for b, c in by_broker.items())
                message = f"the channels must have one broker, not several: {listed}"
                yield Problem(path=("consumers", name, field), message=message)
