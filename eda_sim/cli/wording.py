"""Numbers as people read them: three digits that matter, and the unit."""

from __future__ import annotations

import math
from collections.abc import Callable

__all__ = ["count", "duration", "percent", "rate", "with_interval"]

_UNITS = ((1e-9, "ns"), (1e-6, "us"), (1e-3, "ms"), (1.0, "s"), (60.0, "min"), (3600.0, "h"))
_NOTHING = "-"


def duration(seconds: float) -> str:
    """Write a duration.

    Parameters
    ----------
    seconds : float
        Duration in seconds; NaN if there is none.

    Returns
    -------
    str
        Three significant digits in the largest unit that leaves at least 1.

    Examples
    --------
    >>> duration(0.0212), duration(90), duration(0), duration(math.nan)
    ('21.2 ms', '1.5 min', '0 s', '-')
    """
    if math.isnan(seconds):
        return _NOTHING
    if seconds == 0:
        return "0 s"
    size, unit = next(
        ((size, unit) for size, unit in reversed(_UNITS) if abs(seconds) >= 0.9995 * size),
        _UNITS[0],
    )
    return f"{_three_digits(seconds / size)} {unit}"


def rate(per_second: float) -> str:
    """Write a rate.

    Parameters
    ----------
    per_second : float
        Events per second; NaN if there is none.

    Examples
    --------
    >>> rate(199.84), rate(12345.6)
    ('200/s', '12,346/s')
    """
    return _NOTHING if math.isnan(per_second) else f"{_three_digits(per_second)}/s"


def percent(share: float) -> str:
    """Write a share.

    Parameters
    ----------
    share : float
        Between 0 and 1; NaN if there is none.

    Examples
    --------
    >>> percent(0.6667), percent(0.000123), percent(0.0)
    ('66.7 %', '0.012 %', '0 %')
    """
    if math.isnan(share):
        return _NOTHING
    return f"{100 * share:.1f} %" if abs(share) >= 0.01 else f"{100 * share:.2g} %"


def with_interval(value: float, low: float, high: float, word: Callable[[float], str]) -> str:
    """Write a number and its interval, the unit once where it is the same.

    Parameters
    ----------
    value, low, high : float
        The number and the ends of its interval; NaN where there is none.
    word : callable
        Writes a number: :func:`duration`, :func:`rate`, :func:`percent`.

    Examples
    --------
    >>> with_interval(0.0123, 0.0118, 0.0129, duration), with_interval(1.0, 0.8, 1.2, duration)
    ('12.3 ms (11.8 to 12.9)', '1 s (800 ms to 1.2 s)')
    >>> with_interval(199.6, 197.1, 202.4, rate), with_interval(0.5, math.nan, math.nan, percent)
    ('200/s (197 to 202)', '50.0 %')
    """
    if math.isnan(low) or math.isnan(high):
        return word(value)
    texts = [word(number) for number in (value, low, high)]
    units = {text.lstrip("-+0123456789.,e") for text in texts}
    unit = units.pop() if len(units) == 1 else ""
    return f"{texts[0]} ({texts[1].removesuffix(unit)} to {texts[2].removesuffix(unit)})"


def count(number: float) -> str:
    """Write a count.

    Examples
    --------
    >>> count(120000)
    '120,000'
    """
    return f"{int(number):,}"


def _three_digits(number: float) -> str:
    """Round to three significant digits, but never an integer part.

    Examples
    --------
    >>> [_three_digits(x) for x in (0.00123456, 1.5, 21.249, 999.6, 12345.6)]
    ['0.00123', '1.5', '21.2', '1,000', '12,346']
    """
    if abs(number) >= 100:
        return f"{number:,.0f}"
    return f"{number:.3g}"
