"""Samples: numbers that were measured, checked once and for all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from eda_sim.fitting.errors import FitError

if TYPE_CHECKING:
    import pandas as pd

Values = npt.NDArray[np.float64]
Numbers: TypeAlias = "Iterable[float] | npt.NDArray[Any] | pd.Series[Any]"
"""What is accepted where numbers are measured."""


def checked(sample: Numbers, what: str, *, least: int) -> Values:
    """Return a sample as an array of finite numbers that are not negative.

    Parameters
    ----------
    sample : array-like
        Seconds.
    what : str
        What an error calls it.
    least : int
        Smallest number of values.

    Returns
    -------
    array
        The values in their order.

    Raises
    ------
    FitError
        If there are too few values, or one of them is not a number, not finite or negative.

    Examples
    --------
    >>> checked([1, 2.5], "sample", least=2)
    array([1. , 2.5])
    >>> checked([1, -2.5], "sample", least=2)
    Traceback (most recent call last):
    eda_sim.fitting.errors.FitError: sample: value 2 is -2.5; seconds must be 0 or more
    """
    values = as_row(sample, what)
    if values.size < least:
        message = f"{what}: {values.size} values are too few; at least {least} are needed"
        raise FitError(message)
    wrong = np.flatnonzero(~np.isfinite(values) | (values < 0))
    if wrong.size:
        first = int(wrong[0])
        shown, rule = values[first], "0 or more" if np.isfinite(values[first]) else "finite"
        message = f"{what}: value {first + 1} is {shown:g}; seconds must be {rule}"
        raise FitError(message)
    return values


def as_row(sample: Numbers, what: str) -> Values:
    """Return numbers as an array of one dimension.

    Raises
    ------
    FitError
        If they are none.

    Examples
    --------
    >>> as_row(["a"], "sample")
    Traceback (most recent call last):
    eda_sim.fitting.errors.FitError: sample: must be numbers (seconds), one after the other
    """
    try:
        raw = sample if hasattr(sample, "__array__") else list(sample)
        values = np.asarray(raw, dtype=np.float64)
    except (TypeError, ValueError):
        message = f"{what}: must be numbers (seconds), one after the other"
        raise FitError(message) from None
    if values.ndim != 1:
        message = f"{what}: must be one row of numbers, not an array of {values.ndim} dimensions"
        raise FitError(message)
    return values
