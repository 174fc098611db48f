"""``eda-sim run``: simulate a scenario, print its numbers, save its tables and a figure."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from eda_sim.cli.failures import BadInputError
from eda_sim.cli.files import whole_folder
from eda_sim.cli.options import (
    change_option,
    json_option,
    record_option,
    scenario_argument,
    usable_scenario,
)
from eda_sim.cli.progress import progress_bar

if TYPE_CHECKING:
    from eda_sim.engine.execute import Record
    from eda_sim.run_summary import RunSummary
    from eda_sim.simulation import Run

__all__ = ["run"]

FIGURE = "overview.png"


@click.command()
@scenario_argument
@change_option
@click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    help="Take another seed than the scenario's; equal seeds give equal runs.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Save the tables (Parquet), the scenario (YAML) and a figure (PNG) in this folder.",
)
@record_option
@json_option
def run(
    *,
    scenario: str,
    changes: tuple[str, ...],
    seed: int | None,
    out: Path | None,
    record: Record,
    as_json: bool,
) -> None:
    """Simulate SCENARIO and print what happened.

    The table shows, for each consumer, how many messages took effect exactly once, more than once,
    or never (lost, or still pending at the end), and, with their 95 % confidence intervals, latency
    from creation to effect, throughput, and how busy the workers were. With --record summary the
    run is counted in constant memory: percentiles are within 1 %, only the throughput has an
    interval, and --out saves the counts (JSON) and the scenario, no figure.

    \b
    Examples:
      eda-sim run checkout
      eda-sim run checkout --set consumers.billing.instances=4 --out results/four
      eda-sim run my-system.yaml --seed 3 --json
      eda-sim run mm1 --set duration=1000h --record summary
    """  # noqa: D301 - \b keeps click from joining the lines of the examples
    chosen = usable_scenario(scenario, changes, seed=seed)
    if out is not None:
        _refuse_early(out)
    import eda_sim
    from eda_sim.cli import report

    with progress_bar(f"Simulating {chosen.name}") as show:
        result = eda_sim.run(chosen, record=record, progress=show)
    saved = _save(result, out) if out is not None else ""
    if as_json:
        click.echo(json.dumps({**report.as_json(result), "folder": out and str(out)}, indent=2))
        return
    for line in report.as_text(result):
        click.echo(line)
    if saved:
        click.echo(saved)


def _refuse_early(out: Path) -> None:
    """Say what would be wrong with the folder before a long run, not after it."""
    from eda_sim.analysis.storage import is_run_folder

    existing = next(place for place in (out, *out.absolute().parents) if place.exists())
    if not existing.is_dir():
        message = f"--out {out}: {existing} is a file, not a folder"
        raise BadInputError(message)
    if existing == out and any(out.iterdir()) and not is_run_folder(out):
        message = f"--out {out}: holds other files and no run; name a new folder"
        raise BadInputError(message)


def _save(result: Run | RunSummary, out: Path) -> str:
    """Save a run; return what to say about it."""
    from eda_sim.cli.figures import save_figure
    from eda_sim.run_summary import RunSummary

    if isinstance(result, RunSummary):
        result.save(out)
        return f"The summary and the scenario are in {out}"
    with whole_folder(out) as folder:
        result.save(folder)
        save_figure(result, "overview", folder / FIGURE)
    return f"Tables, scenario and figure are in {out} ({out / FIGURE})"
