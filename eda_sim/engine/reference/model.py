"""The model: what the parts of one run share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from eda_sim.engine.plan import Plan
from eda_sim.engine.reference.calls import Calls
from eda_sim.engine.reference.clock import Clock
from eda_sim.engine.reference.draws import Draws
from eda_sim.engine.reference.ledger import Entry, Ledger, Message
from eda_sim.engine.reference.scaling import Scaling
from eda_sim.engine.reference.schedules import Schedule
from eda_sim.engine.streams.addresses import Stream
from eda_sim.engine.trace import CopyState

if TYPE_CHECKING:
    from eda_sim.engine.reference.channels import Channel
    from eda_sim.engine.reference.consumers import Consumer
    from eda_sim.engine.reference.producers import Producer
    from eda_sim.engine.reference.users import UserCode

_REPORT_EVERY = 1000


class Model:
    """Clock, ledger and parts of one run, and the count of what is still open.

    ``open`` counts messages on their way to a channel, copies that are not final for a
    subscription, and deliveries that are not finished: a copy can be settled before it is handled,
    or while a second handler runs it. When production is over and nothing is open, a run that
    drains has reached its end.
    """

    def __init__(self, plan: Plan, user: UserCode) -> None:
        self.plan = plan
        self.user = user
        self.calls = Calls(self)
        self.scaling = Scaling(self)
        self.has_user_code = user.is_needed
        self.clock = Clock()
        self.ledger = Ledger(user.names)
        self.schedules = [Schedule(self, row) for row in range(len(plan.faults.what))]
        self.producers: list[Producer] = []
        self.channels: list[Channel] = []
        self.consumers: list[Consumer] = []
        self.created = 0
        self.producing = 0
        self.production_over = False
        self.on_created: Callable[[], None] | None = None
        self.open = 0
        self.drained = self.clock.signal()
        self.all_created = self.clock.signal()

    def draws(self, distribution: int, stream: Stream) -> Draws:
        """Return the draws of a distribution (a row of the plan's table) for one purpose."""
        run = self.plan.run
        return Draws(self.plan.distributions, int(distribution), run.seed, run.replication, stream)

    def create(
        self,
        source: int,
        channel: int,
        sequence: int,
        key: int,
        size_bytes: int,
        lineage: int,
        root: int,
        cause: Message | None = None,
    ) -> Message:
        """Record a new message and return it."""
        message = Message(
            message_id=len(self.ledger.messages),
            source=source,
            channel=channel,
            sequence=sequence,
            key=key,
            size_bytes=size_bytes,
            created_at=self.clock.now,
            lineage=lineage,
            root=root,
            cause=cause,
        )
        self.ledger.messages.append(message)
        self.open += 1
        return message

    def note_created(self) -> None:
        """Count one message of a producer; the last one that the run may create ends production."""
        self.created += 1
        if self.on_created is not None and self.created % _REPORT_EVERY == 0:
            self.on_created()
        if self.created == self.plan.run.messages:
            self._end_production()

    def producer_finished(self) -> None:
        """Note that one producer will create nothing more."""
        self.producing -= 1
        if self.producing == 0:
            self._end_production()

    def _end_production(self) -> None:
        if not self.production_over:
            self.production_over = True
            self.all_created.succeed()
            self._check_drained()

    def finish(self, entry: Entry, state: CopyState) -> None:
        """Move a copy to a final state."""
        entry.state = state
        entry.settled_at = self.clock.now
        if entry.record is not None:
            entry.record.note_settled()
        self.close()

    def close(self) -> None:
        """Count one open thing less."""
        self.open -= 1
        self._check_drained()

    def _check_drained(self) -> None:
        """Trigger ``drained`` when production is over and nothing is open."""
        if self.open == 0 and self.production_over and not self.drained.triggered:
            self.drained.succeed()
