"""The wheel that users install carries everything that the package needs."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "eda_sim"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, ROOT],
        check=True,
        capture_output=True,
        cwd=out,
    )
    (path,) = out.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    target = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target)
    return target


def run_outside_the_checkout(installed: Path, *arguments: str) -> str:
    """Run Python with the unpacked wheel first on its path, far from the checkout.

    Interpreted, since another place means compiling anew; `test_warm` sees to that.
    """
    environment = {**os.environ, "PYTHONPATH": str(installed), "EDA_SIM_INTERPRETED": "1"}
    result = subprocess.run(
        [sys.executable, *arguments],
        env=environment,
        cwd=installed,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_wheel_holds_every_file_of_the_package_and_no_other(wheel):
    in_tree = {
        path.relative_to(ROOT).as_posix()
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(wheel) as archive:
        in_wheel = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert in_wheel == in_tree
    assert "eda_sim/py.typed" in in_wheel
    assert "eda_sim/data/scenarios/checkout.yaml" in in_wheel


def test_wheel_is_the_package_that_runs(installed):
    where = run_outside_the_checkout(installed, "-c", "import eda_sim; print(eda_sim.__file__)")
    assert Path(where.strip()).is_relative_to(installed)


def test_wheel_lists_and_runs_its_scenarios(installed):
    listed = run_outside_the_checkout(installed, "-m", "eda_sim.cli", "scenarios")
    assert "checkout" in listed
    few = ("checkout", "--messages", "2000")
    assert run_outside_the_checkout(installed, "-m", "eda_sim.cli", "check", *few)


def test_wheel_prints_the_schema(installed):
    assert '"producers"' in run_outside_the_checkout(installed, "-m", "eda_sim.cli", "schema")
