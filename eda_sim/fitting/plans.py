"""Plans: a rate that is constant for a while, then another.

Where the rate changes is found exactly, among the edges of up to 1,000 windows with equally many
arrivals: the cut with the greatest Poisson likelihood less a penalty for each change, by dynamic
programming [1]_. The penalty is that of Zhang and Siegmund's criterion, 1.5 log n a change, as the
place of a change costs more than a parameter does [2]_.

References
----------
.. [1] B. Jackson et al., "An algorithm for optimal partitioning of data on an interval", IEEE
   Signal Processing Letters 12 (2005) 105-108.
.. [2] N. R. Zhang, D. O. Siegmund, "A modified Bayes information criterion with applications to the
   analysis of comparative genomic hybridization data", Biometrics 63 (2007) 22-32.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]

MOST_WINDOWS = 1_000
LEAST_IN_WINDOW = 5


class Plan(NamedTuple):
    """Rates and how long each holds.

    Attributes
    ----------
    durations : array
        Seconds.
    counts : array
        Arrivals in each; the rate is their quotient.
    """

    durations: Values
    counts: Values

    @property
    def rates(self) -> Values:
        """Arrivals per second in each segment."""
        return self.counts / self.durations

    @property
    def log_likelihood(self) -> float:
        """Of the arrivals, given the plan."""
        rates = self.rates
        return float(np.sum(self.counts * np.log(np.where(rates > 0, rates, 1.0)) - self.counts))

    @property
    def parameters(self) -> int:
        """Free numbers: a rate for each segment, and where it changes."""
        return 2 * len(self.counts) - 1


def most_likely_plan(times: Values) -> Plan:
    """Cut a stream of arrivals where its rate changes.

    Parameters
    ----------
    times : array
        Sorted, in seconds; the first is where the time that is looked at begins, and not counted.

    Returns
    -------
    Plan

    Examples
    --------
    >>> slow, fast = np.arange(0, 100, 1.0), np.arange(100, 150, 0.1)
    >>> plan = most_likely_plan(np.concatenate([slow, fast]))
    >>> plan.rates.round(1).tolist(), plan.durations.round().tolist()
    ([1.0, 10.0], [100.0, 50.0])
    """
    edges, counts = _windows(times)
    penalty = 1.5 * math.log(times.size)
    total = np.concatenate([[0.0], np.cumsum(counts)])
    # least[k]: the least cost of the first k windows; before[k]: where its last segment begins.
    least = np.full(edges.size, np.inf)
    before = np.zeros(edges.size, dtype=np.int64)
    least[0] = -penalty
    for end in range(1, edges.size):
        number, length = total[end] - total[:end], edges[end] - edges[:end]
        with np.errstate(divide="ignore", invalid="ignore"):
            cost = np.where(number > 0, -number * (np.log(number / length) - 1), 0.0)
        whole = least[:end] + cost + penalty
        before[end] = int(np.argmin(whole))
        least[end] = whole[before[end]]
    cuts = [edges.size - 1]
    while cuts[-1] > 0:
        cuts.append(int(before[cuts[-1]]))
    cuts.reverse()
    return Plan(np.diff(edges[cuts]), np.diff(total[cuts]))


def _windows(times: Values) -> tuple[Values, Values]:
    """Return edges (arrival times, so that none lies within a gap) and the counts between them."""
    number = int(min(MOST_WINDOWS, max(1, (times.size - 1) // LEAST_IN_WINDOW)))
    at = np.unique(np.linspace(0, times.size - 1, number + 1).round().astype(np.int64))
    edges, first = np.unique(times[at], return_index=True)
    counts = np.diff(at[first].astype(np.float64))
    counts[-1] += at[-1] - at[first[-1]]  # arrivals at the same moment as the last edge
    return edges, counts
