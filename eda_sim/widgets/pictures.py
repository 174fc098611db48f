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
PLACE = (0.115, 0.135, 0.76, 0.755)
"""Left, bottom, width and height of the axes, as shares of the figure; names stand at the right."""
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
    ax = _one_axes(figure, picture)
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
        of_flow(table, faults=variants[-1].run.faults, title=title, ax=ax)


def _one_axes(figure: Figure, picture: str) -> Axes:
    """Return empty axes: those of the picture before, if it was of the same kind."""
    if len(figure.axes) == 1 and figure.axes[0].get_label() == picture:
        return _emptied(figure.axes[0])
    figure.clear()
    figure.set_layout_engine("none")
    return figure.add_axes(PLACE, label=picture)


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
    figure.clear()
    # Colour bars stand beside the axes; only the layout engine knows how much room they need.
    figure.set_layout_engine("constrained", w_pad=0.08, h_pad=0.1)
    drawn = list(figure.subplots(1, len(variants), sharey=True, squeeze=False)[0])
    for ax, variant in zip(drawn, variants, strict=True):
        named = f"{variant.name}: {variant.consumer}" if len(variants) > 1 else title
        heatmap(variant.table("heatmap"), faults=variant.run.faults, title=named, ax=ax)
    for ax in drawn[1:]:
        ax.set_ylabel("")
    limits = [ax.get_ylim() for ax in drawn]
    for ax in drawn:
        ax.set_ylim(min(low for low, _ in limits), max(high for _, high in limits))


def png(figure: Figure) -> bytes:
    """Return a figure as PNG, packed in haste: a few kilobytes more, some milliseconds less."""
    canvas: Any = figure.canvas
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())[..., :3]
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
