"""``eda-sim compare``: how different two scenarios are, chance set aside."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import click

from eda_sim.cli.experiments import (
    experiment,
    experiment_options,
    plain,
    records,
    table_lines,
    wording_of,
)
from eda_sim.cli.failures import BadInputError
from eda_sim.cli.options import change_option, json_option, scenario_argument, usable_scenario

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eda_sim.experiments import Comparison

__all__ = ["compare"]


@click.command(short_help="Tell how two scenarios differ, chance set aside.")
@scenario_argument
@click.argument("variant", required=False)
@click.option(
    "--to",
    "to",
    metavar="PATH=VALUE",
    multiple=True,
    help="What the variant changes, as in consumers.billing.instances=4; may be given more than "
    "once.",
)
@click.option(
    "--metric",
    metavar="NAME",
    default="latency.p99",
    show_default=True,
    help="What to compare, as in latency.mean or guarantee.lost@billing.",
)
@click.option(
    "--replications",
    type=click.IntRange(2),
    default=20,
    show_default=True,
    help="Pairs of runs.",
)
@experiment_options
@change_option
@json_option
def compare(
    *,
    scenario: str,
    variant: str | None,
    to: tuple[str, ...],
    metric: str,
    replications: int,
    changes: tuple[str, ...],
    as_json: bool,
    **options: Any,
) -> None:
    """Compare SCENARIO with another scenario, VARIANT, or with changes of its own.

    Both are run with the same random numbers, and the difference is taken within each pair of
    runs. Changes with --set hold for both, those with --to for the variant alone.

    \b
    Example:
      eda-sim compare checkout --to consumers.billing.instances=8 --metric latency.p99
    """  # noqa: D301 - \b keeps click from joining the lines of the example
    if variant is None and not to:
        message = "nothing to compare with: name a VARIANT, or change something with --to"
        raise BadInputError(message)
    for each in to:
        if "=" not in each:
            message = f"--to {each!r}: must be PATH=VALUE, as in consumers.billing.instances=4"
            raise BadInputError(message)
    before = usable_scenario(scenario, changes)
    after = usable_scenario(variant or scenario, (*changes, *to))
    import eda_sim

    with experiment(f"Comparison of {before.name}", options) as common:
        result = eda_sim.compare(
            before,
            after,
            metric=metric,
            replications=replications,
            **common,
        )
    if as_json:
        printed = {
            "metric": str(result.metric),
            "confidence": result.confidence,
            "table": records(result.table),
            "variance_ratio": plain(result.variance_ratio),
            "independent_replications": plain(result.independent_replications),
        }
        click.echo(json.dumps(printed, indent=2))
        return
    for line in _lines(result):
        click.echo(line)


def _lines(result: Comparison) -> Iterator[str]:
    word = wording_of(result.metric)
    rows = [(str(result.metric), "mean", f"{100 * result.confidence:g} % confidence")]
    rows += [
        (str(what), word(mean), f"{word(low)} to {word(high)}")
        for what, mean, low, high, _ in result.table.itertuples(index=False)
    ]
    yield from table_lines(rows)
    yield ""
    different = "is not one of chance" if result.is_different else "may be one of chance"
    yield f"The difference {different}."
    needed = result.independent_replications
    if math.isfinite(needed):
        yield (
            f"{len(result.runs)} pairs told what {needed:,.0f} independent runs of each would have."
        )
