"""Objectives: a bound on a metric, written as people write it.

``latency.p99 < 200ms``, ``guarantee.lost == 0``, ``throughput@billing >= 150/s``,
``utilization <= 80%``: a metric (:mod:`eda_sim.analysis.metrics`), a comparison, and a value with a
unit.

The words
---------
meets
    An objective speaks of the long run, and simulations tell it with an uncertainty. It is *met*
    when the whole one-sided confidence interval is on the right side of the bound; a mean that is
    on the right side by luck is not enough. One with ``==`` is met when every run meets it: there
    is no interval around "none was lost".
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from eda_sim.analysis.metrics import Metric, parse_metric
from eda_sim.analysis.replications import one_sided_bound
from eda_sim.spec.errors import shown
from eda_sim.spec.quantities import format_quantity, parse_quantity

COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "==": operator.eq,
    "<": operator.lt,
    ">": operator.gt,
}
_FORM = re.compile(r"\s*([^<>=!]*?)\s*([<>=!]+)\s*(.*?)\s*")
_EXAMPLES = {"time": "200ms", "rate": "150/s", "number": "0"}


@dataclass(frozen=True)
class Objective:
    """A bound on a metric.

    Attributes
    ----------
    metric : Metric
        What is bounded.
    comparison : str
        One of ``<``, ``<=``, ``>``, ``>=``, ``==``.
    bound : float
        Seconds, per second, or a number.
    """

    metric: Metric
    comparison: str
    bound: float

    def __str__(self) -> str:
        value = format_quantity(self.bound, self.metric.dimension)
        return f"{self.metric} {self.comparison} {value}"

    @property
    def is_exact(self) -> bool:
        """Whether every run has to meet it, and no mean is taken."""
        return self.comparison == "=="

    def at_one(self, consumers: Sequence[str]) -> Objective:
        """Return this objective of the only consumer that can be meant; see Metric.at_one."""
        return replace(self, metric=self.metric.at_one(consumers))

    def holds(self, value: float) -> bool:
        """Return whether a value is on the right side; what does not exist is on no side.

        Examples
        --------
        >>> parse_objective("latency.p99 < 200ms").holds(0.1)
        True
        """
        return COMPARISONS[self.comparison](value, self.bound)

    def worst(self, values: Sequence[float], *, confidence: float = 0.95) -> float:
        """Return what has to be on the right side of the bound.

        Parameters
        ----------
        values : sequence of float
            One per independent replication.
        confidence : float
            Probability that the true mean is no worse.

        Returns
        -------
        float
            The upper confidence bound of the mean for ``<`` and ``<=``, the lower one for ``>`` and
            ``>=``, the value farthest from the bound for ``==``; NaN where any value does not
            exist, or a single one says nothing about the spread.

        Examples
        --------
        >>> parse_objective("guarantee.lost == 0").worst([0, 0, 2])
        2.0
        """
        sample = np.asarray(values, dtype=np.float64)
        if sample.size == 0 or bool(np.isnan(sample).any()):
            return math.nan
        if self.is_exact:
            return float(sample[np.abs(sample - self.bound).argmax()])
        return one_sided_bound(sample, upper="<" in self.comparison, confidence=confidence)


def parse_objective(text: object) -> Objective:
    """Read an objective.

    Parameters
    ----------
    text : str or Objective
        A metric, a comparison and a value, as in ``latency.p99 < 200ms``.

    Returns
    -------
    Objective

    Raises
    ------
    ValueError
        If it is not one: a line that says what would be right.

    Examples
    --------
    >>> str(parse_objective("latency.p99<0.2"))
    'latency.p99 < 200ms'
    >>> parse_objective("latency.p99 < 200/s")
    Traceback (most recent call last):
    ValueError: objective: '200/s' is not valid: must be a time such as 200ms
    """
    if isinstance(text, Objective):
        return text
    form = _FORM.fullmatch(text) if isinstance(text, str) else None
    if form is None:
        message = (
            f"objective: {shown(text)} is not valid: must be a metric, a comparison and a value, "
            "as in 'latency.p99 < 200ms'"
        )
        raise ValueError(message)
    name, comparison, value = form.groups()
    metric = parse_metric(name)
    if comparison not in COMPARISONS:
        message = (
            f"objective: {shown(comparison)} is not valid: must be one of {', '.join(COMPARISONS)}"
        )
        raise ValueError(message)
    return Objective(metric, comparison, _bound(value, metric))


def _bound(text: str, metric: Metric) -> float:
    try:
        quantity = parse_quantity(text)
    except ValueError:
        quantity = None
    if quantity is None or quantity.dimension not in (metric.dimension, "number"):
        what = f"a {metric.dimension} such as {_EXAMPLES[metric.dimension]}"
        message = f"objective: {shown(text)} is not valid: must be {what}"
        raise ValueError(message)
    return quantity.value
