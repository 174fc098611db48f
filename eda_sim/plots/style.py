"""One look for all figures: colours that everybody can tell apart, plain axes, labels on the lines.

The words
---------
palette
    The colours of Okabe and Ito, which people with any common colour blindness can tell apart.
    Lines also differ in their dashes, so a print in grey stays readable.
role
    A colour that always means the same: blue is work, orange is work done again, vermilion is a
    fault, grey is waiting.
direct label
    A name written at the end of its line instead of in a legend, so that the eye need not travel.

References
----------
.. [1] M. Okabe, K. Ito, "Color universal design" (2008), palette of eight colours.
.. [2] E. R. Tufte, "The Visual Display of Quantitative Information" (1983): ink that shows no data.
"""

from __future__ import annotations

import contextlib
import io
import math
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any, Literal, TypeAlias, cast

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.rcsetup import cycler
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter

Look: TypeAlias = dict[str, Any]
"""Keyword arguments of matplotlib that say what something looks like."""

Grid: TypeAlias = Literal["x", "y", "both", "none"]

BLUE = "#0072B2"
VERMILION = "#D55E00"
GREEN = "#009E73"
PURPLE = "#CC79A7"
ORANGE = "#E69F00"
SKY = "#56B4E9"
INK = "#222222"
MUTED = "#6B6B6B"
FAINT = "#E3E3E3"

SERIES = (BLUE, ORANGE, GREEN, PURPLE, SKY, "#000000")
"""Colours for lines, in order; vermilion is kept for faults, and yellow is too light for a line."""

DASHES: tuple[str | tuple[float, tuple[float, ...]], ...] = (
    "-",
    (0, (6, 2)),
    (0, (2, 1.4)),
    (0, (7, 2, 1.5, 2)),
    (0, (10, 3)),
    (0, (1, 1)),
)

WORK, AGAIN, FAULT, WAITING = BLUE, ORANGE, VERMILION, "#A9A9A9"
"""Roles: a handler runs; it runs on a later attempt; something is broken; nobody works on it."""

TITLE_SIZE, LABEL_SIZE, TICK_SIZE, NOTE_SIZE = 11.0, 9.5, 8.5, 8.5

LATENCY = "latency, created to effect"
"""What an axis of latencies measures."""

_LONGEST_UPRIGHT = 46
"""Letters that fit beside a figure of the usual height; a longer label takes two lines."""

THEME: Any = {
    "axes.prop_cycle": cycler(color=list(SERIES)),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlesize": TITLE_SIZE,
    "axes.labelsize": LABEL_SIZE,
    "xtick.labelsize": TICK_SIZE,
    "ytick.labelsize": TICK_SIZE,
    "font.size": LABEL_SIZE,
    "legend.frameon": False,
}
"""The same look as matplotlib settings, for figures of your own; see :func:`theme`."""


class Picture(Figure):
    """A figure that pyplot does not know, and that a notebook shows all the same."""

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", dpi=self.dpi)
        return buffer.getvalue()


@contextlib.contextmanager
def theme() -> Iterator[None]:
    """Use the look of these figures for other drawings inside a ``with`` block.

    Examples
    --------
    >>> before = mpl.rcParams["axes.spines.top"]
    >>> with theme():
    ...     mpl.rcParams["axes.spines.top"]
    False
    >>> mpl.rcParams["axes.spines.top"] == before
    True
    """
    with mpl.rc_context(THEME):
        yield


def axes_or_new(ax: Axes | None, *, width: float = 7.2, height: float = 4.0) -> Axes:
    """Return ``ax``, or the Axes of a new figure of its own (inches) that pyplot does not know."""
    if ax is not None:
        return ax
    figure = Picture(figsize=(width, height), dpi=120, facecolor="white")
    figure.set_layout_engine("constrained", w_pad=0.12, h_pad=0.1)
    FigureCanvasAgg(figure)
    return figure.add_subplot()


