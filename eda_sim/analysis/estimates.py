"""An estimate: a number, and the interval that holds the true one most of the time."""

from __future__ import annotations

import math
from typing import NamedTuple


class Estimate(NamedTuple):
    """A number and its confidence interval; ``low``, ``high`` are NaN where a run is too short.

    Examples
    --------
    >>> estimate = Estimate(10.0, 9.0, 11.0)
    >>> estimate.half_width, estimate.relative_half_width, estimate.holds(9.5)
    (1.0, 0.1, True)
    """

    value: float
    low: float
    high: float

    @property
    def is_known(self) -> bool:
        """Whether there is an interval."""
        return math.isfinite(self.low) and math.isfinite(self.high)

    @property
    def half_width(self) -> float:
        """Half of the interval's length; NaN without one."""
        return (self.high - self.low) / 2.0

    @property
    def relative_half_width(self) -> float:
        """Half of the interval's length as a share of the value; NaN without one."""
        return self.half_width / abs(self.value) if self.value else math.nan

    def holds(self, truth: float) -> bool:
        """Return whether a number is in the interval."""
        return self.low <= truth <= self.high
