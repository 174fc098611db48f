"""Latency: percentiles, the empirical distribution, and percentiles by nines."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from eda_sim.plots import style

_TELLING = 0.005
"""Shares below are left out of the scale: the fastest of many messages say little, over decades."""


def percentiles(table: pd.DataFrame, *, title: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw chosen percentiles with their confidence intervals.

    Parameters
    ----------
    table : DataFrame
        ``consumer``, ``quantile``, ``value``, ``low``, ``high`` (s), as
        ``run.latency().quantile([...])`` returns it. Where ``low`` and ``high`` are NaN there is no
        interval, and the point is hollow.
    title : str, optional
        Instead of the one that says what is to be seen.
    ax : Axes, optional
        Where to draw; a new figure without it.

    Returns
    -------
    Axes
    """
    ax = style.axes_or_new(ax)
    names = list(dict.fromkeys(table["consumer"]))
    shares = sorted(set(table["quantile"]))
    style.duration_axis(ax, "y", pd.concat([table["value"], table["high"], table["low"]]), room=0.1)
    ends = []
    for number, name in enumerate(names):
        own = table[table["consumer"] == name].sort_values("quantile")
        place = np.array([shares.index(q) for q in own["quantile"]], dtype=float)
        place += 0.12 * (number - (len(names) - 1) / 2)
        color = style.SERIES[number % len(style.SERIES)]
        known = own["low"].notna().to_numpy()
        low = own["low"].clip(lower=ax.get_ylim()[0])
        ax.vlines(place[known], low[known], own["high"][known], color=color, linewidth=2.2)
        ax.plot(place, own["value"], color=color, linewidth=0.8, alpha=0.5)
        for mask, face in ((known, color), (~known, "white")):
            ax.plot(place[mask], own["value"][mask], "o", color=color, markerfacecolor=face)
        if len(names) == 1:
            _label_values(ax, place, own, color)
        if len(own):
            ends.append((place[-1], float(own["value"].iloc[-1]), name, color))
    ax.set_xlim(-0.5, len(shares) - 0.5)
    ax.set_xticks(range(len(shares)), [style.percent_text(share) for share in shares])
    if len(names) > 1:
        style.label_ends(ax, ends)
    style.dress(
        ax,
        title=title or _tail_title(table, names),
        x="messages that took at most so long [share]",
        y=f"{style.with_intervals(style.LATENCY, table)} [log scale]",
    )
    return ax


