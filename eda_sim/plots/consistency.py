"""The consistency window: how likely a read is fresh, and how old a view is.

The words
---------
fresh
    A read that sees the write in question.
staleness
    The age of the oldest event that a view does not show, at a moment.
"""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter

from eda_sim.plots import style, sweeps


def freshness(
    table: pd.DataFrame,
    *,
    theory: pd.DataFrame | None = None,
    objective: float | None = None,
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the probability that a read is fresh, against the time since the write.

    Parameters
    ----------
    table : DataFrame
        ``consumer`` (or whatever the lines are called), ``after_s`` (s), ``fresh``, ``low``,
        ``high`` (shares; NaN without an interval), as
        :func:`eda_sim.patterns.projections.consistency.freshness` returns it.
    theory : DataFrame, optional
        The same without ``low`` and ``high``: drawn as lines, the runs as points on them. Without
        ``consumer`` it is one grey line for all.
    objective : float, optional
        A share that is asked for: a horizontal line.
    title : str, optional
        Instead of the one that says what is to be seen.
    ax : Axes, optional
        Where to draw; a new figure without it.

    Returns
    -------
    Axes
    """
    ax = style.axes_or_new(ax)
    if objective is not None:
        ax.axhline(objective, color=style.VERMILION, linewidth=1.2, linestyle=(0, (6, 2)), zorder=1)
        ax.annotate(
            f"objective {style.percent_text(objective)}",
            xy=(0.0, objective),
            xycoords=("axes fraction", "data"),
            xytext=(4, 3),
            textcoords="offset points",
            fontsize=style.NOTE_SIZE,
            color=style.VERMILION,
        )
    names = list(dict.fromkeys(table["consumer"]))
    lines = []
    for number, name in enumerate(names):
        own = table[table["consumer"] == name].sort_values("after_s")
        look = style.line_style(number)
        shares = own.rename(columns={"fresh": "value"})
        sweeps.points(ax, shares["after_s"], shares, str(look["color"]))
        line = own if theory is None else _of(theory, name)
        ax.plot(line["after_s"], line["fresh"], zorder=1.5, **{**look, "linewidth": 1.3})
        lines.append(Line2D([], [], marker="o", markersize=5, label=str(name), **look))
    if theory is not None and "consumer" not in theory:
        line = theory.sort_values("after_s")
        ax.plot(line["after_s"], line["fresh"], color=style.MUTED, linewidth=1.3, zorder=1.4)
    last_time = float(table["after_s"].max()) if len(table) else 0.0
    room = 0.015 * (last_time or 1.0)  # so that no dot is cut
    ax.set_xlim(-room, (last_time or 1.0) + room)
    ax.set_ylim(0, 1.04)
    style.duration_ticks(ax, "x", last_time or 1.0)
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: style.percent_text(value)))
    if len(names) > 1:
        # All of them end near 100 %, where names at their ends would stand in each other's way.
        style.side_legend(ax, lines)
    style.dress(
        ax,
        title=title or "How likely a read sees a write, some time after it",
        x="time from the write to the read",
        y=style.with_intervals("fresh [share of the reads]", table),
    )
    return ax


def staleness(
    table: pd.DataFrame,
    *,
    faults: pd.DataFrame | None = None,
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the age of the oldest event that each view does not show, over time.

    Parameters
    ----------
    table : DataFrame
        ``time`` (s), ``consumer``, ``staleness_s``, as ``run.staleness()`` returns it.
    faults : DataFrame, optional
        As ``run.faults``: their time is shaded.
    title : str, optional
        Instead of the one that says what is to be seen.
    ax : Axes, optional
        Where to draw; a new figure without it.

    Returns
    -------
    Axes
        One view as an area under a line; of several, each as a line, the worst first.
    """
    ax = style.axes_or_new(ax)
    groups = {str(name): own for name, own in table.groupby("consumer", observed=True)}
    worst_first = sorted(groups, key=lambda name: -groups[name]["staleness_s"].max())
    if len(table):
        first, last = float(table["time"].min()), float(table["time"].max())
        ax.set_xlim(first, last if last > first else first + 1.0)
        ax.set_ylim(0, max(float(table["staleness_s"].max()), 1e-9) * 1.18)
    lines = []
    for number, name in enumerate(worst_first):
        own = groups[name].sort_values("time")
        look = {**style.line_style(number), "zorder": 3 - 0.05 * number, "linewidth": 1.3}
        lines += ax.plot(own["time"], own["staleness_s"], label=name, **look)
        if len(groups) == 1:
            ax.fill_between(
                own["time"], own["staleness_s"], color=look["color"], alpha=0.18, linewidth=0
            )
    style.fault_bands(ax, faults)
    if len(lines) > 1:
        style.side_legend(ax, lines)
    style.duration_ticks(ax, "y", float(table["staleness_s"].max()) if len(table) else 1.0)
    style.dress(
        ax,
        title=title or _staleness_title(table),
        x="simulated time [s]",
        y="age of the oldest event not shown",
    )
    return ax


def _of(theory: pd.DataFrame, name: object) -> pd.DataFrame:
    """Return the line of theory for a name; nothing if theory is one line for all."""
    own = theory[theory["consumer"] == name] if "consumer" in theory else theory.iloc[:0]
    return own.sort_values("after_s")


def _staleness_title(table: pd.DataFrame) -> str:
    if table.empty:
        return "No view to be stale"
    worst = table.iloc[int(table["staleness_s"].to_numpy().argmax())]
    much = style.duration_text(float(worst["staleness_s"]))
    return f"{worst['consumer']} is up to {much} old, at {worst['time']:.4g} s"
