"""Snapshots and replays: how much is read again, and how often to write down where one is."""

from __future__ import annotations

import math
from typing import NamedTuple

from eda_sim.theory.steady_state import check_count, check_not_negative, check_positive, check_share


class SnapshotPlan(NamedTuple):
    """How often to take snapshots.

    Attributes
    ----------
    every : float
        Events between snapshots, if a fraction of an event were possible.
    cost : float
        Cost per second at that distance.
    every_events : int
        The best whole number of events.
    """

    every: float
    cost: float
    every_events: int


def events_replayed(*, length: int, snapshot_every: int | None = None) -> float:
    """Return the mean number of events replayed to load an aggregate at a random version.

    Parameters
    ----------
    length : int
        The version is 0, 1, ..., length - 1, each as likely.
    snapshot_every : int, optional
        There is a snapshot at each multiple of it; without it, at none.

    Returns
    -------
    float
        Mean of v mod k. Times ``length`` it is the total over one load at every version.

    Examples
    --------
    >>> events_replayed(length=1000, snapshot_every=50), events_replayed(length=1000)
    (24.5, 499.5)
    """
    versions = check_count("length", length)
    every = versions
    if snapshot_every is not None:
        every = check_count("snapshot_every", snapshot_every)
    whole, rest = divmod(versions, every)
    return (whole * every * (every - 1) + rest * (rest - 1)) / 2.0 / versions


def events_replayed_geometric(*, survival: float, snapshot_every: int) -> float:
    """Return the mean number of events replayed if aggregates have geometric lengths.

    Parameters
    ----------
    survival : float
        Probability that one more event follows: P(N = n) = (1 - p) p**n, in [0, 1).
    snapshot_every : int
        There is a snapshot at each multiple of it.

    Returns
    -------
    float
        E[N mod k] = p / (1 - p) - k p**k / (1 - p**k).

    Examples
    --------
    >>> round(events_replayed_geometric(survival=0.99, snapshot_every=20), 6)
    9.166052
    """
    p = check_share("survival", survival)
    every = check_count("snapshot_every", snapshot_every)
    return p / (1.0 - p) - every * p**every / (1.0 - p**every)


def events_replayed_timed(*, event_rate: float, interval: float) -> float:
    """Return the mean number of events replayed at a random moment, snapshots taken by the clock.

    Parameters
    ----------
    event_rate : float
        Events per second (Poisson).
    interval : float
        Between snapshots, in seconds.

    Returns
    -------
    float
        rate * interval / 2.

    Examples
    --------
    >>> events_replayed_timed(event_rate=5, interval=60)
    150.0
    """
    return check_positive("event_rate", event_rate) * check_positive("interval", interval) / 2.0


def snapshot_plan(
    *, event_rate: float, load_rate: float, snapshot_cost: float, replay_cost: float
) -> SnapshotPlan:
    """Return how often snapshots cost the least: writing them against replaying events.

    Parameters
    ----------
    event_rate : float
        Events per second.
    load_rate : float
        Loads of the aggregate per second, at random versions.
    snapshot_cost, replay_cost : float
        Of one snapshot and of one replayed event, in the same unit.

    Returns
    -------
    SnapshotPlan

    References
    ----------
    The cost lambda c_s / k + r c_e (k - 1) / 2 has its minimum at sqrt(2 lambda c_s / (r c_e)), as
    the economic order quantity of F. W. Harris (1913).

    Examples
    --------
    >>> snapshot_plan(event_rate=1, load_rate=1, snapshot_cost=50, replay_cost=1)
    SnapshotPlan(every=10.0, cost=9.5, every_events=10)
    """
    writing = check_positive("event_rate", event_rate) * check_positive(
        "snapshot_cost", snapshot_cost
    )
    reading = check_positive("load_rate", load_rate) * check_positive("replay_cost", replay_cost)
    every = math.sqrt(2.0 * writing / reading)

    def cost(events: float) -> float:
        return writing / events + reading * (events - 1.0) / 2.0

    below = max(1, math.floor(every))
    return SnapshotPlan(every, cost(every), min(below, below + 1, key=cost))


def checkpoint_interval(
    *, mean_time_between_failures: float, checkpoint_time: float, exact: bool = True
) -> float:
    """Return the time of work between checkpoints that loses the least to crashes.

    Parameters
    ----------
    mean_time_between_failures : float
        In any unit; crashes are exponential.
    checkpoint_time : float
        That writing a checkpoint takes, in the same unit.
    exact : bool
        Whether to return the exact optimum of Daly's model, or Young's first approximation.

    Returns
    -------
    float
        In the same unit.

    References
    ----------
    J. T. Daly, "A higher order estimate of the optimum checkpoint interval for restart dumps",
    Future Generation Computer Systems 22 (2006) 303-312: M (1 + W(-exp(-delta / M - 1))), W the
    branch of Lambert's function at 0; J. W. Young, "A first order approximation to the optimum
    checkpoint interval", Communications of the ACM 17 (1974) 530-531: sqrt(2 delta M).

    Examples
    --------
    >>> round(checkpoint_interval(mean_time_between_failures=1440, checkpoint_time=5), 6)
    116.690073
    """
    from scipy.special import lambertw

    between = check_positive("mean_time_between_failures", mean_time_between_failures)
    writing = check_not_negative("checkpoint_time", checkpoint_time)
    if not exact:
        return math.sqrt(2.0 * writing * between)
    return between * (1.0 + float(lambertw(-math.exp(-writing / between - 1.0)).real))
