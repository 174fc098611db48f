"""The positions of a slider: round numbers, evenly spaced on a linear or a logarithmic scale."""

from __future__ import annotations

import math

ROUND = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0)
"""Ten round numbers in a decade, each about a quarter above the one before."""
WIDE = 40.0
"""From this ratio of the ends on, a scale is logarithmic."""
MOST_STEPS = 40


def grid(
    low: float, high: float, *, start: float | None = None, whole: bool = False
) -> list[float]:
    """Return the positions of a slider from one number to another, both included.

    Parameters
    ----------
    low, high : float
        Ends, in the canonical unit; not negative.
    start : float, optional
        Where the slider stands at first: it is a position too.
    whole : bool
        Whether all positions between the ends are whole numbers.

    Returns
    -------
    list of float
        In order, each once. Logarithmic if ``high`` is 40 times ``low`` or more, linear otherwise;
        from 0, three decades below the end and 0 itself.

    Raises
    ------
    ValueError
        If the ends are not in order.

    Examples
    --------
    >>> grid(1, 5, whole=True)
    [1.0, 2.0, 3.0, 4.0, 5.0]
    >>> grid(10, 1000, start=77)[:6]
    [10.0, 12.0, 15.0, 20.0, 25.0, 30.0]
    """
    if not 0 <= low <= high < math.inf:
        message = f"a range goes from a number to a larger one, not from {low:g} to {high:g}"
        raise ValueError(message)
    wide = low > 0 and high / low >= WIDE
    small = whole and high - low < MOST_STEPS
    inner = _even(low, high, whole=whole) if small or (low > 0 and not wide) else _log(low, high)
    if whole:
        inner = [float(round(number)) for number in inner]
    ends = [float(low), float(high)] + ([] if start is None else [float(start)])
    return sorted({number for number in inner if low <= number <= high} | set(ends))


def _even(low: float, high: float, *, whole: bool) -> list[float]:
    if high == low:
        return [low]
    step = _round_up((high - low) / MOST_STEPS)
    if whole:
        step = max(1.0, math.ceil(step))
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [float(f"{number * step:.9g}") for number in range(first, last + 1)]


def _log(low: float, high: float) -> list[float]:
    if high == 0:
        return [0.0]
    begin = low if low > 0 else high / 1000
    first, last = math.floor(math.log10(begin)), math.ceil(math.log10(high))
    inner = [float(f"{mark}e{power}") for power in range(first, last + 1) for mark in ROUND]
    return [number for number in inner if number >= begin * (1 - 1e-9)]


def _round_up(number: float) -> float:
    power = math.floor(math.log10(number))
    scale = 10.0**power
    return next((mark * scale for mark in (1.0, 2.0, 5.0) if mark * scale >= number), 10 * scale)
