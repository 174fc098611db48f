"""Duplicates: what became of the messages, and how many copies slip past a window.

The words
---------
outcome
    What became of a message: lost, pending, exactly once, duplicated.
window
    How long a deduplicator remembers an id.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter

from eda_sim.plots import style, sweeps

_COLORS = {
    "lost": style.FAULT,
    "pending": style.WAITING,
    "exactly_once": style.WORK,
    "duplicated": style.AGAIN,
}
_BAR = 0.8
"""Room of all bars of one name together, where the distance of two names is 1."""


def guarantee(table: pd.DataFrame, *, title: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw what became of the messages, with intervals: one group of bars per name.

    Parameters
    ----------
    table : DataFrame
        ``name``, ``outcome`` (``lost``, ``pending``, ``exactly_once``, ``duplicated``), ``value``,
        ``low``, ``high`` (shares), as :func:`eda_sim.analysis.guarantee.shares` returns it. Names
        go down in this order. An outcome that no name has at all is left out.
    title : str, optional
        Instead of the one that says what is to be seen.
    ax : Axes, optional
        Where to draw; a new figure without it.

    Returns
    -------
    Axes
    """
    names = list(dict.fromkeys(table["name"]))
    outcomes = [
        each
        for each in _COLORS
        if each == "exactly_once" or (table["value"][table["outcome"] == each] > 0).any()
    ]
    height = _BAR / len(outcomes)
    ax = style.axes_or_new(ax, height=1.1 + 0.2 * len(outcomes) * max(len(names), 2))
    for row in table[table["outcome"].isin(outcomes)].to_dict("records"):
        outcome = row["outcome"]
        place = names.index(row["name"]) + (outcomes.index(outcome) + 0.5) * height - _BAR / 2
        color = _COLORS[outcome]
        value, high = row["value"], row["high"]
        ax.barh(place, value, height=0.86 * height, color=color, zorder=2)
        ax.hlines(place, row["low"], high, color=style.INK, linewidth=1.3, zorder=3)
        ax.annotate(
            f"{_short(value)} {outcome.replace('_', ' ')}",
            xy=(max(value, high), place),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=style.NOTE_SIZE,
            color=style.INK,
        )
    ax.set_yticks(np.arange(len(names)), [str(name) for name in names])
    ax.set_ylim(max(len(names), 1) - 0.5, -0.5)
    ax.set_xlim(0, 1.32)  # room for the words behind a full bar
    ax.xaxis.set_major_locator(FixedLocator([0, 0.25, 0.5, 0.75, 1]))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: style.percent_text(value)))
    words = style.with_intervals("share of the messages", table)
    style.dress(ax, title=title or "What became of the messages", x=words, y="", grid="x")
    return ax


def residual(
    table: pd.DataFrame,
    *,
    theory: pd.DataFrame | None = None,
    x: str = "deduplication window",
    y: str = "share of the copies that slip",
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the share of copies that slip past a deduplication window, over the window's length.

    Parameters
    ----------
    table : DataFrame
        ``name``, ``window_s`` (s), ``value``, ``low``, ``high`` (shares).
    theory : DataFrame, optional
        ``name``, ``window_s``, ``value``: drawn as lines, the simulation as points on them.
    x, y : str
        What is measured, where it is another time limit than a window, such as a visibility timeout
        that some services exceed.
    title : str, optional
        Instead of the one that says what is to be seen.
    ax : Axes, optional
        Where to draw; a new figure without it.

    Returns
    -------
    Axes
        The shares on a logarithmic axis; where nothing slipped there is the interval alone.
    """
    ax = style.axes_or_new(ax)
    seen = pd.concat([table["value"], table["high"]])
    seen = seen[seen > 0]
    ax.set_yscale("log")
    longest = float(table["window_s"].max()) if len(table) else 1.0
    ax.set_xlim(0, 1.03 * longest)
    ax.set_ylim(*((float(seen.min()) / 2, 1.0) if len(seen) else (1e-3, 1.0)))
    ends = []
    for number, name in enumerate(dict.fromkeys(table["name"])):
        own = table[table["name"] == name].sort_values("window_s")
        look = style.line_style(number)
        sweeps.points(ax, own["window_s"], own, str(look["color"]))
        line = own if theory is None else theory[theory["name"] == name].sort_values("window_s")
        ax.plot(line["window_s"], line["value"], zorder=1.5, **{**look, "linewidth": 1.3})
        if len(line):
            last = line.iloc[-1]
            end = (float(last["window_s"]), float(last["value"]))
            ends.append((*end, str(name), str(look["color"])))
    style.duration_ticks(ax, "x", longest)
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: style.percent_text(value)))
    style.label_ends(ax, ends)
    style.dress(
        ax,
        title=title or "The longer the window, the fewer copies slip past it",
        x=x,
        y=style.with_intervals(y, table),
    )
    return ax


def _short(share: float) -> str:
    """Return a share as a percentage with two digits that count, or one decimal near 100 %."""
    percent = 100 * share
    return f"{percent:.1f} %" if percent >= 10 else f"{percent:.2g} %"
