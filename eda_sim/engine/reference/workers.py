"""Workers: take one delivery after the other and handle it."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING

import simpy
from simpy.events import Event

from eda_sim.engine.ranks import Rank
from eda_sim.engine.reference.clock import Process
from eda_sim.engine.reference.ledger import Delivery
from eda_sim.engine.reference.subscriptions import Request
from eda_sim.engine.trace import Outcome

if TYPE_CHECKING:
    from eda_sim.engine.reference.sessions import Session


class Worker:
    """One thread of an instance.

    ``inbox`` holds what this worker asked for and has not taken up yet.
    """

    def __init__(self, session: Session, number: int) -> None:
        self.session = session
        self.consumer = session.consumer
        self.model = session.model
        self.number = number
        self.inbox: deque[Delivery] = deque()
        self.running = False
        self._woken: Event | None = None
        self._process: simpy.Process | None = None

    def start(self) -> None:
        """Let the worker run."""
        self._process = self.model.clock.start(self._until_stopped())

    def stop(self) -> None:
        """End the worker where it stands."""
        if self.running:
            self.running = False
            self.consumer.busy -= 1
            self.model.close()
        if self._process is not None and self._process.is_alive:
            self._process.interrupt()

    def receive(self, batch: Sequence[Delivery]) -> None:
        """Take in what this worker asked for."""
        self.inbox.extend(batch)
        self.wake()

    def wake(self) -> None:
        """Let the worker look for work again."""
        if self._woken is not None and not self._woken.triggered:
            self._woken.succeed()

    def work(self) -> Process:
        """Take deliveries and handle them, for ever."""
        raise NotImplementedError

    def _until_stopped(self) -> Process:
        try:
            yield from self.work()
        except simpy.Interrupt:
            return

    def sleep(self) -> Event:
        """Return the event of the next call of :meth:`wake`."""
        self._woken = self.model.clock.signal()
        return self._woken

    def handle(self, delivery: Delivery) -> Process:
        """Look the message up, serve it, and let its effect take place unless it did before."""
        model, consumer = self.model, self.consumer
        clock = model.clock
        message = delivery.message
        memory = self.session.memory
        delivery.worker = self.number
        delivery.started_at = clock.now
        self.running = True
        consumer.busy += 1
        model.open += 1
        duration = 0
        skipped = False
        if memory is not None:
            duration = memory.lookup_ns
            skipped = memory.has_seen(message.message_id, clock.now)
        if not skipped:
            duration += consumer.service.ns(
                consumer.entity(message.lineage), message.root, delivery.attempt
            )
        yield clock.at(
            clock.now + duration,
            Rank.COMPLETION,
            consumer.index,
            delivery.copy_id,
            delivery.attempt,
        )
        self.running = False
        consumer.busy -= 1
        delivery.finished_at = clock.now
        self.session.unfinished.pop(delivery, None)
        if skipped:
            delivery.outcome = Outcome.SKIPPED
        else:
            delivery.outcome = Outcome.OK
            delivery.effect = 1
            if memory is not None:
                memory.record(message.message_id, clock.now)
            consumer.emitter.emit(message, self.session.owner.publishing)


class QueueWorker(Worker):
    """A worker of a consumer whose leases cover single deliveries."""

    def __init__(self, session: Session, number: int) -> None:
        super().__init__(session, number)
        self._requests = 0

    def work(self) -> Process:
        """Take what is in the own inbox or the shared buffer; with nothing there, ask and wait."""
        before = self.consumer.settle_before
        while True:
            delivery = self._next()
            if delivery is None:
                woken = self.sleep()
                self._ask()
                yield woken
                continue
            if before:
                self.session.acknowledge(delivery)
            yield from self.handle(delivery)
            if not before:
                self.session.acknowledge(delivery)
            self.model.close()

    def _next(self) -> Delivery | None:
        if self.inbox:
            return self.inbox.popleft()
        if self.session.buffer:
            return self.session.buffer.popleft()
        return None

    def _ask(self) -> None:
        queues = self.consumer.queues
        if queues[0].push:
            self.session.idle.append(self)
            return
        request = Request(self)
        number = self._requests
        self._requests += 1
        first = number % len(queues)

        def ask() -> None:
            for queue in queues[first:] + queues[:first]:
                if not request.answered:
                    queue.request(request)

        self.session.to_broker(ask, Rank.REQUEST, number, self.number)
