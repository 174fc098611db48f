"""Staleness: how old is the oldest event that a consumer's view does not yet show.

At a moment t, take all events created up to t that have not taken effect at the consumer: the age
of the oldest is the staleness of the view, 0 if there is none. Unlike latency, which each event has
once, staleness is a property of the view at a time: what somebody who looks at t may miss.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from eda_sim.analysis.effects import effects_of
from eda_sim.analysis.lag import sample_times
from eda_sim.analysis.steps import oldest_open_since
from eda_sim.analysis.tables import Tables


def staleness(
    tables: Tables, *, times: npt.ArrayLike | None = None, forget_lost: bool = False
) -> pd.DataFrame:
    """Return the age of the oldest event not yet in effect, per consumer, over time.

    Parameters
    ----------
    tables : Tables
        The tables of a run.
    times : array of float, optional
        Moments in seconds; those of the series (or 200 even ones) from the warm-up on without it.
    forget_lost : bool
        Leave out messages that are lost in the end. With them a view that has lost one event is as
        stale as that event is old, for ever; which is true, but hides everything else.

    Returns
    -------
    DataFrame
        By consumer, then time: ``time`` (s), ``consumer``, ``staleness_s``. An effect at the very
        moment counts as having happened.
    """
    if times is None:
        moments = sample_times(tables)
        moments = moments[moments >= tables.warmup]
    else:
        moments = np.asarray(times, dtype=np.float64)
    parts = []
    for name in tables.names:
        effects = effects_of(tables, name, warmup=0.0)
        if forget_lost:
            effects = effects[(effects["effects"] > 0) | ~effects["final"]]
        created, effect = effects["created_at"].to_numpy(), effects["effect_at"].to_numpy()
        since = oldest_open_since(moments, created, effect)
        age = np.nan_to_num(moments - since, nan=0.0)
        parts.append(({"consumer": name}, {"time": moments, "staleness_s": age}))
    return tables.joined(parts, ["time", "consumer", "staleness_s"])
