"""Queues that feed each other, and queues that share arrivals: Jackson; the power of choices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eda_sim.theory.steady_state import (
    SteadyState,
    check_count,
    check_not_negative,
    check_positive,
    check_share,
    check_stable,
    from_mean_wait,
)


@dataclass(frozen=True, kw_only=True)
class Network:
    """A network of queues in the long run.

    Attributes
    ----------
    stations : tuple of SteadyState
        Each queue, as if it were alone with the arrivals that reach it.
    mean_number : float
        Messages in all of them.
    mean_time : float
        In seconds, from the entry of a message to its leaving the network.
    """

    stations: tuple[SteadyState, ...]
    mean_number: float
    mean_time: float


def jackson(
    *,
    arrival_rates: Sequence[float],
    routing: Sequence[Sequence[float]],
    mean_services: Sequence[float],
) -> Network:
    """Return the steady state of an open network of M/M/1 stations.

    Parameters
    ----------
    arrival_rates : sequence of float
        Messages per second that enter the network at each station.
    routing : sequence of sequence of float
        ``routing[i][j]`` is the probability that a message goes from station i to j; what a row
        lacks to 1 leaves the network.
    mean_services : sequence of float
        In seconds, at each station.

    Returns
    -------
    Network

    Raises
    ------
    UnstableQueueError
        If a station gets more than it can do.
    ValueError
        If the sizes do not fit, a row adds up to more than 1, or messages never leave.

    References
    ----------
    J. R. Jackson, "Networks of waiting lines", Operations Research 5 (1957) 518-521; G. Bolch et
    al., "Queueing Networks and Markov Chains", 2nd ed. (2006), section 7.3.

    Examples
    --------
    >>> loop = jackson(arrival_rates=[1, 0], routing=[[0, 1], [0.5, 0]], mean_services=[0.3, 0.2])
    >>> [round(station.mean_number, 6) for station in loop.stations], round(loop.mean_time, 6)
    ([1.5, 0.666667], 2.166667)
    """
    outside = np.array([check_not_negative("arrival_rates", rate) for rate in arrival_rates])
    services = [check_positive("mean_services", mean) for mean in mean_services]
    size = len(outside)
    if size == 0 or len(services) != size or [len(row) for row in routing] != [size] * size:
        message = f"routing must be a square with one row per station, mean_services too: {size}"
        raise ValueError(message)
    ways = np.array([[check_not_negative("routing", share) for share in row] for row in routing])
    if bool((ways.sum(axis=1) > 1.0 + 1e-12).any()):
        message = f"routing has a row that adds up to {ways.sum(axis=1).max():g}: must be at most 1"
        raise ValueError(message)
    entering = float(outside.sum())
    if entering <= 0.0:
        message = "arrival_rates are all 0: some messages must enter"
        raise ValueError(message)
    if float(np.abs(np.linalg.eigvals(ways)).max()) >= 1.0 - 1e-12:
        message = "routing never lets a message leave: some row must add up to less than 1"
        raise ValueError(message)
    through = np.linalg.solve(np.eye(size) - ways.T, outside)
    stations = []
    for number, (rate, service) in enumerate(zip(through.tolist(), services, strict=True), start=1):
        rho = check_stable(f"station {number}", rate * service)
        wait = rho * service / (1.0 - rho)
        stations.append(
            from_mean_wait(
                model=f"station {number}",
                arrival_rate=rate,
                mean_service=service,
                utilization=rho,
                mean_wait=wait,
                probability_of_waiting=rho,
            )
        )
    number_mean = math.fsum(station.mean_number for station in stations)
    return Network(
        stations=tuple(stations), mean_number=number_mean, mean_time=number_mean / entering
    )


def shortest_of_choices_mean(*, load: float, choices: int, service_rate: float = 1.0) -> float:
    """Return the mean sojourn if each message joins the shortest of a few queues picked at random.

    This is the limit of many servers; with 100 of them it is right within 2 %.

    Parameters
    ----------
    load : float
        Arrivals per server over what it can do, below 1.
    choices : int
        Queues that are looked at; with 1 it is M/M/1.
    service_rate : float
        Messages per second that one server can finish.

    Returns
    -------
    float
        In seconds.

    Raises
    ------
    UnstableQueueError
        If the load is not below 1.

    References
    ----------
    N. D. Vvedenskaya, R. L. Dobrushin, F. I. Karpelevich (1996); M. Mitzenmacher, "The power of two
    choices in randomized load balancing", IEEE TPDS 12 (2001) 1094-1104: the sum over i >= 1 of
    load**((d**i - d) / (d - 1)).

    Examples
    --------
    >>> round(shortest_of_choices_mean(load=0.9, choices=2), 6)
    2.614057
    """
    rate = check_positive("service_rate", service_rate)
    rho, count = _choices(load, choices)
    if count == 1:
        return 1.0 / (rate * (1.0 - rho))
    terms: list[float] = []
    power = 0  # d + d**2 + ... + d**(i - 1)
    step = count
    while not terms or terms[-1] > 1e-18:
        terms.append(math.exp(power * math.log(rho)))
        power += step
        step *= count
    return math.fsum(terms) / rate


def shortest_of_choices_tail(*, load: float, choices: int, length: int) -> float:
    """Return the share of queues with at least so many messages, in the same limit.

    Parameters
    ----------
    load, choices
        As in :func:`shortest_of_choices_mean`.
    length : int
        Messages, the one in service included.

    Returns
    -------
    float
        load**(1 + d + ... + d**(length - 1)).

    Examples
    --------
    >>> round(shortest_of_choices_tail(load=0.9, choices=2, length=3), 6)
    0.478297
    """
    rho, count = _choices(load, choices)
    exponent = sum(count**i for i in range(check_count("length", length, at_least=0)))
    return math.exp(min(exponent, 10**12) * math.log(rho))


def _choices(load: float, choices: int) -> tuple[float, int]:
    rho = check_stable("join the shortest of some", check_positive("load", load))
    return check_share("load", rho), check_count("choices", choices)
