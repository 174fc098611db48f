"""Assignors: which member of a group gets which partition.

Members come in the order of (instance, session, worker), partitions in the order of (topic,
number), so that an assignment is a pure function of who is there and who owned what.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from eda_sim.engine.plan import Assignor

if TYPE_CHECKING:
    from eda_sim.engine.reference.members import GroupWorker
    from eda_sim.engine.reference.topics import GroupPartition, Topic

Assign = Callable[[Sequence["GroupWorker"], Sequence["Topic"]], None]
"""Sets ``target`` of every partition; with no members, to None."""


def assign_range(members: Sequence[GroupWorker], topics: Sequence[Topic]) -> None:
    """Give each member consecutive partitions of each topic (Kafka's RangeAssignor).

    The first ``partitions % members`` members get one more each.
    """
    for topic in topics:
        share, extra = divmod(len(topic.partitions), len(members))
        in_larger_shares = extra * (share + 1)
        for partition in topic.partitions:
            if partition.number < in_larger_shares:
                place = partition.number // (share + 1)
            else:
                place = extra + (partition.number - in_larger_shares) // share
            partition.target = members[place]


def assign_round_robin(members: Sequence[GroupWorker], topics: Sequence[Topic]) -> None:
    """Deal all partitions out in turn (Kafka's RoundRobinAssignor)."""
    for number, partition in enumerate(_all(topics)):
        partition.target = members[number % len(members)]


def assign_sticky(members: Sequence[GroupWorker], topics: Sequence[Topic]) -> None:
    """Balance the number of partitions over all topics and move as few as possible.

    Each member keeps what it has up to its share; the rest goes to whoever has fewest. (The aim of
    Kafka's StickyAssignor, KIP-54, and of the server-side ``uniform`` assignor, KIP-848.)
    """
    partitions = _all(topics)
    share, larger_shares = divmod(len(partitions), len(members))
    owned: dict[GroupWorker, int] = dict.fromkeys(members, 0)
    free = []
    for partition in partitions:
        owner = partition.owner or partition.last_owner
        partition.target = None
        if owner in owned:
            takes_extra = owned[owner] == share and larger_shares > 0
            if owned[owner] < share or takes_extra:
                larger_shares -= takes_extra
                owned[owner] += 1
                partition.target = owner
        if partition.target is None:
            free.append(partition)
    for partition in free:
        poorest = min(members, key=owned.__getitem__)
        owned[poorest] += 1
        partition.target = poorest


def _all(topics: Sequence[Topic]) -> list[GroupPartition]:
    return [partition for topic in topics for partition in topic.partitions]


ASSIGNORS: dict[int, Assign] = {
    Assignor.RANGE: assign_range,
    Assignor.ROUND_ROBIN: assign_round_robin,
    Assignor.STICKY: assign_sticky,
    Assignor.UNIFORM: assign_sticky,
}
