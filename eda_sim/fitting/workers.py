"""Workers: how many there were, and how long a message took to one that was free.

The words
---------
busy
    Handling a message: between ``started`` and ``finished``.
free way
    From the creation of a message to its start, where a worker was free at both: what delivery
    takes without a queue.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from eda_sim.fitting.logs import Log

Values = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

RARE = 0.001
"""A share of waiting messages below which the number of workers was hardly put to the test."""
_PAUSE = 0.005
"""Share of the mean service that a pause between messages may have before it is worth a remark."""
_RELATED = 0.1


@dataclass(frozen=True)
class Workers:
    """What a log says of those who handled it.

    Attributes
    ----------
    log : Log
        The log.
    most_busy : int
        Messages in hand at once, at most.
    instances, concurrency : int
        Processes, and workers in each: as the log names them, or ``most_busy`` and 1.
    """

    log: Log
    most_busy: int
    instances: int
    concurrency: int

    @property
    def number(self) -> int:
        """Workers in all."""
        return self.instances * self.concurrency

    @cached_property
    def busy_at_creation(self) -> Counts:
        """Workers that were busy when a message was created."""
        return _busy(self.log, self.log.created, before=False)

    @cached_property
    def busy_before_start(self) -> Counts:
        """Workers that were busy, those that finish at that moment too, before it was started."""
        return _busy(self.log, self.log.started, before=True)

    @cached_property
    def found_one_free(self) -> npt.NDArray[np.bool_]:
        """Whether a message found a worker free, when it was created and when it was started."""
        return (self.busy_at_creation < self.number) & (self.busy_before_start < self.number)

    @property
    def free_ways(self) -> Values:
        """Seconds from creation to start of the messages that found a worker free."""
        log = self.log
        return (log.started - log.created)[self.found_one_free]

    @property
    def waiting(self) -> float:
        """Share of the messages that found all workers busy."""
        return float(1 - self.found_one_free.mean())

    @property
    def utilization(self) -> float:
        """Share of the workers' time in which they were busy."""
        span = float(self.log.finished.max() - self.log.created.min())
        return float(self.log.service.sum()) / (self.number * span) if span > 0 else 0.0

    @property
    def table(self) -> pd.DataFrame:
        """One row: ``workers``, ``most_busy``, ``instances``, ``concurrency``, ``waiting``, ..."""
        row = {
            "workers": self.number,
            "most_busy": self.most_busy,
            "instances": self.instances,
            "concurrency": self.concurrency,
            "waiting": self.waiting,
            "utilization": self.utilization,
        }
        return pd.DataFrame([row])

    def remarks(self) -> list[str]:
        """Say what the scenario will not have, or cannot know."""
        said = []
        if self.waiting < RARE:
            said.append(
                f"hardly a message found all {self.number} workers busy: there may have been more"
            )
        pause = self._pause()
        mean = float(self.log.service.mean())
        if mean > 0 and pause > _PAUSE * mean:
            said.append(
                f"workers pause {pause:.3g} s between a message and the next one that waits "
                f"({pause / mean:.1%} of a service); the scenario leaves that out"
            )
        related = self._slower_when_busy()
        if abs(related) > _RELATED:
            word = "longer" if related > 0 else "shorter"
            said.append(
                f"services take {word} while more workers are busy (rank correlation "
                f"{related:.2f}); the scenario's do not"
            )
        return said

    def _pause(self) -> float:
        """Return the median time from the latest end to the start of a message that waited."""
        waited = self.busy_at_creation >= self.number
        if not waited.any():
            return 0.0
        ends = np.sort(self.log.finished)
        starts = self.log.started[waited]
        latest = ends[np.maximum(np.searchsorted(ends, starts, side="right") - 1, 0)]
        return float(np.median(np.maximum(starts - latest, 0.0)))

    def _slower_when_busy(self) -> float:
        busy = self.busy_before_start
        if self.number == 1 or np.ptp(busy) == 0 or np.ptp(self.log.service) == 0:
            return 0.0
        return float(stats.spearmanr(busy, self.log.service).statistic)


def find_workers(log: Log) -> Workers:
    """Count the workers of a log by the messages that were in hand at once.

    Parameters
    ----------
    log : Log
        The log; if it names instances, the workers of each are counted.

    Returns
    -------
    Workers

    Examples
    --------
    >>> from eda_sim.fitting.logs import read_log
    >>> moments = np.arange(10.0)
    >>> frame = pd.DataFrame({"created": moments, "started": moments, "finished": moments + 1.5})
    >>> find_workers(read_log(frame)).most_busy
    2
    """
    most_busy = _most_at_once(log.started, log.finished)
    if log.instance is None:
        return Workers(log, most_busy, most_busy, 1)
    names = np.unique(log.instance)
    each = [
        _most_at_once(log.started[log.instance == name], log.finished[log.instance == name])
        for name in names
    ]
    return Workers(log, most_busy, len(names), max(each))


def _most_at_once(started: Values, finished: Values) -> int:
    """Return how many intervals overlap at most; one that ends as another begins does not."""
    moments = np.concatenate([finished, started])
    steps = np.concatenate([-np.ones(finished.size), np.ones(started.size)])
    # Ends come first at equal moments, but not before the start of an interval without length.
    order = np.argsort(moments, kind="stable")
    return max(int(np.cumsum(steps[order]).max()), 1)


def _busy(log: Log, moments: Values, *, before: bool) -> Counts:
    begun = np.searchsorted(np.sort(log.started), moments, side="left")
    ended = np.searchsorted(np.sort(log.finished), moments, side="left" if before else "right")
    return np.asarray(np.maximum(begun - ended, 0), dtype=np.int64)
