"""Queues one after another, and the law that holds for all of them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from eda_sim.theory.laws import Hypoexponential
from eda_sim.theory.markov import mm1
from eda_sim.theory.steady_state import SteadyState, check_positive


def tandem(*, arrival_rate: float, service_rates: Sequence[float]) -> SteadyState:
    """Return the steady state of M/M/1 queues in a row, end to end.

    Parameters
    ----------
    arrival_rate : float
        Messages per second that enter the first queue; each goes through all.
    service_rates : sequence of float
        Messages per second that each queue can finish.

    Returns
    -------
    SteadyState
        Sums over the queues, with the distribution of the sojourn; the utilization is that of the
        busiest. The probability of waiting is nan: sojourn times along the way are independent,
        waiting times are not (P. J. Burke, 1964).

    Raises
    ------
    UnstableQueueError
        If one of the queues has no steady state.
    ValueError
        If there is no queue.

    References
    ----------
    P. J. Burke, "The output of a queuing system", Operations Research 4 (1956) 699-704; J. R.
    Jackson (1957); E. Reich, "Note on queues in tandem", Annals of Mathematical Statistics 34
    (1963) 338-341: the sojourn times are independent, each exponential with rate mu - lambda.

    Examples
    --------
    >>> line = tandem(arrival_rate=0.6, service_rates=[1, 1.2])
    >>> round(line.mean_sojourn, 6), round(line.sojourn_quantile(0.99), 6)
    (4.166667, 14.159305)
    """
    if not service_rates:
        message = "service_rates: must name at least one queue"
        raise ValueError(message)
    queues = [mm1(arrival_rate=arrival_rate, service_rate=rate) for rate in service_rates]
    spare = tuple(float(rate) - float(arrival_rate) for rate in service_rates)
    return SteadyState(
        model="M/M/1 tandem",
        utilization=max(queue.utilization for queue in queues),
        mean_wait=math.fsum(queue.mean_wait for queue in queues),
        mean_sojourn=math.fsum(queue.mean_sojourn for queue in queues),
        mean_queue_length=math.fsum(queue.mean_queue_length for queue in queues),
        mean_number=math.fsum(queue.mean_number for queue in queues),
        sojourn_law=Hypoexponential(spare),
    )


def littles_law(
    *, number: float | None = None, rate: float | None = None, time: float | None = None
) -> float:
    """Return the third of Little's law from two: number = rate * time.

    Parameters
    ----------
    number : float, optional
        Mean number of messages in any part of a system.
    rate : float, optional
        Messages per second that enter that part.
    time : float, optional
        Mean time in seconds that a message spends there.

    Returns
    -------
    float
        The one that is not given.

    Raises
    ------
    ValueError
        If not exactly two are given, or one is not a positive number.

    References
    ----------
    J. D. C. Little, "A proof for the queuing formula L = lambda W", Operations Research 9 (1961)
    383-387.

    Examples
    --------
    >>> littles_law(rate=200, time=0.05)
    10.0
    """
    given = {
        name: check_positive(name, value)
        for name, value in (("number", number), ("rate", rate), ("time", time))
        if value is not None
    }
    if len(given) != 2:
        message = "littles_law takes exactly two of number, rate and time"
        raise ValueError(message)
    if "number" not in given:
        return given["rate"] * given["time"]
    return given["number"] / given["rate" if "rate" in given else "time"]
