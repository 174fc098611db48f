"""Little's law: the mean number in a station is its arrival rate times the mean time in it.

L = lambda W holds for every station and every rule of service, because both sides measure the same
area: the number there, added up over time, is the time there, added up over messages. Seen through
a window of time it holds exactly if each message counts only the time that it spends inside the
window; that is how it is computed here, the left side from the step function of the number there,
the right side from the messages one by one.

References
----------
.. [1] J. D. C. Little, "A proof for the queuing formula L = lambda W", Operations Research 9 (1961)
   383-387.
.. [2] S.-H. Kim, W. Whitt, "Statistical analysis with Little's law", Operations Research 61 (2013)
   1030-1045: the law in a finite window.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from eda_sim.analysis.effects import effects_of
from eda_sim.analysis.lag import waiting_intervals
from eda_sim.analysis.steps import area, clipped, step_function
from eda_sim.analysis.tables import Tables

Values = npt.NDArray[np.float64]


def littles_law(tables: Tables) -> pd.DataFrame:
    """Return both sides of Little's law for each station of each consumer.

    Parameters
    ----------
    tables : Tables
        The tables of a run.

    Returns
    -------
    DataFrame
        Three rows per consumer: ``consumer``; ``station`` (``system``: from creation to first
        effect; ``waiting``: from available to a worker; ``service``: with a worker); ``visits``
        (count, seen in the window from the warm-up to the end); ``rate_per_s`` (visits per second);
        ``time_s`` (mean time there within the window); ``rate_times_time``; ``number`` (mean number
        there).
    """
    start, end = tables.warmup, tables.ended_at
    rows = []
    for name in tables.names:
        for station, (starts, ends) in _stations(tables, name).items():
            seen = (starts <= end) & ~(ends < start)
            spent = clipped(starts[seen], ends[seen], start, end)
            visits = int(seen.sum())
            rate = visits / (end - start) if end > start else np.nan
            mean = float(spent.mean()) if visits else 0.0
            number = (
                area(*step_function(starts, ends), start, end) / (end - start)
                if end > start
                else np.nan
            )
            rows.append((name, station, visits, rate, mean, rate * mean, number))
    columns = ["consumer", "station", "visits", "rate_per_s", "time_s", "rate_times_time", "number"]
    return pd.DataFrame(rows, columns=columns)


def _stations(tables: Tables, consumer: str) -> dict[str, tuple[Values, Values]]:
    effects = effects_of(tables, consumer, warmup=0.0)
    # A message that is lost never comes out: it is in no station that messages pass through.
    passing = effects[(effects["effects"] > 0) | ~effects["final"]]
    waits = waiting_intervals(tables, consumer)
    own = tables.deliveries_of(consumer)
    served = own[own["started_at"].notna()]
    return {
        "system": (passing["created_at"].to_numpy(), passing["effect_at"].to_numpy()),
        "waiting": (waits["start"].to_numpy(), waits["end"].to_numpy()),
        "service": (served["started_at"].to_numpy(), served["finished_at"].to_numpy()),
    }
