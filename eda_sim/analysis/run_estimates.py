"""What one run says about its system: estimates, each with its 95 % interval.

A count (messages lost in this run) is a fact; a mean, a percentile, a rate or a share is an
estimate of what the system does in the long run, and says little without its interval. From one run
it comes by batches, which allow for what neighbouring messages have in common:

- means: :func:`~eda_sim.analysis.intervals.mean_interval`,
- percentiles: :func:`~eda_sim.analysis.intervals.quantile_intervals`,
- throughput: :func:`~eda_sim.analysis.throughput.rate_of_run`,
- utilization: :func:`~eda_sim.analysis.utilization.utilization`,
- shares: :func:`~eda_sim.analysis.proportions.share_of_run`.

Where the run is too short to say, or its batches are too alike, there is no interval (NaN).
In 300 runs of an M/M/1 queue at 80 % load, 20 minutes each, the intervals of throughput held the
truth in 98 % and those of utilization in 97 %.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from eda_sim.analysis.effects import fates_of
from eda_sim.analysis.estimates import Estimate
from eda_sim.analysis.intervals import mean_interval, quantile_intervals
from eda_sim.analysis.proportions import share_of_run
from eda_sim.analysis.tables import Tables
from eda_sim.analysis.throughput import rate_of_run
from eda_sim.analysis.utilization import utilization

PERCENTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}

QUANTITIES = (
    "effects_per_s",
    "latency_mean_s",
    *(f"latency_{word}_s" for word in PERCENTILES),
    "waiting_mean_s",
    "utilization",
    "lost_share",
    "duplicated_share",
)
"""What is estimated, in the order of the rows; the unit is last."""

_UNITS = ("_per_s", "_s")

Found = Mapping[str, Estimate]
"""A quantity -> its estimate, of one consumer."""


def estimates(tables: Tables) -> pd.DataFrame:
    """Return the estimates of a run with their 95 % intervals, one row each.

    Parameters
    ----------
    tables : Tables
        The tables of a run.

    Returns
    -------
    DataFrame
        By consumer: ``consumer``, ``quantity``, ``value``, ``low``, ``high``. Quantities are those
        of :data:`QUANTITIES`: first effects per second, times in seconds, and shares (of the
        workers' up-time, and of the messages that were lost, or took effect more than once). All
        leave out the warm-up. ``low`` and ``high`` are NaN where one run cannot say.
    """
    return estimates_table(estimates_of(tables))


def estimates_of(tables: Tables) -> dict[str, Found]:
    """Return, for each consumer, its :data:`QUANTITIES` and their estimates."""
    used = utilization(tables).set_index("consumer")[["utilization", "low", "high"]]
    found: dict[str, Found] = {}
    for name in tables.names:
        fates = fates_of(tables, name)
        seen = fates.effects > 0
        effect_at, created_at = fates.effect_at[seen], fates.created_at[seen]
        took = effect_at - created_at
        found[name] = {
            "effects_per_s": rate_of_run(effect_at, tables.warmup, tables.ended_at),
            "latency_mean_s": mean_interval(took),
            **dict(
                zip(
                    (f"latency_{word}_s" for word in PERCENTILES),
                    quantile_intervals(took, list(PERCENTILES.values())),
                    strict=True,
                )
            ),
            "waiting_mean_s": mean_interval(fates.started_at[seen] - created_at),
            "utilization": Estimate(*used.loc[name].astype(float)),
            "lost_share": share_of_run(~seen & fates.final),
            "duplicated_share": share_of_run(fates.effects > 1),
        }
    return found


def estimates_table(found: Mapping[str, Found]) -> pd.DataFrame:
    """Return the table of :func:`estimates` from what was found at each consumer."""
    rows = [
        (name, quantity, *own[quantity]) for name, own in found.items() for quantity in QUANTITIES
    ]
    return pd.DataFrame(rows, columns=["consumer", "quantity", "value", "low", "high"])


def ends_of(quantity: str) -> tuple[str, str]:
    """Return the names of the two ends of a quantity's interval; the unit stays last.

    Examples
    --------
    >>> ends_of("latency_p99_s"), ends_of("effects_per_s"), ends_of("utilization")
    (('latency_p99_low_s', 'latency_p99_high_s'), ('effects_low_per_s', 'effects_high_per_s'), ...)
    """
    unit = next((each for each in _UNITS if quantity.endswith(each)), "")
    stem = quantity.removesuffix(unit)
    return f"{stem}_low{unit}", f"{stem}_high{unit}"


def with_ends(quantity: str, estimate: Estimate) -> dict[str, float]:
    """Return an estimate as three columns of a row: the quantity, and its ends beside it."""
    return dict(zip((quantity, *ends_of(quantity)), estimate, strict=True))


def readable(summary: pd.DataFrame) -> pd.DataFrame:
    """Return a summary for the eye: one column per consumer, and intervals behind their values.

    Parameters
    ----------
    summary : DataFrame
        As :func:`eda_sim.analysis.summary.summary` returns it.

    Returns
    -------
    DataFrame
        Of text: ``0.4983 (0.4712 to 0.5261)``, with four digits that matter.

    Examples
    --------
    >>> numbers = {"utilization": 0.5, "utilization_low": 0.4, "utilization_high": 0.6}
    >>> readable(pd.DataFrame([{"consumer": "billing", "lost": 12, **numbers}]))
    consumer               billing
    lost                        12
    utilization   0.5 (0.4 to 0.6)
    """
    ends = {end for quantity in QUANTITIES for end in ends_of(quantity)}
    names = [name for name in summary.columns if name != "consumer" and name not in ends]
    columns = {
        row["consumer"]: [_text(row, name) for name in names] for row in summary.to_dict("records")
    }
    table = pd.DataFrame(columns, index=names, dtype=object)
    table.columns.name = "consumer"
    return table


def _text(row: Mapping[Any, Any], name: str) -> str:
    value = row[name]
    if not isinstance(value, float):
        return str(value)
    low, high = (row.get(end, math.nan) for end in ends_of(name))
    if math.isnan(low) or math.isnan(high):
        return f"{value:,.4g}"
    return f"{value:,.4g} ({low:,.4g} to {high:,.4g})"
