"""Leases on deliveries: how they run out, how they are kept, and who notices.

The clock of a lease starts when the broker hands the delivery over, so the time that it waits in
the client's own buffer counts. A worker may renew the leases of what it is handling; when a lease
runs out nevertheless, the handler runs on, and a second one may get the same message.

Usually the broker has a timer for each lease. Some brokers have none: there the clients look, each
at its own interval, for leases that have run out (Redis' XAUTOCLAIM). A lease that covers a
connection has no clock of its own, but the broker may lose patience: with an instance from which it
hears nothing (``connection_timeout``), or with a delivery that takes too long; then it closes the
connection, and all leases that went with it end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eda_sim.engine.lineage import mix
from eda_sim.engine.plan import NONE, UNIT_UNIFORM, LeaseScope
from eda_sim.engine.ranks import Rank
from eda_sim.engine.reference.ledger import Delivery
from eda_sim.engine.reference.retries import Retries
from eda_sim.engine.streams import samplers
from eda_sim.engine.streams.addresses import Stream
from eda_sim.engine.trace import NEVER, LeaseEnd

if TYPE_CHECKING:
    from eda_sim.engine.reference.queues import Queue
    from eda_sim.engine.reference.sessions import Session


class Leases:
    """The leases of one queue.

    Attributes
    ----------
    run_out : bool
        Leases have a clock.
    are_renewed : bool
        Workers renew the leases of what they handle.
    """

    def __init__(self, queue: Queue) -> None:
        model, index = queue.model, queue.index
        row = model.plan.subscriptions
        self.queue = queue
        self._timeout_ns = int(row.lease_timeout_ns[index])
        self._renewal_ns = int(row.lease_renewal_ns[index])
        self._renewal_limit_ns = int(row.lease_renewal_limit_ns[index])
        self._sweep_ns = int(row.sweep_interval_ns[index])
        self._closes_connection = row.lease_scope[index] == LeaseScope.CONNECTION
        self._backoff: Retries | None = None
        if row.lease_backoff[index] != NONE:
            self._backoff = Retries(model, row.lease_backoff[index])
        self._connection_timeout = None
        if row.connection_timeout[index] != NONE:
            self._connection_timeout = model.draws(row.connection_timeout[index], Stream.DETECTION)
        has_clock = self._timeout_ns != NONE or self._backoff is not None
        self.run_out = has_clock and not queue.consumer.settles_automatically
        self.are_renewed = self.run_out and self._renewal_ns != NONE
        self._running: list[Delivery] = []
        self._sweeping: set[Session] = set()
        self._renewals: dict[Session, int] = {}
        # A consumer may have several queues, and what it sends about them needs numbers of its own.
        own = [i for i, consumer in enumerate(row.consumer) if consumer == queue.consumer.index]
        self._place, self._queues = own.index(index), len(own)

    # The clock of a lease -----------------------------------------------------------------------

    def begin(self, delivery: Delivery) -> None:
        """Start the clock of a lease."""
        delivery.deadline = delivery.acquired_at + self._length_ns(delivery.attempt)
        if self._sweep_ns == NONE:
            self._set_timer(delivery)
        else:
            self._running.append(delivery)

    def _length_ns(self, attempt: int) -> int:
        """Return how long the lease of an attempt lasts."""
        if self._backoff is None:
            return self._timeout_ns
        return self._backoff.delay_ns(0, 0, attempt, 0, 0)

    def _set_timer(self, delivery: Delivery) -> None:
        self.queue.model.clock.call_at(
            lambda: self._time_is_up(delivery),
            delivery.deadline,
            Rank.LEASE_EXPIRY,
            self.queue.index,
            delivery.copy_id,
            delivery.attempt,
        )

    def _time_is_up(self, delivery: Delivery) -> None:
        if delivery.entry.holder is not delivery:
            return
        if delivery.deadline > self.queue.model.clock.now:
            self._set_timer(delivery)
        elif self._closes_connection:
            self._close(delivery.session)
        else:
            self._end(delivery)
            self.queue.dispatcher.dispatch()

    def _end(self, delivery: Delivery) -> None:
        self.queue.redelivery.take_back(delivery, LeaseEnd.EXPIRED)

    # Renewal ------------------------------------------------------------------------------------

    def keep(self, delivery: Delivery) -> None:
        """Renew a lease from time to time while its handler runs."""
        clock = self.queue.model.clock
        clock.call_at(
            lambda: self._renewal_is_due(delivery),
            clock.now + self._renewal_ns,
            Rank.RENEWAL_DUE,
            self.queue.index,
            delivery.copy_id,
            delivery.attempt,
        )

    def _renewal_is_due(self, delivery: Delivery) -> None:
        if delivery.finished_at != NEVER:
            return
        session = delivery.session
        if not session.silent:
            number = self._renewals.get(session, 0)
            self._renewals[session] = number + 1
            event = number * self._queues + self._place
            session.to_broker(lambda: self._renew(delivery), Rank.LEASE_RENEWAL, event, 0)
        self.keep(delivery)

    def _renew(self, delivery: Delivery) -> None:
        """Start the clock of a lease anew, if it has not ended yet."""
        if delivery.entry.holder is not delivery:
            return
        deadline = self.queue.model.clock.now + self._timeout_ns
        if self._renewal_limit_ns != NONE:
            deadline = min(deadline, delivery.acquired_at + self._renewal_limit_ns)
        delivery.deadline = max(delivery.deadline, deadline)

    # Sweeps -------------------------------------------------------------------------------------

    def connected(self, session: Session) -> None:
        """Let an instance that has come up begin to sweep, at a time of its own."""
        if self._sweep_ns == NONE or session in self._sweeping:
            return
        self._sweeping.add(session)
        run = self.queue.model.plan.run
        share = samplers.sample(
            self.queue.model.plan.distributions,
            UNIT_UNIFORM,
            run.seed,
            run.replication,
            int(Stream.DETECTION),
            mix(mix(self.queue.consumer.address, self.queue.address), session.instance),
            session.number,
            1,
        )
        self._sweep_after(session, 0, int(share * self._sweep_ns))

    def _sweep_after(self, session: Session, number: int, delay_ns: int) -> None:
        clock = self.queue.model.clock
        clock.call_at(
            lambda: self._sweep_is_due(session, number),
            clock.now + delay_ns,
            Rank.SWEEP_DUE,
            self.queue.index,
            session.instance,
            (session.number << 24) + number,
        )

    def _sweep_is_due(self, session: Session, number: int) -> None:
        if not session.alive:
            self._sweeping.remove(session)
            return
        if not session.silent:
            event = number * self._queues + self._place
            session.to_broker(self._sweep, Rank.SWEEP, event, 0)
        self._sweep_after(session, number + 1, self._sweep_ns)

    def _sweep(self) -> None:
        """End all leases that have run out."""
        now = self.queue.model.clock.now
        running = [delivery for delivery in self._running if delivery.entry.holder is delivery]
        self._running = [delivery for delivery in running if delivery.deadline > now]
        for delivery in running:
            if delivery.deadline <= now:
                self._end(delivery)
        self.queue.dispatcher.dispatch()

    # Connections --------------------------------------------------------------------------------

    def fell_silent(self, session: Session) -> None:
        """Start the broker's patience with an instance from which it hears nothing."""
        if self._connection_timeout is None or session not in self.queue.held:
            return
        silence = session.silences
        sender = mix(mix(self.queue.consumer.address, session.instance), session.number)
        clock = self.queue.model.clock
        clock.call_at(
            lambda: self._patience_is_over(session, silence),
            clock.now + self._connection_timeout.ns(sender, silence),
            Rank.CONNECTION_TIMEOUT,
            self.queue.index,
            session.instance,
            (session.number << 12) + silence,
        )

    def _patience_is_over(self, session: Session, silence: int) -> None:
        if session.silent and session.silences == silence:
            self.queue.disconnect(session)

    def is_heard(self, session: Session) -> None:
        """Let an instance connect anew whose connection was closed while it was silent."""
        if session.alive and session not in self.queue.held:
            self._reconnect(session)

    def _close(self, session: Session) -> None:
        """Close a connection because a delivery took too long; a live instance connects anew."""
        self.queue.disconnect(session, LeaseEnd.EXPIRED)
        if session.alive and not session.silent:
            self._reconnect(session)

    def _reconnect(self, session: Session) -> None:
        self.queue.connect(session)
        if self.queue.is_pulled:
            session.ask_again()
