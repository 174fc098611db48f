"""Handling with everything that can go wrong: failures, time-outs, retries, breakers, batches.

A consumer that has none of these, and no code of the user's, never comes here: its workers go the
short way in :mod:`eda_sim.engine.reference.workers`.

The course of one call of the handler: the breaker lets it through; it looks every message up in
the deduplicator; it takes a service time, at most until the time-out; for each message there is an
outcome, and the effect if all is well. A message that failed is tried again in place (the worker
keeps it and waits) or settled: given back with a delay, sent to another channel, refused, left.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from simpy.events import Event

from eda_sim.engine.lineage import mix
from eda_sim.engine.plan import NONE, FaultKind
from eda_sim.engine.ranks import Rank
from eda_sim.engine.reference.breaker import Breaker, BreakerSettings
from eda_sim.engine.reference.calls import Answer
from eda_sim.engine.reference.ledger import Delivery
from eda_sim.engine.reference.retries import GIVE_UP
from eda_sim.engine.reference.users import UserHandler
from eda_sim.engine.reference.verdicts import Verdict, Verdicts
from eda_sim.engine.streams.addresses import DRAWS_PER_VARIATE, Stream
from eda_sim.engine.streams.philox import uniform
from eda_sim.engine.trace import CopyState, Outcome
from eda_sim.engine.user import CallFailed, Failure

if TYPE_CHECKING:
    from eda_sim.engine.reference.consumers import Consumer
    from eda_sim.engine.reference.sessions import Session
    from eda_sim.engine.reference.workers import Worker


class Handling:
    """How one consumer handles messages.

    Parameters
    ----------
    consumer : Consumer
        The consumer; its row in the plan says everything.
    """

    def __init__(self, consumer: Consumer) -> None:
        plan = consumer.model.plan
        row, index = plan.handling, consumer.index
        self.consumer = consumer
        self.model = consumer.model
        self.error_probability = float(row.error_probability[index])
        self.poison_probability = float(row.poison_probability[index])
        self.timeout_ns = int(row.timeout_ns[index])
        self.verdicts = Verdicts(consumer)
        self.is_preemptive = bool(row.preemptive[index])
        self.batch_max_messages = int(row.batch_max_messages[index])
        self.transactional = bool(plan.consumers.dedup_transactional[index])
        handler = self.model.user.handlers.get(index)
        self.user = None if handler is None else UserHandler(self.model, index, handler)
        self._values: dict[Delivery, Any] = {}
        self._breaker = BreakerSettings(
            failure_rate=float(row.breaker_failure_rate[index]),
            window=int(row.breaker_window[index]),
            minimum_calls=int(row.breaker_minimum_calls[index]),
            open_ns=int(row.breaker_open_ns[index]),
            half_open_calls=int(row.breaker_half_open_calls[index]),
            pauses=bool(row.breaker_pauses[index]),
        )

    @property
    def is_needed(self) -> bool:
        """Return whether anything here can ever happen."""
        faults = self.model.plan.faults
        bugs = (faults.consumer == self.consumer.index) & (faults.what == FaultKind.BUG)
        return bool(
            bugs.any()
            or self.error_probability
            or self.poison_probability
            or self.timeout_ns != NONE
            or self.batch_max_messages > 1
            or self.transactional
            or self.is_preemptive
            or self._breaker.window
            or self.user is not None
            or self.model.plan.subscriptions.lease_renewal_ns[
                self.model.plan.subscriptions.consumer == self.consumer.index
            ].max()
            != NONE
        )

    def breaker(self, session: Session) -> Breaker | None:
        """Return a new breaker for a session, or none."""
        if not self._breaker.window:
            return None
        clock = self.model.clock

        def open_until(delay_ns: int, opening: int) -> None:
            clock.call_at(
                lambda: session.breaker.half_open(opening) if session.breaker else None,
                clock.now + delay_ns,
                Rank.CIRCUIT_BREAKER,
                self.consumer.index,
                session.instance,
                (session.number << 20) + opening,
            )

        return Breaker(self._breaker, open_until, session.wake_paused)

    # One delivery, or a batch -------------------------------------------------------------------

    def handle(
        self, worker: Worker, batch: list[Delivery]
    ) -> Generator[Event, Any, dict[Delivery, Verdict]]:
        """Handle deliveries in one call of the handler; return a verdict for each that failed."""
        worker.take_up(batch)
        memory = worker.session.memory
        now = self.model.clock.now
        seen = [
            memory is not None and memory.has_seen(delivery.message_id, now) for delivery in batch
        ]
        fresh = [delivery for delivery, known in zip(batch, seen, strict=True) if not known]
        lookup_ns = 0 if memory is None else memory.lookup_ns * len(batch)
        failed = yield from self._try_until_settled(worker, batch[0], fresh, lookup_ns)
        worker.put_down(batch)
        verdicts: dict[Delivery, Verdict] = {}
        for delivery, known in zip(batch, seen, strict=True):
            if known:
                self._skip(delivery)
            elif delivery in failed:
                verdicts[delivery] = self._decide(worker, delivery)
            else:
                self._take_effect(worker, delivery)
        return verdicts

    def _try_until_settled(
        self, worker: Worker, first: Delivery, fresh: list[Delivery], lookup_ns: int
    ) -> Generator[Event, Any, list[Delivery]]:
        """Call the handler until nothing fails or nothing is tried again; return what failed."""
        clock, retries = self.model.clock, self.verdicts.retries
        attempt, previous_ns = 1, 0
        while True:
            if attempt == 1:
                for delivery in fresh:
                    if draw_attempt(delivery) == 1:
                        retries.note_first_attempt()
            failed = yield from self._call(worker, first, fresh, lookup_ns, attempt)
            if not failed or not self.verdicts.in_place:
                return failed
            delivery = failed[0]
            delay_ns = retries.delay_ns(
                self._entity(delivery, attempt),
                delivery.message.root,
                attempt,
                clock.now - delivery.started_at,
                previous_ns,
            )
            if delay_ns == GIVE_UP:
                return failed
            if delay_ns:
                yield clock.at(
                    clock.now + delay_ns,
                    Rank.HANDLER_RETRY,
                    self.consumer.index,
                    delivery.copy_id,
                    delivery.attempt,
                )
                yield from worker.while_still()
            attempt, previous_ns, lookup_ns = attempt + 1, delay_ns, 0

    def _call(
        self,
        worker: Worker,
        first: Delivery,
        fresh: list[Delivery],
        lookup_ns: int,
        attempt: int,
    ) -> Generator[Event, Any, list[Delivery]]:
        """Call the handler once; return the deliveries that failed."""
        breaker = worker.session.breaker
        if not fresh:
            if lookup_ns:
                yield from worker.within(first, lookup_ns, NONE)
            return []
        if breaker is not None:
            while not breaker.let_through():
                if not breaker.settings.pauses:
                    return fresh
                yield worker.paused()
                yield from worker.while_still()
        for delivery in fresh:
            delivery.tries = attempt
        if self.user is not None and self.user.takes_time:
            failed = yield from self._run(self.user, worker, fresh[0], lookup_ns, attempt)
        else:
            failed = yield from self._serve(worker, first, fresh, lookup_ns, attempt)
        if breaker is not None:
            breaker.record(failed=bool(failed))
        return failed

    def _serve(
        self,
        worker: Worker,
        first: Delivery,
        fresh: list[Delivery],
        lookup_ns: int,
        attempt: int,
    ) -> Generator[Event, Any, list[Delivery]]:
        """Let a service time pass, then decide; return the deliveries that failed."""
        service, message = self.consumer.service, fresh[0].message
        draw = service.ns if attempt == 1 else service.single_ns
        duration_ns = draw(self._entity(fresh[0], attempt), message.root, draw_attempt(fresh[0]))
        limit_ns = NONE if self.timeout_ns == NONE else lookup_ns + self.timeout_ns
        enough = yield from worker.within(first, lookup_ns + duration_ns, limit_ns)
        return [
            delivery
            for delivery in fresh
            if not enough
            or self._fails(delivery, attempt)
            or self._refuses(worker, delivery, attempt)
        ]

    def _run(
        self,
        user: UserHandler,
        worker: Worker,
        delivery: Delivery,
        lookup_ns: int,
        attempt: int,
    ) -> Generator[Event, Any, list[Delivery]]:
        """Let the user's generator take its time; return the delivery if it failed."""
        if lookup_ns:
            yield worker.completion(delivery, lookup_ns)
        done, self._values[delivery] = yield from user.run(
            worker,
            delivery,
            self._entity(delivery, attempt),
            draw_attempt(delivery),
            self.timeout_ns,
        )
        return [] if done and not self._fails(delivery, attempt) else [delivery]

    def _refuses(self, worker: Worker, delivery: Delivery, attempt: int) -> bool:
        """Call the user's plain function, if there is one; return whether it refused the event."""
        if self.user is None or self._has_taken_effect(worker, delivery):
            return False
        try:
            self._values[delivery] = self.user.call(
                worker, delivery, self._entity(delivery, attempt), draw_attempt(delivery)
            )
        except Failure:
            return True
        return False

    def _has_taken_effect(self, worker: Worker, delivery: Delivery) -> bool:
        """Return whether a transactional deduplicator sees an effect at this moment."""
        memory = worker.session.memory
        now = self.model.clock.now
        return (
            self.transactional and memory is not None and memory.has_seen(delivery.message_id, now)
        )

    def _entity(self, delivery: Delivery, attempt: int) -> int:
        """Return the address of the draws of one call about one delivery."""
        entity = self.consumer.entity(delivery.entry.lineage)
        return entity if attempt == 1 else mix(entity, attempt)

    def _fails(self, delivery: Delivery, attempt: int) -> bool:
        message = delivery.message
        run = self.model.plan.run
        key = (run.seed, run.replication)
        if self.poison_probability:
            entity = self.consumer.entity(message.lineage)
            if uniform(*key, int(Stream.POISON), entity, message.root, 0) < self.poison_probability:
                return True
        probability = self.error_probability
        instance = delivery.session.owner
        if instance.bugs:
            probability = 1.0 - (1.0 - probability) * (1.0 - instance.bug_probability)
        if not probability:
            return False
        draw = draw_attempt(delivery) * DRAWS_PER_VARIATE
        entity = self._entity(delivery, attempt)
        return uniform(*key, int(Stream.OUTCOME), entity, message.root, draw) < probability

    # Afterwards ---------------------------------------------------------------------------------

    def _take_effect(self, worker: Worker, delivery: Delivery) -> None:
        if self._has_taken_effect(worker, delivery):
            self._skip(delivery)
            return
        memory, message = worker.session.memory, delivery.message
        delivery.outcome = Outcome.OK
        delivery.effect = 1
        delivery.entry.disposition = CopyState.ACKNOWLEDGED
        if memory is not None:
            memory.record(message.message_id, self.model.clock.now)
        self.consumer.emitter.emit(message, worker.session.owner.publishing)
        self._answer(delivery, Answer(self._values.pop(delivery, None)))

    def _skip(self, delivery: Delivery) -> None:
        delivery.outcome = Outcome.SKIPPED
        delivery.entry.disposition = CopyState.ACKNOWLEDGED
        self._answer(delivery, Answer())

    def _answer(self, delivery: Delivery, answer: Answer) -> None:
        if self.model.has_user_code:
            self.model.calls.answer(delivery.message, self.consumer.index, answer)

    def _decide(self, worker: Worker, delivery: Delivery) -> Verdict:
        """Decide about a failed message; if nobody here tries it again, that has consequences."""
        verdict = self.verdicts.decide(delivery)
        if self.user is not None:
            self.user.note_failure()
        if self.verdicts.gives_up(verdict):
            publishing = worker.session.owner.publishing
            self.consumer.emitter.emit_failure(delivery.message, publishing)
            self._answer(delivery, Answer(error=CallFailed))
        return verdict


def draw_attempt(delivery: Delivery) -> int:
    """Return the attempt in the address of a delivery's draws: it goes on over several copies."""
    history = delivery.entry.history
    return delivery.attempt if history is None else history.earlier + delivery.attempt
