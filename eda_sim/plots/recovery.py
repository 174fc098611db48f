"""Recovery: what a fault leaves behind, and how long it takes to be gone.

The words
---------
backlog
    The messages of lag that a fault has left.
drain
    The time from the fault's end until the lag is back where it was.
"""

from __future__ import annotations

import math

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from eda_sim.plots import style
from eda_sim.plots.sweeps import points

_ARROW: style.Look = {
    "arrowstyle": "<->",
    "color": style.INK,
    "linewidth": 1.1,
    "shrinkA": 0,
    "shrinkB": 0,
}

_SHORTEST_ARROW = 0.03
"""Of the axis: a shorter one is all heads."""


def recovery(
    table: pd.DataFrame,
    recoveries: pd.DataFrame,
    *,
    faults: pd.DataFrame | None = None,
    theory: pd.DataFrame | None = None,
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the lag around faults: the peak, and how long it takes until it is as low as before.

    Parameters
    ----------
    table : DataFrame
        ``time`` (s), ``channel``, ``consumer``, ``messages``, as ``run.lag()`` returns it.
    recoveries : DataFrame
        As ``run.recovery()``: their subscriptions are drawn, and no others.
    faults : DataFrame, optional
        As ``run.faults``: their time is shaded.
    theory : DataFrame, optional
        ``time`` (s), ``messages``: what is to be expected, drawn as a broken grey line.
    title : str, optional
        Instead of the one that says what is to be seen.
    ax : Axes, optional
        Where to draw; a new figure without it.

    Returns
    -------
    Axes

    Examples
    --------
    >>> import eda_sim as es
    >>> run = es.run(es.load("crash").replace({"duration": "6min"}))
    >>> ax = recovery(run.lag(), run.recovery(), faults=run.faults)
    >>> ax.get_ylabel()
    'lag [messages]'
    """
    ax = style.axes_or_new(ax)
    pairs = list(dict.fromkeys(zip(recoveries["channel"], recoveries["target"], strict=True)))
    lines = [
        table[(table["channel"] == channel) & (table["consumer"] == target)]
        for channel, target in pairs
    ]
    most = max((float(own["messages"].max()) for own in lines if len(own)), default=1.0)
    if len(table):
        ax.set_xlim(float(table["time"].min()), float(table["time"].max()))
    # Room above the data for the names of the faults.
    ax.set_ylim(0, 1.18 * max(most, 1.0))
    if theory is not None:
        look: style.Look = {"color": style.MUTED, "linestyle": (0, (4, 2)), "linewidth": 1.6}
        ax.plot(theory["time"], theory["messages"], label="theory", zorder=3.5, **look)
    for number, ((channel, target), own) in enumerate(zip(pairs, lines, strict=True)):
        look = style.line_style(number) | {"linewidth": 1.3}
        name = f"{target} of {channel}" if len(pairs) > 1 else str(target)
        ax.step(own["time"], own["messages"], where="post", label=name, zorder=3, **look)
        mine = (recoveries["channel"] == channel) & (recoveries["target"] == target)
        for row in recoveries[mine].to_dict("records"):
            _mark(ax, {str(key): value for key, value in row.items()}, str(look["color"]))
    style.fault_bands(ax, faults)
    if len(ax.lines) and (len(pairs) > 1 or theory is not None):
        style.side_legend(
            ax, [line for line in ax.lines if not str(line.get_label()).startswith("_")]
        )
    style.dress(ax, title=title or _title(recoveries), x="simulated time [s]", y="lag [messages]")
    return ax


def _mark(ax: Axes, row: dict[str, float], color: str) -> None:
    """Mark the level before a fault, and the way back to it."""
    level, ended, back = row["level_before"], row["ended_at"], row["recovered_at"]
    if math.isnan(ended):
        return
    last = ax.get_xlim()[1]
    until = last if math.isnan(back) else back
    ax.hlines(level, row["started_at"], until, color=color, linewidth=1.0, linestyle=":", zorder=2)
    height = level + 0.06 * ax.get_ylim()[1]
    first, _ = ax.get_xlim()
    if until - ended > _SHORTEST_ARROW * (last - first):
        ax.annotate("", xy=(ended, height), xytext=(until, height), arrowprops=_ARROW, zorder=4)
    said = "not back within the run" if math.isnan(back) else style.duration_text(back - ended)
    ax.annotate(
        said,
        xy=((ended + until) / 2, height),
        xytext=(0, 4),
        textcoords="offset points",
        ha="center",
        va="bottom",
        fontsize=style.NOTE_SIZE,
        color=style.INK,
        bbox={"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 1.0},
        zorder=4,
    )
    if not math.isnan(back):
        ax.plot([back], [level], "o", color=color, markersize=5, zorder=5)


def _title(recoveries: pd.DataFrame) -> str:
    ended = recoveries[recoveries["ended_at"].notna()]
    if ended.empty:
        names = ", ".join(dict.fromkeys(recoveries["target"]))
        return f"{names or 'The lag'}: no fault that ended"
    slowest = ended["recovery_s"].fillna(math.inf)
    row = ended.iloc[int(slowest.to_numpy().argmax())]
    lasted = style.duration_text(float(row["ended_at"] - row["started_at"]))
    start = f"{row['target']}: {lasted} of {row['kind']} leave {int(row['peak']):,} messages"
    if math.isinf(slowest.max()):
        return f"{start}: more than the run can work off"
    return f"{start}, worked off in {style.duration_text(float(row['recovery_s']))}"


def over_load(
    table: pd.DataFrame,
    *,
    theory: pd.DataFrame | None = None,
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw how long recovery takes over the load, with 95 % intervals, and theory behind it.

    Parameters
    ----------
    table : DataFrame
        One row per load: ``utilization`` (share), ``value``, ``low``, ``high`` (s).
    theory : DataFrame, optional
        ``utilization``, ``value``: drawn as a line, the runs as points on it.
    title : str, optional
        Instead of the one that says what is to be seen.
    ax : Axes, optional
        Where to draw; a new figure without it.

    Returns
    -------
    Axes

    Examples
    --------
    >>> rows = [(0.5, 30.0, 27.0, 33.0), (0.9, 270.0, 240.0, 300.0)]
    >>> ax = over_load(pd.DataFrame(rows, columns=["utilization", "value", "low", "high"]))
    >>> ax.get_ylabel()
    'recovery, with 95 % intervals'
    """
    ax = style.axes_or_new(ax)
    if theory is not None:
        line = theory.sort_values("utilization")
        look: style.Look = {"color": style.MUTED, "linestyle": (0, (4, 2)), "linewidth": 1.6}
        ax.plot(line["utilization"], line["value"], label="theory", zorder=1.5, **look)
    points(ax, table["utilization"], table, style.BLUE)
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 1.08 * float(table[["value", "high"]].max().max()))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: style.percent_text(value)))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: style.duration_text(value)))
    if theory is not None:
        ax.legend(handles=[ax.lines[0]], frameon=False, fontsize=style.NOTE_SIZE, loc="upper left")
    style.dress(
        ax,
        title=title or "The less spare capacity, the longer an outage lasts",
        x="utilization before the outage [share of time that the workers are busy]",
        y="recovery, with 95 % intervals",
    )
    return ax
