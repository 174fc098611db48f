"""Subscriptions as columns: dispatch, leases, settlement."""

from __future__ import annotations

import enum
from typing import NamedTuple

from eda_sim.engine.plan.columns import Integers, Numbering, columns, ns_or_none, or_none
from eda_sim.engine.streams.samplers import to_ns
from eda_sim.spec.subscriptions import Subscription


class LeaseScope(enum.IntEnum):
    """What one lease covers."""

    DELIVERY = 0
    PARTITION = 1


class DeliveryMode(enum.IntEnum):
    """Who starts a hand-over: the idle worker asks, or the broker pushes to whoever has credit."""

    PULL = 0
    PUSH = 1


class RebalanceProtocol(enum.IntEnum):
    """How partitions change hands."""

    NONE = 0
    EAGER = 1
    COOPERATIVE = 2
    INCREMENTAL = 3


class Assignor(enum.IntEnum):
    """Which member gets which partition."""

    RANGE = 0
    ROUND_ROBIN = 1
    STICKY = 2
    UNIFORM = 3


class SubscriptionColumns(NamedTuple):
    """One row per consumer and channel that it reads, by consumer."""

    consumer: Integers
    channel: Integers
    lease_scope: Integers
    delivery: Integers
    fetch_max_messages: Integers
    max_outstanding: Integers
    lease_timeout_ns: Integers
    heartbeat_ns: Integers
    hold_on_disconnect: Integers
    late_acknowledgement_honoured: Integers
    rebalance_protocol: Integers
    assignor: Integers
    static_membership: Integers
    rebalance_timeout_ns: Integers
    initial_rebalance_delay_ns: Integers
    assignment_interval_ns: Integers
    max_poll_interval_ns: Integers
    fetch_min_bytes: Integers
    fetch_max_wait_ns: Integers
    auto_commit_ns: Integers
    auto_commits_delivered: Integers
    start_at_latest: Integers


def lower_subscriptions(numbering: Numbering) -> SubscriptionColumns:
    """Lower the subscriptions of a scenario, one per consumer and channel."""
    rows: list[dict[str, float]] = []
    for name, consumer in numbering.scenario.consumers.items():
        subscription = consumer.subscription
        row = {
            "consumer": numbering.consumers[name],
            "lease_scope": LeaseScope[subscription.lease_scope.upper()],
            "delivery": DeliveryMode[subscription.delivery.upper()],
            "fetch_max_messages": subscription.fetch_max_messages,
            "max_outstanding": or_none(subscription.max_outstanding),
            "lease_timeout_ns": ns_or_none(subscription.lease_timeout),
            "heartbeat_ns": ns_or_none(subscription.heartbeat_interval),
            "hold_on_disconnect": subscription.on_disconnect == "hold",
            "late_acknowledgement_honoured": subscription.late_acknowledgement == "honoured",
            **_group_row(subscription),
        }
        rows += [{**row, "channel": numbering.channels[channel]} for channel in consumer.reads]
    return columns(SubscriptionColumns, rows)


def _group_row(subscription: Subscription) -> dict[str, float]:
    """Lower what only matters with leases on partitions."""
    return {
        "rebalance_protocol": RebalanceProtocol[subscription.rebalance_protocol.upper()],
        "assignor": Assignor[subscription.assignor.upper()],
        "static_membership": subscription.static_membership,
        "rebalance_timeout_ns": to_ns(subscription.rebalance_timeout),
        "initial_rebalance_delay_ns": to_ns(subscription.initial_rebalance_delay),
        "assignment_interval_ns": to_ns(subscription.assignment_interval),
        "max_poll_interval_ns": ns_or_none(subscription.max_poll_interval),
        "fetch_min_bytes": subscription.fetch_min_bytes,
        "fetch_max_wait_ns": to_ns(subscription.fetch_max_wait),
        "auto_commit_ns": to_ns(subscription.auto_commit_interval),
        "auto_commits_delivered": subscription.auto_commit_of == "delivered",
        "start_at_latest": subscription.start_position == "latest",
    }
