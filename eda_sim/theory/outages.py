"""What an outage leaves behind, and how long it takes to be gone: fluids, not messages."""

from __future__ import annotations

from dataclasses import dataclass

from eda_sim.theory.steady_state import check_not_negative, check_positive, check_stable


@dataclass(frozen=True, kw_only=True)
class Drain:
    """A backlog and its end.

    Attributes
    ----------
    peak_backlog : float
        Messages that wait when the outage ends.
    drain_time : float
        In seconds from the end of the outage until nothing waits.
    mean_delay : float
        In seconds, of messages that arrive from the start of the outage to the end of the drain.
    longest_delay : float
        In seconds: that of the first message that met the outage.
    """

    peak_backlog: float
    drain_time: float
    mean_delay: float
    longest_delay: float


def outage(*, arrival_rate: float, capacity: float, duration: float) -> Drain:
    """Return backlog, drain time and delays of an outage in the fluid limit.

    Parameters
    ----------
    arrival_rate : float
        Messages per second.
    capacity : float
        Messages per second that are worked off when all is well.
    duration : float
        Of the outage, in seconds; nothing is worked off then.

    Returns
    -------
    Drain

    Raises
    ------
    UnstableQueueError
        If the arrival rate is not below the capacity: the backlog would never be gone.

    References
    ----------
    Kleinrock, volume II (1976), section 2.7 (fluid approximation). The delay grows at once to the
    length of the outage and falls in a straight line, so its mean is one half of it.

    Examples
    --------
    >>> outage(arrival_rate=800, capacity=1000, duration=600)
    Drain(peak_backlog=480000.0, drain_time=2400.0, mean_delay=300.0, longest_delay=600.0)
    """
    arrivals = check_positive("arrival_rate", arrival_rate)
    rate = check_positive("capacity", capacity)
    time = check_not_negative("duration", duration)
    check_stable("the drain", arrivals / rate)
    backlog = arrivals * time
    return Drain(
        peak_backlog=backlog,
        drain_time=backlog / (rate - arrivals),
        mean_delay=time / 2.0,
        longest_delay=time,
    )


def catch_up_time(*, history: float, replay_rate: float, event_rate: float) -> float:
    """Return how long a projection takes to be rebuilt while events keep coming.

    Parameters
    ----------
    history : float
        Events to read at the start.
    replay_rate : float
        Events per second that the rebuild reads.
    event_rate : float
        New events per second.

    Returns
    -------
    float
        In seconds: history / (replay_rate - event_rate).

    Raises
    ------
    UnstableQueueError
        If events come as fast as they are read.

    Examples
    --------
    >>> round(catch_up_time(history=1e6, replay_rate=5000, event_rate=200), 6)
    208.333333
    """
    backlog = check_not_negative("history", history)
    rate = check_positive("replay_rate", replay_rate)
    events = check_not_negative("event_rate", event_rate)
    check_stable("the rebuild", events / rate)
    return backlog / (rate - events)
