"""Verdicts: what becomes of a message whose handler failed, when it is not tried again in place."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, NamedTuple

from eda_sim.engine.plan import OnExhausted, RetryWhere
from eda_sim.engine.reference.ledger import Delivery, Entry, History, Origin
from eda_sim.engine.reference.retries import GIVE_UP, Retries
from eda_sim.engine.trace import CopyState, Outcome

if TYPE_CHECKING:
    from eda_sim.engine.reference.consumers import Consumer


class Action(enum.Enum):
    """What an instance tells the broker about a delivery that failed."""

    RELEASE = enum.auto()
    REJECT = enum.auto()
    LEAVE = enum.auto()
    MOVE = enum.auto()


class Verdict(NamedTuple):
    """What shall become of a delivery that failed; ``delay_ns`` is how long it shall wait."""

    action: Action
    delay_ns: int = 0


_EXHAUSTED = {
    OnExhausted.REJECT: Verdict(Action.REJECT),
    OnExhausted.RELEASE: Verdict(Action.RELEASE),
    OnExhausted.LEAVE: Verdict(Action.LEAVE),
}


class Verdicts:
    """How one consumer decides about failed messages.

    Attributes
    ----------
    retries : Retries
        Its retry policy.
    in_place : bool
        Whether the worker that failed is the one that tries again.
    """

    def __init__(self, consumer: Consumer) -> None:
        row, index = consumer.model.plan.handling, consumer.index
        self.consumer = consumer
        self.model = consumer.model
        self.retries = Retries(self.model, row.retry[index])
        self._where = RetryWhere(row.retry_where[index])
        self.in_place = self._where == RetryWhere.IN_PLACE
        self._retry_channel = int(row.retry_channel[index])
        self._exhausted = _EXHAUSTED[OnExhausted(row.on_exhausted[index])]

    def decide(self, delivery: Delivery) -> Verdict:
        """Decide about a failed delivery, and note it for a cumulative settlement."""
        delay_ns = GIVE_UP if self.in_place else self._delay_elsewhere(delivery)
        if delay_ns == GIVE_UP:
            rejected = self._exhausted.action == Action.REJECT
            delivery.outcome = Outcome.DEAD if rejected else Outcome.FAILED
            self._dispose(delivery, CopyState.DISCARDED)
            return self._exhausted
        delivery.outcome = Outcome.FAILED
        if self._where == RetryWhere.REQUEUE:
            return Verdict(Action.RELEASE, delay_ns)
        self._dispose(delivery, CopyState.MOVED)
        return Verdict(Action.MOVE, delay_ns)

    def gives_up(self, verdict: Verdict) -> bool:
        """Return whether the consumer itself will not try this message again."""
        return verdict is self._exhausted

    def _delay_elsewhere(self, delivery: Delivery) -> int:
        """Return the delay before a message is tried again by whoever gets it next."""
        history = History.of(delivery)
        message = delivery.message
        delay_ns = self.retries.delay_ns(
            self.consumer.entity(delivery.entry.lineage),
            message.root,
            history.tried + delivery.attempt,
            self.model.clock.now - history.first_started_at,
            history.previous_delay_ns,
        )
        history.previous_delay_ns = max(0, delay_ns)
        return delay_ns

    def store_for_retry(self, delivery: Delivery, delay_ns: int) -> None:
        """Store a copy of a failed message in the retry channel; its attempts go on there."""
        entry, before = delivery.entry, History.of(delivery)
        deliveries = before.earlier + entry.deliveries
        origin = Origin(entry.copy_id, entry.consumer, deliveries, entry.lineage)

        def carry_over(_: int, entries: list[Entry]) -> None:
            for copy in entries:
                if copy.consumer == entry.consumer:
                    copy.history = History(
                        before.first_started_at, origin.deliveries, before.tried + delivery.attempt
                    )
                    copy.history.previous_delay_ns = before.previous_delay_ns

        channel = self.model.channels[self._retry_channel]
        channel.store_copy(entry.message, origin, carry_over, delay_ns)

    def _dispose(self, delivery: Delivery, state: CopyState) -> None:
        """Let a later cumulative acknowledgement bring the copy to this state."""
        if not self.consumer.settle_before:
            delivery.entry.disposition = state
