"""A distribution with another mean, arrivals at another rate: the shape stays as it is."""

from __future__ import annotations

from typing import Any

from eda_sim.spec import Constant
from eda_sim.spec.arrivals import RenewalArrivals, TraceArrivals
from eda_sim.spec.distributions.base import DistributionFamily
from eda_sim.spec.spelling import Family


def level(family: Family) -> float:
    """Return the mean of a distribution (s, bytes or 1), or the rate of arrivals (per second)."""
    kind: Any = family
    return float(kind.mean if isinstance(family, DistributionFamily) else kind.rate)


def at_level(family: Family, wanted: float) -> Family:
    """Return a distribution with a mean, or arrivals with a rate, of the same shape.

    Parameters
    ----------
    family : Family
        A distribution, or an arrival process.
    wanted : float
        The mean (s, bytes or 1), or the rate (per second); above 0, or 0 for a constant.

    Returns
    -------
    Family
        Every parameter that carries the dimension is multiplied by the same factor, so the
        coefficient of variation stays.

    Raises
    ------
    ValueError
        If its level is 0 or infinite, so that no factor leads to another one.

    Examples
    --------
    >>> from eda_sim.spec import Lognormal
    >>> at_level(Lognormal(mean=0.02, p99=0.09), 0.04).p99
    0.18
    """
    if isinstance(family, Constant):
        return Constant(value=wanted)
    now = level(family)
    if not 0 < now < float("inf"):
        message = f"a level of {now:g} cannot be scaled to {wanted:g}"
        raise ValueError(message)
    factor = wanted / now
    if isinstance(family, DistributionFamily):
        return _stretched(family, factor)
    if isinstance(family, RenewalArrivals | TraceArrivals):
        return _stretched(family, 1 / factor)
    return _with_rates(family, factor)


def _stretched(family: Family, factor: float) -> Family:
    """Make all times (or sizes) so many times as long."""
    changed = family.parameters()
    for name, value in changed.items():
        if name in family.dimensional:
            changed[name] = _times(value, factor)
        elif name in family.rate_parameters:
            changed[name] = _times(value, 1 / factor)
        elif name in family.nested:
            changed[name] = tuple(_stretched(part, factor) for part in value)
        elif isinstance(value, Family):
            changed[name] = _stretched(value, factor)
    return type(family)(**changed)


def _with_rates(family: Family, factor: float) -> Family:
    """Make all rates so many times as high; how long each holds stays."""
    changed = family.parameters()
    for name, value in changed.items():
        if name in family.rate_parameters:
            changed[name] = _times(value, factor)
        elif name == "interval":
            changed[name] = _times(value, 1 / factor)
    return type(family)(**changed)


def _times(value: Any, factor: float) -> Any:
    if isinstance(value, tuple):
        return tuple(_times(each, factor) for each in value)
    return float(f"{value * factor:.9g}")  # short enough to be written in a file
