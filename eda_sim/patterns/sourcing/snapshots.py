"""How often to take snapshots: writing them against replaying what came since, simulated."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from eda_sim.analysis.estimates import Estimate
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


def cheapest(
    runs: Sequence[pd.DataFrame],
    *,
    every: Sequence[int],
    snapshot_cost: float,
    replay_cost: float,
    confidence: float = 0.95,
) -> Estimate:
    """Return which distance between snapshots costs the least, searched in each run on its own.

    Parameters
    ----------
    runs : sequence of DataFrame
        As for :func:`costs`.
    every : sequence of int
        Distances to search, in events.
    snapshot_cost, replay_cost : float
        Of one snapshot and of one replayed event, in the same unit.
    confidence : float
        Of the interval.

    Returns
    -------
    Estimate
        Mean over the runs of the cheapest distance, in events, with its interval.
    """
    found = []
    for messages in runs:
        writing, replaying = _costs_of_run(messages, every, 1.0, snapshot_cost, replay_cost)
        found.append(every[int(np.argmin(np.add(writing, replaying)))])
    return mean_over_replications(np.array(found, dtype=float), confidence=confidence)


def loads(messages: pd.DataFrame, *, every: int | None = None) -> pd.DataFrame:
    """Return what each load of a run replays.

    Parameters
    ----------
    messages : DataFrame
        ``run.messages`` of a run of :func:`scenario`.
    every : int, optional
        Events between snapshots; without it there are none.

    Returns
    -------
    DataFrame
        ``time`` (s), ``version`` (events until then), ``replayed`` (events).

    Raises
    ------
    ValueError
        If ``every`` is below 1.
    """
    if every is not None and every < 1:
        raise ValueError(f"every {every}: must be at least 1")
    times, versions, _ = _course(messages)
    replayed = versions if every is None else versions % every
    return pd.DataFrame({"time": times, "version": versions, "replayed": replayed})


def _course(messages: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, int]:
    """Return time and version of each load, and the last version."""
    ordered = messages.sort_values("created_at", kind="stable")
    is_event = (ordered["source"] == EVENTS).to_numpy()
    versions = np.cumsum(is_event)
    times = ordered["created_at"].to_numpy(float)[~is_event]
    return times, versions[~is_event], int(is_event.sum())


def _costs_of_run(
    messages: pd.DataFrame,
    every: Sequence[int],
    duration: float,
    snapshot_cost: float,
    replay_cost: float,
) -> tuple[list[float], list[float]]:
    _, at_loads, last = _course(messages)
    writing = [snapshot_cost * (last // k) / duration for k in every]
    replaying = [replay_cost * float(np.sum(at_loads % k)) / duration for k in every]
    return writing, replaying
