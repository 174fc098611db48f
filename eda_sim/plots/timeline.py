"""The timeline: one lane per worker, and in it what the worker did with each delivery."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from eda_sim.analysis.utilization import DOWN_KINDS
from eda_sim.plots import style

MOST_LANES = 24
"""Lanes that fit; further workers are left out, and the label of the axis says so."""

_BAR, _LEVELS = 0.42, 3
_PER_LANE = 9


def timeline(
    table: pd.DataFrame,
    *,
    between: tuple[float, float] | None = None,
    faults: pd.DataFrame | None = None,
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw what each worker of a consumer did: one lane per worker, one bar per delivery.

    A thin grey line above the bars shows how long a message waited before this worker took it up; a
    bar is a handler that runs, orange if the message had been handed over before. A cross ends what
    a crash cut off, a hollow bar is a duplicate that was skipped, and a hatched stretch is a time
    in which the instance was down.

    Parameters
    ----------
    table : DataFrame
        Deliveries to one consumer, as ``run.deliveries``.
    between : (float, float), optional
        Seconds to show. Without it a stretch around the first fault, or in the middle of the run,
        in which single deliveries can be told apart.
    faults : DataFrame, optional
        As ``run.faults``.
    title : str, optional
        Instead of the one that says what is to be seen.
    ax : Axes, optional
        Where to draw; a new figure without it.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If the table holds several consumers.
    """
    name = _only_consumer(table)
    own_faults = None if faults is None else faults[faults["target"] == name]
    table = table[table["instance"] >= 0]  # not what was sent to an endpoint that was down
    lanes = _lanes(table)
    shown = lanes[:MOST_LANES]
    ax = style.axes_or_new(ax, width=8.4, height=1.5 + 0.42 * max(len(shown), 2))
    start, end = between or _telling_stretch(table, own_faults, len(lanes))
    touched = _in_lanes(_touched(table, start, end), shown)
    kinds = [
        *_draw_down(ax, own_faults, shown, (start, end)),
        *_draw_waiting(ax, touched),
        *_draw_handlers(ax, touched, end),
        *_draw_crashes(ax, touched),
    ]
    ax.set_xlim(start, end)
    style.dress(
        ax,
        title=title or f"{name}: {_said(touched)}",
        x="simulated time [s]",
        y=_label_lanes(ax, shown, len(lanes)),
        grid="none",
    )
    _explain(ax, kinds)
    return ax


def _only_consumer(table: pd.DataFrame) -> str:
    names = list(dict.fromkeys(table["consumer"]))
    if len(names) > 1:
        message = f"a timeline shows one consumer; choose one of {', '.join(map(str, names))}"
        raise ValueError(message)
    return str(names[0]) if names else "no deliveries"


def _in_lanes(table: pd.DataFrame, shown: Sequence[tuple[int, int]]) -> pd.DataFrame:
    """Return the deliveries of the lanes that are shown, with the number of the lane."""
    place = {lane: number for number, lane in enumerate(shown)}
    keys = zip(table["instance"], table["worker"].clip(lower=0), strict=True)
    table = table.assign(lane=[place.get(key, -1) for key in keys])
    return table[table["lane"] >= 0]


def _label_lanes(ax: Axes, shown: Sequence[tuple[int, int]], number_of_lanes: int) -> str:
    """Name each lane, the first one on top; return what the names are."""
    ax.set_ylim(len(shown) - 0.4, -0.6)
    several = len({worker for _, worker in shown}) > 1
    labels = [f"{i}/{w}" if several else f"{i}" for i, w in shown]
    ax.set_yticks(range(len(shown)), labels)
    less = "" if number_of_lanes == len(shown) else f", first {len(shown)} of {number_of_lanes}"
    return ("instance/worker" if several else "instance") + less


def _explain(ax: Axes, kinds: list[Artist]) -> None:
    """Put the legend in one line between title and lanes."""
    if not kinds:
        return
    ax.legend(
        handles=kinds,
        loc="lower left",
        bbox_to_anchor=(-0.01, 1.0),
        ncols=len(kinds),
        frameon=False,
        fontsize=style.NOTE_SIZE,
        handlelength=1.6,
        columnspacing=1.4,
        borderaxespad=0.2,
    )
    ax.set_title(ax.get_title(loc="left"), loc="left", pad=28, fontsize=style.TITLE_SIZE)


def _lanes(table: pd.DataFrame) -> list[tuple[int, int]]:
    """Return all workers from the first to the last that the table knows."""
    if table.empty:
        return []
    workers = range(max(int(table["worker"].max()), 0) + 1)
    return [(i, w) for i in range(int(table["instance"].max()) + 1) for w in workers]


