"""Replication as columns: nodes, commit rule, failover and flushing of each channel."""

from __future__ import annotations

import enum
from typing import NamedTuple

from eda_sim.engine.plan.columns import Integers, Numbering, columns, ns_or_none
from eda_sim.engine.streams.samplers import to_ns
from eda_sim.spec.faults import resolve
from eda_sim.spec.replication import Replication
from eda_sim.spec.scenario import Scenario

_OF_NODES = ("crash", "power_loss")


class CommitRule(enum.IntEnum):
    """How many replicas a message needs before subscriptions see it."""

    LEADER = 0
    ISR = 1
    QUORUM = 2


class Flush(enum.IntEnum):
    """When a node's disk has what the node stored."""

    OS = 0
    INTERVAL = 1
    BEFORE_ACK = 2


class ReplicationColumns(NamedTuple):
    """One row per channel; ``is_replicated`` is 0 where one node never fails.

    The distributions are rows of the plan's table.
    """

    is_replicated: Integers
    factor: Integers
    commit_rule: Integers
    lag: Integers
    min_insync: Integers
    replica_lag_max_ns: Integers
    failure_detection: Integers
    election: Integers
    unclean: Integers
    flush: Integers
    flush_interval_ns: Integers
    flush_time_ns: Integers


def lower_replication(numbering: Numbering) -> ReplicationColumns:
    """Lower the replication of the channels of a scenario.

    A channel without replication that a fault hits has one node, which takes its log up again.
    """
    scenario = numbering.scenario
    rows: list[dict[str, float]] = []
    hit = _hit_by_faults(scenario)
    for name, channel in scenario.channels.items():
        replication = channel.replication or Replication(factor=1, commit_rule="leader")
        rows.append(
            {
                "is_replicated": channel.replication is not None or name in hit,
                "factor": replication.factor,
                "commit_rule": CommitRule[replication.commit_rule.upper()],
                "lag": numbering.row(replication.lag),
                "min_insync": replication.min_insync,
                "replica_lag_max_ns": ns_or_none(replication.replica_lag_max),
                "failure_detection": numbering.row(replication.failure_detection),
                "election": numbering.row(replication.election),
                "unclean": replication.unclean_leader_election,
                "flush": Flush[replication.flush.upper()],
                "flush_interval_ns": ns_or_none(replication.flush_interval),
                "flush_time_ns": to_ns(replication.flush_time),
            }
        )
    return columns(ReplicationColumns, rows)


def _hit_by_faults(scenario: Scenario) -> set[str]:
    """Return the channels whose nodes go down."""
    parties = [
        resolve(scenario, target, fault.sections)
        for fault in scenario.faults
        if fault.kind in _OF_NODES
        for target in fault.targets
    ]
    return {party.name for party in parties if party.section == "channels"}
