"""Channels: ordered stores with an append server per partition."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eda_sim.engine.ranks import Rank
from eda_sim.engine.reference.ledger import Entry, Message
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
        model = self.model
        now = model.clock.now
        offset = self.next_offset[message.partition]
        self.next_offset[message.partition] = offset + 1
        copy_id = model.ledger.copies
        model.ledger.copies += 1
        message.copies += 1
        message.stored_at = message.committed_at = now
        message.status = MessageStatus.COMMITTED
        for subscription in self.subscriptions:
            entry = Entry(message, copy_id, subscription.consumer.index, offset, now)
            model.ledger.entries.append(entry)
            model.open += 1
            subscription.offer(entry)
        self._confirm(message, connection, address)
        model.close()

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
