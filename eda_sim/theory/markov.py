"""Queues with exponential times: M/M/1, M/M/c, M/M/c/K, M^[X]/M/1, and Erlang's two formulas."""

from __future__ import annotations

import math
from collections.abc import Mapping

from eda_sim.theory.laws import (
    BirthDeathNumber,
    ErlangMixtureWait,
    ExponentialWait,
    ExponentialWaitAndService,
    FiniteNumber,
    GeometricNumber,
)
from eda_sim.theory.steady_state import (
    SteadyState,
    check_count,
    check_not_negative,
    check_positive,
    check_stable,
    from_mean_wait,
)


def erlang_b(*, offered_load: float, servers: int) -> float:
    """Return the probability that an arrival finds all servers busy and is lost (M/G/c/c).

    Parameters
    ----------
    offered_load : float
        Arrival rate times mean service time, at least 0. The law of the service does not matter.
    servers : int
        At least 1.

    Returns
    -------
    float
        Probability of blocking.

    References
    ----------
    A. K. Erlang (1917); Gross & Harris, section 2.6. By the recursion
    B(c) = a B(c - 1) / (c + a B(c - 1)) from B(0) = 1, with a the offered load.

    Examples
    --------
    >>> round(erlang_b(offered_load=12, servers=15), 6)
    0.085729
    """
    load = check_not_negative("offered_load", offered_load)
    blocking = 1.0
    for busy in range(1, check_count("servers", servers) + 1):
        blocking = load * blocking / (busy + load * blocking)
    return blocking


def erlang_c(*, offered_load: float, servers: int) -> float:
    """Return the probability that an arrival must wait (M/M/c).

    Parameters
    ----------
    offered_load : float
        Arrival rate times mean service time, at least 0 and below the number of servers.
    servers : int
        At least 1.

    Returns
    -------
    float
        Probability of waiting.

    Raises
    ------
    UnstableQueueError
        If the offered load is not below the number of servers.

    References
    ----------
    A. K. Erlang (1917); Gross & Harris, section 2.3. By way of Erlang B:
    C = B / (1 - rho (1 - B)).

    Examples
    --------
    >>> round(erlang_c(offered_load=1.8, servers=2), 6)
    0.852632
    """
    blocking = erlang_b(offered_load=offered_load, servers=servers)
    rho = check_stable(f"M/M/{servers}", offered_load / servers)
    return blocking / (1.0 - rho * (1.0 - blocking))


def mm1(*, arrival_rate: float, service_rate: float) -> SteadyState:
    """Return the steady state of M/M/1: Poisson arrivals, exponential service, one server.

    Parameters
    ----------
    arrival_rate, service_rate : float
        Messages per second.

    Returns
    -------
    SteadyState
        With the distributions of wait, sojourn and number.

    Raises
    ------
    UnstableQueueError
        If the arrival rate is not below the service rate.

    References
    ----------
    Kleinrock, section 3.2; Gross & Harris, section 2.2. P(N = n) = (1 - rho) rho**n;
    P(wait > t) = rho exp(-(mu - lambda) t); the sojourn is exponential with rate mu - lambda.

    Examples
    --------
    >>> queue = mm1(arrival_rate=90, service_rate=100)
    >>> round(queue.mean_sojourn, 9), round(queue.sojourn_quantile(0.99), 6)
    (0.1, 0.460517)
    """
    arrivals = check_positive("arrival_rate", arrival_rate)
    capacity = check_positive("service_rate", service_rate)
    rho = check_stable("M/M/1", arrivals / capacity)
    spare = capacity - arrivals
    return from_mean_wait(
        model="M/M/1",
        arrival_rate=arrivals,
        mean_service=1.0 / capacity,
        utilization=rho,
        mean_wait=rho / spare,
        probability_of_waiting=rho,
        variance_of_wait=rho * (2.0 - rho) / spare**2,
        wait_law=ExponentialWait(rho, spare),
        sojourn_law=ExponentialWait(1.0, spare),
        number_law=GeometricNumber(rho),
    )


def mmc(*, arrival_rate: float, service_rate: float, servers: int) -> SteadyState:
    """Return the steady state of M/M/c: like M/M/1 with several servers and one queue.

    Parameters
    ----------
    arrival_rate : float
        Messages per second.
    service_rate : float
        Messages per second that one server can finish.
    servers : int
        At least 1.

    Returns
    -------
    SteadyState
        With the distributions of wait, sojourn and number.

    Raises
    ------
    UnstableQueueError
        If the arrival rate is not below the service rate of all servers together.

    References
    ----------
    Gross & Harris, section 2.3. P(wait > t) = C exp(-(c mu - lambda) t), with C of
    :func:`erlang_c`; the sojourn is the wait and an independent service time.

    Examples
    --------
    >>> queue = mmc(arrival_rate=90, service_rate=30, servers=4)
    >>> round(queue.probability_of_waiting, 6), round(queue.mean_wait, 6)
    (0.509434, 0.016981)
    """
    arrivals = check_positive("arrival_rate", arrival_rate)
    rate = check_positive("service_rate", service_rate)
    count = check_count("servers", servers)
    load = arrivals / rate
    rho = check_stable(f"M/M/{count}", load / count)
    waiting = erlang_c(offered_load=load, servers=count)
    spare = count * rate - arrivals
    wait = ExponentialWait(waiting, spare)
    # P(N = c) = P(wait) (1 - rho), and below c each is (n + 1) / load of the next.
    probabilities = [waiting * (1.0 - rho)]
    for number in range(count, 0, -1):
        probabilities.append(probabilities[-1] * number / load)
    return from_mean_wait(
        model=f"M/M/{count}",
        arrival_rate=arrivals,
        mean_service=1.0 / rate,
        utilization=rho,
        mean_wait=waiting / spare,
        probability_of_waiting=waiting,
        variance_of_wait=waiting * (2.0 - waiting) / spare**2,
        wait_law=wait,
        sojourn_law=ExponentialWaitAndService(wait, rate),
        number_law=BirthDeathNumber(tuple(reversed(probabilities)), rho),
    )


