"""Step functions: how many things are there at each moment.

A thing that is there from a start to an end adds one to the count in between. Starts and ends alone
decide the whole function, whichever belongs to which, and that is the heart of Little's law: the
area under the count is the sum of the times that the things were there.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


def step_function(starts: Values, ends: Values) -> tuple[Values, Counts]:
    """Return the moments at which the count changes, and the count from each of them on.

    Parameters
    ----------
    starts, ends : array of float
        Seconds; an end of NaN never comes, a start of NaN leaves the thing out.

    Returns
    -------
    times, counts
        Times ascend, each occurs once, and the count differs from the one before it.

    Examples
    --------
    >>> times, counts = step_function(np.array([0.0, 1.0]), np.array([2.0, np.nan]))
    >>> times.tolist(), counts.tolist()
    ([0.0, 1.0, 2.0], [1, 2, 1])
    """
    there = ~np.isnan(starts)
    ends = ends[there]
    arrivals, departures = np.sort(starts[there]), np.sort(ends[~np.isnan(ends)])
    times = np.unique(np.concatenate([arrivals, departures]))
    counts = count_at(times, arrivals, departures)
    changed = np.diff(counts, prepend=0) != 0
    return times[changed], counts[changed]


def count_at(times: Values, arrivals: Values, departures: Values) -> Counts:
    """Return the count right after each of ``times``, from *sorted* arrivals and departures."""
    came = np.searchsorted(arrivals, times, side="right")
    went = np.searchsorted(departures, times, side="right")
    return (came - went).astype(np.int64)


def area(times: Values, counts: Counts, start: float, end: float) -> float:
    """Return the area under a step function between two moments: things times seconds."""
    if end <= start:
        return 0.0
    inside = (times > start) & (times < end)
    edges = np.concatenate([[start], times[inside], [end]])
    levels = level_at(times, counts, edges[:-1])
    return float(np.dot(np.diff(edges), levels))


def level_at(times: Values, counts: Counts, moments: Values) -> Counts:
    """Return the value of a step function at each of ``moments`` (0 before its first step)."""
    place = np.searchsorted(times, moments, side="right") - 1
    if times.size == 0:
        return np.zeros(np.shape(moments), dtype=np.int64)
    return np.where(place < 0, 0, counts[np.maximum(place, 0)])


def clipped(starts: Values, ends: Values, start: float, end: float) -> Values:
    """Return how long each interval lasts within [start, end]; an end of NaN reaches to the end."""
    last = np.where(np.isnan(ends), end, np.minimum(ends, end))
    lengths: Values = np.maximum(last - np.maximum(starts, start), 0.0)
    return np.where(np.isnan(starts), 0.0, lengths)


def covered(starts: Values, ends: Values, edges: Values) -> Values:
    """Return how long all intervals together last within each window between two edges.

    Parameters
    ----------
    starts, ends : array of float
        Seconds; an end of NaN never comes, a start of NaN leaves the interval out.
    edges : array of float
        Ascending seconds.

    Examples
    --------
    >>> covered(np.array([0.0, 1.0]), np.array([2.0, np.nan]), np.array([0.0, 1.5, 4.0])).tolist()
    [2.0, 3.0]
    """
    there = ~np.isnan(starts)
    over = ends[there]
    spent: Values = _since(starts[there], edges) - _since(over[~np.isnan(over)], edges)
    return np.diff(spent)


def _since(moments: Values, edges: Values) -> Values:
    """Return, for each edge, how long ago the moments before it were, added up."""
    ordered = np.sort(moments)
    passed = np.searchsorted(ordered, edges, side="right")
    ago: Values = passed * edges - np.append(0.0, np.cumsum(ordered))[passed]
    return ago


def oldest_open_since(times: Values, starts: Values, ends: Values) -> Values:
    """Return, for each of ``times``, the earliest start of what has started but not ended.

    NaN where nothing is open. With the starts sorted, the running maximum of the ends first exceeds
    a moment at exactly the first interval that is still open then: O(n log n), no loop.

    Parameters
    ----------
    times : array of float
        Seconds, in any order.
    starts, ends : array of float
        Seconds; an end of NaN never comes.
    """
    order = np.argsort(starts, kind="stable")
    begun = starts[order]
    latest_end = np.maximum.accumulate(np.where(np.isnan(ends), np.inf, ends)[order])
    place = np.searchsorted(latest_end, times, side="right")
    oldest = np.append(begun, np.inf)[place]
    return np.where(oldest <= times, oldest, np.nan)
