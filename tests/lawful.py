"""The harness that checks every run: all laws hold, and both engines write the same."""

from __future__ import annotations

import functools
from typing import Any

from eda_sim.engine import execute as module
from eda_sim.engine.laws import check_laws
from eda_sim.engine.trace import Trace
from eda_sim.engine.twins import TwinError, first_difference
from eda_sim.spec import Scenario


def check_every_run() -> None:
    """Let :func:`eda_sim.engine.execute.execute` raise if its trace breaks a law.

    Without user code it runs on both engines, which have to agree to the last bit.
    """
    inner = module.execute
    if hasattr(inner, "checks_laws"):
        return

    @functools.wraps(inner)
    def lawful(scenario: Scenario, **options: Any) -> Trace:
        if options.get("engine", "auto") != "auto":
            trace = inner(scenario, **options)
            check_laws(trace, scenario)
            return trace
        trace = inner(scenario, **{**options, "engine": "reference"})
        check_laws(trace, scenario)
        if not options.get("handlers") and not options.get("processes"):
            again = {name: options[name] for name in ("seed", "replication") if name in options}
            twin = inner(scenario, **again, engine="compiled")
            difference = first_difference(trace, twin)
            if difference is not None:
                raise TwinError(scenario, options.get("seed") or scenario.seed, difference)
        return trace

    lawful.checks_laws = True
    module.execute = lawful
