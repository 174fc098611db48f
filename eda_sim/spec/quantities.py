"""Quantities: numbers with units, and the bounds within which a scenario may set them.

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
number     none, or %                         1
========== ================================== ====================

A plain number is accepted wherever a quantity is, in the canonical unit: ``0.02`` is
20 ms for a duration.
"""

from __future__ import annotations

import math
import numbers
import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from eda_sim.spec.errors import shown

Dimension = Literal["time", "rate", "bytes", "number"]

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
UNITS: dict[str, tuple[Dimension, Fraction]] = {
    **{unit: ("time", factor) for unit, factor in TIME_UNITS.items()},
    **{f"/{unit}": ("rate", 1 / factor) for unit, factor in TIME_UNITS.items()},
    **{unit: ("bytes", factor) for unit, factor in BYTE_UNITS.items()},
    "%": ("number", Fraction(1, 100)),
    "": ("number", Fraction(1)),
}
"""Unit -> (dimension, size in the canonical unit)."""

# Order of preference when two units write a number equally short.
PREFERRED_UNITS: dict[Dimension, tuple[str, ...]] = {
    "time": ("d", "h", "min", "s", "ms", "us", "ns"),
    "rate": ("/s", "/min", "/h", "/d"),
    "bytes": ("TiB", "GiB", "MiB", "KiB", "TB", "GB", "MB", "KB", "B"),
    "number": ("",),
}
CANONICAL_UNIT: dict[Dimension, str] = {"time": "s", "rate": "/s", "bytes": "B", "number": ""}

EXAMPLES: dict[Dimension, str] = {
    "time": "a duration such as 20ms",
    "rate": "a rate such as 200/s",
    "bytes": "a size such as 1KB",
    "number": "a number",
}

# Bounded in length and exponent, so that no text can make an exact fraction of a million digits.
NUMBER = r"[+-]?(?:\d{1,40}(?:\.\d{0,40})?|\.\d{1,40})(?:[eE][+-]?\d{1,3})?"
QUANTITY = re.compile(rf"\s*({NUMBER})\s*(/?[A-Za-z]{{1,3}}|%|)\s*", re.ASCII)
LONGEST_QUANTITY = 120

MAXIMUM_DURATION = 36_525 * 86_400.0
"""Seconds (100 years). Twice it still fits in int64 nanoseconds with room to spare."""
MAXIMUM_RATE = 1e9
"""Per second: one event per nanosecond, the resolution of the clock."""
MINIMUM_RATE = 1 / MAXIMUM_DURATION
"""Per second: one event in 100 years."""
MAXIMUM_BYTES = 10**12
"""Bytes (1 TB)."""
MAXIMUM_NUMBER = 1e15
"""Bound of a plain number in a distribution."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number in the canonical unit of its dimension.

    Attributes
    ----------
    value : float
        Seconds, per second, bytes or 1.
    dimension : {"time", "rate", "bytes", "number"}
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
        raise ValueError(f"{shown(text)} is not valid: must be a quantity such as 20ms or 200/s")
    number, unit = match.groups()
    if unit not in UNITS:
        known = ", ".join(unit for unit in UNITS if unit)
        raise ValueError(f"{shown(text)} is not valid: no unit {unit!r}; the units are {known}")
    dimension, factor = UNITS[unit]
    try:
        value = float(Fraction(Decimal(number)) * factor)
    except OverflowError:
        raise ValueError(f"{shown(text)} is not valid: too large") from None
    return Quantity(value, dimension)


def format_quantity(value: float, dimension: Dimension) -> str:
    """Write a quantity as a person would, and so that it reads back to the same bits.

    Parameters
    ----------
    value : float
        A finite number in the canonical unit: seconds, per second, bytes or 1.
    dimension : {"time", "rate", "bytes", "number"}
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
    best: tuple[tuple[bool, int, int], str] | None = None
    for preference, unit in enumerate(PREFERRED_UNITS[dimension]):
        number = _shortest(value, UNITS[unit][1])
        if number is None:
            continue
        readable = unit == CANONICAL_UNIT["rate"] or 1 <= abs(number) < 1000
        digits = len(number.normalize().as_tuple().digits)
        rank = (not readable, digits, preference)
        if best is None or rank < best[0]:
            best = (rank, f"{_plain(number)}{unit}")
    return best[1] if best else f"{value!r}{CANONICAL_UNIT[dimension]}"


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


