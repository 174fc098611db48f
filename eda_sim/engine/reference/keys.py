"""Keys: which customer, order or device a message is about."""

from __future__ import annotations

import numpy as np

from eda_sim.engine.plan import KeyKind, Plan
from eda_sim.engine.streams.addresses import Stream
from eda_sim.engine.streams.keys import fill_keys, uniform_cumulative

_BLOCK = 1024


class Keys:
    """The keys of one producer, fetched in blocks."""

    def __init__(self, plan: Plan, producer: int) -> None:
        row = plan.producers.rows
        self._address = (
            plan.run.seed,
            plan.run.replication,
            int(Stream.KEY),
            int(row.address[producer]),
        )
        self._count = int(row.key_count[producer])
        self._cumulative = uniform_cumulative()
        if row.key_kind[producer] == KeyKind.ZIPF:
            first = int(row.key_start[producer])
            self._cumulative = plan.producers.key_cumulative[first : first + self._count]
        self._numbers: list[int] = []
        if row.key_kind[producer] == KeyKind.TRACE:
            first = int(row.key_start[producer])
            self._numbers = plan.producers.key_numbers[first : first + self._count].tolist()
        self._block = -1
        self._keys: list[int] = []

    def key(self, sequence: int) -> int:
        """Return the key number of the producer's message ``sequence``, from 0."""
        if self._numbers:
            return self._numbers[sequence % self._count]
        block, place = divmod(sequence, _BLOCK)
        if block != self._block:
            out = np.empty(_BLOCK, np.int64)
            fill_keys(out, self._cumulative, self._count, *self._address, block * _BLOCK)
            self._block, self._keys = block, out.tolist()
        return self._keys[place]
