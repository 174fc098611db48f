"""A trace as pandas tables: seconds and names in place of nanoseconds and codes.

The words
---------
table
    One row per thing that happened, one column per fact about it. Times are points in simulated
    time, in seconds since the run began, as float64; NaN stands for "did not happen". Names and
    states are categoricals. Numbers of things are integers; -1 stands for "none".
subscription
    A channel and a consumer that reads it.
warm-up
    The beginning of a run, in which the system still fills up. Statistics leave out the messages
    created in it; the tables hold them all.

Seconds are exact to the nanosecond up to 48 days of simulated time: there a float64 still has a
value of its own for every nanosecond.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from eda_sim.engine.trace import (
    TABLES,
    Column,
    ColumnSpec,
    CopyState,
    LeaseEnd,
    MessageStatus,
    Names,
    Outcome,
    Trace,
)

if TYPE_CHECKING:
    from eda_sim.spec.scenario import Scenario

NANOSECONDS_PER_SECOND = 1e9

STATES: dict[str, type[enum.IntEnum]] = {
    "MessageStatus": MessageStatus,
    "CopyState": CopyState,
    "Outcome": Outcome,
    "LeaseEnd": LeaseEnd,
}
"""What the unit of a column calls a list of states."""

_LABELS = ("consumer", "channel")

Part: TypeAlias = tuple[Mapping[str, str], Mapping[str, Any]]
"""Whose columns (``{"consumer": ...}``, perhaps with a channel), and the columns."""

_MESSAGE_ID = ColumnSpec("message_id", "1", "number of the message, in order of creation")


@dataclass(frozen=True)
class Tables:
    """Everything that the statistics of one run are made from.

    Attributes
    ----------
    messages, copies, deliveries, series, faults : DataFrame
        The tables of the trace; :func:`describe_columns` explains their columns.
    subscriptions : DataFrame
        One row per channel and consumer that reads it: ``channel``, ``consumer``.
    consumers : DataFrame
        One row per consumer: ``consumer``, ``instances``, ``concurrency`` (workers per instance).
    warmup : float
        Seconds; messages created before are left out of the statistics.
    ended_at : float
        Seconds; the moment at which the run stopped.
    """

    messages: pd.DataFrame = field(repr=False)
    copies: pd.DataFrame = field(repr=False)
    deliveries: pd.DataFrame = field(repr=False)
    series: pd.DataFrame = field(repr=False)
    faults: pd.DataFrame = field(repr=False)
    subscriptions: pd.DataFrame = field(repr=False)
    consumers: pd.DataFrame = field(repr=False)
    warmup: float
    ended_at: float

    @property
    def names(self) -> list[str]:
        """Names of the consumers, in the order of the scenario."""
        return [str(name) for name in self.consumers["consumer"]]

    def channels_of(self, consumer: str) -> list[str]:
        """Return the channels that ``consumer`` reads.

        Raises
        ------
        KeyError
            If there is no such consumer.
        """
        self._require(consumer)
        chosen = self.subscriptions["consumer"] == consumer
        return [str(name) for name in self.subscriptions.loc[chosen, "channel"]]

    def workers_of(self, consumer: str) -> tuple[int, int]:
        """Return the instances of ``consumer`` and the workers of each.

        Raises
        ------
        KeyError
            If there is no such consumer.
        """
        self._require(consumer)
        row = self.consumers.loc[self.consumers["consumer"] == consumer].iloc[0]
        return int(row["instances"]), int(row["concurrency"])

    def deliveries_of(self, consumer: str) -> pd.DataFrame:
        """Return the deliveries to ``consumer``, in the order of hand-over."""
        return self.deliveries[is_one_of(self.deliveries["consumer"], [consumer])]

    def joined(self, parts: Sequence[Part], columns: Sequence[str]) -> pd.DataFrame:
        """Return the columns of single consumers as one table, consumers as a categorical.

        Parameters
        ----------
        parts : sequence of Part
            For each consumer (and channel), who it is and its other columns.
        columns : sequence of str
            All columns in their order.
        """
        rest = [name for name in columns if name not in _LABELS]
        frames = [pd.DataFrame(data, copy=False) for _, data in parts]
        table = stacked(frames, rest)
        sizes = [len(frame) for frame in frames]
        channels = dict.fromkeys(self.subscriptions["channel"])
        for label, names in (("consumer", self.names), ("channel", list(channels))):
            if label in columns:
                # Codes, not names: comparing a million equal names takes longer than all the rest.
                known = pd.Index(names, dtype="str")
                codes = known.get_indexer(pd.Index([who[label] for who, _ in parts], dtype="str"))
                table[label] = pd.Categorical.from_codes(np.repeat(codes, sizes), categories=known)
        return table[[*columns]]

    def _require(self, consumer: str) -> None:
        if consumer not in self.names:
            message = f"no consumer {consumer!r}; there are {', '.join(self.names)}"
            raise KeyError(message)


def to_tables(
    trace: Trace, scenario: Scenario, *, only: Mapping[str, Collection[str]] | None = None
) -> Tables:
    """Return the tables of a trace, with the facts of its scenario that statistics need.

    Parameters
    ----------
    trace : Trace
        What the run wrote down.
    scenario : Scenario
        What was run.
    only : mapping, optional
        Name of a table -> the columns that are needed, for who is in a hurry; a table that is not
        named has none. All of them without it.

    Returns
    -------
    Tables
    """
    rows = [
        (channel, name)
        for name, consumer in scenario.consumers.items()
        for channel in consumer.reads
    ]
    sizes = [(name, c.instances, c.concurrency) for name, c in scenario.consumers.items()]
    return Tables(
        **{
            name: to_frame(trace, name, None if only is None else only.get(name, ()))
            for name in TABLES
        },
        subscriptions=pd.DataFrame(rows, columns=["channel", "consumer"]),
        consumers=pd.DataFrame(sizes, columns=["consumer", "instances", "concurrency"]),
        warmup=float(scenario.warmup),
        ended_at=trace.ended_at_ns / NANOSECONDS_PER_SECOND,
    )


def to_frame(trace: Trace, table: str, only: Collection[str] | None = None) -> pd.DataFrame:
    """Return one table of a trace as a DataFrame.

    Parameters
    ----------
    trace : Trace
        What the run wrote down.
    table : str
        ``messages``, ``copies``, ``deliveries``, ``series`` or ``faults``.
    only : collection of str, optional
        The columns that are needed; all of them without it.

    Returns
    -------
    DataFrame
        Columns as :func:`describe_columns` lists them.
    """
    data = getattr(trace, table)
    columns: dict[str, Any] = {}
    if table == "messages":
        columns["message_id"] = np.arange(len(data["created_at"]), dtype=np.int64)
    for column in TABLES[table]:
        if only is not None and column.name not in only:
            continue
        columns[column.name] = _surface(data[column.name], column.unit, trace)
    return pd.DataFrame(columns, copy=False)


def describe_columns(table: str | None = None) -> pd.DataFrame:
    """Return what the columns of the tables mean.

    Parameters
    ----------
    table : str, optional
        One table only; all of them without it.

    Returns
    -------
    DataFrame
        ``table``, ``column``, ``unit`` ("s" for a point in simulated time, "bytes", "1" for a count
        or a number, "name" for a categorical), ``meaning``.

    Examples
    --------
    >>> describe_columns("faults")[["column", "unit"]].values.tolist()[:3]
    [['fault', '1'], ['kind', 'name'], ['target', 'name']]
    """
    rows = []
    for name, columns in TABLES.items():
        if table not in (None, name):
            continue
        extra = (_MESSAGE_ID,) if name == "messages" else ()
        rows += [(name, c.name, _surface_unit(c.unit), c.meaning) for c in (*extra, *columns)]
    if not rows:
        message = f"no table {table!r}; there are {', '.join(TABLES)}"
        raise KeyError(message)
    return pd.DataFrame(rows, columns=["table", "column", "unit", "meaning"])


def stacked(parts: Sequence[pd.DataFrame], columns: Sequence[str]) -> pd.DataFrame:
    """Return tables one below the other; without any, an empty one with these columns."""
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=[*columns])
    return table[[*columns]]


def state_name(state: enum.IntEnum) -> str:
    """Return the word that the tables use for a state: lower case."""
    return state.name.lower()


def words_of(unit: str, names: Names) -> list[str]:
    """Return what the codes of a column of this unit stand for; nothing for a column of numbers."""
    if unit in STATES:
        return [state_name(state) for state in STATES[unit]]
    return list(getattr(names, unit, ()))


def is_one_of(column: pd.Series, names: Iterable[str]) -> npt.NDArray[np.bool_]:
    """Return which rows of a categorical column hold one of ``names``.

    Works on the codes, so it costs one look-up per row and compares no strings.
    """
    categories = column.cat.categories
    wanted = np.zeros(len(categories) + 1, dtype=bool)
    wanted[categories.get_indexer(pd.Index(list(names)))] = True
    wanted[-1] = False
    return wanted[column.cat.codes.to_numpy()]


def _surface_unit(unit: str) -> str:
    return {"ns": "s"}.get(unit, unit if unit in ("1", "bytes") else "name")


def _surface(values: Column, unit: str, trace: Trace) -> Any:
    if unit == "ns":
        seconds = values / NANOSECONDS_PER_SECOND
        seconds[values < 0] = np.nan
        return seconds
    if unit in ("1", "bytes"):
        return values
    words = words_of(unit, trace.names)
    return pd.Categorical.from_codes(values, categories=pd.Index(words, dtype="str"))
