"""``eda-sim fit``: a scenario that is calibrated on somebody's own log."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from eda_sim.cli.experiments import plain, records, table_lines
from eda_sim.cli.failures import BadInputError
from eda_sim.cli.files import whole_file
from eda_sim.cli.options import json_option
from eda_sim.cli.progress import progress_bar
from eda_sim.cli.wording import duration

if TYPE_CHECKING:
    import pandas as pd

    from eda_sim.fitting import ScenarioFit

__all__ = ["fit"]


@click.command(short_help="Make a scenario from a log of your own.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--out",
    "-o",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the scenario (YAML) to this file instead of printing it.",
)
@click.option(
    "--column",
    "columns",
    metavar="WHAT=NAME",
    multiple=True,
    help="What the log calls created, started, finished or instance; may be given more than once.",
)
@click.option(
    "--unit",
    type=click.Choice(["s", "ms", "us", "ns"]),
    default="s",
    show_default=True,
    help="Unit of moments that are numbers; timestamps and spans have their own.",
)
@click.option("--channel", metavar="NAME", help="Of spans: only this destination.")
@click.option("--consumer", metavar="NAME", help="Of spans: only this consumer group.")
@click.option("--as-is", is_flag=True, help="Repeat arrivals and service times of the log.")
@click.option("--check", is_flag=True, help="Run the scenario; compare its latency to the log's.")
@json_option
def fit(
    *,
    file: Path,
    out: Path | None,
    columns: tuple[str, ...],
    check: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Fit a scenario to a log: FILE is CSV, Parquet, or OpenTelemetry spans (OTLP JSON).

    A table has a row per message and the columns created, started and finished: numbers, or ISO
    timestamps. Arrivals come from created, service times from finished - started, workers from the
    messages that were in hand at once. The scenario goes to --out, or to standard output; the
    reasons for each part of it beside it.

    \b
    Examples:
      eda-sim fit orders.csv -o orders.yaml --check
      eda-sim fit orders.parquet --unit ms --column created=enqueued_at
      eda-sim fit spans.jsonl --channel orders --consumer billing
    """  # noqa: D301 - \b keeps click from joining the lines of the examples
    import eda_sim

    named = dict(_parsed(column) for column in columns)
    try:
        result = eda_sim.fit(file, columns=named or None, **options)
        text = result.text
    except ValueError as error:  # of the log, or of a scenario that it would make
        raise BadInputError(str(error)) from error
    compared = _compared(result) if check else None
    if out is not None:
        with whole_file(out) as path:
            path.write_text(text, encoding="utf-8")
    if as_json:
        click.echo(json.dumps(_as_json(result, compared, out), indent=2))
        return
    if out is None:
        click.echo(text, nl=False)
    click.echo(result.explanation, err=out is None)
    if compared is not None:
        for line in _comparison(compared):
            click.echo(line, err=out is None)
    if out is not None:
        click.echo(f"The scenario is in {out}")


def _parsed(column: str) -> tuple[str, str]:
    what, equals, name = column.partition("=")
    if not equals or not what or not name:
        message = f"--column {column!r}: must be WHAT=NAME, as in created=enqueued_at"
        raise BadInputError(message)
    return what, name


def _compared(result: ScenarioFit) -> pd.DataFrame:
    """Run the scenario; return percentiles of the log and of the run side by side."""
    import eda_sim

    with progress_bar(f"Simulating {result.scenario.name}") as show:
        run = eda_sim.run(result.scenario, progress=show)
    observed = result.observed
    simulated = run.latency().quantile(observed["quantile"].tolist())
    return observed.assign(
        simulated=simulated["value"].to_numpy(),
        simulated_low=simulated["low"].to_numpy(),
        simulated_high=simulated["high"].to_numpy(),
    )


def _comparison(table: pd.DataFrame) -> list[str]:
    rows = [("latency", "log", "95 % interval", "simulated", "95 % interval", "difference")]
    for quantile, *numbers in table.to_numpy(dtype=float).tolist():
        value, low, high, simulated, simulated_low, simulated_high = numbers
        observed = (duration(value), f"{duration(low)} to {duration(high)}")
        run = (duration(simulated), f"{duration(simulated_low)} to {duration(simulated_high)}")
        difference = f"{simulated / value - 1:+.1%}"
        rows += [(f"p{100 * quantile:g}", *observed, *run, difference)]
    return list(table_lines(rows))


def _as_json(
    result: ScenarioFit, compared: pd.DataFrame | None, out: Path | None
) -> dict[str, Any]:
    (workers,) = records(result.workers.table)
    return {
        "messages": len(result.log),
        "arrivals": result.arrivals.text,
        "arrival_candidates": records(result.arrivals.table),
        "arrival_tests": records(result.arrivals.tests),
        "service": None if result.service.chosen == "as_is" else result.service.text,
        "service_candidates": records(result.service.table),
        "workers": {name: plain(value) for name, value in workers.items()},
        "remarks": list(result.remarks),
        "latency": records(result.observed if compared is None else compared),
        "scenario": str(out) if out is not None else result.text,
    }
