"""``eda-sim check``: is a scenario right, and is what the simulator makes of it right."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from eda_sim.cli.failures import BadInputError, FailedCheckError
from eda_sim.cli.options import change_option, read_scenario, scenario_argument
from eda_sim.cli.progress import progress_bar
from eda_sim.cli.wording import count, duration

if TYPE_CHECKING:
    from eda_sim.simulation import Run
    from eda_sim.spec import Scenario

__all__ = ["check"]

MESSAGES = 200_000
"""Messages for which the reference engine needs some ten seconds."""


@click.command()
@scenario_argument
@change_option
@click.option(
    "--messages",
    type=click.IntRange(1),
    default=MESSAGES,
    show_default=True,
    help="Stop after so many messages: the reference engine makes some 30,000 in a second.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    help="Take another seed than the scenario's; equal seeds give equal runs.",
)
@click.option("--validate-only", is_flag=True, help="Read the scenario, and run nothing.")
def check(
    scenario: str, changes: tuple[str, ...], messages: int, seed: int | None, *, validate_only: bool
) -> None:
    """Check SCENARIO, and what the simulator makes of it.

    First it is read: one line per mistake says where it is, what is wrong and what would be right.
    What is allowed but hardly meant is printed as a remark. Then both engines run it. Every law of
    the model has to hold for the run (no effect before creation, each message accounted for, ...),
    and the engines have to agree in every number, to the last bit.

    The exit code is 0 if all is well, with remarks or without; 1 for a scenario with mistakes, a
    broken law, or engines that differ; and 2 if there is no such scenario.

    \b
    Examples:
      eda-sim check my-system.yaml
      eda-sim check checkout --messages 10000 --seed 3
    """  # noqa: D301 - \b keeps click from joining the lines of the examples
    checked = _validated(scenario, changes)
    if not validate_only:
        _run_and_compare(checked, messages, seed)


def _validated(name: str, changes: tuple[str, ...]) -> Scenario:
    """Read a scenario; print what is wrong or odd about it, line by line."""
    from eda_sim import spec

    try:
        scenario = read_scenario(name, changes)
    except spec.ScenarioError as error:
        if name not in spec.scenarios() and not Path(name).is_file():
            raise BadInputError(str(error)) from error
        for problem in error.problems:
            click.echo(str(problem))
        message = f"{name}: {_counted(len(error.problems), 'mistake')}"
        raise FailedCheckError(message) from error
    for remark in spec.remarks(scenario):
        click.echo(f"remark: {remark}")
    click.echo(f"{scenario.name}: valid")
    return scenario


def _run_and_compare(scenario: Scenario, messages: int, seed: int | None) -> None:
    """Run a scenario on both engines; print what was compared, or what is wrong and where first."""
    import eda_sim
    from eda_sim.engine.laws import LawViolation
    from eda_sim.engine.twins import TwinError
    from eda_sim.spec.names import MOST_MESSAGES

    messages = min(messages, MOST_MESSAGES)
    is_shorter = scenario.messages is None or scenario.messages > messages
    whole = f"{scenario.name}, seed {scenario.seed if seed is None else seed}"
    chosen = scenario.replace({"messages": messages}) if is_shorter else scenario
    try:
        with progress_bar(f"Checking {scenario.name}") as show:
            run = eda_sim.check(chosen, seed=seed, progress=show)
    except LawViolation as error:
        click.echo(str(error))
        message = f"{whole}: law {error.law} is broken; this is a mistake in eda_sim"
        raise FailedCheckError(message) from error
    except TwinError as error:
        click.echo(f"the engines differ, first in {error.difference}")
        message = f"{whole}: the engines differ; this is a mistake in eda_sim"
        raise FailedCheckError(message) from error
    for line in _findings(run, is_cut=is_shorter and _produced(run) >= messages):
        click.echo(line)


def _findings(run: Run, *, is_cut: bool) -> Iterator[str]:
    """Say in plain words what was run, and what was found to be right."""
    from eda_sim.engine.laws import LAWS
    from eda_sim.engine.trace import TABLES

    size = (
        f"{_counted(len(run.messages), 'message')}, "
        f"{_counted(len(run.deliveries), 'delivery', 'deliveries')}, "
        f"{_counted(len(run.faults), 'fault')}"
    )
    yield f"run by both engines: {size} in {duration(run.ended_at)}, seed {run.seed}"
    if is_cut:
        yield "the scenario would go on from there: --messages says how many messages to run"
    tables = (getattr(run.trace, name) for name in TABLES)
    values = sum(column.size for table in tables for column in table.values())
    yield f"all {len(LAWS)} laws of the model hold"
    yield f"the engines agree in all {count(values)} values of {len(TABLES)} tables, bit for bit"


def _produced(run: Run) -> int:
    """Return how many messages came from producers; those that consumers emit have no limit."""
    sources = run.trace.messages["source"]
    return int((sources < len(run.scenario.producers)).sum())


def _counted(number: int, one: str, many: str | None = None) -> str:
    """Write a number of things.

    Examples
    --------
    >>> _counted(1, "fault"), _counted(1200, "fault"), _counted(2, "delivery", "deliveries")
    ('1 fault', '1,200 faults', '2 deliveries')
    """
    return f"{count(number)} {one if number == 1 else many or one + 's'}"
