"""Python of the user's own inside a run: handlers of consumers, and processes beside the model.

A *handler* takes the place of a consumer's imagined work::

    def bill(event, context):
        if context.state.get(event.key) == "blocked":
            raise es.Failure("blocked")
        context.state[event.key] = "billed"
        context.emit("invoices", payload={"order": event.message_id})


    es.run(scenario, handlers={"billing": bill})

A plain function is called when the service time of the scenario is over: at the moment of the
effect. A generator function takes the time that it takes: ``yield context.timeout(0.02)``. Either
may raise :class:`Failure`, and the attempt has failed like any other. Any other exception is a
mistake in the code; it ends the run with a :class:`HandlerError` that says where.

A *process* is a generator function that runs beside the model from the beginning, such as an
autoscaler, or a client that calls a service and waits for the answer::

    def client(context):
        while True:
            yield context.timeout(1.0)
            try:
                answer = yield from context.call("stock", timeout=0.5, retry="fixed(100ms)")
            except es.Failure:
                context.state["failed"] = context.state.get("failed", 0) + 1


    es.run(scenario, processes=[client])

Everything that a context offers is deterministic. Randomness of the user's own (``random``, NumPy)
is not, unless it is seeded; ``context.uniform`` and ``context.sample`` are addressed like all draws
of the model.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from eda_sim.spec.errors import nearest
from eda_sim.spec.scenario import Scenario

__all__ = [
    "CallFailed",
    "CallTimeout",
    "Context",
    "Event",
    "Failure",
    "Handler",
    "HandlerError",
    "Process",
    "ProcessContext",
    "check_handlers",
    "is_generator_function",
    "named_processes",
]


class Failure(Exception):  # noqa: N818 - the word that a handler raises: an outcome, not a mistake
    """A failure that belongs to the scenario: the attempt fails, and the run goes on."""


class CallFailed(Failure):
    """The service that was called gave the request up."""


class CallTimeout(CallFailed):
    """The answer to a call did not come in time."""


class HandlerError(Exception):
    """A mistake in a handler or process of the user's.

    Attributes
    ----------
    where : str
        ``handler of billing`` or ``process client``.
    event : Event or None
        The event that was handled; None in a process.
    time : float
        Simulated time in seconds.
    """

    def __init__(self, where: str, event: Event | None, time: float, problem: str) -> None:
        super().__init__(where, event, time, problem)
        self.where = where
        self.event = event
        self.time = time
        self.problem = problem

    def __str__(self) -> str:
        about = "" if self.event is None else f", {self.event.name}"
        return f"{self.where}{about}, at {self.time:g} s: {self.problem}"


@dataclass(frozen=True)
class Event:
    """What a handler gets: one delivery of one message.

    Attributes
    ----------
    message_id : int
        Number of the message, as in the tables.
    source, channel : str
        Who published it, and where.
    sequence : int
        Its number within its source, from 0.
    key : int or None
        Number of its key.
    size : int
        Bytes.
    created_at : float
        Simulated time in seconds.
    correlation_id, causation_id : int or None
        Message that began the chain, and the one whose handling emitted this one.
    attempt : int
        1 for the first delivery of this copy.
    payload : object
        What ``emit``, ``publish`` or ``call`` was given; None for messages of producers.
    """

    message_id: int
    source: str
    channel: str
    sequence: int
    key: int | None
    size: int
    created_at: float
    correlation_id: int
    causation_id: int | None
    attempt: int
    payload: Any = field(default=None, compare=False)

    @property
    def name(self) -> str:
        """The event in a few words, for messages."""
        return (
            f"message {self.message_id} ({self.source} -> {self.channel}), attempt {self.attempt}"
        )


class Waiting(Protocol):
    """What handlers and processes can do."""

    @property
    def now(self) -> float:
        """Simulated time in seconds."""

    def timeout(self, seconds: float) -> Any:
        """Return something to ``yield``: the code goes on so many seconds later."""

    def uniform(self, name: str = "") -> float:
        """Return a random number in (0, 1) that depends on names and numbers, never on order."""

    def sample(self, distribution: Any, name: str = "") -> float:
        """Return a variate of a distribution, such as ``"exponential(20ms)"``, in seconds or 1."""

    def delays(self, retry: Any, name: str = "") -> Iterator[float]:
        """Yield the delays of a retry policy in seconds, until it gives up.

        For code that retries on its own: ``for pause in context.delays("fixed(1s)"): ...``.
        """

    def call(
        self,
        consumer: str,
        *,
        payload: Any = None,
        key: int | None = None,
        size: float = 1000,
        timeout: float | None = None,
        retry: Any = "none",
    ) -> Generator[Any, Any, Any]:
        """Call a service and wait: ``answer = yield from context.call("stock", timeout=0.5)``.

        The request is a message in the first channel that the service reads; the answer is what its
        handler returned. Each attempt waits at most ``timeout`` seconds; then, and when the service
        gives the request up, ``retry`` decides about another.

        Raises
        ------
        CallTimeout, CallFailed
            When there is no further attempt.
        """


class Context(Waiting, Protocol):
    """What a handler can do.

    Attributes
    ----------
    state : dict
        Kept by the consumer, whatever crashes: its database.
    memory : dict
        Kept by the instance until it crashes.
    instance : int
        Number of the instance.
    """

    state: dict[Any, Any]
    memory: dict[Any, Any]
    instance: int

    def emit(
        self, channel: str, *, payload: Any = None, key: int | None = None, size: float = 1000
    ) -> int:
        """Publish a message that this event caused; return its number."""

    def service_time(self) -> float:
        """Return the service time in seconds that the scenario would have given this call."""


class ProcessContext(Waiting, Protocol):
    """What a process can do.

    Attributes
    ----------
    state : dict
        Its own.
    environment : simpy.Environment
        The run's, for SimPy's resources and stores; its times are whole nanoseconds.
    """

    state: dict[Any, Any]
    environment: Any

    def publish(
        self, channel: str, *, payload: Any = None, key: int | None = None, size: float = 1000
    ) -> int:
        """Publish a message; return its number."""

    def lag(self, consumer: str) -> int:
        """Return how many copies are stored and not settled for a consumer."""

    def queue_length(self, consumer: str) -> int:
        """Return how many copies wait to be handed over to a consumer."""

    def busy(self, consumer: str) -> int:
        """Return how many workers of a consumer run a handler."""

    def instances(self, consumer: str) -> int:
        """Return how many instances of a consumer are up."""

    def scale(self, consumer: str, instances: int) -> None:
        """Let so many instances of a consumer run: the first ones, at most those of the scenario.

        One that has to go finishes what it runs, gives back what it holds, and leaves.
        """


Handler: TypeAlias = Callable[[Event, Any], Any]
"""A function of an event and a :class:`Context`; a plain one or a generator function."""
Process: TypeAlias = Callable[[Any], Generator[Any, Any, Any]]
"""A generator function of a :class:`ProcessContext`."""


def check_handlers(scenario: Scenario, handlers: Mapping[str, Handler]) -> None:
    """Make sure that every handler belongs to a consumer.

    Parameters
    ----------
    scenario : Scenario
        What is run.
    handlers : mapping
        Name of a consumer -> function.

    Raises
    ------
    ValueError
        If there is no such consumer, or it cannot be interrupted as it should be.
    """
    for name, handler in handlers.items():
        if name not in scenario.consumers:
            message = f"handlers: no consumer {name!r}{nearest(name, scenario.consumers)}"
            raise ValueError(message)
        if scenario.consumers[name].preemptive and is_generator_function(handler):
            message = (
                f"handlers: that of {name!r} is a generator function, and its consumer preemptive: "
                "only service times can be interrupted; give a plain function"
            )
            raise ValueError(message)


def is_generator_function(handler: Handler) -> bool:
    """Return whether a handler takes the time that it waits for."""
    function: Any = handler
    while isinstance(function, functools.partial):
        function = function.func
    call = getattr(function, "__call__", None)  # noqa: B004 - an object with a generator __call__
    return bool(inspect.isgeneratorfunction(function) or inspect.isgeneratorfunction(call))


def named_processes(processes: Iterable[Process]) -> dict[str, Process]:
    """Return processes by name: that of the function, numbered where it comes again.

    Parameters
    ----------
    processes : iterable of functions
        The processes.

    Returns
    -------
    dict
        In the same order.

    Examples
    --------
    >>> def client(context): ...
    >>> list(named_processes([client, client]))
    ['client', 'client-2']
    """
    named: dict[str, Process] = {}
    for process in processes:
        base = str(getattr(process, "__name__", "process"))
        name, number = base, 1
        while name in named:
            number += 1
            name = f"{base}-{number}"
        named[name] = process
    return named
