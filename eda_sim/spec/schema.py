"""The JSON Schema of scenario files, for editors and for other programs."""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue
from pydantic_core import CoreSchema
from pydantic_core.core_schema import DictSchema, ModelField

COMPLETED_BY_PRESETS = ("Replication",)
"""Models of which a file may leave required fields out, because the preset of a broker has them."""


class SchemaOfFiles(GenerateJsonSchema):
    """How pydantic writes the schema, with what editors need and without what disturbs in them."""

    def generate(self, schema: CoreSchema, mode: JsonSchemaMode = "validation") -> JsonSchemaValue:
        """Return the schema of a model; see pydantic.

        Parameters
        ----------
        schema : CoreSchema
            What pydantic knows of the model.
        mode : {"validation", "serialization"}
            Always "validation" here.

        Returns
        -------
        dict
            JSON Schema with its dialect; descriptions are cut to their first paragraph.
        """
        made = super().generate(schema, mode)
        for name in COMPLETED_BY_PRESETS:
            made.get("$defs", {}).get(name, {}).pop("required", None)
        for part in (made, *made.get("$defs", {}).values()):
            if "description" in part:
                part["description"] = " ".join(part["description"].split("\n\n")[0].split())
        return {"$schema": self.schema_dialect, **made}

    def dict_schema(self, schema: DictSchema) -> JsonSchemaValue:
        """Return the schema of a mapping; a key that is no name is refused."""
        made = super().dict_schema(schema)
        if "patternProperties" in made:
            made["additionalProperties"] = False
        return made

    def field_title_should_be_set(self, _schema: CoreSchema | ModelField | Any, /) -> bool:
        """Return False: a field's name says what its title would."""
        return False


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a scenario file.

    It accepts every spelling that :func:`eda_sim.spec.load` does. What lies between fields (names
    that must exist, of two fields only one) and inside a call only ``load`` checks.

    Returns
    -------
    dict
        The schema, with a description, the unit and the default of every field.

    Examples
    --------
    >>> json_schema()["$schema"]
    'https://json-schema.org/draft/2020-12/schema'
    """
    from eda_sim.spec.scenario import Scenario

    return Scenario.model_json_schema()
