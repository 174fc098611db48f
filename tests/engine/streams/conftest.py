"""The streams twice: compiled, and a second copy of the same modules interpreted."""

import importlib
import sys
from types import SimpleNamespace

import pytest

ROOM = "eda_sim.engine.streams"
MODULES = ("philox", "quantiles", "keys", "samplers")


def is_of_room(name: str) -> bool:
    return name == ROOM or name.startswith(ROOM + ".")


@pytest.fixture(scope="session")
def compiled():
    modules = {name: importlib.import_module(f"{ROOM}.{name}") for name in MODULES}
    if not importlib.import_module(f"{ROOM}._jit").COMPILED:
        pytest.skip("Numba is missing or switched off")
    return SimpleNamespace(**modules)


@pytest.fixture(scope="session")
def interpreted():
    engine = importlib.import_module("eda_sim.engine")
    streams = importlib.import_module(ROOM)
    kept = {name: sys.modules.pop(name) for name in list(sys.modules) if is_of_room(name)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EDA_SIM_INTERPRETED", "1")
        copies = {name: importlib.import_module(f"{ROOM}.{name}") for name in MODULES}
        assert not importlib.import_module(f"{ROOM}._jit").COMPILED
    for name in [name for name in sys.modules if is_of_room(name)]:
        del sys.modules[name]
    sys.modules.update(kept)
    engine.streams = streams
    return SimpleNamespace(**copies)


@pytest.fixture(params=["compiled", "interpreted"])
def streams(request):
    return request.getfixturevalue(request.param)
