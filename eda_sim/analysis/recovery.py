"""Recovery: how long after a fault's end the lag is back where it was before the fault.

The words
---------
level before
    The highest lag in a stretch before the fault as long as the fault itself: what was normal. The
    lag at the very start would be a matter of luck, since it jumps with every message.
peak
    The highest lag between the fault's start and the recovery.
recovery
    From the fault's end to the first moment at which the lag is at or below the level before. With
    work coming in at a rate of lambda and going out at mu at most, a backlog of B needs B / (mu -
    lambda): the less spare capacity, the longer, without bound.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from eda_sim.analysis.lag import lag_steps
from eda_sim.analysis.steps import level_at
from eda_sim.analysis.tables import Tables, is_one_of


def recovery(tables: Tables) -> pd.DataFrame:
    """Return, for each fault and each channel that its target reads, how the lag recovered.

    Parameters
    ----------
    tables : Tables
        The tables of a run.

    Returns
    -------
    DataFrame
        One row per fault and subscription of its target: ``fault``, ``kind``, ``target``,
        ``instance`` (-1 where it hit several), ``channel``, ``started_at``, ``ended_at`` (s),
        ``level_before``, ``peak`` (messages of lag), ``recovered_at`` (s), ``recovery_s`` (NaN: not
        within the run).
    """
    return recovery_of(tables, lag_steps(tables))


def recovery_of(tables: Tables, steps: pd.DataFrame) -> pd.DataFrame:
    """Return the recovery from faults of lags that are known.

    Parameters
    ----------
    tables : Tables
        The tables of a run; of its rows only the faults are looked at.
    steps : DataFrame
        As :func:`~eda_sim.analysis.lag.lag_steps` returns it.

    Returns
    -------
    DataFrame
        That of :func:`recovery`.
    """
    rows = []
    for row in _faults(tables):
        target = str(row["target"])
        if target not in tables.names:
            continue
        for channel in tables.channels_of(target):
            own = steps[
                is_one_of(steps["channel"], [channel]) & is_one_of(steps["consumer"], [target])
            ]
            times, levels = own["time"].to_numpy(), own["messages"].to_numpy()
            start, end = float(row["started_at"]), float(row["ended_at"])
            rows.append(
                {
                    **{name: row[name] for name in ("fault", "kind", "target", "instance")},
                    "channel": channel,
                    "started_at": start,
                    "ended_at": end,
                    **_back_to_normal(times, levels, start, end, tables.ended_at),
                }
            )
    columns = ["fault", "kind", "target", "instance", "channel", "started_at", "ended_at"]
    columns += ["level_before", "peak", "recovered_at", "recovery_s"]
    return pd.DataFrame(rows, columns=columns)


def _faults(tables: Tables) -> list[dict[Hashable, Any]]:
    """Return the faults, one that hits several instances at once as one."""
    what = ["fault", "kind", "target", "started_at", "ended_at"]
    together = tables.faults.groupby(what, observed=True, sort=False, dropna=False)["instance"]
    hit = together.agg(["first", "size"]).reset_index()
    hit["instance"] = hit["first"].where(hit["size"] == 1, -1)
    return hit.to_dict("records")


def _back_to_normal(
    times: npt.NDArray[np.float64],
    levels: npt.NDArray[np.int64],
    start: float,
    end: float,
    run_end: float,
) -> dict[str, float]:
    over = run_end if np.isnan(end) else end
    # Just before the fault: what happens at its very moment is its doing.
    begin = max(0.0, round(2 * start - over, 9))  # times are whole nanoseconds, their sums are not
    before = _highest(times, levels, begin, np.nextafter(start, -np.inf))
    recovered = np.nan
    if not np.isnan(end):
        later = times > end
        candidates = np.concatenate([[end], times[later]])
        calm = np.concatenate([level_at(times, levels, np.array([end])), levels[later]]) <= before
        if calm.any():
            recovered = float(candidates[int(np.argmax(calm))])
    peak = _highest(times, levels, start, run_end if np.isnan(recovered) else recovered)
    return {
        "level_before": before,
        "peak": peak,
        "recovered_at": recovered,
        "recovery_s": recovered - end,
    }


def _highest(
    times: npt.NDArray[np.float64], levels: npt.NDArray[np.int64], start: float, end: float
) -> int:
    inside = levels[(times > start) & (times <= end)]
    return int(max(level_at(times, levels, np.array([start]))[0], inside.max(initial=0)))
