"""Sizing: how little is enough, or how much can be borne.

The search supposes that more helps (or, for the largest value, that more hurts): beyond the first
value that meets the objective, all do. It goes up from the low end in doubling steps to the first
value that meets the objective, and halves the last step until its two ends are neighbours. So a
range up to 64 costs about a dozen points, and the large and slow ones are not run at all where a
small one is enough. The table of the result has every point that was run: look there if the
objective might be met, missed and met again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pandas as pd

from eda_sim.analysis.objectives import Objective, parse_objective
from eda_sim.analysis.replications import mean_over_replications
from eda_sim.engine.execute import Record
from eda_sim.experiments.arguments import check_count, check_seed, check_share
from eda_sim.experiments.designs import Range, read_range
from eda_sim.experiments.executors import Executor
from eda_sim.experiments.points import spelled
from eda_sim.experiments.progress import Progress
from eda_sim.experiments.running import Outcome, StorePath, Task, make_runs, only_numbers
from eda_sim.experiments.wording import spelled_value
from eda_sim.spec import Scenario
from eda_sim.spec.errors import shown

_STEPS = 64
"""Part of a range that begins at 0 which is the first step up."""
_DIGITS = 4
"""Significant digits of the quantities that are tried."""


@dataclass(frozen=True, eq=False, repr=False)
class Sizing:
    """The value that meets an objective, and how that was found.

    Attributes
    ----------
    value : int, float, str or None
        The value, as the scenario takes it; None if none meets the objective.
    objective : Objective
        What was to be met.
    vary : str
        Dotted path of what was varied.
    find : str
        ``smallest`` or ``largest``.
    low, high : int, float or str
        Ends of the range.
    table : DataFrame
        One row per value that was run, in ascending order: ``value``, ``mean`` (of the metric over
        the runs), ``bound`` (the end of its one-sided interval: with that confidence the true mean
        is not beyond it, on the side of the objective, and has no end on the other; with ``==``
        the worst run), ``n`` (replications), ``meets``.
    confidence : float
        Of each bound.
    scenario : Scenario or None
        The scenario with that value; None without one.
    """

    value: Any
    objective: Objective
    vary: str
    find: str
    low: Any
    high: Any
    table: pd.DataFrame = field(repr=False)
    confidence: float
    scenario: Scenario | None = field(repr=False)

    def __repr__(self) -> str:
        if self.value is None:
            place = -1 if self.find == "smallest" else 0
            return (
                f"no value of {self.vary} from {self.low} to {self.high} meets {self.objective}: "
                f"at {self.table['value'].iloc[place]} {self._bound(place)}"
            )
        values = self.table["value"].tolist()
        place = values.index(self.value)
        text = (
            f"{self.vary} = {self.value} is the {self.find} that meets {self.objective}: "
            f"{self._bound(place)}"
        )
        beside = place - 1 if self.find == "smallest" else place + 1
        if 0 <= beside < len(values):
            return f"{text}; {values[beside]} does not: {self._bound(beside)}"
        return f"{text}; it is the end of the range"

    def _bound(self, place: int) -> str:
        row = self.table.iloc[place]
        bound = spelled_value(float(row["bound"]), self.objective.metric.dimension)
        if math.isnan(row["bound"]):
            return f"{self.objective.metric} does not exist in all of {row['n']} runs"
        if self.objective.is_exact:
            return f"{self.objective.metric} is {bound} in the worst of {row['n']} runs"
        side = "below" if "<" in self.objective.comparison else "above"
        share = f"{100 * self.confidence:.4g} %"
        return f"the mean over {row['n']} runs is {side} {bound} with {share} confidence"


def size(
    scenario: Scenario,
    objective: str | Objective,
    *,
    vary: str,
    low: Any = 1,
    high: Any = 64,
    find: str = "smallest",
    replications: int = 10,
    confidence: float = 0.95,
    tolerance: float = 0.01,
    seed: int | None = None,
    executor: Executor = None,
    store: StorePath = None,
    progress: Progress = True,
    record: Record = "full",
) -> Sizing:
    """Find the smallest value of a parameter that meets an objective.

    Parameters
    ----------
    scenario : Scenario
        What is varied.
    objective : str
        As in ``latency.p99 < 200ms`` or ``guarantee.lost == 0``; see
        :mod:`eda_sim.analysis.objectives`, also for when it is met.
    vary : str
        Dotted path of the parameter.
    low, high : int, float or str
        Ends of its range, both included. Whole numbers are tried one by one in the end; others, and
        quantities such as ``"5ms"`` and ``"1s"``, down to ``tolerance``, with four digits.
    find : {"smallest", "largest"}
        The smallest value, where more helps; or the largest, where more hurts (a rate).
    replications : int
        Runs of each value that is tried, at least 2.
    confidence : float
        Probability that the true mean of a value's metric is on the inner side of its bound.
    tolerance : float
        How close to the limit a value that is not whole comes, as a share of it.
    seed : int, optional
        Instead of the scenario's seed.
    executor, store, progress, record
        As in :func:`~eda_sim.experiments.sweeping.sweep`.

    Returns
    -------
    Sizing
        With the value None if none in the range meets the objective.

    Raises
    ------
    ExperimentError
        If a run failed.
    ValueError
        If an argument is not valid.

    Examples
    --------
    >>> import eda_sim as es
    >>> quick = es.load("mm1").replace({"duration": "1min", "warmup": "0s"})
    >>> result = es.size(
    ...     quick,
    ...     "waiting.mean < 50ms",
    ...     vary="consumers.worker.instances",
    ...     high=4,
    ...     replications=5,
    ... )
    >>> result.value, result.table["meets"].tolist()
    (2, [False, True])
    """
    check_count("replications", replications, at_least=2)
    check_share("confidence", confidence)
    check_seed(seed)
    _check_find(find)
    check_share("tolerance", tolerance)
    span = read_range(vary, (low, high))
    scenario.replace({vary: span.spelled(span.low)})  # before the first run: is there such a path
    trials = _Trials(
        scenario=scenario,
        goal=parse_objective(objective),
        vary=vary,
        span=span,
        seed=seed,
        replications=replications,
        confidence=confidence,
        runs=partial(make_runs, executor=executor, store=store, progress=progress, record=record),
    )
    number = trials.smallest(tolerance) if find == "smallest" else trials.largest(tolerance)
    chosen = None if number is None else trials.variant(number)
    return Sizing(
        value=None if number is None else trials.value(number),
        objective=trials.goal.at_one(list((chosen or scenario).consumers)),
        vary=vary,
        find=find,
        low=low,
        high=high,
        table=trials.table,
        confidence=confidence,
        scenario=chosen,
    )


def _check_find(find: object) -> None:
    if find not in ("smallest", "largest"):
        message = f"find: {shown(find)} is not valid: must be 'smallest' or 'largest'"
        raise ValueError(message)


@dataclass(frozen=True, kw_only=True)
class _Trials:
    """The values that were tried, and what came of each."""

    scenario: Scenario
    goal: Objective
    vary: str
    span: Range
    seed: int | None
    replications: int
    confidence: float
    runs: Callable[..., list[Outcome]]
    """Makes runs, as :func:`~eda_sim.experiments.running.make_runs` does."""
    rows: dict[float, dict[str, Any]] = field(default_factory=dict)
    """The number that was tried -> its row of the table."""

    def smallest(self, tolerance: float) -> float | None:
        """Return the first number that meets the objective, where more helps."""
        return _search(self.span, self.meets, tolerance)[1]

    def largest(self, tolerance: float) -> float | None:
        """Return the last number that meets the objective, where more hurts."""
        return _search(self.span, lambda number: not self.meets(number), tolerance)[0]

    def value(self, number: float) -> Any:
        """Return a number as the scenario takes it."""
        return self.span.spelled(number, digits=_DIGITS)

    def variant(self, number: float) -> Scenario:
        """Return the scenario with that number."""
        return self.scenario.replace({self.vary: self.value(number)})

    def meets(self, number: float) -> bool:
        """Try a number: make its runs, write its row, and say whether it meets the objective."""
        variant = self.variant(number)
        own = self.goal.at_one(list(variant.consumers))
        used = variant.seed if self.seed is None else self.seed
        tasks = [Task(variant, used, each, (own.metric,)) for each in range(self.replications)]
        label = spelled({self.vary: self.value(number)})
        outcomes = self.runs(tasks, label=label)
        values = only_numbers(outcomes, lambda place: f"{label}, replication {place}")
        worst = own.worst(values, confidence=self.confidence)
        self.rows[number] = {
            "value": self.value(number),
            "mean": mean_over_replications(values).value,
            "bound": worst,
            "n": self.replications,
            "meets": own.holds(worst),
        }
        return own.holds(worst)

    @property
    def table(self) -> pd.DataFrame:
        """One row per number that was tried, in ascending order."""
        return pd.DataFrame([self.rows[number] for number in sorted(self.rows)])


def _search(
    span: Range, holds: Callable[[float], bool], tolerance: float
) -> tuple[float | None, float | None]:
    """Return the last number of a range at which something does not hold, and the first at which.

    Examples
    --------
    >>> _search(Range(1, 64, whole=True), lambda number: number >= 11, 0.01)
    (10, 11)
    >>> _search(Range(1, 64, whole=True), lambda number: False, 0.01)
    (64, None)
    """
    before: float | None = None
    for number in _upwards(span):
        if holds(number):
            after = number
            break
        before = number
    else:
        return before, None
    while before is not None and (middle := _between(span, before, after, tolerance)) is not None:
        before, after = (before, middle) if holds(middle) else (middle, after)
    return before, after


def _upwards(span: Range) -> Iterator[float]:
    """Yield numbers from the low end to the high one, in doubling steps."""
    number, step = span.low, 1.0 if span.whole else span.low or span.high / _STEPS
    while number < span.high:
        yield number
        number = _rounded(span, number + step)
        step *= 2
    yield span.high


def _between(span: Range, low: float, high: float, tolerance: float) -> float | None:
    """Return a number in the middle of two, None where they are close enough."""
    if span.whole:
        middle = float((int(low) + int(high)) // 2)
    elif high - low <= tolerance * high:
        return None
    else:
        middle = math.sqrt(low * high) if low > 0 else (low + high) / 2
    middle = _rounded(span, middle)
    return middle if low < middle < high else None


def _rounded(span: Range, number: float) -> float:
    if span.whole:
        return int(number)
    return min(float(f"{number:.{_DIGITS}g}"), span.high)
