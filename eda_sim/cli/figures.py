"""Figures as files: one kind of plot, or the overview that ``eda-sim run`` saves."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.figure import Figure

from eda_sim.cli.failures import BadInputError

if TYPE_CHECKING:
    from eda_sim.simulation import Run

__all__ = ["save_figure"]

_OF_ALL = ("topology",)
"""Kinds that show the whole scenario."""

_OF_ONE = ("heatmap", "timeline")
"""Kinds that show one consumer only."""

_METHODS = {"queue": "queue_length"}
"""Methods of ``run.plot`` that are not called like their kind."""

_DOTS_PER_INCH = 144


def save_figure(run: Run, kind: str, path: Path, *, consumer: str | None = None) -> None:
    """Draw one kind of figure and save it.

    Parameters
    ----------
    run : Run
        What to draw.
    kind : str
        ``overview``, ``queue``, or the name of a method of ``run.plot``.
    path : Path
        Where to; the suffix says in which format.
    consumer : str, optional
        Show this consumer only. A scenario without consumers is always drawn as a graph.

    Raises
    ------
    BadInputError
        If there is no such consumer, or the figure needs one and the run has several.
    """
    names = list(run.scenario.consumers)
    if consumer is not None and consumer not in names:
        message = f"--consumer {consumer!r}: must be one of {', '.join(names)}"
        raise BadInputError(message)
    if consumer is None and kind in _OF_ONE and len(names) > 1:
        message = f"--kind {kind} shows one consumer: choose with --consumer {' | '.join(names)}"
        raise BadInputError(message)
    if kind in _OF_ALL or not names:
        figure = run.plot.topology().figure
    elif kind == "overview":
        figure = _overview(run, consumer)
    else:
        figure = getattr(run.plot, _METHODS.get(kind, kind))(consumer).figure
    _save(figure, path)


def _overview(run: Run, consumer: str | None) -> Figure:
    """Draw latency over time, and below it how many messages wait for a worker.

    Latency is that of one consumer; if none is named, of the one with the worst 99th percentile.
    """
    summary = run.summary().fillna({"latency_p99_s": 0.0})
    worst = str(summary["consumer"][int(summary["latency_p99_s"].to_numpy().argmax())])
    figure = Figure(figsize=(8.6, 6.8), layout="constrained", facecolor="white")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[3, 2])
    run.plot.heatmap(consumer or worst, ax=above)
    run.plot.queue_length(consumer, ax=below)
    below.set_xlim(0, run.ended_at or 1.0)
    above.set_xlabel("")
    return figure


def _save(figure: Any, path: Path) -> None:
    """Save without the moment and the version of the library: equal runs give equal files."""
    nameless = {".png": {"Software": None}, ".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
    with mpl.rc_context({"svg.hashsalt": "eda_sim"}):
        figure.savefig(path, dpi=_DOTS_PER_INCH, metadata=nameless[path.suffix.lower()])
