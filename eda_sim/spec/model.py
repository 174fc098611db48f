"""The base of every part of a scenario: frozen, closed, and with errors of one line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from eda_sim.spec.errors import Problem, ScenarioError
from eda_sim.spec.problems import scenario_error

Key = TypeVar("Key")
Value = TypeVar("Value")


class Model(BaseModel):
    """A frozen part of a scenario.

    A field that nobody declared is an error, values are validated when the object is made, and
    what is wrong is raised as a :class:`~eda_sim.spec.errors.ScenarioError`.

    A few fields have a default that depends on other fields. They are stored as they were written,
    in a field called ``given_...``, and read through a property with the plain name; in files, in
    constructors and in errors only the plain name appears.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        serialize_by_alias=True,
        protected_namespaces=(),
        allow_inf_nan=False,
    )

    def __init__(self, /, **data: Any) -> None:
        try:
            super().__init__(**data)
        except ValidationError as error:
            raise scenario_error(error, type(self)) from None

    # Without this mark pydantic would come through __init__ for nested objects too, and the path
    # of a problem inside them would be lost. pydantic marks its own RootModel in the same way.
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]

    @classmethod
    def model_validate(cls, obj: Any, **options: Any) -> Self:
        """Make the object from plain data; see pydantic.

        Parameters
        ----------
        obj : object
            A mapping of fields, or an object of this class.
        **options
            As in pydantic; ``context={"folder": path}`` is where ``file=`` is looked up.

        Returns
        -------
        Model
            The object.

        Raises
        ------
        ScenarioError
            If the data is not valid.
        """
        try:
            return super().model_validate(obj, **options)
        except ValidationError as error:
            raise scenario_error(error, cls) from None

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        for name, field in type(self).model_fields.items():
            value = getattr(self, name)
            if field.is_required() or value != field.get_default(call_default_factory=True):
                yield field.alias or name, value


class ConsistentModel(Model):
    """A part whose fields may each be valid and yet contradict each other.

    A class says what contradicts what in ``_contradictions``; all of it is reported together, once
    every field is valid by itself.
    """

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        problems = [Problem(path=(field,), message=text) for field, text in self._contradictions()]
        if problems:
            raise ScenarioError(problems)
        return self

    def _contradictions(self) -> Iterable[tuple[str, str]]:
        """Yield a field, and what is wrong with it in the company of the others."""
        raise NotImplementedError


class FrozenDict(dict[Key, Value]):
    """A dict that cannot be changed, so that a scenario cannot.

    Examples
    --------
    >>> FrozenDict({"a": 1})["a"]
    1
    """

    def _refuse(self, *_: Any, **__: Any) -> Any:
        message = "a scenario is frozen; use Scenario.replace"
        raise TypeError(message)

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (dict(self),)

    def __copy__(self) -> FrozenDict[Key, Value]:
        return self

    def __deepcopy__(self, memo: Mapping[int, Any]) -> FrozenDict[Key, Value]:
        return self
