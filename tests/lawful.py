"""The harness that checks the laws on every run."""

from __future__ import annotations

import functools
from typing import Any

from eda_sim.engine import execute as module
from eda_sim.engine.laws import check_laws
from eda_sim.engine.trace import Trace
from eda_sim.spec import Scenario


def check_every_run() -> None:
    """Let :func:`eda_sim.engine.execute.execute` raise if its trace breaks a law."""
    inner = module.execute
    if hasattr(inner, "checks_laws"):
        return

    @functools.wraps(inner)
    def lawful(scenario: Scenario, **options: Any) -> Trace:
        trace = inner(scenario, **options)
        check_laws(trace, scenario)
        return trace

    lawful.checks_laws = True
    module.execute = lawful