def dress(ax: Axes, *, title: str, x: str, y: str, grid: Grid = "y") -> None:
    """Give an Axes its title, the labels with units, and the plain look.

    Parameters
    ----------
    ax : Axes
        What to dress.
    title : str
        What is to be seen.
    x, y : str
        What the axes measure, with the unit in brackets.
    grid : str
        ``x``, ``y``, ``both`` or ``none``: where lines help to read values off.
    """
    # With y given, matplotlib need not lay out all tick labels first to look for room above them.
    ax.set_title(title, loc="left", fontsize=TITLE_SIZE, color=INK, pad=10, y=1.0)
    ax.set_xlabel(x, fontsize=LABEL_SIZE, color=INK)
    ax.set_ylabel(textwrap.fill(y, _LONGEST_UPRIGHT), fontsize=LABEL_SIZE, color=INK)
    ax.tick_params(labelsize=TICK_SIZE, colors=MUTED, labelcolor=INK, length=3, width=0.8)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        ax.spines[side].set_color(MUTED)
        ax.spines[side].set_linewidth(0.8)
    ax.set_axisbelow(True)
    if grid != "none":
        ax.grid(visible=True, axis=grid, color=FAINT, linewidth=0.8)


def with_intervals(what: str, table: pd.DataFrame | None, *, confidence: float = 0.95) -> str:
    """Say on the label of an axis what the bars are, if there are any.

    Parameters
    ----------
    what : str
        What the axis measures.
    table : DataFrame or None
        ``low`` and ``high`` of the estimates; NaN where there is no interval.
    confidence : float
        Probability that an interval covers the truth.

    Examples
    --------
    >>> with_intervals("share", pd.DataFrame({"low": [0.1], "high": [0.3]}))
    'share, with 95 % intervals'
    """
    if table is None or not (table["low"].notna() & table["high"].notna()).any():
        return what
    return f"{what}, with {100 * confidence:.4g} % intervals"


def percentile_text(share: float) -> str:
    """Return the short name of a percentile.

    Examples
    --------
    >>> percentile_text(0.5), percentile_text(0.999)
    ('p50', 'p99.9')
    """
    return f"p{100 * share:g}"


