"""Laws: what is true of every run, whatever the scenario.

A law is a statement about a trace that no scenario may break: nothing takes effect before it was
created, no worker runs two handlers at once, the messages add up. :func:`check_laws` looks at every
row of a trace and names the first law that is broken, with the rows that break it. The tests check
every run that they make, so an engine that breaks a law cannot hide behind averages that look
right.

Each law is a function of a :class:`~eda_sim.engine.laws.case.Case` that yields findings: rows of a
table, and what is wrong with them. Its docstring is the law.

==================  ===============================================================================
module              laws about
==================  ===============================================================================
``records``         the form of the tables: codes, times, counts, attempts
``workers``         who can do what at a time: workers, crashes, order
``faults``          what stands still does nothing; nothing crosses a cut
``publishing``      what sources believe; second copies, windows, limits, failovers
``queues``          leases, windows, groups, limits, dead letters
``handling``        how handlers fail: no effect, bounded tries, time-outs, batches
``outcomes``        what the settings promise: no loss, no duplicates, Little's law
==================  ===============================================================================
"""

from __future__ import annotations

from eda_sim.engine.laws import faults, handling, outcomes, publishing, queues, records, workers
from eda_sim.engine.laws.case import Case, Law, LawViolation
from eda_sim.engine.trace import Trace
from eda_sim.spec.scenario import Scenario

__all__ = ["LAWS", "LawViolation", "check_laws"]

LAWS: tuple[Law, ...] = (
    *records.LAWS,
    *workers.LAWS,
    *faults.LAWS,
    *publishing.LAWS,
    *queues.LAWS,
    *handling.LAWS,
    *outcomes.LAWS,
)
"""All laws, in the order of checking: the first that breaks is the one that explains most."""


def check_laws(trace: Trace, scenario: Scenario) -> None:
    """Check every law on a trace.

    Parameters
    ----------
    trace : Trace
        What a run wrote down.
    scenario : Scenario
        What was run.

    Raises
    ------
    LawViolation
        If a law is broken: names the law and shows the first offending rows.
    """
    case = Case(trace, scenario)
    for law in LAWS:
        for table, rows, problem in law(case):
            if rows.size:
                raise LawViolation(law, trace, table, rows, problem)
