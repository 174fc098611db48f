"""Servers that break down: what a repair in the middle of the work does to the queue.

The words
---------
completion time
    From the start of a service to its end, repairs and repeated work included. To the queue it is a
    service time, so the formula of Pollaczek and Khinchine takes its two moments.
resume, restart
    After the repair the work goes on where it stopped, or starts again from nothing.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from eda_sim.theory.general import mg1
from eda_sim.theory.steady_state import (
    SteadyState,
    check_not_negative,
    check_positive,
    from_mean_wait,
)


class Moments(NamedTuple):
    """Mean (s) and squared coefficient of variation of a time."""

    mean: float
    scv: float


def completion_with_resume(
    *,
    mean_service: float,
    service_scv: float,
    failure_rate: float,
    mean_repair: float,
    repair_scv: float = 1.0,
) -> Moments:
    """Return the completion time of work that goes on after each repair.

    Parameters
    ----------
    mean_service : float
        In seconds.
    service_scv : float
        Squared coefficient of variation of the service time.
    failure_rate : float
        Failures per second of work.
    mean_repair : float
        In seconds.
    repair_scv : float
        Squared coefficient of variation of the repair time; 1 if it is exponential.

    Returns
    -------
    Moments

    References
    ----------
    D. P. Gaver, "A waiting line with interrupted service, including priorities", JRSS B 24 (1962)
    73-90; B. Avi-Itzhak, P. Naor, "Some queuing problems with the service station subject to
    breakdown", Operations Research 11 (1963) 303-320: E[C] = E[S] (1 + alpha r),
    E[C**2] = E[S**2] (1 + alpha r)**2 + E[S] alpha E[R**2].

    Examples
    --------
    >>> completion_with_resume(mean_service=1, service_scv=1, failure_rate=0.1, mean_repair=2).mean
    1.2
    """
    service = check_positive("mean_service", mean_service)
    second = service**2 * (1.0 + check_not_negative("service_scv", service_scv))
    failures = check_not_negative("failure_rate", failure_rate)
    repair = check_positive("mean_repair", mean_repair)
    repair_second = repair**2 * (1.0 + check_not_negative("repair_scv", repair_scv))
    stretch = 1.0 + failures * repair
    mean = service * stretch
    square = second * stretch**2 + service * failures * repair_second
    return Moments(mean, square / mean**2 - 1.0)


def completion_with_restart(
    *, service_time: float, failure_rate: float, mean_repair: float, repair_scv: float = 1.0
) -> Moments:
    """Return the completion time of constant work that starts again after each repair.

    Parameters
    ----------
    service_time : float
        Work without a failure, in seconds.
    failure_rate : float
        Failures per second of work.
    mean_repair : float
        In seconds.
    repair_scv : float
        Squared coefficient of variation of the repair time; 1 if it is exponential.

    Returns
    -------
    Moments

    References
    ----------
    Gaver (1962), preemptive repeat: the number of failures is geometric, and each adds the work
    that was lost and a repair. The mean is (1 / alpha + r) (exp(alpha D) - 1).

    Examples
    --------
    >>> round(completion_with_restart(service_time=1, failure_rate=0.1, mean_repair=2).mean, 6)
    1.262051
    """
    service = check_positive("service_time", service_time)
    failures = check_positive("failure_rate", failure_rate)
    repair = check_positive("mean_repair", mean_repair)
    repair_variance = repair**2 * check_not_negative("repair_scv", repair_scv)
    works = math.exp(-failures * service)
    fails = -math.expm1(-failures * service)
    # Work lost in one failure: exponential, given that it is shorter than the service.
    lost = 1.0 / failures - service * works / fails
    lost_square = 2.0 / failures**2 - works / fails * (service**2 + 2.0 * service / failures)
    extra = lost + repair
    extra_variance = lost_square - lost**2 + repair_variance
    mean = service + fails / works * extra
    variance = fails / works * extra_variance + fails / works**2 * extra**2
    return Moments(mean, variance / mean**2)


def mg1_with_breakdowns(
    *,
    arrival_rate: float,
    mean_service: float,
    service_scv: float,
    failure_rate: float,
    mean_repair: float,
    repair_scv: float = 1.0,
    fails_when_idle: bool = False,
) -> SteadyState:
    """Return the steady state of M/G/1 whose server breaks down; work resumes after the repair.

    Parameters
    ----------
    arrival_rate : float
        Messages per second.
    mean_service, service_scv, failure_rate, mean_repair, repair_scv
        As in :func:`completion_with_resume`.
    fails_when_idle : bool
        Whether the server also fails when it has nothing to do.

    Returns
    -------
    SteadyState
        The utilization includes repairs in the middle of work; the sojourn includes them too.

    Raises
    ------
    UnstableQueueError
        If the arrival rate is not below 1 / mean completion time.

    References
    ----------
    Avi-Itzhak & Naor (1963). Failures while idle add the mean rest of a repair that an arrival
    finds then: alpha E[R**2] / (2 (1 + alpha r)).

    Examples
    --------
    >>> round(
    ...     mg1_with_breakdowns(
    ...         arrival_rate=0.6, mean_service=1, service_scv=1, failure_rate=0.1, mean_repair=2
    ...     ).mean_sojourn,
    ...     6,
    ... )
    5.142857
    """
    completion = completion_with_resume(
        mean_service=mean_service,
        service_scv=service_scv,
        failure_rate=failure_rate,
        mean_repair=mean_repair,
        repair_scv=repair_scv,
    )
    queue = mg1(arrival_rate=arrival_rate, mean_service=completion.mean, service_scv=completion.scv)
    extra = 0.0
    if fails_when_idle:
        second = mean_repair**2 * (1.0 + repair_scv)
        extra = failure_rate * second / (2.0 * (1.0 + failure_rate * mean_repair))
    return from_mean_wait(
        model="M/G/1 with breakdowns",
        arrival_rate=arrival_rate,
        mean_service=completion.mean,
        utilization=queue.utilization,
        mean_wait=queue.mean_wait + extra,
    )


def md1_with_restarts(
    *,
    arrival_rate: float,
    service_time: float,
    failure_rate: float,
    mean_repair: float,
    repair_scv: float = 1.0,
) -> SteadyState:
    """Return the steady state of M/D/1 whose work starts again after each breakdown.

    Parameters
    ----------
    arrival_rate : float
        Messages per second.
    service_time, failure_rate, mean_repair, repair_scv
        As in :func:`completion_with_restart`. The server fails only while it works.

    Returns
    -------
    SteadyState
        The sojourn includes repairs and repeated work.

    Raises
    ------
    UnstableQueueError
        If the arrival rate is not below 1 / mean completion time.

    References
    ----------
    Gaver (1962): the completion time in the formula of Pollaczek and Khinchine.

    Examples
    --------
    >>> round(
    ...     md1_with_restarts(
    ...         arrival_rate=0.5, service_time=1, failure_rate=0.1, mean_repair=2
    ...     ).mean_sojourn,
    ...     6,
    ... )
    3.121144
    """
    completion = completion_with_restart(
        service_time=service_time,
        failure_rate=failure_rate,
        mean_repair=mean_repair,
        repair_scv=repair_scv,
    )
    queue = mg1(arrival_rate=arrival_rate, mean_service=completion.mean, service_scv=completion.scv)
    return from_mean_wait(
        model="M/D/1 with restarts",
        arrival_rate=arrival_rate,
        mean_service=completion.mean,
        utilization=queue.utilization,
        mean_wait=queue.mean_wait,
    )