def line_style(number: int) -> Look:
    """Return colour and dashes of the line with this number, from 0."""
    return {
        "color": SERIES[number % len(SERIES)],
        # The seventh line has the first colour again, and other dashes.
        "linestyle": DASHES[(number + number // len(SERIES)) % len(DASHES)],
        "linewidth": 1.7,
    }


def label_ends(ax: Axes, ends: Sequence[tuple[float, float, str, str]]) -> None:
    """Write names at the right ends of lines, moved apart where they would overlap.

    Parameters
    ----------
    ax : Axes
        Where; its limits and scales must be set.
    ends : sequence of (x, y, text, colour)
        End of each line in data coordinates, and what to write there.
    """
    placed: list[float] = []
    to_share = ax.transAxes.inverted()
    for x, y, text, color in sorted(ends, key=lambda end: end[1]):
        share = float(to_share.transform(ax.transData.transform((x, y)))[1])
        height = max(share, placed[-1] + 0.055) if placed else max(share, 0.02)
        placed.append(height)
        ax.annotate(
            text,
            xy=(1.0, height),
            xytext=(5, 0),
            xycoords="axes fraction",
            textcoords="offset points",
            va="center",
            ha="left",
            color=color,
            fontsize=NOTE_SIZE,
            annotation_clip=False,
        )


def side_legend(ax: Axes, lines: Sequence[Line2D]) -> None:
    """Name lines beside the Axes, each with a piece of itself."""
    ax.legend(
        handles=list(lines),
        loc="upper left",
        bbox_to_anchor=(1.0, 1.0),
        frameon=False,
        fontsize=NOTE_SIZE,
        handlelength=2.6,
    )


def fault_bands(ax: Axes, faults: pd.DataFrame | None) -> None:
    """Shade the time of each fault behind the data, and name it once.

    Parameters
    ----------
    ax : Axes
        Where; its x axis is simulated time in seconds, and its limits are set.
    faults : DataFrame or None
        As ``run.faults``; nothing is drawn without it.
    """
    if faults is None:
        return
    first, last = ax.get_xlim()
    # Where the names end on each line, in points: a name that would overlap goes one line down.
    ends: list[float] = []
    width = 72.0 * ax.bbox.width / ax.figure.dpi
    together = ["kind", "target", "started_at", "ended_at"]
    groups = faults.groupby(together, observed=True, sort=True, dropna=False)["instance"]
    in_time = sorted(groups, key=lambda group: cast("tuple[Any, ...]", group[0])[2])
    for what, hit in in_time:
        kind, target, start, end = cast("tuple[str, str, float, float]", what)
        over = last if math.isnan(end) else min(end, last)
        begin = max(start, first)
        if over < first or begin > last:
            continue
        ax.axvspan(begin, over, color=FAULT, alpha=0.13, linewidth=0, zorder=0.5)
        ax.axvline(begin, color=FAULT, linewidth=0.9, zorder=0.6)
        # -1 stands for all instances.
        one = len(hit) == 1 and hit.iloc[0] >= 0
        name = f"{kind} of {target}/{hit.iloc[0]}" if one else f"{kind} of {target}"
        place = (begin - first) / ((last - first) or 1.0) * width
        line = next((at for at, end in enumerate(ends) if end <= place), len(ends))
        ends[line : line + 1] = [place + 0.56 * NOTE_SIZE * (len(name) + 1)]
        ax.annotate(
            name,
            xy=(begin, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(3, -3 - 1.25 * NOTE_SIZE * line),
            textcoords="offset points",
            va="top",
            ha="left",
            fontsize=NOTE_SIZE,
            color=FAULT,
        )


def duration_text(seconds: float) -> str:
    """Return a duration in the unit in which people say it.

    Examples
    --------
    >>> duration_text(0.0412), duration_text(5.223), duration_text(0.0), duration_text(90.0)
    ('41 ms', '5.2 s', '0 s', '90 s')
    """
    if seconds == 0 or not math.isfinite(seconds):
        return "0 s" if seconds == 0 else "?"
    factor, unit = _unit_of(seconds)
    value = seconds / factor
    return f"{value:.0f} {unit}" if abs(value) >= 9.95 else f"{value:.2g} {unit}"


def _unit_of(seconds: float) -> tuple[float, str]:
    """Return the unit in which people say a time: its seconds, and its symbol."""
    units = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))
    return next((each for each in units if abs(seconds) >= each[0] * 0.9995), (1e-9, "ns"))


def duration_axis(
    ax: Axes, axis: Literal["x", "y"], values: pd.Series, *, room: float = 0.0
) -> None:
    """Make an axis logarithmic in seconds, with ticks such as 10 ms; linear if all values are 0.

    ``room`` is left free beyond the highest value, as a share of the axis.
    """
    positive = values[values > 0]
    if positive.empty:
        return
    low, high = float(positive.min()), float(positive.max())
    target = ax.xaxis if axis == "x" else ax.yaxis
    (ax.set_xscale if axis == "x" else ax.set_yscale)("log")
    limits = (ax.set_xlim, ax.set_ylim)[axis == "y"]
    limits(low / 1.25, high * 1.25 * (high / low) ** room)
    if high / low < 8:
        target.set_major_locator(LogLocator(base=10, subs=(1.0, 2.0, 3.0, 5.0, 7.0)))
    elif high / low < 200:
        target.set_major_locator(LogLocator(base=10, subs=(1.0, 2.0, 5.0)))
    else:
        target.set_major_locator(LogLocator(base=10))
    target.set_major_formatter(FuncFormatter(lambda value, _: duration_text(value)))
    target.set_minor_formatter(NullFormatter())


def duration_ticks(ax: Axes, axis: Literal["x", "y"], longest: float) -> None:
    """Label a linear axis of seconds in one unit, that of the longest time on it, without rounding.

    Examples
    --------
    >>> ax = axes_or_new(None)
    >>> duration_ticks(ax, "x", 0.02)
    >>> ax.xaxis.get_major_formatter()(0.0125)
    '12.5 ms'
    """
    factor, unit = _unit_of(longest)
    target = ax.xaxis if axis == "x" else ax.yaxis
    target.set_major_formatter(
        FuncFormatter(lambda value, _: f"{round(value / factor, 9):g} {unit}")
    )


def nines_axis(ax: Axes, highest: float) -> None:
    """Label an x axis of ``-log10(1 - share)`` with the shares: 0, 90 %, 99 %, ..."""
    ticks = [0.0, math.log10(2), *range(1, math.ceil(highest) + 1)]
    ax.xaxis.set_major_locator(FixedLocator(ticks))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: percent_text(1 - 10**-value)))


def percent_text(share: float) -> str:
    """Return a share as a percentage with as many nines as it has.

    Examples
    --------
    >>> percent_text(0.5), percent_text(0.999), percent_text(0.0)
    ('50 %', '99.9 %', '0 %')
    """
    return f"{round(share * 100, 10):.10g} %"
