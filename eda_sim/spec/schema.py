"""The JSON Schema of scenario files, for editors and for other programs."""

from __future__ import annotations

from typing import Any

from eda_sim.spec.scenario import Scenario


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a scenario file.

    It accepts every spelling that :func:`eda_sim.spec.load` does. What lies between fields (names
    that must exist, of two fields only one) only ``load`` checks.

    Returns
    -------
    dict
        The schema, with a description, the unit and the default of every field.

    Examples
    --------
    >>> json_schema()["$schema"]
    'https://json-schema.org/draft/2020-12/schema'
    """
    return Scenario.model_json_schema()
