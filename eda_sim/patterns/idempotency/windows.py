"""Copies that come late: how many of them slip past a deduplication window.

The words
---------
window
    How long an id is remembered after it was let through.
refreshed
    Each copy starts the window anew, also one that was recognized. Not refreshed: the window counts
    from the copy that was let through last, at first from the first one. So do SQS FIFO queues
    (5 minutes) and JetStream (2 minutes).
slipped
    A copy that comes when its id is forgotten: it is taken for a new message.

If the copies of an id come at random moments instead (a Poisson process), what is recognized is
:func:`eda_sim.theory.remembered_share`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats
from scipy.signal import fftconvolve

from eda_sim.analysis.estimates import Estimate
from eda_sim.analysis.proportions import wilson
from eda_sim.analysis.tables import Tables
from eda_sim.patterns.idempotency.guards import DedupCache
from eda_sim.patterns.idempotency.messages import in_order, payments
from eda_sim.spec import Scenario
from eda_sim.theory import late_share
from eda_sim.theory.laws import Law

SENDER, SERVICE = "sender", "service"

_CELLS = 4096
"""Into so many pieces a window is cut to add up gaps."""


def scenario(
    *,
    messages: int,
    rate: float,
    gap: str,
    copies: int = 2,
    window: str | float | None = None,
    seed: int = 1,
) -> Scenario:
    """Return messages that come several times.

    The time from one copy to the next is drawn anew each time. In the simulation each copy waits in
    a queue that nobody serves; when its time to live there is over, it goes on to the service and
    to the next such queue.

    Parameters
    ----------
    messages : int
        Different messages.
    rate : float
        Of them, per second (Poisson).
    gap : str
        Time from one copy of a message to its next: a distribution.
    copies : int
        How often each message comes, the first time included.
    window : str or float, optional
        Deduplication window of the service inside the simulation (s without a unit), counted from
        the last copy that was let through; none without it.
    seed : int
        Of all random numbers.

    Returns
    -------
    Scenario

    Raises
    ------
    ValueError
        If there are less than two copies.

    Examples
    --------
    >>> world = scenario(messages=100, rate=10, gap="exponential(5s)", copies=3, window="8s")
    >>> world.consumers["service"].reads
    ('copy-1', 'copy-2', 'copy-3')
    """
    check_copies(copies)
    names = [f"copy-{number}" for number in range(1, copies + 1)]
    detours = {f"detour-{number}": number for number in range(1, copies)}
    return Scenario.model_validate(
        {
            "name": "late-copies",
            "seed": seed,
            "drain": True,
            "drain_timeout": "1h",
            "messages": messages,
            "producers": {SENDER: {"to": names[0], "rate": rate}},
            "channels": {
                **{name: {"message_ttl": gap} for name in names[:-1]},
                names[-1]: {},
            },
            "consumers": {
                SERVICE: {
                    "reads": names,
                    "service": "0s",
                    "dedup": None if window is None else {"window": window},
                },
                **{
                    name: {
                        "reads": names[number - 1],
                        "service": "0s",
                        "subscription": {
                            "dead_letter": names[number],
                            "dead_letter_expired": True,
                        },
                    }
                    for name, number in detours.items()
                },
            },
            "faults": [{"crash": name, "at": "0s"} for name in detours],
        }
    )


def slipped(
    tables: Tables,
    *,
    window_s: Sequence[float],
    refreshed: bool = False,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Return how many copies slip past a real dedup cache, for several windows.

    Parameters
    ----------
    tables : Tables
        Of a run of :func:`scenario` without a window: all its copies go through the cache.
    window_s : sequence of float
        Windows, in seconds.
    refreshed : bool
        How the cache counts.
    confidence : float
        Probability that an interval covers the true share.

    Returns
    -------
    DataFrame
        ``window_s``, ``value`` (share of the copies beyond the first that slip), ``low``, ``high``
        (of the mean over messages, which are independent of each other), ``stored`` (ids that the
        cache held, at most).
    """
    deliveries = payments(tables, consumer=SERVICE)
    arrived = list(in_order(deliveries))
    number = deliveries["message_id"].to_numpy()
    extra = np.bincount(number)[np.unique(number)] - 1
    rows = []
    for window in window_s:
        cache = DedupCache(window_s=window, refreshed=refreshed)
        let_through = np.bincount(number, weights=[cache.apply(each) for each in arrived])
        again = let_through[np.unique(number)] - 1
        rows.append((float(window), *_share(again, extra, confidence), cache.stored))
    return pd.DataFrame(rows, columns=["window_s", "value", "low", "high", "stored"])


