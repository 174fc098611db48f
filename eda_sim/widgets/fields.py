"""The field behind a path such as ``consumers.billing.instances``: its value, type and bounds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel

from eda_sim.spec import Problem, Scenario, ScenarioError
from eda_sim.spec.errors import Path, nearest, shown
from eda_sim.spec.measures import Measure, Whole
from eda_sim.spec.quantities import Dimension
from eda_sim.spec.spelling import Family, Spelling

Mark = Measure | Whole | Spelling


@dataclass(frozen=True)
class Field:
    """One field of a scenario.

    Attributes
    ----------
    path : str
        Dotted, as :meth:`Scenario.replace` takes it.
    value : object
        What the scenario has there, in canonical units; None where it has nothing.
    type : object
        Type expression without marks and without None.
    mark : Measure, Whole, Spelling or None
        How it is written, and its bounds.
    dimension : str
        What a number in it measures; "number" where nothing else is known.
    """

    path: str
    value: Any
    type: Any
    mark: Mark | None
    dimension: Dimension

    @property
    def choices(self) -> tuple[str, ...]:
        """The words that it takes; none if it takes something else."""
        return get_args(self.type) if get_origin(self.type) is Literal else ()

    @property
    def can_be_turned(self) -> bool:
        """Whether a slider, a list of choices or a box to tick can change it."""
        if isinstance(self.mark, Spelling):
            return hasattr(self.value, "mean") or hasattr(self.value, "rate")
        return self.mark is not None or self.is_switch or len(self.choices) > 1

    @property
    def is_switch(self) -> bool:
        """Whether it is true or false."""
        return bool(self.type is bool)


def field_at(scenario: Scenario, path: object) -> Field:
    """Return the field at a path.

    Parameters
    ----------
    scenario : Scenario
        Where to look.
    path : str
        Such as ``consumers.billing.instances``.

    Returns
    -------
    Field

    Raises
    ------
    ScenarioError
        If there is no such field; the message says which name is near.

    Examples
    --------
    >>> from eda_sim.spec import load
    >>> field_at(load("checkout"), "consumers.billing.instances").value
    6
    """
    if not isinstance(path, str) or not path:
        message = f"{shown(path)} is not a path such as consumers.billing.instances"
        raise ScenarioError(message)
    here = Field("", scenario, Scenario, None, "number")
    for part in path.split("."):
        here = _step(here, part)
    return here


def fields_of(scenario: Scenario) -> Iterator[Field]:
    """Yield every field of a scenario, and of every part that is there, in order."""
    yield from _inside(Field("", scenario, Scenario, None, "number"))


def _inside(here: Field) -> Iterator[Field]:
    for name in _names(here):
        field = _step(here, name)
        yield field
        if field.value is not None:
            yield from _inside(field)


def _names(here: Field) -> list[str]:
    value = here.value
    if isinstance(value, BaseModel):
        return [field.alias or name for name, field in type(value).model_fields.items()]
    if isinstance(value, Mapping):
        return [str(name) for name in value]
    if isinstance(value, tuple):
        return [str(place) for place in range(len(value))]
    return []


def _step(here: Field, part: str) -> Field:
    walked: Path = tuple(here.path.split(".")) if here.path else ()
    path = ".".join((*map(str, walked), part))
    model = type(here.value) if isinstance(here.value, BaseModel) else here.type
    if isinstance(model, type) and issubclass(model, BaseModel):
        own = _own_names(model)
        if part not in own:
            message = f"unknown field {shown(part)}{nearest(part, own)}"
            raise ScenarioError(Problem(path=walked, key=part, message=message))
        return _described(
            here, path, _value_of(here.value, own[part], part), _hints(model)[own[part]]
        )
    names = _names(here)
    if part not in names:
        hint = nearest(part, names) if names else ""
        message = f"there is no {shown(part)}{hint}"
        raise ScenarioError(Problem(path=walked, key=part, message=message))
    inside = get_args(here.type)
    if isinstance(here.value, Mapping):
        return _described(here, path, here.value[part], inside[1])
    return _described(here, path, here.value[int(part)], inside[0])


@cache
def _own_names(model: type[BaseModel]) -> dict[str, str]:
    return {field.alias or name: name for name, field in model.model_fields.items()}


@cache
def _hints(model: type[BaseModel]) -> dict[str, Any]:
    return get_type_hints(model, include_extras=True)


def _value_of(owner: Any, own: str, written: str) -> Any:
    if owner is None:
        return None
    value = getattr(owner, own)
    # Where nothing was given, a property with the plain name knows what holds instead.
    return getattr(owner, written) if value is None and own != written else value


def _described(owner: Field, path: str, value: Any, annotation: Any) -> Field:
    bare, marks = _peeled(annotation)
    mark = next((each for each in marks if isinstance(each, Mark)), None)
    dimension: Dimension = "number"
    if isinstance(mark, Measure | Spelling) and mark.dimension is not None:
        dimension = mark.dimension
    elif _hands_down(owner.value, path.rpartition(".")[2]) or isinstance(mark, Spelling):
        dimension = owner.dimension
    return Field(path, value, bare, mark, dimension)


def _hands_down(owner: Any, name: str) -> bool:
    """Return whether a number inside measures what the whole measures."""
    if isinstance(owner, Family):
        return name in owner.dimensional or name in owner.nested
    return isinstance(owner, tuple)


def _peeled(annotation: Any) -> tuple[Any, list[Any]]:
    """Return a type expression without ``Annotated`` and None, and the marks that were on it."""
    marks: list[Any] = []
    while True:
        if get_origin(annotation) is Annotated:
            annotation, *found = get_args(annotation)
            marks = [*found, *marks]
        elif get_origin(annotation) in (Union, UnionType):
            members = [member for member in get_args(annotation) if member is not type(None)]
            if len(members) > 1:
                return annotation, marks
            annotation = members[0]
        else:
            return annotation, marks
