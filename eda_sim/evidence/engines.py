"""Engines: do both write the same, and do all laws hold, for every bundled scenario."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from eda_sim.engine.laws import LAWS, LawViolation
from eda_sim.engine.trace import TABLES
from eda_sim.engine.twins import TwinError
from eda_sim.simulation import check
from eda_sim.spec import load, scenarios

MESSAGES = 5_000
"""Messages of each scenario: a second of the reference engine."""


def engines_table(
    *, messages: int = MESSAGES, progress: Callable[[float], None] | None = None
) -> pd.DataFrame:
    """Run every bundled scenario on both engines, and compare them to the last bit.

    Parameters
    ----------
    messages : int
        Of each scenario.
    progress : callable, optional
        Called after each scenario with the share that is done.

    Returns
    -------
    DataFrame
        ``scenario``, ``seed``, ``messages``, ``deliveries``, ``numbers`` (that were compared),
        ``laws`` (that were checked), ``agrees``, ``note`` (what differs, or which law is broken).

    Examples
    --------
    >>> table = engines_table(messages=20)
    >>> bool(table["agrees"].all()), int(table["laws"].min()) >= 30
    (True, True)
    """
    rows = []
    names = scenarios()
    for number, name in enumerate(names):
        scenario = load(name).replace({"messages": messages})
        row: dict[str, object] = {"scenario": name, "seed": scenario.seed}
        try:
            trace = check(scenario).trace
        except (LawViolation, TwinError) as error:
            row |= {"messages": 0, "deliveries": 0, "numbers": 0, "agrees": False}
            row["note"] = str(error).splitlines()[0]
        else:
            tables = [getattr(trace, table) for table in TABLES]
            row |= {
                "messages": len(trace.messages["created_at"]),
                "deliveries": len(trace.deliveries["finished_at"]),
                "numbers": sum(len(column) for table in tables for column in table.values()),
                "agrees": True,
                "note": "",
            }
        rows.append({**row, "laws": len(LAWS)})
        if progress is not None:
            progress((number + 1) / len(names))
    return pd.DataFrame(rows)
