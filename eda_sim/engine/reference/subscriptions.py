"""Subscriptions with a lease on each delivery: queues, share groups, individual acknowledgement.

A copy is AVAILABLE, then ACQUIRED by one instance, then ACKNOWLEDGED. It goes back to AVAILABLE, at
its old place in the order, when its lease runs out or its holder disconnects; the next hand-over is
its next attempt. The lease clock starts at the hand-over, so the time that a delivery waits in the
client's own buffer counts.
"""

from __future__ import annotations

import heapq
from collections import deque
from typing import TYPE_CHECKING, Protocol

from eda_sim.engine.plan import NONE, DeliveryMode
from eda_sim.engine.ranks import Rank
from eda_sim.engine.reference.ledger import Delivery, Entry
from eda_sim.engine.reference.model import Model
from eda_sim.engine.trace import CopyState

if TYPE_CHECKING:
    from eda_sim.engine.reference.consumers import Consumer
    from eda_sim.engine.reference.sessions import Session
    from eda_sim.engine.reference.workers import Worker


class Subscription(Protocol):
    """What a channel and the sampler ask of a subscription, whatever its leases cover."""

    consumer: Consumer
    channel: int
    available: int
    scheduled: int
    acquired: int

    def offer(self, entry: Entry) -> None:
        """Take in a copy that has just become visible."""

    def remove(self, entry: Entry, state: CopyState) -> None:
        """Let go of a copy that its channel no longer has.

        ``state`` is EXPIRED (retention, time to live, overflow) or TRUNCATED (a failover lost it).
        A copy that is final stays what it is.
        """


