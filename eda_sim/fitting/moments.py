"""Moments in a log: numbers in a unit, or ISO timestamps, read without losing a nanosecond.

A timestamp of today in nanoseconds has more digits than a double. So whole numbers stay whole, and
seconds are counted from the first moment of the log.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from eda_sim.fitting.errors import FitError

Unit = Literal["s", "ms", "us", "ns"]
UNITS: Mapping[str, int] = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
"""Nanoseconds in each."""
LONGEST = 2**62
"""Nanoseconds; beyond, differences would overflow."""

Moments = npt.NDArray[np.int64]


def check_unit(unit: str) -> None:
    """Raise an error if a unit is none.

    Examples
    --------
    >>> check_unit("minutes")
    Traceback (most recent call last):
    eda_sim.fitting.errors.FitError: unit 'minutes': must be one of s, ms, us, ns
    """
    if unit not in UNITS:
        message = f"unit {unit!r}: must be one of {', '.join(get_args(Unit))}"
        raise FitError(message)


def to_nanoseconds(column: pd.Series, name: str, unit: str, where: str) -> Moments:
    """Return a column of moments as nanoseconds.

    Parameters
    ----------
    column : Series
        Numbers, texts of numbers, ISO 8601 timestamps, or datetimes; not both kinds.
    name : str
        What an error calls the column.
    unit : {"s", "ms", "us", "ns"}
        Of numbers.
    where : str
        What an error calls the log.

    Returns
    -------
    array of int64
        Nanoseconds from 0, or from 1970 for timestamps.

    Raises
    ------
    FitError
        With the first row that is missing, no moment, or out of range.

    Examples
    --------
    >>> to_nanoseconds(pd.Series(["0.5", "2"]), "created", "s", "log.csv").tolist()
    [500000000, 2000000000]
    >>> to_nanoseconds(pd.Series(["2024-05-01T10:00:00Z", "soon"]), "created", "s", "log.csv")
    Traceback (most recent call last):
    eda_sim.fitting.errors.FitError: log.csv: row 2: created 'soon' is no ISO timestamp
    """
    _refuse(column.isna(), column, name, where, "is missing; leave out what was never handled")
    if pd.api.types.is_datetime64_any_dtype(column):
        return _of_datetimes(column)
    if pd.api.types.is_bool_dtype(column):
        _refuse(column.notna(), column, name, where, "is no moment")
    numbers = pd.to_numeric(column, errors="coerce")
    if numbers.notna().iloc[0] or pd.api.types.is_numeric_dtype(column):
        _refuse(numbers.isna(), column, name, where, f"is no number (of {unit})")
        return _of_numbers(numbers, column, name, unit, where)
    stamps = pd.to_datetime(column, format="ISO8601", utc=True, errors="coerce")
    _refuse(stamps.isna(), column, name, where, "is no ISO timestamp")
    return _of_datetimes(stamps)


def _of_datetimes(stamps: pd.Series) -> Moments:
    if stamps.dt.tz is not None:
        stamps = stamps.dt.tz_convert("UTC").dt.tz_localize(None)
    return np.asarray(stamps.astype("datetime64[ns]").astype("int64"), dtype=np.int64)


def _of_numbers(numbers: pd.Series, column: pd.Series, name: str, unit: str, where: str) -> Moments:
    factor = UNITS[unit]
    far = numbers.astype("float64").abs() * factor >= LONGEST
    _refuse(far, column, name, where, f"is too large for a time in {unit}")
    if pd.api.types.is_integer_dtype(numbers):
        return np.asarray(numbers, dtype=np.int64) * np.int64(factor)
    values = np.asarray(numbers, dtype=np.float64)
    whole = np.floor(values)
    nanoseconds = whole.astype(np.int64) * factor
    nanoseconds += np.round((values - whole) * factor).astype(np.int64)
    return nanoseconds


def _refuse(wrong: pd.Series, column: pd.Series, name: str, where: str, why: str) -> None:
    places = np.flatnonzero(wrong.to_numpy(dtype=bool))
    if places.size:
        row = int(places[0])
        raise FitError(f"{where}: row {row + 1}: {name} {_shown(column.iloc[row])}{why}")


def _shown(value: object) -> str:
    """Show what stands there, and nothing where nothing stands."""
    if value is None or value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return ""
    return f"{str(value)!r} " if isinstance(value, str) else f"{value} "
