"""Draws: random times and numbers by address, fetched in blocks.

A draw is a pure function of its address, so fetching a block ahead changes nothing but the speed:
one call into the compiled samplers serves a thousand consecutive events.
"""

from __future__ import annotations

import numpy as np

from eda_sim.engine.streams import samplers
from eda_sim.engine.streams.addresses import Stream
from eda_sim.engine.streams.samplers import DistributionTable

Blocks = dict[tuple[int, int], list[int]]
"""Values of consecutive events, by entity and number of the block."""

_BLOCK = 1024
_BLOCKS_HELD = 64


class Draws:
    """Values of one distribution for one purpose.

    Parameters
    ----------
    table : DistributionTable
        All distributions of the plan.
    row : int
        The row of this one.
    seed, replication : int
        Key of the run.
    stream : Stream
        What the values are for.
    """

    def __init__(
        self, table: DistributionTable, row: int, seed: int, replication: int, stream: Stream
    ) -> None:
        self._table = table
        self._row = row
        self._key = (seed, replication, int(stream))
        self._blocks: Blocks = {}
        self._whole_blocks: Blocks = {}
        self.constant_ns: int | None = None
        self.constant_count: int | None = None
        if table.kind[row] == samplers.Kind.CONSTANT:
            self.constant_ns = self.single_ns(0, 0, 1)
            self.constant_count = int(self.value(0, 0) + 0.5)

    @property
    def run_key(self) -> tuple[int, int]:
        """Return seed and replication."""
        return self._key[:2]

    def ns(self, entity: int, event: int, attempt: int = 1) -> int:
        """Return the time for an event of an entity, in ns."""
        if self.constant_ns is not None:
            return self.constant_ns
        if attempt != 1:
            return self.single_ns(entity, event, attempt)
        block, place = divmod(event, _BLOCK)
        held = self._blocks.get((entity, block))
        if held is None:
            held = self._fetch(entity, block)
        return held[place]

    def value(self, entity: int, event: int, attempt: int = 1) -> float:
        """Return the value for an event of an entity as it is, in the distribution's own unit."""
        return float(samplers.sample(self._table, self._row, *self._key, entity, event, attempt))

    def single_ns(self, entity: int, event: int, attempt: int) -> int:
        """Return the same as :meth:`ns` for an address whose neighbours nobody will ask for."""
        return int(samplers.sample_ns(self._table, self._row, *self._key, entity, event, attempt))

    def count(self, entity: int, event: int) -> int:
        """Return the value for an event of an entity, rounded to a whole number."""
        if self.constant_count is not None:
            return self.constant_count
        block, place = divmod(event, _BLOCK)
        held = self._whole_blocks.get((entity, block))
        if held is None:
            held = self._fetch_whole(entity, block)
        return held[place]

    def _fetch(self, entity: int, block: int) -> list[int]:
        out = np.empty(_BLOCK, np.int64)
        samplers.fill_ns(out, self._table, self._row, *self._key, entity, block * _BLOCK, 1)
        return _hold(self._blocks, (entity, block), out.tolist())

    def _fetch_whole(self, entity: int, block: int) -> list[int]:
        out = np.empty(_BLOCK, np.float64)
        samplers.fill(out, self._table, self._row, *self._key, entity, block * _BLOCK, 1)
        whole = np.floor(out + 0.5).astype(np.int64)
        return _hold(self._whole_blocks, (entity, block), whole.tolist())


def _hold(blocks: Blocks, key: tuple[int, int], block: list[int]) -> list[int]:
    """Keep a block, and let go of the oldest one when there are too many."""
    if len(blocks) == _BLOCKS_HELD:
        del blocks[next(iter(blocks))]
    blocks[key] = block
    return block
