"""Records: stored copies as their partition sees them.

An ideal partition needs none: a copy lives on in its subscriptions alone. A partition that
replicates, drops or remembers keeps a record of each copy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eda_sim.engine.plan import NONE
from eda_sim.engine.reference.ledger import Entry, Message
from eda_sim.engine.reference.requests import Request

if TYPE_CHECKING:
    from eda_sim.engine.reference.retention import Limits


class Record:
    """One stored copy.

    Attributes
    ----------
    entries
        The copy as each subscription sees it.
    publisher, incarnation, sequence
        Who published it, and its sequence number; NONE without.
    is_published, is_committed, is_gone
        Whether a publisher sent it, or the broker moved it here; whether subscriptions may see it;
        whether the partition has dropped it.
    delay_ns
        How long it waits before consumers can have it, besides the delay of the channel.
    limits, unsettled
        Who is told when it is final for all subscriptions, and for how many it is not yet.
    """

    __slots__ = (
        "delay_ns",
        "entries",
        "incarnation",
        "is_committed",
        "is_gone",
        "is_published",
        "limits",
        "message",
        "offset",
        "publisher",
        "sequence",
        "size_bytes",
        "stored_at",
        "unsettled",
    )

    def __init__(
        self, message: Message, offset: int, now: int, request: Request, place: int
    ) -> None:
        self.message = message
        self.offset = offset
        self.stored_at = now
        self.size_bytes = message.size_bytes
        self.publisher: object = request.publisher
        self.incarnation = request.incarnation
        self.sequence = NONE if request.sequence == NONE else request.sequence + place
        self.entries: list[Entry] = []
        self.unsettled = 0
        self.delay_ns = request.delay_ns
        self.is_published = request.origin is None
        self.is_committed = False
        self.is_gone = False
        self.limits: Limits | None = None

    def note_settled(self) -> None:
        """Count one subscription that does not need it any more; after the last it may go."""
        self.unsettled -= 1
        if self.unsettled == 0 and not self.is_gone and self.limits is not None:
            self.is_gone = True
            self.limits.note_gone(self)
