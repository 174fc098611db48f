"""The topology of a scenario as a graph, from left to right."""

from __future__ import annotations

from itertools import pairwise
from statistics import mean

import networkx as nx
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path

from eda_sim.plots import style

Node = tuple[str, str]
"""Kind and name: a channel and a consumer may share a name."""

Point = tuple[float, float]

_WIDTH, _HEIGHT = 0.66, 0.62
_FACES = {"producer": "#D5ECE3", "channel": "#F2F2F2", "consumer": "#D3E5F1"}
_EDGES = {"producer": style.GREEN, "channel": style.MUTED, "consumer": style.BLUE}
_BEND = "bend"
_SWEEPS = 6
_ARROW: style.Look = {
    "arrowstyle": "-|>",
    "mutation_scale": 11,
    "color": style.MUTED,
    "linewidth": 1.2,
    "shrinkA": 0,
    "shrinkB": 1,
    "zorder": 1,
}
_SHARE: style.Look = {
    "ha": "center",
    "va": "center",
    "fontsize": 7.5,
    "color": style.INK,
    "bbox": {"facecolor": "white", "edgecolor": "none", "pad": 0.8},
    "zorder": 4,
}


def topology(table: pd.DataFrame, *, title: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw who sends to whom, each step of a message one column further right.

    Producers are green, channels grey with round ends, consumers blue. An arrow that leads back (a
    cycle) is dashed and runs below. Where an effect emits less than one message on average, or
    more, an arrow says how many, in percent.

    Parameters
    ----------
    table : DataFrame
        One row per edge: ``source``, ``source_kind``, ``target``, ``target_kind``,
        ``source_label``, ``target_label``, and ``probability`` (without it all are 1),
        as ``run.topology()`` returns it.
    title : str, optional
        Instead of the one that says what is to be seen.
    ax : Axes, optional
        Where to draw; a new figure that fits without it.

    Returns
    -------
    Axes
    """
    graph = _graph(table)
    back = _back_edges(graph)
    routes, columns = _routes(graph, back)
    place = _places(routes, columns)
    low, high = (f(y for _, y in place.values()) if place else 0.0 for f in (min, max))
    rows = high - low + 1
    ax = style.axes_or_new(ax, width=0.6 + 1.85 * max(len(columns), 1), height=0.75 + 0.8 * rows)
    ax.set_axis_off()
    ax.set_xlim(-0.45, max(len(columns), 1) - 0.55)
    ax.set_ylim(low - (0.65 if back else 0.4), high + 0.4)
    labels: list[tuple[Point, str]] = []
    for route in routes:
        middle = _draw_edge(ax, [place[node] for node in route])
        labels.append((middle, _share(graph, route[0], route[-1])))
    for source, target in back:
        middle = _draw_back_edge(ax, place[source], place[target], floor=low - 0.55)
        labels.append((middle, _share(graph, source, target)))
    for node in graph:
        _draw_node(ax, node[0], graph.nodes[node]["label"], *place[node])
    said = title or _said(graph)
    ax.set_title(said, loc="left", fontsize=style.TITLE_SIZE, color=style.INK, pad=8)
    _fit_labels(ax)
    for middle, label in labels:
        if label:
            ax.text(*middle, label, **_SHARE)
    return ax


def _graph(table: pd.DataFrame) -> nx.DiGraph[Node]:
    graph: nx.DiGraph[Node] = nx.DiGraph()
    for row in table.to_dict("records"):
        source = (str(row["source_kind"]), str(row["source"]))
        target = (str(row["target_kind"]), str(row["target"]))
        graph.add_node(source, label=row["source_label"])
        graph.add_node(target, label=row["target_label"])
        graph.add_edge(source, target)
        if row.get("relation") == "emits":
            edge = graph.edges[source, target]
            edge["messages"] = edge.get("messages", 0.0) + float(row.get("probability", 1.0))
    return graph


def _share(graph: nx.DiGraph[Node], source: Node, target: Node) -> str:
    messages = graph.edges[source, target].get("messages", 1.0)
    return "" if messages == 1.0 else f"{100 * messages:.4g}%"


def _back_edges(graph: nx.DiGraph[Node]) -> set[tuple[Node, Node]]:
    """Return edges without which the graph has no cycle: those that a walk finds leading back."""
    sources = [node for node in graph if graph.in_degree(node) == 0]
    back: set[tuple[Node, Node]] = set()
    done: set[Node] = set()
    for root in [*sources, *graph]:
        if root in done:
            continue
        active: set[Node] = set()
        for source, target, what in nx.dfs_labeled_edges(graph, root):
            if what == "forward":
                active.add(target)
            elif what == "reverse":
                active.discard(target)
                done.add(target)
            elif target in active:
                back.add((source, target))
    return back


def _routes(
    graph: nx.DiGraph[Node], back: set[tuple[Node, Node]]
) -> tuple[list[list[Node]], list[list[Node]]]:
    """Return the way of each edge, step by step, and the nodes and bends of each column."""
    depth = _depths(graph, back)
    columns: list[list[Node]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for node in graph:
        columns[depth[node]].append(node)
    routes: list[list[Node]] = []
    for source, target in graph.edges:
        if (source, target) in back:
            continue
        steps = range(depth[source] + 1, depth[target])
        bends: list[Node] = [(_BEND, f"{source}{target}{step}") for step in steps]
        for step, bend in zip(steps, bends, strict=True):
            columns[step].append(bend)
        routes.append([source, *bends, target])
    return routes, columns


def _depths(graph: nx.DiGraph[Node], back: set[tuple[Node, Node]]) -> dict[Node, int]:
    """Return the column of each node: as far right as the longest way to it."""
    layered = graph.copy()
    layered.remove_edges_from(back)
    depth: dict[Node, int] = {}
    order = list(nx.topological_sort(layered))
    for node in order:
        before = (depth[source] + 1 for source in layered.predecessors(node))
        depth[node] = max(before, default=0)
    for node in reversed(order):
        # What nothing leads to stands right before the first thing that it leads to.
        if layered.in_degree(node) == 0 and layered.out_degree(node) > 0:
            depth[node] = min(depth[target] for target in layered.successors(node)) - 1
    return depth


def _places(routes: list[list[Node]], columns: list[list[Node]]) -> dict[Node, tuple[float, float]]:
    """Return where each node stands: beside its neighbours, so that few arrows cross.

    The classic sweep of layered drawing: order each column by the mean height of the neighbours,
    back and forth a few times (Sugiyama, Tagawa and Toda, 1981).
    """
    around: dict[Node, list[Node]] = {node: [] for column in columns for node in column}
    for route in routes:
        for left, right in pairwise(route):
            around[left].append(right)
            around[right].append(left)
    height: dict[Node, float] = {}
    for column in columns:
        height |= _spread(column)
    for sweep in range(_SWEEPS):
        for column in columns if sweep % 2 == 0 else columns[::-1]:
            means = {
                node: mean([height[other] for other in around[node] or [node]]) for node in column
            }
            # Python's sort is stable: equal means keep their order.
            column.sort(key=means.__getitem__, reverse=True)
            height |= _spread(column)
    return {
        node: (float(number), height[node])
        for number, column in enumerate(columns)
        for node in column
    }


def _spread(column: list[Node]) -> dict[Node, float]:
    """Return heights for a column, from top to bottom; an arrow that passes needs less room."""
    rooms = [0.5 if kind == _BEND else 1.0 for kind, _ in column]
    top = sum(rooms) / 2
    heights = {}
    for node, room in zip(column, rooms, strict=True):
        heights[node] = top - room / 2
        top -= room
    return heights


def _draw_node(ax: Axes, kind: str, label: str, x: float, y: float) -> None:
    rounding = 0.24 if kind == "channel" else 0.06
    box = FancyBboxPatch(
        (x - _WIDTH / 2, y - _HEIGHT / 2),
        _WIDTH,
        _HEIGHT,
        boxstyle=f"round,pad=0,rounding_size={rounding}",
        facecolor=_FACES[kind],
        edgecolor=_EDGES[kind],
        linewidth=1.3,
        zorder=2,
    )
    ax.add_patch(box)
    ax.text(x, y, label, ha="center", va="center", fontsize=9, color=style.INK, zorder=3)


def _draw_edge(ax: Axes, points: list[Point]) -> Point:
    """Draw an arrow through the middle of each gap, flat where it leaves, passes and arrives.

    Returns the middle of its first gap.
    """
    x, y = points[0]
    vertices, codes = [(x + _WIDTH / 2, y)], [Path.MOVETO]
    for (x0, y0), (x1, y1) in pairwise(points):
        begin, end = x0 + _WIDTH / 2, x1 - _WIDTH / 2
        middle = (begin + end) / 2
        vertices += [(middle, y0), (middle, y1), (end, y1)]
        codes += [Path.CURVE4] * 3
        if (x1, y1) != points[-1]:
            vertices.append((x1 + _WIDTH / 2, y1))
            codes.append(Path.LINETO)
    ax.add_patch(FancyArrowPatch(path=Path(vertices, codes), **_ARROW))
    (x0, y0), (x1, y1) = points[:2]
    return (x0 + x1) / 2, (y0 + y1) / 2


def _draw_back_edge(ax: Axes, source: Point, target: Point, floor: float) -> Point:
    """Draw a dashed arrow to the left: down a gap between columns, below everything, and up.

    Returns the middle of its way below.
    """
    (x0, y0), (x1, y1) = source, target
    begin, end = x0 + _WIDTH / 2, x1 - _WIDTH / 2
    gap = (1 - _WIDTH) / 2
    right, left = begin + gap, end - gap
    vertices = [(begin, y0), (right, y0), (right, floor), (right - gap, floor)]
    vertices += [(left + gap, floor), (left, floor), (left, y1), (end, y1)]
    codes = [Path.MOVETO, *[Path.CURVE4] * 3, Path.LINETO, *[Path.CURVE4] * 3]
    ax.add_patch(FancyArrowPatch(path=Path(vertices, codes), linestyle="--", **_ARROW))
    return (left + right) / 2, floor


def _fit_labels(ax: Axes) -> None:
    """Make the labels as small as the tightest box asks for."""
    figure = ax.get_figure(root=True)
    if figure is None or not ax.texts:
        return
    if not hasattr(figure.canvas, "get_renderer"):
        FigureCanvasAgg(figure)
    figure.draw_without_rendering()
    corners = ax.transData.transform([(0, 0), (_WIDTH * 0.92, _HEIGHT * 0.9)])
    width, height = corners[1] - corners[0]
    shrink = 1.0
    for text in ax.texts:
        extent = text.get_window_extent()
        shrink = min(shrink, width / extent.width, height / extent.height)
    for text in ax.texts:
        text.set_fontsize(9 * shrink)


def _said(graph: nx.DiGraph[Node]) -> str:
    kinds = [kind for kind, _ in graph]
    counts = (
        f"{kinds.count(kind)} {kind}{'' if kinds.count(kind) == 1 else 's'}"
        for kind in ("producer", "channel", "consumer")
    )
    return "Who sends to whom: " + ", ".join(counts)
