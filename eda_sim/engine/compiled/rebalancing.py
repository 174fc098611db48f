"""Rebalancing: how partitions change hands when the members of a group change.

``none``
    The group tells a member at once; the member gives up at its next poll. Nobody else stops.
``eager``
    Kafka's classic protocol: all members learn at their next heartbeat, revoke everything at their
    next poll and wait until the last one has joined (or the rebalance timeout is over).
``cooperative``
    Kafka's incremental cooperative rebalancing, KIP-429: the same barrier, but members keep their
    partitions and work on. What has to move is revoked after it and handed out by a second one.
``incremental``
    KIP-848: the coordinator computes a target, each member reconciles with its own heartbeats, and
    nobody waits for anybody but the owner of the partition that it shall get.

Who has joined the generation that is being prepared has its number of the barrier (``EPOCH``).
"""

from __future__ import annotations

from eda_sim.engine.compiled import actions as a
from eda_sim.engine.compiled import cells as c
from eda_sim.engine.compiled import codes as k
from eda_sim.engine.compiled.calendar import schedule
from eda_sim.engine.compiled.heartbeats import next_heartbeat
from eda_sim.engine.compiled.lists import NOTHING
from eda_sim.engine.compiled.members import go_on, let_go
from eda_sim.engine.compiled.pointers import Ints, Reals, action, invoke, jit
from eda_sim.engine.compiled.sessions import wake_up
from eda_sim.engine.compiled.topics import make_readable


@jit
def has_barrier(m: Ints, group: int) -> bool:
    """Return whether a protocol lets all members join before anything moves."""
    protocol = m[m[c.GROUP_PROTOCOL] + group]
    return protocol in (k.REBALANCE_PROTOCOL_EAGER, k.REBALANCE_PROTOCOL_COOPERATIVE)


@jit
def _has_joined(m: Ints, group: int, member: int) -> bool:
    return m[c.WORKER_JOINED + member] == m[m[c.GROUP_EPOCH] + group]


@jit
def _everybody_goes_on(m: Ints, group: int) -> None:
    member = m[m[c.GROUP_MEMBER_FIRST] + group]
    while member != NOTHING:
        go_on(m, member)
        member = m[c.WORKER_MEMBER_NEXT + member]


# What the group calls -------------------------------------------------------------------------


@action(a.START_PROTOCOL)
def start(m: Ints, f: Reals, group: int, _b: int, _c: int) -> int:
    """Give all members their first partitions."""
    row = m[m[c.CONSUMER_FIRST_SUBSCRIPTION] + group]
    if not has_barrier(m, group):
        _everybody_goes_on(m, group)
        if m[m[c.GROUP_PROTOCOL] + group] == k.REBALANCE_PROTOCOL_NONE:
            invoke(m, f, a.MEMBERS_CHANGED, group, 0, 0)
            return 0
        # The group was there before the run began.
        invoke(m, f, a.ASSIGN, group, 0, 0)
        first = m[m[c.GROUP_FIRST_SHARE] + group]
        for share in range(first, first + m[m[c.GROUP_SHARES] + group]):
            invoke(m, f, a.TRANSFER, share, m[m[c.SHARE_TARGET] + share], 0)
        m[m[c.GROUP_ASSIGNED_AT] + group] = m[c.NOW]
        return 0
    m[m[c.GROUP_IS_PREPARING] + group] = 1
    m[m[c.GROUP_GENERATION] + group] += 1
    member = m[m[c.GROUP_MEMBER_FIRST] + group]
    while member != NOTHING:
        m[c.WORKER_JOINED + member] = m[m[c.GROUP_EPOCH] + group]
        member = m[c.WORKER_MEMBER_NEXT + member]
    delay_ns = m[m[c.SUBSCRIPTION_INITIAL_REBALANCE_DELAY_NS] + row]
    if delay_ns == 0:
        _complete(m, f, group)
    else:
        _end_barrier_later(m, group, delay_ns, 0)
    return 0


@action(a.MEMBERS_CHANGED)
def members_changed(m: Ints, f: Reals, group: int, _b: int, _c: int) -> int:
    """Take into account that members came, went or joined the next generation."""
    protocol = m[m[c.GROUP_PROTOCOL] + group]
    if protocol == k.REBALANCE_PROTOCOL_NONE:
        invoke(m, f, a.ASSIGN, group, 0, 0)
        _move_all(m, f, group)
    elif protocol == k.REBALANCE_PROTOCOL_INCREMENTAL:
        _reconcile_soon(m, f, group)
    else:
        if not m[m[c.GROUP_IS_PREPARING] + group]:
            _prepare(m, f, group)
        member = m[m[c.GROUP_MEMBER_FIRST] + group]
        while member != NOTHING:
            if not _has_joined(m, group, member):
                return 0
            member = m[c.WORKER_MEMBER_NEXT + member]
        _complete(m, f, group)
    return 0


