"""Sweeps: what becomes of a number when a knob is turned, and how sure that is.

The words
---------
load curve
    Latency over utilization: the "hockey stick".
estimate
    A number from simulations with the interval that holds the true one, most of the time.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from eda_sim.plots import style


def load_curve(
    table: pd.DataFrame,
    *,
    theory: pd.DataFrame | None = None,
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw percentiles of latency over utilization, with intervals, and theory behind them.

    Parameters
    ----------
    table : DataFrame
        One row per load and percentile: ``utilization`` (share), ``quantile``, ``value``, ``low``,
        ``high`` (s).
    theory : DataFrame, optional
        The same without ``low`` and ``high``: drawn as lines, the runs as points on them.
    title : str, optional
        Instead of the one that says what is to be seen.
    ax : Axes, optional
        Where to draw; a new figure without it.

    Returns
    -------
    Axes
    """
    ax = style.axes_or_new(ax)
    ends = []
    shares = sorted(set(table["quantile"]))
    for number, share in enumerate(shares):
        color = style.SERIES[number % len(style.SERIES)]
        own = table[table["quantile"] == share].sort_values("utilization")
        points(ax, own["utilization"], own, color)
        line = own if theory is None else theory[theory["quantile"] == share]
        line = line.sort_values("utilization")
        look = style.line_style(number) | {"linewidth": 1.2}
        ax.plot(line["utilization"], line["value"], zorder=1.5, **look)
        if len(line):
            last = (float(line["utilization"].iloc[-1]), float(line["value"].iloc[-1]))
            ends.append((*last, style.percentile_text(share), color))
    ax.set_xlim(0, 1)
    ax.set_ylim(0, None)
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: style.percent_text(value)))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: style.duration_text(value)))
    style.label_ends(ax, ends)
    style.dress(
        ax,
        title=title or "The last tenth of utilization costs the most",
        x="utilization [share of time that the workers are busy]",
        y=style.with_intervals(style.LATENCY, table),
    )
    return ax


def estimates(
    table: pd.DataFrame,
    *,
    reference: tuple[float, str] | None = None,
    what: str = style.LATENCY,
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw named numbers with their intervals, one below the other.

    Parameters
    ----------
    table : DataFrame
        ``name``, ``value``, ``low``, ``high`` (s), drawn from the top in this order. A point
        without an interval (NaN) is hollow. A column ``theory``, if there, is drawn as strokes.
    reference : (float, str), optional
        A value to compare with (s) and its name: a vertical line.
    what : str
        What the values measure.
    title : str, optional
        Instead of the one that says what is to be seen.
    ax : Axes, optional
        Where to draw; a new figure without it.

    Returns
    -------
    Axes
    """
    ax = style.axes_or_new(ax, height=1.2 + 0.2 * max(len(table), 4))
    place = pd.Series(np.arange(len(table)), index=table.index, dtype=float)
    if reference is not None:
        value, name = reference
        ax.axvline(value, color=style.VERMILION, linewidth=1.2, linestyle=(0, (6, 2)), zorder=1)
        ax.annotate(
            name,
            xy=(value, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(4, -2),
            textcoords="offset points",
            va="top",
            fontsize=style.NOTE_SIZE,
            color=style.VERMILION,
        )
    points(ax, place, table, style.BLUE, upright=False)
    if "theory" in table:
        look: style.Look = {"color": style.VERMILION, "markersize": 13, "markeredgewidth": 1.6}
        ax.plot(table["theory"], place, "|", label="theory", zorder=4, **look)
        ax.legend(frameon=False, fontsize=style.NOTE_SIZE, loc="upper right")
    ax.set_yticks(place, [str(name) for name in table["name"]])
    ax.set_ylim(len(table) - 0.4, -1.1 if reference is not None else -0.6)
    ax.set_xlim(0, None)
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: style.duration_text(value)))
    words = style.with_intervals(what, table)
    style.dress(ax, title=title or "Estimates with their intervals", x=words, y="", grid="x")
    return ax


def points(
    ax: Axes, place: pd.Series, table: pd.DataFrame, color: str, *, upright: bool = True
) -> None:
    """Draw values as dots, full where an interval is known, and the intervals as bars.

    Parameters
    ----------
    ax : Axes
        Where.
    place : Series
        Of each row of the table, along the other axis.
    table : DataFrame
        ``value``, ``low``, ``high``, none of which is negative in truth.
    color : str
        Of dots and bars.
    upright : bool
        Whether the values go along the y axis.
    """
    known = table["low"].notna() & table["high"].notna()
    bars = ax.vlines if upright else ax.hlines
    bars(
        place[known],
        table["low"][known].clip(lower=0),
        table["high"][known],
        color=color,
        linewidth=2.2,
        alpha=0.6,
        zorder=2,
    )
    for mask, face in ((known, color), (~known, "white")):
        x, y = place[mask], table["value"][mask]
        ax.plot(
            *((x, y) if upright else (y, x)),
            "o",
            color=color,
            markerfacecolor=face,
            markersize=5,
            zorder=3,
        )
