"""Messages that do not wait for ever: Erlang-A, where who waits too long is gone."""

from __future__ import annotations

import math

from eda_sim.theory.laws import FiniteNumber
from eda_sim.theory.steady_state import SteadyState, check_count, check_positive

_NEGLIGIBLE = 1e-18
_MOST_STATES = 2_000_000


def erlang_a(
    *, arrival_rate: float, service_rate: float, servers: int, patience_rate: float
) -> SteadyState:
    """Return the steady state of M/M/c+M: messages that wait expire at an exponential time.

    Parameters
    ----------
    arrival_rate : float
        Messages per second. Any load is stable.
    service_rate : float
        Messages per second that one server can finish.
    servers : int
        At least 1.
    patience_rate : float
        1 / mean patience: a message that waits is gone after an exponential time.

    Returns
    -------
    SteadyState
        Of all messages, served or not: the wait ends with service or expiry, and the probability
        of loss is that of expiry. With the distribution of the number.

    Raises
    ------
    ValueError
        If a value is out of range, or more than two million messages would wait.

    References
    ----------
    C. Palm (1946); A. Mandelbaum, S. Zeltyn, "The Palm/Erlang-A queue, with applications to call
    centers" (2005). A birth-death process that leaves n > c at rate c mu + (n - c) theta; the rate
    of expiry is theta times the mean queue.

    Examples
    --------
    >>> queue = erlang_a(arrival_rate=48, service_rate=1, servers=50, patience_rate=0.5)
    >>> round(queue.probability_of_loss, 6), round(queue.mean_wait, 6)
    (0.030912, 0.061824)
    """
    arrivals = check_positive("arrival_rate", arrival_rate)
    rate = check_positive("service_rate", service_rate)
    count = check_count("servers", servers)
    impatience = check_positive("patience_rate", patience_rate)
    logarithms = [0.0]
    highest = 0.0
    number = 0
    while True:
        number += 1
        leaving = min(number, count) * rate + max(number - count, 0) * impatience
        logarithms.append(logarithms[-1] + math.log(arrivals / leaving))
        highest = max(highest, logarithms[-1])
        # What is left out is less than the geometric series that goes on like the last step.
        ratio = arrivals / leaving
        if number > count and ratio < 1.0:
            rest = logarithms[-1] + math.log(ratio / (1.0 - ratio))
            if rest < highest + math.log(_NEGLIGIBLE):
                break
        if number > _MOST_STATES:
            message = (
                f"patience_rate is {patience_rate}: so patient under such a load, more than "
                f"{_MOST_STATES:,} messages wait"
            )
            raise ValueError(message)
    weights = [math.exp(value - highest) for value in logarithms]
    total = math.fsum(weights)
    p = [weight / total for weight in weights]
    queue_length = math.fsum((n - count) * p[n] for n in range(count, len(p)))
    number_mean = math.fsum(n * p[n] for n in range(len(p)))
    return SteadyState(
        model=f"M/M/{count}+M",
        utilization=(number_mean - queue_length) / count,
        mean_wait=queue_length / arrivals,
        mean_sojourn=number_mean / arrivals,
        mean_queue_length=queue_length,
        mean_number=number_mean,
        probability_of_waiting=math.fsum(p[count:]),
        probability_of_loss=impatience * queue_length / arrivals,
        number_law=FiniteNumber(tuple(p)),
    )
