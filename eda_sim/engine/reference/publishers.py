"""Publishers: send messages to a channel and hear what became of them.

A :class:`Publisher` sends each message at once, in a request of its own, and waits for the answer
as long as it takes. One that collects batches, has a window or a buffer, loses patience or tries
again is a :class:`~eda_sim.engine.reference.batching.BatchingPublisher`, which keeps account of its
requests.

Three things end a request: it is *stored* and the broker replies, it is *refused* and the broker
replies, or it is *lost*: on its way, or in a broker that died.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from eda_sim.engine.plan import NONE, Acks
from eda_sim.engine.ranks import Rank
from eda_sim.engine.reference.ledger import Message
from eda_sim.engine.reference.links import Connection
from eda_sim.engine.reference.model import Model
from eda_sim.engine.reference.requests import Request
from eda_sim.engine.trace import NEVER, MessageStatus

if TYPE_CHECKING:
    from eda_sim.engine.reference.channels import Channel


class Publisher:
    """One sender of messages to one channel.

    Parameters
    ----------
    model : Model
        The run it is part of.
    source : int
        Number of the producer, or of the consumer that emits, among all sources.
    channel : Channel
        Where it publishes to.
    connection : Connection
        The way there and back.
    """

    def __init__(self, model: Model, source: int, channel: Channel, connection: Connection) -> None:
        row = model.plan.publishing
        is_planned = source < len(row.acks)  # a user's process is not
        self.model = model
        self.source = source
        self.connection = connection
        self.partitions = channel.partitions
        self.partitioning = channel.partitioning
        self.keyless = int(row.keyless[source]) if is_planned else NONE
        self.acks = int(row.acks[source]) if is_planned else int(Acks.ALL)
        self.hears_nothing = self.acks == Acks.NONE
        self.incarnation = 0

    def publish(self, message: Message) -> None:
        """Send a message that was just created."""
        message.partition = self.partitioning.choose(message, self.keyless)
        self.note_sent((message,))
        self.send(Request(self, message.partition, (message,), message.size_bytes))

    def crash(self) -> None:
        """Forget everything; an answer that comes later reaches nobody."""
        self.incarnation += 1

    def note_sent(self, messages: Iterable[Message]) -> None:
        """Record that messages leave; without acknowledgements that is all there is to know."""
        now = self.model.clock.now
        for message in messages:
            message.attempts += 1
            if message.sent_at == NEVER:
                message.sent_at = now
                message.status = MessageStatus.IN_FLIGHT
            if self.hears_nothing:
                message.confirmed_at = now
                message.status = MessageStatus.CONFIRMED

    # To the broker ------------------------------------------------------------------------------

    def send(self, request: Request) -> None:
        """Put a request on its way; the link may lose it or double it."""
        connection = self.connection
        if connection.is_perfect:
            self._carry(request)
            return
        first = request.messages[0]
        place = self.model.clock.now, first.lineage, first.root
        trips = [request]
        if connection.doubles(*place, request.trip):
            self.model.open += 1
            trips.append(request.double())
        for trip in trips:
            if connection.loses(*place, trip.trip):
                self.lose(trip)
            else:
                self._carry(trip)

    def _carry(self, request: Request) -> None:
        clock = self.model.clock
        now = clock.now
        first = request.messages[0]
        link = self.connection.to_broker
        arrival = link.arrival(now, first.lineage, first.root, request.trip, request.size_bytes)
        partition = self.partitions[request.partition]
        if arrival == now and not link.under_way:
            partition.receive(request)
            return
        link.under_way += 1

        def arrive() -> None:
            link.under_way -= 1
            partition.receive(request)

        clock.call_at(
            arrive,
            arrival,
            Rank.PUBLISH,
            self.source,
            first.message_id,
            request.trip,
        )

    # From the broker ----------------------------------------------------------------------------

    def reply(self, request: Request, *, stored: bool) -> None:
        """Carry the broker's answer to a request back."""
        if self.hears_nothing:
            return
        connection = self.connection
        clock = self.model.clock
        now = clock.now
        first = request.messages[0]
        lineage, root, trip = first.lineage, first.root, request.trip
        is_perfect = connection.is_perfect
        if not is_perfect and connection.loses_acknowledgement(now, lineage, root, trip):
            self.lose_answer(request, stored=stored)
            return
        arrival = connection.from_broker.arrival(now, lineage, root, trip)
        if arrival == now:
            self.hear(request, stored=stored)
            return
        clock.call_at(
            lambda: self.hear(request, stored=stored),
            arrival,
            Rank.CONFIRM,
            self.source,
            first.message_id,
            trip,
        )

    def refuse(self, request: Request) -> None:
        """Let the broker refuse a request."""
        if self.hears_nothing:
            self.lose(request)
        else:
            self.reply(request, stored=False)

    def hear(self, request: Request, *, stored: bool) -> None:
        """Take in the broker's answer."""
        is_mine = request.incarnation == self.incarnation
        if stored:
            if is_mine:
                self.confirm(request.messages)
            return
        # Who has crashed since then does not hear it; nobody will send the messages again.
        mark(request.messages, MessageStatus.REJECTED if is_mine else MessageStatus.LOST)
        self.model.close()

    def confirm(self, messages: Iterable[Message]) -> None:
        """Record that the source knows that its messages are safe."""
        now = self.model.clock.now
        for message in messages:
            if message.confirmed_at == NEVER:
                message.confirmed_at = now
            if message.status != MessageStatus.TRUNCATED:
                message.status = MessageStatus.CONFIRMED

    def lose(self, request: Request) -> None:
        """Note that a request ended nowhere; nobody will send its messages again."""
        mark(request.messages, MessageStatus.LOST)
        self.model.close()

    def lose_answer(self, request: Request, *, stored: bool) -> None:
        """Note that an answer ended nowhere."""
        if not stored:
            self.lose(request)


def mark(messages: Iterable[Message], status: MessageStatus) -> None:
    """Give a status to those messages that are not stored."""
    for message in messages:
        if message.copies == message.truncated:
            message.status = status
