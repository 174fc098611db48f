"""Twins: two engines, one trace. What differs between them is a mistake in one of the two."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from eda_sim.engine.laws import check_laws
from eda_sim.engine.plan import make_plan
from eda_sim.engine.trace import TABLES, Table, Trace
from eda_sim.spec.scenario import Scenario

__all__ = ["Difference", "TwinError", "check_twins", "first_difference"]


class Difference(NamedTuple):
    """The first place at which two traces of one scenario differ.

    Attributes
    ----------
    table, column : str
        Where.
    row : int
        The first row with different values; the length of the shorter table if one has more rows.
    reference, compiled : int
        The values; the lengths of the tables if those differ.
    """

    table: str
    column: str
    row: int
    reference: int
    compiled: int

    def __str__(self) -> str:
        where = f"{self.table}.{self.column}, row {self.row}"
        return f"{where}: reference {self.reference}, compiled {self.compiled}"


class TwinError(AssertionError):
    """The two engines disagree about a scenario.

    Attributes
    ----------
    difference : Difference
        Where first.
    """

    def __init__(self, scenario: Scenario, seed: int, difference: Difference) -> None:
        super().__init__(f"{scenario.name}, seed {seed}: {difference}")
        self.difference = difference


def first_difference(reference: Trace, compiled: Trace) -> Difference | None:
    """Return the first place at which two traces differ.

    Parameters
    ----------
    reference, compiled : Trace
        Of one plan, by the two engines.

    Returns
    -------
    Difference or None
        By table, then by row; None if all is equal to the last bit.
    """
    if reference.ended_at_ns != compiled.ended_at_ns:
        return Difference("run", "ended_at_ns", 0, reference.ended_at_ns, compiled.ended_at_ns)
    for table in TABLES:
        found = _in_table(table, getattr(reference, table), getattr(compiled, table))
        if found is not None:
            return found
    return None


def _in_table(name: str, left: Table, right: Table) -> Difference | None:
    columns = [column.name for column in TABLES[name]]
    lengths = len(left[columns[0]]), len(right[columns[0]])
    rows = min(lengths)
    differ = {
        column: np.flatnonzero(left[column][:rows] != right[column][:rows]) for column in columns
    }
    firsts = {column: int(places[0]) for column, places in differ.items() if len(places)}
    if firsts:
        column = min(firsts, key=firsts.__getitem__)
        row = firsts[column]
        return Difference(name, column, row, int(left[column][row]), int(right[column][row]))
    return None if lengths[0] == lengths[1] else Difference(name, columns[0], rows, *lengths)


def check_twins(
    scenario: Scenario,
    *,
    seed: int | None = None,
    replication: int = 0,
    progress: Callable[[float], None] | None = None,
) -> tuple[Trace, Trace]:
    """Run a scenario on both engines; check every law, and that they agree to the last bit.

    Parameters
    ----------
    scenario : Scenario
        What to run.
    seed, replication : int, optional
        As for :func:`eda_sim.engine.execute.execute`.
    progress : callable, optional
        Called now and then with the share of the reference engine's run that is done, from 0 to 1.
        The other run and the laws take a fraction of its time.

    Returns
    -------
    tuple of Trace
        By the reference engine and by the compiled one.

    Raises
    ------
    LawViolation
        If a law is broken.
    TwinError
        If the engines disagree.
    """
    from eda_sim.engine.compiled.simulation import simulate as compiled_engine
    from eda_sim.engine.reference.simulation import simulate as reference_engine

    plan = make_plan(scenario, seed=seed, replication=replication)
    reference = reference_engine(plan, progress=progress)
    check_laws(reference, scenario)
    compiled = compiled_engine(plan)
    difference = first_difference(reference, compiled)
    if difference is not None:
        raise TwinError(scenario, plan.run.seed, difference)
    return reference, compiled
