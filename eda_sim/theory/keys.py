"""Keys: how unequal they are, and how many different ones there are among many."""

from __future__ import annotations

import math
from collections.abc import Sequence

from eda_sim.theory.steady_state import check_count, check_not_negative, check_positive


def zipf_shares(*, keys: int, exponent: float) -> list[float]:
    """Return the share of the traffic that each key has under Zipf's law, the largest first.

    Parameters
    ----------
    keys : int
        How many there are.
    exponent : float
        0 for equal shares; about 1 in many logs.

    Returns
    -------
    list of float
        Proportional to 1 / rank**exponent; they add up to 1.

    References
    ----------
    G. K. Zipf, "Human Behavior and the Principle of Least Effort" (1949).

    Examples
    --------
    >>> round(zipf_shares(keys=1000, exponent=1)[0], 6)
    0.133592
    """
    power = check_not_negative("exponent", exponent)
    weights = [rank**-power for rank in range(1, check_count("keys", keys) + 1)]
    total = math.fsum(weights)
    return [weight / total for weight in weights]


def hottest_partition(
    *, shares: Sequence[float], partitions: Sequence[int], count: int
) -> tuple[int, float]:
    """Return the partition with the largest share of the traffic, and that share.

    Parameters
    ----------
    shares : sequence of float
        Of each key.
    partitions : sequence of int
        Where each key goes, from 0.
    count : int
        Number of partitions.

    Returns
    -------
    (int, float)
        The first of the hottest. Times the total rate over the rate that one partition can do, the
        share is the utilization; at 1 and above that partition has no steady state.

    Raises
    ------
    ValueError
        If there is not one partition per key, or one is out of range.

    Examples
    --------
    >>> hottest_partition(shares=[0.5, 0.25, 0.25], partitions=[0, 1, 1], count=2)
    (0, 0.5)
    """
    number = check_count("count", count)
    if len(shares) != len(partitions) or not shares:
        message = f"partitions has {len(partitions)} values: must have one per key, {len(shares)}"
        raise ValueError(message)
    parts: list[list[float]] = [[] for _ in range(number)]
    for share, partition in zip(shares, partitions, strict=True):
        if not 0 <= partition < number:
            message = f"partitions has {partition}: must be from 0 to {number - 1}"
            raise ValueError(message)
        parts[partition].append(check_not_negative("shares", share))
    totals = [math.fsum(part) for part in parts]
    hottest = max(range(number), key=totals.__getitem__)
    return hottest, totals[hottest]


def distinct_of_draws(*, draws: int, categories: int) -> float:
    """Return the mean number of different values among equally likely ones.

    It answers two questions: how many partitions get at least one of some keys, and how many
    records a compacted log keeps of some writes.

    Parameters
    ----------
    draws : int
        Keys that are hashed, or writes; at least 0.
    categories : int
        Partitions, or keys.

    Returns
    -------
    float
        P (1 - (1 - 1 / P)**m).

    References
    ----------
    W. Feller, "An Introduction to Probability Theory and Its Applications", volume I, 3rd ed.
    (1968), section II.5 (occupancy).

    Examples
    --------
    >>> round(distinct_of_draws(draws=100, categories=50), 6)
    43.369022
    """
    number = check_count("categories", categories)
    count = check_count("draws", draws, at_least=0)
    if number == 1:
        return float(count > 0)
    return -number * math.expm1(count * math.log1p(-1.0 / number))


def compacted_records(*, shares: Sequence[float], writes: int) -> float:
    """Return the mean number of records that a fully compacted log keeps, for unequal keys.

    Parameters
    ----------
    shares : sequence of float
        Of the writes that each key gets; they add up to 1.
    writes : int
        At least 0.

    Returns
    -------
    float
        The sum over the keys of 1 - (1 - p)**n.

    Examples
    --------
    >>> round(compacted_records(shares=[0.5, 0.5], writes=2), 6)
    1.5
    """
    count = check_count("writes", writes, at_least=0)
    checked = [check_positive("shares", share) for share in shares]
    if abs(math.fsum(checked) - 1.0) > 1e-9:
        message = f"shares add up to {math.fsum(checked):g}: must add up to 1"
        raise ValueError(message)
    return math.fsum(
        -math.expm1(count * math.log1p(-share)) if share < 1.0 else float(count > 0)
        for share in checked
    )