def ecdf(
    table: pd.DataFrame,
    *,
    intervals: pd.DataFrame | None = None,
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the share of messages that took at most so long.

    Parameters
    ----------
    table : DataFrame
        ``consumer``, ``seconds``, ``share``, as ``run.latency().ecdf()`` returns it.
    intervals : DataFrame, optional
        ``consumer``, ``quantile``, ``value``, ``low``, ``high`` (s), as
        ``run.latency().quantile([...])`` returns it: bars across the line. Without ``low`` and
        ``high`` (NaN) there is none.
    title : str, optional
        Instead of the one that says what is to be seen.
    ax : Axes, optional
        Where to draw; a new figure without it.

    Returns
    -------
    Axes
    """
    ax = style.axes_or_new(ax)
    names = list(dict.fromkeys(table["consumer"]))
    telling = table.loc[table["share"] >= _TELLING, "seconds"]
    style.duration_axis(ax, "x", pd.concat([telling, *_ends(intervals)]))
    ax.set_ylim(0, 1.02)
    for number, name in enumerate(names):
        own = table[table["consumer"] == name]
        look = style.line_style(number)
        ax.step(own["seconds"], own["share"], where="post", label=name, **look)
        bars = _known(intervals, name)
        _draw_bars(ax.hlines, bars["quantile"], bars, str(look["color"]))
    for share in (0.5, 0.9, 0.99):
        ax.axhline(share, color=style.MUTED, linewidth=0.6, linestyle=(0, (1, 2)), zorder=1)
    ax.set_yticks([0, 0.25, 0.5, 0.75, 0.9, 0.99])
    ax.yaxis.set_major_formatter(lambda value, _: style.percent_text(value))
    if len(names) > 1:
        ax.legend(frameon=False, fontsize=style.NOTE_SIZE, loc="lower right")
    style.dress(
        ax,
        title=title or _median_title(table, names),
        x=f"{style.with_intervals(style.LATENCY, intervals)} [log scale]",
        y="messages that took at most so long [share]",
        grid="x",
    )
    return ax


def by_nines(
    table: pd.DataFrame,
    *,
    intervals: pd.DataFrame | None = None,
    objective: tuple[float, float] | None = None,
    linear: bool = False,
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw latency over percentiles, where each further nine is one step to the right.

    Parameters
    ----------
    table : DataFrame
        ``consumer``, ``seconds``, ``share``, as ``run.latency().ecdf()`` returns it.
    intervals : DataFrame, optional
        ``consumer``, ``quantile``, ``value``, ``low``, ``high`` (s), as
        ``run.latency().quantile([...])`` returns it: bars across the line. Without ``low`` and
        ``high`` (NaN) there is none.
    objective : (float, float), optional
        A share and the seconds that it must not exceed: (0.99, 0.2) is "99 % within 200 ms".
    linear : bool
        Latency on a linear scale, where an exponential distribution is a straight line.
    title : str, optional
        Instead of the one that says what is to be seen.
    ax : Axes, optional
        Where to draw; a new figure without it.

    Returns
    -------
    Axes
    """
    ax = style.axes_or_new(ax)
    names = list(dict.fromkeys(table["consumer"]))
    # The slowest message has all messages at or below it: infinitely many nines.
    inner = table[table["share"] < 1]
    nines = -np.log10(1 - inner["share"])
    highest = float(nines.max()) if len(inner) else 1.0
    aims = pd.Series([objective[1]] if objective else [], dtype=float)
    if objective is not None:
        highest = max(highest, -np.log10(1 - objective[0]))
    if linear:
        shown = pd.concat([inner["seconds"], aims, *_ends(intervals)])
        ax.set_ylim(0, 1.05 * float(shown.max()) if len(shown) else None)
        ax.yaxis.set_major_formatter(lambda value, _: style.duration_text(value))
    else:
        telling = inner.loc[inner["share"] >= _TELLING, "seconds"]
        style.duration_axis(ax, "y", pd.concat([telling, aims, *_ends(intervals)]))
    ax.set_xlim(0, max(highest, 1.0) * 1.02)
    style.nines_axis(ax, highest)
    ends = []
    for number, name in enumerate(names):
        own = inner[inner["consumer"] == name]
        look = style.line_style(number)
        ax.step(nines[own.index], own["seconds"], where="post", label=name, **look)
        if len(own):
            end = (float(nines[own.index[-1]]), float(own["seconds"].iloc[-1]))
            ends.append((*end, name, str(look["color"])))
        bars = _known(intervals, name)
        _draw_bars(ax.vlines, -np.log10(1 - bars["quantile"]), bars, str(look["color"]))
    if objective is not None:
        _draw_objective(ax, *objective)
    if len(names) > 1:
        style.label_ends(ax, ends)
    style.dress(
        ax,
        title=title or _tail_title(_read_off(table), names),
        x="percentile [each nine is one step]",
        y=style.with_intervals(style.LATENCY, intervals) + ("" if linear else " [log scale]"),
        grid="both",
    )
    return ax


def _known(intervals: pd.DataFrame | None, name: str) -> pd.DataFrame:
    """Return the intervals of one consumer that are known."""
    if intervals is None:
        return pd.DataFrame(columns=["quantile", "low", "high"], dtype=float)
    own = intervals[(intervals["consumer"] == name) & (intervals["quantile"] < 1)]
    return own.dropna(subset=["low", "high"])


def _ends(intervals: pd.DataFrame | None) -> list[pd.Series]:
    """Return the ends of all intervals, for which a scale must have room."""
    if intervals is None:
        return []
    known = intervals.dropna(subset=["low", "high"])
    return [known["low"], known["high"]]


def _draw_bars(
    draw: Callable[..., object], place: pd.Series, bars: pd.DataFrame, color: str
) -> None:
    look: style.Look = {"color": color, "linewidth": 4.0, "alpha": 0.4, "zorder": 2.5}
    if len(bars):
        draw(place, bars["low"], bars["high"], **look)


def _draw_objective(ax: Axes, share: float, seconds: float) -> None:
    place = -np.log10(1 - share)
    ax.hlines(seconds, 0, place, color=style.INK, linewidth=1.2, zorder=3)
    ax.vlines(place, ax.get_ylim()[0], seconds, color=style.INK, linewidth=1.2, zorder=3)
    text = f"objective: {style.percent_text(share)} within {style.duration_text(seconds)}"
    ax.annotate(
        text,
        xy=(place, seconds),
        xytext=(6, -2),
        textcoords="offset points",
        va="top",
        fontsize=style.NOTE_SIZE,
        color=style.INK,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1.5},
    )


def _label_values(ax: Axes, place: np.ndarray, own: pd.DataFrame, color: str) -> None:
    for x, value, high in zip(place, own["value"], own["high"], strict=True):
        if np.isnan(value):
            continue
        ax.annotate(
            style.duration_text(value),
            xy=(x, value if np.isnan(high) else high),
            xytext=(0, 5),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize=style.NOTE_SIZE,
            color=color,
        )


def _read_off(table: pd.DataFrame) -> pd.DataFrame:
    """Return the median and the 99th percentile from the points of an empirical distribution."""
    rows = []
    for name, own in table.groupby("consumer", sort=False, observed=True):
        for share in (0.5, 0.99):
            reached = own[own["share"] >= share]
            if len(reached):
                rows.append((name, share, float(reached["seconds"].iloc[0])))
    return pd.DataFrame(rows, columns=["consumer", "quantile", "value"])


def _tail_title(table: pd.DataFrame, names: list[str]) -> str:
    if len(names) == 1 and {0.5, 0.99} <= set(table["quantile"]):
        values = table.set_index("quantile")["value"]
        middle, tail = (style.duration_text(float(values[share])) for share in (0.5, 0.99))
        return f"{names[0]}: half within {middle}, one in a hundred over {tail}"
    if len(names) == 1:
        return f"{names[0]}: how long the slowest messages take"
    return "How long the slowest messages of each consumer take"


def _median_title(table: pd.DataFrame, names: list[str]) -> str:
    read = _read_off(table)
    if len(names) == 1 and len(read) == 2:
        return _tail_title(read, names)
    return "How many messages took at most so long, per consumer"
