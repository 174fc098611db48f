"""The set-up step compiles everything that a run needs: no run after it compiles anything."""

import json
import os
import subprocess
import sys

import pytest

COUNT_COMPILATIONS = """
import json, sys
import eda_sim
for name in eda_sim.scenarios():
    eda_sim.run(eda_sim.load(name).replace({"messages": 50}))
compiled, cached = [], []
for module in [m for n, m in sys.modules.items() if n.startswith("eda_sim.engine")]:
    for name, value in vars(module).items():
        stats = getattr(value, "stats", None)
        if hasattr(stats, "cache_misses"):
            compiled += [f"{module.__name__}.{name}"] * bool(sum(stats.cache_misses.values()))
            cached += [f"{module.__name__}.{name}"] * bool(sum(stats.cache_hits.values()))
print(json.dumps([compiled, cached]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("starts", ["after set-up", pytest.param("empty", marks=pytest.mark.soak)])
def test_after_warming_up_no_run_compiles_anything(tmp_path, starts):
    # In a new clone the set-up has just compiled, and no other test ran before: see conftest.py.
    environment = {**os.environ, "EDA_SIM_INTERPRETED": ""}
    if starts == "empty":
        environment["NUMBA_CACHE_DIR"] = str(tmp_path)

    def python(*arguments):
        return subprocess.run(
            [sys.executable, *arguments],
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    assert python("-m", "eda_sim.engine.warm").startswith("Kernels ready after ")
    compiled, cached = json.loads(python("-c", COUNT_COMPILATIONS))
    assert compiled == []
    assert cached, "nothing compiled was used: this test looks in the wrong place"