@action(a.MEMBER_REPLACED)
def replaced(m: Ints, f: Reals, old: int, new: int, _c: int) -> int:
    """Let a static member go on; in a generation that is being prepared it has joined."""
    group = m[c.WORKER_CONSUMER + new]
    if has_barrier(m, group) and m[m[c.GROUP_IS_PREPARING] + group]:
        m[c.WORKER_JOINED + old] = NOTHING
        invoke(m, f, a.MEMBER_REJOINED, new, 0, 0)
    else:
        go_on(m, new)
    return 0


@action(a.MEMBER_REJOINED)
def rejoined(m: Ints, f: Reals, member: int, _b: int, _c: int) -> int:
    """Count a member that has joined; with the eager protocol it owns nothing any more."""
    group = m[c.WORKER_CONSUMER + member]
    if not has_barrier(m, group) or not m[c.WORKER_IS_MEMBER + member]:
        return 0
    if m[m[c.GROUP_PROTOCOL] + group] == k.REBALANCE_PROTOCOL_EAGER:
        first = m[m[c.GROUP_FIRST_SHARE] + group]
        for share in range(first, first + m[m[c.GROUP_SHARES] + group]):
            if m[m[c.SHARE_OWNER] + share] == member:
                invoke(m, f, a.TRANSFER, share, NOTHING, 0)
    m[c.WORKER_JOINED + member] = m[m[c.GROUP_EPOCH] + group]
    invoke(m, f, a.MEMBERS_CHANGED, group, 0, 0)
    return 0


@jit
def given_up(m: Ints, f: Reals, group: int, share: int) -> None:
    """Pass a partition on that its owner let go, or free it for whoever shall have it later."""
    protocol, owner = m[m[c.GROUP_PROTOCOL] + group], m[m[c.SHARE_OWNER] + share]
    if protocol in (k.REBALANCE_PROTOCOL_NONE, k.REBALANCE_PROTOCOL_EAGER):
        invoke(m, f, a.TRANSFER, share, m[m[c.SHARE_TARGET] + share], 0)
        return
    invoke(m, f, a.TRANSFER, share, NOTHING, 0)
    if protocol == k.REBALANCE_PROTOCOL_INCREMENTAL:
        target = m[m[c.SHARE_TARGET] + share]
        if target != NOTHING:
            _tell_of_partition_later(m, f, group, target, share)
        return
    if owner != NOTHING:
        m[c.WORKER_JOINED + owner] = m[m[c.GROUP_EPOCH] + group]
    invoke(m, f, a.MEMBERS_CHANGED, group, 0, 0)


@jit
def _move_all(m: Ints, f: Reals, group: int) -> None:
    """Let partitions move as fast as polls allow."""
    first = m[m[c.GROUP_FIRST_SHARE] + group]
    for share in range(first, first + m[m[c.GROUP_SHARES] + group]):
        owner, target = m[m[c.SHARE_OWNER] + share], m[m[c.SHARE_TARGET] + share]
        if owner == target:
            make_readable(m, f, share)
        elif owner == NOTHING or not m[c.WORKER_IS_MEMBER + owner]:
            invoke(m, f, a.TRANSFER, share, target, 0)
        else:
            let_go(m, owner, share)


# Incremental ----------------------------------------------------------------------------------


@jit
def _reconcile_soon(m: Ints, f: Reals, group: int) -> None:
    """Compute a new target, but not more often than the assignment interval allows."""
    if m[m[c.GROUP_IS_PENDING] + group]:
        return
    row = m[m[c.CONSUMER_FIRST_SUBSCRIPTION] + group]
    earliest = m[m[c.GROUP_ASSIGNED_AT] + group] + m[m[c.SUBSCRIPTION_ASSIGNMENT_INTERVAL_NS] + row]
    if earliest <= m[c.NOW]:
        invoke(m, f, a.RECONCILE, group, 0, 0)
        return
    m[m[c.GROUP_IS_PENDING] + group] = 1
    m[m[c.GROUP_EVENTS] + group] += 1
    number = m[m[c.GROUP_EVENTS] + group]
    schedule(m, earliest, k.RANK_REBALANCE, group, number, 0, a.RECONCILE, group, 0, 0)


