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

import enum

import pandas as pd

from eda_sim.analysis.estimates import Estimate
from eda_sim.evidence.computed import COMPUTED
from eda_sim.evidence.families import Family, computed_answer
from eda_sim.evidence.records import Record, records

FAMILIES: dict[str, Family] = COMPUTED
"""All families, by name. Simulations are added here to the families that are computed."""


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
    >>> str(verdict_of(records()[0]))
    'computed'
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


def computed_table() -> pd.DataFrame:
    """Return each record and what theory or analysis says, as a table.

    Returns
    -------
    DataFrame
        ``id``, ``family``, ``model``, ``metric``, ``at``, ``value`` (recorded), ``answer``,
        ``low``, ``high`` (NaN unless the answer is an interval), ``relative_error`` (NaN where the
        recorded value is 0), ``tolerance``, ``agrees``, ``verdict``, ``source``, ``note``. Records
        that no family computes have NaN answers and do not agree.
    """
    rows = []
    for record in records():
        family = FAMILIES[record.family]
        known = family.computation_of(record) is not None
        answer = computed_answer(family, record) if known else float("nan")
        value, low, high = (
            answer if isinstance(answer, Estimate) else Estimate(answer, *2 * [float("nan")])
        )
        rows.append(
            {
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
                "tolerance": str(record.computed),
                "agrees": record.computed.allows(answer, record.value),
                "verdict": str(verdict_of(record)),
                "source": record.source,
                "note": record.computed.why or family.reason,
            }
        )
    return pd.DataFrame(rows)
