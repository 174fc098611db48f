"""Calls: a request that somebody waits for, with a time-out and retries.

A request is a message like any other, in the first channel that the called service reads; its
answer comes when the service's handler takes effect, or gives the message up. Who waits sees the
first of answer and time-out. A request whose caller has gone is handled all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import TypeAdapter
from simpy.events import Event

from eda_sim.engine.plan.retry import lower_retry_policies
from eda_sim.engine.ranks import Rank
from eda_sim.engine.reference.ledger import Message
from eda_sim.engine.reference.retries import GIVE_UP, Retries
from eda_sim.engine.streams.samplers import to_ns
from eda_sim.engine.user import CallFailed, CallTimeout
from eda_sim.spec.retry import NoRetry, RetryPolicy, may_spin

if TYPE_CHECKING:
    from eda_sim.engine.reference.model import Model

_POLICIES: TypeAdapter[Any] = TypeAdapter(RetryPolicy)


class Answer(NamedTuple):
    """What came of one attempt of a call: an answer, a refusal, or silence."""

    value: Any = None
    error: type[CallFailed] | None = None


class Calls:
    """All calls of a run that wait for an answer."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._waiting: dict[int, tuple[int, Event]] = {}
        self._retries: dict[tuple[int, str], Retries] = {}

    def answer(self, message: Message, consumer: int, answer: Answer) -> None:
        """Send an answer to whoever waits for it, if somebody still does."""
        waiting = self._waiting.get(message.message_id)
        if waiting is None or waiting[0] != consumer:
            return
        clock = self.model.clock
        called = self.model.consumers[consumer]
        latency_ns = called.answer_latency.ns(called.entity(message.lineage), message.root)
        if latency_ns == 0:
            self._arrive(message.message_id, answer)
            return
        clock.call_at(
            lambda: self._arrive(message.message_id, answer),
            clock.now + latency_ns,
            Rank.ANSWER,
            consumer,
            message.message_id,
        )

    def _arrive(self, message_id: int, answer: Answer) -> None:
        waiting = self._waiting.pop(message_id, None)
        if waiting is not None:
            waiting[1].succeed(answer)

    def call(
        self,
        consumer: int,
        publish: Callable[[], Message],
        timeout: float | None,
        retry: Any,
        source: int,
    ) -> Generator[Event, Any, Any]:
        """Publish requests until one is answered or the retry policy gives up; return the answer.

        Parameters
        ----------
        consumer : int
            The service that is called.
        publish : callable
            Publishes one request.
        timeout : float or None
            How long one attempt waits, in seconds; None for ever.
        retry : str or RetryPolicy
            Whether and when to try again.
        source : int
            Who calls.
        """
        clock = self.model.clock
        retries = self.policy(source, retry)
        retries.note_first_attempt()
        began, attempt, previous_ns = clock.now, 1, 0
        while True:
            request = publish()
            answer = yield from self._wait(request, consumer, timeout)
            if answer.error is None:
                return answer.value
            delay_ns = retries.delay_ns(
                request.lineage, request.root, attempt, clock.now - began, previous_ns
            )
            if delay_ns == GIVE_UP:
                raise self._error(answer.error, consumer, attempt)
            if delay_ns:
                yield clock.at(
                    clock.now + delay_ns, Rank.CALL_RETRY, request.source, request.message_id
                )
            attempt, previous_ns = attempt + 1, delay_ns

    def _wait(
        self, request: Message, consumer: int, timeout: float | None
    ) -> Generator[Event, Any, Answer]:
        clock, number = self.model.clock, request.message_id
        answered = clock.signal()
        self._waiting[number] = (consumer, answered)
        if timeout is not None:
            clock.call_at(
                lambda: self._arrive(number, Answer(error=CallTimeout)),
                clock.now + to_ns(timeout),
                Rank.CALL_TIMEOUT,
                request.source,
                number,
            )
        answer: Answer = yield answered
        return answer

    def _error(self, error: type[CallFailed], consumer: int, attempt: int) -> CallFailed:
        name = self.model.plan.names.consumers[consumer]
        what = "did not answer in time" if error is CallTimeout else "gave the request up"
        return error(f"{name} {what} (attempt {attempt})")

    def policy(self, source: int, retry: Any) -> Retries:
        """Return the policy at work for one caller; its budget is one for all its calls."""
        key = (source, str(retry))
        if key not in self._retries:
            policy = _POLICIES.validate_python(retry)
            if may_spin(policy):
                message = f"retry: {retry!r} needs max_attempts"
                raise ValueError(message)
            table = lower_retry_policies([policy])
            row = -1 if isinstance(policy, NoRetry) else 0
            self._retries[key] = Retries(self.model, row, table)
        return self._retries[key]
