"""Emits: what a consumer publishes after an effect."""

from __future__ import annotations

from eda_sim.engine.lineage import mix
from eda_sim.engine.plan import NONE
from eda_sim.engine.reference.ledger import Message
from eda_sim.engine.reference.links import Connection
from eda_sim.engine.reference.model import Model
from eda_sim.engine.streams.addresses import Stream


class Emitter:
    """Publishes the messages that follow from an effect, one per row of the consumer's emits.

    An effect that takes place twice emits twice: the second message is a new one, with a lineage
    of its own.
    """

    def __init__(self, model: Model, consumer: int, source: int, address: int) -> None:
        rows = model.plan.emits
        self.model = model
        self.source = source
        self.rows = [
            (
                int(rows.channel[i]),
                bool(rows.keep_key[i]),
                None if rows.size[i] == NONE else model.draws(rows.size[i], Stream.EMIT_SIZE),
                mix(address, place),
            )
            for place, i in enumerate(
                [i for i in range(len(rows.consumer)) if rows.consumer[i] == consumer]
            )
        ]
        self._sequence = 0
        self._emitted: dict[int, int] = {}

    def emit(self, cause: Message, connection: Connection) -> None:
        """Publish what follows from one effect of ``cause``."""
        if not self.rows:
            return
        repetition = self._emitted.get(cause.message_id, 0)
        self._emitted[cause.message_id] = repetition + 1
        for channel, keep_key, size, address in self.rows:
            lineage = mix(mix(cause.lineage, address), repetition)
            message = self.model.create(
                self.source,
                channel,
                self._sequence,
                cause.key if keep_key else NONE,
                cause.size_bytes if size is None else size.count(lineage, cause.root),
                lineage,
                cause.root,
                cause,
            )
            self._sequence += 1
            self.model.channels[channel].publish(message, connection, lineage)
