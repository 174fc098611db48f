"""How many messages an engine simulates in a second of processor time.

Run it with ``make bench``. Engines run on one core, so the time of the processor is the time that
one waits on a machine with nothing else to do; on a busy one it stays comparable. Each scenario is
simulated three times, from scenario to trace, after a short first run that compiles; the fastest
counts, since everything that disturbs a measurement makes it slower. The trace is checked to hold
the work that is claimed: equal runs, and nearly every message delivered.
"""

from __future__ import annotations

import platform
import time

from eda_sim.engine import execute
from eda_sim.engine.trace import Trace
from eda_sim.spec import Scenario, load

SCENARIOS = {"checkout": "3min", "crash": "10min", "mm1": "1h"}
"""Bundled scenarios, and how much of their time is simulated."""

ENGINES = ("reference",)
REPEATS = 3


def measure(scenario: Scenario, engine: execute.Engine) -> tuple[Trace, float]:
    """Return the trace and the seconds of the fastest of several runs."""
    execute.execute(scenario.replace({"messages": 50}), engine=engine)
    best = float("inf")
    digests = set()
    for _ in range(REPEATS):
        started = time.process_time()
        trace = execute.execute(scenario, engine=engine)
        best = min(best, time.process_time() - started)
        digests.add(trace.digest())
    assert len(digests) == 1, "equal seeds must give equal runs"
    return trace, best


def main() -> None:
    """Print one line per scenario and engine."""
    print(f"Python {platform.python_version()} on {platform.machine()}, best of {REPEATS} runs")
    for name, duration in SCENARIOS.items():
        scenario = load(name).replace({"duration": duration})
        for engine in ENGINES:
            trace, seconds = measure(scenario, engine)
            created = trace.messages["created_at"].size
            delivered = trace.deliveries["message_id"].size
            assert created > 1000, "too little work to measure"
            assert delivered > 0.9 * created, "messages that nobody handled cost nothing"
            print(
                f"{name:<10} {engine:<10} {created:>9,} messages in {seconds:6.2f} s: "
                f"{created / seconds:>9,.0f} messages/s"
            )


if __name__ == "__main__":
    main()
