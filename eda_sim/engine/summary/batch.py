"""A batch of rows, seen from each consumer: which messages are its own, and what became of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from eda_sim.engine.summary.facts import Facts
from eda_sim.engine.summary.histogram import Integers
from eda_sim.engine.trace import FAILED_STATUSES, NEVER, OPEN_STATES, CopyState, Table

Mask = npt.NDArray[np.bool_]
_Values = TypeVar("_Values", Integers, Mask)

_NOTHING = np.zeros(0, dtype=np.int64)

_SPARSE = 8
"""A list of numbers with gaps larger than this on average is searched, not tabulated."""


@dataclass(frozen=True)
class AtConsumer:
    """The messages of a batch that one consumer should see, one row each, by creation.

    Attributes
    ----------
    consumer : int
        Whose they are.
    messages, copies, deliveries : array of int
        Rows of the batch.
    created, started, finished : array of int
        When each message was created, and when its first delivery with an effect began and ended
        (ns); NEVER without an effect.
    effects : array of int
        How many there are.
    is_final : array of bool
        Nothing more can happen to it here.
    """

    consumer: int
    messages: Integers
    copies: Integers
    deliveries: Integers
    created: Integers
    started: Integers
    finished: Integers
    effects: Integers
    is_final: Mask


class Batch:
    """Rows of the three tables that belong together.

    Parameters
    ----------
    messages, copies, deliveries : mapping
        Column name -> values; messages with their ``message_id``, by which they are sorted.
    facts : Facts
        Of the scenario.
    """

    def __init__(self, messages: Table, copies: Table, deliveries: Table, facts: Facts) -> None:
        self.messages, self.copies, self.deliveries = messages, copies, deliveries
        self._facts = facts
        row_of = _RowOf(messages["message_id"])
        self.message_of_copy = row_of(copies["message_id"])
        self.message_of_delivery = row_of(deliveries["message_id"])
        self._failed = np.isin(messages["status"], FAILED_STATUSES)
        self._place = np.empty(messages["message_id"].size, dtype=np.int64)

    def consumers(self) -> Iterator[AtConsumer]:
        """Yield what each consumer should see and has."""
        names = self._facts.names
        messages = _grouped(self.messages["channel"], len(names.channels))
        copies = _grouped(self.copies["consumer"], len(names.consumers))
        deliveries = _grouped(self.deliveries["consumer"], len(names.consumers))
        for consumer in range(len(names.consumers)):
            read = [messages[channel] for channel in self._facts.channels_of(consumer)]
            own = read[0] if len(read) == 1 else np.sort(np.concatenate([*read, _NOTHING]))
            if own.size or copies[consumer].size:
                yield self._at(consumer, own, copies[consumer], deliveries[consumer])

    def _at(
        self, consumer: int, own: Integers, copies: Integers, deliveries: Integers
    ) -> AtConsumer:
        of_copy = _take(self.message_of_copy, copies)
        own = self._with_moved(own, of_copy)
        size = own.size
        self._place[own] = np.arange(size)
        copy_at = self._place[of_copy]
        stored = np.bincount(copy_at, minlength=size)
        state = _take(self.copies["state"], copies)
        is_open = np.bincount(copy_at[is_open_state(state)], minlength=size)
        effective = deliveries[_take(self.deliveries["effect"], deliveries) == 1]
        effect_at = self._place[_take(self.message_of_delivery, effective)]
        effects = np.bincount(effect_at, minlength=size)
        finished = _take(self.deliveries["finished_at"], effective)
        first = _first(effect_at, effects, finished)
        none = first < 0
        started = _take(self.deliveries["started_at"], effective)
        return AtConsumer(
            consumer=consumer,
            messages=own,
            copies=copies,
            deliveries=deliveries,
            created=_take(self.messages["created_at"], own),
            started=_or_never(started, first, none),
            finished=_or_never(finished, first, none),
            effects=effects,
            is_final=(is_open == 0) & ((stored > 0) | _take(self._failed, own)),
        )

    def _with_moved(self, own: Integers, of_copy: Integers) -> Integers:
        """Add messages that were published elsewhere and moved to where the consumer reads."""
        self._place[of_copy] = -1
        self._place[own] = 0
        moved = of_copy[self._place[of_copy] < 0]
        return np.union1d(own, moved) if moved.size else own


def is_open_state(state: Integers) -> Mask:
    """Return which copies may still be handed over."""
    table = np.zeros(max(CopyState) + 1, dtype=bool)
    table[list(OPEN_STATES)] = True
    return table[state]


def _first(places: Integers, effects: Integers, finished: Integers) -> Integers:
    """Return which of a consumer's effects is the first of each message; -1 without one."""
    first = np.full(effects.size, -1, dtype=np.int64)
    first[places] = np.arange(places.size)
    if places.size > np.count_nonzero(effects):
        again = np.flatnonzero(effects[places] > 1)
        # Latest first, so that the earliest is written last and stays.
        backwards = again[np.argsort(finished[again], kind="stable")[::-1]]
        first[places[backwards]] = backwards
    return first


def _or_never(values: Integers, first: Integers, none: Mask) -> Integers:
    if values.size == 0:
        return np.full(first.size, NEVER, dtype=np.int64)
    found = values[first]
    if none.any():
        found[none] = NEVER
    return found


def _take(values: _Values, rows: Integers) -> _Values:
    """Return the values of rows that ascend; of all of them, the column itself."""
    return values if rows.size == values.size else values[rows]


def _grouped(codes: Integers, groups: int) -> list[Integers]:
    """Return the rows of each group, in their order."""
    if groups == 1:
        return [np.arange(codes.size)]
    small = codes.astype(np.int16 if groups < 1 << 15 else np.int64)
    order = np.argsort(small, kind="stable")  # 16 bits: a radix sort
    ends = np.cumsum(np.bincount(codes, minlength=groups))
    return list(np.split(order, ends[:-1]))


class _RowOf:
    """Which row holds a number, in a column that ascends."""

    def __init__(self, numbers: Integers) -> None:
        self._numbers = numbers
        self._first = int(numbers[0]) if numbers.size else 0
        span = int(numbers[-1]) + 1 - self._first if numbers.size else 0
        self._is_dense = span == numbers.size
        self._rows: Integers | None = None
        if numbers.size and not self._is_dense and span <= _SPARSE * numbers.size:
            self._rows = np.zeros(span, dtype=np.int64)
            self._rows[numbers - self._first] = np.arange(numbers.size)

    def __call__(self, numbers: Integers) -> Integers:
        if self._is_dense:
            return numbers if self._first == 0 else numbers - self._first
        if self._rows is not None:
            return self._rows[numbers - self._first]
        return np.searchsorted(self._numbers, numbers)
