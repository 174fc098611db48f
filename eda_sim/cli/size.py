"""``eda-sim size``: the smallest value of a parameter that meets an objective."""

from __future__ import annotations

import json
from typing import Any

import click

from eda_sim.cli.experiments import (
    experiment,
    experiment_options,
    plain,
    records,
    table_lines,
    wording_of,
)
from eda_sim.cli.failures import BadInputError, FailedCheckError
from eda_sim.cli.options import change_option, json_option, scenario_argument, usable_scenario

__all__ = ["size"]


@click.command(short_help="Find the smallest value that meets an objective.")
@scenario_argument
@click.argument("objective")
@click.option(
    "--vary",
    metavar="PATH",
    required=True,
    help="What to vary, as in consumers.billing.instances.",
)
@click.option(
    "--low", default="1", show_default=True, metavar="VALUE", help="Low end of the range."
)
@click.option(
    "--high", default="64", show_default=True, metavar="VALUE", help="High end of the range."
)
@click.option(
    "--find",
    type=click.Choice(["smallest", "largest"]),
    default="smallest",
    show_default=True,
    help="The smallest value, where more helps, or the largest, where more hurts.",
)
@click.option(
    "--replications",
    type=click.IntRange(2),
    default=10,
    show_default=True,
    help="Independent runs of each value that is tried.",
)
@experiment_options
@change_option
@json_option
def size(
    *,
    scenario: str,
    objective: str,
    vary: str,
    changes: tuple[str, ...],
    as_json: bool,
    **options: Any,
) -> None:
    """Find the smallest value with which SCENARIO meets OBJECTIVE.

    OBJECTIVE is a bound on a metric, such as "latency.p99 < 200ms" or "guarantee.lost == 0". It is
    met when the 95 % confidence bound of the mean is on the right side, or, with ==, every run. The
    exit code is 1 if no value of the range meets it.

    \b
    Examples:
      eda-sim size checkout "latency.p99 < 2s" --vary consumers.billing.instances
      eda-sim size mm1 "latency.p99 < 1s" --vary producers.clients.rate \\
          --low 1/s --high 9/s --find largest
    """  # noqa: D301 - \b keeps click from joining the lines of the examples
    chosen = usable_scenario(scenario, changes)
    import eda_sim

    ends = {name: _end(name, options[name]) for name in ("low", "high")}
    with experiment(f"Sizing {chosen.name}", options) as common:
        result = eda_sim.size(
            chosen,
            objective,
            vary=vary,
            **ends,
            find=options["find"],
            replications=options["replications"],
            **common,
        )
    if as_json:
        printed = {
            "value": plain(result.value),
            "objective": str(result.objective),
            "vary": vary,
            "confidence": result.confidence,
            "table": records(result.table),
        }
        click.echo(json.dumps(printed, indent=2))
    else:
        word = wording_of(result.objective.metric)
        # A one-sided interval has one end: what must be on the right side of the objective.
        share = f"{100 * result.confidence:.4g} %"
        bound = "worst run" if result.objective.is_exact else f"one-sided {share} bound"
        rows = [(vary, "mean", bound, "runs", "meets")]
        rows += [
            (str(value), word(mean), word(bound), str(n), "yes" if meets else "no")
            for value, mean, bound, n, meets in result.table.itertuples(index=False)
        ]
        for line in table_lines(rows):
            click.echo(line)
    if result.value is None:
        raise FailedCheckError(repr(result))
    if not as_json:
        click.echo("")
        click.echo(repr(result))


def _end(name: str, text: str) -> Any:
    from eda_sim import spec

    try:
        return spec.parse_value(text)
    except spec.ScenarioError as error:
        message = f"--{name} {text!r}: {error}"
        raise BadInputError(message) from error
