"""Knobs: which parameters of a scenario can be turned, from where to where.

The words
---------
knob
    A parameter of a scenario with its positions. A number has a slider, a choice a list, a yes or
    no a box to tick.
position
    A value of a knob, as it would be written in a file: ``20ms``, ``4``, ``partition``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, cast

from eda_sim.spec import Constant, Problem, Scenario, ScenarioError
from eda_sim.spec.errors import shown
from eda_sim.spec.measures import Measure, Whole
from eda_sim.spec.quantities import format_quantity
from eda_sim.spec.spelling import Family, Spelling
from eda_sim.widgets.fields import Field, field_at
from eda_sim.widgets.grids import grid
from eda_sim.widgets.scaling import at_level, level

Bounds: TypeAlias = range | Sequence[Any] | None
Wanted: TypeAlias = Iterable[str | tuple[Any, ...]] | Mapping[str, Bounds]
"""Paths, (path, low, high) or (path, positions); or path -> range, (low, high) or positions."""

MOST_KNOBS = 6
"""Knobs that are made without being asked for."""
NEVER = "none"
"""How the position is written at which a parameter is not set."""


@dataclass(frozen=True)
class Knob:
    """A parameter and its positions.

    Attributes
    ----------
    path : str
        Dotted, as :meth:`Scenario.replace` takes it.
    labels : tuple of str
        Positions as they are shown.
    values : tuple
        The same positions as :meth:`Scenario.replace` takes them.
    start : int
        Place of the position that the scenario has.
    is_scale : bool
        Whether the positions are numbers in order.
    """

    path: str
    labels: tuple[str, ...]
    values: tuple[Any, ...]
    start: int
    is_scale: bool = False

    def place_of(self, position: Any) -> int:
        """Return the place of a position that is given by its label or its value.

        Raises
        ------
        ScenarioError
            If the knob has no such position.
        """
        for place, (label, value) in enumerate(zip(self.labels, self.values, strict=True)):
            if (type(position), position) == (type(value), value) or str(position) == label:
                return place
        text = f"{shown(position)} is no position: {self._positions()}"
        raise ScenarioError(Problem(path=tuple(self.path.split(".")), message=text))

    def _positions(self) -> str:
        if len(self.labels) <= 8:
            return f"must be one of {', '.join(self.labels)}"
        return f"from {self.labels[0]} to {self.labels[-1]} there are {len(self.labels)} of them"


def knobs_of(scenario: Scenario, wanted: Wanted | None = None) -> list[Knob]:
    """Return the knobs of a scenario.

    Parameters
    ----------
    scenario : Scenario
        Whose parameters are turned.
    wanted : iterable or mapping, optional
        Which ones: paths; (path, low, high); (path, positions); or a mapping from paths to a
        ``range``, to (low, high), to positions, or to None. Without it: the rates of producers, the
        service times and instances of consumers, six at most.

    Returns
    -------
    list of Knob

    Raises
    ------
    ScenarioError
        If a path leads nowhere, to something that has no positions, or comes twice.

    Examples
    --------
    >>> from eda_sim.spec import load
    >>> [knob.path for knob in knobs_of(load("mm1"))]
    ['producers.clients.rate', 'consumers.worker.service', 'consumers.worker.instances']
    >>> knobs_of(load("mm1"), {"consumers.worker.instances": range(1, 4)})[0].labels
    ('1', '2', '3')
    """
    asked = list(_asked(usual_paths(scenario) if wanted is None else wanted))
    _refuse_overlaps([path for path, _ in asked])
    return [knob(field_at(scenario, path), bounds) for path, bounds in asked]


def usual_paths(scenario: Scenario) -> list[str]:
    """Return the paths of the parameters that are turned first, six at most."""
    rates, services, instances = [], [], []
    for name, producer in scenario.producers.items():
        given = producer.rate is not None
        field = field_at(scenario, f"producers.{name}.{'rate' if given else 'arrivals'}")
        rates += [field.path] if given or field.can_be_turned else []
    for name in scenario.consumers:
        services.append(f"consumers.{name}.service")
        instances.append(f"consumers.{name}.instances")
    lasting = [f"faults.{n}.lasts" for n, fault in enumerate(scenario.faults) if fault.lasts]
    consumers = [path for pair in zip(services, instances, strict=True) for path in pair]
    return [*rates[:2], *consumers[:3], *lasting[:1], *rates[2:], *consumers[3:]][:MOST_KNOBS]


def _asked(wanted: Wanted) -> Iterator[tuple[str, Bounds]]:
    if isinstance(wanted, Mapping):
        yield from wanted.items()
        return
    if isinstance(wanted, str):
        wanted = [wanted]
    for each in wanted:
        if isinstance(each, str):
            yield each, None
            continue
        path, *bounds = each
        listed = len(bounds) == 1 and not isinstance(bounds[0], str)
        yield str(path), bounds[0] if listed else tuple(bounds) or None


def _refuse_overlaps(paths: Sequence[str]) -> None:
    for place, path in enumerate(paths):
        for other in paths[:place]:
            if path == other:
                raise ScenarioError(f"{path} is given twice")
            if f"{path}.".startswith(f"{other}.") or f"{other}.".startswith(f"{path}."):
                message = f"{path} and {other} turn the same parameter; give one of them"
                raise ScenarioError(message)


def knob(field: Field, bounds: Bounds = None) -> Knob:
    """Return the knob of a field.

    Parameters
    ----------
    field : Field
        What is turned.
    bounds : range, (low, high) or positions, optional
        Without them: of a number, a tenth of what it is to ten times that, within what the type
        allows.

    Returns
    -------
    Knob

    Raises
    ------
    ScenarioError
        If the field has no positions, or the bounds are none.
    """
    try:
        return _knob(field, bounds)
    except ScenarioError:
        raise
    except ValueError as error:
        path = tuple(field.path.split("."))
        raise ScenarioError(Problem(path=path, message=str(error))) from None


def _knob(field: Field, bounds: Bounds) -> Knob:
    if field.is_switch:
        return _with_none(field, ("false", "true"), (False, True), field.value)
    if field.choices and field.can_be_turned:
        words = tuple(str(word) for word in (bounds or field.choices))
        unknown = [word for word in words if word not in field.choices]
        if unknown:
            message = f"{shown(unknown[0])} is not valid: must be one of {', '.join(field.choices)}"
            raise ValueError(message)
        words = words if field.value in (None, *words) else (field.value, *words)
        return _with_none(field, words, words, field.value)
    if not field.can_be_turned:
        message = "cannot be turned: must be a number, a quantity, a choice, or true or false"
        raise ValueError(message)
    return _number(field, bounds)


def _with_none(field: Field, labels: Sequence[str], values: Sequence[Any], now: Any) -> Knob:
    """Put the position "not set" in front where the scenario has nothing."""
    if now is None:
        return Knob(field.path, (NEVER, *labels), (None, *values), 0)
    return Knob(field.path, tuple(labels), tuple(values), list(values).index(now))


def _number(field: Field, bounds: Bounds) -> Knob:
    measure, whole = _measure(field)
    now = level(field.value) if isinstance(field.value, Family) else field.value
    numbers = _positions(measure, now, bounds, whole=whole)
    labels, values = [], []
    for number in numbers:
        label, value = _spelled(field, number, whole=whole)
        if label not in labels:
            labels.append(label)
            values.append(value)
    if now is None:
        return replace(_with_none(field, labels, values, None), is_scale=True)
    start = labels.index(_spelled(field, now, whole=whole)[0])
    return Knob(field.path, tuple(labels), tuple(values), start, is_scale=True)


def _measure(field: Field) -> tuple[Measure, bool]:
    """Return how a number of the field is read and bounded, and whether it is whole."""
    mark = field.mark
    if isinstance(mark, Whole):
        return Measure("number", mark.minimum, mark.maximum, whole=True), True
    if isinstance(mark, Measure):
        return replace(mark, dimension=field.dimension), mark.whole
    spelling = cast("Spelling", mark)
    if hasattr(field.value, "mean"):
        always = isinstance(field.value, Constant)
        return Measure(field.dimension, maximum=spelling.maximum, positive=not always), False
    return Measure("rate", maximum=1e9, positive=True), False


def _positions(measure: Measure, now: Any, bounds: Bounds, *, whole: bool) -> list[float]:
    if isinstance(bounds, range) or (bounds is not None and len(bounds) != 2):
        numbers = {float(measure.convert(value)) for value in bounds}
        if not numbers:
            message = "there is no position in its range"
            raise ValueError(message)
        return sorted(numbers | (set() if now is None else {float(now)}))
    if bounds is not None:
        low, high = (float(measure.convert(bound)) for bound in bounds)
        if low >= high:
            message = f"a range goes up, not from {bounds[0]} to {bounds[1]}"
            raise ValueError(message)
    else:
        low, high = _usual_range(measure, now, whole=whole)
    return grid(low, high, start=None if now is None else float(now), whole=whole)


def _usual_range(measure: Measure, now: float | None, *, whole: bool) -> tuple[float, float]:
    """Return a tenth of the value to ten times it, within the bounds of its type."""
    if measure.dimension == "number" and measure.maximum == 1.0:
        return (0.01 if measure.positive else 0.0), 1.0
    if now is None or now == 0:
        high = {"time": 10.0, "bytes": 1e6, "bandwidth": 1e9, "rate": 1e3}.get(
            measure.dimension or "number", 100.0 if whole else 10.0
        )
        low = 0.0 if now == 0 else (1.0 if whole else high / 1000)
    elif whole and now <= 10:
        low, high = measure.minimum, max(8.0, 2.0 * now)
    else:
        low, high = now / 10, now * 10
        if whole:
            low, high = float(round(low)), float(round(high))
    return max(low, measure.minimum), min(max(high, measure.minimum), measure.maximum)


def _spelled(field: Field, number: float, *, whole: bool) -> tuple[str, Any]:
    """Return a position as it is shown, and as ``replace`` takes it."""
    spelling = field.mark
    if isinstance(spelling, Spelling):
        rate = not hasattr(field.value, "mean")
        label = format_quantity(float(f"{number:.6g}"), "rate" if rate else field.dimension)
        return label, spelling.write(at_level(field.value, number))
    if field.dimension == "number":
        value = int(number) if whole else float(number)
        return f"{value:,}" if whole else f"{value:g}", value
    label = format_quantity(number, field.dimension)
    return label, label
