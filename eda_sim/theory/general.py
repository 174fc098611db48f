"""Queues with any service time: M/G/1, and the busy period of its server."""

from __future__ import annotations

import math

from eda_sim.theory.steady_state import (
    BusyPeriod,
    SteadyState,
    check_not_negative,
    check_positive,
    check_stable,
    from_mean_wait,
)


def mg1(
    *,
    arrival_rate: float,
    mean_service: float,
    service_scv: float,
    service_third_moment: float | None = None,
) -> SteadyState:
    """Return the steady state of M/G/1: Poisson arrivals, any service time, one server.

    Parameters
    ----------
    arrival_rate : float
        Messages per second.
    mean_service : float
        In seconds.
    service_scv : float
        Squared coefficient of variation of the service time.
    service_third_moment : float, optional
        E[S**3] in seconds cubed; needed for the variance of the wait alone.

    Returns
    -------
    SteadyState
        Means, and the variance of the wait if the third moment is given.

    Raises
    ------
    UnstableQueueError
        If the arrival rate is not below 1 / mean_service.

    References
    ----------
    Pollaczek (1930), Khinchine (1932); Kleinrock, section 5.7; Gross & Harris, section 5.1.
    Wq = lambda E[S**2] / (2 (1 - rho)); var(wait) = Wq**2 + lambda E[S**3] / (3 (1 - rho)), L.
    Takacs, "Introduction to the Theory of Queues" (1962).

    Examples
    --------
    >>> round(mg1(arrival_rate=0.7, mean_service=1, service_scv=4).mean_wait, 6)
    5.833333
    """
    arrivals = check_positive("arrival_rate", arrival_rate)
    service = check_positive("mean_service", mean_service)
    second_moment = service**2 * (1.0 + check_not_negative("service_scv", service_scv))
    rho = check_stable("M/G/1", arrivals * service)
    mean_wait = arrivals * second_moment / (2.0 * (1.0 - rho))
    variance = math.nan
    if service_third_moment is not None:
        third_moment = check_positive("service_third_moment", service_third_moment)
        variance = arrivals * third_moment / (3.0 * (1.0 - rho)) + mean_wait**2
    return from_mean_wait(
        model="M/G/1",
        arrival_rate=arrivals,
        mean_service=service,
        utilization=rho,
        mean_wait=mean_wait,
        probability_of_waiting=rho,
        variance_of_wait=variance,
    )


def busy_period(*, arrival_rate: float, mean_service: float, service_scv: float) -> BusyPeriod:
    """Return mean and variance of the busy period of M/G/1.

    Parameters
    ----------
    arrival_rate : float
        Messages per second.
    mean_service : float
        In seconds.
    service_scv : float
        Squared coefficient of variation of the service time; 1 for M/M/1.

    Returns
    -------
    BusyPeriod
        In seconds.

    Raises
    ------
    UnstableQueueError
        If the arrival rate is not below 1 / mean_service.

    References
    ----------
    Kleinrock, section 5.8: E[S] / (1 - rho) and (var(S) + rho E[S]**2) / (1 - rho)**3.

    Examples
    --------
    >>> period = busy_period(arrival_rate=0.8, mean_service=1, service_scv=1)
    >>> round(period.mean, 6), round(period.variance, 6)
    (5.0, 225.0)
    """
    arrivals = check_positive("arrival_rate", arrival_rate)
    service = check_positive("mean_service", mean_service)
    scv = check_not_negative("service_scv", service_scv)
    rho = check_stable("M/G/1", arrivals * service)
    return BusyPeriod(
        mean=service / (1.0 - rho), variance=service**2 * (scv + rho) / (1.0 - rho) ** 3
    )
