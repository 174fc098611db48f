"""Queues with other than Poisson arrivals and exponential service: GI/M/1 and GI/M/c."""

from __future__ import annotations

from collections.abc import Callable

from eda_sim.theory.laws import ExponentialWait, ExponentialWaitAndService
from eda_sim.theory.steady_state import (
    SteadyState,
    check_count,
    check_positive,
    check_stable,
    from_mean_wait,
)
from eda_sim.theory.transforms import Transform


def gim1(*, arrival_rate: float, service_rate: float, transform: Transform) -> SteadyState:
    """Return the steady state of GI/M/1: any independent intervals, exponential service.

    Parameters
    ----------
    arrival_rate : float
        Messages per second; 1 over the mean of the intervals.
    service_rate : float
        Messages per second.
    transform : callable
        Laplace-Stieltjes transform of the intervals, as from :func:`erlang_transform`.

    Returns
    -------
    SteadyState
        With the distributions of wait and sojourn.

    Raises
    ------
    UnstableQueueError
        If the arrival rate is not below the service rate.
    ValueError
        If the transform is not that of intervals with this rate.

    References
    ----------
    Kleinrock, section 6.4: P(wait > t) = sigma exp(-mu (1 - sigma) t), with sigma the root below
    1 of sigma = A*(mu (1 - sigma)).

    Examples
    --------
    >>> from eda_sim.theory import deterministic_transform
    >>> every = deterministic_transform(mean=1.25)
    >>> round(gim1(arrival_rate=0.8, service_rate=1, transform=every).mean_wait, 6)
    1.692731
    """
    return gimc(
        arrival_rate=arrival_rate, service_rate=service_rate, servers=1, transform=transform
    )


def gimc(
    *, arrival_rate: float, service_rate: float, servers: int, transform: Transform
) -> SteadyState:
    """Return the steady state of GI/M/c: any independent intervals, exponential service.

    Parameters
    ----------
    arrival_rate : float
        Messages per second; 1 over the mean of the intervals.
    service_rate : float
        Messages per second that one server can finish.
    servers : int
        At least 1.
    transform : callable
        Laplace-Stieltjes transform of the intervals, as from :func:`erlang_transform`.

    Returns
    -------
    SteadyState
        With the distributions of wait and sojourn.

    Raises
    ------
    UnstableQueueError
        If the arrival rate is not below the service rate of all servers together.
    ValueError
        If the transform is not that of intervals with this rate.

    References
    ----------
    L. Takacs, "Introduction to the Theory of Queues" (1962), chapter 2; Kleinrock, section 6.5.

    Examples
    --------
    >>> from eda_sim.theory import deterministic_transform
    >>> every = deterministic_transform(mean=1 / 3.4)
    >>> round(gimc(arrival_rate=3.4, service_rate=1, servers=4, transform=every).mean_wait, 6)
    0.462438
    """
    arrivals = check_positive("arrival_rate", arrival_rate)
    rate = check_positive("service_rate", service_rate)
    count = check_count("servers", servers)
    model = f"GI/M/{count}"
    rho = check_stable(model, arrivals / (count * rate))
    _check_transform(transform, arrivals)
    sigma = _sigma(transform, count * rate, rho)
    waiting = _takacs(transform, rate, count, sigma)
    leaving = count * rate * (1.0 - sigma)
    wait = ExponentialWait(waiting, leaving)
    return from_mean_wait(
        model=model,
        arrival_rate=arrivals,
        mean_service=1.0 / rate,
        utilization=rho,
        mean_wait=waiting / leaving,
        probability_of_waiting=waiting,
        variance_of_wait=waiting * (2.0 - waiting) / leaving**2,
        wait_law=wait,
        sojourn_law=ExponentialWaitAndService(wait, rate),
    )


def _check_transform(transform: Transform, arrival_rate: float) -> None:
    """Compare the slope of the transform at 0 with the mean interval."""
    step = 1e-6 * arrival_rate
    mean = (1.0 - transform(step)) / step
    if abs(transform(0.0) - 1.0) > 1e-9 or abs(mean * arrival_rate - 1.0) > 1e-2:
        message = f"transform: its mean is {mean:.6g} s, not 1 / arrival_rate"
        raise ValueError(message)


def _sigma(transform: Transform, capacity: float, rho: float) -> float:
    """Return the root in [0, 1) of sigma = A*(capacity (1 - sigma)); 1 is always another one."""
    from scipy.optimize import brentq

    def excess(gap: float) -> float:  # gap = 1 - sigma; dividing by it takes the root at 1 away
        return (1.0 - gap - transform(capacity * gap)) / gap

    # sigma - A* is concave in sigma and 0 at 1, so it is positive from the root wanted up to 1.
    lower = 1.0
    while excess(lower) <= 0.0:
        lower *= 0.5
        if lower < 1e-9 * (1.0 - rho):
            message = "transform: no root below 1; is it a Laplace-Stieltjes transform?"
            raise ValueError(message)
    return 1.0 - float(brentq(excess, lower, 2.0 * lower, xtol=1e-300, rtol=1e-15))


def _takacs(transform: Transform, rate: float, servers: int, sigma: float) -> float:
    """Return the probability that an arrival finds all servers busy."""

    def numerator(busy: float) -> float:
        return servers * (1.0 - transform(busy * rate)) - busy

    coefficient = 1.0
    total = 1.0 / (1.0 - sigma)
    root = servers * (1.0 - sigma)
    for busy in range(1, servers + 1):
        phi = transform(busy * rate)
        coefficient *= (servers - busy + 1) / busy * (1.0 - phi) / max(phi, 1e-300)
        if coefficient > 1e300:  # so many servers that nobody waits
            return 0.0
        # The numerator is zero where the denominator is: a quotient of differences, and at
        # root = busy (M/M/4 at rho = 0.75, say) a slope.
        if abs(root - busy) > 1e-6:
            ratio = numerator(busy) / (root - busy)
        else:
            ratio = -_slope(numerator, 0.5 * (root + busy))
        total += coefficient / (1.0 - phi) * ratio
    return 1.0 / (total * (1.0 - sigma))


def _slope(function: Callable[[float], float], at: float) -> float:
    """Return a derivative by central differences of sixth order, good to about 1e-12."""
    step = 0.01 * at
    differences = [function(at + k * step) - function(at - k * step) for k in (1, 2, 3)]
    return (45.0 * differences[0] - 9.0 * differences[1] + differences[2]) / (60.0 * step)
