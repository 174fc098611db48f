"""Replication: copies of a channel's log on several nodes, and what is left after a failure.

Each partition has a *leader*, the node that stores first, and *followers*, which copy from it with
a lag. A message is *committed* when the commit rule says so, and only then does a subscription see
it. ``isr`` waits for all replicas that are in sync, and drops those that fall behind from that set;
``quorum`` waits for a majority; ``leader`` waits for nobody. When the leader dies, a follower takes
over, and what it did not have is gone: *truncated*.

A node that crashes keeps its disk. With a power loss it also loses what it had not flushed: the
page cache of an operating system is written back after half a minute, and few brokers flush before
they acknowledge (RabbitMQ's quorum queues do).

Sources of the defaults: ``failure_detection`` 7 to 9 s, from ``broker.session.timeout.ms`` 9000 and
``broker.heartbeat.interval.ms`` 2000 of Apache Kafka 4.3 (``KRaftConfigs.java``): a node is missed
a session timeout after its last heartbeat. ``flush: os``: ``log.flush.interval.messages`` of Apache
Kafka is unbounded; Linux writes dirty pages back after ``vm.dirty_expire_centisecs`` 3000.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, Strict

from eda_sim.spec.distributions import Constant, DurationDistribution, Uniform
from eda_sim.spec.measures import Duration, PositiveDuration, Whole
from eda_sim.spec.model import ConsistentModel

MOST_NODES = 99
FAILURE_DETECTION = Uniform(low=7.0, high=9.0)
"""Seconds; see above."""


class Replication(ConsistentModel):
    """Nodes, commit rule, failover and flushing of a channel."""

    factor: Annotated[int, Whole(1, MOST_NODES)] = Field(
        description="Nodes that hold each partition; the leader of partition p begins at node "
        "p modulo factor."
    )
    commit_rule: Literal["leader", "isr", "quorum"] = Field(
        default="isr",
        description="A message is committed when the leader has it (leader), all replicas in sync "
        "(isr; default), or a majority (quorum).",
    )
    lag: DurationDistribution = Field(
        default=Constant(value=0),
        description="Time from storing at the leader until a follower has it and the leader knows; "
        "default 0s.",
    )
    min_insync: Annotated[int, Whole(1, MOST_NODES)] = Field(
        default=1,
        description="Replicas that must be in sync: with fewer, acks: all is refused, and nothing "
        "is committed; only with commit_rule: isr; default 1.",
    )
    replica_lag_max: PositiveDuration | None = Field(
        default=None,
        description="A follower that is behind for longer is not in sync any more; only with "
        "commit_rule: isr; default null: it stays.",
    )
    failure_detection: DurationDistribution = Field(
        default=FAILURE_DETECTION,
        description="Time from the crash of a node until it is noticed; default uniform(7s, 9s).",
    )
    election: DurationDistribution = Field(
        default=Constant(value=0),
        description="Time from there until the next leader works; default 0s.",
    )
    unclean_leader_election: Annotated[bool, Strict()] = Field(
        default=False,
        description="If no replica that has all lives, let the most advanced other one lead, and "
        "lose what it lacks; not with commit_rule: quorum; default false.",
    )
    flush: Literal["os", "interval", "before_ack"] = Field(
        default="os",
        description="When a node's disk has what it stored: after 30 s (os; default), at every "
        "flush_interval (interval), or before it answers (before_ack).",
    )
    flush_interval: PositiveDuration | None = Field(
        default=None, description="With flush: interval, the time between two flushes."
    )
    flush_time: Duration = Field(
        default=0.0,
        description="With flush: before_ack, the time that each request takes longer; default 0s.",
    )

    def _contradictions(self) -> Iterator[tuple[str, str]]:
        if self.commit_rule != "isr":
            if self.min_insync != 1:
                yield "min_insync", "only with commit_rule: isr"
            if self.replica_lag_max is not None:
                yield "replica_lag_max", "only with commit_rule: isr"
        if self.commit_rule == "quorum" and self.unclean_leader_election:
            yield "unclean_leader_election", "a majority lacks nothing, so not with quorum"
        if self.min_insync > self.factor:
            yield "min_insync", f"must not be above factor ({self.factor})"
        if (self.flush == "interval") != (self.flush_interval is not None):
            yield "flush_interval", "goes with flush: interval, and it needs one"
        if self.flush != "before_ack" and self.flush_time:
            yield "flush_time", "only with flush: before_ack"
