"""Channels: ordered stores of one or more partitions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eda_sim.engine.ranks import Rank
from eda_sim.engine.reference.clusters import Cluster
from eda_sim.engine.reference.ledger import Entry, Message, Origin
from eda_sim.engine.reference.model import Model
from eda_sim.engine.reference.partitioning import Partitioning
from eda_sim.engine.reference.partitions import Partition
from eda_sim.engine.reference.requests import Request
from eda_sim.engine.reference.transfers import Mover, Then, Transfer
from eda_sim.engine.streams.samplers import to_ns

if TYPE_CHECKING:
    from eda_sim.engine.reference.subscriptions import Subscription


class Channel:
    """An ordered store of one or more partitions.

    Each partition appends one request at a time (``append_time = per request + per message + per
    byte``), so that the broker can be the bottleneck. What is committed is offered to every
    subscription.
    """

    def __init__(self, model: Model, index: int) -> None:
        row = model.plan.channels.rows
        self.model = model
        self.index = index
        self.delay_ns = int(row.delay_ns[index])
        self.append_per_request_s = float(row.append_per_request_s[index])
        self.append_fixed_s = float(row.append_fixed_s[index])
        self.append_per_byte_s = float(row.append_per_byte_s[index])
        self.appends_at_once = not (
            self.append_per_request_s or self.append_fixed_s or self.append_per_byte_s
        )
        self.partitioning = Partitioning(model, index)
        replication = model.plan.replication
        self.cluster = Cluster(self) if replication.is_replicated[index] else None
        self.partitions = [Partition(self, number) for number in range(row.partitions[index])]
        self.subscriptions: list[Subscription] = []
        self.readers: list[int] = []
        self._mover = Mover(model)

    def connect(self, subscription: Subscription) -> None:
        """Offer what is committed from now on to one more subscription."""
        self.subscriptions.append(subscription)
        self.readers.append(subscription.consumer.index)

    def store_copy(
        self, message: Message, origin: Origin, then: Then | None = None, delay_ns: int = 0
    ) -> None:
        """Store a copy of a message that a subscription moves here, within the broker.

        ``then`` is called with the number of the copy, and the copy as each subscription sees it.
        ``delay_ns`` is how long it shall wait, besides the delay of the channel. Limits and
        replicas hold for it as for any other; where it does not fit it is gone.
        """
        self.model.open += 1
        number = self.partitioning.of_copy(message)
        transfer = Transfer(self._mover, number, message, origin, then, delay_ns)
        self.partitions[number].receive(transfer)

    def show(self, entries: list[Entry], delay_ns: int) -> None:
        """Let subscriptions see a copy, after a delay."""
        if not delay_ns:
            for subscription, entry in zip(self.subscriptions, entries, strict=True):
                subscription.offer(entry)
            return
        clock = self.model.clock
        held = list(zip(self.subscriptions, entries, strict=True))

        def admit() -> None:
            for subscription, entry in held:
                subscription.admit(entry)

        for subscription, entry in held:
            subscription.hold(entry)
        if entries:
            clock.call_at(admit, clock.now + delay_ns, Rank.DELAY, self.index, entries[0].copy_id)

    def subscription_of(self, consumer: int) -> Subscription:
        """Return the subscription of a consumer that reads this channel."""
        return next(one for one in self.subscriptions if one.consumer.index == consumer)

    def append_ns(self, request: Request) -> int:
        """Return how long the server of a partition is busy with a request."""
        if self.appends_at_once:
            return 0
        per_request = self.append_per_request_s + self.append_fixed_s * len(request.messages)
        return int(to_ns(per_request + self.append_per_byte_s * request.size_bytes))

    @property
    def nodes(self) -> int:
        """Return how many nodes hold each partition."""
        return 1 if self.cluster is None else self.cluster.factor

    def node_down(self, node: int, *, power_loss: bool = False) -> None:
        """Let a node crash; with a power loss it also loses what is not on its disk."""
        assert self.cluster is not None, "a channel that a fault hits has nodes"
        self.cluster.go_down(node, power_loss=power_loss)

    def node_up(self, node: int) -> None:
        """Let a node come back."""
        assert self.cluster is not None, "a channel that a fault hits has nodes"
        self.cluster.come_up(node)
