"""Outlets: what one sender publishes with, a publisher for each channel that it sends to."""

from __future__ import annotations

from eda_sim.engine.plan import NONE
from eda_sim.engine.reference.batching import BatchingPublisher
from eda_sim.engine.reference.channels import Channel
from eda_sim.engine.reference.ledger import Message
from eda_sim.engine.reference.links import Connection
from eda_sim.engine.reference.model import Model
from eda_sim.engine.reference.publishers import Publisher


class Outlet:
    """A producer's, an instance's or a user's process's way to all channels.

    Parameters
    ----------
    model : Model
        The run it is part of.
    source : int
        Number among the sources; one that the plan does not know publishes plainly.
    connection : Connection
        The way to the channels.
    """

    def __init__(self, model: Model, source: int, connection: Connection) -> None:
        self.model = model
        self.source = source
        self.connection = connection
        self._publishers: dict[int, Publisher] = {}

    def publish(self, message: Message) -> None:
        """Publish a message to its channel."""
        publisher = self._publishers.get(message.channel)
        if publisher is None:
            channel = self.model.channels[message.channel]
            publisher = make_publisher(self.model, self.source, channel, self.connection)
            self._publishers[message.channel] = publisher
        publisher.publish(message)

    def crash(self) -> None:
        """Forget what has not left, and what became of the rest."""
        for publisher in self._publishers.values():
            publisher.crash()


def make_publisher(
    model: Model, source: int, channel: Channel, connection: Connection
) -> Publisher:
    """Return a publisher that keeps account of its requests only if it has to."""
    row = model.plan.publishing
    if source >= len(row.acks):
        return Publisher(model, source, channel, connection)
    bounds = (
        row.batch_max_bytes,
        row.batch_max_messages,
        row.max_in_flight,
        row.buffer_max_bytes,
        row.request_timeout_ns,
        row.delivery_timeout_ns,
        row.retry,
    )
    is_plain = not row.batches[source] and not row.idempotent[source]
    if is_plain and all(bound[source] == NONE for bound in bounds):
        return Publisher(model, source, channel, connection)
    return BatchingPublisher(model, source, channel, connection)
