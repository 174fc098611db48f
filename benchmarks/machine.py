"""What ran: versions and machine, without names that would tell whose it is."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import subprocess
from pathlib import Path

from benchmarks.contenders import CONTENDERS
from benchmarks.contenders.compiler import COMPILER
from eda_sim.engine.streams import _jit

OTHERS = ("numba", "llvmlite", "numpy", "pandas", "joblib")


def versions() -> dict[str, str]:
    """Return the versions of interpreter, libraries, contenders and compiler."""
    found = {"python": platform.python_version()}
    found["kernels"] = "compiled" if _jit.COMPILED else "interpreted"
    names = [each.distribution for each in CONTENDERS if each.distribution is not None]
    for name in dict.fromkeys([*names, *OTHERS]):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not installed"
    found["C++"] = _compiler()
    return found


def machine() -> dict[str, str | int]:
    """Return what the machine is."""
    return {
        "system": platform.system(),
        "architecture": platform.machine(),
        "processor": _processor(),
        "cores": os.cpu_count() or 1,
        "memory_gib": _memory_gib(),
    }


def _compiler() -> str:
    path = shutil.which(COMPILER)
    if path is None:
        return "no compiler"
    done = subprocess.run(  # noqa: S603 - the compiler that the user chose
        [path, "--version"], check=False, capture_output=True, text=True
    )
    return done.stdout.splitlines()[0] if done.stdout else "unknown"


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    if path.exists():
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def _memory_gib() -> int:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)
    except (AttributeError, OSError, ValueError):
        return 0
