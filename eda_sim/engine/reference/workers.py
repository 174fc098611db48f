"""Workers: take one delivery after the other and handle it."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any

import simpy
from simpy.events import Event

from eda_sim.engine.plan import NONE
from eda_sim.engine.ranks import Rank
from eda_sim.engine.reference.calls import Answer
from eda_sim.engine.reference.clock import Process
from eda_sim.engine.reference.dispatch import Request
from eda_sim.engine.reference.ledger import Delivery
from eda_sim.engine.reference.speed import ENDLESS, Work
from eda_sim.engine.reference.verdicts import Action, Verdict
from eda_sim.engine.trace import Outcome

if TYPE_CHECKING:
    from eda_sim.engine.reference.consumers import Consumer
    from eda_sim.engine.reference.model import Model
    from eda_sim.engine.reference.sessions import Session


class Worker:
    """One thread of an instance.

    ``inbox`` holds what this worker asked for and has not taken up yet. ``level`` says how many
    handlings stand interrupted below the one that runs, which is its ``work``.
    """

    def __init__(self, session: Session, number: int) -> None:
        self.session = session
        self.consumer: Consumer = session.consumer
        self.model: Model = session.model
        self.number = number
        self.inbox: deque[Delivery] = deque()
        self.running = False
        self.level = 0
        self.work_under_way: Work | None = None
        self.is_at_work = True
        self._woken: Event | None = None
        self._process: simpy.Process | None = None

    def start(self) -> None:
        """Let the worker run."""
        self._process = self.model.clock.start(self._until_stopped())

    def stop(self) -> None:
        """End the worker where it stands."""
        if self.running:
            self._count_running(-1)
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
        """Take deliveries and handle them, until the session closes."""
        raise NotImplementedError

    def _until_stopped(self) -> Process:
        try:
            yield from self.work()
        except simpy.Interrupt:
            return
        self.is_at_work = False
        self.session.worker_has_ended()

    def sleep(self) -> Event:
        """Return the event of the next call of :meth:`wake`."""
        self._woken = self.model.clock.signal()
        return self._woken

    # Handling -----------------------------------------------------------------------------------

    def take_up(self, batch: Sequence[Delivery]) -> None:
        """Begin to handle deliveries."""
        now = self.model.clock.now
        for delivery in batch:
            delivery.worker = self.number + self.level
            delivery.started_at = now
        self._begin()
        for queue in self.consumer.queues:
            if queue.leases.are_renewed:
                for delivery in batch:
                    if delivery.channel == queue.channel:
                        queue.leases.keep(delivery)

    def put_down(self, batch: Sequence[Delivery]) -> None:
        """Be done with deliveries; what becomes of them is decided next."""
        now = self.model.clock.now
        self._end()
        for delivery in batch:
            delivery.finished_at = now
            self.session.unfinished.pop(delivery, None)

    def _begin(self) -> None:
        """Note that a handler runs, unless it interrupts one that ran already."""
        if not self.level:
            self._count_running(1)

    def _end(self) -> None:
        """Note that a handler is over; the one that it has interrupted goes on."""
        if not self.level:
            self._count_running(-1)

    def _count_running(self, change: int) -> None:
        self.running = change > 0
        self.consumer.busy += change
        self.session.owner.note_running(change)

    def completion(self, delivery: Delivery, duration_ns: int) -> Event:
        """Return the event at which work on a delivery that takes so long is done."""
        if self.session.speed is not None:
            return self.session.speed.begin(delivery, duration_ns).ended
        clock = self.model.clock
        return clock.at(
            clock.now + duration_ns,
            Rank.COMPLETION,
            self.consumer.index,
            delivery.copy_id,
            delivery.attempt,
        )

    def deadline(self, delivery: Delivery, limit_ns: int) -> Event:
        """Return the event at which a handler has run for so long."""
        if self.session.speed is not None:
            return self.session.speed.begin(delivery, ENDLESS, limit_ns).ended
        clock = self.model.clock
        return clock.at(
            clock.now + limit_ns,
            Rank.HANDLER_TIMEOUT,
            self.consumer.index,
            delivery.copy_id,
            delivery.attempt,
        )

    def within(
        self, delivery: Delivery, duration_ns: int, limit_ns: int
    ) -> Generator[Event, Any, bool]:
        """Work on a delivery, at most for ``limit_ns``; return whether that was enough."""
        speed = self.session.speed
        if speed is not None:
            work = self.work_under_way = speed.begin(delivery, duration_ns, limit_ns)
            if self.consumer.preemptive:  # something may have come when this was settled before
                self.interrupt()
            yield work.ended
            while work.is_interrupted:
                yield from self.give_way(work)
                yield work.ended
            return work.is_done
        enough = limit_ns == NONE or duration_ns <= limit_ns
        yield self.completion(delivery, duration_ns if enough else limit_ns)
        return enough

    def interrupt(self) -> None:
        """Stop what is being handled if something more urgent waits in the buffer (rule H25)."""
        raise NotImplementedError

    def give_way(self, work: Work) -> Process:
        """Do what is more urgent than some work, and then go on with it."""
        raise NotImplementedError

    def while_still(self) -> Generator[Event, Any, None]:
        """Wait as long as a fault lets the instance stand still."""
        speed = self.session.speed
        while speed is not None and speed.stands_still:
            yield speed.wait(self)

    def paused(self) -> Event:
        """Return the event at which the circuit breaker may let a call through again."""
        self.session.paused.append(self)
        return self.sleep()

    def handle(self, delivery: Delivery) -> Generator[Event, Any, Verdict | None]:
        """Look the message up, serve it, and let its effect take place unless it did before.

        Return None if it may be acknowledged, else what shall become of it.
        """
        consumer = self.consumer
        if consumer.handling is not None:
            verdicts = yield from consumer.handling.handle(self, [delivery])
            return verdicts.get(delivery)
        clock = self.model.clock
        message = delivery.message
        memory = self.session.memory
        delivery.worker = self.number
        delivery.started_at = clock.now
        self._begin()
        duration = 0
        skipped = False
        if memory is not None:
            duration = memory.lookup_ns
            skipped = memory.has_seen(message.message_id, clock.now)
        if not skipped:
            delivery.tries = 1
            attempt, history = delivery.attempt, delivery.entry.history
            if history is not None:  # a copy that was moved here: draws go on
                attempt += history.earlier
            entity = consumer.entity(delivery.entry.lineage)
            duration += consumer.service.ns(entity, message.root, attempt)
        yield self.completion(delivery, duration)
        self._end()
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
        if self.model.has_user_code:
            self.model.calls.answer(message, consumer.index, Answer())
        return None

    def handle_all(self, batch: Sequence[Delivery]) -> Process:
        """Handle deliveries that are settled together, one by one or in batches."""
        handling = self.consumer.handling
        if handling is None or handling.batch_max_messages == 1:
            for delivery in batch:
                if self.session.speed is not None:
                    yield from self.while_still()
                self._pass_on(delivery, (yield from self.handle(delivery)))
            return
        for first in range(0, len(batch), handling.batch_max_messages):
            yield from self.while_still()
            part = list(batch[first : first + handling.batch_max_messages])
            verdicts = yield from handling.handle(self, part)
            for delivery in part:
                self._pass_on(delivery, verdicts.get(delivery))

    def _pass_on(self, delivery: Delivery, verdict: Verdict | None) -> None:
        """Move a message that failed to its retry channel; the rest is settled with the offset."""
        if verdict is not None and verdict.action is Action.MOVE:
            self.session.settle(delivery, verdict)
        self.model.close()


class QueueWorker(Worker):
    """A worker of a consumer whose leases cover single deliveries."""

    def __init__(self, session: Session, number: int) -> None:
        super().__init__(session, number)
        self.place = session.instance * self.consumer.concurrency + number
        self._requests = 0

    def work(self) -> Process:
        """Take what is in the own inbox or the shared buffer; with nothing there, ask and wait."""
        session, consumer = self.session, self.consumer
        batches = consumer.handling is not None and consumer.handling.batch_max_messages > 1
        while True:
            if session.speed is not None and session.speed.stands_still:
                yield from self.while_still()
            if session.closing:
                return
            if session.must_pause:
                yield self.paused()
                continue
            delivery = self._next()
            if delivery is None:
                woken = self.sleep()
                self._ask()
                yield woken
                continue
            if batches:
                yield from self._work_on_batch(delivery)
                continue
            yield from self._work_on(delivery)

    def _work_on(self, delivery: Delivery) -> Process:
        if self.consumer.settle_before:
            self.session.acknowledge(delivery)
        verdict = yield from self.handle(delivery)
        if self.consumer.settle_after:
            self.session.settle(delivery, verdict)
        self.model.close()

    def _work_on_batch(self, first: Delivery) -> Process:
        handling = self.consumer.handling
        assert handling is not None
        batch = [first]
        while len(batch) < handling.batch_max_messages:
            delivery = self._next()
            if delivery is None:
                break
            batch.append(delivery)
        if self.consumer.settle_before:
            for delivery in batch:
                self.session.acknowledge(delivery)
        verdicts = yield from handling.handle(self, batch)
        for delivery in batch:
            if self.consumer.settle_after:
                self.session.settle(delivery, verdicts.get(delivery))
            self.model.close()

    def interrupt(self) -> None:
        """Stop what is being handled if something more urgent waits in the buffer (rule H25)."""
        work, speed = self.work_under_way, self.session.speed
        if work is None or speed is None or work not in speed.works:
            return
        if self._is_behind(work.delivery):
            work.interrupt()

    def _is_behind(self, delivery: Delivery) -> bool:
        """Return whether something that is more urgent than a delivery waits."""
        buffer, urgency = self.session.buffer, self.consumer.urgency
        return bool(buffer) and urgency(buffer[0]) > urgency(delivery)

    def give_way(self, work: Work) -> Process:
        """Handle all that is more urgent than what was interrupted, and then go on with that."""
        self.level += 1
        yield from self.while_still()
        while self._is_behind(work.delivery):
            yield from self._work_on(self.session.buffer.popleft())
            yield from self.while_still()
        self.level -= 1
        self.work_under_way = work
        work.go_on()

    def _next(self) -> Delivery | None:
        if self.inbox:
            return self.inbox.popleft()
        if self.session.buffer:
            return self.session.buffer.popleft()
        return None

    def _ask(self) -> None:
        if not self.consumer.queues[0].is_pulled:
            self.session.idle.append(self)
            return
        request = Request(self, self._requests)
        self._requests += 1
        self.session.to_broker(request.arrive, Rank.REQUEST, request.number, self.number)

    def receive_nothing(self, request: int) -> None:
        """Take in an empty answer; ask again, at once or after a while."""
        interval_ns = self.consumer.queues[0].dispatcher.poll_interval_ns
        if not interval_ns:
            self.wake()
            return
        clock = self.model.clock
        clock.call_at(
            self.wake,
            clock.now + interval_ns,
            Rank.POLL,
            self.consumer.index,
            self.place,
            request,
        )
