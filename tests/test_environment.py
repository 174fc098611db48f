"""The dependencies are written three times (pip, conda-forge, lock): all three say the same."""

import ast
import re
import sys
import tomllib
from collections.abc import Collection
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
CONDA_FORGE = {"matplotlib": "matplotlib-base", "build": "python-build"}
"""What conda-forge calls a package, where it differs."""
PIP_ONLY = {"bench"}
"""Extras that conda users do without: simulators to compare with, which `make bench` installs."""


def requirements(*, without: Collection[str] = ()) -> list[Requirement]:
    """Everything that pyproject.toml asks for, extras included."""
    extras = [lines for extra, lines in EXTRAS.items() if extra not in without]
    lines = [*PROJECT["dependencies"], *(line for extra in extras for line in extra)]
    return [Requirement(line) for line in lines]


def locked() -> list[Requirement]:
    lines = (ROOT / "requirements.lock").read_text("utf-8").splitlines()
    return [Requirement(line) for line in lines]


def conda_specs() -> list[str]:
    dependencies = YAML(typ="safe").load(ROOT / "environment.yml")["dependencies"]
    nested = [entry for entry in dependencies if not isinstance(entry, str)]
    assert [list(entry) for entry in nested] == [["pip"]]
    return [entry for entry in dependencies if isinstance(entry, str)] + nested[0]["pip"]


def lower_bound(requirement: Requirement) -> Version:
    (specifier,) = requirement.specifier
    assert specifier.operator == ">=", f"{requirement} has no plain lower bound"
    return Version(specifier.version)


def test_every_dependency_has_one_lower_bound_and_is_named_once():
    names = [canonicalize_name(requirement.name) for requirement in requirements()]
    assert sorted(set(names)) == sorted(names)
    for requirement in requirements():
        lower_bound(requirement)


@pytest.mark.parametrize("extra", [None, *EXTRAS])
def test_lists_are_sorted(extra):
    lines = PROJECT["dependencies"] if extra is None else EXTRAS[extra]
    names = [Requirement(line).name for line in lines]
    assert names == sorted(names)


def test_environment_yml_names_the_same_packages_and_bounds():
    expected = {f"python{PROJECT['requires-python']}", "pip"}
    for requirement in requirements(without=PIP_ONLY):
        name = CONDA_FORGE.get(requirement.name, requirement.name)
        expected.add(f"{name}{requirement.specifier}")
    assert set(conda_specs()) == expected
    assert len(conda_specs()) == len(expected)


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13", "3.14"])
def test_lock_pins_every_dependency_within_its_bound(python):
    environment = {
        **default_environment(),
        "python_version": python,
        "python_full_version": f"{python}.9",
    }
    pinned = {
        canonicalize_name(line.name): line
        for line in locked()
        if line.marker is None or line.marker.evaluate(environment)
    }
    for requirement in requirements():
        line = pinned[canonicalize_name(requirement.name)]
        (specifier,) = line.specifier
        assert specifier.operator == "=="
        assert requirement.specifier.contains(specifier.version), f"{line} against {requirement}"


def test_lock_names_packages_and_versions_and_nothing_else():
    for line in (ROOT / "requirements.lock").read_text("utf-8").splitlines():
        assert re.fullmatch(r"[a-z0-9-]+==[0-9a-z.]+( ; [^:/]+)?", line), line


def imported_by_the_package() -> set[str]:
    """Top-level names of every module that the package imports, anywhere in it."""
    names = set()
    for path in (ROOT / "eda_sim").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names.add(node.module.partition(".")[0])
    return names - set(sys.stdlib_module_names) - {"eda_sim"}


def test_package_imports_what_it_depends_on_and_depends_on_what_it_imports():
    distributions = packages_distributions()
    imported = {canonicalize_name(distributions[name][0]) for name in imported_by_the_package()}
    parts_of_others = {"cycler", "llvmlite", "pydantic-core"}  # of matplotlib, Numba, pydantic
    declared = {canonicalize_name(Requirement(line).name) for line in PROJECT["dependencies"]}
    assert imported - parts_of_others == declared
