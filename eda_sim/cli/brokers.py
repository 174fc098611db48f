"""``eda-sim brokers``: the presets that a channel can name, with the source of every value."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from eda_sim.cli.failures import BadInputError
from eda_sim.cli.options import json_option

if TYPE_CHECKING:
    from eda_sim.spec.presets.base import Broker, Default

__all__ = ["brokers"]

_NARROWEST = 120
"""Characters; four columns in less would be one word wide."""


@click.command(short_help="List the broker presets, or the defaults of one.")
@click.argument("name", required=False)
@json_option
def brokers(name: str | None, *, as_json: bool) -> None:
    """List the brokers that a channel can name, or all that the one called NAME sets.

    Each default stands with the field that it goes to, the broker's own setting, and where the
    value was read; where the broker leaves it open, with the reason for the choice.

    \b
      eda-sim brokers kafka
      eda-sim run checkout --set channels.orders.broker=kafka
    """  # noqa: D301 - \b keeps click from joining the lines
    from eda_sim import spec

    known = spec.brokers()
    if name is None:
        if as_json:
            listed = [
                {"name": b.name, "what": b.what, "version": b.version} for b in known.values()
            ]
            click.echo(json.dumps(listed, indent=2))
            return
        wide = max(len(broker.name) for broker in known.values())
        wider = max(len(broker.version) for broker in known.values())
        for broker in known.values():
            click.echo(f"{broker.name:<{wide}}  {broker.version:<{wider}}  {broker.what}")
        return
    try:
        spec.check_broker(name)
    except ValueError as error:
        raise BadInputError(str(error)) from error
    if as_json:
        click.echo(json.dumps(_plain(known[name]), indent=2))
    else:
        for line in _table(known[name]):
            click.echo(line)


def _plain(broker: Broker) -> dict[str, Any]:
    return {
        "name": broker.name,
        "what": broker.what,
        "version": broker.version,
        "defaults": [
            {
                "field": item.field,
                "value": item.value,
                "setting": item.setting or None,
                "source": item.source,
                "chosen": item.chosen,
                "when": dict(item.when),
            }
            for item in broker.defaults
        ],
    }


def _table(broker: Broker) -> Iterator[str]:
    """Yield the lines of a table that fits the terminal."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="")
    table.add_column("field", no_wrap=True)
    for title in ("value", "setting", "source"):
        table.add_column(title, ratio=1, overflow="fold")
    for item in broker.defaults:
        cells = (item.field, _spelled(item.value) + _condition(item), item.setting, _source(item))
        table.add_row(*(Text(cell) for cell in cells))
    width = max(_NARROWEST, shutil.get_terminal_size().columns)
    text = io.StringIO()
    Console(file=text, width=width, color_system=None).print(table)
    yield f"{broker.name}: {broker.what} ({broker.version})"
    yield ""
    yield from (line.rstrip() for line in text.getvalue().splitlines())


def _source(item: Default) -> str:
    return f"chosen: {item.source}" if item.chosen else item.source


def _condition(item: Default) -> str:
    """Say when a default holds, in short."""
    conditions = [
        f"{field.rpartition('.')[2]}: {_spelled(value)}" for field, value in item.when.items()
    ]
    return f" (with {', '.join(conditions)})" if conditions else ""


def _spelled(value: Any) -> str:
    """Write a value as it would stand in a scenario file.

    Examples
    --------
    >>> _spelled(None), _spelled(True), _spelled({"by": "message_id", "window": "2min"})
    ('null', 'true', '{by: message_id, window: 2min}')
    """
    if isinstance(value, tuple):
        return " or ".join(_spelled(item) for item in value)
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {_spelled(item)}' for key, item in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(_spelled(item) for item in value)}]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return "null" if value is None else str(value)
