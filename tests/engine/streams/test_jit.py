"""The switch between compiled and interpreted, as a user's machine may throw it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import eda_sim.engine.streams

pytest.importorskip("numba")

PACKAGE = Path(eda_sim.engine.streams.__file__).parents[2]
DRAW = """
from eda_sim.engine.streams import _jit
from eda_sim.engine.streams.philox import philox, uniform
print(_jit.COMPILED, philox(0, 0, 0, 0, 0, 0)[0], uniform(7, 0, 4, 99, 0, 0))
"""
ANSWER = "0.26732698820001943"


def run(code: str, where: Path, **environment: str) -> str:
    """Run code in a new process that imports the package below ``where``."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("NUMBA", "EDA_SIM"))}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=inherited | {"PYTHONPATH": str(where)} | environment,
        cwd=where,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def copy(tmp_path):
    """Install the streams alone, as files of their own."""
    streams = tmp_path / "eda_sim" / "engine" / "streams"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PACKAGE / "engine" / "streams", streams, ignore=ignored)
    for folder in (tmp_path / "eda_sim", tmp_path / "eda_sim" / "engine"):
        (folder / "__init__.py").write_text("", encoding="utf-8")
    return tmp_path


def test_an_environment_variable_switches_compilation_off(copy):
    code = DRAW + "import sys; print('numba' in sys.modules)"
    printed = run(code, copy, EDA_SIM_INTERPRETED="1")
    assert printed.splitlines() == [f"False {0x6627E8D5} {ANSWER}", "False"]


def test_numbas_own_switch_is_respected(copy):
    assert run(DRAW, copy, NUMBA_DISABLE_JIT="1") == f"False {0x6627E8D5} {ANSWER}"


def test_without_numba_the_same_numbers_come_slower(copy):
    code = "import sys; sys.modules['numba'] = None\n" + DRAW
    assert run(code, copy) == f"False {0x6627E8D5} {ANSWER}"


def test_compiled_code_is_kept_beside_an_installed_package(copy):
    assert run(DRAW, copy) == f"True {0x6627E8D5} {ANSWER}"
    kept = copy / "eda_sim" / "engine" / "streams" / "__pycache__"
    assert list(kept.glob("philox.uniform-*.nbc"))
    code = DRAW + "print(*(sum(n.values()) for n in uniform.stats[1:]))"
    assert run(code, copy).splitlines()[1] == "1 0"  # hits, misses


def test_a_change_in_another_file_makes_kept_code_stale(copy):
    """Uniform numbers by Philox with nine rounds, not the kept ones with ten."""
    code = """
from types import SimpleNamespace
from eda_sim.engine.streams.samplers import lower, sample
table = lower([SimpleNamespace(type="uniform", low=0.0, high=1.0)])
print(sample(table, 0, 7, 0, 4, 99, 0, 0))
"""
    assert run(code, copy) == ANSWER
    philox = copy / "eda_sim" / "engine" / "streams" / "philox.py"
    text = philox.read_text(encoding="utf-8")
    assert "ROUNDS = 10" in text
    philox.write_text(text.replace("ROUNDS = 10", "ROUNDS = 9"), encoding="utf-8")
    changed = run(code, copy)
    assert changed != ANSWER
    assert changed == run(code, copy, EDA_SIM_INTERPRETED="1")


def test_without_a_directory_to_write_to_it_compiles_all_the_same(copy):
    # A file where the directory would be stops root too, whom permissions do not.
    streams = copy / "eda_sim" / "engine" / "streams"
    (streams / "__pycache__").write_text("", encoding="utf-8")
    nowhere = {"HOME": os.devnull, "XDG_CACHE_HOME": f"{os.devnull}/cache"}
    code = DRAW + "print(type(uniform._cache).__name__)"
    printed = run(code, copy, PYTHONDONTWRITEBYTECODE="1", **nowhere)
    assert printed.splitlines() == [f"True {0x6627E8D5} {ANSWER}", "NullCache"]
    assert (streams / "__pycache__").is_file()


def test_intels_vector_library_stays_out_and_the_environment_as_it_was(copy):
    code = DRAW + "import numba, os; print(numba.config.USING_SVML, os.environ.get(NAME))"
    code = f"NAME = 'NUMBA_DISABLE_INTEL_SVML'\n{code}"
    assert run(code, copy).splitlines()[1] == "False None"
    assert run(code, copy, NUMBA_DISABLE_INTEL_SVML="0").splitlines()[1] == "False 0"