def mmck(*, arrival_rate: float, service_rate: float, servers: int, capacity: int) -> SteadyState:
    """Return the steady state of M/M/c/K: like M/M/c, but arrivals that find K others are lost.

    Parameters
    ----------
    arrival_rate : float
        Messages per second that arrive, lost ones included. Any load is stable.
    service_rate : float
        Messages per second that one server can finish.
    servers : int
        At least 1.
    capacity : int
        Places in all, those in service included: at least the number of servers.

    Returns
    -------
    SteadyState
        Of accepted messages, with the distributions of wait and number.

    References
    ----------
    Gross & Harris, section 2.5. Who finds n >= c others waits for n - c + 1 departures, which
    come at rate c mu; accepted messages find n with probability p[n] / (1 - p[K]).

    Examples
    --------
    >>> queue = mmck(arrival_rate=3, service_rate=2, servers=2, capacity=5)
    >>> round(queue.probability_of_loss, 6), round(queue.mean_wait, 6)
    (0.085114, 0.230858)
    """
    arrivals = check_positive("arrival_rate", arrival_rate)
    rate = check_positive("service_rate", service_rate)
    count = check_count("servers", servers)
    places = check_count("capacity", capacity, at_least=count)
    # Logarithms, because a bounded queue may be overloaded as much as one likes.
    logarithms = [0.0]
    for number in range(1, places + 1):
        logarithms.append(logarithms[-1] + math.log(arrivals / (rate * min(number, count))))
    highest = max(logarithms)
    weights = [math.exp(value - highest) for value in logarithms]
    total = math.fsum(weights)
    p = [weight / total for weight in weights]
    accepted_share = math.fsum(p[:-1])
    accepted_rate = arrivals * accepted_share
    found = [value / accepted_share for value in p[:-1]]  # by an accepted message
    queue_length = math.fsum((n - count) * p[n] for n in range(count, places + 1))
    number_mean = math.fsum(n * p[n] for n in range(places + 1))
    mean_wait = queue_length / accepted_rate
    departures = enumerate(found[count:], start=1)
    mean_square = math.fsum(w * k * (k + 1) for k, w in departures) / (count * rate) ** 2
    return SteadyState(
        model=f"M/M/{count}/{places}",
        utilization=accepted_rate / (count * rate),
        mean_wait=mean_wait,
        mean_sojourn=number_mean / accepted_rate,
        mean_queue_length=queue_length,
        mean_number=number_mean,
        probability_of_waiting=math.fsum(found[count:]),
        probability_of_loss=p[-1],
        variance_of_wait=mean_square - mean_wait**2,
        wait_law=ErlangMixtureWait(tuple(found[count:]), count * rate),
        number_law=FiniteNumber(tuple(p)),
    )


def mxm1(
    *, batch_rate: float, service_rate: float, batch_sizes: Mapping[int, float]
) -> SteadyState:
    """Return the steady state of M^[X]/M/1: messages arrive in batches.

    Parameters
    ----------
    batch_rate : float
        Batches per second.
    service_rate : float
        Messages per second that the server can finish, one at a time.
    batch_sizes : mapping from int to float
        Probability of each size of a batch; they add up to 1.

    Returns
    -------
    SteadyState
        Means per message.

    Raises
    ------
    UnstableQueueError
        If the messages of the batches are not fewer than the server can finish.
    ValueError
        If the probabilities do not add up to 1.

    References
    ----------
    Gross & Harris, section 3.1: L = batch_rate (E[X] + E[X**2]) / (2 mu (1 - rho)).

    Examples
    --------
    >>> round(mxm1(batch_rate=0.2, service_rate=1, batch_sizes={4: 1.0}).mean_sojourn, 6)
    12.5
    """
    batches = check_positive("batch_rate", batch_rate)
    rate = check_positive("service_rate", service_rate)
    for size, probability in batch_sizes.items():
        check_count("batch size", size)
        check_not_negative("probability of a batch size", probability)
    if abs(math.fsum(batch_sizes.values()) - 1.0) > 1e-9:
        message = "batch_sizes: the probabilities must add up to 1"
        raise ValueError(message)
    mean_size = math.fsum(size * p for size, p in batch_sizes.items())
    mean_square = math.fsum(size**2 * p for size, p in batch_sizes.items())
    arrivals = batches * mean_size
    rho = check_stable("M^[X]/M/1", arrivals / rate)
    number = batches * (mean_size + mean_square) / (2.0 * rate * (1.0 - rho))
    return from_mean_wait(
        model="M^[X]/M/1",
        arrival_rate=arrivals,
        mean_service=1.0 / rate,
        utilization=rho,
        mean_wait=number / arrivals - 1.0 / rate,
        # Only the first of a batch that finds the server idle does not wait.
        probability_of_waiting=1.0 - (1.0 - rho) / mean_size,
    )
