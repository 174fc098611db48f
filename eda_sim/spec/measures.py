"""Fields that hold a quantity or a whole number: how they are written, and their bounds.

Everything in a scenario is bounded, so that no file can ask for more than a machine has, and so
that int64 nanoseconds never overflow. An error names the bound.
"""

from __future__ import annotations

import math
import numbers
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from eda_sim.spec.errors import shown
from eda_sim.spec.quantities import Dimension, format_quantity, parse_quantity, pattern

EXAMPLES: dict[Dimension, str] = {
    "time": "a duration such as 20ms",
    "rate": "a rate such as 200/s",
    "bytes": "a size such as 1KB",
    "bandwidth": "a bandwidth such as 10MB/s",
    "number": "a number",
}

MAXIMUM_DURATION = 36_525 * 86_400.0
"""Seconds (100 years). Twice it still fits in int64 nanoseconds with room to spare."""
MAXIMUM_RATE = 1e9
"""Per second: one event per nanosecond, the resolution of the clock."""
MINIMUM_RATE = 1 / MAXIMUM_DURATION
"""Per second: one event in 100 years."""
READABLE_BOUNDS: dict[tuple[Dimension, float], str] = {
    ("time", MAXIMUM_DURATION): "36525d (100 years)",
    ("rate", MINIMUM_RATE): "one in 100 years",
}
MAXIMUM_BYTES = 10**12
"""Bytes (1 TB)."""
MAXIMUM_BANDWIDTH = 1e15
"""Bytes per second (1 PB/s)."""
MAXIMUM_NUMBER = 1e15
"""Bound of a plain number in a distribution."""


@dataclass(frozen=True)
class Measure:
    """Marks a field that holds a quantity: how it may be written, and its bounds.

    Attributes
    ----------
    dimension : {"time", "rate", "bytes", "bandwidth", "number"} or None
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
        value : str or number
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
        if isinstance(value, bool):
            raise self._refusal(value)
        if isinstance(value, str):
            try:
                quantity = parse_quantity(value)
            except ValueError:
                raise self._refusal(value) from None
            number, dimension = quantity.value, quantity.dimension
        elif isinstance(value, numbers.Real):
            number, dimension = _plain_number(value), "number"
        else:
            raise self._refusal(value)
        if self.dimension is not None and dimension not in (self.dimension, "number"):
            raise self._refusal(value)
        return number

    def _refusal(self, value: object) -> ValueError:
        return ValueError(f"{shown(value)} is not valid: must be {self.domain()}")

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
        low, high = (
            READABLE_BOUNDS.get((dimension, bound)) or format_quantity(bound, dimension)
            for bound in (self.minimum, self.maximum)
        )
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


def _plain_number(value: object) -> float:
    """Return a number without a unit, nan for anything else."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.inf


@dataclass(frozen=True)
class Whole:
    """Marks a field that holds a whole number, and its bounds, both included."""

    minimum: int
    maximum: int

    def convert(self, value: object) -> int:
        """Return the value as an int.

        Parameters
        ----------
        value : int, or float without a fraction
            The number as it was written; ``1e6`` is accepted, ``true`` and ``"4"`` are not.

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
        number = _plain_number(value)
        # Bounds before anything else: they refuse nan and inf as well.
        if self.minimum <= number <= self.maximum and number.is_integer():
            return int(number)
        bounds = f"must be an integer from {self.minimum} to {self.maximum}"
        message = f"{shown(value)} is not valid: {bounds}"
        raise ValueError(message)

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
Bandwidth = Annotated[float, Measure("bandwidth", minimum=1.0, maximum=MAXIMUM_BANDWIDTH)]
"""Bytes per second, from 1 B/s to 1 PB/s."""
Probability = Annotated[float, Measure("number", maximum=1.0)]
"""From 0 to 1, or from 0% to 100%."""
