"""``eda-sim evidence``: the page that shows what the numbers rest on."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import click

from eda_sim.cli.failures import BadInputError, FailedCheckError
from eda_sim.cli.files import whole_file
from eda_sim.cli.progress import progress_bar

__all__ = ["evidence"]


@click.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    multiple=True,
    help="Write the page to this file instead of printing it: Markdown (.md), or a notebook "
    "(.ipynb) whose cells ask again. May be given more than once.",
)
@click.option(
    "--experiments",
    type=click.IntRange(20),
    default=1000,
    show_default=True,
    help="Intervals of each kind whose coverage is counted.",
)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Of these.")
def evidence(out: tuple[Path, ...], experiments: int, seed: int) -> None:
    """Make the page of evidence for the numbers of this version.

    Records of others are computed and simulated, all bundled scenarios run on both engines, and
    intervals are made for models whose truth is known. It takes a few minutes.

    If a record or an engine does not agree, the exit code is 1, each is named, and the files stay
    as they were. Without --out the page is printed all the same.
    """
    _refuse_other_kinds(out)
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
    if not out:
        click.echo(text, nl=False)
    failures = found.failures()
    if failures:
        raise FailedCheckError("\n".join(failures))
    # A notebook may still fail, so nothing is written before everything is there.
    contents = [(path, _as_notebook(text) if path.suffix == ".ipynb" else text) for path in out]
    for target, content in contents:
        with whole_file(target) as path:
            path.write_text(content, encoding="utf-8")


def _refuse_other_kinds(out: tuple[Path, ...]) -> None:
    """Refuse, before minutes of work, what could not be written."""
    for path in out:
        if path.suffix not in {".md", ".ipynb"}:
            message = f"--out {path}: must end in .md (Markdown) or .ipynb (a notebook)"
            raise BadInputError(message)
    if any(path.suffix == ".ipynb" for path in out) and not find_spec("ipykernel"):
        message = "a notebook is run by ipykernel, which is missing: install 'eda-sim[lab]'"
        raise BadInputError(message)


def _as_notebook(text: str) -> str:
    import nbformat

    from eda_sim.evidence.notebook import answered, notebook

    return str(nbformat.writes(answered(notebook(text)))) + "\n"
