"""Asking: single records, answered now, by this machine."""

from __future__ import annotations

import pandas as pd

from eda_sim.engine.execute import Engine
from eda_sim.evidence.records import records
from eda_sim.evidence.verdicts import computed_table, simulated_table
from eda_sim.spec.errors import nearest

COLUMNS = ["id", "model", "metric", "value", "answer", "low", "high", "verdict", "agrees"]


def ask(*names: str, engine: Engine = "compiled") -> pd.DataFrame:
    """Return what this version answers to some records: simulated if it can be, else computed.

    Parameters
    ----------
    *names : str
        Identifiers of records, as the evidence page lists them.
    engine : {"compiled", "reference", "auto"}
        Who simulates.

    Returns
    -------
    DataFrame
        One row per record, in the order asked: ``id``, ``model``, ``metric``, ``value``
        (recorded), ``answer``, ``low``, ``high`` (of a simulation, 99.9 %), ``verdict``,
        ``agrees``.

    Raises
    ------
    ValueError
        If no record is named, or there is none of a name.

    Examples
    --------
    >>> ask("kingman.0.8.1.0.0.25").loc[0, "verdict"]
    'computed'
    """
    known = {record.id for record in records()}
    if not names:
        message = f"names is empty: must be one or more of {len(known)} records, as 'replicas.3'"
        raise ValueError(message)
    for name in names:
        if name not in known:
            message = f"there is no record {name!r}{nearest(name, known)}"
            raise ValueError(message)
    simulated = simulated_table(names=names, engine=engine)
    done = set() if simulated.empty else set(simulated["id"])
    computed = computed_table(names=[name for name in names if name not in done])
    answers = pd.concat([simulated, computed]).set_index("id", drop=False)
    return answers.loc[list(names), COLUMNS].reset_index(drop=True)
