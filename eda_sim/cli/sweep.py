"""``eda-sim sweep``: variants of a scenario, several runs of each, one table."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from eda_sim.cli.experiments import (
    experiment,
    experiment_options,
    records,
    table_lines,
    wording_of,
)
from eda_sim.cli.failures import BadInputError, FailedCheckError
from eda_sim.cli.files import whole_file
from eda_sim.cli.options import change_option, json_option, scenario_argument, usable_scenario

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

__all__ = ["sweep"]

SUFFIXES = (".csv", ".parquet")


@click.command(short_help="Simulate variants and tabulate what came of them.")
@scenario_argument
@click.option(
    "--vary",
    "grid",
    metavar="PATH=VALUES",
    multiple=True,
    required=True,
    help="Values of one path, as in consumers.billing.instances=4,6,8; given several times, every "
    "combination is run.",
)
@click.option(
    "--metric",
    "metrics",
    metavar="NAME",
    multiple=True,
    help="What to measure, as in latency.p99 or guarantee.lost@billing; may be given more than "
    "once.",
)
@click.option(
    "--replications",
    type=click.IntRange(1),
    default=5,
    show_default=True,
    help="Independent runs of each point; two or more give a confidence interval.",
)
@experiment_options
@change_option
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help=f"Save the table as well; the ending says how: {', '.join(SUFFIXES)}.",
)
@json_option
def sweep(
    *,
    scenario: str,
    grid: tuple[str, ...],
    metrics: tuple[str, ...],
    replications: int,
    changes: tuple[str, ...],
    out: Path | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Simulate variants of SCENARIO and tabulate what came of them.

    A row has the mean over the replications and its 95 % confidence interval. All points share
    their random numbers. If runs of a point fail, the others are made all the same and printed,
    and the exit code is 1.

    \b
    Examples:
      eda-sim sweep checkout --vary consumers.billing.instances=4,6,8
      eda-sim sweep mm1 --vary producers.clients.rate=4/s,8/s --metric latency.p99 --json
    """  # noqa: D301 - \b keeps click from joining the lines of the examples
    if out is not None and out.suffix.lower() not in SUFFIXES:
        message = f"--out {out}: the file name must end with {', '.join(SUFFIXES)}"
        raise BadInputError(message)
    points = dict(_values(each) for each in grid)
    chosen = usable_scenario(scenario, changes)
    import eda_sim
    from eda_sim.experiments.sweeping import USUAL_METRICS

    failure = ""
    with experiment(f"Sweep of {chosen.name}", options) as common:
        try:
            table = eda_sim.sweep(
                chosen,
                points,
                replications=replications,
                metrics=metrics or USUAL_METRICS,
                **common,
            )
        except eda_sim.ExperimentError as error:
            if error.table is None:
                raise
            table, failure = error.table, str(error)
    if out is not None:
        _save(table, out)
    if as_json:
        click.echo(json.dumps(records(table), indent=2))
    else:
        for line in _lines(table):
            click.echo(line)
    if failure:
        raise FailedCheckError(failure)


def _values(text: str) -> tuple[str, list[Any]]:
    """Read ``path=value,value``; a comma within brackets belongs to its value.

    Examples
    --------
    >>> _values("a.service=exponential(mean=1ms),erlang(mean=1ms, stages=2)")
    ('a.service', ['exponential(mean=1ms)', 'erlang(mean=1ms, stages=2)'])
    """
    from eda_sim import spec

    path, equals, values = text.partition("=")
    if not equals or not path.strip() or not values.strip():
        message = f"--vary {text!r}: must be PATH=VALUES, as in consumers.billing.instances=4,6,8"
        raise BadInputError(message)
    try:
        return path.strip(), [spec.parse_value(part) for part in _parts(values)]
    except spec.ScenarioError as error:
        message = f"--vary {text!r}: {error}"
        raise BadInputError(message) from error


def _parts(text: str) -> list[str]:
    parts, depth = [""], 0
    for sign in text:
        depth += (sign in "([{") - (sign in ")]}")
        if sign == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += sign
    return [part.strip() for part in parts]


def _save(table: pd.DataFrame, out: Path) -> None:
    with whole_file(out) as path:
        if out.suffix.lower() == ".csv":
            table.to_csv(path, index=False)
        else:
            words = {name: str for name in table.columns if table[name].dtype == object}
            table.astype(words).to_parquet(path, index=False)


def _lines(table: pd.DataFrame) -> Iterator[str]:
    from eda_sim.analysis.metrics import parse_metric

    first = list(table.columns).index("metric")
    paths = [str(name) for name in table.columns[1:first]]
    several = len(set(table["consumer"])) > 1
    rows = [(*paths, "metric", "mean", "95 % confidence", "runs")]
    for row in table.to_dict("records"):
        word = wording_of(parse_metric(row["metric"]))
        name = f"{row['metric']}@{row['consumer']}" if several else str(row["metric"])
        interval = f"{word(row['low'])} to {word(row['high'])}"
        interval = "-" if math.isnan(row["low"]) else interval
        mean = word(row["mean"]) if row["n"] else "failed"
        rows.append((*(str(row[path]) for path in paths), name, mean, interval, str(row["n"])))
    yield from table_lines(rows)
