"""Fits: does what was fitted look like what was measured.

The words
---------
QQ plot
    Each quantile of the sample over the same quantile of the model. Where they agree, points lie
    on the diagonal; where they leave the band, chance alone would have left it in one of 20 cases.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from eda_sim.plots import style

Quantiles = Callable[[str | None], pd.DataFrame]
_STRAY = 0.1
"""Share of points outside of the band that is more than chance."""
_SHORTEST = 1e-4
"""Probability below which the shortest durations are left out: they say little, over decades."""


def qq(
    table: pd.DataFrame, *, what: str = "duration", title: str | None = None, ax: Axes | None = None
) -> Axes:
    """Draw quantiles of a sample over those of the candidate that was fitted to it.

    Parameters
    ----------
    table : DataFrame
        From ``fit.quantiles()``: ``family``, ``probability``, ``model_s``, ``sample_s``, ``low_s``,
        ``high_s`` (s).
    what : str
        What the durations are.
    title : str, optional
        Instead of the one that says what is to be seen.
    ax : Axes, optional
        Where to draw; a new figure without it.

    Returns
    -------
    Axes
    """
    ax = style.axes_or_new(ax, width=5.6, height=5.0)
    shown = table[
        (table["probability"] >= _SHORTEST)
        & (table["model_s"] > 0)
        & (table["sample_s"] > 0)
        & (table["low_s"] > 0)
    ]
    ends = pd.concat([shown["model_s"], shown["sample_s"]])
    for axis in ("x", "y"):
        style.duration_axis(ax, axis, ends)
    band: style.Look = {"color": style.SKY, "alpha": 0.35, "linewidth": 0}
    ax.fill_between(shown["model_s"], shown["low_s"], shown["high_s"], label="95 % band", **band)
    line: style.Look = {"color": style.MUTED, "linewidth": 1.0, "zorder": 1.5}
    diagonal = [ends.min(), ends.max()]
    ax.plot(diagonal, diagonal, label="if they were equal", **line)
    inside = shown["sample_s"].between(shown["low_s"], shown["high_s"])
    for mask, marker, color, name in (
        (inside, "o", style.BLUE, "within"),
        (~inside, "^", style.VERMILION, "outside"),
    ):
        look: style.Look = {"color": color, "markersize": 3.2, "linestyle": "none"}
        if mask.any():
            ax.plot(shown["model_s"][mask], shown["sample_s"][mask], marker, label=name, **look)
    _mark_percentiles(ax, shown)
    ax.legend(frameon=False, fontsize=style.NOTE_SIZE, loc="upper left")
    family = str(table["family"].iloc[0])
    style.dress(
        ax,
        title=title or _verdict(family, float(1 - inside.mean())),
        x=f"{what} by the model [log scale]",
        y=f"{what} measured [log scale]",
        grid="both",
    )
    return ax


def rate(table: pd.DataFrame, *, title: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw the rate of arrivals over time, and what the fitted process has on average.

    Parameters
    ----------
    table : DataFrame
        From ``fit.over_time()``: ``from_s``, ``to_s`` (s), ``rate``, ``expected`` (1/s).
    title : str, optional
        Instead of the one that says what is to be seen.
    ax : Axes, optional
        Where to draw; a new figure without it.

    Returns
    -------
    Axes
    """
    ax = style.axes_or_new(ax)
    edges = np.append(table["from_s"], table["to_s"].iloc[-1])
    fill: style.Look = {"color": style.SKY, "alpha": 0.6, "label": "measured"}
    ax.stairs(table["rate"], edges, fill=True, **fill)
    line: style.Look = {"color": style.VERMILION, "linewidth": 1.7, "label": "fitted, on average"}
    ax.stairs(table["expected"], edges, baseline=None, **line)
    ax.set_xlim(edges[0], edges[-1])
    ax.set_ylim(0, 1.15 * max(table["rate"].max(), table["expected"].max()))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.legend(frameon=False, fontsize=style.NOTE_SIZE, loc="upper right", ncols=2)
    changes = table["expected"].max() > table["expected"].min()
    style.dress(
        ax,
        title=title
        or ("The rate follows a plan" if changes else "Arrivals around one rate in the long run"),
        x="time since the first arrival [s]",
        y="arrivals [1/s]",
    )
    return ax


@dataclass(frozen=True)
class DistributionPlots:
    """The figures of a fitted distribution."""

    quantiles: Quantiles = field(repr=False)

    def qq(self, family: str | None = None, *, ax: Axes | None = None) -> Axes:
        """Draw sample over model, of the best candidate or of a family; see :func:`qq`."""
        return qq(self.quantiles(family), ax=ax)


@dataclass(frozen=True)
class ArrivalPlots:
    """The figures of a fitted arrival process."""

    gap_quantiles: Quantiles = field(repr=False)
    over_time: Callable[[], pd.DataFrame] = field(repr=False)

    def qq(self, family: str | None = None, *, ax: Axes | None = None) -> Axes:
        """Draw the gaps over those of their best family, or of another; see :func:`qq`."""
        return qq(self.gap_quantiles(family), what="time between arrivals", ax=ax)

    def rate(self, *, ax: Axes | None = None) -> Axes:
        """Draw the rate over time; see :func:`rate`."""
        return rate(self.over_time(), ax=ax)


@dataclass(frozen=True)
class SystemPlots:
    """The figures of a scenario that was fitted to a log."""

    service_quantiles: Quantiles = field(repr=False)
    arrivals: ArrivalPlots = field(repr=False)

    def service(self, family: str | None = None, *, ax: Axes | None = None) -> Axes:
        """Draw service times over those of their best family; see :func:`qq`."""
        return qq(self.service_quantiles(family), what="service time", ax=ax)

    def gaps(self, family: str | None = None, *, ax: Axes | None = None) -> Axes:
        """Draw the gaps between arrivals over those of their best family; see :func:`qq`."""
        return self.arrivals.qq(family, ax=ax)

    def rate(self, *, ax: Axes | None = None) -> Axes:
        """Draw the rate of arrivals over time; see :func:`rate`."""
        return self.arrivals.rate(ax=ax)


def _mark_percentiles(ax: Axes, table: pd.DataFrame) -> None:
    """Write where p50, p90, p99 and p99.9 lie on the diagonal, below it."""
    for share in (0.5, 0.9, 0.99, 0.999):
        if len(table) and table["probability"].iloc[-1] >= share:
            at = float(np.interp(share, table["probability"], table["model_s"]))
            ax.annotate(
                style.percentile_text(share),
                xy=(at, at),
                xytext=(7, -11),
                textcoords="offset points",
                fontsize=style.NOTE_SIZE,
                color=style.MUTED,
            )


def _verdict(family: str, stray: float) -> str:
    if stray > _STRAY:
        article = "an" if family[0] in "aeiou" else "a"
        return f"Not {article} {family}: {stray:.0%} of the quantiles leave the band"
    return f"The sample is as {family} as one can see"
