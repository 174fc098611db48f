"""The run: build the model from a plan, let time pass, return the trace."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Callable, Iterator, Mapping

from simpy.events import Event

from eda_sim.engine.plan import NONE, Plan
from eda_sim.engine.reference.channels import Channel
from eda_sim.engine.reference.consumers import Consumer
from eda_sim.engine.reference.faults import Fault
from eda_sim.engine.reference.model import Model
from eda_sim.engine.reference.producers import Producer
from eda_sim.engine.reference.sampler import sample_series
from eda_sim.engine.reference.users import UserCode
from eda_sim.engine.trace import Trace
from eda_sim.engine.user import Handler, Process

Progress = Callable[[float], None]
"""Called with the share of the run that is done, from 0 to 1."""

_STEPS = 200
_YOUNG_OBJECTS = 20_000
"""New objects after which Python looks for garbage among them."""


def simulate(
    plan: Plan,
    *,
    progress: Progress | None = None,
    handlers: Mapping[str, Handler] | None = None,
    processes: Mapping[str, Process] | None = None,
) -> Trace:
    """Run a plan on the reference engine.

    Parameters
    ----------
    plan : Plan
        What to run.
    progress : callable, optional
        Called now and then with the share of the simulated time that has passed.
    handlers : mapping, optional
        Consumer -> the user's function that handles its messages.
    processes : mapping, optional
        Name -> the user's generator function that runs beside the model.

    Returns
    -------
    Trace
        What happened.
    """
    with _collecting_rarely():
        model = _build(plan, UserCode(plan.names, handlers or {}, processes or {}))
        _start(model)
        ended_at_ns = _run(model, progress)
        return model.ledger.to_trace(ended_at_ns)


@contextlib.contextmanager
def _collecting_rarely() -> Iterator[None]:
    """Let Python look for garbage less often: nearly all objects of a run live until its end.

    With Python's own threshold an eighth of the time goes into looking through them in vain.
    """
    thresholds = gc.get_threshold()
    if thresholds[0] > 0:  # else it is switched off
        gc.set_threshold(max(thresholds[0], _YOUNG_OBJECTS), *thresholds[1:])
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)


def _build(plan: Plan, user: UserCode) -> Model:
    model = Model(plan, user)
    model.channels = [Channel(model, i) for i in range(len(plan.channels.rows.address))]
    model.consumers = [Consumer(model, i) for i in range(len(plan.consumers.address))]
    model.producers = [Producer(model, i) for i in range(len(plan.producers.rows.address))]
    for consumer in model.consumers:
        for subscription in consumer.subscriptions:
            model.channels[subscription.channel].connect(subscription)
    return model


def _start(model: Model) -> None:
    plan, clock = model.plan, model.clock
    model.producing = len(model.producers)
    for consumer in model.consumers:
        consumer.start()
    for producer in model.producers:
        clock.start(producer.process())
    model.user.start(model)
    for i in range(len(plan.faults.what)):
        clock.start(Fault(model, i).process())
    if plan.run.sample_every_ns != NONE:
        clock.start(sample_series(model, plan.run.sample_every_ns))


def _run(model: Model, progress: Progress | None) -> int:
    """Let time pass until the run ends; return when that was."""
    run, clock = model.plan.run, model.clock
    end = clock.signal()

    def stop(_: Event | None = None) -> None:
        if not end.triggered:
            end.succeed()

    def stop_unless_time_goes_on(_: Event) -> None:
        # Producers that can create no more before the duration are no reason to stop before it.
        if run.duration_ns == NONE or model.created == run.messages:
            stop()

    def limit_draining(_: Event) -> None:
        production_ends = max(clock.now, run.duration_ns)
        clock.before(production_ends + run.drain_timeout_ns, stop)

    if run.drain:
        model.drained.callbacks.append(stop)
        model.all_created.callbacks.append(limit_draining)
    else:
        if run.duration_ns != NONE:
            clock.before(run.duration_ns, stop)
        model.all_created.callbacks.append(stop_unless_time_goes_on)
    if progress is not None:
        _report(model, progress)
    clock.environment.run(until=end)
    if progress is not None:
        progress(1.0)
    return clock.now


def _report(model: Model, progress: Progress) -> None:
    """Tell how far the run is, by simulated time or, without a duration, by messages created."""
    run = model.plan.run
    if run.duration_ns == NONE:
        model.on_created = lambda: progress(model.created / run.messages)
        return

    def report(step: int) -> None:
        progress(step / _STEPS)
        if step + 1 < _STEPS:
            model.clock.before(run.duration_ns * (step + 1) // _STEPS, lambda: report(step + 1))

    report(0)