@dataclass(frozen=True)
class Measure:
    """Marks a field that holds a quantity: how it may be written, and its bounds.

    Attributes
    ----------
    dimension : {"time", "rate", "bytes", "number"} or None
        What the field measures; None accepts any dimension (the parameters of a distribution,
        whose dimension is checked where the distribution is used).
    minimum, maximum : float
        Bounds in the canonical unit, both included.
    positive : bool
        Whether zero is excluded.
    whole : bool
        Whether the value must be a whole number; it is then an int.
    """

    dimension: Dimension | None
    minimum: float = 0.0
    maximum: float = MAXIMUM_NUMBER
    positive: bool = False
    whole: bool = False

    def convert(self, value: object) -> float:
        """Return the value in the canonical unit.

        Parameters
        ----------
        value : str, number or Quantity
            The quantity as it was written.

        Returns
        -------
        float
            Seconds, per second, bytes or 1.

        Raises
        ------
        ValueError
            If it is no quantity of this dimension, or out of bounds; the message says what would
            be right.

        Examples
        --------
        >>> Measure("time").convert("20ms")
        0.02
        """
        number = self._number(value)
        out = number < self.minimum or number > self.maximum or (self.positive and number == 0)
        if not math.isfinite(number) or out or (self.whole and not float(number).is_integer()):
            raise self._refusal(value)
        if self.whole:
            return int(number)
        return float(number) + 0.0  # turns -0.0 into 0.0, which would be written differently

    def _number(self, value: object) -> float:
        dimension: Dimension
        if isinstance(value, Quantity):
            number, dimension = value.value, value.dimension
        elif isinstance(value, str):
            try:
                quantity = parse_quantity(value)
            except ValueError:
                raise self._refusal(value) from None
            number, dimension = quantity.value, quantity.dimension
        elif isinstance(value, numbers.Real) and not isinstance(value, bool):
            try:
                number, dimension = float(value), "number"
            except OverflowError:
                raise self._refusal(value) from None
        else:
            raise self._refusal(value)
        if self.dimension is not None and dimension not in (self.dimension, "number"):
            raise self._refusal(value)
        return number

    def _refusal(self, value: object) -> ValueError:
        return ValueError(f"{_written(value)} is not valid: must be {self.domain()}")

    def domain(self) -> str:
        """Say what is accepted.

        Returns
        -------
        str
            Words for an error message.

        Examples
        --------
        >>> Measure("rate", positive=True, maximum=1e9).domain()
        'a rate such as 200/s, above 0/s, at most 1000000000/s'
        """
        dimension = self.dimension or "number"
        what = EXAMPLES[dimension] if self.dimension else "a number or quantity"
        if self.whole:
            what = f"{what} (whole)"
        low = format_quantity(self.minimum, dimension)
        high = format_quantity(self.maximum, dimension)
        if self.dimension == "time" and self.maximum == MAXIMUM_DURATION:
            high = "36525d (100 years)"
        bound = f"above {low}, at most {high}" if self.positive else f"from {low} to {high}"
        return f"{what}, {bound}"

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        dimension = self.dimension or "number"
        return core_schema.no_info_plain_validator_function(
            self.convert,
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda value: (
                    None
                    if value is None
                    else value
                    if dimension == "number"
                    else format_quantity(value, dimension)
                ),
                when_used="json",
            ),
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        number: dict[str, Any] = {"type": "integer" if self.whole else "number"}
        number["exclusiveMinimum" if self.positive else "minimum"] = self.minimum
        number["maximum"] = self.maximum
        return {"anyOf": [{"type": "string", "pattern": pattern(self.dimension)}, number]}


def _written(value: object) -> str:
    if isinstance(value, Quantity):
        return (
            format_quantity(value.value, value.dimension)
            if math.isfinite(value.value)
            else repr(value.value)
        )
    return shown(value)


def pattern(dimension: Dimension | None) -> str:
    """Return the regular expression (of JSON Schema) for the spellings of a quantity.

    Parameters
    ----------
    dimension : {"time", "rate", "bytes", "number"} or None
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
    return rf"^\s*{NUMBER}\s*({'|'.join(units)})?\s*$"


@dataclass(frozen=True)
class Whole:
    """Marks a field that holds a whole number, and its bounds, both included."""

    minimum: int
    maximum: int

    def convert(self, value: object) -> int:
        """Return the value as an int.

        Parameters
        ----------
        value : int, or a float or text that is a whole number
            The number as it was written; ``1e6`` is accepted, ``true`` is not.

        Returns
        -------
        int
            The number.

        Raises
        ------
        ValueError
            If it is not a whole number within the bounds.

        Examples
        --------
        >>> Whole(1, 10).convert(4)
        4
        """
        number: float | None = None
        if isinstance(value, Quantity):
            number = value.value if value.dimension == "number" else None
        elif isinstance(value, str):
            try:
                quantity = parse_quantity(value)
            except ValueError:
                pass
            else:
                number = quantity.value if quantity.dimension == "number" else None
        elif isinstance(value, numbers.Integral) and not isinstance(value, bool):
            if self.minimum <= int(value) <= self.maximum:
                return int(value)
        elif isinstance(value, numbers.Real) and not isinstance(value, bool):
            number = float(value)
        if (
            number is not None
            and self.minimum <= number <= self.maximum
            and float(number).is_integer()
        ):
            return int(number)
        raise ValueError(
            f"{_written(value)} is not valid: must be an integer from {self.minimum} to {self.maximum}"
        )

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.convert)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.minimum, "maximum": self.maximum}


Duration = Annotated[float, Measure("time", maximum=MAXIMUM_DURATION)]
"""Seconds, from 0 to 100 years."""
PositiveDuration = Annotated[float, Measure("time", maximum=MAXIMUM_DURATION, positive=True)]
"""Seconds, above 0, at most 100 years."""
Rate = Annotated[float, Measure("rate", minimum=MINIMUM_RATE, maximum=MAXIMUM_RATE)]
"""Per second, from one in 100 years to one per nanosecond."""
Bytes = Annotated[int, Measure("bytes", maximum=MAXIMUM_BYTES, whole=True)]
"""Bytes, whole, from 0 to 1 TB."""
Probability = Annotated[float, Measure("number", maximum=1.0)]
"""From 0 to 1, or from 0% to 100%."""
