"""Stretches of time in which copies wait for a worker, as analysis counts them from full tables.

A delivery waits from when its copy became available until a worker took it up. If a crash cut off
the attempt before it, it waits from that moment on. A copy that was never handed over waits from
its storing on; one that came back from its last delivery waits from then on.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from eda_sim.engine.summary.batch import AtConsumer, Batch, is_open_state
from eda_sim.engine.summary.histogram import Integers
from eda_sim.engine.trace import NEVER, Outcome

_FAR = np.iinfo(np.int64).max


def waiting_of(batch: Batch, here: AtConsumer) -> tuple[Integers, Integers]:
    """Return starts and ends (ns; NEVER: it waits still) of all waiting at one consumer.

    Parameters
    ----------
    batch : Batch
        The rows.
    here : AtConsumer
        Which of them are meant.
    """
    copies, deliveries = batch.copies, batch.deliveries
    rows = _by_copy(deliveries["copy_id"][here.deliveries], here.deliveries, batch)
    lost_at = deliveries["finished_at"][rows].copy()
    lost_at[deliveries["outcome"][rows] != Outcome.CRASHED] = NEVER
    copy_id = deliveries["copy_id"][rows]
    starts = _cut_short(deliveries["available_at"][rows], lost_at, copy_id)
    ends = deliveries["started_at"][rows].copy()
    in_vain = np.flatnonzero(ends == NEVER)
    if in_vain.size:
        ends[in_vain] = _first_end(batch, rows[in_vain])
    parts = [(starts, ends)]
    fresh = here.copies[copies["deliveries"][here.copies] == 0]
    if fresh.size:
        parts.append((copies["stored_at"][fresh], copies["settled_at"][fresh]))
    still_open = here.copies[is_open_state(copies["state"][here.copies])]
    if still_open.size and rows.size:
        back_at = np.where(lost_at == NEVER, deliveries["available_again_at"][rows], lost_at)
        is_last = np.ones(rows.size, dtype=bool)
        is_last[:-1] = copy_id[1:] != copy_id[:-1]
        is_last &= (back_at != NEVER) & np.isin(copy_id, copies["copy_id"][still_open])
        parts.append((back_at[is_last], np.full(int(is_last.sum()), NEVER)))
    starts = np.concatenate([part[0] for part in parts])
    ends = np.concatenate([part[1] for part in parts])
    begun = starts != NEVER
    return (starts, ends) if begun.all() else (starts[begun], ends[begun])


def _by_copy(copy_id: Integers, rows: Integers, batch: Batch) -> Integers:
    """Return deliveries by copy, then attempt."""
    if bool((np.diff(copy_id) > 0).all()):
        return rows
    order = np.lexsort((batch.deliveries["attempt"][rows], copy_id))
    return rows[order]


def _cut_short(available: Integers, lost_at: Integers, copy_id: Integers) -> Integers:
    """Return when each attempt began to wait: when the one before it was lost, if that is first."""
    after_loss: npt.NDArray[np.bool_] = np.zeros(available.size, dtype=bool)
    after_loss[1:] = (lost_at[:-1] != NEVER) & (copy_id[1:] == copy_id[:-1])
    places = np.flatnonzero(after_loss)
    if places.size:
        available = available.copy()
        there = available[places] != NEVER
        places = places[there]
        available[places] = np.minimum(available[places], lost_at[places - 1])
    return available


def _first_end(batch: Batch, rows: Integers) -> Integers:
    """Return the first of what ended deliveries that no worker took up; NEVER without any."""
    ends = np.full(rows.size, _FAR)
    for name in ("finished_at", "settled_at", "available_again_at"):
        moment = batch.deliveries[name][rows]
        ends = np.minimum(ends, np.where(moment == NEVER, _FAR, moment))
    return np.where(ends == _FAR, NEVER, ends)
