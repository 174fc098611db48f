"""Fitted parts as a scenario file spells them."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from eda_sim.spec.arrivals import AnyArrivals, Arrivals
from eda_sim.spec.distributions import Distribution, DurationDistribution

_DISTRIBUTIONS: TypeAdapter[Any] = TypeAdapter(DurationDistribution)
_ARRIVALS: TypeAdapter[Any] = TypeAdapter(Arrivals)


def spelled_distribution(distribution: Distribution) -> str:
    """Return a distribution of durations as it stands in a scenario file.

    Examples
    --------
    >>> from eda_sim.spec import Exponential
    >>> spelled_distribution(Exponential(mean=0.02))
    'exponential(mean=20ms)'
    """
    return _one_line(_DISTRIBUTIONS.dump_python(distribution, mode="json"))


def spelled_arrivals(arrivals: AnyArrivals) -> str:
    """Return an arrival process as it stands in a scenario file.

    Examples
    --------
    >>> from eda_sim.spec import PoissonArrivals
    >>> spelled_arrivals(PoissonArrivals(rate=20))
    'poisson(rate=20/s)'
    """
    return _one_line(_ARRIVALS.dump_python(arrivals, mode="json"))


def _one_line(data: Any) -> str:
    """Write what was too long for a call as one all the same; it reads back as well."""
    if not isinstance(data, dict):
        return str(data)
    inside = ", ".join(f"{key}={_item(value)}" for key, value in data.items() if key != "type")
    return f"{data['type']}({inside})"


def _item(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_item(each) for each in value)}]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return _one_line(value)
