"""Sessions: one life of an instance, from coming up to the crash that ends it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

from eda_sim.engine.lineage import mix
from eda_sim.engine.ranks import Rank
from eda_sim.engine.reference.ledger import Delivery
from eda_sim.engine.reference.links import Connection
from eda_sim.engine.reference.members import GroupWorker
from eda_sim.engine.reference.verdicts import Action, Verdict
from eda_sim.engine.reference.workers import QueueWorker, Worker
from eda_sim.engine.trace import Outcome

if TYPE_CHECKING:
    from eda_sim.engine.reference.consumers import Consumer
    from eda_sim.engine.reference.instances import Instance
    from eda_sim.engine.reference.model import Model
    from eda_sim.engine.reference.queues import Queue


class Session:
    """A connection to the broker, the local buffer, and the workers of one life of an instance.

    The buffer holds what a pushing broker sent; a worker that asked for itself keeps what it got.
    """

    def __init__(self, owner: Instance, number: int) -> None:
        consumer = owner.consumer
        self.consumer: Consumer = consumer
        self.model: Model = consumer.model
        self.owner = owner
        self.instance: int = owner.number
        self.number = number
        self.alive = True
        self.started_at = consumer.model.clock.now
        self.silences = 0
        self.silent = False
        self.closing = False
        self.memory = consumer.memory()
        self.breaker = consumer.handling.breaker(self) if consumer.handling else None
        self.paused: list[Worker] = []
        self.user_memory: dict[Any, Any] = {}
        self.speed = owner.speed
        self.connection = Connection(
            consumer.settle_latency,
            consumer.delivery_latency,
            owner.network,
            chances=(consumer.loss, 0.0, 0.0),
        )
        self.buffer: deque[Delivery] = deque()
        self.idle: deque[QueueWorker] = deque()
        self.unfinished: dict[Delivery, None] = {}
        self._entities: dict[tuple[Rank, int], int] = {}
        make = GroupWorker if consumer.group else QueueWorker
        self.workers: list[Worker] = [make(self, i) for i in range(consumer.concurrency)]

    def start(self) -> None:
        """Connect to every queue and let the workers run."""
        for queue in self.consumer.queues:
            queue.connect(self)
        for worker in self.workers:
            worker.start()

    def join(self) -> None:
        """Tell the group that this instance is back."""
        group = self.consumer.group
        if group:
            self.to_broker(lambda: group.join(self), Rank.REQUEST, self.number, 0)

    @property
    def must_pause(self) -> bool:
        """Return whether the circuit breaker keeps workers from taking messages."""
        breaker = self.breaker
        return breaker is not None and breaker.settings.pauses and not breaker.may_call()

    def wake_paused(self) -> None:
        """Let workers that the circuit breaker stopped look for work again."""
        paused, self.paused = self.paused, []
        for worker in paused:
            worker.wake()

    # From the broker ----------------------------------------------------------------------------

    def send(self, batch: Sequence[Delivery], worker: Worker | None) -> None:
        """Carry a hand-over from the broker to this instance."""
        clock = self.model.clock
        first = batch[0]
        for delivery in batch:
            self.unfinished[delivery] = None
            self.model.open += 1
        arrival = self.connection.from_broker.arrival(
            clock.now,
            self.consumer.entity(first.entry.lineage),
            first.message.root,
            first.attempt,
        )
        if arrival == clock.now:
            self._receive(batch, worker)
            return
        clock.call_at(
            lambda: self._receive(batch, worker),
            arrival,
            Rank.RECEIVE,
            self.consumer.index,
            first.copy_id,
            first.attempt,
        )

    def _receive(self, batch: Sequence[Delivery], worker: Worker | None) -> None:
        now = self.model.clock.now
        if not self.alive:
            for delivery in batch:
                if delivery in self.unfinished:  # sent after the crash
                    self._lose(delivery)
            return
        for delivery in batch:
            delivery.received_at = now
        if self.closing:
            for delivery in batch:
                self._give_back(delivery)
            return
        if worker is not None:
            worker.receive(batch)
            return
        if self.consumer.preemptive:
            self._take_in_by_urgency(batch)
        else:
            self.buffer.extend(batch)
        if self.idle:
            self.idle.popleft().wake()
        elif self.consumer.preemptive:
            cast("QueueWorker", self.workers[0]).interrupt()

    def _take_in_by_urgency(self, batch: Sequence[Delivery]) -> None:
        """Keep the buffer in the order of priorities, and then of arrival."""
        urgency = self.consumer.urgency
        for delivery in batch:
            place = len(self.buffer)
            while place and urgency(self.buffer[place - 1]) < urgency(delivery):
                place -= 1
            self.buffer.insert(place, delivery)

    def send_nothing(self, worker: QueueWorker, request: int) -> None:
        """Carry an answer without messages to a worker."""
        clock = self.model.clock
        event = self._event_address(Rank.EMPTY_ANSWER, worker.number)
        arrival = self.connection.from_broker.arrival(clock.now, event, request)

        def receive() -> None:
            if self.alive:
                worker.receive_nothing(request)

        if arrival == clock.now:
            receive()
        else:
            index = self.consumer.index
            clock.call_at(receive, arrival, Rank.EMPTY_ANSWER, index, worker.place, request)

    # To the broker ------------------------------------------------------------------------------

    def ask_again(self) -> None:
        """Let workers whose requests went with a closed connection ask anew."""
        for worker in self.workers:
            worker.wake()

    def settle(self, delivery: Delivery, verdict: Verdict | None) -> None:
        """Tell the broker how it went: acknowledge, or what the handling decided instead."""
        if verdict is None:
            self.acknowledge(delivery)
        elif verdict.action is Action.RELEASE:
            self.release(delivery, verdict.delay_ns)
        elif verdict.action is Action.REJECT:
            self.reject(delivery)
        elif verdict.action is Action.MOVE:
            self.move(delivery, verdict.delay_ns)

    def acknowledge(self, delivery: Delivery) -> None:
        """Send the acknowledgement of one delivery."""
        queue = self._queue_of(delivery)
        self._settle(delivery, queue.settle)

    def release(self, delivery: Delivery, delay_ns: int = 0) -> None:
        """Give one delivery back (a negative acknowledgement): somebody shall have it again.

        ``delay_ns`` is how long it shall wait before that.
        """
        queue = self._queue_of(delivery)
        self._settle(delivery, lambda given: queue.release(given, delay_ns))

    def reject(self, delivery: Delivery) -> None:
        """Refuse one delivery for good: nobody shall have it again."""
        queue = self._queue_of(delivery)
        self._settle(delivery, queue.reject)

    def move(self, delivery: Delivery, delay_ns: int) -> None:
        """Let the broker store the message in the retry channel, from where it comes again."""
        handling = self.consumer.handling
        assert handling is not None

        def move(delivery: Delivery) -> None:
            """Store it there and be done with it here; in a queue, in one transaction."""
            if not self.consumer.queues:
                handling.verdicts.store_for_retry(delivery, delay_ns)
            elif delivery.entry.holder is delivery:
                self.model.open += 1  # in between the message is nowhere, but not done
                self._queue_of(delivery).move(delivery)
                handling.verdicts.store_for_retry(delivery, delay_ns)
                self.model.close()

        self._settle(delivery, move)

    def _queue_of(self, delivery: Delivery) -> Queue:
        queues = self.consumer.queues
        if len(queues) == 1:
            return queues[0]
        return next(queue for queue in queues if queue.channel == delivery.channel)

    def _settle(self, delivery: Delivery, action: Callable[[Delivery], None]) -> None:
        """Carry what an instance says about one delivery to the broker."""
        consumer = self.consumer
        message = delivery.message
        clock, link = self.model.clock, self.connection.to_broker
        entity = consumer.entity(delivery.entry.lineage)
        connection = self.connection
        if not connection.is_perfect and connection.loses(
            clock.now, entity, message.root, delivery.attempt
        ):
            return
        arrival = link.arrival(clock.now, entity, message.root, delivery.attempt)
        if arrival == clock.now:
            action(delivery)
            return
        clock.call_at(
            lambda: action(delivery),
            arrival,
            Rank.SETTLEMENT,
            consumer.index,
            delivery.copy_id,
            delivery.attempt,
        )

    def to_broker(self, action: Callable[[], None], rank: Rank, event: int, worker: int) -> None:
        """Send something that is about this session and not about one message.

        ``event`` counts what the worker (or the session) sends with this rank.
        """
        consumer = self.consumer
        clock = self.model.clock
        place = self.instance * consumer.concurrency + worker
        entity = self._event_address(rank, worker)
        arrival = self.connection.to_broker.arrival(clock.now, entity, event)
        if arrival == clock.now:
            action()
        else:
            clock.call_at(action, arrival, rank, consumer.index, place, event)

    def loses_commit(self, event: int, worker: int) -> bool:
        """Return whether a commit sent now is lost on its way."""
        now, entity = self.model.clock.now, self._event_address(Rank.COMMIT, worker)
        return self.connection.loses(now, entity, event, 1)

    def _event_address(self, rank: Rank, worker: int) -> int:
        """Return the address of the draws about what goes to and fro with this rank."""
        entity = self._entities.get((rank, worker))
        if entity is None:
            place = self.instance * self.consumer.concurrency + worker
            sender = mix(mix(self.consumer.address, place), self.number)
            entity = self._entities[rank, worker] = mix(sender, int(rank))
        return entity

    # The end ------------------------------------------------------------------------------------

    def crash(self) -> None:
        """Lose everything that was in memory; the broker notices when the connection closes."""
        self.alive = False
        for worker in self.workers:
            worker.stop()
        for delivery in list(self.unfinished):
            self._lose(delivery)
        self._close_connection()
        self.fall_silent()

    def _close_connection(self) -> None:
        """Let the broker notice, but not before all that crashes at this moment has crashed.

        Else it would hand what one instance held to the next one, which is about to crash as well.
        """
        clock = self.model.clock
        clock.call_at(
            lambda: self.to_broker(self._disconnect, Rank.DISCONNECT, self.number, 0),
            clock.now,
            Rank.DISCONNECT,
            self.consumer.index,
            self.instance,
            self.number,
        )

    def stop(self) -> None:
        """Shut down cleanly: give back what no worker has begun, and finish the rest."""
        self.closing = True
        if self.consumer.queues:
            self.to_broker(self._cancel, Rank.DISCONNECT, self.number, 0)
            for line in (self.buffer, *(worker.inbox for worker in self.workers)):
                while line:
                    self._give_back(line.popleft())
        self.idle.clear()
        for worker in self.workers:
            worker.wake()

    def _cancel(self) -> None:
        """Let the broker send nothing more; what was handed over can still be settled."""
        for queue in self.consumer.queues:
            queue.cancel(self)

    def _give_back(self, delivery: Delivery) -> None:
        if self.consumer.queues:
            self.release(delivery)
        self.drop(delivery)

    def worker_has_ended(self) -> None:
        """Close the connection when the last worker has finished what it did."""
        if not self.alive or any(worker.is_at_work for worker in self.workers):
            return
        self.alive = False
        for delivery in list(self.unfinished):
            self.drop(delivery)
        group = self.consumer.group
        if group and not group.static:
            self.to_broker(lambda: group.leave(self), Rank.DISCONNECT, self.number, 0)
        self._close_connection()
        if group and group.static:
            self.fall_silent()
        self.owner.has_stopped()

    def fall_silent(self) -> None:
        """Send no more heartbeats; the group misses the instance when its session times out."""
        self.silent = True
        self.silences += 1
        for queue in self.consumer.queues:
            queue.leases.fell_silent(self)
        if self.consumer.group:
            self.consumer.group.fell_silent(self)

    def be_heard(self) -> None:
        """Send heartbeats again."""
        self.silent = False
        for queue in self.consumer.queues:
            queue.leases.is_heard(self)

    def _disconnect(self) -> None:
        for queue in self.consumer.queues:
            queue.disconnect(self)
        if self.consumer.group:
            self.consumer.group.disconnect(self)

    def _lose(self, delivery: Delivery) -> None:
        delivery.outcome = Outcome.CRASHED
        delivery.finished_at = self.model.clock.now
        self.drop(delivery)

    def drop(self, delivery: Delivery) -> None:
        """Have done with a delivery that no worker will handle to its end."""
        del self.unfinished[delivery]
        self.model.close()
