"""Emits: what a consumer publishes after an effect, or when it gives a message up."""

from __future__ import annotations

from typing import Any

from eda_sim.engine.lineage import mix
from eda_sim.engine.plan import NONE
from eda_sim.engine.reference.ledger import Message
from eda_sim.engine.reference.model import Model
from eda_sim.engine.reference.outlets import Outlet
from eda_sim.engine.streams.addresses import Stream
from eda_sim.engine.streams.philox import uniform


class Emission:
    """One row of a consumer's emits.

    Attributes
    ----------
    channel : int
        Where it is published to.
    address : int
        What the lineage of its messages is mixed from.
    join : int
        Messages with one correlation id that have to take effect first; 1 without fan-in.
    """

    def __init__(self, model: Model, row: int, address: int, drawn_with: int) -> None:
        rows = model.plan.emits
        self.channel = int(rows.channel[row])
        self.keep_key = bool(rows.keep_key[row])
        self.on_failure = bool(rows.on_failure[row])
        self.join = int(rows.join[row])
        self._chance = float(rows.chance_from[row]), float(rows.chance_to[row])
        self._drawn_with = drawn_with
        self._run_key = (model.plan.run.seed, model.plan.run.replication)
        self.size = (
            None if rows.size[row] == NONE else model.draws(rows.size[row], Stream.EMIT_SIZE)
        )
        self.address = address
        self._arrived: dict[int, set[int]] = {}

    def is_complete(self, cause: Message) -> bool:
        """Return whether this effect is the last that the emission has waited for."""
        if self.join == 1:
            return True
        arrived = self._arrived.setdefault(cause.correlation_id, set())
        if len(arrived) == self.join:
            return False
        arrived.add(cause.message_id)
        return len(arrived) == self.join

    def happens(self, ancestor: Message, repetition: int) -> bool:
        """Return whether it is published, by chance; entries of one choice share their draw."""
        start, end = self._chance
        if (start, end) == (0.0, 1.0):
            return True
        entity = mix(mix(ancestor.lineage, self._drawn_with), repetition)
        draw = uniform(*self._run_key, int(Stream.EMISSION), entity, ancestor.root, 0)
        return start <= draw < end


class Emitter:
    """Publishes the messages that follow from effects and failures of one consumer.

    An effect that takes place twice emits twice: the second message is a new one, with a lineage
    of its own.
    """

    def __init__(self, model: Model, consumer: int, source: int, address: int) -> None:
        self.model = model
        self.source = source
        rows = [i for i, owner in enumerate(model.plan.emits.consumer) if owner == consumer]
        addresses = {row: mix(address, place) for place, row in enumerate(rows)}
        drawn_with = model.plan.emits.drawn_with
        emissions = [
            Emission(model, row, addresses[row], addresses[int(drawn_with[row])]) for row in rows
        ]
        self._after_effects = [emission for emission in emissions if not emission.on_failure]
        self._after_failures = [emission for emission in emissions if emission.on_failure]
        self._sequence = 0
        self._effects: dict[int, int] = {}
        self._failures: dict[int, int] = {}

    def emit(self, cause: Message, outlet: Outlet) -> None:
        """Publish what follows from one effect of ``cause``."""
        if self._after_effects:
            self._emit(self._after_effects, self._effects, cause, outlet)

    def emit_failure(self, cause: Message, outlet: Outlet) -> None:
        """Publish what follows from giving ``cause`` up."""
        if self._after_failures:
            self._emit(self._after_failures, self._failures, cause, outlet)

    def _emit(
        self,
        emissions: list[Emission],
        emitted: dict[int, int],
        cause: Message,
        outlet: Outlet,
    ) -> None:
        repetition = emitted.get(cause.message_id, 0)
        emitted[cause.message_id] = repetition + 1
        for emission in emissions:
            if not emission.is_complete(cause):
                continue
            ancestor, number = cause, repetition
            if emission.join > 1:  # whichever came last, the address is that of the whole
                ancestor, number = self.model.ledger.messages[cause.correlation_id], 0
            if not emission.happens(ancestor, number):
                continue
            lineage = mix(mix(ancestor.lineage, emission.address), number)
            size_bytes = cause.size_bytes
            if emission.size is not None:
                size_bytes = emission.size.count(lineage, ancestor.root)
            self.publish(
                emission.channel,
                cause.key if emission.keep_key else NONE,
                size_bytes,
                lineage,
                ancestor.root,
                cause,
                outlet,
            )

    def publish(
        self,
        channel: int,
        key: int,
        size_bytes: int,
        lineage: int,
        root: int,
        cause: Message,
        outlet: Outlet,
        payload: Any = None,
    ) -> Message:
        """Publish a message that ``cause`` led to."""
        message = self.model.create(
            self.source, channel, self._sequence, key, size_bytes, lineage, root, cause
        )
        self._sequence += 1
        if payload is not None:
            self.model.user.payloads[message.message_id] = payload
        outlet.publish(message)
        return message
