"""Quantities: numbers with units.

A scenario says ``20ms``, ``200/s``, ``1KB`` or ``5%``. Inside, a duration is a float in seconds, a
rate a float per second, a size a number of bytes and a percentage a plain number. The conversion is
exact: ``20ms`` is the double next to 0.02 and nothing else, and :func:`format_quantity` writes a
text that reads back to the same bits.

========== ================================== ====================
dimension  units                              canonical unit
========== ================================== ====================
time       ns us ms s min h d                 seconds
rate       /ns /us /ms /s /min /h /d          per second
bytes      B KB MB GB TB, KiB MiB GiB TiB     bytes
bandwidth  B/s KB/s .. TiB/s, kbit/s .. Tbit/s bytes per second
number     none, or %                         1
========== ================================== ====================

A plain number is accepted wherever a quantity is, in the canonical unit: ``0.02`` is
20 ms for a duration.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from eda_sim.spec.errors import shown

Dimension = Literal["time", "rate", "bytes", "bandwidth", "number"]

TIME_UNITS = {
    "ns": Fraction(1, 10**9),
    "us": Fraction(1, 10**6),
    "ms": Fraction(1, 10**3),
    "s": Fraction(1),
    "min": Fraction(60),
    "h": Fraction(3600),
    "d": Fraction(86400),
}
BYTE_UNITS = {
    "B": Fraction(1),
    "KB": Fraction(10**3),
    "MB": Fraction(10**6),
    "GB": Fraction(10**9),
    "TB": Fraction(10**12),
    "KiB": Fraction(2**10),
    "MiB": Fraction(2**20),
    "GiB": Fraction(2**30),
    "TiB": Fraction(2**40),
}
BIT_UNITS = {
    "kbit/s": Fraction(10**3, 8),
    "Mbit/s": Fraction(10**6, 8),
    "Gbit/s": Fraction(10**9, 8),
    "Tbit/s": Fraction(10**12, 8),
}
UNITS: dict[str, tuple[Dimension, Fraction]] = {
    **{unit: ("time", factor) for unit, factor in TIME_UNITS.items()},
    **{f"/{unit}": ("rate", 1 / factor) for unit, factor in TIME_UNITS.items()},
    **{unit: ("bytes", factor) for unit, factor in BYTE_UNITS.items()},
    **{f"{unit}/s": ("bandwidth", factor) for unit, factor in BYTE_UNITS.items()},
    **{unit: ("bandwidth", factor) for unit, factor in BIT_UNITS.items()},
    "%": ("number", Fraction(1, 100)),
    "": ("number", Fraction(1)),
}
"""Unit -> (dimension, size in the canonical unit)."""

# Order of preference when two units write a number equally short.
PREFERRED_UNITS: dict[Dimension, tuple[str, ...]] = {
    "time": ("d", "h", "min", "s", "ms", "us", "ns"),
    "rate": ("/s", "/min", "/h", "/d"),
    "bytes": ("TiB", "GiB", "MiB", "KiB", "TB", "GB", "MB", "KB", "B"),
    "bandwidth": ("TiB/s", "GiB/s", "MiB/s", "KiB/s", "TB/s", "GB/s", "MB/s", "KB/s", "B/s"),
    "number": ("",),
}
CANONICAL_UNIT: dict[Dimension, str] = {
    "time": "s",
    "rate": "/s",
    "bytes": "B",
    "bandwidth": "B/s",
    "number": "",
}

# Bounded in length and exponent, so that no text can make an exact fraction of a million digits.
NUMBER = r"[+-]?(?:\d{1,40}(?:\.\d{0,40})?|\.\d{1,40})(?:[eE][+-]?\d{1,3})?"
QUANTITY = re.compile(rf"\s*({NUMBER})\s*([A-Za-z]{{0,4}}(?:/[A-Za-z]{{1,3}})?|%|)\s*", re.ASCII)
LONGEST_QUANTITY = 120


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number in the canonical unit of its dimension.

    Attributes
    ----------
    value : float
        Seconds, per second, bytes, bytes per second or 1.
    dimension : {"time", "rate", "bytes", "bandwidth", "number"}
        What the number measures.
    """

    value: float
    dimension: Dimension


