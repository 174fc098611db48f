"""Numbers as people read them: three digits that matter, and the unit."""

from __future__ import annotations

import math

__all__ = ["count", "duration", "percent", "rate"]

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
    >>> percent(0.6667)
    '66.7 %'
    """
    return _NOTHING if math.isnan(share) else f"{share:.1%}".replace("%", " %")


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