def _telling_stretch(
    table: pd.DataFrame, faults: pd.DataFrame | None, lanes: int
) -> tuple[float, float]:
    """Return a stretch with about nine handlers per lane, a third of it before the first fault."""
    starts = np.sort(table["started_at"].dropna().to_numpy())
    if starts.size == 0:
        return 0.0, 1.0
    many = max(lanes, 1) * _PER_LANE
    middle = starts.size // 2
    if faults is not None and len(faults):
        middle = int(np.searchsorted(starts, float(faults["started_at"].min())))
    first = min(max(middle - many // 3, 0), max(starts.size - many, 0))
    last = min(first + many, starts.size - 1)
    begin, end = float(starts[first]), float(starts[last])
    return begin, end if end > begin else begin + 1.0


def _touched(table: pd.DataFrame, start: float, end: float) -> pd.DataFrame:
    """Return the deliveries that a worker had, or a crash took, within the stretch."""
    begun = table["started_at"].fillna(table["acquired_at"])
    over = table["finished_at"].fillna(np.inf)
    return table[(begun <= end) & (over >= start)]


def _draw_down(
    ax: Axes,
    faults: pd.DataFrame | None,
    lanes: Sequence[tuple[int, int]],
    stretch: tuple[float, float],
) -> list[Artist]:
    look: style.Look = {"facecolor": "#F7E3D8", "edgecolor": "#E3A98A"}
    look |= {"hatch": "////", "linewidth": 0}
    drawn = False
    for row in [] if faults is None else faults.to_dict("records"):
        if row["kind"] not in DOWN_KINDS:
            continue
        over = stretch[1] if pd.isna(row["ended_at"]) else min(row["ended_at"], stretch[1])
        begin = max(row["started_at"], stretch[0])
        for number, (instance, _) in enumerate(lanes):
            if row["instance"] in (-1, instance) and over > begin:
                ax.barh(number, over - begin, left=begin, height=0.86, zorder=0.6, **look)
                drawn = True
    return [Patch(label="instance is down", **look)] if drawn else []


def _draw_waiting(ax: Axes, table: pd.DataFrame) -> list[Artist]:
    waits = table[table["started_at"].notna() & (table["started_at"] > table["available_at"])]
    if waits.empty:
        return []
    # Waits of one lane overlap; three heights keep neighbours apart.
    level = waits.groupby("lane").cumcount().to_numpy() % _LEVELS
    height = waits["lane"].to_numpy() - _BAR / 2 - 0.07 - 0.07 * level
    look: style.Look = {"color": style.WAITING, "linewidth": 1.1}
    ax.hlines(height, waits["available_at"], waits["started_at"], zorder=1.5, **look)
    return [Line2D([], [], label="message waits for the worker", **look)]


def _draw_handlers(ax: Axes, table: pd.DataFrame, end: float) -> list[Artist]:
    ran = table[table["started_at"].notna()]
    skipped = ran["outcome"] == "skipped"
    again = (ran["attempt"] > 1) & ~skipped
    kinds = []
    for mask, label, face in (
        (~again & ~skipped, "handler runs", style.WORK),
        (again, "handler runs again", style.AGAIN),
        (skipped, "duplicate is skipped", "white"),
    ):
        own = ran[mask]
        if own.empty:
            continue
        edge = "white" if face != "white" else style.INK
        look: style.Look = {"facecolor": face, "edgecolor": edge, "linewidth": 0.6}
        width = own["finished_at"].fillna(end) - own["started_at"]
        ax.barh(own["lane"], width, left=own["started_at"], height=_BAR, zorder=2, **look)
        kinds.append(Patch(label=label, **{**look, "edgecolor": style.MUTED}))
    return [*kinds]


def _draw_crashes(ax: Axes, table: pd.DataFrame) -> list[Artist]:
    crashed = table[(table["outcome"] == "crashed") & table["finished_at"].notna()]
    if crashed.empty:
        return []
    look: style.Look = {"color": style.FAULT, "marker": "X", "markersize": 8, "linestyle": "none"}
    look |= {"markeredgecolor": "white", "markeredgewidth": 0.8}
    # Those that no worker had were lost from the buffer of the instance: in its first lane.
    ax.plot(crashed["finished_at"], crashed["lane"], zorder=3, **look)
    return [Line2D([], [], label="crash cuts it off", **look)]


def _said(table: pd.DataFrame) -> str:
    again = int((table["attempt"] > 1).sum())
    cut = int((table["outcome"] == "crashed").sum())
    if cut:
        more = f", {again} delivered again" if again else ""
        return f"a crash takes {cut} {'delivery' if cut == 1 else 'deliveries'} with it{more}"
    return f"what each worker does, {len(table)} deliveries"
