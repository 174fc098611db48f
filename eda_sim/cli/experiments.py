"""What ``sweep``, ``compare`` and ``size`` have in common: who makes the runs, and how many."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from eda_sim.cli.failures import BadInputError, FailedCheckError
from eda_sim.cli.options import record_option
from eda_sim.cli.progress import progress_bar
from eda_sim.cli.wording import count, duration, percent, rate

if TYPE_CHECKING:
    import pandas as pd

    from eda_sim.analysis.metrics import Metric

__all__ = ["experiment", "experiment_options", "plain", "records", "table_lines", "wording_of"]

Command = TypeVar("Command", bound=Callable[..., Any])

_OPTIONS = (
    click.option(
        "--seed",
        type=click.IntRange(0, 2**32 - 1),
        help="Take another seed than the scenario's; equal seeds give equal runs.",
    ),
    click.option(
        "--workers",
        type=click.IntRange(1),
        metavar="N",
        help="Make so many runs at a time; default: what is fastest on this machine.",
    ),
    click.option(
        "--store",
        type=click.Path(path_type=Path, file_okay=False),
        metavar="FOLDER",
        help="Keep finished runs in this folder; the same command goes on where it was ended.",
    ),
    record_option,
)


def experiment_options(command: Command) -> Command:
    """Give a command the options of every experiment."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@contextlib.contextmanager
def experiment(label: str, options: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Hold the runs of an experiment: a bar while they are made, one line if they are refused.

    Parameters
    ----------
    label : str
        What the bar says.
    options : mapping
        The values of :func:`experiment_options`.

    Yields
    ------
    dict
        The arguments that ``sweep``, ``compare`` and ``size`` take alike.
    """
    with _refusals(), progress_bar(label) as show:
        yield {
            "executor": options["workers"],
            "store": options["store"],
            "seed": options["seed"],
            "record": options["record"],
            "progress": show or False,
        }


@contextlib.contextmanager
def _refusals() -> Iterator[None]:
    """Turn what the library says about arguments and runs into one line and an exit code."""
    from eda_sim.experiments import ExperimentError

    try:
        yield
    except ExperimentError as error:
        raise FailedCheckError(str(error)) from error
    except ValueError as error:
        raise BadInputError(str(error)) from error


def wording_of(metric: Metric) -> Callable[[float], str]:
    """Return how the values of a metric are written for people."""
    if metric.dimension == "time":
        return _times
    if metric.dimension == "rate":
        return rate
    return percent if metric.quantity == "utilization" else _number


def _times(seconds: float) -> str:
    return "never" if math.isinf(seconds) else duration(seconds)


def _number(value: float) -> str:
    if not math.isfinite(value):
        return "-"
    return count(value) if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


def table_lines(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Yield the lines of a table whose first row is its head: words to the left.

    Examples
    --------
    >>> list(table_lines([("a", "mean"), ("4", "20 ms")]))
    ['a  mean', '4  20 ms']
    """
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table as plain data; what does not exist is None."""
    return [
        {str(key): plain(value) for key, value in row.items()} for row in table.to_dict("records")
    ]


def plain(value: Any) -> Any:
    """Make a number of NumPy's one of Python's, and what is not a finite number None."""
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and not math.isfinite(value) else value
