"""Redelivery: how a copy comes back whose lease ended without a settlement.

Every end counts or does not (``delivery_count_on``); a copy is given up when its next delivery
would bring the count above ``max_deliveries``, or when the retry policy has no further attempt.
Else it is available again after the delay of the policy; with a delay it is SCHEDULED meanwhile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eda_sim.engine.lineage import mix
from eda_sim.engine.plan import AT_ONCE, NONE, DeliveryCount
from eda_sim.engine.ranks import Rank
from eda_sim.engine.reference.ledger import Delivery, Entry
from eda_sim.engine.reference.retries import GIVE_UP, Retries
from eda_sim.engine.trace import CopyState, LeaseEnd

if TYPE_CHECKING:
    from eda_sim.engine.reference.queues import Queue

_COUNTED_AS = {
    LeaseEnd.EXPIRED: DeliveryCount.TIMEOUT,
    LeaseEnd.RELEASED: DeliveryCount.NACK,
    LeaseEnd.REJECTED: DeliveryCount.REJECT,
    LeaseEnd.DISCONNECTED: DeliveryCount.DISCONNECT,
    LeaseEnd.REFUSED: DeliveryCount.DISCONNECT,
}


class Redelivery:
    """The rules by which copies of one queue come back."""

    def __init__(self, queue: Queue) -> None:
        model = queue.model
        row, index = model.plan.subscriptions, queue.index
        self.queue = queue
        self._counted = int(row.delivery_count_on[index])
        self._limit = int(row.max_deliveries[index])
        self._next_counts = int(bool(self._counted & DeliveryCount.DELIVER))
        self._policy = _policy(queue, int(row.redelivery[index]))
        self._nack_policy = self._policy
        if row.nack_redelivery[index] != row.redelivery[index]:
            self._nack_policy = _policy(queue, int(row.nack_redelivery[index]))
        self._began_at: dict[Entry, int] = {}
        self._last_delay_ns: dict[Entry, int] = {}

    def take_back(self, delivery: Delivery, end: LeaseEnd, delay_ns: int = 0) -> None:
        """Take a copy back from its holder; ``delay_ns`` is what the holder asked for."""
        queue, entry = self.queue, delivery.entry
        if self._counted & _COUNTED_AS[end]:
            entry.count += 1
        exceeded = self._limit != NONE and entry.count + self._next_counts > self._limit
        if not exceeded and not delay_ns:
            delay_ns = self._delay_ns(delivery, end)
        if exceeded or delay_ns == GIVE_UP:
            queue.end_lease(delivery, end)
            queue.dead_letters.give_up(entry)
            return
        now = queue.model.clock.now
        queue.end_lease(delivery, end, now + delay_ns)
        if not delay_ns:
            queue.make_available(entry)
            return
        queue.schedule(entry)
        queue.model.clock.call_at(
            lambda: self._due(entry, delivery.attempt),
            now + delay_ns,
            Rank.REDELIVERY,
            queue.index,
            entry.copy_id,
            delivery.attempt,
        )

    def _due(self, entry: Entry, attempt: int) -> None:
        if entry.state == CopyState.SCHEDULED and entry.deliveries == attempt:
            self.queue.make_available(entry)
            self.queue.dispatcher.dispatch()

    def _delay_ns(self, delivery: Delivery, end: LeaseEnd) -> int:
        """Return the delay of the retry policy, or GIVE_UP."""
        policy = self._nack_policy if end == LeaseEnd.RELEASED else self._policy
        if policy is None:
            return 0
        queue, entry, message = self.queue, delivery.entry, delivery.message
        if entry not in self._began_at:
            policy.note_first_attempt()
            self._began_at[entry] = delivery.acquired_at
        delay_ns = policy.delay_ns(
            mix(queue.consumer.entity(entry.lineage), queue.address),
            message.root,
            delivery.attempt,
            queue.model.clock.now - self._began_at[entry],
            self._last_delay_ns.get(entry, 0),
        )
        self._last_delay_ns[entry] = delay_ns
        return delay_ns

    def forget(self, entry: Entry) -> None:
        """Drop what was kept about a copy that is final."""
        if self._began_at:
            self._began_at.pop(entry, None)
            self._last_delay_ns.pop(entry, None)


def _policy(queue: Queue, row: int) -> Retries | None:
    """Return a retry policy; None for copies that come back at once, without end."""
    return None if row == AT_ONCE else Retries(queue.model, row)
