"""OpenTelemetry: spans of producers and consumers, as the collector's file exporter writes them.

A file holds OTLP in JSON [1]_: one object per line, one object, or an array of them, each with
``resourceSpans`` > ``scopeSpans`` > ``spans``. Ids are texts of hexadecimal digits, times are texts
of nanoseconds, kinds are numbers (4 producer, 5 consumer); plain numbers and names of kinds are
read too, as some exporters write these.

What a span does says ``messaging.operation.type`` (``create``, ``send``, ``receive``, ``process``,
``settle``), in older conventions ``messaging.operation``, where ``publish`` stands for ``send`` and
``deliver`` for ``process`` [2]_. A message is *created* when its producer span (create or send)
begins. It is handled while its ``process`` span lasts; a span of kind consumer without an operation
is one too. ``receive`` is the wait for messages, no handling. A process span names its message by a
link to the producer span, or by a span above it that does, or by the producer span itself above it.

References
----------
.. [1] OpenTelemetry Protocol specification, "JSON Protobuf Encoding"; "File Exporter".
.. [2] OpenTelemetry semantic conventions, "Messaging spans" (status: development), span kinds and
   operation types; version 1.24 for the older names.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from eda_sim.fitting.errors import FitError

PRODUCER, CONSUMER = 4, 5
_KINDS = {
    "SPAN_KIND_UNSPECIFIED": 0,
    "SPAN_KIND_INTERNAL": 1,
    "SPAN_KIND_SERVER": 2,
    "SPAN_KIND_CLIENT": 3,
    "SPAN_KIND_PRODUCER": PRODUCER,
    "SPAN_KIND_CONSUMER": CONSUMER,
}
_OLDER = {"publish": "send", "deliver": "process"}
_FAILED = 2
"""Code of a status that is an error."""
_HIGHEST = 64
"""Spans above a span that are looked at."""

Context = tuple[str, str]
"""Trace and span."""


class _Span(NamedTuple):
    context: Context
    parent: Context | None
    links: tuple[Context, ...]
    kind: int
    operation: str
    destination: str
    group: str
    instance: str
    start: int
    end: int
    failed: bool


@dataclass
class _Skipped:
    """Spans that are no handling of one message, counted by reason."""

    counts: Counter[str]

    def remarks(self) -> tuple[str, ...]:
        return tuple(f"{number:,} {reason}" for reason, number in sorted(self.counts.items()))


def read_spans(
    path: Path, *, channel: str | None = None, consumer: str | None = None
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Read the messages that a file of spans tells of.

    Parameters
    ----------
    path : Path
        The file.
    channel : str, optional
        Only of this destination (``messaging.destination.name``).
    consumer : str, optional
        Only of this consumer group (``messaging.consumer.group.name``), subscription or service.

    Returns
    -------
    (DataFrame, tuple of str)
        ``created``, ``started``, ``finished`` (ns) and ``instance``, if all spans name theirs; and
        what was left out.

    Raises
    ------
    FitError
        If a line is no OTLP, a span lacks a field, no message was handled, or several channels or
        consumers are in the file and none was chosen.
    """
    spans = [span for line, item in _objects(path) for span in _spans(item, f"{path.name}:{line}")]
    by_context = {span.context: span for span in spans}
    skipped = _Skipped(Counter())
    rows: list[tuple[_Span, _Span]] = []
    handled: set[tuple[Context, str, str]] = set()
    for span in sorted(spans, key=lambda each: each.start):
        if not _is_handling(span):
            continue
        producers = _producers(span, by_context)
        if len(producers) > 1:
            skipped.counts["spans handle several messages together: left out"] += 1
        elif not producers:
            skipped.counts["spans lead to no producer span in the file: left out"] += 1
        else:
            message = (producers[0].context, span.destination, span.group)
            if message in handled:
                skipped.counts["messages were handled again: only the first time counts"] += 1
            else:
                handled.add(message)
                rows.append((producers[0], span))
    if not rows:
        raise FitError(_nothing(path.name, spans, skipped))
    rows = _chosen(rows, path.name, channel, consumer)
    failed = sum(span.failed for _, span in rows)
    if failed:
        skipped.counts["messages failed: taken as if they had not"] += failed
    table = pd.DataFrame(
        {
            "created": [producer.start for producer, _ in rows],
            "started": [span.start for _, span in rows],
            "finished": [span.end for _, span in rows],
        }
    )
    instances = [span.instance for _, span in rows]
    if all(instances):
        table["instance"] = instances
    return table, skipped.remarks()


