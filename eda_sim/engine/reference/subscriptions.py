"""Subscriptions: what a channel and the sampler ask of one, whatever its leases cover.

There are two kinds: queues, with a lease on each delivery (:mod:`queues`), and the topics of a
group, with leases on partitions (:mod:`topics`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from eda_sim.engine.reference.ledger import Entry
from eda_sim.engine.trace import CopyState

if TYPE_CHECKING:
    from eda_sim.engine.reference.consumers import Consumer


class Subscription(Protocol):
    """What a channel and the sampler ask of a subscription, whatever its leases cover."""

    consumer: Consumer
    channel: int
    available: int
    scheduled: int
    acquired: int

    def offer(self, entry: Entry) -> None:
        """Take in a copy that has just become visible."""

    def hold(self, entry: Entry) -> None:
        """Take in a copy that is not visible before its delay is over."""

    def admit(self, entry: Entry) -> None:
        """Let consumers have a copy whose delay is over."""

    def remove(self, entry: Entry, state: CopyState) -> None:
        """Let go of a copy that its channel no longer has.

        ``state`` is EXPIRED (retention, time to live, overflow), TRUNCATED (a failover lost it) or
        MOVED (a redrive moved it on).
        A copy that is final stays what it is.
        """

    def suspend(self, partition: int) -> None:
        """Hand nothing over from a partition that has no leader; settle what comes all the same."""

    def resume(self, partition: int) -> None:
        """Hand over again: the partition has a leader."""

    def expire_at_head(self, partition: int) -> None:
        """Let go of the copies whose time is over, up to the first that is not (``expires_at``)."""
