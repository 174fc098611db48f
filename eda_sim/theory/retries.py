"""Work that fails and is tried again: by a queue, by an orbit of callers, with delays between."""

from __future__ import annotations

import math

from eda_sim.theory.steady_state import (
    SteadyState,
    check_count,
    check_not_negative,
    check_positive,
    check_share,
    check_stable,
)


def mm1_with_retries(
    *,
    arrival_rate: float,
    service_rate: float,
    failure_probability: float,
    most_attempts: int | None = None,
) -> SteadyState:
    """Return the steady state of M/M/1 whose failures go back to the end of the queue.

    Parameters
    ----------
    arrival_rate : float
        New messages per second.
    service_rate : float
        Attempts per second that the server can finish.
    failure_probability : float
        Of an attempt, in [0, 1).
    most_attempts : int, optional
        After so many failures a message is given up (dead-lettered); without it, never.

    Returns
    -------
    SteadyState
        Per message, from arrival to success or to being given up, all of its attempts included: the
        wait is the time in the queue, the probability of loss is that of being given up.

    Raises
    ------
    UnstableQueueError
        If there are more attempts than the server can finish.

    References
    ----------
    L. Takacs, "A single-server queue with feedback", Bell System Technical Journal 42 (1963)
    505-519; with a limit, F. P. Kelly, "Networks of queues with customers of different types",
    Journal of Applied Probability 12 (1975) 542-554: the number is geometric as in M/M/1, with
    rho = lambda (1 - p**m) / ((1 - p) mu).

    Examples
    --------
    >>> round(
    ...     mm1_with_retries(
    ...         arrival_rate=0.5, service_rate=1, failure_probability=0.3, most_attempts=3
    ...     ).mean_sojourn,
    ...     6,
    ... )
    4.557377
    """
    arrivals = check_positive("arrival_rate", arrival_rate)
    rate = check_positive("service_rate", service_rate)
    failing = check_share("failure_probability", failure_probability)
    given_up = 0.0
    if most_attempts is not None:
        given_up = failing ** check_count("most_attempts", most_attempts)
    attempts = (1.0 - given_up) / (1.0 - failing)
    rho = check_stable("M/M/1 with retries", arrivals * attempts / rate)
    number = rho / (1.0 - rho)
    return SteadyState(
        model="M/M/1 with retries",
        utilization=rho,
        mean_wait=(number - rho) / arrivals,
        mean_sojourn=number / arrivals,
        mean_queue_length=number - rho,
        mean_number=number,
        probability_of_loss=given_up,
    )


def mm1_retrial(*, arrival_rate: float, service_rate: float, retry_rate: float) -> SteadyState:
    """Return the steady state of the M/M/1 retrial queue: who finds the server busy calls again.

    There is no queue. Each message that found the server busy tries again after exponential times,
    on its own, until it finds the server free (it is "in orbit").

    Parameters
    ----------
    arrival_rate, service_rate : float
        Messages per second.
    retry_rate : float
        Tries per second of each message in orbit.

    Returns
    -------
    SteadyState
        ``mean_queue_length`` is the mean number in orbit, and the wait is the time there.

    Raises
    ------
    UnstableQueueError
        If the arrival rate is not below the service rate.

    References
    ----------
    G. I. Falin, J. G. C. Templeton, "Retrial Queues" (1997), section 1.2: the mean number in orbit
    is rho (lambda + rho theta) / ((1 - rho) theta).

    Examples
    --------
    >>> round(mm1_retrial(arrival_rate=0.7, service_rate=1, retry_rate=0.5).mean_queue_length, 6)
    4.9
    """
    arrivals = check_positive("arrival_rate", arrival_rate)
    rate = check_positive("service_rate", service_rate)
    retries = check_positive("retry_rate", retry_rate)
    rho = check_stable("M/M/1 retrial", arrivals / rate)
    orbit = rho * (arrivals + rho * retries) / ((1.0 - rho) * retries)
    return SteadyState(
        model="M/M/1 retrial",
        utilization=rho,
        mean_wait=orbit / arrivals,
        mean_sojourn=orbit / arrivals + 1.0 / rate,
        mean_queue_length=orbit,
        mean_number=orbit + rho,
        probability_of_waiting=rho,
    )


def backoff_total(*, base: float, factor: float, retries: int) -> float:
    """Return the delay of so many retries with exponential backoff, together.

    Parameters
    ----------
    base : float
        Delay before the first retry, in seconds.
    factor : float
        Each delay over the one before it.
    retries : int
        At least 0.

    Returns
    -------
    float
        In seconds: the geometric sum base (1 + factor + factor**2 + ...).

    Examples
    --------
    >>> round(backoff_total(base=0.1, factor=2, retries=6), 6)
    6.3
    """
    first, growth = check_positive("base", base), check_positive("factor", factor)
    count = check_count("retries", retries, at_least=0)
    return math.fsum(first * growth**number for number in range(count))


def backoff_expected(
    *, base: float, factor: float, failure_probability: float, most_attempts: int
) -> float:
    """Return the mean delay that exponential backoff adds to a message.

    Parameters
    ----------
    base : float
        Delay before the first retry, in seconds.
    factor : float
        Each delay over the one before it.
    failure_probability : float
        Of each attempt, in [0, 1).
    most_attempts : int
        The last attempt is followed by no delay.

    Returns
    -------
    float
        In seconds: the sum over the retries of P(all attempts before it failed) and its delay.

    Examples
    --------
    >>> round(backoff_expected(base=0.1, factor=2, failure_probability=0.3, most_attempts=5), 6)
    0.06528
    """
    first, growth = check_positive("base", base), check_positive("factor", factor)
    failing = check_share("failure_probability", failure_probability)
    attempts = check_count("most_attempts", most_attempts)
    return math.fsum(
        failing ** (number + 1) * first * growth**number for number in range(attempts - 1)
    )


def executions_per_message(*, loss_probability: float) -> float:
    """Return how often a message is worked on if its acknowledgement may be lost.

    Parameters
    ----------
    loss_probability : float
        Of each acknowledgement, in [0, 1).

    Returns
    -------
    float
        Mean of the geometric number of executions up to the first that is heard of: 1 / (1 - q).

    Examples
    --------
    >>> round(executions_per_message(loss_probability=0.05), 6)
    1.052632
    """
    return 1.0 / (1.0 - check_share("loss_probability", loss_probability))


def success_probability(*, availability: float, tries: int) -> float:
    """Return the probability that one of several independent tries succeeds.

    Parameters
    ----------
    availability : float
        Probability that one try succeeds, in [0, 1].
    tries : int
        At least 1.

    Returns
    -------
    float
        1 - (1 - A)**tries.

    Examples
    --------
    >>> round(success_probability(availability=0.98, tries=3), 9)
    0.999992
    """
    one = check_not_negative("availability", availability)
    if one > 1.0:
        message = f"availability is {availability}: must be at least 0 and at most 1"
        raise ValueError(message)
    return 1.0 - (1.0 - one) ** check_count("tries", tries)
