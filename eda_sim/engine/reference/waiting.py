"""Waiting lines: in which order a queue hands over what is available.

Every copy gets a place when it first comes. A copy that comes back takes its old place, or goes
before all that were not handed over yet, or to the end. With priorities there is a line for each;
with groups, a group waits while one of its copies is out.

A copy that is settled or removed while it waits here is not searched for: it is passed over when
its turn comes.
"""

from __future__ import annotations

import heapq
from collections import deque
from typing import Protocol

from eda_sim.engine.plan import NONE, RequeuePosition
from eda_sim.engine.reference.ledger import Entry
from eda_sim.engine.trace import CopyState

_AVAILABLE = CopyState.AVAILABLE


def _waits(entry: Entry) -> bool:
    return entry.state == _AVAILABLE


class Line(Protocol):
    """What a queue asks of its waiting line."""

    def add(self, entry: Entry) -> None:
        """Let a new copy join at the end."""

    def put_back(self, entry: Entry) -> None:
        """Take in a copy that was out and comes back."""

    def settled(self, entry: Entry) -> None:
        """Note that a copy that was out will not come back."""

    def part(self, partition: int) -> list[Entry]:
        """Remove and return the copies of one partition that wait here."""

    def rejoin(self, entries: list[Entry]) -> None:
        """Take in copies again that have parted, at their old places."""

    def first(self) -> Entry | None:
        """Return the copy whose turn it is, if there is one that may be handed over."""

    def take(self, limit: int) -> list[Entry]:
        """Remove and return the copies of one hand-over, at most so many."""


class InOrder:
    """One line: first come, first served."""

    __slots__ = ("_ahead", "_next_place", "_position", "_returned", "_waiting")

    def __init__(self, position: RequeuePosition) -> None:
        self._position = position
        self._next_place = 0
        self._waiting: deque[Entry] = deque()
        self._returned: list[tuple[int, Entry]] = []
        self._ahead: deque[Entry] = deque()

    def add(self, entry: Entry) -> None:
        """Let a new copy join at the end."""
        entry.place = self._next_place
        self._next_place += 1
        self._waiting.append(entry)

    def put_back(self, entry: Entry) -> None:
        """Take in a copy that comes back."""
        if self._position == RequeuePosition.ORIGINAL:
            heapq.heappush(self._returned, (entry.place, entry))
        elif self._position == RequeuePosition.HEAD:
            self._ahead.append(entry)
        else:
            self.add(entry)

    def settled(self, entry: Entry) -> None:
        """Note that a copy will not come back: nobody here waits for it."""

    def part(self, partition: int) -> list[Entry]:
        """Remove and return the copies of one partition."""
        everybody = [*self._ahead, *(entry for _, entry in self._returned), *self._waiting]
        self._ahead = deque(entry for entry in self._ahead if entry.partition != partition)
        self._waiting = deque(entry for entry in self._waiting if entry.partition != partition)
        self._returned = [pair for pair in self._returned if pair[1].partition != partition]
        heapq.heapify(self._returned)
        return [one for one in everybody if one.partition == partition and _waits(one)]

    def rejoin(self, entries: list[Entry]) -> None:
        """Take in copies again that have parted."""
        for entry in entries:
            heapq.heappush(self._returned, (entry.place, entry))

    def first(self) -> Entry | None:
        """Return the copy whose turn it is."""
        ahead, returned, waiting = self._ahead, self._returned, self._waiting
        while ahead and ahead[0].state != _AVAILABLE:
            ahead.popleft()
        if ahead:
            return ahead[0]
        while returned and returned[0][1].state != _AVAILABLE:
            heapq.heappop(returned)
        while waiting and waiting[0].state != _AVAILABLE:
            waiting.popleft()
        if returned and not (waiting and waiting[0].place < returned[0][0]):
            return returned[0][1]
        return waiting[0] if waiting else None

    def take(self, limit: int) -> list[Entry]:
        """Remove and return the first copies."""
        taken: list[Entry] = []
        while len(taken) < limit:
            entry = self.first()
            if entry is None:
                break
            self._remove(entry)
            taken.append(entry)
        return taken

    def _remove(self, entry: Entry) -> None:
        """Remove the copy whose turn it is."""
        if self._ahead:
            self._ahead.popleft()
        elif self._waiting and self._waiting[0] is entry:
            self._waiting.popleft()
        else:
            heapq.heappop(self._returned)


