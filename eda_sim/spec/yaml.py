"""Reading YAML that may come from anyone: data only, bounded, with the line of everything.

The parser of ruamel.yaml yields events (a mapping starts, a scalar, a list ends), and plain dicts,
lists, texts and numbers are built from them here. Nothing else is ever built: a tag, an anchor, an
alias, a second document or a duplicate key is an error, and size, nesting and number of events are
bounded while reading. Words mean what they mean in YAML 1.2: ``no`` and ``on`` are texts.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from ruamel.yaml.reader import ReaderError

from eda_sim.spec.errors import Path, Problem, ScenarioError, one_line, shown

LARGEST_TEXT = 1 << 20
"""Bytes of a scenario file (1 MiB)."""
DEEPEST_NESTING = 32
"""Mappings and lists inside one another."""
MOST_EVENTS = 100_000
"""Events of the parser: about one for each key, value, and beginning and end of a collection."""

INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
INFINITE = re.compile(r"([-+]?)\.(inf|Inf|INF)")
WORDS: dict[str, bool | float | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
LONGEST_INTEGER = 40
"""Characters; a longer one is read as a float, for it is out of every bound anyway."""


class Place(NamedTuple):
    """Lines, from 1, of a key and of what it stands for.

    In a list, and at the top, where there is no key, both are the line of the value.
    """

    key: int
    value: int
    is_collection: bool


@dataclass(frozen=True)
class Document:
    """What a text holds, and where.

    Attributes
    ----------
    data : object
        Dicts, lists, texts, numbers, booleans and None.
    places : dict
        Path -> where it is.
    """

    data: Any
    places: dict[Path, Place]

    def line(self, path: Path, *, of_key: bool = False) -> int | None:
        """Return the line of something, or of the nearest thing around it.

        Parameters
        ----------
        path : tuple of str and int
            Where it is in the data.
        of_key : bool, default False
            Whether the key is meant, and not what it stands for.

        Returns
        -------
        int or None
            The line from 1: of the value where it is a plain one, of its key where it is a
            collection; None in an empty text.
        """
        for length in range(len(path), -1, -1):
            place = self.places.get(path[:length])
            if place is not None:
                return place.key if of_key or place.is_collection else place.value
        return None


@dataclass
class _Open:
    """A collection that is still being read."""

    data: dict[str, Any] | list[Any]
    path: Path
    key: str | None = None
    key_line: int = 0


@dataclass
class _Builder:
    """Builds the data of one document from events."""

    places: dict[Path, Place] = field(default_factory=dict)
    stack: list[_Open] = field(default_factory=list)
    root: Any = None
    documents: int = 0

    def take(self, event: Event) -> None:
        """Take in one event."""
        line = event.start_mark.line + 1
        if isinstance(event, NodeEvent):
            _refuse_what_is_not_data(event, line)
        if isinstance(event, DocumentStartEvent):
            self._open_document(event, line)
        elif isinstance(event, ScalarEvent):
            self._scalar(event, line)
        elif isinstance(event, MappingStartEvent | SequenceStartEvent):
            if len(self.stack) >= DEEPEST_NESTING:
                message = f"nested deeper than {DEEPEST_NESTING}"
                raise _refusal(message, line)
            collection: dict[str, Any] | list[Any] = (
                {} if isinstance(event, MappingStartEvent) else []
            )
            self.stack.append(_Open(collection, self._place(collection, line)))
        elif isinstance(event, MappingEndEvent | SequenceEndEvent):
            self.stack.pop()

    def _open_document(self, event: DocumentStartEvent, line: int) -> None:
        self.documents += 1
        if self.documents > 1:
            message = "a second document; a file holds one scenario"
            raise _refusal(message, line)
        if event.tags or event.version not in (None, (1, 2)):
            message = "a directive; none but %YAML 1.2 is accepted"
            raise _refusal(message, line)

    def _scalar(self, event: ScalarEvent, line: int) -> None:
        plain = event.style in (None, "")
        value = resolve(event.value) if plain else event.value
        top = self.stack[-1] if self.stack else None
        if top is not None and isinstance(top.data, dict) and top.key is None:
            if not isinstance(value, str):
                message = f"{shown(value)} is not a name; a key must be a text"
                raise _refusal(message, line)
            if value in top.data:
                first = self.places[*top.path, value].key
                message = f"duplicate key {shown(value)}, first in line {first}"
                raise _refusal(message, line)
            top.key, top.key_line = value, line
        else:
            self._place(value, line)

    def _place(self, value: Any, line: int) -> Path:
        """Put a value where the parser is, and return its path."""
        is_collection = isinstance(value, dict | list)
        if not self.stack:
            self.root = value
            self.places[()] = Place(line, line, is_collection)
            return ()
        top = self.stack[-1]
        if isinstance(top.data, list):
            path: Path = (*top.path, len(top.data))
            top.data.append(value)
            self.places[path] = Place(line, line, is_collection)
            return path
        if top.key is None:
            message = "a key must be a text, not a mapping or a list"
            raise _refusal(message, line)
        path = (*top.path, top.key)
        top.data[top.key] = value
        self.places[path] = Place(top.key_line, line, is_collection)
        top.key = None
        return path


def _refuse_what_is_not_data(event: NodeEvent, line: int) -> None:
    if isinstance(event, AliasEvent):
        message = f"an alias (*{event.anchor}); write the value out"
        raise _refusal(message, line)
    if event.anchor is not None:
        message = f"an anchor (&{event.anchor}); a scenario has no references"
        raise _refusal(message, line)
    if getattr(event, "ctag", None) is not None:
        message = "a tag; a scenario is data"
        raise _refusal(message, line)


# The beginning of what the parser says -> what a person can do about it.
EXPLANATIONS = {
    "mapping values are not allowed": "a ':' where no field can begin; is the indentation right, "
    "or are quotes missing?",
    "could not find expected ':'": "a line that is no 'field: value'",
    "expected '<document start>'": "something that belongs to no field; is the indentation right?",
    "expected <block end>": "the indentation does not fit the lines above",
    "found character '\\t'": "a tab; only spaces can indent",
    "found unexpected end of stream": "a text in quotes that does not end",
}


def _explained(what: str) -> str:
    for beginning, explanation in EXPLANATIONS.items():
        if what.startswith(beginning):
            return explanation
    return one_line(what)


def _refusal(message: str, line: int | None) -> ScenarioError:
    return ScenarioError(Problem(message=message, line=line))


def resolve(text: str) -> str | int | float | bool | None:
    """Return what a plain scalar means in YAML 1.2 (core schema).

    Parameters
    ----------
    text : str
        A scalar without quotes.

    Returns
    -------
    str, int, float, bool or None
        The value.

    Examples
    --------
    >>> resolve("12"), resolve("0o14"), resolve("1e3"), resolve("no"), resolve("~")
    (12, 12, 1000.0, 'no', None)
    """
    if text in WORDS:
        return WORDS[text]
    if INTEGER.fullmatch(text) and len(text) <= LONGEST_INTEGER:
        return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
    if FLOAT.fullmatch(text):
        return float(text)
    infinite = INFINITE.fullmatch(text)
    return float(f"{infinite[1]}inf") if infinite else text


def read_document(text: str) -> Document:
    """Read the one document that a text holds.

    Parameters
    ----------
    text : str
        YAML.

    Returns
    -------
    Document
        Its data and the lines of it.

    Raises
    ------
    ScenarioError
        With the line, if it is not YAML, or more than data.

    Examples
    --------
    >>> read_document("a: [1, 2ms]").data
    {'a': [1, '2ms']}
    """
    if len(text.encode("utf-8", "surrogatepass")) > LARGEST_TEXT:
        message = f"larger than {LARGEST_TEXT} bytes (1 MiB)"
        raise _refusal(message, None)
    builder = _Builder()
    for count, event in enumerate(_events(text), 1):
        if count > MOST_EVENTS:
            message = f"more than {MOST_EVENTS} keys, values and collections"
            raise _refusal(message, event.start_mark.line + 1)
        builder.take(event)
    if builder.documents == 0:
        message = "nothing is in it; a scenario is a mapping of fields"
        raise _refusal(message, None)
    return Document(builder.root, builder.places)


def _events(text: str) -> Iterator[Event]:
    """Yield the events of the parser; whatever it fails with becomes one line."""
    parser = YAML(typ="safe", pure=True)
    try:
        yield from parser.parse(io.StringIO(text))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = error.problem or error.context or "cannot be read"
        if what.startswith("found unexpected end") and error.context_mark:
            mark = error.context_mark  # where it begins, not the end of the file
        message = f"not YAML: {_explained(what)}"
        raise _refusal(message, mark.line + 1 if mark else None) from None
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        message = "not YAML: a character that YAML does not allow"
        raise _refusal(message, line) from None
    except (OverflowError, ValueError):  # the parser's own, for escapes such as "\\U99999999"
        message = "not YAML: an escape that is no character"
        raise _refusal(message, None) from None
    except YAMLError as error:
        message = f"not YAML: {one_line(str(error))}"
        raise _refusal(message, None) from None