def slipped_inside(tables: Tables, *, confidence: float = 0.95) -> Estimate:
    """Return the share of copies beyond the first that slip past the window inside a simulation.

    Parameters
    ----------
    tables : Tables
        Of a run of :func:`scenario` with a window.
    confidence : float
        Probability that the interval covers the true share.

    Returns
    -------
    Estimate
    """
    deliveries = tables.deliveries_of(SERVICE)
    by_message = deliveries.groupby("message_id")["effect"]
    extra = (by_message.size() - 1).to_numpy()
    return _share((by_message.sum() - 1).to_numpy(), extra, confidence)


def _share(slipped_copies: np.ndarray, extra: np.ndarray, confidence: float) -> Estimate:
    """Return the mean share; copies of one message are no independent trials, messages are."""
    total, count = int(extra.sum()), len(extra)
    found = int(slipped_copies.sum())
    if found in (0, total) or int(extra.max()) == 1:
        return wilson(found, total, confidence=confidence)
    share = found / total
    # Ratio estimator: all messages have equally many copies unless the run was cut.
    spread = float(np.std(slipped_copies - share * extra, ddof=1)) / float(extra.mean())
    margin = float(stats.norm.ppf((1 + confidence) / 2)) * spread / math.sqrt(count)
    return Estimate(share, max(0.0, share - margin), min(1.0, share + margin))


def slipped_share(*, gap: Law, window: float, copies: int = 2, refreshed: bool = False) -> float:
    """Return the share of copies beyond the first that slip: the closed form.

    Parameters
    ----------
    gap : Law
        Of the time from one copy of a message to its next, in seconds; independent each time.
    window : float
        In seconds.
    copies : int
        How often each message comes, the first time included.
    refreshed : bool
        Whether each copy starts the window anew.

    Returns
    -------
    float
        Refreshed, or with two copies: P(G > w), :func:`eda_sim.theory.late_share`. Not refreshed:
        after copy j was let through, copy k is the next one if k - j gaps are longer than w, and
        one less are not. That renews itself with each copy that slips: u(1) = 1, u(k) is the sum
        over j < k of u(j) (P(S(k - j) > w) - P(S(k - j - 1) > w)), with S(n) the sum of n gaps, and
        the share is the mean of u(2) ... u(k). Sums are those of gaps rounded to a 4096th of the
        window: right to about 1e-6 if the gap has a density.

    Raises
    ------
    ValueError
        If the window is not positive, or there are less than two copies.

    References
    ----------
    W. Feller, *An Introduction to Probability Theory and Its Applications*, volume II (1971),
    section XI.1 (renewal).

    Examples
    --------
    >>> from eda_sim.theory import exponential_law
    >>> law = exponential_law(mean=5)
    >>> round(slipped_share(gap=law, window=10), 6)
    0.135335
    >>> [round(slipped_share(gap=law, window=10, copies=5, refreshed=r), 3) for r in (False, True)]
    [0.278, 0.135]
    """
    check_copies(copies)
    first = late_share(law=gap, limit=window)
    if refreshed or copies == 2:
        return first
    longer = np.diff(_sums_longer(gap, window, copies - 1), prepend=0.0)
    through = np.ones(copies)
    for number in range(1, copies):
        through[number] = through[:number] @ longer[:number][::-1]
    return float(through[1:].mean())


def _sums_longer(gap: Law, window: float, most: int) -> np.ndarray:
    """Return P(G > w), P(G + G > w), ... up to so many gaps."""
    edges = [gap.tail(window * cell / _CELLS) for cell in range(_CELLS + 1)]
    one = -np.diff(edges)
    one[0] += 1.0 - edges[0]
    found, total = [], one
    for number in range(1, most + 1):
        # The middle of a cell stands for it, so sums lie half a cell per gap below their index.
        last = _CELLS + number // 2
        within = total[: last - number + 1].sum()
        if number % 2 == 0:  # these sums may end exactly at the window: half of them are longer
            within -= 0.5 * total[last - number]
        found.append(1.0 - float(within))
        total = fftconvolve(total, one)[:_CELLS]
    return np.array(found)


def check_copies(copies: int) -> None:
    """Raise a ValueError if a message does not come at least twice."""
    if copies < 2:
        raise ValueError(f"copies is {copies}: must be at least 2, the first one and one more")
