"""Endpoints: a broker that calls the consumer, once for each message, and at once.

There is no credit: every message is sent as soon as it is there, to the instances in turn, and
waits there if their workers are busy. The answer to the call is the settlement: well
(acknowledged), try again (released), or never (rejected). An answer that does not come in time, an
instance that crashes meanwhile, and nobody there to take the call at all are failures; the retry
policy of the subscription says when the next attempt is made. That is how SNS calls HTTP endpoints.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from eda_sim.engine.reference.dispatch import Dispatcher
from eda_sim.engine.reference.ledger import Entry
from eda_sim.engine.trace import NEVER, LeaseEnd, Outcome

if TYPE_CHECKING:
    from eda_sim.engine.reference.queues import Queue
    from eda_sim.engine.reference.sessions import Session


class Endpoint(Dispatcher):
    """All messages at once, to the instances that are up in turn."""

    def __init__(self, queue: Queue) -> None:
        super().__init__(queue)
        self._round: deque[Session] = deque()

    def connect(self, session: Session) -> None:
        """Call an instance from now on."""
        self._round.append(session)

    def disconnect(self, session: Session) -> None:
        """Call an instance no longer."""
        if session in self._round:  # it may have cancelled before
            self._round.remove(session)

    def dispatch(self) -> None:
        """Make a call for each message that is due."""
        queue = self.queue
        while queue.available:
            batch = queue.line.take(1)
            if not batch:
                return
            if self._round:
                session = self._round[0]
                self._round.rotate(-1)
                queue.hand_over(batch, session)
            else:
                self._fail(batch[0])

    def _fail(self, entry: Entry) -> None:
        """Make an attempt that nobody takes."""
        delivery = self.queue.acquire(entry, None, NEVER)
        delivery.outcome = Outcome.REFUSED
        self.queue.redelivery.take_back(delivery, LeaseEnd.REFUSED)
