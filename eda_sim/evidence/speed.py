"""Speed: what the benchmarks found, as data of the package (``speed.json``).

Measuring takes minutes, a quiet machine and the simulators to compare with, so the page of evidence
does not measure. ``make bench`` does, and keeps here what the page shows: every bar, met or missed,
and every contender.
"""

from __future__ import annotations

import functools
import json
from importlib import resources
from typing import Any

import pandas as pd

FILE = "speed.json"


def bars_table() -> pd.DataFrame:
    """Return what was asked for, and what was reached.

    Returns
    -------
    DataFrame
        ``what``, ``asked``, ``reached``, ``verdict`` (met; missed; open where it was not measured).

    Examples
    --------
    >>> set(bars_table()["verdict"]) <= {"met", "missed", "open"}
    True
    """
    return pd.DataFrame(_data()["bars"])


def contest_table() -> pd.DataFrame:
    """Return how fast this package and others simulate the same models.

    Returns
    -------
    DataFrame
        ``world``, ``contender``, ``version``, ``messages`` (simulated), ``messages_per_s`` (of
        processor time), ``ours_is`` (how many times as fast the compiled engine is: below 1 where
        the contender is faster).

    Examples
    --------
    >>> table = contest_table()
    >>> bool((table.loc[table["contender"] == "compiled", "ours_is"] == 1.0).all())
    True
    """
    return pd.DataFrame(_data()["contest"])


def measured() -> str:
    """Return when and on what machine it was measured, in a sentence.

    Examples
    --------
    >>> measured().startswith("Measured ")
    True
    """
    found = _data()
    machine = found["machine"]
    return (
        f"Measured {found['measured_on']} on {machine['processor']}, {machine['cores']} cores, "
        f"{machine['memory_gib']} GiB, {machine['system']}, Python {found['python']}."
    )


@functools.cache
def _data() -> dict[str, Any]:
    text = resources.files("eda_sim.evidence").joinpath(FILE).read_text(encoding="utf-8")
    data: dict[str, Any] = json.loads(text)
    return data
