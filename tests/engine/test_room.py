"""The memory of a compiled run, where the system has little of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from eda_sim.engine.compiled import buffers, layout, pointers
from eda_sim.engine.compiled.simulation import simulate
from eda_sim.engine.plan import make_plan
from eda_sim.engine.twins import first_difference
from eda_sim.spec import load

pytestmark = pytest.mark.skipif(not pointers.COMPILED, reason="lists of Python grow by themselves")


class _Stingy:
    """NumPy on a system that promises no more than so many cells at once."""

    def __init__(self, most: int) -> None:
        self._most = most

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)

    def empty(self, count: int, dtype: Any) -> Any:
        if count > self._most:
            raise MemoryError
        return np.empty(count, dtype=dtype)


def test_a_run_whose_memory_grows_is_the_same(monkeypatch):
    plan = make_plan(load("checkout").replace({"messages": 10_000}))
    whole = simulate(plan)
    monkeypatch.setattr(layout, "_LEAST_ROOM", 1 << 20)
    monkeypatch.setattr(layout, "_CELLS_OF_A_MESSAGE", 0)
    buffers.BUFFERS.forget()
    assert first_difference(whole, simulate(plan)) is None
    buffers.BUFFERS.forget()
    monkeypatch.setattr(buffers, "np", _Stingy(4_000_000))
    assert first_difference(whole, simulate(plan)) is None


def test_too_little_memory_is_an_error(monkeypatch):
    plan = make_plan(load("mm1").replace({"messages": 100}))
    buffers.BUFFERS.forget()
    monkeypatch.setattr(buffers, "np", _Stingy(1000))
    with pytest.raises(MemoryError):
        simulate(plan)
