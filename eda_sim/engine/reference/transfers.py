"""Transfers: copies that a subscription moves to another channel, within the broker.

A transfer is appended like a request, but nobody waits for an answer, and nothing of what is known
about the publishing of the message changes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from eda_sim.engine.plan import Acks
from eda_sim.engine.reference.ledger import Entry, Message, Origin
from eda_sim.engine.reference.requests import Request

if TYPE_CHECKING:
    from eda_sim.engine.reference.model import Model

Then = Callable[[int, list[Entry]], None]


class Mover:
    """The broker as the publisher of transfers."""

    acks = int(Acks.NONE)
    incarnation = 0

    def __init__(self, model: Model) -> None:
        self.model = model

    def reply(self, request: Request, *, stored: bool) -> None:
        """Tell nobody."""

    def refuse(self, _request: Request) -> None:
        """Drop what has no room."""
        self.model.close()

    def lose_answer(self, request: Request, *, stored: bool) -> None:
        """Tell nobody."""

    def lose(self, _request: Request) -> None:
        """Drop what the broker had in hand when it died."""
        self.model.close()


class Transfer(Request):
    """One copy on its way from one channel to another."""

    __slots__ = ("delay_ns", "origin", "then")

    def __init__(
        self,
        mover: Mover,
        partition: int,
        message: Message,
        origin: Origin,
        then: Then | None,
        delay_ns: int,
    ) -> None:
        super().__init__(mover, partition, (message,), message.size_bytes)
        self.origin = origin
        self.then = then
        self.delay_ns = delay_ns
