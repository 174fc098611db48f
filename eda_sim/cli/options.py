"""What several commands have in common: naming a scenario, changing it, asking for JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from eda_sim.cli.failures import BadInputError

if TYPE_CHECKING:
    from eda_sim.spec import Scenario

__all__ = [
    "change_option",
    "json_option",
    "read_scenario",
    "record_option",
    "scenario_argument",
    "usable_scenario",
]

scenario_argument = click.argument("scenario")

change_option = click.option(
    "--set",
    "changes",
    metavar="PATH=VALUE",
    multiple=True,
    help="Change one value, as in consumers.billing.instances=4; may be given more than once.",
)

record_option = click.option(
    "--record",
    type=click.Choice(["full", "summary"]),
    default="full",
    show_default=True,
    help="What a run keeps: every row, or counts in constant memory, percentiles within 1 %.",
)

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON for scripts instead of text for people."
)


def read_scenario(name: str, changes: Sequence[str] = (), *, seed: int | None = None) -> Scenario:
    """Read a scenario and apply the changes of the command line.

    Parameters
    ----------
    name : str
        Name of a bundled scenario, or path of a YAML file.
    changes : sequence of str
        Each ``path=value``; the value as it would stand in a file.
    seed : int, optional
        A seed in place of the scenario's; it is the last change.

    Returns
    -------
    Scenario
        The scenario, validated.

    Raises
    ------
    BadInputError
        If a change is not of that form.
    ScenarioError
        If there is no such scenario, or something is wrong with it or with a change.

    Examples
    --------
    >>> read_scenario("checkout", ["consumers.billing.instances=4"]).consumers["billing"].instances
    4
    """
    from eda_sim import spec

    wanted = dict(_parse_change(change) for change in changes)
    if seed is not None:
        wanted["seed"] = seed
    scenario = spec.load(name)
    return scenario.replace(wanted) if wanted else scenario


def usable_scenario(name: str, changes: Sequence[str] = (), *, seed: int | None = None) -> Scenario:
    """Read a scenario as :func:`read_scenario`, for a command that cannot go on with a wrong one.

    Raises
    ------
    BadInputError
        If anything is wrong with it.
    """
    from eda_sim.spec import ScenarioError

    try:
        return read_scenario(name, changes, seed=seed)
    except ScenarioError as error:
        raise BadInputError(str(error)) from error


def _parse_change(change: str) -> tuple[str, object]:
    from eda_sim import spec

    path, equals, value = change.partition("=")
    if not equals or not path.strip():
        message = f"--set {change!r}: must be PATH=VALUE, as in consumers.billing.instances=4"
        raise BadInputError(message)
    try:
        return path.strip(), spec.parse_value(value)
    except spec.ScenarioError as error:
        message = f"--set {change!r}: {error}"
        raise BadInputError(message) from error
