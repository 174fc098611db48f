"""Lag and queue lengths over time, with the faults that made them."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from eda_sim.plots import style

_UNITS = {"messages": "lag [messages]", "seconds": "age of the oldest unsettled message [s]"}


def lag(
    table: pd.DataFrame,
    *,
    unit: str = "messages",
    faults: pd.DataFrame | None = None,
    title: str | None = None,
    worst_first: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """Draw how far each subscription is behind.

    Parameters
    ----------
    table : DataFrame
        ``time`` (s), ``channel``, ``consumer``, ``messages``, ``seconds``, as ``run.lag()`` returns
        it.
    unit : str
        ``messages`` or ``seconds``.
    faults : DataFrame, optional
        As ``run.faults``: their time is shaded.
    title : str, optional
        Instead of the one that says what is to be seen.
    worst_first : bool
        Whether the one that is most behind has the first colour and name; else the first in the
        table has.
    ax : Axes, optional
        Where to draw; a new figure without it.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If ``unit`` is another word.
    """
    if unit not in _UNITS:
        message = f"unit is 'messages' or 'seconds', not {unit!r}"
        raise ValueError(message)
    ax = style.axes_or_new(ax)
    groups = {
        (str(channel), str(consumer)): own
        for (channel, consumer), own in table.groupby(
            ["channel", "consumer"], observed=True, sort=False
        )
    }
    several = len({consumer for _, consumer in groups}) < len(groups)
    # The one that is most behind comes first: it has the strongest colour and the first name.
    order = sorted(groups, key=lambda names: -groups[names][unit].max()) if worst_first else groups
    _set_limits(ax, table["time"], table[unit])
    lines = []
    for number, (channel, consumer) in enumerate(order):
        own = groups[channel, consumer]
        name = f"{consumer} of {channel}" if several else consumer
        look = {**style.line_style(number), "zorder": 3 - 0.05 * number, "linewidth": 1.3}
        lines += ax.step(own["time"], own[unit], where="post", label=name, **look)
    style.fault_bands(ax, faults)
    if len(lines) > 1:
        style.side_legend(ax, lines)
    style.dress(ax, title=title or _lag_title(table, unit), x="simulated time [s]", y=_UNITS[unit])
    return ax


def queue_length(
    table: pd.DataFrame,
    *,
    faults: pd.DataFrame | None = None,
    title: str | None = None,
    worst_first: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """Draw how many messages wait for a worker, and how many are in hand.

    Parameters
    ----------
    table : DataFrame
        ``time`` (s), ``consumer``, ``waiting``, ``in_service``, as ``run.queue_length()`` returns
        it.
    faults : DataFrame, optional
        As ``run.faults``: their time is shaded.
    title : str, optional
        Instead of the one that says what is to be seen.
    worst_first : bool
        Whether the one that is most behind has the first colour and name; else the first in the
        table has.
    ax : Axes, optional
        Where to draw; a new figure without it.

    Returns
    -------
    Axes
        For one consumer the wait is an area under a line, with the work in hand as a second line;
        for several, one line of waiting messages each.
    """
    ax = style.axes_or_new(ax)
    names = list(dict.fromkeys(table["consumer"]))
    one = len(names) == 1
    _set_limits(ax, table["time"], table[["waiting", "in_service"]].max(axis=1))
    peaks = table.groupby("consumer", observed=True)["waiting"].max()
    lines = []
    order = sorted(names, key=lambda name: -peaks[name]) if worst_first else names
    for number, name in enumerate(order):
        own = table[table["consumer"] == name]
        look = {**style.line_style(number), "zorder": 3 - 0.05 * number, "linewidth": 1.3}
        label = "waiting" if one else str(name)
        lines += ax.step(own["time"], own["waiting"], where="post", label=label, **look)
        if one:
            ax.fill_between(
                own["time"], own["waiting"], step="post", color=look["color"], alpha=0.18, lw=0
            )
            look = style.line_style(1)
            lines += ax.step(own["time"], own["in_service"], where="post", label="in hand", **look)
    style.fault_bands(ax, faults)
    if lines:
        style.side_legend(ax, lines)
    most = int(table["waiting"].max()) if len(table) else 0
    said = f"{names[0]}: up to {most:,} messages wait for a worker" if one else None
    style.dress(
        ax,
        title=title or said or "How many messages wait for a worker of each consumer",
        x="simulated time [s]",
        y="number [messages]",
    )
    return ax


def _set_limits(ax: Axes, time: pd.Series, values: pd.Series) -> None:
    if len(time):
        last = float(time.max())
        ax.set_xlim(float(time.min()), last if last > float(time.min()) else last + 1)
        # Room above the data for the names of the faults.
        ax.set_ylim(0, max(float(values.max()), 1e-9) * 1.18)


def _lag_title(table: pd.DataFrame, unit: str) -> str:
    if table.empty:
        return "No subscription to be behind"
    worst = table.iloc[int(table[unit].to_numpy().argmax())]
    much = (
        f"{int(worst[unit]):,} messages"
        if unit == "messages"
        else style.duration_text(float(worst[unit]))
    )
    return f"{worst['consumer']} is up to {much} behind, at {worst['time']:.4g} s"