def parse_quantity(text: str) -> Quantity:
    """Read a quantity.

    Parameters
    ----------
    text : str
        A number and a unit, such as ``"20ms"``, ``"200/s"``, ``"1.5 KiB"``, ``"5%"`` or ``"7"``.

    Returns
    -------
    Quantity
        The correctly rounded value in the canonical unit, and its dimension.

    Raises
    ------
    ValueError
        If the text is not a quantity.

    Examples
    --------
    >>> parse_quantity("20ms")
    Quantity(value=0.02, dimension='time')
    >>> parse_quantity("12/min").value
    0.2
    """
    match = QUANTITY.fullmatch(text) if len(text) <= LONGEST_QUANTITY else None
    if match is None:
        message = f"{shown(text)} is not valid: must be a quantity such as 20ms or 200/s"
        raise ValueError(message)
    number, unit = match.groups()
    if unit not in UNITS:
        known = ", ".join(unit for unit in UNITS if unit)
        message = f"{shown(text)} is not valid: no unit {unit!r}; the units are {known}"
        raise ValueError(message)
    dimension, factor = UNITS[unit]
    try:
        value = float(Fraction(Decimal(number)) * factor)
    except OverflowError:
        message = f"{shown(text)} is not valid: too large"
        raise ValueError(message) from None
    return Quantity(value, dimension)


def format_quantity(value: float, dimension: Dimension) -> str:
    """Write a quantity as a person would, and so that it reads back to the same bits.

    Parameters
    ----------
    value : float
        A finite number in the canonical unit: seconds, per second, bytes, bytes per second or 1.
    dimension : {"time", "rate", "bytes", "bandwidth", "number"}
        What the number measures.

    Returns
    -------
    str
        The text with the fewest significant digits, in the unit that keeps the number between 1
        and 1000 if one does; ``parse_quantity(text)`` is the value again.

    Examples
    --------
    >>> format_quantity(0.02, "time"), format_quantity(600.0, "time")
    ('20ms', '10min')
    >>> format_quantity(200.0, "rate"), format_quantity(1000.0, "bytes")
    ('200/s', '1KB')
    """
    if value == 0:
        return f"0{CANONICAL_UNIT[dimension]}"
    best: tuple[tuple[bool, int, bool, int], str] | None = None
    for preference, unit in enumerate(PREFERRED_UNITS[dimension]):
        number = _shortest(value, UNITS[unit][1])
        if number is None:
            continue
        digits = len(number.normalize().as_tuple().digits)
        has_fraction = number != number.to_integral_value()
        rank = (not _readable(value, number, unit), digits, has_fraction, preference)
        if best is None or rank < best[0]:
            best = (rank, f"{_plain(number)}{unit}")
    return best[1] if best else f"{value!r}{CANONICAL_UNIT[dimension]}"


def _readable(value: float, number: Decimal, unit: str) -> bool:
    """Return whether a person would choose this unit: a rate above one a second has no other."""
    if unit == CANONICAL_UNIT["rate"]:
        return True
    return 1 <= abs(number) < 1000 and not (unit.startswith("/") and abs(value) >= 1)


def _shortest(value: float, factor: Fraction) -> Decimal | None:
    """Return the short decimal that times the factor rounds to the value, None if there is none."""
    decimal = Decimal(repr(value))
    scaled = Fraction(decimal) / factor
    candidate = Decimal(scaled.numerator) / Decimal(scaled.denominator)
    if len(candidate.normalize().as_tuple().digits) > 17:
        return None
    return candidate if float(Fraction(candidate) * factor) == value else None


def _plain(number: Decimal) -> str:
    """Write a decimal without an exponent where that is short, with one where it is not."""
    number = number.normalize()
    text = f"{number:f}"
    return text if len(text) <= 20 else f"{number:e}"


def pattern(dimension: Dimension | None) -> str:
    """Return the regular expression (of JSON Schema) for the spellings of a quantity.

    Parameters
    ----------
    dimension : {"time", "rate", "bytes", "bandwidth", "number"} or None
        What is measured; None for any.

    Returns
    -------
    str
        A pattern for the whole text.

    Examples
    --------
    >>> bool(re.search(pattern("time"), "20ms")), bool(re.search(pattern("time"), "20/s"))
    (True, False)
    """
    units = [
        re.escape(unit)
        for unit, (of, _) in UNITS.items()
        if unit and (dimension is None or of == dimension)
    ]
    return rf"^\s*{NUMBER.replace('[+-]?', '[+]?', 1)}\s*({'|'.join(units)})?\s*$"
