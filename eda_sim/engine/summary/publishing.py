"""How publishing went, per source and channel."""

from __future__ import annotations

import numpy as np

from eda_sim.engine.summary.facts import Facts
from eda_sim.engine.summary.histogram import Histogram
from eda_sim.engine.summary.result import Published
from eda_sim.engine.trace import NEVER, MessageStatus, Table


class Publishing:
    """Counts the messages that sources published after the warm-up.

    Parameters
    ----------
    facts : Facts
        Of the scenario.
    """

    def __init__(self, facts: Facts) -> None:
        self._channels = len(facts.names.channels)
        self._begin = facts.warmup_ns
        pairs = len(facts.names.sources) * self._channels
        self._statuses = np.zeros((pairs, len(MessageStatus)), dtype=np.int64)
        self._extra = np.zeros(pairs, dtype=np.int64)
        self._took: dict[int, Histogram] = {}

    def add(self, messages: Table) -> None:
        """Count messages."""
        after = np.flatnonzero(messages["created_at"] >= self._begin)
        pair = messages["source"][after] * self._channels + messages["channel"][after]
        statuses = len(MessageStatus)
        cells = pair * statuses + messages["status"][after]
        counted = np.bincount(cells, minlength=self._statuses.size)
        self._statuses += counted.reshape(self._statuses.shape)
        several = messages["copies"][after] > 1
        np.add.at(self._extra, pair[several], messages["copies"][after][several] - 1)
        confirmed = messages["confirmed_at"][after]
        took = confirmed - messages["created_at"][after]
        took[confirmed == NEVER] = NEVER
        for each in np.flatnonzero(counted.reshape(-1, statuses).any(axis=1)).tolist():
            own = took[(pair == each) & (took >= 0)]
            self._took.setdefault(each, Histogram()).add(own)

    def result(self) -> tuple[Published, ...]:
        """Return what was counted, by source, then channel."""
        return tuple(
            Published(
                source=pair // self._channels,
                channel=pair % self._channels,
                statuses=tuple(self._statuses[pair].tolist()),
                extra_copies=int(self._extra[pair]),
                took=self._took[pair],
            )
            for pair in sorted(self._took)
        )
