"""From pydantic's errors to ours: which field, which value, what would be right.

pydantic reports where an error is by a location that also holds the names of union members
(``consumers, billing, service, lognormal, p99``). :func:`step` walks the types of the fields along
such a location, so that the path that is shown is the one that a person would write.
"""

from __future__ import annotations

import types
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from eda_sim.spec.errors import Path, Problem, ScenarioError, nearest, shown

MOST_PROBLEMS = 100
"""Problems that one error carries; the rest would help nobody."""


def bare(annotation: Any) -> Any:
    """Strip ``Annotated`` and ``None`` from an annotation.

    Parameters
    ----------
    annotation : type expression
        The annotation of a field.

    Returns
    -------
    type expression
        What is left.

    Examples
    --------
    >>> bare(Annotated[int, "even"] | None)
    <class 'int'>
    """
    while True:
        if get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        elif get_origin(annotation) in (Union, types.UnionType):
            members = [member for member in get_args(annotation) if member is not type(None)]
            if len(members) > 1:
                return annotation
            annotation = members[0]
        else:
            return annotation


def is_model(annotation: Any) -> bool:
    """Return whether an annotation is a part of a scenario.

    Parameters
    ----------
    annotation : type expression
        The annotation of a field.

    Returns
    -------
    bool
        True for a pydantic model.

    Examples
    --------
    >>> is_model(int)
    False
    """
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def fields_of(annotation: Any) -> dict[str, Any]:
    """Return the fields of a model, as they are written, with their annotations.

    Parameters
    ----------
    annotation : type expression
        A model; anything else has no fields.

    Returns
    -------
    dict
        Name in a file -> annotation.

    Examples
    --------
    >>> fields_of(int)
    {}
    """
    if not is_model(annotation):
        return {}
    return {
        field.alias or name: field.annotation for name, field in annotation.model_fields.items()
    }


def members_of(annotation: Any) -> dict[str, Any]:
    """Return the members of a union of models by their tag.

    That is what stands in their field ``type``, or, for a fault, the field that names its target.

    Parameters
    ----------
    annotation : type expression
        A union; anything else has no members.

    Returns
    -------
    dict
        Tag -> model.

    Examples
    --------
    >>> members_of(int)
    {}
    """
    if get_origin(annotation) not in (Union, types.UnionType):
        return {}
    tags: dict[str, Any] = {}
    for member in get_args(annotation):
        model = bare(member)
        if is_model(model) and "kind" in vars(model):
            tags[model.kind] = model
        elif is_model(model) and "type" in model.model_fields:
            tag = model.model_fields["type"].annotation
            if get_origin(tag) is Literal:
                tags[get_args(tag)[0]] = model
    return tags


def step(annotation: Any, part: str | int) -> Any:
    """Return the annotation of what lies one step inside, None if nothing does.

    Parameters
    ----------
    annotation : type expression
        Where we are.
    part : str or int
        A field, the key of a mapping, the position in a list, or the tag of a union.

    Returns
    -------
    type expression or None
        Where the step leads to.

    Examples
    --------
    >>> step(Mapping[str, int], "orders")
    <class 'int'>
    """
    annotation = bare(annotation)
    if is_model(annotation):
        return fields_of(annotation).get(str(part))
    members = members_of(annotation)
    if members:
        return members.get(str(part))
    arguments = get_args(annotation)
    if get_origin(annotation) in (tuple, list) and isinstance(part, int):
        return arguments[0]
    if isinstance(get_origin(annotation), type) and issubclass(get_origin(annotation), Mapping):
        return arguments[1]
    return None


def scenario_error(error: ValidationError, model: type[BaseModel]) -> ScenarioError:
    """Turn what pydantic found into one line for each problem.

    Parameters
    ----------
    error : ValidationError
        What pydantic found.
    model : type
        The model that was to be made.

    Returns
    -------
    ScenarioError
        To be raised. Names that nobody knows come first, because they explain what is missing.
    """
    problems = [
        problem
        for detail in error.errors(include_url=False, include_input=True)
        for problem in _translate(detail, model)
    ]
    unknown: dict[Path, list[str]] = {}
    for problem in problems:
        if problem.key is not None:
            unknown.setdefault(problem.path, []).append(problem.key)
    problems = [
        problem
        for problem in problems
        if not _explained(problem, unknown.get(problem.path[:-1], ()))
    ]
    problems.sort(key=lambda problem: problem.key is None)
    return ScenarioError(problems[:MOST_PROBLEMS])


def _explained(problem: Problem, unknown: Iterable[str]) -> bool:
    """Return whether a missing field is only one that was misspelt."""
    if problem.message != MISSING:
        return False
    return any("did you mean" in nearest(name, [str(problem.path[-1])]) for name in unknown)


MISSING = "is missing; it has no default"


def _translate(detail: ErrorDetails, model: type[BaseModel]) -> Iterator[Problem]:
    path, parent = _path(detail["loc"], model)
    kind, value = detail["type"], detail["input"]
    context = detail.get("ctx", {})
    if kind == "value_error" and isinstance(context["error"], ScenarioError):
        for problem in context["error"].problems:
            yield replace(problem, path=path + problem.path)
    elif kind == "value_error":
        yield Problem(path=path, message=str(context["error"]))
    elif kind == "extra_forbidden":
        name = str(path[-1])
        hint = nearest(name, fields_of(parent))
        if name.endswith(")"):  # the rest of a call that was cut at its comma
            hint = "; inside { } a call must stand in quotes"
        yield Problem(path=path[:-1], key=name, message=f"unknown field {shown(name)}{hint}")
    elif kind == "missing":
        yield Problem(path=path, message=MISSING)
    else:
        yield Problem(path=path, message=_refusal(kind, value, context, detail["msg"]))


def _path(location: tuple[int | str, ...], model: type[BaseModel]) -> tuple[Path, Any]:
    """Return the path without tags, and the annotation of the last part's parent."""
    annotation: Any = model
    parent: Any = model
    path: list[str | int] = []
    for part in location:
        if part == "[key]":  # pydantic's mark for a problem with the key itself
            continue
        is_tag = str(part) in members_of(bare(annotation))
        parent = bare(annotation)
        annotation = step(annotation, part)
        if not is_tag:
            path.append(part)
    return tuple(path), parent


def _refusal(kind: str, value: object, context: Mapping[str, Any], message: str) -> str:
    """Say what pydantic's own checks refused, in the words of this project."""
    if kind in ("literal_error", "enum"):
        words = [
            word.strip("'") for word in str(context["expected"]).replace(" or ", ", ").split(", ")
        ]
        hint = nearest(value, words) if isinstance(value, str) else ""
        hint = hint if "did you mean" in hint else ""
        return f"{shown(value)} is not valid: must be one of {', '.join(words)}{hint}"
    expected = {
        "bool_type": "true or false",
        "bool_parsing": "true or false",
        "string_type": "a text",
        "model_type": "a mapping of fields",
        "model_attributes_type": "a mapping of fields",
        "dict_type": "a mapping",
        "mapping_type": "a mapping",
        "list_type": "a list",
        "tuple_type": "a list",
        "string_unicode": "a text without surrogates",
    }.get(kind)
    if expected is None:
        expected = {
            "string_too_long": "a text of at most {max_length} characters",
            "string_too_short": "a text of at least {min_length} characters",
            "too_long": "one with at most {max_length} entries",
            "too_short": "one with an entry",
            "string_pattern_mismatch": "a text that matches {pattern}",
        }.get(kind, "").format(**context)
    if not expected:
        expected = message[:1].lower() + message[1:]
    return f"{shown(value)} is not valid: must be {expected}"
