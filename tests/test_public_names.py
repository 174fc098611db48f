"""The public names are promises, and importing the package costs next to nothing."""

import importlib.util
import json
import subprocess
import sys
from types import ModuleType

import pytest

import eda_sim

PUBLIC_NAMES = [
    "CallFailed",
    "CallTimeout",
    "Comparison",
    "ExperimentError",
    "Failure",
    "FitError",
    "HandlerError",
    "Run",
    "Scenario",
    "ScenarioError",
    "Sizing",
    "at_load",
    "brokers",
    "check",
    "compare",
    "design",
    "dump",
    "evidence",
    "explore",
    "fit",
    "lessons",
    "load",
    "patterns",
    "plots",
    "run",
    "scenarios",
    "size",
    "summarize",
    "sweep",
    "theory",
]

HEAVY = [
    "joblib",
    "matplotlib",
    "networkx",
    "numba",
    "pandas",
    "pyarrow",
    "pydantic",
    "scipy",
    "simpy",
]


def modules_after(statement: str) -> set[str]:
    """Top-level modules that a new interpreter holds after a statement."""
    code = f"{statement}\nimport sys, json\nprint(json.dumps(sorted(sys.modules)))"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return {name.partition(".")[0] for name in json.loads(result.stdout)}


def test_public_names_are_sorted_and_as_promised():
    assert eda_sim.__all__ == PUBLIC_NAMES
    assert sorted(PUBLIC_NAMES) == PUBLIC_NAMES
    assert dir(eda_sim) == PUBLIC_NAMES


@pytest.mark.parametrize("name", PUBLIC_NAMES)
def test_public_name_is_there_and_documented(name):
    assert getattr(eda_sim, name).__doc__


@pytest.mark.parametrize("name", PUBLIC_NAMES)
def test_no_folder_or_module_hides_behind_a_public_name(name):
    # An import of such a module would put it in the place of the function.
    is_room = isinstance(getattr(eda_sim, name), ModuleType)
    assert (importlib.util.find_spec(f"eda_sim.{name}") is not None) == is_room


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="sweeep"):
        _ = eda_sim.sweeep


def test_importing_the_package_imports_nothing_heavy():
    assert modules_after("import eda_sim").isdisjoint(HEAVY)


def test_importing_the_command_line_imports_nothing_heavy():
    assert modules_after("import eda_sim.cli").isdisjoint(HEAVY)


def test_loading_a_scenario_imports_neither_an_engine_nor_a_drawing_library():
    loaded = modules_after("import eda_sim; eda_sim.load('checkout')")
    assert loaded.isdisjoint({"matplotlib", "networkx", "numba", "pandas", "simpy"})
