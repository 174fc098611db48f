"""The topology of a scenario as a graph, from left to right."""

from __future__ import annotations

import networkx as nx
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from eda_sim.plots import style

Node = tuple[str, str]
"""Kind and name: a channel and a consumer may share a name."""

_WIDTH, _HEIGHT = 0.66, 0.56
_FACES = {"producer": "#D5ECE3", "channel": "#F2F2F2", "consumer": "#D3E5F1"}
_EDGES = {"producer": style.GREEN, "channel": style.MUTED, "consumer": style.BLUE}
_SWEEPS = 6


def topology(table: pd.DataFrame, *, title: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw who sends to whom, each step of a message one column further right.

    Producers are green, channels grey with round ends, consumers blue. An arrow that leads back (a
    cycle) is dashed and curved below.

    Parameters
    ----------
    table : DataFrame
        One row per edge: ``source``, ``source_kind``, ``target``, ``target_kind``,
        ``source_label``, ``target_label``, as ``run.topology()`` returns it.
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
    columns = _columns(graph, back)
    place = _places(graph, columns)
    tallest = max((len(column) for column in columns), default=1)
    ax = style.axes_or_new(ax, width=1.0 + 2.0 * max(len(columns), 1), height=1.2 + 0.85 * tallest)
    ax.set_axis_off()
    ax.set_xlim(-0.5, max(len(columns), 1) - 0.5)
    ax.set_ylim(-tallest / 2 - (0.45 if back else 0.1), tallest / 2 + 0.1)
    for source, target in graph.edges:
        _draw_edge(ax, place[source], place[target], leads_back=(source, target) in back)
    for node, (x, y) in place.items():
        _draw_node(ax, node[0], graph.nodes[node]["label"], x, y)
    said = title or _said(graph)
    ax.set_title(said, loc="left", fontsize=style.TITLE_SIZE, color=style.INK, pad=8)
    _fit_labels(ax)
    return ax


def _graph(table: pd.DataFrame) -> nx.DiGraph[Node]:
    graph: nx.DiGraph[Node] = nx.DiGraph()
    for row in table.to_dict("records"):
        source = (str(row["source_kind"]), str(row["source"]))
        target = (str(row["target_kind"]), str(row["target"]))
        graph.add_node(source, label=row["source_label"])
        graph.add_node(target, label=row["target_label"])
        graph.add_edge(source, target)
    return graph


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


def _columns(graph: nx.DiGraph[Node], back: set[tuple[Node, Node]]) -> list[list[Node]]:
    """Return the nodes by depth: each as far right as the longest way to it."""
    layered = graph.copy()
    layered.remove_edges_from(back)
    depth: dict[Node, int] = {}
    for node in nx.topological_sort(layered):
        before = (depth[source] + 1 for source in layered.predecessors(node))
        depth[node] = max(before, default=0)
    columns: list[list[Node]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for node in graph:
        columns[depth[node]].append(node)
    return columns


def _places(graph: nx.DiGraph[Node], columns: list[list[Node]]) -> dict[Node, tuple[float, float]]:
    """Return where each node stands: beside its neighbours, so that few arrows cross.

    The classic sweep of layered drawing: order each column by the mean height of the neighbours,
    back and forth a few times (Sugiyama, Tagawa and Toda, 1981).
    """
    height: dict[Node, float] = {}
    for column in columns:
        height |= _spread(column)
    for sweep in range(_SWEEPS):
        for column in columns if sweep % 2 == 0 else columns[::-1]:
            means = {node: _mean_height(graph, node, height) for node in column}
            # Python's sort is stable: equal means keep their order.
            column.sort(key=lambda node: -means[node])
            height |= _spread(column)
    return {
        node: (float(number), height[node])
        for number, column in enumerate(columns)
        for node in column
    }


def _spread(column: list[Node]) -> dict[Node, float]:
    return {node: (len(column) - 1) / 2 - place for place, node in enumerate(column)}


def _mean_height(graph: nx.DiGraph[Node], node: Node, height: dict[Node, float]) -> float:
    around = [height[other] for other in (*graph.predecessors(node), *graph.successors(node))]
    return sum(around) / len(around) if around else height[node]


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


def _draw_edge(
    ax: Axes, source: tuple[float, float], target: tuple[float, float], *, leads_back: bool
) -> None:
    (x0, y0), (x1, y1) = source, target
    if leads_back:
        begin, end = (x0, y0 - _HEIGHT / 2), (x1, y1 - _HEIGHT / 2)
        bend = -0.35
    else:
        begin, end = (x0 + _WIDTH / 2, y0), (x1 - _WIDTH / 2, y1)
        # What skips a column goes around what stands there.
        bend = 0.25 if x1 - x0 > 1 else 0.0
    arrow = FancyArrowPatch(
        begin,
        end,
        arrowstyle="-|>",
        mutation_scale=11,
        connectionstyle=f"arc3,rad={bend}",
        linestyle="--" if leads_back else "-",
        color=style.MUTED,
        linewidth=1.2,
        shrinkA=0,
        shrinkB=1,
        zorder=1,
    )
    ax.add_patch(arrow)


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
