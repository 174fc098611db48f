"""How often to take snapshots: writing them against replaying what came since, simulated."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from eda_sim.analysis.replications import mean_over_replications
from eda_sim.spec import Scenario

EVENTS, LOADS = "events", "loads"
"""The producers of :func:`scenario`."""


def scenario(*, event_rate: float, load_rate: float, duration: float, seed: int = 0) -> Scenario:
    """Return a scenario of one aggregate: events come to it, and it is loaded, both at random.

    Parameters
    ----------
    event_rate, load_rate : float
        Events, and loads, per second (Poisson).
    duration : float
        In seconds.
    seed : int
        Of all random numbers.

    Examples
    --------
    >>> sorted(scenario(event_rate=1, load_rate=2, duration=60).producers)
    ['events', 'loads']
    """
    return Scenario(
        name="snapshots",
        seed=seed,
        duration=duration,
        producers={
            EVENTS: {"to": "aggregate", "rate": event_rate},
            LOADS: {"to": "aggregate", "rate": load_rate},
        },
        channels={"aggregate": {}},
        consumers={"store": {"reads": "aggregate", "service": 0}},
    )


def costs(
    runs: Sequence[pd.DataFrame],
    *,
    every: Sequence[int],
    duration: float,
    snapshot_cost: float,
    replay_cost: float,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Return what snapshots every so many events cost, counted in the same runs for each distance.

    Parameters
    ----------
    runs : sequence of DataFrame
        ``run.messages`` of replications of :func:`scenario`, at least two.
    every : sequence of int
        Distances to compare, in events.
    duration : float
        Of each run, in seconds.
    snapshot_cost, replay_cost : float
        Of one snapshot and of one replayed event, in the same unit.
    confidence : float
        Of the intervals.

    Returns
    -------
    DataFrame
        ``every``; ``writing``, ``replaying`` and ``value`` (their sum), each per second; ``low``
        and ``high`` of the sum.
    """
    found = [
        _costs_of_run(messages, every, duration, snapshot_cost, replay_cost) for messages in runs
    ]
    writing, replaying = (np.array([one[part] for one in found]) for part in (0, 1))
    rows = []
    for place, distance in enumerate(every):
        total = mean_over_replications((writing + replaying)[:, place], confidence=confidence)
        rows.append(
            {
                "every": distance,
                "writing": writing[:, place].mean(),
                "replaying": replaying[:, place].mean(),
                "value": total.value,
                "low": total.low,
                "high": total.high,
            }
        )
    return pd.DataFrame(rows)


def _costs_of_run(
    messages: pd.DataFrame,
    every: Sequence[int],
    duration: float,
    snapshot_cost: float,
    replay_cost: float,
) -> tuple[list[float], list[float]]:
    ordered = messages.sort_values("created_at", kind="stable")
    is_event = (ordered["source"] == EVENTS).to_numpy()
    version = np.cumsum(is_event)
    at_loads = version[~is_event]
    writing = [snapshot_cost * (int(version[-1]) // k) / duration for k in every]
    replaying = [replay_cost * float(np.sum(at_loads % k)) / duration for k in every]
    return writing, replaying
