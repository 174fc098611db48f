"""Writing plain data as YAML that a person would have written."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from eda_sim.spec.yaml import resolve

WIDTH = 100
MOST_IN_A_LINE = 4
"""Fields of a mapping that is written in one line."""

# Texts that need no quotes anywhere in a block; inside [ ] and { } they must hold no mark of it.
PLAIN = re.compile(r"[A-Za-z0-9._/+][A-Za-z0-9 ._/+%()=,;?!'\[\]-]*", re.ASCII)
MARKS_OF_FLOW = re.compile(r"[,\[\]{}]")
ESCAPES = {"\n": "\\n", "\t": "\\t", "\r": "\\r", '"': '\\"', "\\": "\\\\"}


def to_yaml(data: Mapping[str, Any]) -> str:
    """Write a mapping as YAML.

    Parameters
    ----------
    data : mapping
        Mappings, sequences, texts, numbers, booleans and None.

    Returns
    -------
    str
        Text that reads back to the same.

    Examples
    --------
    >>> print(
    ...     to_yaml({"name": "a", "jobs": {}, "faults": [{"crash": "b/0", "at": "2min"}]}), end=""
    ... )
    name: a
    jobs: {}
    faults:
      - {crash: b/0, at: 2min}
    """
    return "\n".join(_mapping(data, 0)) + "\n"


def _mapping(data: Mapping[str, Any], indent: int) -> Iterator[str]:
    for key, value in data.items():
        yield from _entry(f"{' ' * indent}{_text(key, flow=False)}:", value, indent)


def _entry(head: str, value: Any, indent: int) -> Iterator[str]:
    """Yield the lines of ``key: value`` or ``- value``."""
    if isinstance(value, str) and "\n" in value and _is_literal(value):
        yield f"{head} {'|' if value.endswith(chr(10)) else '|-'}"
        for line in value.removesuffix("\n").split("\n"):
            yield f"{' ' * (indent + 2)}{line}" if line else ""
        return
    one_line = _flow(value, inside=False)
    if one_line is not None and (_is_scalar(value) or len(head) + 1 + len(one_line) <= WIDTH):
        yield f"{head} {one_line}"
    elif isinstance(value, Mapping):
        yield head
        yield from _mapping(value, indent + 2)
    else:
        yield head
        for item in value:
            yield from _item(item, indent + 2)


def _item(value: Any, indent: int) -> Iterator[str]:
    head = f"{' ' * indent}-"
    one_line = _flow(value, inside=False)
    if isinstance(value, Mapping) and (one_line is None or len(head) + 1 + len(one_line) > WIDTH):
        lines = list(_mapping(value, indent + 2))
        lines[0] = f"{head} {lines[0].lstrip()}"
        yield from lines
    else:
        yield from _entry(head, value, indent)


def _flow(value: Any, *, inside: bool) -> str | None:
    """Write a value in one line; None if it is a collection that deserves more."""
    if _is_scalar(value):
        return _scalar(value, flow=inside)
    if isinstance(value, Mapping):
        if len(value) > MOST_IN_A_LINE or not all(_is_scalar(item) for item in value.values()):
            return None
        pairs = (f"{_text(k, flow=True)}: {_scalar(v, flow=True)}" for k, v in value.items())
        return f"{{{', '.join(pairs)}}}"
    items = [_flow(item, inside=True) for item in value if not isinstance(item, Mapping)]
    if len(items) < len(value) or None in items:
        return None
    return f"[{', '.join(str(item) for item in items)}]"


def _is_scalar(value: Any) -> bool:
    return isinstance(value, str) or not isinstance(value, Mapping | Sequence)


def _scalar(value: Any, *, flow: bool) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(value, flow=flow)
    if isinstance(value, float) and not math.isfinite(value):
        return ".nan" if math.isnan(value) else f"{'-' if value < 0 else ''}.inf"
    return repr(value)


def _text(text: str, *, flow: bool) -> str:
    is_plain = (
        PLAIN.fullmatch(text) is not None
        and not text.endswith(" ")
        and not (flow and MARKS_OF_FLOW.search(text))
        and isinstance(resolve(text), str)
        and text not in ("---", "...")
    )
    return text if is_plain else f'"{"".join(_escaped(character) for character in text)}"'


def _escaped(character: str) -> str:
    if character in ESCAPES:
        return ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    return (
        f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"
    )


def _is_literal(text: str) -> bool:
    """Return whether a text of several lines can stand as it is."""
    lines = text.removesuffix("\n").split("\n")
    return (
        bool(lines[0])
        and bool(lines[-1])
        and all(line.isprintable() and line == line.strip() for line in lines)
    )
