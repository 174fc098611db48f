"""How far a view is behind what it shows: projections fed by a queue, and replicas with a lag."""

from __future__ import annotations

import math

from eda_sim.theory.fan_out import harmonic
from eda_sim.theory.markov import mm1
from eda_sim.theory.steady_state import check_count, check_not_negative, check_positive


def key_staleness(*, load: float, key_load: float) -> float:
    """Return the probability that a key has events that a projection has not applied yet.

    The projection is fed by an M/M/1 queue; somebody reads one key at a random moment.

    Parameters
    ----------
    load : float
        Of the projection by the events of all keys, below 1.
    key_load : float
        Of the projection by the events of this key, at most ``load``.

    Returns
    -------
    float
        r / (1 - rho + r): each of the geometric number of waiting events is of this key with
        probability r / rho.

    Raises
    ------
    UnstableQueueError
        If the load is not below 1.

    Examples
    --------
    >>> round(key_staleness(load=0.8, key_load=0.1), 6)
    0.333333
    """
    rho = mm1(arrival_rate=load, service_rate=1.0).utilization
    own = check_positive("key_load", key_load)
    if own > rho:
        message = f"key_load is {key_load}: must be at most load, {load}"
        raise ValueError(message)
    return own / (1.0 - rho + own)


def age_of_oldest_mean(*, arrival_rate: float, service_rate: float) -> float:
    """Return the mean age of the oldest event that a projection lacks; 0 if it lacks none.

    Parameters
    ----------
    arrival_rate : float
        Events per second (Poisson).
    service_rate : float
        Events per second that the projection can apply (exponential times).

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
    H. Sakasegawa, R. W. Wolff, "The equality of the virtual delay and attained waiting time
    distributions", Advances in Applied Probability 22 (1990) 257-259: the age is distributed like
    the work that waits.

    Examples
    --------
    >>> round(age_of_oldest_mean(arrival_rate=0.8, service_rate=1), 6)
    4.0
    """
    return mm1(arrival_rate=arrival_rate, service_rate=service_rate).mean_wait


def age_of_oldest_tail(*, arrival_rate: float, service_rate: float, time: float) -> float:
    """Return the probability that the oldest unapplied event is older than a time.

    Parameters
    ----------
    arrival_rate, service_rate
        As in :func:`age_of_oldest_mean`.
    time : float
        In seconds.

    Returns
    -------
    float
        rho exp(-(mu - lambda) t).

    Examples
    --------
    >>> round(age_of_oldest_tail(arrival_rate=0.8, service_rate=1, time=5), 6)
    0.294304
    """
    queue = mm1(arrival_rate=arrival_rate, service_rate=service_rate)
    return queue.wait_tail(check_not_negative("time", time))


def versions_behind_tail(*, load: float, versions: int) -> float:
    """Return the probability that a projection is more than so many events behind.

    Parameters
    ----------
    load : float
        Of the M/M/1 queue that feeds it, below 1.
    versions : int
        At least 0.

    Returns
    -------
    float
        rho**(versions + 1).

    Raises
    ------
    UnstableQueueError
        If the load is not below 1.

    Examples
    --------
    >>> round(versions_behind_tail(load=0.8, versions=3), 6)
    0.4096
    """
    rho = mm1(arrival_rate=load, service_rate=1.0).utilization
    return float(rho ** (check_count("versions", versions, at_least=0) + 1))


def some_replica_stale(*, lag_rate: float, replicas: int, time: float) -> float:
    """Return the probability that some asynchronous replica lacks a write some time after it.

    Parameters
    ----------
    lag_rate : float
        1 / mean lag of each replica; lags are exponential and independent.
    replicas : int
        At least 1.
    time : float
        In seconds after the write.

    Returns
    -------
    float
        1 - (1 - exp(-eta t))**n.

    Examples
    --------
    >>> round(some_replica_stale(lag_rate=0.5, replicas=3, time=4), 6)
    0.353538
    """
    rate, count = check_positive("lag_rate", lag_rate), check_count("replicas", replicas)
    elapsed = check_not_negative("time", time)
    if elapsed == 0.0:
        return 1.0
    return -math.expm1(count * math.log(-math.expm1(-rate * elapsed)))


def inconsistency_window(*, lag_rate: float, replicas: int) -> float:
    """Return the mean time from a write until the last replica has it.

    Parameters
    ----------
    lag_rate, replicas
        As in :func:`some_replica_stale`.

    Returns
    -------
    float
        In seconds: H(n) / eta.

    Examples
    --------
    >>> round(inconsistency_window(lag_rate=0.5, replicas=3), 6)
    3.666667
    """
    return harmonic(check_count("replicas", replicas)) / check_positive("lag_rate", lag_rate)
