"""A bare loop in C++ (``loop.cpp``): the limit to be measured against."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from benchmarks.contenders.compiler import COMPILER
from benchmarks.contenders.served import Served
from benchmarks.worlds import World

SOURCE = Path(__file__).with_name("loop.cpp")

if shutil.which(COMPILER) is None:
    message = f"there is no C++ compiler {COMPILER} (name another in CXX)"
    raise ImportError(message)


@cache
def _program() -> tuple[tempfile.TemporaryDirectory[str], str]:
    """Return the compiled loop, in a folder that goes when this process ends."""
    folder = tempfile.TemporaryDirectory(prefix="eda-sim-bench-")
    program = str(Path(folder.name) / "loop")
    subprocess.run(  # noqa: S603 - our source, the user's compiler
        [COMPILER, "-O2", "-std=c++17", "-o", program, str(SOURCE)], check=True
    )
    return folder, program


def run(world: World, messages: int) -> Served:
    """Simulate a world; the program measures itself, without its start."""
    _, program = _program()
    numbers = (world.rate, world.mean_service, world.partitions, messages)
    done = subprocess.run(  # noqa: S603 - the program that was just compiled
        [program, *map(str, numbers)], check=True, capture_output=True, text=True
    )
    served, total_sojourn, seconds = done.stdout.split()
    return Served(int(served), float(total_sojourn), float(seconds))
