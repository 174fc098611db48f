"""Memory that runs hand on to each other.

An operating system gives memory page by page, when it is touched, and each new page costs more than
what a run then does with it: the second run of a plan in the same memory takes a third of the time
of the first. So the array of a run that nobody looks at any more, neither a trace nor a view of
one of its columns, is kept for the next run. What stands in it is whatever the last run left there.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.int64]

MOST_KEPT = 1 << 27
"""Touched cells that are kept at most: 1 GiB, what a million simple messages take with a margin."""


class _Kept(NamedTuple):
    owner: Numbers
    touched: int


class Buffers:
    """Arrays of integers that are used again; safe for threads.

    Parameters
    ----------
    most_kept : int
        Touched cells that are kept at most; the array that was used longest ago goes first.

    Examples
    --------
    >>> buffers = Buffers(most_kept=100)
    >>> first = buffers.lend(10, touched=lambda cells: 10)
    >>> first[:] = 7
    >>> view = first[2:]
    >>> del first
    >>> buffers.kept
    0
    >>> del view
    >>> buffers.kept, buffers.lend(5, touched=lambda cells: 10).tolist()[:3]
    (1, [7, 7, 7])
    """

    def __init__(self, most_kept: int = MOST_KEPT) -> None:
        self._most_kept = most_kept
        self._kept: list[_Kept] = []
        # A finalizer may run at any allocation, so also while this very thread holds the lock.
        self._lock = threading.RLock()

    @property
    def kept(self) -> int:
        """How many arrays wait for the next run."""
        return len(self._kept)

    def lend(self, count: int, *, touched: Callable[[Numbers], int]) -> Numbers:
        """Return an array of at least so many cells, whatever stands in them.

        Parameters
        ----------
        count : int
            Least number of cells.
        touched : callable
            Array to the number of its cells, from the first, that have been written to; asked when
            the array comes back.

        Returns
        -------
        int64 array
            It comes back by itself when neither it nor any view of it is referred to.

        Raises
        ------
        MemoryError
            If the system does not promise that much.
        """
        with self._lock:
            fitting = [kept for kept in self._kept if kept.owner.size >= count]
            found = min(fitting, key=lambda kept: kept.owner.size, default=None)
            if found is not None:
                self._kept = [kept for kept in self._kept if kept is not found]
        if found is None:
            found = _Kept(np.empty(count, dtype=np.int64), 0)
        # Views refer to the array that does not own its cells, so that its end is theirs.
        lent: Numbers = np.frombuffer(found.owner.data, dtype=np.int64)
        weakref.finalize(lent, self._take_back, found, touched).atexit = False
        return lent

    def forget(self) -> None:
        """Give all that is kept back to the system."""
        with self._lock:
            self._kept = []

    def _take_back(self, lent: _Kept, touched: Callable[[Numbers], int]) -> None:
        now = _Kept(lent.owner, max(lent.touched, touched(lent.owner)))
        with self._lock:
            kept, room = [now, *self._kept], self._most_kept
            self._kept = []
            for one in kept:
                room -= one.touched
                if room < 0:
                    break
                self._kept.append(one)


BUFFERS = Buffers()
"""Those of this process."""
