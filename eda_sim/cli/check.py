"""``eda-sim check``: what is wrong with a scenario, one line per mistake."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from eda_sim.cli.failures import BadInputError, FailedCheckError
from eda_sim.cli.options import change_option, read_scenario, scenario_argument

if TYPE_CHECKING:
    from eda_sim.spec import ScenarioError

__all__ = ["check"]


@click.command()
@scenario_argument
@change_option
def check(scenario: str, changes: tuple[str, ...]) -> None:
    """Check SCENARIO and print one line per mistake.

    A line says where the mistake is, what is wrong and what would be right. What is allowed but
    hardly meant is printed as a remark. The exit code is 0 for a valid scenario, with remarks or
    without, 1 for one with mistakes, and 2 if there is no such scenario.
    """
    from eda_sim import spec

    try:
        checked = read_scenario(scenario, changes)
    except spec.ScenarioError as error:
        if scenario not in spec.scenarios() and not Path(scenario).is_file():
            raise BadInputError(str(error)) from error
        for problem in error.problems:
            click.echo(str(problem))
        message = f"{scenario}: {_how_many(error)}"
        raise FailedCheckError(message) from error
    for remark in spec.remarks(checked):
        click.echo(f"remark: {remark}")
    click.echo(f"{checked.name}: valid")


def _how_many(error: ScenarioError) -> str:
    number = len(error.problems)
    return "1 mistake" if number == 1 else f"{number} mistakes"
