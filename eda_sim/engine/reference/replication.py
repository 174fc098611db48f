"""Replication: for each partition which node leads, and which node has how much of it.

The leader stores first; each follower has the same offsets a lag later. What the commit rule counts
as safe is committed, and only that is seen by subscriptions. A node that goes down leads no longer
once that is noticed: another replica is elected, and what that one lacks is truncated everywhere.

A node's log survives a crash. It does not survive a power loss beyond what was flushed.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from eda_sim.engine.lineage import mix
from eda_sim.engine.plan import NONE, Acks, CommitRule, Flush
from eda_sim.engine.ranks import Rank
from eda_sim.engine.reference.requests import Request
from eda_sim.engine.streams.addresses import Stream

if TYPE_CHECKING:
    from eda_sim.engine.reference.clusters import Cluster
    from eda_sim.engine.reference.partitions import Partition

OS_WRITEBACK_NS = 30_000_000_000
"""Age at which Linux writes a dirty page back: ``vm.dirty_expire_centisecs`` 3000."""


class Replicas:
    """One partition on all nodes.

    Attributes
    ----------
    leader : int
        The node that leads, NONE while nobody does.
    last_leader : int
        The node that led last.
    ends : list of int
        For each node, the offset after the last that its log holds.
    in_sync : list of bool
        Which nodes the ``isr`` rule waits for.
    is_torn : list of bool
        Which nodes have lost a part of their log that others may still have.
    committed : int
        The offset after the last that is committed.
    """

    def __init__(self, partition: Partition, cluster: Cluster) -> None:
        model, channel = partition.model, partition.channel
        row, index = model.plan.replication, channel.index
        self.partition = partition
        self.model = model
        self.cluster = cluster
        self.commit_rule = int(row.commit_rule[index])
        self.min_insync = int(row.min_insync[index])
        self.lag_max_ns = int(row.replica_lag_max_ns[index])
        self.elects_unclean = bool(row.unclean[index])
        self.flush = int(row.flush[index])
        self.flush_interval_ns = int(row.flush_interval_ns[index])
        self.flush_time_ns = int(row.flush_time_ns[index]) if self.flush == Flush.BEFORE_ACK else 0
        self.lag = model.draws(row.lag[index], Stream.REPLICATION)
        self.election = model.draws(row.election[index], Stream.ELECTION)
        self.address = mix(cluster.address, partition.number)
        factor = cluster.factor
        self.leader = self.last_leader = partition.number % factor
        self.ends = [0] * factor
        self.in_sync = [True] * factor
        self.is_torn = [False] * factor
        self.committed = 0
        self._due_at = [0] * factor
        self._life = [0] * factor
        self._received: list[deque[tuple[int, int]]] = [deque() for _ in range(factor)]
        self._flushed = [0] * factor
        self._waiting: deque[tuple[int, Request]] = deque()
        self._elections = 0
        self._misses_leader = False

    # Storing ------------------------------------------------------------------------------------

    def accept(self, request: Request) -> bool:
        """Return whether the leader takes a request in; without one it ends nowhere."""
        if self.leader == NONE:
            request.publisher.lose(request)
            return False
        if request.publisher.acks == Acks.ALL and not self._has_enough_in_sync():
            request.publisher.refuse(request)
            return False
        return True

    def _has_enough_in_sync(self) -> bool:
        return self.commit_rule != CommitRule.ISR or sum(self.in_sync) >= self.min_insync

    def replicate(self, request: Request) -> None:
        """Let the followers copy what the leader has just stored, and answer when it is due."""
        end = self.partition.next_offset
        self._note_received(self.leader, end)
        publisher = request.publisher
        if publisher.acks == Acks.ALL:
            self._waiting.append((end, request))
        else:
            publisher.reply(request, stored=True)
        first = request.messages[0]
        for node in range(self.cluster.factor):
            if node == self.leader:
                continue
            if self.cluster.is_up(node):
                lag_ns = self.lag.single_ns(mix(first.lineage, node), first.root, request.trip)
                self._copy(node, end, lag_ns, first.message_id, request.trip)
        self._advance()

    def _copy(self, node: int, end: int, lag_ns: int, number: int, trip: int) -> None:
        """Let a follower have everything before ``end`` after its lag, but not before the rest."""
        clock = self.model.clock
        arrival = max(self._due_at[node], clock.now + lag_ns + self.flush_time_ns)
        self._due_at[node] = arrival
        if arrival == clock.now:
            self._note_received(node, end)
            self._note_in_sync(node)
            return
        if self.lag_max_ns != NONE and arrival - clock.now > self.lag_max_ns:
            self._watch(node, end, number)
        life, term = self._life[node], self.partition.term
        clock.call_at(
            lambda: self._end_copy(node, end, life, term),
            arrival,
            Rank.REPLICATION,
            self.partition.channel.index,
            number,
            trip * self.cluster.factor + node,
        )

    def _end_copy(self, node: int, end: int, life: int, term: int) -> None:
        if life == self._life[node] and term == self.partition.term:
            self._note_received(node, end)
            self._note_in_sync(node)
            self._advance()

    def _note_received(self, node: int, end: int) -> None:
        now = self.model.clock.now
        self.ends[node] = max(self.ends[node], end)
        received = self._received[node]
        received.append((now, self.ends[node]))
        horizon = self._flush_horizon(now)
        while received and received[0][0] <= horizon:
            self._flushed[node] = received.popleft()[1]

    def _note_in_sync(self, node: int) -> None:
        if self.ends[node] >= self.committed:
            self.in_sync[node] = True
            self.is_torn[node] = False

    def _watch(self, node: int, end: int, number: int) -> None:
        """Look, when a follower may be behind no longer, whether it still is."""
        clock = self.model.clock
        term = self.partition.term
        clock.call_at(
            lambda: self._check_lag(node, end, term),
            clock.now + self.lag_max_ns,
            Rank.REPLICA_LAG,
            self.partition.channel.index,
            number,
            node,
        )

    def _check_lag(self, node: int, end: int, term: int) -> None:
        if term == self.partition.term and self.ends[node] < end:
            self._leave_in_sync(node)

    def _leave_in_sync(self, node: int) -> None:
        if self.in_sync[node] and node != self.last_leader:
            self.in_sync[node] = False
            self._advance()

    # Committing ---------------------------------------------------------------------------------

    def _advance(self) -> None:
        """Commit what the rule allows, and answer those who waited for it."""
        if self.leader == NONE:
            return
        safe = self._safe_end()
        partition = self.partition
        count = max(0, safe - self.committed)
        if count:
            first = len(partition.records) - (partition.next_offset - self.committed)
            self.committed = safe
            for record in [partition.records[first + place] for place in range(count)]:
                partition.commit(record)
        # Also those that brought nothing new: what they brought again may have been safe before.
        while self._waiting and self._waiting[0][0] <= self.committed:
            _, request = self._waiting.popleft()
            request.publisher.reply(request, stored=True)
        if count and partition.limits is not None:
            partition.limits.enforce()

    def _safe_end(self) -> int:
        if self.commit_rule == CommitRule.LEADER:
            return self.ends[self.leader]
        if self.commit_rule == CommitRule.QUORUM:
            majority = self.cluster.factor // 2 + 1
            return sorted(self.ends, reverse=True)[majority - 1]
        if not self._has_enough_in_sync():
            return self.committed
        return min(end for end, counts in zip(self.ends, self.in_sync, strict=True) if counts)

    # Losing nodes -------------------------------------------------------------------------------

    def _flush_horizon(self, now: int) -> int:
        """Return up to when everything that was received is on disk."""
        if self.flush == Flush.BEFORE_ACK:
            return now
        if self.flush == Flush.INTERVAL:
            return now - now % self.flush_interval_ns
        return now - OS_WRITEBACK_NS

    def lose_unflushed(self, node: int) -> None:
        """Cut a node's log to what is on its disk."""
        horizon = self._flush_horizon(self.model.clock.now)
        received = self._received[node]
        while received and received[0][0] <= horizon:
            self._flushed[node] = received.popleft()[1]
        received.clear()
        if self._flushed[node] < self.ends[node]:
            self.ends[node] = self._flushed[node]
            self.is_torn[node] = True

    def lose_node(self, node: int) -> None:
        """Note that a node went down; without its leader a partition does nothing."""
        self._life[node] += 1
        if node != self.leader:
            self._leave_later(node)
            return
        self.leader = NONE
        self._misses_leader = False
        partition = self.partition
        partition.term += 1
        partition.free_at = self.model.clock.now
        for subscription in partition.channel.subscriptions:
            subscription.suspend(partition.number)
        waiting, self._waiting = self._waiting, deque()
        for _, request in waiting:
            request.publisher.lose_answer(request, stored=True)
        if partition.limits is not None:
            partition.limits.lose_waiting()

    def _leave_later(self, node: int) -> None:
        """Let a follower that died be behind for too long, if nobody misses it before."""
        if self.lag_max_ns == NONE:
            return
        clock = self.model.clock
        life = self._life[node]

        def leave() -> None:
            if life == self._life[node]:
                self._leave_in_sync(node)

        clock.call_at(
            leave,
            clock.now + self.lag_max_ns,
            Rank.REPLICA_DEAD,
            self.partition.channel.index,
            self.partition.number,
            node,
        )

    def notice_loss(self, node: int) -> None:
        """Let a follower leave the set in sync; elect another leader."""
        if node != self.last_leader:
            self._leave_in_sync(node)
        elif self.leader == NONE:
            self._misses_leader = True
            self._elect_soon()

    def regain_node(self, node: int) -> None:
        """Let a node that came up follow the leader, or lead."""
        if self.leader != NONE:
            self._follow(node)
        elif node == self.last_leader and not self.is_torn[node]:
            self._lead(node)
        elif node == self.last_leader or self._misses_leader:
            self._misses_leader = True
            self._elect_soon()

    def _elect_soon(self) -> None:
        clock = self.model.clock
        number = self._elections
        self._elections += 1
        delay_ns = self.election.single_ns(self.address, number, 1)
        clock.call_at(
            self._elect,
            clock.now + delay_ns,
            Rank.ELECTION,
            self.partition.channel.index,
            self.partition.number,
            number,
        )

    def _elect(self) -> None:
        if self.leader == NONE:
            candidate = self._candidate()
            if candidate != NONE:
                self._lead(candidate)

    def _candidate(self) -> int:
        """Return who shall lead, NONE if nobody can."""
        factor = self.cluster.factor
        up = [node for node in range(factor) if self.cluster.is_up(node)]
        if self.commit_rule == CommitRule.QUORUM and len(up) <= factor // 2:
            return NONE
        best = max(up, key=lambda node: (self.ends[node], -node), default=NONE)
        if self.commit_rule == CommitRule.ISR:
            clean = [node for node in up if self.in_sync[node]]
            if clean:
                return min(clean, key=lambda node: (self.is_torn[node], node))
            return best if self.elects_unclean else NONE
        if self.commit_rule == CommitRule.LEADER and len(up) < factor and up:
            lacks = self.ends[best] < self.partition.next_offset
            return NONE if lacks and not self.elects_unclean else best
        return best

    def _lead(self, node: int) -> None:
        """Let a node lead: its log is the log, what it lacks is lost."""
        partition, cluster = self.partition, self.cluster
        partition.term += 1
        end = self.ends[node]
        was_in_sync = self.in_sync[node]
        self.leader = self.last_leader = node
        partition.truncate(end)
        self.committed = min(self.committed, end)
        clock = self.model.clock
        for other in range(cluster.factor):
            self.is_torn[other] = False
            self._cut(other, end)
            self._due_at[other] = clock.now
            stays = was_in_sync and self.in_sync[other] and not cluster.is_known_down[other]
            self.in_sync[other] = other == node or stays
            if other != node and cluster.is_up(other):
                self._follow(other)
        for subscription in partition.channel.subscriptions:
            subscription.resume(partition.number)
        self._advance()

    def _cut(self, node: int, end: int) -> None:
        self.ends[node] = min(self.ends[node], end)
        self._flushed[node] = min(self._flushed[node], end)
        received = self._received[node]
        self._received[node] = deque((time, min(stored, end)) for time, stored in received)

    def _follow(self, node: int) -> None:
        """Let a node catch up with the leader, a lag from now."""
        clock = self.model.clock
        self._life[node] += 1
        life = self._life[node]
        lag_ns = self.lag.single_ns(mix(self.address, node), life, 1)
        arrival = clock.now + lag_ns
        self._due_at[node] = arrival
        clock.call_at(
            lambda: self._catch_up(node, life),
            arrival,
            Rank.CATCH_UP,
            self.partition.channel.index,
            self.partition.number,
            node,
        )

    def _catch_up(self, node: int, life: int) -> None:
        if life == self._life[node] and self.leader != NONE:
            self._note_received(node, self.partition.next_offset)
            self._note_in_sync(node)
            self._advance()


def make_replicas(partition: Partition) -> Replicas | None:
    """Return the replicas of a partition, None if it has one node that never fails."""
    cluster = partition.channel.cluster
    return None if cluster is None else Replicas(partition, cluster)
