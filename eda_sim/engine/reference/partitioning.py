"""Partitioning: which partition of a channel a source sends its next message to.

Where the channel looks at keys, messages with one key meet in one partition. All others are spread:
``round_robin`` gives each partition one message in turn; ``sticky`` stays with a partition until a
batch's worth of bytes went there, then draws another, so that batches fill (Kafka's Java client,
``BuiltInPartitioner``); ``random`` draws one for each message. Each source spreads its own messages
and knows nothing of the others.
"""

from __future__ import annotations

from typing import Final

from eda_sim.engine.lineage import mix
from eda_sim.engine.plan import NONE, UNIT_UNIFORM, Keyless
from eda_sim.engine.reference.ledger import Message
from eda_sim.engine.reference.model import Model
from eda_sim.engine.streams import samplers
from eda_sim.engine.streams.addresses import Stream

STICKY_BYTES: Final = 16_384
"""Bytes that go to one partition before the next is drawn: ``batch.size`` of Kafka's producer."""


class Partitioning:
    """The choice of partitions of one channel."""

    def __init__(self, model: Model, channel: int) -> None:
        row = model.plan.channels.rows
        self._model = model
        self._address = int(row.address[channel])
        self._partitions = int(row.partitions[channel])
        self._keyless = int(row.keyless[channel])
        first = int(row.key_partition_start[channel])
        last = first + int(row.key_partition_count[channel])
        self._of_key: list[int] = model.plan.channels.key_partitions[first:last].tolist()
        self._next_of: dict[int, int] = {}
        self._stays_of: dict[int, _Stay] = {}

    def choose(self, message: Message, keyless: int = NONE) -> int:
        """Return the partition for a message that its source is about to send.

        ``keyless`` is what the source says about messages whose key does not decide; NONE leaves it
        to the channel.
        """
        if message.key != NONE and self._of_key:
            return self._of_key[message.key]
        spread = self._keyless if keyless == NONE else keyless
        if spread == Keyless.STICKY:
            return self._stay(message)
        if spread == Keyless.RANDOM:
            return self._draw(mix(self._address, message.lineage), message.root)
        partition = self._next_of.get(message.source, 0)
        self._next_of[message.source] = (partition + 1) % self._partitions
        return partition

    def of_copy(self, message: Message) -> int:
        """Return the partition for a message that the broker itself moves here."""
        if message.key != NONE and self._of_key:
            return self._of_key[message.key]
        return message.message_id % self._partitions

    def _stay(self, message: Message) -> int:
        source = message.source
        stay = self._stays_of.get(source)
        if stay is None:
            entity = mix(self._address, _source_address(self._model, source))
            stay = self._stays_of[source] = _Stay(entity, self._draw(entity, 0))
        elif stay.sent_bytes >= STICKY_BYTES:
            stay.number += 1
            stay.partition, stay.sent_bytes = self._draw(stay.entity, stay.number), 0
        stay.sent_bytes += message.size_bytes
        return stay.partition

    def _draw(self, entity: int, event: int) -> int:
        """Return a partition, each as likely as any other."""
        plan = self._model.plan
        share = samplers.sample(
            plan.distributions,
            UNIT_UNIFORM,
            plan.run.seed,
            plan.run.replication,
            int(Stream.PARTITION),
            entity,
            event,
            1,
        )
        return int(share * self._partitions)


class _Stay:
    """A source's time with one partition."""

    __slots__ = ("entity", "number", "partition", "sent_bytes")

    def __init__(self, entity: int, partition: int) -> None:
        self.entity = entity
        self.number = 0
        self.partition = partition
        self.sent_bytes = 0


def _source_address(model: Model, source: int) -> int:
    """Return the address of a producer, or of a consumer that emits."""
    producers = model.plan.producers.rows.address
    if source < len(producers):
        return int(producers[source])
    return int(model.plan.consumers.address[source - len(producers)])
