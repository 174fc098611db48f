"""Queues with constant service time: M/D/1, M/D/c and E_k/D/c, exact."""

from __future__ import annotations

import math

from eda_sim.theory.laws import ConstantServiceNumber, ConstantServiceWait, Shifted
from eda_sim.theory.steady_state import (
    SteadyState,
    check_count,
    check_positive,
    check_stable,
    from_mean_wait,
)

_TERMS_MAXIMUM = 10_000_000
_TERM_SMALLEST = 1e-18


def md1(*, arrival_rate: float, service_time: float) -> SteadyState:
    """Return the steady state of M/D/1: Poisson arrivals, constant service time, one server.

    Parameters
    ----------
    arrival_rate : float
        Messages per second.
    service_time : float
        In seconds.

    Returns
    -------
    SteadyState
        With the distributions of wait, sojourn and number (exact, to about 1e-13 in probability).

    Raises
    ------
    UnstableQueueError
        If the arrival rate is not below 1 / service_time.

    References
    ----------
    A. K. Erlang (1909), C. D. Crommelin (1932); the distributions in the form of Franx (2001), see
    ``eda_sim.theory.laws.ConstantServiceWait``.

    Examples
    --------
    >>> queue = md1(arrival_rate=0.8, service_time=1)
    >>> round(queue.mean_wait, 9), round(queue.wait_tail(3), 6)
    (2.0, 0.2379)
    """
    arrivals = check_positive("arrival_rate", arrival_rate)
    service = check_positive("service_time", service_time)
    rho = check_stable("M/D/1", arrivals * service)
    mean_wait = rho * service / (2.0 * (1.0 - rho))
    wait = ConstantServiceWait(rho, service)
    return from_mean_wait(
        model="M/D/1",
        arrival_rate=arrivals,
        mean_service=service,
        utilization=rho,
        mean_wait=mean_wait,
        probability_of_waiting=rho,
        variance_of_wait=rho * service**2 / (3.0 * (1.0 - rho)) + mean_wait**2,
        wait_law=wait,
        sojourn_law=Shifted(wait, service),
        number_law=ConstantServiceNumber(rho),
    )


def mdc(
    *, arrival_rate: float, service_time: float, servers: int, arrival_stages: int = 1
) -> SteadyState:
    """Return the steady state of M/D/c, or of E_k/D/c: constant service time, several servers.

    Parameters
    ----------
    arrival_rate : float
        Messages per second.
    service_time : float
        In seconds.
    servers : int
        At least 1.
    arrival_stages : int
        Stages k of the Erlang intervals between arrivals; 1 for Poisson arrivals.

    Returns
    -------
    SteadyState
        Mean and variance of the wait, and the probability of waiting, exact.

    Raises
    ------
    UnstableQueueError
        If the arrival rate is not below servers / service_time.

    References
    ----------
    Constant service keeps the order, so each server takes every c-th message, and E_k/D/c waits
    like E_kc/D/1 (V. B. Iversen, "Decomposition of an M/D/rk queue with FIFO into k E_k/D/r
    queues", Operations Research Letters 2 (1983) 20-21). Its wait is the maximum of a random walk;
    F. Spitzer, "A combinatorial lemma and its application to probability theory", Transactions of
    the AMS 82 (1956) 323-339: the j-th cumulant is the sum over n of E[max(0, S_n)**j] / n.

    Examples
    --------
    >>> round(mdc(arrival_rate=9, service_time=1, servers=10).mean_wait, 6)
    0.344582
    """
    arrivals = check_positive("arrival_rate", arrival_rate)
    service = check_positive("service_time", service_time)
    count = check_count("servers", servers)
    stages = check_count("arrival_stages", arrival_stages)
    name = "M" if stages == 1 else f"E{stages}"
    rho = check_stable(f"{name}/D/{count}", arrivals * service / count)
    no_wait, mean, variance = _spitzer(stages * count, stages * arrivals * service)
    return from_mean_wait(
        model=f"{name}/D/{count}",
        arrival_rate=arrivals,
        mean_service=service,
        utilization=rho,
        mean_wait=mean * service,
        probability_of_waiting=-math.expm1(-no_wait),
        variance_of_wait=variance * service**2,
    )


def _spitzer(stages: int, load: float) -> tuple[float, float, float]:
    """Return sums over n of P(S_n > 0) / n, E[S_n+] / n and E[S_n+**2] / n.

    S_n = n - G_n is in service times, with G_n the sum of n * stages exponential times of rate
    ``load``. With P(a) the regularized lower incomplete gamma function P(a, n load), the partial
    moments of G_n are E[G_n; G_n < n] = (a / load) P(a + 1), and so on.
    """
    from scipy.special import gammainc

    no_wait = mean = square = 0.0
    for n in range(1, _TERMS_MAXIMUM):
        a, x = float(n * stages), n * load
        below_0 = float(gammainc(a, x))
        below_1, below_2 = float(gammainc(a + 1, x)), float(gammainc(a + 2, x))
        first = n * below_0 - (a / load) * below_1
        second = n * n * below_0 - 2 * n * (a / load) * below_1
        second += a * (a + 1) / load**2 * below_2
        no_wait += below_0 / n
        mean += first / n
        square += second / n
        if n * n * below_0 < _TERM_SMALLEST * min(1.0, square):
            break
    return no_wait, mean, square
