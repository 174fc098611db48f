"""The fields that presets can set: which model declares one, and what reads and writes it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, get_type_hints

from pydantic import BaseModel, TypeAdapter

from eda_sim.spec.presets.base import Part, Steps
from eda_sim.spec.problems import bare, is_model, step

KINDS: Mapping[str, Part] = {
    "channels": "channel",
    "producers": "producer",
    "consumers": "consumer",
}
"""Field of a scenario -> the part that it holds by name."""


@cache
def owner(kind: str, path: Steps) -> tuple[type[BaseModel], str]:
    """Return the model that declares a field, and the field's own name there.

    Parameters
    ----------
    kind : str
        "channels", "producers" or "consumers".
    path : tuple of str
        The field, from such a part down.

    Returns
    -------
    tuple of type and str
    """
    from eda_sim.spec.scenario import Scenario

    here: Any = step(step(Scenario, kind), "any")
    for part in path[:-1]:
        here = step(here, part)
    model = bare(here)
    assert is_model(model), path
    for name, field in model.model_fields.items():
        if (field.alias or name) == path[-1]:
            return model, name
    raise KeyError(path)


@cache
def adapter(kind: str, path: Steps) -> TypeAdapter[Any]:
    """Return what reads and writes one field that a preset can set.

    Parameters
    ----------
    kind : str
        "channels", "producers" or "consumers".
    path : tuple of str
        The field, from such a part down.

    Returns
    -------
    TypeAdapter
    """
    model, name = owner(kind, path)
    return TypeAdapter(get_type_hints(model, include_extras=True)[name])
