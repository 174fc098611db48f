"""Messages that were overtaken, counted without keeping them all.

A message is overtaken at a consumer if one that its source created later, in the same channel and
with the same key (its *line*), took effect there before it. Rows come in any order, so a row has to
be kept as long as one that is still to come could overtake it, or be overtaken by it. Whoever hands
rows over knows which messages those are, the *live* ones:

- what overtakes: between two neighbouring live messages of a line, the earliest effect is enough;
- what may be overtaken: only where a later live message of the line was created before the effect.

So what is kept is bounded by the live messages and the queues that they saw, not by the run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eda_sim.engine.summary.histogram import Integers

_AFTER_ALL = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Lines:
    """Messages with a key: what says who may overtake whom.

    Attributes
    ----------
    place : array of int
        Source and channel in one number.
    key, message_id : array of int
        As in the table of messages.
    time : array of int
        When it took effect; or, of a live message, when it was created (ns).
    """

    place: Integers
    key: Integers
    message_id: Integers
    time: Integers

    def chosen(self, which: npt.NDArray[np.bool_] | Integers) -> Lines:
        """Return some of the messages."""
        return Lines(*(column[which] for column in self._columns()))

    def followed_by(self, other: Lines) -> Lines:
        """Return these messages and others."""
        pairs = zip(self._columns(), other._columns(), strict=True)
        return Lines(*(np.concatenate(pair) for pair in pairs))

    def _columns(self) -> tuple[Integers, ...]:
        return self.place, self.key, self.message_id, self.time


def lines_of(messages: Mapping[str, Integers], times: Integers, channels: int) -> Lines:
    """Return the messages that have a key.

    Parameters
    ----------
    messages : mapping
        Columns ``source``, ``channel``, ``key`` and ``message_id``.
    times : array of int
        What :class:`Lines` says.
    channels : int
        Number of channels.
    """
    keyed = messages["key"] >= 0
    place = messages["source"] * channels + messages["channel"]
    every = Lines(place, messages["key"], messages["message_id"], times)
    return every if keyed.all() else every.chosen(keyed)


class Overtaking:
    """The messages that were overtaken at one consumer."""

    def __init__(self) -> None:
        self.count = 0
        self._kept = _NONE
        self._counted = _NOTHING.astype(bool)

    @property
    def kept(self) -> int:
        """How many messages are kept."""
        return int(self._kept.time.size)

    def add(self, effects: Lines, live: Lines | None) -> None:
        """Take messages and their first effects; forget what the live ones do not ask for.

        Parameters
        ----------
        effects : Lines
            Messages that took effect here.
        live : Lines or None
            Every message created so far that may still come, with the time of its creation; None
            if nobody knows, then all is kept.
        """
        if effects.time.size == 0 and (live is None or self._kept.time.size == 0):
            return
        every = self._kept.followed_by(effects)
        counted = np.concatenate([self._counted, np.zeros(effects.time.size, dtype=bool)])
        is_live = np.zeros(every.time.size, dtype=bool)
        if live is not None:
            every = every.followed_by(live)
            more = np.ones(live.time.size, dtype=bool)
            counted = np.concatenate([counted, more])
            is_live = np.concatenate([is_live, more])
        order = _in_lines(every)
        every, counted, is_live = every.chosen(order), counted[order], is_live[order]
        begins = np.ones(every.time.size, dtype=bool)
        begins[1:] = (np.diff(every.place) != 0) | (np.diff(every.key) != 0)
        line = np.cumsum(begins) - 1
        late = _overtaken(line, every.time, is_live) & ~counted
        self.count += int(late.sum())
        counted |= late
        keep = ~is_live
        if live is not None:
            keep &= _asked_for(line, every, counted, is_live)
        self._kept, self._counted = every.chosen(keep), counted[keep]

    def forget(self, live: Lines) -> None:
        """Forget what the live messages do not ask for."""
        self.add(_NONE, live)


_NOTHING = np.zeros(0, dtype=np.int64)
_NONE = Lines(_NOTHING, _NOTHING, _NOTHING, _NOTHING)


def _in_lines(every: Lines) -> Integers:
    """Return the order by line, then creation."""
    by_id = np.argsort(every.message_id, kind="stable")
    span = int(every.key.max(initial=0)) + 1
    line = every.place * span + every.key  # keys are numbers of a finite list
    small = np.uint16 if int(line.max(initial=0)) < 1 << 16 else np.int64
    order: Integers = by_id[np.argsort(line[by_id].astype(small), kind="stable")]
    return order


def _overtaken(
    line: Integers, time: Integers, is_live: npt.NDArray[np.bool_]
) -> npt.NDArray[np.bool_]:
    """Return which rows have a later row of their line with an earlier effect."""
    late = np.zeros(time.size, dtype=bool)
    there = np.flatnonzero(~is_live)
    line, time = line[there], time[there]
    backwards = (np.diff(line) == 0) & (np.diff(time) < 0)
    if not backwards.any():
        return late
    touched = np.isin(line, np.unique(line[1:][backwards]))
    there, line, time = there[touched], line[touched], time[touched]
    _, rank = np.unique(time, return_inverse=True)
    # Lines from last to first, each lower than the one after it: one running minimum for all.
    value = (rank + line * (rank.size + 1))[::-1]
    earliest = np.minimum.accumulate(value)[::-1]
    late[there[:-1]] = value[::-1][:-1] > earliest[1:]
    return late


def _asked_for(
    line: Integers, every: Lines, counted: npt.NDArray[np.bool_], is_live: npt.NDArray[np.bool_]
) -> npt.NDArray[np.bool_]:
    """Return which rows a live message may still overtake, or be overtaken by."""
    size = line.size
    before = np.cumsum(is_live)  # live rows up to here; of its line, those since the line began
    firsts = np.searchsorted(line, np.arange(int(line[-1]) + 1 if size else 0))
    at_start = (before - is_live)[firsts][line] if size else before
    has_live_before = before > at_start
    # The earliest effect of each stretch between two live rows of a line.
    there = np.flatnonzero(~is_live & has_live_before)
    stretch = before[there] + line[there] * (size + 1)
    order = np.lexsort((every.time[there], stretch))
    first = np.ones(order.size, dtype=bool)
    first[1:] = np.diff(stretch[order]) != 0
    keep = np.zeros(size, dtype=bool)
    keep[there[order[first]]] = True
    # The next live row of the same line was created before the effect.
    lives = np.flatnonzero(is_live)
    following = np.searchsorted(lives, np.arange(size))
    has_next = following < lives.size
    after = lives[following[has_next]]
    created = np.full(size, _AFTER_ALL)
    created[has_next] = np.where(line[after] == line[has_next], every.time[after], _AFTER_ALL)
    return keep | (~counted & (created < every.time))
