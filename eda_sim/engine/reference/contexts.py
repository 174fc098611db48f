"""Contexts: what handlers and processes of the user's get to work with."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import simpy
from pydantic import TypeAdapter
from simpy.events import Event as Waitable

from eda_sim.engine.lineage import mix
from eda_sim.engine.plan import NONE
from eda_sim.engine.ranks import Rank
from eda_sim.engine.reference.draws import Draws
from eda_sim.engine.reference.ledger import Delivery, Message
from eda_sim.engine.reference.links import Connection
from eda_sim.engine.reference.outlets import Outlet
from eda_sim.engine.reference.retries import GIVE_UP
from eda_sim.engine.streams.addresses import Stream, entity_of
from eda_sim.engine.streams.samplers import lower, sample, to_ns
from eda_sim.engine.user import Event
from eda_sim.spec.distributions import Constant, DurationDistribution
from eda_sim.spec.errors import nearest

if TYPE_CHECKING:
    from eda_sim.engine.reference.consumers import Consumer
    from eda_sim.engine.reference.model import Model
    from eda_sim.engine.reference.workers import Worker

_DISTRIBUTIONS: TypeAdapter[Any] = TypeAdapter(DurationDistribution)
_UNIT = lower([Constant(value=0)])


def number_of(names: tuple[str, ...], name: str, what: str) -> int:
    """Return the number of a channel or consumer by its name."""
    if name not in names:
        message = f"no {what} {name!r}{nearest(name, names)}"
        raise ValueError(message)
    return names.index(name)


class _Context:
    """What both kinds of contexts share: time, randomness, calls."""

    def __init__(self, model: Model, source: int) -> None:
        self._model = model
        self._source = source
        self._drawn: dict[int, int] = {}

    @property
    def now(self) -> float:
        """Simulated time in seconds."""
        return self._model.clock.now / 1e9

    def uniform(self, name: str = "") -> float:
        """Return a random number in (0, 1)."""
        return self.sample("uniform(0s, 1s)", name)

    def sample(self, distribution: Any, name: str = "") -> float:
        """Return a variate of a distribution, in seconds or 1."""
        run = self._model.plan.run
        table = self._model.user.tables.get(distribution)
        if table is None:
            table = lower([_DISTRIBUTIONS.validate_python(distribution)])
            self._model.user.tables[distribution] = table
        entity, event, attempt = self._address(entity_of(name))
        return float(
            sample(table, 0, run.seed, run.replication, int(Stream.USER), entity, event, attempt)
        )

    def delays(self, retry: Any, name: str = "") -> Iterator[float]:
        """Yield the delays of a retry policy in seconds, until it gives up."""
        retries = self._model.calls.policy(self._source, retry)
        retries.note_first_attempt()
        entity, event, _ = self._address(entity_of(name))
        began, attempt, previous_ns = self._model.clock.now, 0, 0
        while True:
            attempt += 1
            elapsed_ns = self._model.clock.now - began
            previous_ns = retries.delay_ns(entity, event, attempt, elapsed_ns, previous_ns)
            if previous_ns == GIVE_UP:
                return
            yield previous_ns / 1e9

    def _address(self, name: int) -> tuple[int, int, int]:
        raise NotImplementedError

    def _repetition(self, name: int) -> int:
        """Return how often something with this name was asked for before."""
        number = self._drawn.get(name, 0)
        self._drawn[name] = number + 1
        return number

    def _publish(self, channel: int, payload: Any, key: int | None, size: float) -> Message:
        raise NotImplementedError

    def call(
        self,
        consumer: str,
        *,
        payload: Any = None,
        key: int | None = None,
        size: float = 1000,
        timeout: float | None = None,
        retry: Any = "none",
    ) -> Generator[Waitable, Any, Any]:
        """Call a service and wait for its answer; see :class:`eda_sim.engine.user.Waiting`."""
        model = self._model
        number = number_of(model.plan.names.consumers, consumer, "consumer")
        channel = model.consumers[number].subscriptions[0].channel
        return model.calls.call(
            number,
            lambda: self._publish(channel, payload, key, size),
            timeout,
            retry,
            self._source,
        )


class HandlerContext(_Context):
    """What a handler gets with one call of it.

    Parameters
    ----------
    worker : Worker
        Who calls it.
    delivery : Delivery
        What about.
    entity, attempt : int
        Address of the draws of this call.
    """

    def __init__(self, worker: Worker, delivery: Delivery, entity: int, attempt: int) -> None:
        super().__init__(worker.model, worker.consumer.emitter.source)
        self._worker = worker
        self._delivery = delivery
        self._entity = entity
        self._attempt = attempt
        self.state = worker.consumer.state
        self.memory = worker.session.user_memory
        self.instance = worker.session.instance

    def timeout(self, seconds: float) -> Waitable:
        """Return something to yield: the handler goes on so much later."""
        return self._worker.completion(self._delivery, to_ns(seconds))

    def service_time(self) -> float:
        """Return the service time that the scenario would have given this call, in seconds."""
        service = self._worker.consumer.service
        return service.single_ns(self._entity, self._delivery.message.root, self._attempt) / 1e9

    def emit(
        self, channel: str, *, payload: Any = None, key: int | None = None, size: float = 1000
    ) -> int:
        """Publish a message that this event caused; return its number."""
        number = number_of(self._model.plan.names.channels, channel, "channel")
        return self._publish(number, payload, key, size).message_id

    def _address(self, name: int) -> tuple[int, int, int]:
        entity = mix(mix(self._entity, name), self._repetition(name))
        return entity, self._delivery.message.root, self._attempt

    def _publish(self, channel: int, payload: Any, key: int | None, size: float) -> Message:
        cause, consumer = self._delivery.message, self._worker.consumer
        place = consumer.publications.get(cause.message_id, 0)
        consumer.publications[cause.message_id] = place + 1
        lineage = mix(mix(cause.lineage, mix(consumer.address, Stream.USER)), place)
        return consumer.emitter.publish(
            channel,
            NONE if key is None else key,
            int(size),
            lineage,
            cause.root,
            cause,
            self._worker.session.owner.publishing,
            payload,
        )


class ProcessContext(_Context):
    """What a process gets.

    Parameters
    ----------
    model : Model
        The run.
    number : int
        Number of the process.
    name : str
        Its name, from which its draws are addressed.
    """

    def __init__(self, model: Model, number: int, name: str) -> None:
        plan = model.plan
        super().__init__(
            model, len(plan.producers.rows.address) + len(plan.consumers.address) + number
        )
        self.state: dict[Any, Any] = {}
        self.name = name
        self._number = number
        self._entity = entity_of(f"processes.{name}")
        self._waits = 0
        self._sequence = 0
        nothing = Draws(_UNIT, 0, 0, 0, Stream.PUBLISH_LINK)
        self._outlet = Outlet(model, self._source, Connection(nothing, nothing))

    @property
    def environment(self) -> simpy.Environment:
        """The run's SimPy environment; its times are whole nanoseconds."""
        return self._model.clock.environment

    def timeout(self, seconds: float) -> Waitable:
        """Return something to yield: the process goes on so much later."""
        clock = self._model.clock
        self._waits += 1
        return clock.at(clock.now + to_ns(seconds), Rank.PROCESS, self._number, self._waits)

    def publish(
        self, channel: str, *, payload: Any = None, key: int | None = None, size: float = 1000
    ) -> int:
        """Publish a message; return its number."""
        number = number_of(self._model.plan.names.channels, channel, "channel")
        return self._publish(number, payload, key, size).message_id

    def lag(self, consumer: str) -> int:
        """Return how many copies are stored and not settled for a consumer."""
        return sum(
            subscription.available + subscription.acquired + subscription.scheduled
            for subscription in self._consumer(consumer).subscriptions
        )

    def queue_length(self, consumer: str) -> int:
        """Return how many copies wait to be handed over to a consumer."""
        return sum(
            subscription.available for subscription in self._consumer(consumer).subscriptions
        )

    def busy(self, consumer: str) -> int:
        """Return how many workers of a consumer run a handler."""
        return self._consumer(consumer).busy

    def instances(self, consumer: str) -> int:
        """Return how many instances of a consumer are up."""
        return self._consumer(consumer).up

    def scale(self, consumer: str, instances: int) -> None:
        """Let so many instances of a consumer run: the first ones."""
        names = self._model.plan.names.consumers
        self._model.scaling.scale(number_of(names, consumer, "consumer"), instances)

    def _consumer(self, name: str) -> Consumer:
        number = number_of(self._model.plan.names.consumers, name, "consumer")
        return self._model.consumers[number]

    def _address(self, name: int) -> tuple[int, int, int]:
        return mix(self._entity, name), self._repetition(name), 1

    def _publish(self, channel: int, payload: Any, key: int | None, size: float) -> Message:
        model = self._model
        sequence = self._sequence
        self._sequence += 1
        message = model.create(
            self._source,
            channel,
            sequence,
            NONE if key is None else key,
            int(size),
            self._entity,
            sequence,
        )
        model.user.payloads[message.message_id] = payload
        self._outlet.publish(message)
        return message


def event_of(model: Model, delivery: Delivery) -> Event:
    """Return what a handler gets to see of a delivery."""
    message, names = delivery.message, model.user.names
    return Event(
        message_id=message.message_id,
        source=names.sources[message.source],
        channel=names.channels[delivery.channel],
        sequence=message.sequence,
        key=None if message.key == NONE else message.key,
        size=message.size_bytes,
        created_at=message.created_at / 1e9,
        correlation_id=message.correlation_id,
        causation_id=None if message.causation_id == NONE else message.causation_id,
        attempt=delivery.attempt,
        payload=model.user.payloads.get(message.message_id),
    )
