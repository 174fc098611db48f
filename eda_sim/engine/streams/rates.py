"""Rates that change: unit exponentials used up along the path of a rate.

A Poisson stream with the rate r(t) is one of rate 1 in the time that is the integral of r. So the
wait for the next event ends when the integral, from the event before it, has reached an exponential
of mean 1. With a rate that is constant in segments this is a subtraction per segment.
"""

from __future__ import annotations

from eda_sim.engine.streams._jit import jit
from eda_sim.engine.streams.samplers import to_ns

ENDLESS = -1
"""Length of a segment that never ends."""
USED_UP = -1.0
"""Rest of an exponential that ended within the segment."""


@jit
def use_up(exponential: float, rate_per_s: float, left_ns: int) -> tuple[int, float]:
    """Use up an exponential of mean 1 within what is left of a segment.

    Parameters
    ----------
    exponential : float
        What is still to be used up, at least 0.
    rate_per_s : float
        Rate in this segment, per second; above 0 in a segment without end.
    left_ns : int
        Time until the segment ends in ns, or :data:`ENDLESS`.

    Returns
    -------
    tuple of int and float
        Time that passes in ns, and the rest: :data:`USED_UP` if the event comes within the segment,
        otherwise what the next segments have to use up.

    References
    ----------
    D. R. Cox, V. Isham, "Point Processes" (1980), section 4.2.

    Examples
    --------
    >>> use_up(0.5, 100.0, 1_000_000_000)
    (5000000, -1.0)
    >>> use_up(0.5, 100.0, 2_000_000)
    (2000000, 0.3)
    """
    if left_ns >= 0:
        held = rate_per_s * (left_ns * 1e-9)
        if held <= exponential:
            return left_ns, exponential - held
    return to_ns(exponential / rate_per_s), USED_UP
