"""The build step is a script beside the notebooks, not a part of the package."""

import importlib.util
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "notebooks" / "build.py"


def load_build():
    """Import notebooks/build.py."""
    if "notebooks_build" not in sys.modules:
        spec = importlib.util.spec_from_file_location("notebooks_build", SCRIPT)
        module = importlib.util.module_from_spec(spec)
        sys.modules["notebooks_build"] = module
        spec.loader.exec_module(module)
    return sys.modules["notebooks_build"]


@pytest.fixture(scope="session")
def build():
    return load_build()


def pytest_generate_tests(metafunc):
    """Give a test that asks for a ``lesson`` all of them, one for ``parameters`` all their sets."""
    build = load_build()
    names = metafunc.fixturenames
    if "lesson" in names and "parameters" in names:
        pairs = [
            pytest.param(source, values, id=f"{source.stem}-{name}")
            for source in build.sources()
            for name, values in build.parameter_sets(source).items()
        ]
        metafunc.parametrize(("lesson", "parameters"), pairs)
    elif "lesson" in names:
        sources = build.sources()
        metafunc.parametrize("lesson", sources, ids=[path.stem for path in sources])
