"""Queues: subscriptions with a lease on each delivery, settled one by one.

A copy is AVAILABLE, then ACQUIRED by one instance under a lease, then ACKNOWLEDGED. When the lease
ends in another way (it runs out, its holder releases or rejects the delivery, or is gone), the copy
comes back, at once or after a delay (SCHEDULED), until it is given up: DISCARDED, PARKED or
DEAD_LETTERED. Its next hand-over is its next attempt.

This module is the state machine of a copy. The order of what is available is in :mod:`waiting`,
who gets it in :mod:`dispatch` and :mod:`endpoints`, how leases run out in :mod:`leases`, how copies
come back in :mod:`redelivery`, and what becomes of them in the end in :mod:`dead_letters`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eda_sim.engine.plan import NONE, DeliveryCount, DeliveryMode, LeaseScope, RequeuePosition
from eda_sim.engine.reference.dead_letters import DeadLetters
from eda_sim.engine.reference.dispatch import Dispatcher, Pull, Push
from eda_sim.engine.reference.endpoints import Endpoint
from eda_sim.engine.reference.leases import Leases
from eda_sim.engine.reference.ledger import Delivery, Entry
from eda_sim.engine.reference.model import Model
from eda_sim.engine.reference.redelivery import Redelivery
from eda_sim.engine.reference.waiting import ByPriority, InGroups, InOrder, Line
from eda_sim.engine.trace import NEVER, CopyState, LeaseEnd

if TYPE_CHECKING:
    from eda_sim.engine.reference.consumers import Consumer
    from eda_sim.engine.reference.sessions import Session
    from eda_sim.engine.reference.workers import Worker

_DISPATCHERS: dict[DeliveryMode, type[Dispatcher]] = {
    DeliveryMode.PULL: Pull,
    DeliveryMode.PUSH: Push,
    DeliveryMode.ENDPOINT: Endpoint,
}


class Queue:
    """One consumer's subscription to one channel, with a lease on each delivery.

    Attributes
    ----------
    available, scheduled, acquired : int
        How many copies are in each of the states in which they are not final.
    held : dict
        The leases of each connected session, in the order of hand-over.
    """

    def __init__(self, model: Model, index: int, consumer: Consumer) -> None:
        row = model.plan.subscriptions
        mode = DeliveryMode(row.delivery[index])
        self.model = model
        self.index = index
        self.consumer = consumer
        self.channel = int(row.channel[index])
        self.address = int(model.plan.channels.rows.address[self.channel])
        self.available = 0
        self.scheduled = 0
        self.acquired = 0
        self.held: dict[Session, dict[Delivery, None]] = {}
        self.line = _line(model, index)
        self.is_pulled = mode == DeliveryMode.PULL
        self.leases = Leases(self)
        self.redelivery = Redelivery(self)
        self.dead_letters = DeadLetters(self)
        self.dispatcher = _DISPATCHERS[mode](self)
        self._counts_deliveries = bool(row.delivery_count_on[index] & DeliveryCount.DELIVER)
        self._hold_on_disconnect = bool(row.hold_on_disconnect[index])
        self._parted: dict[int, list[Entry]] = {}
        self._has_deadlines = False
        self._honours_late = bool(row.late_acknowledgement_honoured[index])
        self._reject_requeues = bool(row.reject_requeues[index])
        self._window = NONE
        if row.outstanding_shared[index]:
            self._window = int(row.max_outstanding[index])

    def start(self) -> None:
        """Begin what happens at its own times."""
        self.dead_letters.start()

    # What the channel calls ---------------------------------------------------------------------

    def offer(self, entry: Entry) -> None:
        """Take in a copy that has just become visible."""
        self.line.add(entry)
        self.available += 1
        if entry.expires_at != NEVER:
            self._has_deadlines = True
        if entry.partition in self._parted:
            self._parted[entry.partition] += self.line.part(entry.partition)
        self.dispatcher.dispatch()

    def suspend(self, partition: int) -> None:
        """Take the copies of a partition out of the line: it has no leader to hand them over."""
        self._parted[partition] = self.line.part(partition)

    def resume(self, partition: int) -> None:
        """Let the copies of a partition take their old places again."""
        parted = self._parted.pop(partition, [])
        self.line.rejoin([entry for entry in parted if entry.state == CopyState.AVAILABLE])
        self.dispatcher.dispatch()

    def expire_at_head(self, partition: int) -> None:  # noqa: ARG002 - a queue has one head
        """Let go of the copies whose time is over, up to the first that is not."""
        first = self.line.first()
        while first is not None and NEVER < first.expires_at <= self.model.clock.now:
            self._remove(first, CopyState.EXPIRED)
            first = self.line.first()

    def hold(self, entry: Entry) -> None:
        """Take in a copy that is not visible before its delay is over."""
        entry.wait()
        self.scheduled += 1

    def admit(self, entry: Entry) -> None:
        """Let consumers have a copy whose delay is over, unless it has gone meanwhile."""
        if not entry.is_final:
            self.scheduled -= 1
            entry.appear(self.model.clock.now)
            self.offer(entry)

    def remove(self, entry: Entry, state: CopyState) -> None:
        """Let go of a copy that its channel no longer has; a handler that runs it runs on."""
        if entry.is_final:
            return
        self._remove(entry, state)
        if self._has_deadlines:
            self.expire_at_head(entry.partition)
        self.dispatcher.dispatch()

    def _remove(self, entry: Entry, state: CopyState) -> None:
        self._take_out(entry, LeaseEnd.REMOVED)
        if state == CopyState.EXPIRED:
            state = self.dead_letters.expired(entry)
        self.finish(entry, state)

    # What clients call --------------------------------------------------------------------------

    def connect(self, session: Session) -> None:
        """Open a connection; a broker that pushes starts to send at once."""
        self.held[session] = {}
        self.leases.connected(session)
        self.dispatcher.connect(session)
        self.dispatcher.dispatch()

    def cancel(self, session: Session) -> None:
        """Hand nothing more to an instance that is about to close its connection."""
        if session in self.held:
            self.dispatcher.disconnect(session)

    def disconnect(self, session: Session, end: LeaseEnd = LeaseEnd.DISCONNECTED) -> None:
        """Notice that a connection is closed; unless leases hold, what it held comes back."""
        held = self.held.pop(session, None)
        if held is None:
            return
        self.dispatcher.disconnect(session)
        if not self._hold_on_disconnect:
            for delivery in held:
                self.redelivery.take_back(delivery, end)
        self.dispatcher.dispatch()

    def settle(self, delivery: Delivery) -> None:
        """Take in an acknowledgement; one that comes after the lease has ended may be refused."""
        entry = delivery.entry
        if entry.holder is delivery:
            self.end_lease(delivery, LeaseEnd.ACKNOWLEDGED)
        elif self._honours_late and not entry.is_final:
            self._take_out(entry, LeaseEnd.OVERTAKEN)
        else:
            return
        delivery.settled_at = self.model.clock.now
        self.finish(entry, CopyState.ACKNOWLEDGED)
        self.dispatcher.dispatch()

    def release(self, delivery: Delivery, delay_ns: int = 0) -> None:
        """Take in a negative acknowledgement: the copy comes back, after a delay if it says so."""
        if delivery.entry.holder is delivery:
            self.redelivery.take_back(delivery, LeaseEnd.RELEASED, delay_ns)
            self.dispatcher.dispatch()

    def reject(self, delivery: Delivery) -> None:
        """Take in a rejection: the copy is given up, or comes back as long as the limit allows."""
        entry = delivery.entry
        if entry.holder is not delivery:
            return
        if self._reject_requeues:
            self.redelivery.take_back(delivery, LeaseEnd.REJECTED)
        else:
            self.end_lease(delivery, LeaseEnd.REJECTED)
            self.dead_letters.give_up(entry)
        self.dispatcher.dispatch()

    def move(self, delivery: Delivery) -> None:
        """Note that the holder has stored the message elsewhere and needs this copy no more."""
        if delivery.entry.holder is delivery:
            self.end_lease(delivery, LeaseEnd.ACKNOWLEDGED)
            self.finish(delivery.entry, CopyState.MOVED)
            self.dispatcher.dispatch()

    # Handing over -------------------------------------------------------------------------------

    def room(self) -> int:
        """Return how many more deliveries the subscription as a whole may have outstanding."""
        return self.available if self._window == NONE else self._window - self.acquired

    def hand_over(
        self, entries: list[Entry], session: Session, worker: Worker | None = None
    ) -> None:
        """Lease copies to an instance and send them."""
        batch = [self.acquire(entry, session, session.instance) for entry in entries]
        held = self.held[session]
        for delivery in batch:
            held[delivery] = None
        session.send(batch, worker)
        if self.consumer.settles_automatically:
            for delivery in batch:
                self.end_lease(delivery, LeaseEnd.ACKNOWLEDGED)
                delivery.settled_at = self.model.clock.now
                self.finish(delivery.entry, CopyState.ACKNOWLEDGED)
        if self._has_deadlines:
            self.expire_at_head(entries[0].partition)

    def acquire(self, entry: Entry, session: Session | None, instance: int) -> Delivery:
        """Begin the next attempt of a copy."""
        delivery = Delivery(entry, session, instance, self.model.clock.now)
        self.model.ledger.deliveries.append(delivery)
        entry.holder = delivery
        entry.state = CopyState.ACQUIRED
        self.available -= 1
        self.acquired += 1
        if self._counts_deliveries:
            entry.count += 1
        if self.leases.run_out and session is not None:
            self.leases.begin(delivery)
        return delivery

    # The states of a copy -----------------------------------------------------------------------

    def end_lease(self, delivery: Delivery, end: LeaseEnd, available_again_at: int = NONE) -> None:
        """End the lease of a copy's holder; its credit is free again."""
        delivery.end_lease(end, self.model.clock.now, available_again_at)
        delivery.entry.holder = None
        held = self.held.get(delivery.session)
        if held is not None and delivery in held:
            del held[delivery]
            self.dispatcher.give_back_credit(delivery.session)

    def make_available(self, entry: Entry) -> None:
        """Let a copy that was out wait for its next hand-over."""
        self._count_out(entry)
        self.available += 1
        entry.state = CopyState.AVAILABLE
        entry.available_at = self.model.clock.now
        self.line.put_back(entry)
        if entry.partition in self._parted:
            self._parted[entry.partition] += self.line.part(entry.partition)
        if NEVER < entry.expires_at <= entry.available_at:
            self._remove(entry, CopyState.EXPIRED)

    def schedule(self, entry: Entry) -> None:
        """Let a copy whose lease has ended wait for its redelivery delay."""
        self.acquired -= 1
        self.scheduled += 1
        entry.state = CopyState.SCHEDULED

    def finish(self, entry: Entry, state: CopyState) -> None:
        """Bring a copy whose lease has ended, or which had none, to a final state."""
        if entry.state == CopyState.AVAILABLE:
            self.available -= 1
        elif not entry.deliveries:
            self.scheduled -= 1  # held back since it was stored, so it never stood in line
        else:
            self._count_out(entry)
            self.line.settled(entry)
        self.redelivery.forget(entry)
        self.model.finish(entry, state)

    def _take_out(self, entry: Entry, end: LeaseEnd) -> None:
        """End the lease of a copy, if anybody holds one."""
        if entry.holder is not None:
            self.end_lease(entry.holder, end)

    def _count_out(self, entry: Entry) -> None:
        """Count one less in the state in which a copy was that was out."""
        if entry.state == CopyState.SCHEDULED:
            self.scheduled -= 1
        else:
            self.acquired -= 1


def _line(model: Model, index: int) -> Line:
    """Return the waiting line that a subscription asks for."""
    row = model.plan.subscriptions
    position = RequeuePosition(row.requeue_position[index])
    if row.lease_scope[index] == LeaseScope.GROUP:
        return InGroups()
    if row.priorities[index] > 1:
        return ByPriority(int(row.priorities[index]), position)
    return InOrder(position)
