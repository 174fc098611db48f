"""The records: exact and published numbers that this package must agree with (``oracles.json``).

The words
---------
record
    One number that somebody else found: the answer to a question (``metric``, and where it asks
    ``at``) about a model (``family``) with certain ``params``.
tolerance
    How close an answer must come: so much of the value (``relative``), so much in its unit
    (``absolute``), or inside an interval of that confidence (``interval``). ``one_sided`` says that
    the recorded value is a bound. ``why`` gives the reason where it is not the rule, 1e-6.
"""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

from eda_sim.analysis.estimates import Estimate

Params = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Tolerance:
    """How close is close enough; exactly one of the first four is given.

    Attributes
    ----------
    relative, absolute : float, optional
        Of the recorded value; in its unit.
    interval : float, optional
        Confidence of the interval that the recorded value must be in.
    one_sided : bool
        Whether the answer must not be above the recorded value, a bound.
    why : str
        The reason where it is not the rule.
    """

    relative: float | None = None
    absolute: float | None = None
    interval: float | None = None
    one_sided: bool = False
    why: str = ""

    def allows(self, answer: float | Estimate, value: float) -> bool:
        """Return whether an answer agrees with a recorded value.

        An interval, where the answer has one, must hold the value if ``interval`` is asked for; for
        other tolerances its ``value`` alone is looked at.

        Examples
        --------
        >>> Tolerance(relative=0.01).allows(1.005, 1.0), Tolerance(absolute=0).allows(2.0, 1.0)
        (True, False)
        """
        number = answer.value if isinstance(answer, Estimate) else answer
        if not math.isfinite(number):
            return False
        if self.one_sided:
            return number <= value
        if self.interval is not None:
            return isinstance(answer, Estimate) and answer.low <= value <= answer.high
        room = self.absolute if self.absolute is not None else (self.relative or 0.0) * abs(value)
        return abs(number - value) <= room

    def __str__(self) -> str:
        if self.one_sided:
            return "not above"
        if self.interval is not None:
            return f"{100 * self.interval:g} % interval"
        if self.absolute is not None:
            return f"\N{PLUS-MINUS SIGN}{self.absolute:g}" if self.absolute else "exact"
        return f"\N{PLUS-MINUS SIGN}{100 * (self.relative or 0.0):g} %"


@dataclass(frozen=True, kw_only=True)
class Record:
    """One number that somebody else found.

    Attributes
    ----------
    id : str
        Its name.
    family : str
        Of the models that are asked alike.
    params : mapping
        Of the model.
    metric : str
        What is asked.
    at : float or None
        The point, share or number that the metric is asked at.
    value : float
        The answer.
    computed, simulated : Tolerance or None
        Of a formula, and of a simulation where the source of the record says so.
    source : str
        Where it is from.
    """

    id: str
    family: str
    params: Params = field(repr=False)
    metric: str
    at: float | None = None
    value: float
    computed: Tolerance
    simulated: Tolerance | None = None
    source: str = field(repr=False)


@functools.cache
def records() -> tuple[Record, ...]:
    """Return all records.

    Returns
    -------
    tuple of Record

    Examples
    --------
    >>> record = records()[0]
    >>> record.family, record.metric, str(record.computed)
    ('pbs', 'stale_probability', '±0.0001 %')
    """
    return tuple(_record(row) for row in _data()["records"])


def provenance() -> str:
    """Return where the records come from.

    Examples
    --------
    >>> "computed with this package" in provenance()
    True
    """
    return str(_data()["provenance"])


@functools.cache
def _data() -> dict[str, Any]:
    text = resources.files("eda_sim.evidence").joinpath("oracles.json").read_text(encoding="utf-8")
    data: dict[str, Any] = json.loads(text)
    return data


def _record(row: dict[str, Any]) -> Record:
    values: dict[str, Any] = {**row}
    values |= {name: Tolerance(**row[name]) for name in ("computed", "simulated") if name in row}
    return Record(**values)
