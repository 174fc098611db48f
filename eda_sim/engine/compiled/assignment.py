"""Assignors: which member of a group gets which partition.

Members come in the order of (instance, session, worker), partitions in the order of (topic,
number), so that an assignment is a pure function of who is there and who owned what.
"""

from __future__ import annotations

from eda_sim.engine.compiled import actions as a
from eda_sim.engine.compiled import cells as c
from eda_sim.engine.compiled import codes as k
from eda_sim.engine.compiled.lists import NOTHING
from eda_sim.engine.compiled.pointers import Ints, Reals, action, jit


@action(a.ASSIGN)
def assign(m: Ints, _f: Reals, group: int, _b: int, _c: int) -> int:
    """Decide who shall own what; moving the partitions is the protocol's work."""
    row = m[m[c.CONSUMER_FIRST_SUBSCRIPTION] + group]
    assignor = m[m[c.SUBSCRIPTION_ASSIGNOR] + row]
    first = m[m[c.GROUP_FIRST_SHARE] + group]
    last = first + m[m[c.GROUP_SHARES] + group]
    if m[m[c.GROUP_MEMBERS] + group] == 0:
        for share in range(first, last):
            m[m[c.SHARE_TARGET] + share] = NOTHING
    elif assignor == k.ASSIGNOR_RANGE:
        for subscription in range(row, row + m[m[c.CONSUMER_SUBSCRIPTIONS] + group]):
            _assign_range(m, group, subscription)
    elif assignor == k.ASSIGNOR_ROUND_ROBIN:
        member = m[m[c.GROUP_MEMBER_FIRST] + group]
        for share in range(first, last):
            m[m[c.SHARE_TARGET] + share] = member
            member = m[c.WORKER_MEMBER_NEXT + member]
            if member == NOTHING:
                member = m[m[c.GROUP_MEMBER_FIRST] + group]
    else:
        _assign_sticky(m, group, first, last)
    return 0


@jit
def _assign_range(m: Ints, group: int, subscription: int) -> None:
    """Give each member consecutive partitions of each topic (Kafka's RangeAssignor).

    The first ``partitions % members`` members get one more each.
    """
    partitions = m[m[c.CHANNEL_PARTITIONS] + m[m[c.SUBSCRIPTION_CHANNEL] + subscription]]
    members = m[m[c.GROUP_MEMBERS] + group]
    share, extra = m[m[c.SUBSCRIPTION_FIRST_SHARE] + subscription], partitions % members
    member = m[m[c.GROUP_MEMBER_FIRST] + group]
    while member != NOTHING:
        for _ in range(partitions // members + int(extra > 0)):
            m[m[c.SHARE_TARGET] + share] = member
            share += 1
        extra -= 1
        member = m[c.WORKER_MEMBER_NEXT + member]


@jit
def _assign_sticky(m: Ints, group: int, first: int, last: int) -> None:
    """Balance the number of partitions over all topics and move as few as possible.

    Each member keeps what it has up to its share; the rest goes to whoever has fewest. (The aim of
    Kafka's StickyAssignor, KIP-54, and of the server-side ``uniform`` assignor, KIP-848.)
    """
    members = m[m[c.GROUP_MEMBERS] + group]
    fair, larger = (last - first) // members, (last - first) % members
    member = m[m[c.GROUP_MEMBER_FIRST] + group]
    while member != NOTHING:
        m[c.WORKER_OWNED + member] = 0
        member = m[c.WORKER_MEMBER_NEXT + member]
    for share in range(first, last):
        owner = m[m[c.SHARE_OWNER] + share]
        if owner == NOTHING:
            owner = m[m[c.SHARE_LAST_OWNER] + share]
        m[m[c.SHARE_TARGET] + share] = NOTHING
        if owner == NOTHING or not m[c.WORKER_IS_MEMBER + owner]:
            continue
        owned = m[c.WORKER_OWNED + owner]
        takes_extra = owned == fair and larger > 0
        if owned < fair or takes_extra:
            larger -= int(takes_extra)
            m[c.WORKER_OWNED + owner] = owned + 1
            m[m[c.SHARE_TARGET] + share] = owner
    for share in range(first, last):
        if m[m[c.SHARE_TARGET] + share] != NOTHING:
            continue
        poorest = m[m[c.GROUP_MEMBER_FIRST] + group]
        member = m[c.WORKER_MEMBER_NEXT + poorest]
        while member != NOTHING:
            if m[c.WORKER_OWNED + member] < m[c.WORKER_OWNED + poorest]:
                poorest = member
            member = m[c.WORKER_MEMBER_NEXT + member]
        m[c.WORKER_OWNED + poorest] += 1
        m[m[c.SHARE_TARGET] + share] = poorest
