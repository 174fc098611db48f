"""Comparisons: two estimates, the pairs they are made of, and the difference with its own interval.

The words
---------
pair
    Two runs with the same random numbers, one of each scenario: a thin line from one to the other.
    Where all lines go the same way, chance has nothing to do with it, however far they lie apart.
aligned
    The scale at the right measures from the first estimate: its zero (or "1 times") is there, and
    the difference stands as high as the second estimate.

References
----------
.. [1] M. J. Gardner, D. G. Altman, "Confidence intervals rather than P values", British Medical
   Journal 292 (1986), 746-750: the difference with its interval, on a scale beside both groups.
"""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from eda_sim.analysis.estimates import Estimate
from eda_sim.plots import style
from eda_sim.spec.quantities import Dimension

_UNITS: dict[Dimension, str] = {
    "time": "",  # stands on each tick
    "rate": " [per second]",
    "number": " [number]",
    "bytes": " [bytes]",
    "bandwidth": " [bytes per second]",
}
_MOST_PAIRS = 60
"""More lines than that are a grey area."""


def comparison(
    table: pd.DataFrame,
    *,
    pairs: pd.DataFrame | None = None,
    dimension: Dimension = "time",
    what: str = style.LATENCY,
    names: tuple[str, str] = ("scenario", "variant"),
    confidence: float = 0.95,
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw two estimates at the left, and their difference or ratio with its interval at the right.

    Parameters
    ----------
    table : DataFrame
        ``what``, ``mean``, ``low``, ``high``: rows ``scenario``, ``variant``, and ``difference`` or
        ``ratio``, as ``es.compare(...).table`` is. An estimate without an interval (NaN) is hollow.
    pairs : DataFrame, optional
        ``scenario``, ``variant``: the values of each pair of runs, thin lines behind the estimates.
    dimension : str
        What the values measure: ``time`` (s), ``rate`` (per second), ``number``, ``bytes``, ...
    what : str
        What is compared.
    names : (str, str)
        What the two are called.
    confidence : float
        Of the intervals in the table: a word on the axis.
    title : str, optional
        Instead of the one that says what is to be seen.
    ax : Axes, optional
        Where to draw; a new figure without it.

    Returns
    -------
    Axes
        Its y axis measures the estimates; a second one at the right measures the difference.

    Raises
    ------
    ValueError
        If the table has neither a difference nor a ratio.
    """
    rows = {
        str(name): Estimate(*map(float, numbers))
        for name, *numbers in table[["what", "mean", "low", "high"]].itertuples(index=False)
    }
    kind = next((name for name in ("difference", "ratio") if name in rows), None)
    if kind is None:
        message = f"table: a row 'difference' or 'ratio' is missing in {', '.join(rows)}"
        raise ValueError(message)
    ax = style.axes_or_new(ax, height=3.8)
    first, second, third = rows["scenario"], rows["variant"], rows[kind]
    base = first.value
    as_high = Estimate(*(base + each if kind == "difference" else base * each for each in third))
    if pairs is not None:
        _draw_pairs(ax, pairs)
    drawn = ((first, style.BLUE), (second, style.ORANGE), (as_high, style.INK))
    for place, (estimate, color) in enumerate(drawn):
        _draw_estimate(ax, place, estimate, color)
    _draw_levels(ax, base, as_high.value)
    ax.set_xlim(-0.5, 2.6)
    ax.margins(y=0.12)
    ax.set_xticks([0, 1, 2], [*names, kind])
    style.dress(
        ax,
        title=title or _title(kind, third, dimension, names),
        x="",
        y=style.with_intervals(f"{what}{_UNITS[dimension]}", table, confidence=confidence),
    )
    _spell_ticks(ax, dimension)
    if math.isfinite(base) and (kind == "difference" or base > 0):
        _scale_at_the_right(ax, base, kind, dimension)
    return ax


def _draw_pairs(ax: Axes, pairs: pd.DataFrame) -> None:
    for values in pairs[["scenario", "variant"]].dropna().to_numpy()[:_MOST_PAIRS]:
        ax.plot((0, 1), values, color=style.WAITING, linewidth=0.7, alpha=0.7, zorder=1)


def _draw_estimate(ax: Axes, place: int, estimate: Estimate, color: str) -> None:
    value, low, high = estimate
    if estimate.is_known:
        ax.vlines(place, low, high, color=color, linewidth=3.0, zorder=2.5)
    face = color if estimate.is_known else "white"
    ax.plot(place, value, "o", color=color, markerfacecolor=face, markersize=7, zorder=3)


def _draw_levels(ax: Axes, base: float, other: float) -> None:
    """Carry both estimates to the right, where the difference between them is measured."""
    look: style.Look = {"linewidth": 0.9, "zorder": 1.5}
    ax.plot((0, 2.6), (base, base), color=style.BLUE, linestyle=style.DASHES[1], **look)
    ax.plot((1, 2), (other, other), color=style.ORANGE, linestyle=style.DASHES[2], **look)
    ax.annotate(
        "no difference",
        xy=(2.6, base),
        xytext=(-2, 3),
        textcoords="offset points",
        ha="right",
        va="bottom",
        fontsize=style.NOTE_SIZE,
        color=style.BLUE,
    )


def _scale_at_the_right(ax: Axes, base: float, kind: str, dimension: Dimension) -> None:
    """Measure from the first estimate: its height is 0 there, or 1 times."""
    scales = {
        "difference": (lambda height: height - base, lambda value: value + base),
        "ratio": (lambda height: height / base, lambda value: value * base),
    }
    right = ax.secondary_yaxis("right", functions=scales[kind])
    right.tick_params(labelsize=style.TICK_SIZE, colors=style.MUTED, labelcolor=style.INK)
    right.spines["right"].set_color(style.MUTED)
    if kind == "difference":
        _spell_ticks(right, dimension)
    unit = _UNITS[dimension] if kind == "difference" else " [times]"
    right.set_ylabel(f"{kind}{unit}", fontsize=style.LABEL_SIZE, color=style.INK)


def _spell_ticks(ax: Any, dimension: Dimension) -> None:
    """Write the unit of times on each tick, in the one unit in which the longest is said."""
    if dimension == "time":
        low, high = ax.get_ylim()
        style.duration_ticks(ax, "y", max(abs(low), abs(high)))
    else:
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{round(value, 9):,g}"))


def _title(kind: str, third: Estimate, dimension: Dimension, names: tuple[str, str]) -> str:
    value, low, high = (_spelled(number, kind, dimension) for number in third)
    first, second = names
    interval = f"{low} to {high}" if third.is_known else "too few pairs for an interval"
    if kind == "difference":
        return f"{second} minus {first}: {value} ({interval})"
    return f"{second} is {value} times {first} ({interval})"


def _spelled(number: float, kind: str, dimension: Dimension) -> str:
    if kind == "ratio" or not math.isfinite(number):
        return f"{number:.2f}" if math.isfinite(number) else "unknown"
    if dimension == "time":
        return style.duration_text(number)
    return f"{number:,.3g}{'/s' if dimension == 'rate' else ''}"
