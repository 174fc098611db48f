"""Approximations where no closed form exists: what the load costs, times what varies."""

from __future__ import annotations

import math

from eda_sim.theory.markov import erlang_c
from eda_sim.theory.steady_state import (
    SteadyState,
    check_count,
    check_not_negative,
    check_positive,
    check_stable,
    from_mean_wait,
)


def kingman(
    *, arrival_rate: float, service_rate: float, arrival_scv: float, service_scv: float
) -> SteadyState:
    """Return Kingman's heavy-traffic approximation of G/G/1.

    Parameters
    ----------
    arrival_rate, service_rate : float
        Messages per second.
    arrival_scv, service_scv : float
        Squared coefficients of variation of intervals and service times.

    Returns
    -------
    SteadyState
        Approximate means; the wait is exact for M/G/1 and as rho goes to 1.

    Raises
    ------
    UnstableQueueError
        If the arrival rate is not below the service rate.

    References
    ----------
    J. F. C. Kingman, "The single server queue in heavy traffic", Proceedings of the Cambridge
    Philosophical Society 57 (1961) 902-904:
    Wq = rho / (1 - rho) * (arrival_scv + service_scv) / 2 / service_rate.

    Examples
    --------
    >>> queue = kingman(arrival_rate=0.9, service_rate=1, arrival_scv=0.5, service_scv=2)
    >>> round(queue.mean_wait, 6)
    11.25
    """
    return allen_cunneen(
        arrival_rate=arrival_rate,
        service_rate=service_rate,
        servers=1,
        arrival_scv=arrival_scv,
        service_scv=service_scv,
    )


def allen_cunneen(
    *,
    arrival_rate: float,
    service_rate: float,
    servers: int,
    arrival_scv: float,
    service_scv: float,
) -> SteadyState:
    """Return the approximation of Allen and Cunneen of G/G/c.

    Parameters
    ----------
    arrival_rate : float
        Messages per second.
    service_rate : float
        Messages per second that one server can finish.
    servers : int
        At least 1.
    arrival_scv, service_scv : float
        Squared coefficients of variation of intervals and service times.

    Returns
    -------
    SteadyState
        Approximate means: the wait of M/M/c times the mean of the two coefficients.

    Raises
    ------
    UnstableQueueError
        If the arrival rate is not below the service rate of all servers together.

    References
    ----------
    A. O. Allen, "Probability, Statistics, and Queueing Theory", 2nd ed. (1990), chapter 5; for
    M/G/c it is that of Lee and Longton (1959).

    Examples
    --------
    >>> queue = allen_cunneen(
    ...     arrival_rate=9, service_rate=5, servers=2, arrival_scv=1, service_scv=1
    ... )
    >>> round(queue.mean_wait, 6)
    0.852632
    """
    arrivals = check_positive("arrival_rate", arrival_rate)
    rate = check_positive("service_rate", service_rate)
    count = check_count("servers", servers)
    variation = check_not_negative("arrival_scv", arrival_scv)
    variation += check_not_negative("service_scv", service_scv)
    model = f"G/G/{count}"
    rho = check_stable(model, arrivals / (count * rate))
    waiting = erlang_c(offered_load=arrivals / rate, servers=count)
    return from_mean_wait(
        model=model,
        arrival_rate=arrivals,
        mean_service=1.0 / rate,
        utilization=rho,
        mean_wait=0.5 * variation * waiting / (count * rate - arrivals),
    )


def kraemer_langenbach_belz(
    *, arrival_rate: float, service_rate: float, arrival_scv: float, service_scv: float
) -> SteadyState:
    """Return the approximation of Kraemer and Langenbach-Belz of G/G/1.

    Parameters
    ----------
    arrival_rate, service_rate : float
        Messages per second.
    arrival_scv, service_scv : float
        Squared coefficients of variation of intervals and service times.

    Returns
    -------
    SteadyState
        Approximate means: Kingman's, corrected where arrivals are not Poisson.

    Raises
    ------
    UnstableQueueError
        If the arrival rate is not below the service rate.

    References
    ----------
    W. Kraemer, M. Langenbach-Belz, "Approximate formulae for the delay in the queueing system
    GI/G/1", Proceedings of the 8th International Teletraffic Congress (1976), 235-1/8.

    Examples
    --------
    >>> queue = kraemer_langenbach_belz(
    ...     arrival_rate=0.9, service_rate=1, arrival_scv=0.5, service_scv=2
    ... )
    >>> round(queue.mean_wait, 6)
    11.166975
    """
    simple = kingman(
        arrival_rate=arrival_rate,
        service_rate=service_rate,
        arrival_scv=arrival_scv,
        service_scv=service_scv,
    )
    rho = simple.utilization
    if arrival_scv + service_scv == 0.0:
        exponent = 0.0  # nothing varies, nobody waits
    elif arrival_scv < 1.0:
        smoothness = (1.0 - arrival_scv) ** 2
        exponent = -2.0 * (1.0 - rho) * smoothness / (3.0 * rho * (arrival_scv + service_scv))
    else:
        exponent = -(1.0 - rho) * (arrival_scv - 1.0) / (arrival_scv + 4.0 * service_scv)
    return from_mean_wait(
        model="G/G/1",
        arrival_rate=arrival_rate,
        mean_service=1.0 / service_rate,
        utilization=rho,
        mean_wait=simple.mean_wait * math.exp(exponent),
    )


def kingman_bound(
    *, arrival_rate: float, service_rate: float, arrival_scv: float, service_scv: float
) -> float:
    """Return an upper bound on the mean wait in G/G/1.

    Parameters
    ----------
    arrival_rate, service_rate : float
        Messages per second.
    arrival_scv, service_scv : float
        Squared coefficients of variation of intervals and service times.

    Returns
    -------
    float
        In seconds; the mean wait of no such queue is longer.

    Raises
    ------
    UnstableQueueError
        If the arrival rate is not below the service rate.

    References
    ----------
    J. F. C. Kingman, "Some inequalities for the queue GI/G/1", Biometrika 49 (1962) 315-324:
    Wq <= arrival_rate (var(interval) + var(service)) / (2 (1 - rho)).

    Examples
    --------
    >>> bound = kingman_bound(arrival_rate=0.8, service_rate=1, arrival_scv=1, service_scv=0.25)
    >>> round(bound, 6)
    3.625
    """
    arrivals = check_positive("arrival_rate", arrival_rate)
    rate = check_positive("service_rate", service_rate)
    rho = check_stable("G/G/1", arrivals / rate)
    interval_variance = check_not_negative("arrival_scv", arrival_scv) / arrivals**2
    service_variance = check_not_negative("service_scv", service_scv) / rate**2
    return arrivals * (interval_variance + service_variance) / (2.0 * (1.0 - rho))
