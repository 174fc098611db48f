"""Latency over time as a heat map: every message is in the picture, none is averaged away."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import LinearSegmentedColormap, LogNorm

from eda_sim.plots import style

# One hue from clearly visible to nearly black: a single slow message must not vanish in the paper.
_INKS = LinearSegmentedColormap.from_list("inks", ["#BFDCEF", "#56A5D8", style.BLUE, "#00263D"])


def heatmap(
    table: pd.DataFrame,
    *,
    faults: pd.DataFrame | None = None,
    title: str | None = None,
    most: float | None = None,
    bar: Axes | bool = True,
    ax: Axes | None = None,
) -> Axes:
    """Draw how many messages of each window of time took how long.

    Parameters
    ----------
    table : DataFrame
        Of one consumer: ``consumer``, ``start``, ``end`` (s of creation), ``low``, ``high`` (s of
        latency), ``count``, as ``run.latency("billing").over_time()`` returns it.
    faults : DataFrame, optional
        As ``run.faults``: their time is marked.
    title : str, optional
        Instead of the one that says what is to be seen.
    most : float, optional
        Count of the darkest ink; the highest one in the table without it. Maps that are to be
        compared need the same.
    bar : Axes or bool
        Where the colour bar goes: beside the map, nowhere (False), or on Axes of its own.
    ax : Axes, optional
        Where to draw; a new figure without it.

    Returns
    -------
    Axes
        The colour bar is on ``ax.figure``.

    Raises
    ------
    ValueError
        If the table holds several consumers.

    References
    ----------
    B. Gregg, "Visualizing system latency", Communications of the ACM 53 (2010) 7, 48-54.
    """
    names = list(dict.fromkeys(table["consumer"]))
    if len(names) > 1:
        message = f"a heat map shows one consumer; choose one of {', '.join(map(str, names))}"
        raise ValueError(message)
    ax = style.axes_or_new(ax, width=8.0)
    grid = table.pivot_table(index="low", columns="start", values="count", sort=True)
    if grid.size:
        counts = grid.to_numpy(dtype=float)
        moments = np.append(grid.columns.to_numpy(), table["end"].max())
        edges = np.append(grid.index.to_numpy(), table["high"].max())
        darkest = max(counts.max() if most is None else most, 2.0)
        mesh = ax.pcolormesh(
            moments,
            edges,
            np.ma.masked_equal(counts, 0),
            norm=LogNorm(1, darkest),
            cmap=_INKS,
            rasterized=True,
        )
        named = faults is not None and len(faults) > 0
        style.duration_axis(ax, "y", pd.Series(edges), room=0.08 if named else 0.0)
        ax.set_ylim(bottom=edges[0])
        ax.set_xlim(moments[0], moments[-1])
        width = style.duration_text(float(moments[1] - moments[0]))
        if bar is not False:
            place = None if bar is True else bar
            _colour_bar(ax, mesh, place, f"messages created within {width} [log scale]")
    style.fault_bands(ax, faults)
    name = names[0] if names else "no messages"
    style.dress(
        ax,
        title=title or f"{name}: how long messages took, by when they were created",
        x="simulated time of creation [s]",
        y=f"{style.LATENCY} [log scale]",
        grid="none",
    )
    return ax


def _colour_bar(ax: Axes, mesh: QuadMesh, place: Axes | None, label: str) -> None:
    assert ax.figure is not None
    room: dict[str, float] = {"pad": 0.015, "fraction": 0.05} if place is None else {}
    bar = ax.figure.colorbar(mesh, ax=ax, cax=place, **room)  # type: ignore[arg-type]
    bar.set_label(label, fontsize=style.NOTE_SIZE, color=style.INK)
    bar.ax.tick_params(labelsize=style.TICK_SIZE, colors=style.MUTED, labelcolor=style.INK)
    bar.ax.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    bar.outline.set_visible(False)
