"""Queues with constant service time: M/D/1, M/D/c and E_k/D/c, exact."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from eda_sim.theory.laws import ConstantServiceNumber, ConstantServiceWait, Shifted
from eda_sim.theory.steady_state import (
    SteadyState,
    check_count,
    check_positive,
    check_stable,
    from_mean_wait,
)

_HEAD = 2000  # terms that are added one by one
_TERM_SMALLEST = 1e-22
_PANELS, _NODES = 40, 20  # of the integral over the rest


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
    """Return the sums over n of P(S_n > 0) / n, E[S_n+] / n and E[S_n+**2] / n.

    S_n = n - G_n is in service times, with G_n the sum of n * stages exponential times of rate
    ``load``. Near rho = 1 there are millions of terms, so from some n on the sum is the integral
    with the first two corrections of Euler and Maclaurin; the next one is below 1e-12.
    """
    head = _spitzer_terms(np.arange(1.0, _HEAD), stages, load).sum(axis=1)
    if _spitzer_terms(np.array([_HEAD]), stages, load)[0, 0] < _TERM_SMALLEST:
        return float(head[0]), float(head[1]), float(head[2])
    last = 2.0 * _HEAD
    while _spitzer_terms(np.array([last]), stages, load)[0, 0] > _TERM_SMALLEST:
        last *= 2.0
    around = _spitzer_terms(_HEAD + np.array([-1.0, 0.0, 1.0]), stages, load)
    corrections = around[:, 1] / 2.0 - (around[:, 2] - around[:, 0]) / 24.0
    # Gauss's rule on panels of equal width in log(n), over which a term changes smoothly.
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    edges = np.linspace(math.log(_HEAD), math.log(last), _PANELS + 1)
    half = (edges[1] - edges[0]) / 2.0
    n = np.exp((edges[:-1, np.newaxis] + half * (1.0 + nodes)).ravel())
    tail = _spitzer_terms(n, stages, load) @ (n * np.tile(half * weights, _PANELS))
    sums = head + corrections + tail
    return float(sums[0]), float(sums[1]), float(sums[2])


def _spitzer_terms(n: npt.NDArray[np.float64], stages: int, load: float) -> npt.NDArray[np.float64]:
    """Return the three terms at each n.

    With P the probability of G_n < n, a regularized lower incomplete gamma function of n stages,
    d = x**a exp(-x) / a! at a = n stages and x = n load, and m = E[G_n], integration by parts gives
    E[S_n+] = m d - (m - n) P and E[S_n+**2] = ((m - n)**2 + m / load) P - m (m - n + 1 / load) d.
    The moments as differences of three incomplete gamma functions would lose half of the digits.
    """
    from scipy.special import gammaln

    a, mean = n * stages, n * stages / load
    gap = n * ((stages - load) / load)
    # d by Stirling's series, so that nothing of the size of a is subtracted
    excess = (load - stages) / stages
    exponent = excess - math.log1p(excess)
    series = 1.0 / 12.0 - (1.0 / 360.0 - (1.0 / 1260.0 - 1.0 / (1680.0 * a**2)) / a**2) / a**2
    stirling = -a * exponent - 0.5 * np.log(2.0 * np.pi * a) - series / a
    small = a * np.log(n * load) - n * load - gammaln(a + 1.0)
    density = np.exp(np.where(a > 30.0, stirling, small))
    below = _lower_gamma(a, n * load, exponent)
    first = mean * density - gap * below
    second = (gap**2 + mean / load) * below - mean * (gap + 1.0 / load) * density
    return np.array([below, first, second]) / n


def _lower_gamma(
    a: npt.NDArray[np.float64], x: npt.NDArray[np.float64], exponent: float
) -> npt.NDArray[np.float64]:
    """Return the regularized lower incomplete gamma function for x < a, also far out for large a.

    SciPy ends its series after 2,000 terms, which is too early from 4.5 standard deviations on if a
    is large. There it is the uniform expansion of N. M. Temme, "The asymptotic expansion of the
    incomplete gamma functions", SIAM Journal on Mathematical Analysis 10 (1979) 757-766; with
    ``exponent`` = x / a - 1 - log(x / a), the same for all elements.
    """
    from scipy.special import erfc, gammainc

    eta = -math.sqrt(2.0 * exponent)
    c_0 = -1 / 3 + eta * (1 / 12 - eta * (2 / 135 - eta * (1 / 864 + eta / 2835)))
    c_1 = -1 / 540 - eta * (1 / 288 - eta * 25 / 12096)
    far = 0.5 * erfc(-eta * np.sqrt(a / 2.0))
    far -= np.exp(-a * exponent) / np.sqrt(2.0 * np.pi * a) * (c_0 + c_1 / a)
    return np.where((a > 1e4) & (a * exponent > 8.0), far, gammainc(a, x))
