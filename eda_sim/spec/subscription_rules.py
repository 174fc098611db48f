"""Rules of subscriptions: which settings go together.

A setting that would have no effect is refused: whoever wrote it expects one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from eda_sim.spec.quantities import format_quantity
from eda_sim.spec.retry import may_spin

if TYPE_CHECKING:
    from eda_sim.spec.consumers import Consumer
    from eda_sim.spec.subscriptions import Subscription

Finding = tuple[str, str]
"""A field, and what is wrong with it."""

_ONLY_WITH_PARTITIONS = (
    "rebalance_protocol",
    "assignor",
    "static_membership",
    "rebalance_timeout",
    "initial_rebalance_delay",
    "assignment_interval",
    "max_poll_interval",
    "fetch_min_bytes",
    "auto_commit_interval",
    "auto_commit_of",
    "start_position",
    "heartbeat_interval",
)
_ONLY_WITH_QUEUES = (
    "fetch_min_messages",
    "poll_interval",
    "max_outstanding",
    "outstanding_scope",
    "lease_backoff",
    "lease_renewal",
    "lease_ended_by",
    "sweep_interval",
    "connection_timeout",
    "redelivery",
    "nack_redelivery",
    "requeue_position",
    "delivery_count_on",
    "max_deliveries",
    "on_reject",
    "on_exhausted",
    "dead_letter",
    "dead_letter_expired",
    "redrive",
    "priorities",
)
_ONLY_WITH_PULL = ("fetch_max_messages", "fetch_min_messages", "fetch_max_wait", "poll_interval")


def contradictions(subscription: Subscription) -> Iterator[Finding]:
    """Find settings that contradict each other.

    Parameters
    ----------
    subscription : Subscription
        Its fields are valid on their own.

    Yields
    ------
    tuple of str and str
        Field, and what is wrong with it.
    """
    if subscription.is_queue:
        for field in _changed(subscription, _ONLY_WITH_PARTITIONS):
            yield field, "only with lease_scope: partition"
        yield from _dispatch(subscription)
        yield from _leases(subscription)
        yield from _scopes(subscription)
        yield from _redelivery(subscription)
        return
    if subscription.delivery != "pull":
        yield "delivery", f"{subscription.delivery} needs lease_scope: delivery"
    for field in _changed(subscription, _ONLY_WITH_QUEUES):
        yield field, "not with lease_scope: partition"
    if subscription.fetch_max_wait == 0:
        yield "fetch_max_wait", "must be above 0s with lease_scope: partition"
    yield from _heartbeat(subscription)


def settlement_contradictions(consumer: Consumer) -> Iterator[Finding]:
    """Find settings of a consumer that contradict those of its subscription.

    Parameters
    ----------
    consumer : Consumer
        Its fields and its subscription are valid on their own.

    Yields
    ------
    tuple of str and str
        Field of the consumer, and what is wrong with it.
    """
    subscription = consumer.subscription
    if not subscription.is_queue:
        return
    if consumer.settle == "auto" and subscription.max_outstanding is not None:
        yield "settle", "auto settles with the hand-over: max_outstanding would bound nothing"
    if consumer.on_exhausted == "release" and _comes_back_without_end(consumer):
        message = "release: without time for anything, a bad message comes back without end"
        yield "on_exhausted", message


def preemption_contradictions(consumer: Consumer) -> Iterator[Finding]:
    """Find what keeps a preemptive consumer from interrupting anything, or from going on.

    Parameters
    ----------
    consumer : Consumer
        Its fields and its subscription are valid on their own.

    Yields
    ------
    tuple of str and str
        The field, and what is wrong with it; the first thing only.
    """
    if not consumer.preemptive:
        return
    subscription, tries_in_place = consumer.subscription, consumer.retry_where == "in_place"
    reasons = (
        (
            not subscription.is_queue or subscription.delivery != "push",
            "needs delivery: push; who asks for messages has nothing else while it works",
        ),
        (subscription.priorities == 1, "needs priorities of 2 or more in the subscription"),
        (
            subscription.max_outstanding == 1,
            "needs max_outstanding of 2 or more; with 1 nothing comes that could interrupt",
        ),
        (
            consumer.concurrency > 1,
            "needs concurrency 1: what is interrupted stays with its worker; take instances",
        ),
        (consumer.batch_max_messages > 1, "not with batch_max_messages: a batch is one call"),
        (
            tries_in_place and consumer.retry.type != "none",
            "not with retry_where: in_place, where the worker waits; take requeue",
        ),
        (
            consumer.circuit_breaker is not None,
            "not with a circuit_breaker, which makes calls wait",
        ),
    )
    yield from (("preemptive", reason) for reason in [why for holds, why in reasons if holds][:1])


def _comes_back_without_end(consumer: Consumer) -> bool:
    """Return whether a message that is released could come back for ever at one moment."""
    subscription = consumer.subscription
    policy = subscription.nack_redelivery or subscription.redelivery
    counted = not {"deliver", "nack"}.isdisjoint(subscription.delivery_count_on)
    takes_time = consumer.service.mean > 0 or consumer.link.latency.mean > 0
    limited = subscription.max_deliveries is not None and counted
    return may_spin(policy) and not limited and not takes_time


def _changed(subscription: Subscription, fields: tuple[str, ...]) -> Iterator[str]:
    """Yield the fields that are not at their default."""
    for name, field in type(subscription).model_fields.items():
        plain = field.alias or name
        if plain in fields and getattr(subscription, name) != field.default:
            yield plain


def _heartbeat(subscription: Subscription) -> Iterator[Finding]:
    beat, timeout = subscription.heartbeat_interval, subscription.lease_timeout
    if beat is not None and timeout is not None and beat >= timeout:
        given = subscription.given_heartbeat_interval is not None
        first, last = format_quantity(beat, "time"), format_quantity(timeout, "time")
        message = f"the heartbeat ({first}) must come before the lease ends ({last})"
        yield "heartbeat_interval" if given else "lease_timeout", message


def _dispatch(subscription: Subscription) -> Iterator[Finding]:
    pull, endpoint = subscription.delivery == "pull", subscription.delivery == "endpoint"
    bounded = subscription.max_outstanding is not None
    shared = subscription.outstanding_scope == "subscription"
    if not pull:
        instead = "the broker sends one by one" if endpoint else "push has max_outstanding"
        for field in _changed(subscription, _ONLY_WITH_PULL):
            yield field, f"only with delivery: pull; {instead}"
    if endpoint and bounded:
        yield "max_outstanding", "not with delivery: endpoint, which calls at once"
    elif pull and bounded and not shared:
        message = "only with delivery: push or outstanding_scope: subscription"
        yield "max_outstanding", f"{message}; a pull has fetch_max_messages"
    if shared and not bounded:
        yield "outstanding_scope", "only with max_outstanding"
    if subscription.fetch_min_messages > subscription.fetch_max_messages:
        yield "fetch_min_messages", "must not be above fetch_max_messages"
    elif subscription.fetch_min_messages > 1 and not subscription.fetch_max_wait:
        yield "fetch_min_messages", "needs a fetch_max_wait, or the last messages wait for ever"
    if subscription.poll_interval and subscription.fetch_max_wait is None:
        yield "poll_interval", "only with fetch_max_wait; there are no empty answers without it"
    if subscription.fetch_max_wait == 0 and not subscription.poll_interval:
        yield "fetch_max_wait", "0s needs a poll_interval, or the worker asks without end"


def _leases(subscription: Subscription) -> Iterator[Finding]:
    timeout, backoff = subscription.lease_timeout, subscription.lease_backoff
    hold = subscription.on_disconnect == "hold"
    sweeps = subscription.lease_ended_by == "client_sweep"
    if backoff and timeout is not None:
        yield "lease_backoff", "is one too many beside lease_timeout: give either"
    if hold and timeout is None and not backoff:
        yield "on_disconnect", "hold needs a lease_timeout, or the lease never ends"
    if hold and subscription.connection_timeout is not None:
        yield "connection_timeout", "only with on_disconnect: release"
    if sweeps and (timeout is None or subscription.sweep_interval is None):
        yield "lease_ended_by", "client_sweep needs a lease_timeout and a sweep_interval"
    if subscription.sweep_interval is not None and not sweeps:
        yield "sweep_interval", "only with lease_ended_by: client_sweep"
    renewal = subscription.lease_renewal
    if renewal is not None and (timeout is None or renewal.interval >= timeout):
        yield "lease_renewal", "needs a lease_timeout that is longer than its interval"


def _scopes(subscription: Subscription) -> Iterator[Finding]:
    connection = subscription.lease_scope == "connection"
    group = subscription.lease_scope == "group"
    endpoint = subscription.delivery == "endpoint"
    if endpoint and subscription.lease_scope != "delivery":
        yield "delivery", "endpoint needs lease_scope: delivery"
    if connection or endpoint:
        where = "lease_scope: connection" if connection else "delivery: endpoint"
        unfit: tuple[str, ...] = (
            "lease_backoff",
            "lease_renewal",
            "lease_ended_by",
            "on_disconnect",
        )
        if endpoint:
            unfit = (*unfit, "connection_timeout", "priorities", "requeue_position")
        for field in _changed(subscription, unfit):
            yield field, f"not with {where}"
        if subscription.late_acknowledgement == "honoured":
            yield "late_acknowledgement", f"honoured does not go with {where}: it cannot arrive"
    if group and subscription.requeue_position != "original":
        yield "requeue_position", "only original with lease_scope: group, which keeps the order"
    if group and subscription.priorities > 1:
        yield "priorities", "not with lease_scope: group, which keeps the order"
    if subscription.priorities > 1 and subscription.requeue_position == "tail":
        yield "requeue_position", "tail does not go with priorities; there is no one end"


def _redelivery(subscription: Subscription) -> Iterator[Finding]:
    counts = subscription.delivery_count_on
    if len(set(counts)) < len(counts):
        yield "delivery_count_on", "names something twice"
    if "deliver" in counts and len(counts) > 1:
        yield "delivery_count_on", "deliver counts every delivery: it stands alone"
    limited = subscription.max_deliveries is not None and not {"deliver", "reject"}.isdisjoint(
        counts
    )
    if subscription.on_reject == "requeue" and not limited:
        message = "requeue needs max_deliveries, with rejections counted, or it never ends"
        yield "on_reject", message
    if subscription.delivery == "endpoint" and may_spin(subscription.redelivery):
        yield "redelivery", "must have delays or an end with delivery: endpoint, or none"
    exhausted, channel = subscription.on_exhausted, subscription.dead_letter
    if exhausted == "dead_letter" and channel is None:
        yield "on_exhausted", "dead_letter needs a channel: give dead_letter"
    if exhausted != "dead_letter" and channel is not None:
        yield "dead_letter", "only with on_exhausted: dead_letter"
    if subscription.dead_letter_expired and channel is None:
        yield "dead_letter_expired", "only with dead_letter"
    if subscription.redrive is not None and channel is None:
        yield "redrive", "only with dead_letter"
