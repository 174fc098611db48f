"""Availability: how often a system of parts that fail and are repaired is up."""

from __future__ import annotations

import math

from eda_sim.theory.steady_state import check_count, check_not_negative, check_positive


def chain_availability(*, availability: float, parts: int) -> float:
    """Return the availability of a chain of independent parts that must all be up.

    Parameters
    ----------
    availability : float
        Of each part, in [0, 1]. A producer that hands its message to a broker needs a chain of one
        part, the broker, however many services read the message later.
    parts : int
        At least 1.

    Returns
    -------
    float
        A**n.

    Examples
    --------
    >>> round(chain_availability(availability=0.999, parts=5), 6)
    0.99501
    """
    return _share("availability", availability) ** check_count("parts", parts)


def steady_availability(*, mean_up: float, mean_down: float) -> float:
    """Return the share of time that a part is up that fails and is repaired again and again.

    Parameters
    ----------
    mean_up, mean_down : float
        Mean time between repair and failure (MTBF) and mean time to repair (MTTR), in one unit.

    Returns
    -------
    float
        MTBF / (MTBF + MTTR), whatever the laws.

    Examples
    --------
    >>> round(steady_availability(mean_up=720, mean_down=1.5), 6)
    0.997921
    """
    up, down = check_positive("mean_up", mean_up), check_not_negative("mean_down", mean_down)
    return up / (up + down)


def availability_at(*, failure_rate: float, repair_rate: float, time: float) -> float:
    """Return the probability that a part is up at a moment, having been up at the start.

    Parameters
    ----------
    failure_rate, repair_rate : float
        1 / mean time up, 1 / mean time down; both times are exponential.
    time : float
        In the unit of the means.

    Returns
    -------
    float

    References
    ----------
    R. E. Barlow, F. Proschan, "Mathematical Theory of Reliability" (1965), section 3.2:
    mu / (l + mu) + l / (l + mu) exp(-(l + mu) t).

    Examples
    --------
    >>> round(availability_at(failure_rate=0.01, repair_rate=0.5, time=3), 6)
    0.984638
    """
    fails = check_positive("failure_rate", failure_rate)
    repairs = check_positive("repair_rate", repair_rate)
    both = fails + repairs
    return (repairs + fails * math.exp(-both * check_not_negative("time", time))) / both


def quorum_availability(*, availability: float, parts: int, needed: int) -> float:
    """Return the probability that enough of some independent parts are up.

    Parameters
    ----------
    availability : float
        Of each part, in [0, 1].
    parts : int
        At least 1.
    needed : int
        1 to ``parts``.

    Returns
    -------
    float
        The upper tail of the binomial distribution.

    Examples
    --------
    >>> round(quorum_availability(availability=0.99, parts=3, needed=2), 6)
    0.999702
    """
    up = _share("availability", availability)
    count, enough = _quorum(parts, needed)
    return math.fsum(
        math.comb(count, number) * up**number * (1.0 - up) ** (count - number)
        for number in range(enough, count + 1)
    )


def quorum_time_to_failure(
    *, failure_rate: float, repair_rate: float, parts: int, needed: int, crews: int = 1
) -> float:
    """Return the mean time from all parts up until fewer than needed are.

    Parameters
    ----------
    failure_rate, repair_rate : float
        Of each part that is up, of each crew that has work; times are exponential.
    parts, needed : int
        As in :func:`quorum_availability`.
    crews : int
        Parts that can be repaired at the same time.

    Returns
    -------
    float
        In the unit of 1 / the rates.

    References
    ----------
    Barlow & Proschan (1965), section 5.2: first passage of a birth-death process. With two of three
    and one crew it is (5 l + mu) / (6 l**2).

    Examples
    --------
    >>> round(quorum_time_to_failure(failure_rate=0.001, repair_rate=0.1, parts=3, needed=2), 6)
    17500.0
    """
    fails = check_positive("failure_rate", failure_rate)
    repairs = check_not_negative("repair_rate", repair_rate)
    count, enough = _quorum(parts, needed)
    team = check_count("crews", crews)
    step = total = 0.0  # step: mean time from so many down to one more
    for down in range(count - enough + 1):
        failing = (count - down) * fails
        step = (1.0 + min(down, team) * repairs * step) / failing
        total += step
    return total


def _share(name: str, value: float) -> float:
    if not 0.0 <= value <= 1.0:
        message = f"{name} is {value}: must be at least 0 and at most 1"
        raise ValueError(message)
    return float(value)


def _quorum(parts: int, needed: int) -> tuple[int, int]:
    count, enough = check_count("parts", parts), check_count("needed", needed)
    if enough > count:
        message = f"needed is {needed}: must be at most parts, {parts}"
        raise ValueError(message)
    return count, enough
