"""How many messages an engine handles in a second of processor time, beside raw SimPy.

Run it with ``make bench``. Engines run on one core, so the time of the processor is the time that
one waits on a machine with nothing else to do; on a busy one it stays comparable. Each line is the
fastest of several runs, after a short first one that compiles: everything that disturbs a
measurement makes it slower. Each is checked to have done the work that is claimed: every message
created and handled, and equal seeds giving equal runs.

The figures are also written to ``benchmarks/results/engines.json``, with the versions of what ran.
"""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import json
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from raw_simpy import Served, pipeline, single_queue

from eda_sim.engine import execute
from eda_sim.engine.streams import _jit
from eda_sim.spec import Scenario, load

RESULTS = Path(__file__).parent / "results" / "engines.json"
REPEATS = 5
ENGINES: tuple[execute.Engine, ...] = ("reference",)

CHECKOUT = load("checkout").replace({"duration": "3min"})
CRASH = load("crash").replace({"duration": "10min"})

QUEUE_MESSAGES, QUEUE_RATE, QUEUE_SERVICE = 20_000, 8.0, 0.1
QUEUE = Scenario.model_validate(
    {
        "name": "queue",
        "messages": QUEUE_MESSAGES,
        "drain": True,
        "producers": {"clients": {"to": "jobs", "rate": QUEUE_RATE}},
        "channels": {"jobs": {}},
        "consumers": {"worker": {"reads": "jobs", "service": f"exponential({QUEUE_SERVICE}s)"}},
    }
)

STAGE_MESSAGES, STAGE_RATE, STAGE_WORKERS, STAGE_SERVICE = 10_000, 100.0, (4, 2), (0.03, 0.015)
STAGES = Scenario.model_validate(
    {
        "name": "pipeline",
        "messages": STAGE_MESSAGES,
        "drain": True,
        "producers": {"source": {"to": "first", "rate": STAGE_RATE}},
        "channels": {"first": {}, "second": {}},
        "consumers": {
            "front": {
                "reads": "first",
                "concurrency": STAGE_WORKERS[0],
                "service": f"exponential({STAGE_SERVICE[0]}s)",
                "emits": "second",
            },
            "back": {
                "reads": "second",
                "concurrency": STAGE_WORKERS[1],
                "service": f"exponential({STAGE_SERVICE[1]}s)",
            },
        },
    }
)


class Measured(NamedTuple):
    """One line of the result; a message that another one causes counts as well."""

    scenario: str
    engine: str
    messages: int
    seconds: float

    @property
    def rate(self) -> float:
        """Messages per second of processor time."""
        return self.messages / self.seconds


def fastest(run: Callable[[], Any]) -> tuple[Any, float]:
    """Return what the runs returned, which must be equal, and the seconds of the fastest."""
    results, seconds = [], []
    for _ in range(REPEATS):
        started = time.process_time()
        result = run()
        seconds.append(time.process_time() - started)
        results.append(result.digest() if hasattr(result, "digest") else result)
    assert all(other == results[0] for other in results), "equal seeds must give equal runs"
    return result, min(seconds)


def measure(scenario: Scenario, engine: execute.Engine) -> Measured:
    """Measure an engine on a scenario, from scenario to trace."""
    execute.execute(scenario.replace({"messages": 50}), engine=engine)
    trace, seconds = fastest(lambda: execute.execute(scenario, engine=engine))
    created = trace.messages["created_at"].size
    handled = int(trace.deliveries["effect"].sum())
    assert created > 10_000, "too little work to measure"
    assert handled > 0.99 * created, "messages that nobody handled cost nothing"
    if scenario.drain:
        assert handled >= created, "a run that drains handles everything"
    return Measured(scenario.name, engine, created, seconds)


def measure_raw(name: str, run: Callable[[], Served], expected: int) -> Measured:
    """Measure a model in raw SimPy."""
    served, seconds = fastest(run)
    assert served.messages == expected, "every message must be served"
    assert served.seconds_waited > 0, "a queue in which nobody waits is none"
    return Measured(name, "raw SimPy", served.messages, seconds)


def measure_all() -> list[Measured]:
    """Measure everything, each engine beside its yardstick."""
    rows = [measure(scenario, engine) for scenario in (CHECKOUT, CRASH) for engine in ENGINES]
    rows += [measure(QUEUE, engine) for engine in ENGINES]
    rows.append(
        measure_raw(
            QUEUE.name,
            lambda: single_queue(
                messages=QUEUE_MESSAGES, rate=QUEUE_RATE, mean_service=QUEUE_SERVICE
            ),
            QUEUE_MESSAGES,
        )
    )
    rows += [measure(STAGES, engine) for engine in ENGINES]
    rows.append(
        measure_raw(
            STAGES.name,
            lambda: pipeline(
                messages=STAGE_MESSAGES,
                rate=STAGE_RATE,
                workers=STAGE_WORKERS,
                mean_service=STAGE_SERVICE,
            ),
            2 * STAGE_MESSAGES,
        )
    )
    return rows


def versions() -> dict[str, str]:
    """Return what ran: the interpreter, the libraries that matter, the machine."""
    found = {"python": platform.python_version(), "machine": platform.machine()}
    found["kernels"] = "compiled" if _jit.COMPILED else "interpreted"
    for name in ("eda-sim", "numba", "numpy", "simpy"):
        found[name] = importlib.metadata.version(name)
    return found


def main() -> None:
    """Print a line per scenario and engine, and keep the figures."""
    print(", ".join(f"{name} {version}" for name, version in versions().items()))
    rows = measure_all()
    raw = {row.scenario: row.rate for row in rows if row.engine == "raw SimPy"}
    for row in rows:
        line = (
            f"{row.scenario:<10} {row.engine:<10} {row.messages:>8,} messages in "
            f"{row.seconds:6.3f} s: {row.rate:>9,.0f} messages/s"
        )
        if row.scenario in raw and row.engine != "raw SimPy":
            line += f", {raw[row.scenario] / row.rate:.2f} x the time of raw SimPy"
        print(line)
    RESULTS.parent.mkdir(exist_ok=True)
    result = {
        "measured_at": dt.datetime.now(tz=dt.UTC).isoformat(timespec="seconds"),
        "versions": versions(),
        "repeats": REPEATS,
        "results": [{**row._asdict(), "messages_per_s": row.rate} for row in rows],
    }
    RESULTS.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(f"Kept in {RESULTS}")


if __name__ == "__main__":
    main()
