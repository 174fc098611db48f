"""The harness that checks every run: all laws hold, and both engines write the same."""

from __future__ import annotations

import functools
from typing import Any

from eda_sim.engine import execute as module
from eda_sim.engine.compiled.simulation import summarize as summarize_compiled
from eda_sim.engine.laws import check_laws
from eda_sim.engine.plan import make_plan
from eda_sim.engine.summary import Summary, facts_of, summarize
from eda_sim.engine.trace import Trace
from eda_sim.engine.twins import TwinError, first_difference
from eda_sim.spec import Scenario


def check_every_run() -> None:
    """Let :func:`eda_sim.engine.execute.execute` raise if its trace breaks a law.

    Without user code it runs on both engines, which have to agree to the last bit, and once more
    with its rows counted as soon as nobody needs them.
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
            check_counts(scenario, trace, **again)
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

    def check_counts(scenario: Scenario, trace: Trace, **options: int) -> None:
        """Rows that are counted and used again give the summary of the whole trace."""
        plan = make_plan(scenario, **options)
        facts = facts_of(scenario, plan.names)
        counted_early = summarize_compiled(plan, facts, least_rows=500)
        assert counted_early.digest() == summarize(trace, facts).digest()

    lawful.checks_laws = True
    module.execute = lawful
