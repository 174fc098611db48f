"""Loads: the same scenario with more arrivals, or with fewer.

A factor multiplies rates. Bursts stay as long and come as often, and get heavier; a plan changes
its rate at the same moments. Gaps that are independent get shorter in proportion, and so does a
trace. Services, of course, stay as they are.
"""

from __future__ import annotations

from typing import Any, TypeVar

from eda_sim.spec import (
    ConstantArrivals,
    ModulatedArrivals,
    PiecewiseArrivals,
    PoissonArrivals,
    RenewalArrivals,
    Scenario,
    TraceArrivals,
)
from eda_sim.spec.arrivals import AnyArrivals
from eda_sim.spec.distributions.base import DistributionFamily

D = TypeVar("D", bound=DistributionFamily)


def at_load(scenario: Scenario, factor: float) -> Scenario:
    """Return a scenario whose producers are so many times as fast.

    Parameters
    ----------
    scenario : Scenario
        Any scenario.
    factor : float
        Above 0; 1.3 is 30 % more.

    Returns
    -------
    Scenario

    Raises
    ------
    ScenarioError
        If a rate gets out of bounds.

    Examples
    --------
    >>> import eda_sim as es
    >>> at_load(es.load("mm1"), 1.25).producers["clients"].arrivals.rate
    10.0
    """
    changes: dict[str, Any] = {}
    for name, producer in scenario.producers.items():
        if producer.rate is not None:
            changes[f"producers.{name}.rate"] = producer.rate * factor
        else:
            changes[f"producers.{name}.arrivals"] = faster(producer.arrivals, factor)
    return scenario.replace(changes)


def faster(arrivals: AnyArrivals, factor: float) -> AnyArrivals:
    """Return an arrival process with so many times as many arrivals per second.

    Examples
    --------
    >>> faster(PoissonArrivals(rate=10), 1.5).rate
    15.0
    """
    if isinstance(arrivals, PoissonArrivals | ConstantArrivals):
        return type(arrivals)(rate=arrivals.rate * factor)
    if isinstance(arrivals, RenewalArrivals):
        return RenewalArrivals(interval=stretched(arrivals.interval, 1 / factor))
    if isinstance(arrivals, TraceArrivals):
        return TraceArrivals(times=tuple(time / factor for time in arrivals.times))
    rates = tuple(rate * factor for rate in arrivals.rates)
    if isinstance(arrivals, ModulatedArrivals):
        return ModulatedArrivals(rates=rates, mean_durations=arrivals.mean_durations)
    return PiecewiseArrivals(rates=rates, durations=arrivals.durations, repeat=arrivals.repeat)


def stretched(distribution: D, factor: float) -> D:
    """Return the distribution of so many times a duration.

    Examples
    --------
    >>> from eda_sim.spec import Lognormal
    >>> stretched(Lognormal(mean=0.02, p99=0.09), 2).p99
    0.18
    """
    family = type(distribution)
    parameters = distribution.parameters()
    for name, value in parameters.items():
        if name in family.dimensional:
            parameters[name] = _times(value, factor)
        elif name in family.rate_parameters:
            parameters[name] = _times(value, 1 / factor)
        elif name in family.nested:
            parameters[name] = tuple(stretched(each, factor) for each in value)
    return family(**parameters)


def _times(value: Any, factor: float) -> Any:
    if isinstance(value, tuple | list):
        return tuple(each * factor for each in value)
    return value * factor
