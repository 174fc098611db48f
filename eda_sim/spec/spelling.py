"""How a choice among families may be spelt: as a call, as an object, or as a bare quantity.

These three mean the same::

    service: constant(20ms)
    service: {type: constant, value: 20ms}
    service: 20ms

:class:`Spelling` marks a field that takes a tagged union of models. It turns the first and the
third form into the second and leaves the rest to pydantic; it also checks the dimension of the
parameters, because ``lognormal(mean=20ms, ...)`` is a service time and not a size.
"""

from __future__ import annotations

import numbers
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from eda_sim.spec.calls import Call, parse_call
from eda_sim.spec.errors import Problem, ScenarioError, nearest, shown
from eda_sim.spec.measures import EXAMPLES, Measure
from eda_sim.spec.model import Model
from eda_sim.spec.quantities import Dimension, Quantity, format_quantity, pattern
from eda_sim.spec.values import read_values

LONGEST_DUMPED_CALL = 120
"""Characters; anything longer is written as an object."""


def _require_type(schema: dict[str, Any]) -> None:
    # It has a default, for Python, where the class says it; in a file nothing else does.
    schema["required"] = ["type", *schema.get("required", [])]


class Family(Model):
    """One member of a union that can be spelt as a call.

    Class attributes
    ----------------
    order : tuple of str
        Names of the parameters that a call may give by position.
    dimensional : tuple of str
        Parameters that carry the dimension of the field (seconds for a service time).
    rate_parameters : tuple of str
        Parameters that are a rate, and so make sense for times only.
    nested : tuple of str
        Parameters that are lists of families of the same union.
    from_file : tuple of str and int, or None
        Parameter that a file may hold, and how many numbers it may have.
    holds_texts : bool
        A parameter is any text: written as an object, for a call has no escapes.
    """

    order: ClassVar[tuple[str, ...]] = ()
    dimensional: ClassVar[tuple[str, ...]] = ()
    rate_parameters: ClassVar[tuple[str, ...]] = ()
    nested: ClassVar[tuple[str, ...]] = ()
    from_file: ClassVar[tuple[str, int] | None] = None
    holds_texts: ClassVar[bool] = False

    type: str

    model_config = ConfigDict(json_schema_extra=_require_type)

    def parameters(self) -> dict[str, Any]:
        """Return the parameters as they were given, in the order of declaration.

        Returns
        -------
        dict
            Name in a file -> value in canonical units; parameters left out are left out.
        """
        return {
            field.alias or name: getattr(self, name)
            for name, field in type(self).model_fields.items()
            if name != "type" and getattr(self, name) != field.default
        }


