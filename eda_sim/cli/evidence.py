"""``eda-sim evidence``: the page that shows what the numbers rest on."""

from __future__ import annotations

from pathlib import Path

import click

from eda_sim.cli.failures import FailedCheckError
from eda_sim.cli.files import whole_file
from eda_sim.cli.progress import progress_bar

__all__ = ["evidence"]


@click.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the page to this file instead of printing it.",
)
@click.option(
    "--experiments",
    type=click.IntRange(20),
    default=1000,
    show_default=True,
    help="Intervals of each kind whose coverage is counted.",
)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Of these.")
def evidence(out: Path | None, experiments: int, seed: int) -> None:
    """Make the page of evidence for the numbers of this version.

    Records of others are computed and simulated, all bundled scenarios run on both engines, and
    intervals are made for models whose truth is known. It takes a few minutes.

    The exit code is 1 if a record or an engine does not agree; the page is written all the same,
    and shows it.
    """
    from eda_sim.evidence.coverage import coverage
    from eda_sim.evidence.engines import engines_table
    from eda_sim.evidence.page import Evidence, page
    from eda_sim.evidence.verdicts import computed_table, simulated_table

    with progress_bar("evidence") as bar:
        show = bar or (lambda _: None)
        computed = computed_table()
        show(0.05)
        engines = engines_table(progress=lambda share: show(0.05 + 0.25 * share))
        simulated = simulated_table()
        show(0.8)
        covered = coverage(experiments=experiments, seed=seed)
        show(1.0)
    found = Evidence(computed=computed, simulated=simulated, engines=engines, coverage=covered)
    text = page(found)
    if out is None:
        click.echo(text, nl=False)
    else:
        with whole_file(out) as path:
            path.write_text(text, encoding="utf-8")
    failures = found.failures()
    if failures:
        raise FailedCheckError("\n".join(failures))