@action(a.RECONCILE)
def reconcile(m: Ints, f: Reals, group: int, _b: int, _c: int) -> int:
    """Compute a new target; members hear of it with their heartbeats."""
    m[m[c.GROUP_IS_PENDING] + group] = 0
    m[m[c.GROUP_ASSIGNED_AT] + group] = m[c.NOW]
    invoke(m, f, a.ASSIGN, group, 0, 0)
    first = m[m[c.GROUP_FIRST_SHARE] + group]
    for share in range(first, first + m[m[c.GROUP_SHARES] + group]):
        owner = m[m[c.SHARE_OWNER] + share]
        if owner == NOTHING or not m[c.WORKER_IS_MEMBER + owner]:
            given_up(m, f, group, share)
        elif owner != m[m[c.SHARE_TARGET] + share]:
            _tell_of_partition_later(m, f, group, owner, share)
        else:
            make_readable(m, f, share)
    return 0


@jit
def _tell_of_partition_later(m: Ints, f: Reals, group: int, member: int, share: int) -> None:
    m[m[c.GROUP_EVENTS] + group] += 1
    schedule(
        m,
        next_heartbeat(m, f, m[c.WORKER_SESSION + member]),
        k.RANK_HEARTBEAT,
        group,
        m[c.WORKER_PLACE + member],
        m[m[c.GROUP_EVENTS] + group],
        a.TELL_OF_PARTITION,
        member,
        share,
        0,
    )


@action(a.TELL_OF_PARTITION)
def tell_of_partition(m: Ints, f: Reals, member: int, share: int, _c: int) -> int:
    """Let a member learn with its heartbeat that it shall give a partition up, or has got it."""
    if not m[c.WORKER_IS_MEMBER + member]:
        return 0
    owner, target = m[m[c.SHARE_OWNER] + share], m[m[c.SHARE_TARGET] + share]
    if owner == member and target != member:
        let_go(m, member, share)
    elif owner == NOTHING and target == member:
        invoke(m, f, a.TRANSFER, share, member, 0)
    return 0


# Barriers -------------------------------------------------------------------------------------


@jit
def _prepare(m: Ints, f: Reals, group: int) -> None:
    """Begin a new generation: members learn of it with their heartbeats."""
    m[m[c.GROUP_IS_PREPARING] + group] = 1
    generation = m[m[c.GROUP_GENERATION] + group] + 1
    m[m[c.GROUP_GENERATION] + group] = generation
    member = m[m[c.GROUP_MEMBER_FIRST] + group]
    while member != NOTHING:
        if not _has_joined(m, group, member):
            schedule(
                m,
                next_heartbeat(m, f, m[c.WORKER_SESSION + member]),
                k.RANK_HEARTBEAT,
                group,
                m[c.WORKER_PLACE + member],
                generation,
                a.TELL_TO_REJOIN,
                member,
                generation,
                0,
            )
        member = m[c.WORKER_MEMBER_NEXT + member]
    row = m[m[c.CONSUMER_FIRST_SUBSCRIPTION] + group]
    _end_barrier_later(m, group, m[m[c.SUBSCRIPTION_REBALANCE_TIMEOUT_NS] + row], 1)


@action(a.TELL_TO_REJOIN)
def tell_to_rejoin(m: Ints, _f: Reals, member: int, generation: int, _c: int) -> int:
    """Let a member learn with its heartbeat that it shall join the next generation."""
    group = m[c.WORKER_CONSUMER + member]
    if not m[m[c.GROUP_IS_PREPARING] + group] or not m[c.WORKER_IS_MEMBER + member]:
        return 0
    if m[m[c.GROUP_GENERATION] + group] == generation and not _has_joined(m, group, member):
        m[c.WORKER_SHALL_REJOIN + member] = 1
        wake_up(m, member)
    return 0


@jit
def _end_barrier_later(m: Ints, group: int, delay_ns: int, excludes: int) -> None:
    """End the barrier of this generation after a while, without those who are late."""
    due, generation = m[c.NOW] + delay_ns, m[m[c.GROUP_GENERATION] + group]
    action = a.END_BARRIER
    schedule(m, due, k.RANK_REBALANCE, group, generation, 0, action, group, generation, excludes)


@action(a.END_BARRIER)
def end_barrier(m: Ints, f: Reals, group: int, generation: int, excludes: int) -> int:
    """Let the generation begin, unless that has happened."""
    if not m[m[c.GROUP_IS_PREPARING] + group]:
        return 0
    if m[m[c.GROUP_GENERATION] + group] != generation:
        return 0
    if excludes:
        invoke(m, f, a.EXCLUDE_LATE, group, 0, 0)
    else:
        _complete(m, f, group)
    return 0


@jit
def _complete(m: Ints, f: Reals, group: int) -> None:
    """Begin the generation: nobody has joined the next one yet."""
    m[m[c.GROUP_IS_PREPARING] + group] = 0
    m[m[c.GROUP_EPOCH] + group] += 1
    invoke(m, f, a.ASSIGN, group, 0, 0)
    _move_all(m, f, group)
    _everybody_goes_on(m, group)
