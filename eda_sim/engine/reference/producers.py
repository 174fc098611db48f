"""Producers: create messages in their own time, whatever the system does (open loop)."""

from __future__ import annotations

from eda_sim.engine.plan import NONE, KeyKind
from eda_sim.engine.ranks import Rank
from eda_sim.engine.reference.arrivals import bulk_size, moments
from eda_sim.engine.reference.clock import Process
from eda_sim.engine.reference.keys import Keys
from eda_sim.engine.reference.links import Connection
from eda_sim.engine.reference.model import Model
from eda_sim.engine.reference.network import disturbances
from eda_sim.engine.reference.outlets import make_publisher
from eda_sim.engine.streams.addresses import Stream

HIGHEST = 255
"""The highest priority; there is one byte for it in AMQP."""


class Producer:
    """A service that emits events.

    Parameters
    ----------
    model : Model
        The run it is part of.
    index : int
        Its row in the plan.
    """

    def __init__(self, model: Model, index: int) -> None:
        row = model.plan.producers.rows
        self.model = model
        self.index = index
        self.address = int(row.address[index])
        self.channel = int(row.channel[index])
        self.stop_ns = int(row.stop_ns[index])
        self.limit = int(row.messages[index])
        self.bulk = None if row.bulk[index] == NONE else model.draws(row.bulk[index], Stream.BULK)
        self.size = model.draws(row.size[index], Stream.SIZE)
        self.priority = None
        if row.priority[index] != NONE:
            self.priority = model.draws(row.priority[index], Stream.PRIORITY)
        network = disturbances(model, [self.channel], producer=index)
        connection = Connection.of_publisher(model, index, network)
        self.publisher = make_publisher(model, index, model.channels[self.channel], connection)
        self._causes_down = 0
        self._is_over = False
        self.keys = Keys(model.plan, index) if row.key_kind[index] != KeyKind.NONE else None

    def process(self) -> Process:
        """Create what each arrival brings, one after the other, until a bound is reached."""
        model, clock = self.model, self.model.clock
        sequence = 0
        for number, time_ns in enumerate(moments(model, self.index)):
            if sequence == self.limit or (self.stop_ns != NONE and time_ns >= self.stop_ns):
                break
            yield clock.at(time_ns, Rank.CREATE, self.index, sequence)
            if self._is_over:
                return
            for _ in range(bulk_size(self.bulk, self.address, number)):
                if model.production_over:
                    return
                if sequence == self.limit:
                    break
                if not self._causes_down:
                    self._create(sequence)
                sequence += 1  # what did not happen keeps its number, so all others keep theirs
        self._finish()

    def _finish(self) -> None:
        if not self._is_over:
            self._is_over = True
            self.model.producer_finished()

    def crash(self, *, for_ever: bool) -> None:
        """Create nothing until the last crash is over, and forget what has not left."""
        self._causes_down += 1
        if self._causes_down == 1:
            self.publisher.crash()
        if for_ever:
            self._finish()

    def restart(self) -> None:
        """End one crash."""
        self._causes_down -= 1

    def _create(self, sequence: int) -> None:
        model = self.model
        key = self.keys.key(sequence) if self.keys else NONE
        size_bytes = self.size.count(self.address, sequence)
        message = model.create(
            self.index, self.channel, sequence, key, size_bytes, self.address, sequence
        )
        if self.priority is not None:
            message.priority = min(HIGHEST, self.priority.count(self.address, sequence))
        self.publisher.publish(message)
        model.note_created()
