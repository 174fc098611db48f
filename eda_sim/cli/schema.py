"""``eda-sim schema``: the JSON Schema of scenario files."""

from __future__ import annotations

import json
from pathlib import Path

import click

from eda_sim.cli.files import whole_file

__all__ = ["schema"]


@click.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the schema to this file instead of printing it.",
)
def schema(out: Path | None) -> None:
    """Print the JSON Schema of scenario files.

    Editors use it to complete and to check a scenario while it is written. Those that know the
    YAML language server need this line at the top of the file:

    \b
      # yaml-language-server: $schema=scenario.schema.json
    """  # noqa: D301 - \b keeps click from joining the lines
    from eda_sim.spec import json_schema

    text = json.dumps(json_schema(), indent=2) + "\n"
    if out is None:
        click.echo(text, nl=False)
        return
    with whole_file(out) as path:
        path.write_text(text, encoding="utf-8")
