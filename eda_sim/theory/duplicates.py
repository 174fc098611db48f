"""Duplicates: how they come from time-outs, what finds them, and what slips through.

Times are given as laws: see :mod:`eda_sim.theory.service_laws`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from eda_sim.theory.laws import Law
from eda_sim.theory.steady_state import check_count, check_positive


def late_share(*, law: Law, limit: float) -> float:
    """Return the probability that a time is longer than a limit.

    It answers two questions: how often a message is redelivered because its service takes longer
    than the visibility timeout, and how often a duplicate comes after the deduplication window.

    Parameters
    ----------
    law : Law
        Of the service, or of the lag of the duplicate.
    limit : float
        The timeout, or the window, in seconds.

    Returns
    -------
    float

    Examples
    --------
    >>> from eda_sim.theory import exponential_law
    >>> round(late_share(law=exponential_law(mean=5), limit=10), 6)
    0.135335
    """
    return law.tail(check_positive("limit", limit))


def deliveries_per_message(*, law: Law, timeout: float) -> float:
    """Return the mean number of deliveries if the first goes on and one more comes each timeout.

    The first delivery is worked on to its end; until then, each timeout brings one more copy.

    Parameters
    ----------
    law : Law
        Of the service.
    timeout : float
        In seconds.

    Returns
    -------
    float
        E[ceil(S / V)], the sum of P(S > j V) over j >= 0. For exponential services it is
        1 / (1 - exp(-mu V)), also if work is killed at the timeout and done again.

    Examples
    --------
    >>> from eda_sim.theory import exponential_law
    >>> round(deliveries_per_message(law=exponential_law(mean=1), timeout=3), 6)
    1.052396
    """
    limit = check_positive("timeout", timeout)
    total = 1.0  # P(S > 0)
    number = 0
    term = 1.0
    while term > 1e-17 and number < 10**7:
        number += 1
        term = law.tail(number * limit)
        total += term
    return total


def work_with_kills(*, law: Law, timeout: float) -> float:
    """Return the mean time worked on a message if work is killed at the timeout and done again.

    Each attempt takes a time of its own.

    Parameters
    ----------
    law : Law
        Of an attempt that nobody stops.
    timeout : float
        In seconds.

    Returns
    -------
    float
        In seconds, over all attempts: E[min(S, V)] / P(S <= V).

    Raises
    ------
    ValueError
        If no attempt is ever done within the timeout.

    Examples
    --------
    >>> from eda_sim.theory import lognormal_law
    >>> round(work_with_kills(law=lognormal_law(mean=2, scv=1), timeout=6), 6)
    1.962442
    """
    from scipy.integrate import quad

    limit = check_positive("timeout", timeout)
    done = 1.0 - law.tail(limit)
    if done <= 0.0:
        message = f"timeout is {timeout}: no attempt is ever done within it"
        raise ValueError(message)
    median = law.quantile(0.5)
    breaks = [median] if median < limit else None
    worked = quad(law.tail, 0.0, limit, points=breaks, epsabs=0.0, epsrel=1e-12, limit=500)[0]
    return float(worked) / done


def remembered_share(*, rates: Sequence[float], memory: float, refreshed: bool) -> float:
    """Return the share of requests that find their key remembered: a cache, or a dedup store.

    Parameters
    ----------
    rates : sequence of float
        Requests per second of each key (Poisson).
    memory : float
        How long a key is remembered, in seconds.
    refreshed : bool
        Whether each request starts the time anew, or the first one alone.

    Returns
    -------
    float
        Of all requests: 1 - exp(-r T) for each key if refreshed, r T / (1 + r T) if not.

    References
    ----------
    N. C. Fofack, P. Nain, G. Neglia, D. Towsley, "Analysis of TTL-based cache networks",
    VALUETOOLS 2012: the renewal argument for both policies.

    Examples
    --------
    >>> round(remembered_share(rates=[0.05], memory=30, refreshed=False), 6)
    0.6
    """
    keys = [check_positive("rates", rate) for rate in rates]
    time = check_positive("memory", memory)
    if not keys:
        message = "rates: must name at least one key"
        raise ValueError(message)
    hits = [
        rate * (-math.expm1(-rate * time) if refreshed else rate * time / (1.0 + rate * time))
        for rate in keys
    ]
    return math.fsum(hits) / math.fsum(keys)


def bloom_false_positives(*, bits: int, hashes: int, items: int) -> float:
    """Return the share of new items that a Bloom filter takes for old ones.

    Parameters
    ----------
    bits : int
        Size of the filter.
    hashes : int
        Bits per item.
    items : int
        That it holds.

    Returns
    -------
    float
        (1 - (1 - 1 / m)**(k n))**k, the usual approximation.

    References
    ----------
    B. H. Bloom, "Space/time trade-offs in hash coding with allowable errors", Communications of the
    ACM 13 (1970) 422-426.

    Examples
    --------
    >>> round(bloom_false_positives(bits=9585, hashes=7, items=1000), 6)
    0.010042
    """
    size = check_count("bits", bits, at_least=2)
    per_item = check_count("hashes", hashes)
    inserted = check_count("items", items, at_least=0)
    filled = -math.expm1(per_item * inserted * math.log1p(-1.0 / size))
    return float(filled**per_item)
