"""One request to several services at once: the time until all, or enough, of them answered."""

from __future__ import annotations

import math
from collections.abc import Sequence

from eda_sim.theory.steady_state import check_count, check_positive, check_share, check_stable


def harmonic(n: int) -> float:
    """Return 1 + 1/2 + ... + 1/n."""
    return math.fsum(1.0 / number for number in range(1, n + 1))


def fork_join_mean(*, arrival_rate: float, service_rate: float, branches: int = 2) -> float:
    """Return the mean response of a fork-join of M/M/1 queues: the slowest of its branches.

    Exact for one and two branches; an approximation (within about 5 %) up to 32.

    Parameters
    ----------
    arrival_rate : float
        Requests per second, each of which sends one task to every branch.
    service_rate : float
        Tasks per second that each branch can finish.
    branches : int
        1 to 32.

    Returns
    -------
    float
        In seconds.

    Raises
    ------
    UnstableQueueError
        If the arrival rate is not below the service rate.

    References
    ----------
    L. Flatto, S. Hahn, "Two parallel queues created by arrivals with two demands I", SIAM Journal
    on Applied Mathematics 44 (1984) 1041-1053: (12 - rho) / 8 / (mu - lambda) for two; R. Nelson,
    A. N. Tantawi, "Approximate analysis of fork/join synchronization in parallel queues", IEEE
    Transactions on Computers 37 (1988) 739-743, equation 3, for more.

    Examples
    --------
    >>> fork_join_mean(arrival_rate=0.5, service_rate=1)
    2.875
    """
    arrivals = check_positive("arrival_rate", arrival_rate)
    rate = check_positive("service_rate", service_rate)
    count = check_count("branches", branches)
    if count > 32:
        message = f"branches is {branches}: the approximation is known up to 32"
        raise ValueError(message)
    rho = check_stable("fork-join of M/M/1", arrivals / rate)
    alone = 1.0 / (rate - arrivals)
    if count == 1:
        return alone
    of_two = (12.0 - rho) / 8.0 * alone
    ratio = harmonic(count) / harmonic(2)
    return (ratio + 4.0 / 11.0 * (1.0 - ratio) * rho) * of_two


def slowest_of_exponentials_mean(*, rates: Sequence[float]) -> float:
    """Return the mean of the longest of independent exponential times.

    Parameters
    ----------
    rates : sequence of float
        1 / mean of each.

    Returns
    -------
    float
        In seconds: the area under P(some is longer than t). With n equal rates it is H(n) / rate.

    References
    ----------
    H. A. David, H. N. Nagaraja, "Order Statistics", 3rd ed. (2003), section 3.1.

    Examples
    --------
    >>> round(slowest_of_exponentials_mean(rates=[1, 2, 4]), 6)
    1.192857
    """
    from scipy.integrate import quad

    checked = [check_positive("rates", rate) for rate in rates]
    if not checked:
        message = "rates: must name at least one time"
        raise ValueError(message)
    if len(set(checked)) == 1:
        return harmonic(len(checked)) / checked[0]
    slow = min(checked)

    def tail(time: float) -> float:
        if time == 0.0:
            return 1.0
        at_most = math.fsum(math.log(-math.expm1(-rate / slow * time)) for rate in checked)
        return -math.expm1(at_most)

    middle = math.log(len(checked)) + 1.0
    head = quad(tail, 0.0, middle, epsabs=0.0, epsrel=1e-12, limit=200)[0]
    rest = quad(tail, middle, math.inf, epsabs=1e-14, epsrel=1e-12, limit=200)[0]
    return float(head + rest) / slow


def slowest_of_exponentials_quantile(*, rate: float, count: int, q: float) -> float:
    """Return a quantile of the longest of equal independent exponential times.

    Parameters
    ----------
    rate : float
        1 / mean of each.
    count : int
        How many there are.
    q : float
        0 <= q < 1.

    Returns
    -------
    float
        In seconds: -ln(1 - q**(1 / n)) / rate.

    References
    ----------
    J. Dean, L. A. Barroso, "The tail at scale", Communications of the ACM 56 (2013) 74-80.

    Examples
    --------
    >>> round(slowest_of_exponentials_quantile(rate=1, count=10, q=0.99), 6)
    6.903237
    """
    one = check_positive("rate", rate)
    share = check_share("q", q)
    if share == 0.0:
        return 0.0
    return -math.log(-math.expm1(math.log(share) / check_count("count", count))) / one


def quorum_of_exponentials_mean(*, rate: float, count: int, needed: int) -> float:
    """Return the mean time until so many of equal independent exponential times have passed.

    Parameters
    ----------
    rate : float
        1 / mean of each.
    count : int
        How many there are.
    needed : int
        How many must be over, at most ``count``.

    Returns
    -------
    float
        In seconds: the sum of 1 / ((n - i) rate) over i = 0 .. needed - 1.

    References
    ----------
    A. Renyi, "On the theory of order statistics" (1953), equation 1.9.

    Examples
    --------
    >>> round(quorum_of_exponentials_mean(rate=1, count=3, needed=2), 6)
    0.833333
    """
    one = check_positive("rate", rate)
    total = check_count("count", count)
    enough = check_count("needed", needed)
    if enough > total:
        message = f"needed is {needed}: must be at most count, {count}"
        raise ValueError(message)
    return math.fsum(1.0 / ((total - done) * one) for done in range(enough))
