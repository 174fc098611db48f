"""Pictures that are drawn again and again on one figure: A as it was pinned, B as it is now.

A new figure with a layout of its own costs as much as a run of 100,000 messages. So the figure and
the places of its axes stay, and only what is inside is drawn anew.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from eda_sim.plots import flow, latency
from eda_sim.plots.heatmap import heatmap
from eda_sim.widgets.variants import Variant

WIDTH, HEIGHT, DOTS_PER_INCH = 7.2, 4.0, 110
Place = tuple[float, float, float, float]
"""Left, bottom, width and height of axes, as shares of the figure."""
PLACE: Place = (0.115, 0.135, 0.76, 0.755)
"""Of the axes of a picture; names stand at the right."""
HEAT_MAPS: tuple[tuple[Place, ...], ...] = (
    ((0.115, 0.135, 0.755, 0.755), (0.885, 0.135, 0.018, 0.755)),
    ((0.1, 0.135, 0.365, 0.755), (0.495, 0.135, 0.365, 0.755), (0.885, 0.135, 0.018, 0.755)),
)
"""Of one heat map and of two, and of their colour bar."""
PICTURES = ("percentiles", "distribution", "lag", "queue", "heatmap")


def new_figure() -> Figure:
    """Return an empty figure that pyplot does not know."""
    figure = Figure(figsize=(WIDTH, HEIGHT), dpi=DOTS_PER_INCH, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def draw(figure: Figure, picture: str, variants: Sequence[Variant], title: str) -> None:
    """Draw one variant or two.

    Parameters
    ----------
    figure : Figure
        What is on it goes.
    picture : str
        One of :data:`PICTURES`.
    variants : sequence of Variant
        One or two.
    title : str
        What is to be seen.
    """
    if picture == "heatmap":
        _draw_heatmaps(figure, variants, title)
        return
    (ax,) = _axes(figure, picture, [PLACE])
    parts = []
    for variant in variants:
        name = variant.name if len(variants) > 1 else variant.consumer
        parts.append(variant.table(picture).assign(consumer=name))
    table = pd.concat(parts, ignore_index=True)
    if picture == "percentiles":
        latency.percentiles(table, title=title, ax=ax)
    elif picture == "distribution":
        latency.by_nines(table, title=title, ax=ax)
    else:
        of_flow = flow.lag if picture == "lag" else flow.queue_length
        # A has its colour in every picture, however far it is behind.
        of_flow(table, faults=variants[-1].faults, title=title, worst_first=False, ax=ax)
    # Where the names of the axes stand is known, so no tick label need be laid out to find out.
    ax.xaxis.set_label_coords(0.5, -0.085)
    ax.yaxis.set_label_coords(-0.115, 0.5)


def _axes(figure: Figure, picture: str, places: Sequence[Place]) -> list[Axes]:
    """Return empty axes: those of the picture before, if it was of the same kind."""
    if [ax.get_label() for ax in figure.axes] == [picture] * len(places):
        return [_emptied(ax) for ax in figure.axes]
    figure.clear()
    return [figure.add_axes(place, label=picture) for place in places]


def _emptied(ax: Axes) -> Axes:
    """Take everything off axes but their ticks, which are dear to make and are moved instead."""
    for artist in [*ax.lines, *ax.collections, *ax.texts, *ax.patches, *ax.artists]:
        artist.remove()
    if (legend := ax.get_legend()) is not None:
        legend.remove()
    for scale in (ax.set_xscale, ax.set_yscale):
        scale("linear")
    ax.relim()
    ax.autoscale()
    return ax


def _draw_heatmaps(figure: Figure, variants: Sequence[Variant], title: str) -> None:
    """Draw a heat map each, with the same scales of time and of colour, so that they compare."""
    places = HEAT_MAPS[len(variants) - 1]
    if len(figure.axes) == len(places):
        figure.axes[-1].remove()  # a colour bar cannot be drawn twice
    drawn = _axes(figure, "heatmap", places[:-1])
    tables = [variant.table("heatmap") for variant in variants]
    most = max(int(table["count"].max()) for table in tables)
    for number, (ax, variant) in enumerate(zip(drawn, variants, strict=True)):
        heatmap(
            tables[number],
            faults=variant.faults,
            title=f"{variant.name}: {variant.consumer}" if len(variants) > 1 else title,
            most=most,
            bar=number == 0 and figure.add_axes(places[-1]),
            ax=ax,
        )
    limits = [ax.get_ylim() for ax in drawn]
    for ax in drawn:
        ax.set_ylim(min(low for low, _ in limits), max(high for _, high in limits))
    for ax in drawn[1:]:
        ax.set_ylabel("")
        ax.tick_params(axis="y", labelleft=False)


def png(figure: Figure) -> bytes:
    """Return a figure as PNG, packed in haste: a few kilobytes more, some milliseconds less."""
    canvas: Any = figure.canvas
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())[..., :3]
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
