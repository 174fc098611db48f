"""Laws that are broken on purpose: a number of a real run is changed, or a promise made later."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np
import pytest

from eda_sim.engine import execute as module
from eda_sim.engine.laws import LawViolation, check_laws
from eda_sim.engine.trace import Trace
from eda_sim.spec import Scenario

Broken = tuple[str, str, int, int]
"""Table, column, row and the number to put there."""


def runs_of(
    base: Mapping[str, Any], kinds: Mapping[str, Mapping[str, Any]]
) -> Callable[[str], tuple[Trace, Scenario]]:
    """Return a function that runs a kind of a scenario, each but once."""

    @cache
    def run(kind: str) -> tuple[Trace, Scenario]:
        scenario = Scenario.model_validate(base).replace(kinds[kind])
        return module.execute(scenario), scenario

    return run


def first(mask: np.ndarray) -> int:
    """Return the first row for which something holds."""
    return int(np.flatnonzero(mask)[0])


def broken_by(trace: Trace, scenario: Scenario) -> str:
    """Return the name of the law that a trace breaks; a trace that breaks none fails the test."""
    with pytest.raises(LawViolation) as caught:
        check_laws(trace, scenario)
    return caught.value.law
