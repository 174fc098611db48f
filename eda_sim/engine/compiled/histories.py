"""Histories: what a consumer's earlier failures with a message mean for its next attempt."""

from __future__ import annotations

from eda_sim.engine.compiled import cells as c
from eda_sim.engine.compiled.lists import NOTHING
from eda_sim.engine.compiled.pointers import Ints, jit
from eda_sim.engine.compiled.rows import new_row


@jit
def new_history(m: Ints, entry: int, first_started_at: int, earlier: int, tried: int) -> int:
    """Give a copy a history: deliveries of earlier copies, and attempts that a policy counts."""
    history = new_row(m, c.HISTORY_ROWS)
    m[c.HISTORY_FIRST_STARTED_AT + history] = first_started_at
    m[c.HISTORY_EARLIER + history] = earlier
    m[c.HISTORY_TRIED + history] = tried
    m[c.HISTORY_PREVIOUS_DELAY_NS + history] = 0
    m[c.ENTRY_HISTORY + entry] = history
    return history


@jit
def history_of(m: Ints, delivery: int) -> int:
    """Return the history of a delivery that failed; the first failure begins it."""
    entry = m[c.DELIVERY_ENTRY + delivery]
    history = m[c.ENTRY_HISTORY + entry]
    if history == NOTHING:
        return new_history(m, entry, m[c.DELIVERY_STARTED_AT + delivery], 0, 0)
    return history


@jit
def earlier(m: Ints, entry: int) -> int:
    """Return how many deliveries earlier copies had: draws go on where those ended."""
    history = m[c.ENTRY_HISTORY + entry]
    return 0 if history == NOTHING else m[c.HISTORY_EARLIER + history]
