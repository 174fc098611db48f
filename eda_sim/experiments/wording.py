"""Numbers of experiments as people read them."""

from __future__ import annotations

import math

from eda_sim.spec.quantities import Dimension, format_quantity


def spelled_value(number: float, dimension: Dimension) -> str:
    """Write the value of a metric: three digits and the unit.

    Examples
    --------
    >>> spelled_value(0.02123, "time"), spelled_value(-0.5, "time"), spelled_value(math.nan, "time")
    ('21.2ms', '-500ms', '-')
    >>> spelled_value(199.84, "rate"), spelled_value(1234.5, "number")
    ('200/s', '1,234')
    """
    if math.isnan(number):
        return "-"
    if math.isinf(number):
        return "never" if dimension == "time" and number > 0 else f"{number}"
    if dimension == "number" and abs(number) >= 100:
        return f"{number:,.0f}"
    return format_quantity(float(f"{number:.3g}"), dimension)
