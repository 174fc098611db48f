"""Verdicts: what became of each record.

The words
---------
simulated
    A scenario, run by an engine, gives the number within the tolerance that the record states, or
    within its 99.9 % interval.
computed
    A function of theory or analysis gives the number, to a millionth of it unless the record says
    why not.
out of scope
    Neither, for a reason that is given.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Collection

import pandas as pd

from eda_sim.analysis.estimates import Estimate
from eda_sim.engine.execute import Engine
from eda_sim.evidence.computed import COMPUTED
from eda_sim.evidence.families import CONFIDENCE, Family, computed_answer
from eda_sim.evidence.records import Record, Tolerance, records
from eda_sim.evidence.replications import shared_runs
from eda_sim.evidence.simulated import SIMULATED

FAMILIES: dict[str, Family] = {
    name: dataclasses.replace(family, simulation=SIMULATED.get(name))
    for name, family in COMPUTED.items()
}
"""All families, by name: those that are computed, with their simulations."""

_NO_ESTIMATE = Estimate(float("nan"), float("nan"), float("nan"))


class Verdict(enum.StrEnum):
    """What became of a record."""

    SIMULATED = "simulated"
    COMPUTED = "computed"
    OUT_OF_SCOPE = "out of scope"


def verdict_of(record: Record) -> Verdict:
    """Return which way a record is answered: a simulation goes before a computation.

    Parameters
    ----------
    record : Record
        What is asked.

    Returns
    -------
    Verdict

    Raises
    ------
    LookupError
        If nobody knows the record's family, or nobody answers and no reason is given.

    Examples
    --------
    >>> from eda_sim.evidence.records import records
    >>> [str(verdict_of(record)) for record in records() if record.family == "kingman"]
    ['computed', 'computed']
    """
    family = FAMILIES.get(record.family)
    if family is None:
        message = f"{record.id}: there is no family {record.family}"
        raise LookupError(message)
    if family.simulation_of(record) is not None:
        return Verdict.SIMULATED
    if family.computation_of(record) is not None:
        return Verdict.COMPUTED
    if family.reason:
        return Verdict.OUT_OF_SCOPE
    message = f"{record.id}: the family {record.family} does not answer {record.metric}"
    raise LookupError(message)


def tolerance_of_simulation(record: Record) -> Tolerance:
    """Return how close a simulation must come: as the record says, or its 99.9 % interval.

    Examples
    --------
    >>> from eda_sim.evidence.records import records
    >>> found = {str(tolerance_of_simulation(record)) for record in records()}
    >>> "99.9 % interval" in found
    True
    """
    return Tolerance(interval=CONFIDENCE) if record.simulated is None else record.simulated


def simulated_table(
    *,
    families: Collection[str] | None = None,
    names: Collection[str] | None = None,
    engine: Engine = "compiled",
    replications: int | None = None,
) -> pd.DataFrame:
    """Return each simulated record and what the simulation says, as a table.

    Parameters
    ----------
    families : collection of str, optional
        Names of the families that are asked; all without it.
    names : collection of str, optional
        Identifiers of the records that are asked; all without it.
    engine : {"compiled", "reference", "auto"}
        Who simulates.
    replications : int, optional
        Independent runs of each scenario, instead of as many as its family says.

    Returns
    -------
    DataFrame
        The columns of :func:`computed_table`, one row per record whose verdict is *simulated*; and
        ``scenario``, ``replications``.
    """
    asked = [record for record in _named(names) if families is None or record.family in families]
    rows = {}
    for group in shared_runs(asked, FAMILIES):
        runs = group.replications if replications is None else replications
        answers = group.answers(engine=engine, replications=runs)
        for record, _ in group.asked:
            rows[record.id] = {
                **_row(record, answers[record.id], tolerance_of_simulation(record)),
                "scenario": group.scenario.name,
                "replications": runs,
            }
    return pd.DataFrame([rows[record.id] for record in asked if record.id in rows])


def computed_table(*, names: Collection[str] | None = None) -> pd.DataFrame:
    """Return each record and what theory or analysis says, as a table.

    Parameters
    ----------
    names : collection of str, optional
        Identifiers of the records that are asked; all without it.

    Returns
    -------
    DataFrame
        ``id``, ``family``, ``model``, ``metric``, ``at``, ``value`` (recorded), ``answer``,
        ``low``, ``high`` (NaN unless the answer is an interval), ``relative_error`` (NaN where the
        recorded value is 0), ``tolerance``, ``agrees``, ``verdict``, ``source``, ``note``. Records
        that no family computes have NaN answers and do not agree.
    """
    rows = []
    for record in _named(names):
        family = FAMILIES[record.family]
        known = family.computation_of(record) is not None
        answer = computed_answer(family, record) if known else float("nan")
        rows.append(_row(record, answer, record.computed))
    return pd.DataFrame(rows)


def _named(names: Collection[str] | None) -> list[Record]:
    return [record for record in records() if names is None or record.id in names]


def _row(record: Record, answer: float | Estimate, tolerance: Tolerance) -> dict[str, object]:
    family = FAMILIES[record.family]
    value, low, high = (
        answer if isinstance(answer, Estimate) else _NO_ESTIMATE._replace(value=answer)
    )
    return {
        "id": record.id,
        "family": record.family,
        "model": family.title,
        "metric": record.metric,
        "at": record.at,
        "value": record.value,
        "answer": float(value),
        "low": low,
        "high": high,
        "relative_error": value / record.value - 1.0 if record.value else float("nan"),
        "tolerance": str(tolerance),
        "agrees": tolerance.allows(answer, record.value),
        "verdict": str(verdict_of(record)),
        "source": record.source,
        "note": tolerance.why or family.reason,
    }