def _objects(path: Path) -> Iterator[tuple[int, Any]]:
    """Yield each object of a file with its line: JSON lines, one object, or an array."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        message = f"{path.name}: not UTF-8 text"
        raise FitError(message) from None
    if not text.strip():
        message = f"{path.name}: empty; OTLP JSON has an object with resourceSpans in each line"
        raise FitError(message)
    try:
        whole = json.loads(text)
    except json.JSONDecodeError:
        for number, line in enumerate(text.splitlines(), start=1):
            if line.strip():
                yield number, _parsed(line, f"{path.name}:{number}")
        return
    for item in whole if isinstance(whole, list) else [whole]:
        yield 1, item


def _parsed(line: str, where: str) -> Any:
    try:
        return json.loads(line)
    except json.JSONDecodeError as error:
        message = f"{where}: not JSON: {error.msg} at column {error.colno}"
        raise FitError(message) from None


def _spans(item: Any, where: str) -> Iterator[_Span]:
    if not isinstance(item, dict) or not isinstance(item.get("resourceSpans"), list):
        message = f"{where}: no list 'resourceSpans'; only traces in OTLP JSON can be read"
        raise FitError(message)
    for resource in item["resourceSpans"]:
        of_resource = _attributes(resource.get("resource", {}).get("attributes", ()))
        for scope in resource.get("scopeSpans", ()):
            for span in scope.get("spans", ()):
                yield _span(span, of_resource, where)


def _span(span: dict[str, Any], resource: dict[str, str], where: str) -> _Span:
    trace = str(_field(span, "traceId", where)).lower()
    attributes = _attributes(span.get("attributes", ()))
    operation = attributes.get("messaging.operation.type") or attributes.get(
        "messaging.operation", ""
    )
    parent = span.get("parentSpanId")
    start, end = (_time(span, name, where) for name in ("startTimeUnixNano", "endTimeUnixNano"))
    if end < start:
        message = f"{where}: span {span['spanId']} ends {start - end} ns before it starts"
        raise FitError(message)
    kind = span.get("kind", 0)
    return _Span(
        context=(trace, str(_field(span, "spanId", where)).lower()),
        parent=(trace, str(parent).lower()) if parent else None,
        links=tuple(
            (
                str(_field(link, "traceId", where)).lower(),
                str(_field(link, "spanId", where)).lower(),
            )
            for link in span.get("links", ())
        ),
        kind=kind if isinstance(kind, int) else _KINDS.get(str(kind), 0),
        operation=_OLDER.get(operation, operation),
        destination=_first(
            attributes,
            "messaging.destination.template",
            "messaging.destination.name",
            "messaging.destination",
        ),
        group=_first(
            attributes,
            "messaging.consumer.group.name",
            "messaging.destination.subscription.name",
            "messaging.kafka.consumer.group",
        )
        or resource.get("service.name", ""),
        instance=_first(attributes, "messaging.client.id")
        or resource.get("service.instance.id", ""),
        start=start,
        end=end,
        failed=span.get("status", {}).get("code", 0) in (_FAILED, "STATUS_CODE_ERROR"),
    )


def _field(data: dict[str, Any], name: str, where: str) -> Any:
    value = data.get(name)
    if value in (None, ""):
        message = f"{where}: a span has no {name!r}"
        raise FitError(message)
    return value


def _time(span: dict[str, Any], name: str, where: str) -> int:
    value = _field(span, name, where)
    try:
        return int(value)
    except (TypeError, ValueError):
        message = f"{where}: {name} {value!r} is no whole number of nanoseconds"
        raise FitError(message) from None


def _attributes(pairs: Iterable[dict[str, Any]]) -> dict[str, str]:
    """Return attributes as texts: ``{"key": .., "value": {"stringValue": ..}}``."""
    return {
        str(pair.get("key")): str(next(iter(pair["value"].values())))
        for pair in pairs
        if isinstance(pair.get("value"), dict) and pair["value"]
    }


def _first(attributes: dict[str, str], *names: str) -> str:
    return next((attributes[name] for name in names if attributes.get(name)), "")


def _is_handling(span: _Span) -> bool:
    return span.operation == "process" or (span.kind == CONSUMER and not span.operation)


def _producers(span: _Span, spans: dict[Context, _Span]) -> list[_Span]:
    """Return the producer spans that a span, or the nearest one above that does, leads to."""
    at: _Span | None = span
    for _ in range(_HIGHEST):
        if at is None:
            break
        if at.kind == PRODUCER and at is not span:
            return [at]
        linked = [spans[link] for link in dict.fromkeys(at.links) if link in spans]
        producers = [each for each in linked if each.kind == PRODUCER]
        if producers:
            return producers
        at = spans.get(at.parent) if at.parent is not None else None
    return []


def _chosen(
    rows: list[tuple[_Span, _Span]], where: str, channel: str | None, consumer: str | None
) -> list[tuple[_Span, _Span]]:
    for option, attribute, wanted in (
        ("channel", "destination", channel),
        ("consumer", "group", consumer),
    ):
        names = sorted({getattr(span, attribute) for _, span in rows})
        if wanted is None and len(names) > 1:
            message = f"{where}: several {option}s; choose {option}= one of {', '.join(names)}"
            raise FitError(message)
        if wanted is not None and wanted not in names:
            message = f"{where}: no {option} {wanted!r}; there are {', '.join(names)}"
            raise FitError(message)
        rows = [row for row in rows if wanted is None or getattr(row[1], attribute) == wanted]
    return rows


def _nothing(where: str, spans: list[_Span], skipped: _Skipped) -> str:
    kinds = Counter(span.kind for span in spans)
    handling = sum(_is_handling(span) for span in spans)
    said = "; ".join(skipped.remarks())
    return (
        f"{where}: no message was handled: {len(spans)} spans, {kinds[PRODUCER]} of kind producer, "
        f"{kinds[CONSUMER]} of kind consumer, {handling} with operation process"
        + (f" ({said})" if said else "")
    )
