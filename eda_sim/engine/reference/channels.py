"""Channels: ordered stores with an append server per partition."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from eda_sim.engine.ranks import Rank
from eda_sim.engine.reference.ledger import Entry, Message, Origin
from eda_sim.engine.reference.links import Connection
from eda_sim.engine.reference.model import Model
from eda_sim.engine.reference.partitioning import Partitioning
from eda_sim.engine.streams.samplers import to_ns
from eda_sim.engine.trace import MessageStatus

if TYPE_CHECKING:
    from eda_sim.engine.reference.subscriptions import Subscription


class Channel:
    """An ordered store of one or more partitions.

    Each partition appends one message at a time (``append_time = fixed + per byte``), so that the
    broker can be the bottleneck. What is stored is offered to every subscription.
    """

    def __init__(self, model: Model, index: int) -> None:
        row = model.plan.channels.rows
        self.model = model
        self.index = index
        self.partitions = int(row.partitions[index])
        self.delay_ns = int(row.delay_ns[index])
        self.append_fixed_s = float(row.append_fixed_s[index])
        self.append_per_byte_s = float(row.append_per_byte_s[index])
        self.partitioning = Partitioning(model, index)
        self.next_offset = [0] * self.partitions
        self.free_at = [0] * self.partitions
        self.subscriptions: list[Subscription] = []

    def publish(self, message: Message, connection: Connection, address: int) -> None:
        """Send a message over a connection; the source chooses the partition."""
        message.partition = self.partitioning.choose(message)
        clock = self.model.clock
        now = clock.now
        arrival = connection.to_broker.arrival(now, address, message.root)
        if arrival == now:
            self._arrive(message, connection, address)
            return
        clock.call_at(
            lambda: self._arrive(message, connection, address),
            arrival,
            Rank.PUBLISH,
            message.source,
            message.message_id,
        )

    def _arrive(self, message: Message, connection: Connection, address: int) -> None:
        clock = self.model.clock
        now = clock.now
        start = max(now, self.free_at[message.partition])
        done = start + to_ns(self.append_fixed_s + self.append_per_byte_s * message.size_bytes)
        self.free_at[message.partition] = done
        if done == now:
            self._store(message, connection, address)
            return
        clock.call_at(
            lambda: self._store(message, connection, address),
            done,
            Rank.APPEND,
            self.index,
            message.message_id,
        )

    def _store(self, message: Message, connection: Connection, address: int) -> None:
        message.copies += 1
        message.stored_at = message.committed_at = self.model.clock.now
        message.status = MessageStatus.COMMITTED
        self._keep(message, message.partition)
        self._confirm(message, connection, address)
        self.model.close()

    def store_copy(
        self,
        message: Message,
        origin: Origin,
        then: Callable[[int, list[Entry]], None] | None = None,
        delay_ns: int = 0,
    ) -> None:
        """Store a copy of a message that a subscription moves here, within the broker.

        ``then`` is called with the number of the copy, and the copy as each subscription sees it.
        ``delay_ns`` is how long it shall wait, besides the delay of the channel.
        """
        clock = self.model.clock
        now = clock.now
        partition = self.partitioning.of_copy(message)
        start = max(now, self.free_at[partition])
        done = start + to_ns(self.append_fixed_s + self.append_per_byte_s * message.size_bytes)
        self.free_at[partition] = done

        def store() -> None:
            self._keep(message, partition, origin, then, delay_ns)
            self.model.close()

        self.model.open += 1
        if done == now:
            store()
        else:
            clock.call_at(store, done, Rank.APPEND, self.index, message.message_id)

    def _keep(
        self,
        message: Message,
        partition: int,
        origin: Origin | None = None,
        then: Callable[[int, list[Entry]], None] | None = None,
        delay_ns: int = 0,
    ) -> None:
        """Append a copy to a partition and offer it to every subscription."""
        model = self.model
        offset = self.next_offset[partition]
        self.next_offset[partition] = offset + 1
        copy_id = model.ledger.new_copy()
        now = model.clock.now
        entries = [
            Entry(message, copy_id, subscription.consumer.index, offset, now, self.index, partition)
            for subscription in self.subscriptions
        ]
        if origin is not None:
            for entry in entries:
                entry.come_from(origin)
        model.ledger.entries += entries
        model.open += len(entries)
        if then is not None:
            then(copy_id, entries)
        delay_ns += self.delay_ns
        if delay_ns:
            self._delay(entries, delay_ns)
            return
        for subscription, entry in zip(self.subscriptions, entries, strict=True):
            subscription.offer(entry)

    def _delay(self, entries: list[Entry], delay_ns: int) -> None:
        """Let a copy wait before consumers can have it."""
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

    def _confirm(self, message: Message, connection: Connection, address: int) -> None:
        clock = self.model.clock
        now = clock.now
        arrival = connection.from_broker.arrival(now, address, message.root)
        if arrival == now:
            confirm(message, now)
            return
        clock.call_at(
            lambda: confirm(message, clock.now),
            arrival,
            Rank.CONFIRM,
            message.source,
            message.message_id,
        )


def confirm(message: Message, now: int) -> None:
    """Record that the source knows that its message is safe."""
    message.confirmed_at = now
    message.status = MessageStatus.CONFIRMED
