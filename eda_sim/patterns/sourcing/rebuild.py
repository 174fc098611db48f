"""Making a read model anew from all events, while new ones keep coming.

The history waits in a log; readers apply it, and what is appended meanwhile comes behind it. A
read model has *caught up* when for the first time everything that there is has been applied. With
several partitions each has a reader of its own, and the last partition decides.

References
----------
.. [1] M. Kleppmann, "Designing Data-Intensive Applications" (2017), chapter 11: deriving state by
   replaying a log.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from eda_sim import theory
from eda_sim.spec import Scenario

HISTORY, LIVE, EVENTS, READ_MODEL = "history", "live", "events", "read-model"
"""The producers, the channel and the consumer of :func:`scenario`."""

_TIMES_AS_LONG = 3.0
"""Length of a run, if nobody says it: so many times the time that the rebuild would take."""


def scenario(
    *,
    history: float,
    replay_rate: float,
    event_rate: float,
    partitions: int = 1,
    key: str = "uniform(n=1000)",
    duration: float | None = None,
    messages: int = 2000,
    seed: int = 1,
) -> Scenario:
    """Return a read model that is rebuilt from a history while events come.

    Parameters
    ----------
    history : float
        Events that are there at the start.
    replay_rate : float
        Events per second that one reader applies.
    event_rate : float
        New events per second (Poisson).
    partitions : int
        Of the log, each with a reader of its own.
    key : str
        By which events are assigned to partitions: the accounts, say, of which there are ``n``.
    duration : float, optional
        Of the run, in seconds. Without it three times what the rebuild takes if all partitions
        share the work evenly.
    messages : int
        Into which the history is divided: each stands for many events, as a drop does for a fluid.
    seed : int
        Of all random numbers.

    Raises
    ------
    UnstableQueueError
        If events come as fast as all readers apply them, and no duration is given.
    ValueError
        If a number is not positive.

    Examples
    --------
    >>> made = scenario(history=1e6, replay_rate=5000, event_rate=2500)
    >>> made.duration
    1200.0
    >>> list(made.producers), list(made.consumers)
    (['history', 'live'], ['read-model'])
    """
    positive = {"history": history, "replay_rate": replay_rate, "partitions": partitions}
    for name, value in (positive | {"messages": messages}).items():
        if not value > 0:
            raise ValueError(f"{name} {value}: must be positive")
    if event_rate < 0:
        raise ValueError(f"event_rate {event_rate}: must not be negative")
    if duration is None:
        together = theory.catch_up_time(
            history=history, replay_rate=partitions * replay_rate, event_rate=event_rate
        )
        duration = _TIMES_AS_LONG * together
    drop = history / messages
    producers = {
        HISTORY: {"to": EVENTS, "arrivals": "trace(times=[0s])", "bulk": messages, "key": key}
    }
    if event_rate:
        producers[LIVE] = {"to": EVENTS, "rate": event_rate / drop, "key": key}
    return Scenario.model_validate(
        {
            "name": "rebuild",
            "seed": seed,
            "duration": duration,
            "producers": producers,
            "channels": {EVENTS: {"partitions": partitions}},
            "consumers": {
                READ_MODEL: {
                    "reads": EVENTS,
                    "service": drop / replay_rate,
                    "instances": partitions,
                    # A position after each of them: progress is seen as it is made.
                    "subscription": {"lease_scope": "partition", "fetch_max_messages": 1},
                }
            },
        }
    )


def caught_up(messages: pd.DataFrame, deliveries: pd.DataFrame) -> pd.DataFrame:
    """Return when each partition had for the first time been applied whole.

    Parameters
    ----------
    messages, deliveries : DataFrame
        ``run.messages`` and ``run.deliveries`` of a run of :func:`scenario`.

    Returns
    -------
    DataFrame
        ``partition``; ``share`` of the history that is in it; ``seconds``, NaN if it did not happen
        within the run. The read model as a whole has caught up with its last partition.

    Examples
    --------
    >>> import eda_sim as es
    >>> run = es.run(scenario(history=1000, replay_rate=10, event_rate=0, messages=100))
    >>> caught_up(run.messages, run.deliveries)
       partition  share  seconds
    0          0    1.0    100.0
    """
    done = deliveries[deliveries["finished_at"].notna()].groupby("message_id")["finished_at"].min()
    there = messages[messages["channel"] == EVENTS].assign(
        finished_at=messages["message_id"].map(done)
    )
    history = int((there["source"] == HISTORY).sum())
    rows = []
    for partition in sorted(set(there["partition"])):
        own = there[there["partition"] == partition]
        share = float((own["source"] == HISTORY).sum()) / history
        created, finished = (own[name].to_numpy(float) for name in ("created_at", "finished_at"))
        rows.append((int(partition), share, _first_time_all(created, finished)))
    return pd.DataFrame(rows, columns=["partition", "share", "seconds"])


def _first_time_all(created: np.ndarray, finished: np.ndarray) -> float:
    """Return the first moment at which all that was created until then has been finished."""
    created = np.sort(created)
    applied = np.sort(finished[~np.isnan(finished)])
    next_created = np.append(created, math.inf)[1 : applied.size + 1]
    whole = applied[next_created > applied]
    return float(whole[0]) if whole.size else math.nan
