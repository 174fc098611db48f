"""Queues with priorities: who is served first, and who pays for it.

Classes are numbered from the highest priority down. Within a class, first come is first served.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from eda_sim.theory.markov import erlang_c
from eda_sim.theory.steady_state import (
    SteadyState,
    check_count,
    check_not_negative,
    check_positive,
    check_stable,
    from_mean_wait,
)


def mg1_priorities(
    *,
    arrival_rates: Sequence[float],
    mean_services: Sequence[float],
    service_scvs: Sequence[float],
    preemptive: bool = False,
) -> list[SteadyState]:
    """Return the steady state of each class of M/G/1 with priorities.

    Parameters
    ----------
    arrival_rates : sequence of float
        Messages per second of each class, the highest priority first.
    mean_services, service_scvs : sequence of float
        Mean (s) and squared coefficient of variation of the service of each class.
    preemptive : bool
        Whether a higher class interrupts the service of a lower one, which resumes later.

    Returns
    -------
    list of SteadyState
        One per class. With preemption the wait is the sojourn less the service: interruptions
        count as waiting.

    Raises
    ------
    UnstableQueueError
        If all classes together are more than the server can do.
    ValueError
        If the sequences differ in length or are empty.

    References
    ----------
    A. Cobham, "Priority assignment in waiting line problems", Operations Research 2 (1954) 70-76;
    L. Kleinrock, "Queueing Systems", volume II (1976), section 3.3; N. K. Jaiswal, "Priority
    Queues" (1968) for preemptive resume. With s[k] the load of classes up to k, the wait is
    R / ((1 - s[k-1]) (1 - s[k])), R the mean rest of the service that is found.

    Examples
    --------
    >>> classes = mg1_priorities(
    ...     arrival_rates=[0.3, 0.4], mean_services=[1, 1], service_scvs=[1, 1]
    ... )
    >>> [round(each.mean_wait, 6) for each in classes]
    [1.0, 3.333333]
    """
    rates = [check_positive("arrival_rates", rate) for rate in arrival_rates]
    services = [check_positive("mean_services", mean) for mean in mean_services]
    scvs = [check_not_negative("service_scvs", scv) for scv in service_scvs]
    if not len(rates) == len(services) == len(scvs) >= 1:
        message = (
            "arrival_rates, mean_services and service_scvs must have one value per class, not "
            f"{len(rates)}, {len(services)} and {len(scvs)}"
        )
        raise ValueError(message)
    loads = [rate * mean for rate, mean in zip(rates, services, strict=True)]
    check_stable("M/G/1 with priorities", math.fsum(loads))
    rests = [
        load * mean * (1.0 + scv) / 2.0
        for load, mean, scv in zip(loads, services, scvs, strict=True)
    ]
    classes = []
    for number, (rate, mean) in enumerate(zip(rates, services, strict=True)):
        above, upto = math.fsum(loads[:number]), math.fsum(loads[: number + 1])
        rest = math.fsum(rests[: number + 1] if preemptive else rests)
        wait = rest / ((1.0 - above) * (1.0 - upto))
        if preemptive:
            wait += mean / (1.0 - above) - mean
        classes.append(
            from_mean_wait(
                model=f"M/G/1, class {number + 1}",
                arrival_rate=rate,
                mean_service=mean,
                utilization=loads[number],
                mean_wait=wait,
            )
        )
    return classes


def mmc_priorities(
    *, arrival_rates: Sequence[float], service_rate: float, servers: int
) -> list[SteadyState]:
    """Return the steady state of each class of M/M/c with priorities, without preemption.

    Parameters
    ----------
    arrival_rates : sequence of float
        Messages per second of each class, the highest priority first.
    service_rate : float
        Messages per second that one server can finish, of any class.
    servers : int
        At least 1.

    Returns
    -------
    list of SteadyState
        One per class; ``utilization`` is the load of the class per server.

    Raises
    ------
    UnstableQueueError
        If all classes together are more than the servers can do.

    References
    ----------
    Cobham (1954): the wait of class k is C / (c mu (1 - s[k-1]) (1 - s[k])), with C of Erlang for
    all classes together and s[k] the load per server of classes up to k. Weighted by arrivals, the
    waits are those of M/M/c (the conservation law).

    Examples
    --------
    >>> classes = mmc_priorities(arrival_rates=[1, 1.5], service_rate=1, servers=3)
    >>> [round(each.mean_wait, 6) for each in classes]
    [0.351124, 2.106742]
    """
    rates = [check_positive("arrival_rates", rate) for rate in arrival_rates]
    rate = check_positive("service_rate", service_rate)
    count = check_count("servers", servers)
    if not rates:
        message = "arrival_rates: must name at least one class"
        raise ValueError(message)
    waiting = erlang_c(offered_load=math.fsum(rates) / rate, servers=count)
    capacity = count * rate
    upto = [0.0, *(total / capacity for total in itertools.accumulate(rates))]
    return [
        from_mean_wait(
            model=f"M/M/{count}, class {number + 1}",
            arrival_rate=own,
            mean_service=1.0 / rate,
            utilization=own / capacity,
            mean_wait=waiting / (capacity * (1.0 - upto[number]) * (1.0 - upto[number + 1])),
            probability_of_waiting=waiting,
        )
        for number, own in enumerate(rates)
    ]
