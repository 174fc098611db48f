"""Queues before their steady state: the start from empty, and single histories."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from eda_sim.theory.steady_state import check_count, check_not_negative, check_positive

Values = npt.NDArray[np.float64]


def lindley_waits(
    *, intervals: Sequence[float] | Values, services: Sequence[float] | Values
) -> Values:
    """Return the wait of each message at a single server, first come first served.

    Parameters
    ----------
    intervals : sequence of float
        ``intervals[i]`` is the time in seconds from message i - 1 to message i; the first counts
        from an empty system. More than there are services are not looked at.
    services : sequence of float
        Service time of each message, in seconds. A second axis, the last, is that of messages.

    Returns
    -------
    array of float
        One per service.

    Raises
    ------
    ValueError
        If there are fewer intervals than services.

    References
    ----------
    D. V. Lindley, "The theory of queues with a single server", Mathematical Proceedings of the
    Cambridge Philosophical Society 48 (1952) 277-289: w' = max(0, w + s - t).

    Examples
    --------
    >>> lindley_waits(intervals=[0.4, 1.2, 0.5], services=[2.0, 0.7, 0.2]).round(6).tolist()
    [0.0, 0.8, 1.0]
    """
    times, work = np.asarray(intervals, dtype=float), np.asarray(services, dtype=float)
    count = work.shape[-1]
    if times.shape[-1] < count:
        message = f"intervals has {times.shape[-1]} values: must have one per service, {count}"
        raise ValueError(message)
    steps = np.zeros(work.shape)
    steps[..., 1:] = work[..., :-1] - times[..., 1:count]
    walk = np.cumsum(steps, axis=-1)
    # A random walk less its lowest point so far is the recursion, without a loop.
    return np.asarray(walk - np.minimum(np.minimum.accumulate(walk, axis=-1), 0.0))


def mm1_mean_wait_of_first(*, arrival_rate: float, service_rate: float, messages: int) -> float:
    """Return the mean over the first messages of an M/M/1 of their mean waits, from empty.

    Parameters
    ----------
    arrival_rate, service_rate : float
        Messages per second. Any load is allowed.
    messages : int
        How many; the first of them finds nobody.

    Returns
    -------
    float
        In seconds.

    References
    ----------
    C. R. Heathcote, P. Winer, "An approximation for the moments of waiting times", Operations
    Research 17 (1969) 175-186; here exactly, by the Markov chain of the number that each finds.

    Examples
    --------
    >>> round(mm1_mean_wait_of_first(arrival_rate=1, service_rate=10 / 9, messages=25), 6)
    2.124489
    """
    arrivals = check_positive("arrival_rate", arrival_rate)
    rate = check_positive("service_rate", service_rate)
    count = check_count("messages", messages)
    departs = rate / (arrivals + rate)  # a departure comes before the next arrival
    found = np.zeros(count + 1)
    found[0] = 1.0
    total = 0.0
    numbers = np.arange(count + 1)
    for _ in range(count):
        total += float(found @ numbers) / rate
        # One joins, and then some leave: geometric, but no more than there are.
        after = np.zeros(count + 1)
        stays = 0.0
        for number in range(count, 0, -1):
            stays = departs * stays + found[number - 1]
            after[number] = (1.0 - departs) * stays
        after[0] = departs * stays
        found = after
    return total / count


def mm1_mean_number_at(
    *, arrival_rate: float, service_rate: float, time: float, start: int = 0
) -> float:
    """Return the mean number in an M/M/1 at a moment.

    Parameters
    ----------
    arrival_rate, service_rate : float
        Messages per second. Any load is allowed.
    time : float
        In seconds from the start.
    start : int
        Messages that are there at the start.

    Returns
    -------
    float

    References
    ----------
    A. Jensen, "Markoff chains as an aid in the study of Markoff processes", Skandinavisk
    Aktuarietidskrift 36 (1953) 87-91: uniformization.

    Examples
    --------
    >>> round(mm1_mean_number_at(arrival_rate=0.8, service_rate=1, time=20), 6)
    2.647635
    """
    from scipy.special import pdtrc

    arrivals = check_positive("arrival_rate", arrival_rate)
    rate = check_positive("service_rate", service_rate)
    events = (arrivals + rate) * check_not_negative("time", time)
    first = check_count("start", start, at_least=0)
    steps = int(events + 12.0 * np.sqrt(events) + 40.0)
    comes = arrivals / (arrivals + rate)
    numbers = np.arange(first + steps + 2)
    found = np.zeros(numbers.size)
    found[first] = 1.0
    # E[N(t)] as the sum over k of P(more than k events) times the drift of step k.
    mean = float(first)
    for step in range(steps):
        drift = comes - (1.0 - comes) * (1.0 - float(found[0]))
        mean += float(pdtrc(step, events)) * drift
        after = np.zeros(numbers.size)
        after[1:] += comes * found[:-1]
        after[:-1] += (1.0 - comes) * found[1:]
        after[0] += (1.0 - comes) * found[0]
        found = after
    return float(mean)
