"""Time spent: the lengths of intervals between the warm-up and the end of a run, added up exactly.

The end of a run is known last, so intervals that have not ended are counted with their starts, and
get their lengths when everybody knows how long they lasted.
"""

from __future__ import annotations

import numpy as np

from eda_sim.engine.summary.histogram import Integers, sums_by
from eda_sim.engine.trace import NEVER


class Areas:
    """Lengths of intervals, added up per row.

    Parameters
    ----------
    rows : int
        Kinds of intervals.
    begin_ns : int
        What lies before does not count.
    """

    def __init__(self, rows: int, begin_ns: int) -> None:
        self._begin = begin_ns
        self._closed = [0] * rows
        self._open_starts = [0] * rows
        self._open = [0] * rows

    def add(self, rows: Integers, starts: Integers, ends: Integers) -> None:
        """Add intervals; an end that is NEVER has not come."""
        size, starts = len(self._closed), np.maximum(starts, self._begin)
        stays = ends == NEVER
        if stays.any():
            started = sums_by(rows[stays], starts[stays], size)
            self._open_starts = _sum_of(self._open_starts, started)
            self._open = _sum_of(self._open, np.bincount(rows[stays], minlength=size).tolist())
            rows, starts, ends = rows[~stays], starts[~stays], ends[~stays]
        if rows.size:
            lengths = np.maximum(ends - starts, 0)
            self._closed = _sum_of(self._closed, sums_by(rows, lengths, size))

    def until(self, end_ns: int) -> list[int]:
        """Return the time spent per row (ns); nothing ended after ``end_ns``."""
        if end_ns <= self._begin:
            return [0] * len(self._closed)
        return [
            closed + count * end_ns - starts
            for closed, count, starts in zip(
                self._closed, self._open, self._open_starts, strict=True
            )
        ]


def _sum_of(left: list[int], right: list[int]) -> list[int]:
    return [one + other for one, other in zip(left, right, strict=True)]
