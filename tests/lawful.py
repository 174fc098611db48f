"""The harness that checks every run: all laws hold, and both engines write the same."""

from __future__ import annotations

import functools
from typing import Any

from eda_sim.engine import execute as module
from eda_sim.engine.laws import check_laws
from eda_sim.engine.summary import Summary
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
    def lawful(scenario: Scenario, **options: Any) -> Trace | Summary:
        if options.get("record") == "summary":
            return counted(scenario, **options)
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

    def counted(scenario: Scenario, **options: Any) -> Summary:
        """Check the rows that are counted; then both engines have to count the same."""
        lawful(scenario, **{**options, "record": "full"})
        summary = inner(scenario, **options)
        if not options.get("handlers") and not options.get("processes"):
            twins = [
                inner(scenario, **{**options, "engine": engine})
                for engine in ("reference", "compiled")
            ]
            assert {each.digest() for each in twins} == {summary.digest()}
        return summary

    lawful.checks_laws = True
    module.execute = lawful
