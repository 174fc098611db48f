"""Logs: who created a message when, and who handled it from when to when.

A log is a table with a row per message that was handled: ``created``, ``started`` and ``finished``
(or ``created_at`` and so on), and, if known, ``instance``: the process that handled it. It comes as
CSV, as Parquet, as a DataFrame, or as spans of OpenTelemetry
(:mod:`eda_sim.fitting.opentelemetry`). Rows may stand in any order.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from eda_sim.fitting import opentelemetry
from eda_sim.fitting.errors import FitError
from eda_sim.fitting.moments import check_unit, to_nanoseconds

Values = npt.NDArray[np.float64]

MOMENTS = ("created", "started", "finished")
INSTANCE = "instance"
LEAST = 10
"""Messages below which a log says nothing of a system."""
CSV, PARQUET = (".csv", ".csv.gz", ".tsv"), (".parquet", ".pq")
SPANS = (".json", ".jsonl", ".ndjson")


@dataclass(frozen=True)
class Log:
    """What happened to each message, in order of creation.

    Attributes
    ----------
    created, started, finished : array
        Seconds from the first creation.
    instance : array of str, or None
        Who handled it.
    name : str
        Where it came from, without folders.
    remarks : tuple of str
        What was left out on the way.
    """

    created: Values
    started: Values
    finished: Values
    instance: npt.NDArray[np.object_] | None
    name: str
    remarks: tuple[str, ...] = ()

    def __len__(self) -> int:
        return int(self.created.size)

    @property
    def latency(self) -> Values:
        """Seconds from creation to the end of handling."""
        return self.finished - self.created

    @property
    def service(self) -> Values:
        """Seconds from the start to the end of handling."""
        return self.finished - self.started

    def frame(self) -> pd.DataFrame:
        """Return it as a table: ``created``, ``started``, ``finished`` (s), maybe ``instance``."""
        columns: dict[str, object] = {name: getattr(self, name) for name in MOMENTS}
        if self.instance is not None:
            columns[INSTANCE] = self.instance
        return pd.DataFrame(columns)


def read_log(
    source: str | os.PathLike[str] | pd.DataFrame,
    *,
    columns: Mapping[str, str] | None = None,
    unit: str = "s",
    channel: str | None = None,
    consumer: str | None = None,
) -> Log:
    """Read a log.

    Parameters
    ----------
    source : path or DataFrame
        ``.csv``, ``.csv.gz`` or ``.tsv``; ``.parquet``; ``.json``, ``.jsonl`` or ``.ndjson``
        (OpenTelemetry); or a table.
    columns : mapping, optional
        ``created``, ``started``, ``finished``, ``instance`` -> its name in the table, where that is
        another one.
    unit : {"s", "ms", "us", "ns"}
        Of moments that are numbers; timestamps and spans have their own.
    channel, consumer : str, optional
        Of spans: the destination, and the consumer group, if the file has several.

    Returns
    -------
    Log

    Raises
    ------
    FitError
        If it is not readable as a log: with file, row, column and value.

    Examples
    --------
    >>> moments = np.arange(10.0)
    >>> log = read_log(
    ...     pd.DataFrame({"created": moments, "started": moments, "finished": moments + 0.5})
    ... )
    >>> len(log), log.service[0].item()
    (10, 0.5)
    """
    check_unit(unit)
    if isinstance(source, pd.DataFrame):
        return _from_table(source, columns, unit, "table", ())
    path = Path(source)
    name = path.name.lower()
    try:
        if name.endswith(SPANS):
            table, remarks = opentelemetry.read_spans(path, channel=channel, consumer=consumer)
            return _from_table(table, None, "ns", path.name, remarks)
        table = _read_table(path, name)
    except OSError as error:
        message = f"{path.name}: cannot be read: {error.strerror or error}"
        raise FitError(message) from None
    return _from_table(table, columns, unit, path.name, ())


def _read_table(path: Path, name: str) -> pd.DataFrame:
    try:
        if name.endswith(PARQUET):
            return pd.read_parquet(path)
        if name.endswith(CSV):
            return pd.read_csv(path, sep="\t" if name.endswith(".tsv") else ",")
    except pd.errors.EmptyDataError:
        message = f"{path.name}: empty; the first line must name the columns"
        raise FitError(message) from None
    except ValueError as error:  # of the text, of its encoding, or of Parquet's own format
        if isinstance(error, FitError):
            raise
        reason = " ".join(str(error).split())
        message = f"{path.name}: cannot be read as a table: {reason}"
        raise FitError(message) from None
    known = ", ".join((*CSV, *PARQUET, *SPANS))
    message = f"{path.name}: must end in one of {known}"
    raise FitError(message)


def _from_table(
    table: pd.DataFrame,
    columns: Mapping[str, str] | None,
    unit: str,
    where: str,
    remarks: tuple[str, ...],
) -> Log:
    named = dict(columns or {})
    unknown = sorted(set(named) - {*MOMENTS, INSTANCE})
    if unknown:
        message = f"columns: {unknown[0]!r} is none of {', '.join((*MOMENTS, INSTANCE))}"
        raise FitError(message)
    found = {column: _column(table, column, named, where) for column in MOMENTS}
    if len(table) < LEAST:
        message = f"{where}: {len(table)} rows are too few to fit; at least {LEAST} are needed"
        raise FitError(message)
    moments = {
        column: to_nanoseconds(table[name].reset_index(drop=True), name, unit, where)
        for column, name in found.items()
    }
    for earlier, later in (("created", "started"), ("started", "finished")):
        wrong = np.flatnonzero(moments[later] < moments[earlier])
        if wrong.size:
            row = int(wrong[0])
            before = (int(moments[earlier][row]) - int(moments[later][row])) / 1e9
            message = (
                f"{where}: row {row + 1}: {found[later]} {table[found[later]].iloc[row]} lies "
                f"{before:.9g} s before {found[earlier]}"
            )
            raise FitError(message)
    order = np.lexsort((moments["started"], moments["created"]))
    origin = int(moments["created"].min())
    seconds = {name: (values[order] - origin) / 1e9 for name, values in moments.items()}
    return Log(
        **seconds,
        instance=_instances(table, named, where, order),
        name=where,
        remarks=remarks,
    )


def _column(table: pd.DataFrame, column: str, named: Mapping[str, str], where: str) -> str:
    choices = [named[column]] if column in named else [column, f"{column}_at"]
    for name in choices:
        if name in table.columns:
            return name
    there = ", ".join(str(name) for name in table.columns) or "none"
    message = f"{where}: no column {choices[0]!r}; there are {there}"
    raise FitError(message)


def _instances(
    table: pd.DataFrame, named: Mapping[str, str], where: str, order: npt.NDArray[np.int64]
) -> npt.NDArray[np.object_] | None:
    name = named.get(INSTANCE, INSTANCE)
    if name not in table.columns:
        if INSTANCE in named:
            _column(table, INSTANCE, named, where)
        return None
    values = table[name]
    if values.isna().any():
        row = int(np.flatnonzero(values.isna().to_numpy())[0])
        message = f"{where}: row {row + 1}: {name} is missing"
        raise FitError(message)
    return values.astype(str).to_numpy(dtype=object)[order]
