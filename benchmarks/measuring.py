"""How things are measured: processor time, the fastest of several, memory in a process of its own.

Engines run on one core, so their processor time is the time that one waits on a machine with
nothing else to do; on a busy one it stays comparable. Everything that disturbs a measurement makes
it slower, so the fastest of several counts. Contenders take turns, so that what disturbs one
disturbs the others too.
"""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[1]


class Seconds(NamedTuple):
    """What a call took, by the clock on the wall and by the processor's."""

    wall_s: float
    cpu_s: float


def timed(call: Callable[[], Any]) -> tuple[Any, Seconds]:
    """Return what a call returned, and what it took."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = call()
    return result, Seconds(time.perf_counter() - wall, time.process_time() - cpu)


def fastest(call: Callable[[], Any], repeats: int) -> tuple[Any, Seconds]:
    """Return what the last of several calls returned, and the least that one took.

    What an earlier call returned is given back before the next one begins.
    """
    taken = []
    result = None
    for _ in range(repeats):
        del result
        result, seconds = timed(call)
        taken.append(seconds)
    return result, Seconds(min(each.wall_s for each in taken), min(each.cpu_s for each in taken))


def in_new_process(task: str, **given: Any) -> Any:
    """Do a task of :mod:`benchmarks.tasks` in a process of its own; return what it found.

    Raises
    ------
    subprocess.CalledProcessError
        If the task failed.
    """
    command = [sys.executable, "-m", "benchmarks.tasks", task, json.dumps(given)]
    done = subprocess.run(  # noqa: S603 - this interpreter, our module
        command,
        check=True,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def peak_mib() -> float:
    """Return the most memory that this process has had resident so far, in MiB.

    Linux counts the parent's memory into a new process' ``ru_maxrss``, so there it is read from
    where it begins anew with the program.
    """
    status = Path("/proc/self/status")
    if status.exists():
        lines = status.read_text(encoding="ascii", errors="replace").splitlines()
        (line,) = (each for each in lines if each.startswith("VmHWM:"))
        return int(line.split()[1]) / 1024
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def free_mib() -> float:
    """Return how much memory new processes can have without others losing theirs, in MiB."""
    information = Path("/proc/meminfo")
    if not information.exists():
        return float("inf")
    lines = information.read_text(encoding="ascii").splitlines()
    (line,) = (each for each in lines if each.startswith("MemAvailable:"))
    return int(line.split()[1]) / 1024


def has_summary() -> bool:
    """Return whether runs can be recorded in constant memory."""
    import eda_sim as es

    return "record" in inspect.signature(es.run).parameters