class DeliverySubscription:
    """One consumer's subscription to one channel, with a lease on each delivery.

    ``pull``: an idle worker has one request out, and requests are served in the order in which they
    reached the broker (so the worker that is idle longest is served first). ``push``: the broker
    goes round robin over the instances that have credit, one delivery each.
    """

    def __init__(self, model: Model, index: int, consumer: Consumer) -> None:
        row = model.plan.subscriptions
        self.model = model
        self.index = index
        self.consumer = consumer
        self.channel = int(row.channel[index])
        self.push = row.delivery[index] == DeliveryMode.PUSH
        self.fetch_max_messages = int(row.fetch_max_messages[index])
        self.max_outstanding = int(row.max_outstanding[index])
        self.lease_timeout_ns = int(row.lease_timeout_ns[index])
        self.hold_on_disconnect = bool(row.hold_on_disconnect[index])
        self.honours_late = bool(row.late_acknowledgement_honoured[index])
        self.available = 0
        self.acquired = 0
        self.scheduled = 0
        self._fresh: deque[Entry] = deque()
        self._returned: list[tuple[int, Entry]] = []
        self._requests: deque[Request] = deque()
        self._ring: deque[Session] = deque()
        self._held: dict[Session, dict[Delivery, None]] = {}

    # What the channel and the clients call ------------------------------------------------------

    def offer(self, entry: Entry) -> None:
        """Take in a copy that was just stored."""
        self._fresh.append(entry)
        self.available += 1
        self._dispatch()

    def remove(self, entry: Entry, state: CopyState) -> None:
        """Let go of a copy that its channel no longer has; a handler that runs it runs on."""
        if not entry.is_final:
            self._leave(entry)
            self.model.finish(entry, state)

    def connect(self, session: Session) -> None:
        """Open a connection; a pushing broker starts to send at once."""
        self._held[session] = {}
        if self.push:
            self._ring.append(session)
            self._dispatch()

    def request(self, request: Request) -> None:
        """Take in a worker's request; it waits here until there is something to hand over."""
        if request.worker.session in self._held:
            self._requests.append(request)
            self._dispatch()

    def settle(self, delivery: Delivery) -> None:
        """Take in an acknowledgement; one that comes after the lease ran out may be refused."""
        entry = delivery.entry
        self._give_back_credit(delivery)
        if entry.holder is delivery or (self.honours_late and not entry.is_final):
            self._leave(entry)
            delivery.settled_at = self.model.clock.now
            self.model.finish(entry, CopyState.ACKNOWLEDGED)
        self._dispatch()

    def release(self, delivery: Delivery, delay_ns: int = 0) -> None:
        """Take in a negative acknowledgement: the copy is available again, after a delay."""
        entry = delivery.entry
        self._give_back_credit(delivery)
        if entry.holder is delivery:
            if delay_ns:
                self._schedule(entry, delay_ns)
            else:
                self._make_available(entry)
        self._dispatch()

    def reject(self, delivery: Delivery) -> None:
        """Take in a rejection: the copy is not wanted again."""
        entry = delivery.entry
        self._give_back_credit(delivery)
        if entry.holder is delivery:
            self._leave(entry)
            self.model.finish(entry, CopyState.DISCARDED)
        self._dispatch()

    def disconnect(self, session: Session) -> None:
        """Notice that a connection is closed; unless leases hold, what it held is free again."""
        held = self._held.pop(session, None)
        if held is None:
            return
        if self.push:
            self._ring.remove(session)
        if not self.hold_on_disconnect:
            for delivery in held:
                if delivery.entry.holder is delivery:
                    self._make_available(delivery.entry)
        self._dispatch()

    # Leases -------------------------------------------------------------------------------------

    def _expire(self, delivery: Delivery) -> None:
        if delivery.entry.holder is delivery:
            self._give_back_credit(delivery)
            self._make_available(delivery.entry)
            self._dispatch()

    def _schedule(self, entry: Entry, delay_ns: int) -> None:
        """Let an acquired copy wait before it is available again."""
        clock = self.model.clock
        self.acquired -= 1
        self.scheduled += 1
        entry.holder = None
        entry.state = CopyState.SCHEDULED
        clock.call_at(
            lambda: self._due(entry),
            clock.now + delay_ns,
            Rank.REDELIVERY,
            self.index,
            entry.copy_id,
            entry.deliveries,
        )

    def _due(self, entry: Entry) -> None:
        if entry.state == CopyState.SCHEDULED:
            self._make_available(entry)
            self._dispatch()

    def _make_available(self, entry: Entry) -> None:
        if entry.state == CopyState.SCHEDULED:
            self.scheduled -= 1
        else:
            self.acquired -= 1
        self.available += 1
        entry.holder = None
        entry.state = CopyState.AVAILABLE
        entry.available_at = self.model.clock.now
        heapq.heappush(self._returned, (entry.copy_id, entry))

    def _leave(self, entry: Entry) -> None:
        """Take a copy out of whichever count it is in."""
        if entry.state == CopyState.ACQUIRED:
            self.acquired -= 1
        elif entry.state == CopyState.SCHEDULED:
            self.scheduled -= 1
        else:
            self.available -= 1
        entry.holder = None

    def _give_back_credit(self, delivery: Delivery) -> None:
        held = self._held.get(delivery.session)
        if held is not None:
            held.pop(delivery, None)

    # Dispatch -----------------------------------------------------------------------------------

    def _dispatch(self) -> None:
        while self.available:
            if self.push:
                session = self._next_with_credit()
                if session is None:
                    return
                self._hand_over(session, None, 1)
            else:
                request = self._next_request()
                if request is None:
                    return
                self._hand_over(request.worker.session, request.worker, self.fetch_max_messages)

    def _next_request(self) -> Request | None:
        while self._requests:
            request = self._requests.popleft()
            if not request.answered and request.worker.session in self._held:
                request.answered = True
                return request
        return None

    def _next_with_credit(self) -> Session | None:
        for _ in range(len(self._ring)):
            session = self._ring[0]
            self._ring.rotate(-1)
            if self.max_outstanding == NONE or len(self._held[session]) < self.max_outstanding:
                return session
        return None

    def _hand_over(self, session: Session, worker: Worker | None, limit: int) -> None:
        batch: list[Delivery] = []
        while self.available and len(batch) < limit:
            batch.append(self._acquire(self._take(), session))
        session.send(batch, worker)

    def _take(self) -> Entry:
        """Remove and return the first available copy, in the order of storing."""
        while self._returned and self._returned[0][1].state != CopyState.AVAILABLE:
            heapq.heappop(self._returned)  # acknowledged late, or removed, while it waited here
        while self._fresh and self._fresh[0].state != CopyState.AVAILABLE:
            self._fresh.popleft()
        if self._returned and not (self._fresh and self._fresh[0].copy_id < self._returned[0][0]):
            return heapq.heappop(self._returned)[1]
        return self._fresh.popleft()

    def _acquire(self, entry: Entry, session: Session) -> Delivery:
        model = self.model
        now = model.clock.now
        delivery = Delivery(entry, session, session.instance, now)
        model.ledger.deliveries.append(delivery)
        entry.holder = delivery
        entry.state = CopyState.ACQUIRED
        self.available -= 1
        self.acquired += 1
        self._held[session][delivery] = None
        if self.lease_timeout_ns != NONE:
            model.clock.call_at(
                lambda: self._expire(delivery),
                now + self.lease_timeout_ns,
                Rank.LEASE_EXPIRY,
                self.index,
                entry.copy_id,
                delivery.attempt,
            )
        return delivery


class Request:
    """An idle worker's request for messages; the first channel that has some answers it."""

    __slots__ = ("answered", "worker")

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self.answered = False
