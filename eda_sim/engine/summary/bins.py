"""Bins of time whose number is bounded, for runs whose length nobody knows beforehand.

There are at most 2,000 bins. Their width is 1, 2, 10, 20, 100, ... ns: the first that covers what
has happened, so that a longer run makes bins wider by adding up neighbours, exactly. The width at
the end follows from the end of the run alone, hence so does every number in the bins.

Three things are binned. What happens in [k w, (k + 1) w) is *counted* in bin k. *Levels* are known
at the edges k w, after what happens at that very moment, so what changes them in
((k - 1) w, k w] is added up at edge k. The *oldest* thing that is there is known at the edges too.
"""

from __future__ import annotations

import numpy as np

from eda_sim.engine.summary.histogram import Integers
from eda_sim.engine.trace import NEVER

BINS = 2_000
"""Bins at most."""

NOBODY = np.iinfo(np.int64).max
"""The start of the oldest thing where there is none."""


def width_for(until_ns: int) -> int:
    """Return the width of bins that cover the time from 0 to ``until_ns``.

    Examples
    --------
    >>> [width_for(until) for until in (0, 2_000, 2_001, 60 * 10**9)]
    [1, 1, 2, 100000000]
    """
    width, factor = 1, 2
    while width * BINS < until_ns:
        width, factor = width * factor, 7 - factor
    return width


class Counts:
    """How often things happened in each bin.

    Parameters
    ----------
    rows : int
        Kinds of things.
    """

    def __init__(self, rows: int) -> None:
        self.data = np.zeros((rows, BINS + 1), dtype=np.int64)

    def add(self, width: int, rows: Integers | int, times: Integers) -> None:
        """Count a thing of each row at each time (ns)."""
        _count(self.data, rows, times // width, 1)

    def coarsen(self, factor: int) -> None:
        """Join neighbours."""
        joined = np.add.reduceat(self.data, np.arange(0, BINS + 1, factor), axis=1)
        self.data[:] = 0
        self.data[:, : joined.shape[1]] = joined


class Levels:
    """How many things are there at each edge: what has come less what has gone.

    Parameters
    ----------
    rows : int
        Kinds of things.
    """

    def __init__(self, rows: int) -> None:
        self.data = np.zeros((rows, BINS + 1), dtype=np.int64)

    def add(self, width: int, sign: int, rows: Integers | int, times: Integers) -> None:
        """Let a thing of each row come (1) or go (-1) at each time (ns)."""
        _count(self.data, rows, -(-times // width), sign)

    def coarsen(self, factor: int) -> None:
        """Join neighbours; edge 0 is an edge still."""
        joined = np.add.reduceat(self.data[:, 1:], np.arange(0, BINS, factor), axis=1)
        self.data[:, 1:] = 0
        self.data[:, 1 : 1 + joined.shape[1]] = joined


def _count(data: Integers, rows: Integers | int, places: Integers, sign: int) -> None:
    if places.size == 0:
        return
    first, last = int(places.min()), int(places.max())
    if len(data) == 1:
        rows = 0
    places = places - first
    if isinstance(rows, int):
        data[rows, first : last + 1] += sign * np.bincount(places)
        return
    span = last + 1 - first
    flat = np.bincount(rows * span + places, minlength=len(data) * span)
    data[:, first : last + 1] += sign * flat.reshape(len(data), span)


class Oldest:
    """Since when the oldest thing is there, at each edge.

    Parameters
    ----------
    rows : int
        Kinds of things.
    """

    def __init__(self, rows: int) -> None:
        self.data = np.full((rows, BINS + 1), NOBODY, dtype=np.int64)
        self.staying = np.full(rows, NOBODY, dtype=np.int64)
        """Start of the oldest of those that never went."""

    def add(self, width: int, row: int, starts: Integers, ends: Integers) -> None:
        """Let things of one row be there from starts that ascend to ends; NEVER: they stay."""
        stays = ends == NEVER
        if stays.any():
            self.staying[row] = min(self.staying[row], int(starts[stays][0]))
            starts, ends = starts[~stays], ends[~stays]
        if starts.size == 0:
            return
        latest_end = np.maximum.accumulate(ends)
        first = -(-int(starts[0]) // width)
        last = -(-int(latest_end[-1]) // width) - 1  # the last edge before the last end
        edges = np.arange(first, last + 1) * width
        # The running maximum of the ends first exceeds an edge where somebody is there still.
        place = np.searchsorted(latest_end, edges, side="right")
        since = starts[place]
        here = self.data[row, first : last + 1]
        np.minimum(here, np.where(since <= edges, since, NOBODY), out=here)

    def coarsen(self, factor: int) -> None:
        """Keep every so manieth edge."""
        kept = self.data[:, ::factor].copy()
        self.data[:] = NOBODY
        self.data[:, : kept.shape[1]] = kept

    def at_edges(self, width: int, edges: int) -> Integers:
        """Return since when (ns) the oldest is there at the first edges; NEVER for nobody."""
        moments = np.arange(edges) * width
        staying = np.where(self.staying[:, None] <= moments, self.staying[:, None], NOBODY)
        found = np.minimum(self.data[:, :edges], staying)
        return np.where(found == NOBODY, NEVER, found)

    def at_end(self) -> Integers:
        """Return since when the oldest of those that never went is there; NEVER for nobody."""
        return np.where(self.staying == NOBODY, NEVER, self.staying)