@dataclass(frozen=True)
class Spelling:
    """Marks a field that takes one of several families.

    Attributes
    ----------
    what : str
        What the families are, for messages: "distribution".
    example : str
        A valid value, for messages.
    families : tuple of type
        The members of the union.
    dimension : {"time", "bytes", "number"} or None
        Dimension of the ``dimensional`` parameters; None where families fix their own.
    maximum : float
        Bound of the ``dimensional`` parameters in the canonical unit.
    bare_family : str or None
        Family and parameter meant by a quantity alone, None if it means nothing.
    """

    what: str
    example: str
    families: tuple[type[Family], ...]
    dimension: Dimension | None = None
    maximum: float = 0.0
    bare_family: str | None = None

    def by_tag(self) -> dict[str, type[Family]]:
        """Return the families by the name that calls use.

        Returns
        -------
        dict
            Tag -> family.
        """
        return {str(family.model_fields["type"].default): family for family in self.families}

    def spell_out(self, value: object, context: object = None) -> dict[str, Any]:
        """Return the object form of a value.

        Parameters
        ----------
        value : object
            A call, a quantity, an object, or a family that was made in Python.
        context : object
            What the loader knows: the folder of the scenario file.

        Returns
        -------
        dict
            The object form: ``type``, and parameters in canonical units.

        Raises
        ------
        ValueError
            If the value is none of these; the message says what would be right.
        """
        families = self.by_tag()
        data = self._object(value, families)
        tag = data.get("type")
        if tag is None:
            raise ScenarioError(Problem(path=("type",), message="is missing; it has no default"))
        if not isinstance(tag, str) or tag not in families:
            name = tag if isinstance(tag, str) else ""
            message = f"no {self.what} {shown(tag)}{nearest(name, families)}"
            raise ValueError(message)
        family = families[tag]
        if family.from_file is not None:
            data = read_values(data, family.from_file, self._measure(), context)
        return self._in_canonical_units(data, family, context)

    def _object(self, value: Any, families: Mapping[str, type[Family]]) -> dict[str, Any]:
        if isinstance(value, self.families):
            return {"type": value.type, **value.parameters()}
        if isinstance(value, Mapping):
            return dict(value)
        if isinstance(value, str) and value.strip()[:1].isalpha():
            value = parse_call(value)
        if isinstance(value, Call):
            return self._from_call(value, families)
        is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
        if self.bare_family and (is_number or isinstance(value, str)):
            parameter = families[self.bare_family].order[0]
            return {"type": self.bare_family, parameter: self._measure().convert(value)}
        message = f"{shown(value)} is not valid: must be a {self.what} such as {self.example}"
        raise ValueError(message)

    def _from_call(self, call: Call, families: Mapping[str, type[Family]]) -> dict[str, Any]:
        family = families.get(call.name)
        if family is None:
            message = f"no {self.what} {call.name!r}{nearest(call.name, families)}"
            raise ValueError(message)
        if len(call.positional) > len(family.order):
            message = (
                f"{call.name} takes {len(family.order)} parameters without a name, "
                f"not {len(call.positional)}"
            )
            raise ValueError(message)
        data: dict[str, Any] = {"type": call.name}
        data.update(zip(family.order, map(_as_in_a_file, call.positional), strict=False))
        for name, value in call.named.items():
            if name in data:
                message = f"parameter {name!r} of {call.name} is given twice"
                raise ValueError(message)
            data[name] = _as_in_a_file(value)
        return data

    def _measure(self) -> Measure:
        return Measure(self.dimension, maximum=self.maximum)

    def _in_canonical_units(
        self, data: dict[str, Any], family: type[Family], context: object
    ) -> dict[str, Any]:
        """Convert what carries the dimension of the field, so that families see plain numbers."""
        problems: list[Problem] = []
        for name in (*family.dimensional, *family.nested, *family.rate_parameters):
            if data.get(name) is None:
                continue
            try:
                if name in family.nested:
                    data[name] = self._spell_out_all(data[name], context)
                elif name in family.dimensional and self.dimension is not None:
                    data[name] = self._convert(data[name])
                elif name in family.rate_parameters:
                    self._refuse_rates()
            except ValueError as error:
                problems.append(Problem(path=(name,), message=str(error)))
        if problems:
            raise ScenarioError(problems)
        return data

    def _refuse_rates(self) -> None:
        if self.dimension not in (None, "time"):
            message = f"a rate describes times only, not {EXAMPLES[self.dimension]}"
            raise ValueError(message)

    def _spell_out_all(self, value: object, context: object) -> object:
        if not isinstance(value, list | tuple):
            message = f"{shown(value)} is not valid: must be a list"
            raise ValueError(message)
        return [self.spell_out(item, context) for item in value]

    def _convert(self, value: object) -> object:
        measure = self._measure()
        if isinstance(value, list | tuple):
            return [measure.convert(item) for item in value]
        return measure.convert(value)

    def write(self, value: Family) -> str | float | dict[str, Any]:
        """Write a family in the shortest form that reads back to the same.

        Parameters
        ----------
        value : Family
            What the field holds.

        Returns
        -------
        str, float or dict
            A bare quantity, a call, or, where that would be long, an object.
        """
        if value.type == self.bare_family:
            (parameter,) = value.parameters().values()
            return self._write_number(parameter)
        parameters = {
            name: self._write_parameter(
                item, dimensional=name in value.dimensional, rate=name in value.rate_parameters
            )
            for name, item in value.parameters().items()
        }
        tag = value.type
        call = _as_call(tag, parameters)
        is_short = len(call) <= LONGEST_DUMPED_CALL and not value.holds_texts
        return call if is_short else {"type": tag, **parameters}

    def _write_number(self, value: float) -> str | float:
        if self.dimension in (None, "number"):
            return value
        return format_quantity(value, self.dimension)

    def _write_parameter(self, value: Any, *, dimensional: bool, rate: bool) -> Any:
        if isinstance(value, Family):
            return self.write(value)
        if isinstance(value, tuple):
            return [
                self._write_parameter(item, dimensional=dimensional, rate=rate) for item in value
            ]
        if isinstance(value, str):
            return value
        if rate:
            return format_quantity(value, "rate")
        return self._write_number(value) if dimensional else value

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.with_info_before_validator_function(
            lambda value, info: self.spell_out(value, info.context),
            handler(source),
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda value: value if value is None else self.write(value), when_used="json"
            ),
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        names = "|".join(self.by_tag())
        forms: list[dict[str, Any]] = [
            {"type": "string", "pattern": rf"^\s*({names})\s*(\([\s\S]*\)\s*)?$"}
        ]
        if self.bare_family:
            forms.append({"type": "string", "pattern": pattern(self.dimension)})
            forms.append({"type": "number", "minimum": 0, "maximum": self.maximum})
        return {"anyOf": [*forms, handler(schema)]}


def _as_in_a_file(literal: Any) -> Any:
    """Turn a literal of a call into what would stand in an object: 3, "20ms", a list, a call."""
    if isinstance(literal, Quantity):
        if literal.dimension != "number":
            return format_quantity(literal.value, literal.dimension)
        return int(literal.value) if literal.value.is_integer() else literal.value
    if isinstance(literal, list):
        return [_as_in_a_file(item) for item in literal]
    return literal


def _as_call(name: str, parameters: Mapping[str, Any]) -> str:
    if not parameters:
        return name
    inside = ", ".join(f"{key}={_as_literal(value)}" for key, value in parameters.items())
    return f"{name}({inside})"


def _as_literal(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{', '.join(_as_literal(item) for item in value)}]"
    if isinstance(value, dict):  # too long to be a call; so will be what holds it
        return _as_call(value["type"], {k: v for k, v in value.items() if k != "type"})
    return value if isinstance(value, str) else format_quantity(value, "number")
