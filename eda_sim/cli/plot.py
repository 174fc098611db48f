"""``eda-sim plot``: draw what a run saved."""

from __future__ import annotations

from pathlib import Path

import click

from eda_sim.cli.failures import BadInputError
from eda_sim.cli.files import whole_file

__all__ = ["plot"]

KINDS = {
    "overview": "latency and waiting messages over time",
    "latency": "latency by nines",
    "percentiles": "latency percentiles with confidence intervals",
    "ecdf": "the share of messages that took at most so long",
    "heatmap": "latency over time",
    "lag": "messages not yet settled, over time",
    "queue": "messages that wait for a worker, over time",
    "recovery": "the lag around faults, and how long until it is made up",
    "timeline": "what each instance did with each delivery",
    "topology": "producers, channels and consumers as a graph",
}
SUFFIXES = (".png", ".svg", ".pdf")


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--kind",
    type=click.Choice(list(KINDS)),
    default="overview",
    show_default=True,
    help="; ".join(f"{kind}: {meaning}" for kind, meaning in KINDS.items()) + ".",
)
@click.option("--consumer", metavar="NAME", help="Show this consumer only; default all of them.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    required=True,
    help=f"Where to save the figure; the ending says how: {', '.join(SUFFIXES)}.",
)
def plot(folder: Path, kind: str, consumer: str | None, out: Path) -> None:
    """Draw a figure of the run that is saved in FOLDER.

    FOLDER is what eda-sim run wrote with --out.

    \b
    Example:
      eda-sim run checkout --out results/checkout
      eda-sim plot results/checkout --kind lag --out lag.png
    """  # noqa: D301 - \b keeps click from joining the lines of the example
    if out.suffix.lower() not in SUFFIXES:
        message = f"--out {out}: the file name must end with {', '.join(SUFFIXES)}"
        raise BadInputError(message)
    from eda_sim.analysis.storage import RunFolderError
    from eda_sim.cli.figures import save_figure
    from eda_sim.simulation import Run

    try:
        run = Run.load(folder)
    except RunFolderError as error:
        raise BadInputError(str(error)) from error
    with whole_file(out) as path:
        save_figure(run, kind, path, consumer=consumer)
