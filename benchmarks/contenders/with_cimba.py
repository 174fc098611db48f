"""cimba: a library in C with stackful processes, and models in Python that Numba compiles for it.

Its types must be known to Numba before anything is compiled, so it does not go together with
another user of Numba in one process. It gets a process of its own, and measures itself there.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

from benchmarks.contenders.served import Served
from benchmarks.worlds import World

if importlib.util.find_spec("cimba") is None:
    message = "No module named 'cimba'"
    raise ModuleNotFoundError(message, name="cimba")

_ROOT = Path(__file__).parents[2]


def run(world: World, messages: int) -> Served:
    """Simulate a world, one replication on one thread."""
    done = subprocess.run(  # noqa: S603 - this interpreter, our module
        [sys.executable, "-m", "benchmarks.contenders.cimba_models", world.name, str(messages)],
        check=True,
        cwd=_ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    served, total_sojourn, seconds = done.stdout.split()
    return Served(int(served), float(total_sojourn), float(seconds))
