"""Run a scenario on an engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Literal

from eda_sim.engine.plan import make_plan
from eda_sim.engine.trace import Trace
from eda_sim.engine.user import Handler, Process, check_handlers, named_processes
from eda_sim.spec.scenario import Scenario

Engine = Literal["auto", "reference"]


def execute(
    scenario: Scenario,
    *,
    seed: int | None = None,
    replication: int = 0,
    engine: Engine = "auto",
    progress: Callable[[float], None] | None = None,
    handlers: Mapping[str, Handler] | None = None,
    processes: Iterable[Process] = (),
) -> Trace:
    """Run a scenario and return what happened.

    Parameters
    ----------
    scenario : Scenario
        What to run.
    seed : int, optional
        Instead of the scenario's own seed; 0 <= seed < 2**32.
    replication : int
        Number of the independent replication; 0 <= replication < 2**32.
    engine : {"auto", "reference"}
        Who runs it. The trace is the same.
    progress : callable, optional
        Called now and then with the share of the run that is done, from 0 to 1.
    handlers : mapping, optional
        Name of a consumer -> a function that handles its messages; see :mod:`eda_sim.engine.user`.
    processes : iterable of functions, optional
        Generator functions that run beside the model; see there.

    Returns
    -------
    Trace
        Equal, to the last bit, for equal arguments.

    Raises
    ------
    ValueError
        If there is no such engine, or seed or replication is out of bounds.
    """
    if engine not in ("auto", "reference"):
        message = f"engine: {engine!r} is not valid: must be 'auto' or 'reference'"
        raise ValueError(message)
    plan = make_plan(scenario, seed=seed, replication=replication)
    # SimPy is imported here, so that a door that only reads scenarios does not wait for it.
    from eda_sim.engine.reference.simulation import simulate

    check_handlers(scenario, handlers or {})
    return simulate(
        plan, progress=progress, handlers=handlers, processes=named_processes(processes)
    )
