"""Warm-up: where the average over runs gets flat, and where it was cut."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from eda_sim.plots import style


def welch(
    table: pd.DataFrame,
    *,
    cut: int | None = None,
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw Welch's plot: the average of each observation over runs, and its moving average.

    Parameters
    ----------
    table : DataFrame
        From :func:`eda_sim.analysis.warmup.welch`: ``observation``, ``mean``, ``smoothed`` (s).
    cut : int, optional
        Observations that are left out, as :func:`~eda_sim.analysis.warmup.mser5` says: a vertical
        line.
    title : str, optional
        Instead of the one that says what is to be seen.
    ax : Axes, optional
        Where to draw; a new figure without it.

    Returns
    -------
    Axes
    """
    ax = style.axes_or_new(ax)
    faint: style.Look = {"color": style.SERIES[4], "linewidth": 0.8, "alpha": 0.7}
    ax.plot(table["observation"], table["mean"], label="mean over runs", **faint)
    strong: style.Look = {"color": style.BLUE, "linewidth": 2.0}
    ax.plot(table["observation"], table["smoothed"], label="moving average", **strong)
    if cut is not None:
        look: style.Look = {"color": style.VERMILION, "linewidth": 1.2, "linestyle": (0, (6, 2))}
        ax.axvline(cut, label=f"{cut:,} left out", **look)
    ax.set_xlim(0, len(table))
    ax.set_ylim(0, None)
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: style.duration_text(value)))
    ax.legend(frameon=False, fontsize=style.NOTE_SIZE, loc="lower right")
    style.dress(
        ax,
        title=title or "Leave out what comes before the curve is flat",
        x="message [number from the start of the run]",
        y="mean over runs",
    )
    return ax
