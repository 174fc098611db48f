"""Subscriptions as columns: dispatch, leases, settlement."""

from __future__ import annotations

import enum
from typing import NamedTuple

from eda_sim.engine.plan.columns import Integers, Numbering, columns, ns_or_none, or_none


class LeaseScope(enum.IntEnum):
    """What one lease covers."""

    DELIVERY = 0
    PARTITION = 1


class DeliveryMode(enum.IntEnum):
    """Who starts a hand-over: the idle worker asks, or the broker pushes to whoever has credit."""

    PULL = 0
    PUSH = 1


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
        }
        rows += [{**row, "channel": numbering.channels[channel]} for channel in consumer.reads]
    return columns(SubscriptionColumns, rows)
