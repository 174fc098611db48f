"""Run a scenario on an engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Literal, TypedDict, Unpack, overload

from eda_sim.engine.plan import Plan, make_plan
from eda_sim.engine.summary import Facts, Summary, facts_of, summarize
from eda_sim.engine.trace import Trace
from eda_sim.engine.user import Handler, Process, check_handlers, named_processes
from eda_sim.spec.scenario import Scenario

Engine = Literal["auto", "compiled", "reference"]
Record = Literal["full", "summary"]
Progress = Callable[[float], None]

_ENGINES = ("auto", "compiled", "reference")
_RECORDS = ("full", "summary")
_WORTH_LOADING = 5_000
"""Messages that the reference engine needs a quarter of a second for: so long takes the kernel to
load from disk."""
_WORTH_COMPILING = 2_000_000
"""Messages that the reference engine needs a minute for, as the compiler does."""


class Options(TypedDict, total=False):
    """Options of a run that have nothing to do with what it returns; see :func:`execute`."""

    seed: int | None
    replication: int
    engine: Engine
    progress: Progress | None
    handlers: Mapping[str, Handler] | None
    processes: Iterable[Process]


@overload
def execute(
    scenario: Scenario, *, record: Literal["full"] = "full", **options: Unpack[Options]
) -> Trace: ...


@overload
def execute(
    scenario: Scenario, *, record: Record, **options: Unpack[Options]
) -> Trace | Summary: ...


def execute(
    scenario: Scenario,
    *,
    seed: int | None = None,
    replication: int = 0,
    engine: Engine = "auto",
    record: Record = "full",
    progress: Progress | None = None,
    handlers: Mapping[str, Handler] | None = None,
    processes: Iterable[Process] = (),
) -> Trace | Summary:
    """Run a scenario and return what happened.

    Parameters
    ----------
    scenario : Scenario
        What to run.
    seed : int, optional
        Instead of the scenario's own seed; 0 <= seed < 2**32.
    replication : int
        Number of the independent replication; 0 <= replication < 2**32.
    engine : {"auto", "compiled", "reference"}
        Who runs it. The trace is the same to the last bit, so ``auto`` chooses by time alone: the
        compiled engine, unless its kernel would have to be loaded or compiled first and the run is
        too short for that. User code runs on the reference engine only.
    record : {"full", "summary"}
        What to write down: every row, or the counts of :mod:`eda_sim.engine.summary`.
    progress : callable, optional
        Called now and then with the share of the run that is done, from 0 to 1.
    handlers : mapping, optional
        Name of a consumer -> a function that handles its messages; see :mod:`eda_sim.engine.user`.
    processes : iterable of functions, optional
        Generator functions that run beside the model; see there.

    Returns
    -------
    Trace or Summary
        Equal, to the last bit, for equal arguments.

    Raises
    ------
    ValueError
        If there is no such engine or record, the engine cannot run user code, or seed or
        replication is out of bounds.
    """
    if engine not in _ENGINES:
        message = f"engine: {engine!r} is not valid: must be one of {', '.join(_ENGINES)}"
        raise ValueError(message)
    check_record(record)
    plan = make_plan(scenario, seed=seed, replication=replication)
    check_handlers(scenario, handlers or {})
    named = named_processes(processes)
    has_user_code = bool(handlers or named)
    if engine == "compiled" and has_user_code:
        message = "engine: 'compiled' is not valid: handlers and processes need 'reference'"
        raise ValueError(message)
    facts = facts_of(scenario, plan.names) if record == "summary" else None
    if engine == "compiled" or (engine == "auto" and not has_user_code and _pays(scenario)):
        from eda_sim.engine.compiled import simulation as compiled

        if facts is not None:
            return _summary_of_compiled(plan, facts, progress)
        return compiled.simulate(plan, progress=progress)
    # SimPy is imported here, so that a door that only reads scenarios does not wait for it.
    from eda_sim.engine.reference import simulation as reference

    trace = reference.simulate(plan, progress=progress, handlers=handlers, processes=named)
    return trace if facts is None else summarize(trace, facts)


def check_record(record: object) -> None:
    """Refuse what says neither to keep every row nor to count them.

    Examples
    --------
    >>> check_record("short")
    Traceback (most recent call last):
    ValueError: record: 'short' is not valid: must be one of full, summary
    """
    if record not in _RECORDS:
        message = f"record: {record!r} is not valid: must be one of {', '.join(_RECORDS)}"
        raise ValueError(message)


def _summary_of_compiled(plan: Plan, facts: Facts, progress: Progress | None) -> Summary:
    """Run a plan on the compiled engine and count what it writes down."""
    from eda_sim.engine.compiled import simulation as compiled

    return compiled.summarize(plan, facts, progress=progress)


def _pays(scenario: Scenario) -> bool:
    """Return whether a run is long enough for the compiled engine."""
    from eda_sim.engine.compiled import pointers

    if not pointers.COMPILED or pointers.is_loaded():
        return pointers.COMPILED
    messages = _expected_messages(scenario)
    if messages < _WORTH_LOADING:
        return False
    from eda_sim.engine.compiled.simulation import is_kept

    return messages >= _WORTH_COMPILING or is_kept()


def _expected_messages(scenario: Scenario) -> float:
    """Return about how many messages the producers of a scenario create."""
    if scenario.messages is not None:
        return scenario.messages
    total = 0.0
    for producer in scenario.producers.values():
        stop = min(bound for bound in (producer.stop, scenario.duration, 1e9) if bound is not None)
        created = producer.arrivals.rate * max(0.0, stop - producer.start)
        total += created if producer.messages is None else min(created, producer.messages)
    return total
