"""Traces on disk: one Parquet file per table, readable by anything that reads Parquet.

In the files, times are durations in nanoseconds since the run began (null: did not happen), codes
are the names that they stand for, and every column carries its unit and meaning as metadata. That
loses nothing: reading gives the trace back bit by bit, and its digest proves it.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from eda_sim.analysis.tables import words_of
from eda_sim.engine.trace import (
    NEVER,
    TABLES,
    Column,
    ColumnSpec,
    Names,
    Trace,
)

FORMAT = 1
"""Version of the layout of a folder; a folder of another version is refused."""

META = "meta.json"


class RunFolderError(ValueError):
    """A folder that does not hold a run, or not the run that it says."""


def is_run_folder(folder: Path) -> bool:
    """Return whether ``folder`` looks like the folder of a saved run."""
    return (folder / META).is_file()


@contextlib.contextmanager
def whole_run_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a folder to write a run into that appears at ``path`` whole or not at all.

    Parameters
    ----------
    path : str or path
        A folder that does not exist, is empty, or holds a run, which is replaced.

    Yields
    ------
    Path
        An empty folder.

    Raises
    ------
    FileExistsError
        If something else is there.
    """
    target = Path(path).absolute()
    if target.exists() and not (target.is_dir() and _may_replace(target)):
        message = f"{path} is there and does not hold a run; it is left alone"
        raise FileExistsError(message)
    target.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=".eda-sim-", dir=target.parent))
    try:
        whole = staging / "run"
        whole.mkdir()
        yield whole
        if target.exists():
            target.rename(staging / "before")
        whole.rename(target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _may_replace(folder: Path) -> bool:
    return is_run_folder(folder) or not any(folder.iterdir())


def read_meta(folder: Path) -> dict[str, Any]:
    """Return what ``meta.json`` of a saved run says.

    Raises
    ------
    RunFolderError
        If there is none, or it is of another version.
    """
    if not is_run_folder(folder):
        message = f"{folder}: not the folder of a saved run: there is no {META}"
        raise RunFolderError(message)
    try:
        meta: dict[str, Any] = json.loads((folder / META).read_text(encoding="utf-8"))
        version = meta["format"]
    except (KeyError, TypeError, ValueError, OSError) as error:
        message = f"{folder}: not readable as a saved run: {error}"
        raise RunFolderError(message) from error
    if version != FORMAT:
        message = f"{folder}: format {version} is not readable: this version reads {FORMAT}"
        raise RunFolderError(message)
    return meta


def write_trace(trace: Trace, folder: Path, **facts: Any) -> None:
    """Write a trace into an existing folder.

    Parameters
    ----------
    trace : Trace
        What to write.
    folder : Path
        Where the files go: one per table, and ``meta.json``.
    **facts
        What else ``meta.json`` shall say, as plain data.
    """
    import pyarrow.parquet as pq

    for table in TABLES:
        data = _to_arrow(trace, table)
        names = [c.name for c in TABLES[table] if words_of(c.unit, trace.names)]
        # Most numbers are close to the one before: a third of the size, and faster.
        deltas = {name: "DELTA_BINARY_PACKED" for name in data.column_names if name not in names}
        path = folder / f"{table}.parquet"
        pq.write_table(data, path, use_dictionary=names, column_encoding=deltas)
    meta = {
        "format": FORMAT,
        **facts,
        "ended_at_ns": trace.ended_at_ns,
        "names": {name: list(values) for name, values in vars(trace.names).items()},
        "digest": trace.digest(),
    }
    text = json.dumps(meta, indent=2) + "\n"
    (folder / META).write_text(text, encoding="utf-8")


def read_trace(folder: Path) -> tuple[Trace, dict[str, Any]]:
    """Read a trace back and make sure that it is the one that was written.

    Returns
    -------
    trace : Trace
    meta : dict
        What ``meta.json`` says.

    Raises
    ------
    RunFolderError
        If something is missing, of another version, or not what was written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    meta = read_meta(folder)
    if meta.get("record") == "summary":
        message = f"{folder}: holds the summary of a run, not its tables: read it with RunSummary"
        raise RunFolderError(message)
    try:
        names = Names(**{name: tuple(values) for name, values in meta["names"].items()})
        tables = {
            table: _from_arrow(pq.read_table(folder / f"{table}.parquet"), names, columns)
            for table, columns in TABLES.items()
        }
        trace = Trace(names=names, ended_at_ns=int(meta["ended_at_ns"]), **tables)
        is_same = trace.digest() == meta["digest"]
    except (KeyError, TypeError, ValueError, OSError, pa.ArrowException) as error:
        message = f"{folder}: not readable as a saved run: {error}"
        raise RunFolderError(message) from error
    if not is_same:
        message = f"{folder}: the tables are not those that were saved: their digest differs"
        raise RunFolderError(message)
    return trace, meta


def _to_arrow(trace: Trace, table: str) -> Any:
    import pyarrow as pa

    arrays, fields = [], []
    for column in TABLES[table]:
        values = np.ascontiguousarray(getattr(trace, table)[column.name], dtype=np.int64)
        words = words_of(column.unit, trace.names)
        array: Any
        if column.unit == "ns":
            array = pa.array(values, mask=values == NEVER).cast(pa.duration("ns"))
        elif words:
            indices = pa.array(values.astype(np.int32), mask=values == NEVER)
            array = pa.DictionaryArray.from_arrays(indices, pa.array(words, "string"))
        else:
            array = pa.array(values)
        about = {"unit": column.unit, "meaning": column.meaning}
        arrays.append(array)
        fields.append(pa.field(column.name, array.type, metadata=about))
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def _from_arrow(table: Any, names: Names, columns: Sequence[ColumnSpec]) -> dict[str, Column]:
    import pyarrow as pa

    data: dict[str, Column] = {}
    for column in columns:
        array = table.column(column.name).combine_chunks()
        words = words_of(column.unit, names)
        if column.unit == "ns":
            array = array.cast(pa.int64()).fill_null(NEVER)
        elif words:
            array = _codes(array, words, column.name)
        data[column.name] = array.to_numpy(zero_copy_only=False).astype(np.int64)
    return data


def _codes(array: Any, words: Sequence[str], column: str) -> Any:
    """Return the place of each name in ``words``, NEVER for none.

    Parquet may have stored them in another order.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(array.type):
        array = array.cast(array.type.value_type)
    codes = pc.index_in(array, value_set=pa.array(words, array.type))
    if codes.null_count > array.null_count:
        message = f"{column} holds a name that {META} does not"
        raise ValueError(message)
    return codes.fill_null(NEVER)
