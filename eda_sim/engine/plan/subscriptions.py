"""Subscriptions as columns: dispatch, leases, settlement."""

from __future__ import annotations

import enum
from typing import NamedTuple

from eda_sim.engine.plan.columns import NONE, Integers, Numbering, columns, ns_or_none, or_none
from eda_sim.engine.streams.samplers import to_ns
from eda_sim.spec.retry import AnyRetry, ImmediateRetry, ListRetry
from eda_sim.spec.subscriptions import Subscription

AT_ONCE = -2
"""Instead of a retry policy: without a delay and without end."""


class LeaseScope(enum.IntEnum):
    """What one lease covers."""

    DELIVERY = 0
    PARTITION = 1
    CONNECTION = 2
    GROUP = 3


class DeliveryMode(enum.IntEnum):
    """Who starts a hand-over.

    The idle worker asks; the broker pushes to whoever has credit; or it calls an endpoint at once.
    """

    PULL = 0
    PUSH = 1
    ENDPOINT = 2


class RequeuePosition(enum.IntEnum):
    """Where a message comes back."""

    ORIGINAL = 0
    HEAD = 1
    TAIL = 2


class DeliveryCount(enum.IntFlag):
    """What the limit of deliveries counts."""

    DELIVER = 1
    TIMEOUT = 2
    NACK = 4
    REJECT = 8
    DISCONNECT = 16


class GivenUp(enum.IntEnum):
    """What becomes of a message after its last delivery."""

    DROP = 0
    PARK = 1
    DEAD_LETTER = 2


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
    fetch_min_messages: Integers
    poll_interval_ns: Integers
    outstanding_shared: Integers
    lease_backoff: Integers
    lease_renewal_ns: Integers
    lease_renewal_limit_ns: Integers
    sweep_interval_ns: Integers
    connection_timeout: Integers
    redelivery: Integers
    nack_redelivery: Integers
    requeue_position: Integers
    delivery_count_on: Integers
    max_deliveries: Integers
    reject_requeues: Integers
    given_up: Integers
    dead_letter: Integers
    dead_letter_expired: Integers
    redrive_at_ns: Integers
    redrive_every_ns: Integers
    redrive_interval_ns: Integers
    redrive_to: Integers
    priorities: Integers


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
            **_queue_row(numbering, subscription),
            **_redelivery_row(numbering, subscription),
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
        "fetch_max_wait_ns": NONE
        if subscription.fetch_max_wait is None
        else to_ns(subscription.fetch_max_wait),
        "auto_commit_ns": to_ns(subscription.auto_commit_interval),
        "auto_commits_delivered": subscription.auto_commit_of == "delivered",
        "start_at_latest": subscription.start_position == "latest",
    }


def _queue_row(numbering: Numbering, subscription: Subscription) -> dict[str, float]:
    """Lower how a queue hands messages over, and how leases on deliveries end."""
    backoff, renewal = subscription.lease_backoff, subscription.lease_renewal
    return {
        "fetch_min_messages": subscription.fetch_min_messages,
        "poll_interval_ns": to_ns(subscription.poll_interval),
        "outstanding_shared": subscription.outstanding_scope == "subscription",
        # Attempt n has the n-th delay of a list as its lease, and a list repeats its last one.
        "lease_backoff": numbering.retry(ListRetry(delays=backoff)) if backoff else NONE,
        "lease_renewal_ns": ns_or_none(renewal.interval if renewal else None),
        "lease_renewal_limit_ns": ns_or_none(renewal.limit if renewal else None),
        "sweep_interval_ns": ns_or_none(subscription.sweep_interval),
        "connection_timeout": numbering.row(subscription.connection_timeout),
        "priorities": subscription.priorities,
    }


def _redelivery_row(numbering: Numbering, subscription: Subscription) -> dict[str, float]:
    """Lower how messages come back, and what becomes of them after the last time."""
    dead_letter, redrive = subscription.dead_letter, subscription.redrive
    counts = [DeliveryCount[name.upper()] for name in subscription.delivery_count_on]
    redelivery = _policy(numbering, subscription.redelivery)
    nack = subscription.nack_redelivery
    rate = redrive.rate if redrive else None
    return {
        "redelivery": redelivery,
        "nack_redelivery": redelivery if nack is None else _policy(numbering, nack),
        "requeue_position": RequeuePosition[subscription.requeue_position.upper()],
        "delivery_count_on": sum(counts),
        "max_deliveries": or_none(subscription.max_deliveries),
        "reject_requeues": subscription.on_reject == "requeue",
        "given_up": GivenUp[subscription.on_exhausted.upper()],
        "dead_letter": NONE if dead_letter is None else numbering.channels[dead_letter],
        "dead_letter_expired": subscription.dead_letter_expired,
        "redrive_at_ns": NONE if redrive is None or redrive.at is None else to_ns(redrive.at),
        "redrive_every_ns": ns_or_none(redrive.every if redrive else None),
        "redrive_interval_ns": NONE if rate is None else max(1, to_ns(1 / rate)),
        "redrive_to": NONE
        if redrive is None or redrive.to is None
        else numbering.channels[redrive.to],
    }


def _policy(numbering: Numbering, policy: AnyRetry) -> int:
    return AT_ONCE if policy == ImmediateRetry() else numbering.retry(policy)
