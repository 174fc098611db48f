"""What one waits for at the start: imports, the first run in a process, the compiler."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from typing import Any, NamedTuple

from benchmarks.measuring import ROOT, timed


class Size(NamedTuple):
    """How often, and whether the compiler is measured, which takes a minute."""

    repeats: int
    cold: bool


FULL = Size(repeats=5, cold=True)
FAST = Size(repeats=1, cold=False)

SCRIPT = """\
import time
begin = time.perf_counter()
import eda_sim as es
run, load = es.run, es.load
imported = time.perf_counter()
made = run(
    load("mm1").replace({{"messages": {messages}, "duration": "10h"}}), engine="{engine}"
)
ran = time.perf_counter()
assert made.trace.messages["created_at"].size == {messages}
print(imported - begin, ran - imported)
"""
"""What somebody's script does first. Names load what is behind them when they are first used."""

RUNS = (("compiled", 20_000), ("auto", 20_000), ("auto", 1_000))


def measure(size: Size) -> dict[str, Any]:
    """Return the seconds of the first run in a new process, and of a cold compilation."""
    rows = [measure_first_run(*run, size.repeats) for run in RUNS]
    return {"rows": rows, "cold_compile_s": cold_compile() if size.cold else None}


def measure_first_run(engine: str, messages: int, repeats: int) -> dict[str, Any]:
    """Return what the fastest of several new processes took, start of Python included.

    Python keeps the bytecode of what it imports, unless it is told not to, as it often is where
    tests run. Here it is kept, and the process that writes it is not measured.
    """
    script = SCRIPT.format(engine=engine, messages=messages)
    best: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="eda-sim-bytecode-") as bytecode:
        env = {**os.environ, "PYTHONPYCACHEPREFIX": bytecode}
        env.pop("PYTHONDONTWRITEBYTECODE", None)
        for number in range(repeats + 1):
            done, seconds = timed(
                lambda env=env: subprocess.run(  # noqa: S603 - this interpreter, the script above
                    [sys.executable, "-c", script],
                    check=True,
                    cwd=ROOT,
                    env=env,
                    capture_output=True,
                    text=True,
                )
            )
            if number and (not best or seconds.wall_s < best["process_s"]):
                import_s, run_s = map(float, done.stdout.split())
                best = {"process_s": seconds.wall_s, "import_s": import_s, "run_s": run_s}
    return {"engine": engine, "messages": messages, **best}


def cold_compile() -> float:
    """Return the seconds of the set-up step that compiles, with an empty cache."""
    with tempfile.TemporaryDirectory(prefix="eda-sim-cold-") as cache:
        begin = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "eda_sim.engine.warm"],
            check=True,
            cwd=ROOT,
            env={**os.environ, "NUMBA_CACHE_DIR": cache},
            stdout=subprocess.DEVNULL,
        )
        seconds = time.perf_counter() - begin
        kept = sum(1 for path in os.scandir(cache) if path.is_dir())
        assert kept > 0, "the compiler did not use the empty cache"
    return seconds
