"""The user's Python in a run: calling handlers, running processes, and saying what went wrong."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any

import simpy
from simpy.events import Event as Waitable

from eda_sim.engine.reference.contexts import HandlerContext, ProcessContext, event_of
from eda_sim.engine.reference.ledger import Delivery
from eda_sim.engine.reference.scaling import names_with_scaling
from eda_sim.engine.streams.samplers import DistributionTable
from eda_sim.engine.trace import Names
from eda_sim.engine.user import (
    Event,
    Failure,
    Handler,
    HandlerError,
    Process,
    is_generator_function,
)

if TYPE_CHECKING:
    from eda_sim.engine.reference.model import Model
    from eda_sim.engine.reference.workers import Worker


class UserCode:
    """Handlers and processes of one run, and what they share.

    Attributes
    ----------
    names : Names
        Those of the plan; with processes they are sources too, and every consumer can be stopped.
    payloads : dict
        Message -> what it carries.
    tables : dict
        Distributions that contexts drew from.
    """

    def __init__(
        self, names: Names, handlers: Mapping[str, Handler], processes: Mapping[str, Process]
    ) -> None:
        self.names = names
        if processes:
            self.names = names_with_scaling(names, (*names.sources, *processes))
        self.handlers = {names.consumers.index(name): f for name, f in handlers.items()}
        self.processes = processes
        self.payloads: dict[int, Any] = {}
        self.tables: dict[Any, DistributionTable] = {}

    @property
    def is_needed(self) -> bool:
        """Return whether there is any."""
        return bool(self.handlers or self.processes)

    def start(self, model: Model) -> None:
        """Let the processes run."""
        for number, (name, process) in enumerate(self.processes.items()):
            model.clock.start(_guarded(model, name, process, ProcessContext(model, number, name)))


def _guarded(
    model: Model, name: str, process: Process, context: ProcessContext
) -> Generator[Waitable, Any, None]:
    """Run a process; a mistake in it ends the run with its name and the time."""
    where = f"process {name}"
    try:
        yield from process(context)
    except HandlerError:
        raise
    except Exception as error:
        raise _mistake(where, None, model, error) from error


def _mistake(where: str, event: Event | None, model: Model, error: Exception) -> HandlerError:
    problem = f"{type(error).__name__}: {error}"
    return HandlerError(where, event, model.clock.now / 1e9, problem)


MOST_FAILURES_AT_ONCE = 100_000
"""Failures at one moment after which a run is stopped: its clock would never go on."""


class UserHandler:
    """A handler at work for one consumer."""

    def __init__(self, model: Model, consumer: int, handler: Handler) -> None:
        self._model = model
        self._handler = handler
        self._where = f"handler of {model.plan.names.consumers[consumer]}"
        self.takes_time = is_generator_function(handler)
        self._failures_at = -1
        self._failures = 0

    def note_failure(self) -> None:
        """Count a failed attempt, and end a run that would never end."""
        now = self._model.clock.now
        if now != self._failures_at:
            self._failures_at, self._failures = now, 0
        self._failures += 1
        if self._failures > MOST_FAILURES_AT_ONCE:
            problem = "it fails again and again without taking time; give max_attempts or a delay"
            raise HandlerError(self._where, None, now / 1e9, problem)

    def call(self, worker: Worker, delivery: Delivery, entity: int, attempt: int) -> Any:
        """Call a plain function at the moment of the effect; raise Failure if the attempt fails."""
        event = event_of(self._model, delivery)
        try:
            return self._handler(event, HandlerContext(worker, delivery, entity, attempt))
        except Failure:
            raise
        except Exception as error:
            raise _mistake(self._where, event, self._model, error) from error

    def run(
        self, worker: Worker, delivery: Delivery, entity: int, attempt: int, limit_ns: int
    ) -> Generator[Waitable, Any, tuple[bool, Any]]:
        """Run a generator function to its end; return (whether it came there, its value).

        ``limit_ns`` is when it is stopped, counted from now; below 0 for never.
        """
        event = event_of(self._model, delivery)
        course = self._handler(event, HandlerContext(worker, delivery, entity, attempt))
        stopped = worker.deadline(delivery, limit_ns) if limit_ns >= 0 else None
        value: Any = None
        try:
            while True:
                waitable = course.send(value)
                if stopped is None:
                    value = yield waitable
                    yield from worker.while_still()
                    continue
                yield _first_of(self._model, waitable, stopped)
                if not waitable.processed:
                    return False, None  # stopped
                yield from worker.while_still()
                value = waitable.value
        except StopIteration as end:
            return True, end.value
        except Failure:
            return False, None
        except simpy.Interrupt:  # the instance crashed
            raise
        except Exception as error:
            raise _mistake(self._where, event, self._model, error) from error
        finally:
            course.close()


def _first_of(model: Model, first: Waitable, second: Waitable) -> Waitable:
    """Return an event that comes with the first of two."""
    either = model.clock.signal()

    def come(_: Waitable) -> None:
        if not either.triggered:
            either.succeed()

    for event in (first, second):
        if event.processed:
            come(event)
        else:
            event.callbacks.append(come)
    return either
