"""``eda-sim scenarios``: the worlds that come with the package."""

from __future__ import annotations

import json

import click

from eda_sim.cli.failures import BadInputError
from eda_sim.cli.options import json_option

__all__ = ["scenarios"]


@click.command(short_help="List the bundled scenarios, or print one.")
@click.argument("name", required=False)
@json_option
def scenarios(name: str | None, *, as_json: bool) -> None:
    """List the bundled scenarios, or print the file of the one called NAME.

    To begin a scenario of your own, copy one and change it:

    \b
      eda-sim scenarios checkout > mine.yaml
      eda-sim check mine.yaml
    """  # noqa: D301 - \b keeps click from joining the lines
    from eda_sim import spec

    if name is not None:
        try:
            click.echo(spec.bundled_text(name), nl=False)
        except spec.ScenarioError as error:
            raise BadInputError(str(error)) from error
        return
    entries = [(each, " ".join(spec.load(each).description.split())) for each in spec.scenarios()]
    if as_json:
        listed = [{"name": each, "description": description} for each, description in entries]
        click.echo(json.dumps(listed, indent=2))
        return
    width = max(len(each) for each, _ in entries)
    for each, description in entries:
        click.echo(f"{each:<{width}}  {description}".rstrip())