class ByPriority:
    """A line for each priority; higher ones go first, and what runs is not interrupted.

    What comes back to the head goes before all of them, whatever its priority.
    """

    __slots__ = ("_ahead", "_lines", "_to_head")

    def __init__(self, levels: int, position: RequeuePosition) -> None:
        self._to_head = position == RequeuePosition.HEAD
        self._ahead = InOrder(RequeuePosition.HEAD)
        self._lines = [InOrder(RequeuePosition.ORIGINAL) for _ in range(levels)]

    def _line_of(self, entry: Entry) -> InOrder:
        return self._lines[min(entry.message.priority, len(self._lines) - 1)]

    def add(self, entry: Entry) -> None:
        """Let a new copy join the line of its priority."""
        self._line_of(entry).add(entry)

    def put_back(self, entry: Entry) -> None:
        """Take in a copy that comes back."""
        if self._to_head:
            self._ahead.put_back(entry)
        else:
            self._line_of(entry).put_back(entry)

    def settled(self, entry: Entry) -> None:
        """Note that a copy will not come back: nobody here waits for it."""

    def part(self, partition: int) -> list[Entry]:
        """Remove and return the copies of one partition."""
        return [entry for line in (self._ahead, *self._lines) for entry in line.part(partition)]

    def rejoin(self, entries: list[Entry]) -> None:
        """Take in copies again that have parted, each in the line of its priority."""
        for entry in entries:
            self._line_of(entry).rejoin([entry])

    def first(self) -> Entry | None:
        """Return the copy whose turn it is."""
        line = self._next_line()
        return None if line is None else line.first()

    def take(self, limit: int) -> list[Entry]:
        """Remove and return the first copies."""
        taken: list[Entry] = []
        while len(taken) < limit:
            line = self._next_line()
            if line is None:
                break
            taken += line.take(limit - len(taken))
        return taken

    def _next_line(self) -> InOrder | None:
        for line in (self._ahead, *reversed(self._lines)):
            if line.first() is not None:
                return line
        return None


class MessageGroup:
    """The copies with one key: those that wait, and how many are out (held, or scheduled)."""

    __slots__ = ("out", "waiting")

    def __init__(self) -> None:
        self.waiting: list[tuple[int, Entry]] = []
        self.out = 0

    def first(self) -> Entry | None:
        """Return the copy whose turn it is within the group."""
        waiting = self.waiting
        while waiting and waiting[0][1].state != _AVAILABLE:
            heapq.heappop(waiting)
        return waiting[0][1] if waiting else None


class InGroups:
    """A group waits while one of its copies is out; the others go on (SQS FIFO).

    One hand-over takes as many copies of the group whose turn it is as it may, in their order, and
    then those of the next group. A copy without a key is a group of its own.
    """

    __slots__ = ("_groups", "_next_place", "_ready")

    def __init__(self) -> None:
        self._groups: dict[int, MessageGroup] = {}
        self._ready: list[tuple[int, int]] = []
        self._next_place = 0

    @staticmethod
    def _name(entry: Entry) -> int:
        return ~entry.place if entry.message.key == NONE else entry.message.key

    def add(self, entry: Entry) -> None:
        """Let a new copy join the end of its group."""
        entry.place = self._next_place
        self._next_place += 1
        name = self._name(entry)
        group = self._groups.setdefault(name, MessageGroup())
        is_first = group.first() is None
        heapq.heappush(group.waiting, (entry.place, entry))
        if is_first and not group.out:
            self._make_ready(name, group)

    def put_back(self, entry: Entry) -> None:
        """Take in a copy that comes back to its old place in its group."""
        name = self._name(entry)
        group = self._groups[name]
        heapq.heappush(group.waiting, (entry.place, entry))
        self._one_less_out(name, group)

    def settled(self, entry: Entry) -> None:
        """Note that a copy that was out will not come back: its group may go on."""
        name = self._name(entry)
        self._one_less_out(name, self._groups[name])

    def part(self, partition: int) -> list[Entry]:
        """Remove and return the copies of one partition; a group lies in one partition."""
        parted: list[Entry] = []
        for group in self._groups.values():
            gone = [one for _, one in group.waiting if one.partition == partition]
            if gone:
                parted += [one for one in gone if _waits(one)]
                group.waiting = [pair for pair in group.waiting if pair[1].partition != partition]
                heapq.heapify(group.waiting)
        return parted

    def rejoin(self, entries: list[Entry]) -> None:
        """Take in copies again that have parted, at their old places in their groups."""
        for entry in entries:
            name = self._name(entry)
            group = self._groups.setdefault(name, MessageGroup())
            heapq.heappush(group.waiting, (entry.place, entry))
            if not group.out:
                self._make_ready(name, group)

    def _one_less_out(self, name: int, group: MessageGroup) -> None:
        group.out -= 1
        if not group.out:
            self._make_ready(name, group)

    def _make_ready(self, name: int, group: MessageGroup) -> None:
        entry = group.first()
        if entry is None:
            del self._groups[name]
        else:
            heapq.heappush(self._ready, (entry.place, name))

    def _next_group(self) -> MessageGroup | None:
        """Return the group whose turn it is: the one with the oldest copy that may go."""
        while self._ready:
            place, name = self._ready[0]
            group = self._groups.get(name)
            if group is not None and not group.out:
                entry = group.first()
                if entry is not None and entry.place == place:
                    return group
                heapq.heappop(self._ready)
                self._make_ready(name, group)
            else:
                heapq.heappop(self._ready)
        return None

    def first(self) -> Entry | None:
        """Return the copy whose turn it is."""
        group = self._next_group()
        return None if group is None else group.first()

    def take(self, limit: int) -> list[Entry]:
        """Remove and return the copies of one hand-over."""
        taken: list[Entry] = []
        while len(taken) < limit:
            group = self._next_group()
            if group is None:
                break
            heapq.heappop(self._ready)
            while len(taken) < limit:
                entry = group.first()
                if entry is None:
                    break
                heapq.heappop(group.waiting)
                group.out += 1
                taken.append(entry)
        return taken
