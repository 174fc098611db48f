"""Event sourcing: what a replay costs, and what snapshots cost and save.

The words
---------
replay
    To apply the events of an aggregate in order, which gives its state.
snapshot
    A stored state, from which a replay begins.
foretold
    Read off the fitted line, for a length that was not measured.
"""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from eda_sim.plots import style, sweeps


def replay_cost(
    timings: pd.DataFrame,
    line: pd.DataFrame,
    *,
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw timings of loads over the events that they replay, and the line through them.

    Parameters
    ----------
    timings : DataFrame
        ``replayed`` (events, above 0), ``seconds``, a row for each load, as
        :func:`eda_sim.patterns.sourcing.replay_cost.measure` returns it.
    line : DataFrame
        ``replayed``, ``value``, ``low``, ``high`` (s), as ``ReplayCost.predict`` returns it. What
        is longer than any timing is drawn as foretold, and its end is named.
    title : str, optional
        Instead of the one that says what is to be seen.
    ax : Axes, optional
        Where to draw; a new figure without it.

    Returns
    -------
    Axes
        Both axes are logarithmic.

    Raises
    ------
    ValueError
        If there is nothing to draw, or a load replays nothing: a logarithm has no place for 0.
    """
    if timings.empty or line.empty:
        raise ValueError("timings, line: each must have a row")
    line = line.sort_values("replayed")
    if min(timings["replayed"].min(), line["replayed"].min()) <= 0:
        raise ValueError("replayed: must be above 0 on a logarithmic axis")
    ax = style.axes_or_new(ax)
    longest = timings["replayed"].max()
    fitted, beyond = line[line["replayed"] <= longest], line[line["replayed"] > longest]
    beyond = pd.concat([fitted.tail(1), beyond]) if len(beyond) else beyond
    ax.set_xscale("log", nonpositive="mask")
    seconds = pd.concat([timings["seconds"], line["value"], line["high"]])
    style.duration_axis(ax, "y", seconds)
    bottom = ax.get_ylim()[0]
    ax.fill_between(
        line["replayed"],
        line["low"].clip(lower=bottom),
        line["high"],
        color=style.BLUE,
        alpha=0.15,
        linewidth=0,
        zorder=1,
    )
    look: style.Look = {"color": style.BLUE, "linewidth": 1.5, "zorder": 2}
    ax.plot(fitted["replayed"], fitted["value"], **look)
    ax.plot(beyond["replayed"], beyond["value"], linestyle=(0, (4, 2)), **look)
    ax.plot(
        timings["replayed"],
        timings["seconds"],
        "o",
        color=style.INK,
        markersize=4,
        alpha=0.55,
        markeredgewidth=0,
        zorder=3,
    )
    if len(beyond):
        _name_the_foretold(ax, beyond.iloc[-1])
    lengths = pd.concat([timings["replayed"], line["replayed"]])
    ax.set_xlim(lengths.min() / 1.4, lengths.max() * 1.4)
    _count_axis(ax)
    style.dress(
        ax,
        title=title or _replay_title(line),
        x="events that a load replays",
        y="time of a load",
        grid="both",
    )
    return ax


def loads(
    tables: dict[str, pd.DataFrame],
    *,
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw how many events each load replays, over time.

    Parameters
    ----------
    tables : dict of str to DataFrame
        Name -> ``time`` (s), ``replayed`` (events), as
        :func:`eda_sim.patterns.sourcing.snapshots.loads` returns it.
    title : str, optional
        Instead of the one that says what is to be seen.
    ax : Axes, optional
        Where to draw; a new figure without it.

    Returns
    -------
    Axes
    """
    ax = style.axes_or_new(ax)
    lines: list[Line2D] = []
    for number, (name, table) in enumerate(tables.items()):
        own = table.sort_values("time")
        look = {**style.line_style(number), "linewidth": 1.2}
        lines += ax.plot(own["time"], own["replayed"], label=name, **look)
    most = max(
        (float(table["replayed"].max()) for table in tables.values() if len(table)), default=1
    )
    ax.set_ylim(0, 1.08 * (most or 1))
    if len(lines) > 1:
        style.side_legend(ax, lines)
    style.dress(
        ax,
        title=title or "Each snapshot makes the next loads short again",
        x="simulated time [s]",
        y="events that a load replays",
    )
    return ax


def snapshot_tradeoff(
    costs: pd.DataFrame,
    *,
    law: pd.DataFrame | None = None,
    optimum: float | None = None,
    cheapest: tuple[float, float, float] | None = None,
    what: str = "cost per second",
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw what snapshots cost: writing them, replaying what came since, and both together.

    Parameters
    ----------
    costs : DataFrame
        ``every`` (events between snapshots), ``writing``, ``replaying``, ``value`` (their sum),
        ``low``, ``high`` (of the sum), as
        :func:`eda_sim.patterns.sourcing.snapshots.costs` returns it.
    law : DataFrame, optional
        ``every``, ``value``: the sum by theory, a grey line.
    optimum : float, optional
        The distance that the square-root law names: a vertical line.
    cheapest : (float, float, float), optional
        The distance that was the cheapest in the runs, and its interval: a diamond with a bar.
    what : str
        What the costs are, with their unit.
    title : str, optional
        Instead of the one that says what is to be seen.
    ax : Axes, optional
        Where to draw; a new figure without it.

    Returns
    -------
    Axes
        Both axes are logarithmic.

    Raises
    ------
    ValueError
        If there is no row.
    """
    if costs.empty:
        raise ValueError("costs: must have a row")
    ax = style.axes_or_new(ax)
    own = costs.sort_values("every")
    ax.set_xscale("log")
    ax.set_yscale("log", nonpositive="mask")
    ax.set_xlim(own["every"].min() / 1.15, own["every"].max() * 1.15)
    lowest = float(own["value"].min())
    ax.set_ylim(lowest / 8, float(own["high"].max()) * 1.3)
    _count_axis(ax)
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.yaxis.set_minor_formatter(NullFormatter())
    parts = (("writing", style.ORANGE, (0, (6, 2))), ("replaying", style.GREEN, (0, (2, 1.4))))
    lines: list[Line2D] = []
    for part, color, dashes in parts:
        lines += ax.plot(
            own["every"], own[part], color=color, linestyle=dashes, linewidth=1.5, label=part
        )
    sweeps.points(ax, own["every"], own, style.BLUE)
    look: style.Look = {"color": style.BLUE, "linewidth": 0 if law is not None else 1.2}
    if law is None:
        ax.plot(own["every"], own["value"], zorder=1.5, **look)
    both = Line2D([], [], marker="o", markersize=5, label="both together", **look)
    lines.append(both)
    if law is not None:
        curve = law.sort_values("every")
        look = {"color": style.MUTED, "linewidth": 1.3, "zorder": 1.5}
        lines += ax.plot(curve["every"], curve["value"], label="both, by theory", **look)
    if optimum is not None:
        look = {"color": style.VERMILION, "linewidth": 1.2, "linestyle": (0, (4, 2)), "zorder": 1}
        lines.append(ax.axvline(optimum, label=f"square-root law: {optimum:.3g}", **look))
    if cheapest is not None:
        lines.append(_cheapest(ax, cheapest, lowest / 3))
    style.side_legend(ax, lines)
    style.dress(
        ax,
        title=title or _tradeoff_title(own),
        x="events from one snapshot to the next",
        y=what,
        grid="both",
    )
    return ax


def _cheapest(ax: Axes, cheapest: tuple[float, float, float], height: float) -> Line2D:
    value, low, high = cheapest
    ax.hlines(height, low, high, color=style.PURPLE, linewidth=2.2, zorder=3)
    (mark,) = ax.plot(
        [value],
        [height],
        marker="D",
        linestyle="none",
        color=style.PURPLE,
        markersize=6,
        zorder=4,
        label=f"cheapest in the runs: {value:.3g} ({low:.3g} to {high:.3g})",
    )
    return mark


def _name_the_foretold(ax: Axes, last: pd.Series) -> None:
    ax.plot(
        [last["replayed"]],
        [last["value"]],
        "o",
        color=style.BLUE,
        markerfacecolor="white",
        markersize=7,
        zorder=4,
    )
    ax.annotate(
        f"foretold {style.duration_text(float(last['value']))}",
        xy=(last["replayed"], last["value"]),
        xytext=(-9, 2),
        textcoords="offset points",
        ha="right",
        fontsize=style.NOTE_SIZE,
        color=style.BLUE,
    )


def _count_axis(ax: Axes) -> None:
    """Label a logarithmic x axis with whole numbers: 10, 100, 1,000."""
    first, last = ax.get_xlim()
    subs = (1.0, 2.0, 5.0) if last / first < 500 else (1.0,)
    ax.xaxis.set_major_locator(LogLocator(base=10, subs=subs))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    ax.xaxis.set_minor_formatter(NullFormatter())


def _replay_title(line: pd.DataFrame) -> str:
    last = line.iloc[-1]
    much = style.duration_text(float(last["value"]))
    return f"{int(last['replayed']):,} events are replayed in {much}: the line goes on"


def _tradeoff_title(costs: pd.DataFrame) -> str:
    best = int(costs["every"].to_numpy()[costs["value"].to_numpy().argmin()])
    return f"Snapshots every {best:,} events cost the least of these"
