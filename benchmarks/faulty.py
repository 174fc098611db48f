"""Bundled scenarios with faults, on both engines: nobody else models leases and redelivery."""

from __future__ import annotations

from typing import Any, NamedTuple

from benchmarks.measuring import fastest
from eda_sim.engine import execute
from eda_sim.spec import load

SCENARIOS = ("checkout", "crash")


class Size(NamedTuple):
    """How much each engine is given to do."""

    compiled_messages: int
    reference_messages: int
    repeats: int


FULL = Size(compiled_messages=200_000, reference_messages=40_000, repeats=5)
FAST = Size(compiled_messages=30_000, reference_messages=30_000, repeats=2)


def measure(size: Size) -> dict[str, Any]:
    """Return a row per scenario and engine."""
    rows = []
    for name in SCENARIOS:
        rows.append(measure_engine(name, "reference", size.reference_messages, size.repeats))
        rows.append(measure_engine(name, "compiled", size.compiled_messages, size.repeats))
        reference, compiled = rows[-2:]
        compiled["times_as_fast_as_reference"] = (
            reference["ns_per_message"] / compiled["ns_per_message"]
        )
    return {"rows": rows}


def measure_engine(
    name: str, engine: execute.Engine, messages: int, repeats: int
) -> dict[str, Any]:
    """Measure one engine on one scenario, from scenario to trace."""
    scenario = load(name)
    (producer,) = scenario.producers.values()
    # Long enough for all messages; it ends when the last one is handled.
    seconds = 2.0 * messages / producer.arrivals.rate
    scenario = scenario.replace(
        {"messages": messages, "duration": f"{seconds:.0f}s", "drain": True}
    )
    execute.execute(scenario.replace({"messages": 50}), engine=engine)
    trace, taken = fastest(lambda: execute.execute(scenario, engine=engine), repeats)
    created = int(trace.messages["created_at"].size)
    handled = int((trace.deliveries["effect"] > 0).sum())
    deliveries = int(trace.deliveries["effect"].size)
    assert created == messages, f"{name}: {created:,} of {messages:,} messages created"
    # Both scenarios lose nothing: what a crash takes comes again.
    assert handled >= created, f"{name}: {handled:,} effects of {created:,} messages"
    assert trace.faults["fault"].size > 0, f"{name}: no fault happened"
    return {
        "scenario": name,
        "engine": engine,
        "messages": created,
        "deliveries": deliveries,
        "cpu_s": taken.cpu_s,
        "ns_per_message": taken.cpu_s / created * 1e9,
    }
