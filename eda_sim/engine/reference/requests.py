"""Requests and batches: what travels from a publisher to a partition."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import TYPE_CHECKING

from eda_sim.engine.plan import NONE

if TYPE_CHECKING:
    from eda_sim.engine.reference.ledger import Message, Origin
    from eda_sim.engine.reference.publishers import Publisher
    from eda_sim.engine.reference.transfers import Mover, Then


class Request:
    """One trip of some messages to a partition.

    Attributes
    ----------
    publisher, incarnation
        Who sent it; a publisher that crashed and came back is another one.
    batch
        Whose trip it is; None for a publisher that does not keep account.
    attempt, trip
        Number of the attempt, from 1; trip 2 attempt - 1, or 2 attempt for the double that a link
        made of it.
    sequence, floor
        Sequence number of the first message, NONE without; and the number that has to be stored
        before it, so that nothing is left out that may still come.
    has_reserved
        Whether room is kept for it in a partition that has limits.
    origin, then
        Of a transfer within the broker: where the copy comes from, and who is told of it.
    delay_ns
        How long it waits before consumers can have it, besides the delay of the channel.
    """

    origin: Origin | None = None
    then: Then | None = None
    delay_ns: int = 0

    __slots__ = (
        "attempt",
        "batch",
        "floor",
        "has_reserved",
        "incarnation",
        "messages",
        "partition",
        "publisher",
        "sequence",
        "size_bytes",
        "trip",
    )

    def __init__(
        self,
        publisher: Publisher | Mover,
        partition: int,
        messages: Sequence[Message],
        size_bytes: int,
        batch: Batch | None = None,
        attempt: int = 1,
    ) -> None:
        self.publisher = publisher
        self.incarnation = publisher.incarnation
        self.partition = partition
        self.messages = messages
        self.size_bytes = size_bytes
        self.batch = batch
        self.attempt = attempt
        self.trip = 2 * attempt - 1
        self.sequence = NONE
        self.floor = 0
        self.has_reserved = False

    def double(self) -> Request:
        """Return the second arrival that a link makes of one request."""
        twin = Request(
            self.publisher, self.partition, self.messages, self.size_bytes, self.batch, self.attempt
        )
        twin.incarnation = self.incarnation
        twin.trip = self.trip + 1
        twin.sequence, twin.floor = self.sequence, self.floor
        return twin


class BatchState(enum.IntEnum):
    """Where a batch stands."""

    COLLECTING = 0
    READY = 1
    IN_FLIGHT = 2
    BACKING_OFF = 3
    DONE = 4


class Batch:
    """Messages for one partition that leave together; ``number`` is the id of the first.

    Attributes
    ----------
    attempts : int
        Requests sent so far.
    deadline : int
        When it is given up, in ns; NONE for never.
    in_doubt : bool
        Whether one of them was never answered.
    is_open : bool
        Whether the run counts its messages as on their way.
    sequence, place : int
        With sequence numbers, that of the first message, and the number of the batch itself among
        those for its partition.
    """

    __slots__ = (
        "attempts",
        "deadline",
        "delay_ns",
        "first_sent_at",
        "in_doubt",
        "is_open",
        "messages",
        "number",
        "partition",
        "place",
        "sequence",
        "size_bytes",
        "state",
    )

    def __init__(self, message: Message) -> None:
        self.number = message.message_id
        self.partition = message.partition
        self.messages = [message]
        self.size_bytes = message.size_bytes
        self.state = BatchState.COLLECTING
        self.attempts = 0
        self.deadline = NONE
        self.first_sent_at = NONE
        self.delay_ns = 0
        self.in_doubt = False
        self.is_open = True
        self.sequence = self.place = NONE

    def __lt__(self, other: Batch) -> bool:
        return self.number < other.number
