"""The comparison of outputs bites: a lesson in which one rate is 1 % off does not pass."""

import os
import subprocess
import sys

import nbformat
import pytest

NAME = "02_latency_under_load"
RATE, MUTATED = '"rate": 0.9 * capacity', '"rate": 0.909 * capacity'
LAST = "one.estimates()"


@pytest.fixture(scope="module")
def beginning(build):
    """The stored notebook up to the first table of results."""
    notebook = nbformat.read(build.STUDENT / f"{NAME}.ipynb", as_version=4)
    last = next(place for place, cell in enumerate(notebook.cells) if LAST in cell.source)
    notebook.cells = notebook.cells[: last + 1]
    return notebook


def compared(build, notebook, path):
    """Run a notebook and compare its outputs, as `make notebooks` does; return what pytest says."""
    nbformat.write(notebook, path)
    command = [
        *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
        *("--override-ini", "addopts=", "--rootdir", str(path.parent)),
        *("--nbval", "--nbval-current-env", "--nbval-cell-timeout", "120"),
        *("--nbval-sanitize-with", str(build.STUDENT / "nbval.cfg"), str(path)),
    ]
    environment = {name: text for name, text in os.environ.items() if "XDIST" not in name}
    return subprocess.run(
        command,
        check=False,
        cwd=path.parent,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.mark.slow
def test_a_rate_that_is_one_percent_off_fails(build, beginning, tmp_path):
    result = compared(build, beginning, tmp_path / "as_it_is.ipynb")
    assert result.returncode == 0, result.stdout[-3000:]

    (cell,) = [cell for cell in beginning.cells if RATE in cell.source]
    cell.source = cell.source.replace(RATE, MUTATED)
    result = compared(build, beginning, tmp_path / "mutated.ipynb")
    assert result.returncode == 1, result.stdout[-3000:]
    assert "1 failed" in result.stdout
    assert LAST in result.stdout


@pytest.mark.slow
def test_a_rate_that_is_one_percent_off_in_the_source_alone_fails(build, tmp_path):
    source = build.SOURCES / f"{NAME}.py"
    changed = tmp_path / source.name
    changed.write_text(source.read_text("utf-8").replace(RATE, MUTATED), "utf-8")
    for path, made in build.copies(changed).items():
        assert not build.in_step(made, nbformat.read(path, as_version=4))
