"""Designs: which points to run when there are many knobs.

A full grid of five values for six knobs has 15,625 points. A *Latin hypercube* of 50 points has,
for each knob alone, one value in each fiftieth of its range, and together they fill the space.
*Sobol* and *Halton* sequences do the same for any number of points that one stops at.

References
----------
.. [1] M. D. McKay, R. J. Beckman, W. J. Conover, "A comparison of three methods for selecting
   values of input variables in the analysis of output from a computer code", Technometrics 21
   (1979) 239-245.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eda_sim.experiments.arguments import check_count
from eda_sim.spec.errors import nearest, shown
from eda_sim.spec.quantities import Dimension, format_quantity, parse_quantity

METHODS = ("latin_hypercube", "sobol", "halton", "random")
_DIGITS = 6


def design(
    ranges: Mapping[str, Sequence[Any]],
    points: int,
    *,
    method: str = "latin_hypercube",
    seed: int = 0,
) -> list[dict[str, Any]]:
    """Choose points that fill a space of several parameters.

    Parameters
    ----------
    ranges : mapping
        Dotted path -> ``(low, high)``, both included, or ``(low, high, "log")`` to spread evenly
        over factors instead of differences. Two whole numbers give whole numbers; quantities such
        as ``("5ms", "50ms")`` give quantities, with six digits.
    points : int
        How many. For ``sobol`` a power of two balances best.
    method : str
        ``latin_hypercube``, ``sobol`` (scrambled), ``halton`` (scrambled) or ``random``.
    seed : int
        Equal seeds give equal designs; this one has nothing to do with that of the runs.

    Returns
    -------
    list of dict
        Each maps every path to a value: what :func:`sweep` takes.

    Raises
    ------
    ValueError
        If a range, the number of points or the method is not valid.

    Examples
    --------
    >>> import eda_sim as es
    >>> points = es.design({"consumers.billing.instances": (2, 9)}, 4)
    >>> sorted(point["consumers.billing.instances"] // 2 for point in points)
    [1, 2, 3, 4]
    """
    if method not in METHODS:
        message = f"method: {shown(method)} is not valid{nearest(str(method), METHODS)}"
        raise ValueError(message)
    check_count("points", points)
    if not ranges:
        message = "ranges: there is none; give each path a range such as (1, 8)"
        raise ValueError(message)
    spans = {path: read_range(path, given) for path, given in ranges.items()}
    shares = _samples(method, len(spans), points, seed)
    return [
        {path: span.at(share) for (path, span), share in zip(spans.items(), row, strict=True)}
        for row in shares
    ]


def _samples(method: str, knobs: int, points: int, seed: int) -> list[list[float]]:
    import numpy as np
    from scipy.stats import qmc

    random = np.random.default_rng(seed)
    if method == "random":
        rows: list[list[float]] = random.random((points, knobs)).tolist()
        return rows
    sampler: Callable[..., Any] = {
        "latin_hypercube": qmc.LatinHypercube,
        "sobol": qmc.Sobol,
        "halton": qmc.Halton,
    }[method]
    engine = sampler(knobs, rng=random)
    if method == "sobol":
        # A power of two is drawn and cut: SciPy warns about other numbers, and the caller knows.
        rows = engine.random_base2(math.ceil(math.log2(points))).tolist()[:points]
    else:
        rows = engine.random(points).tolist()
    return rows


@dataclass(frozen=True)
class Range:
    """The values from ``low`` to ``high``, both included.

    Attributes
    ----------
    low, high : float
        In the canonical unit.
    dimension : str or None
        Of quantities with a unit; None for plain numbers.
    whole : bool
        Whether only whole numbers are meant.
    logarithmic : bool
        Whether equal factors are equally far apart.
    """

    low: float
    high: float
    dimension: Dimension | None = None
    whole: bool = False
    logarithmic: bool = False

    def at(self, share: float, *, digits: int = _DIGITS) -> Any:
        """Return the value at a share of the way, as a scenario takes it.

        Examples
        --------
        >>> Range(0.01, 0.03, "time").at(0.5), Range(1, 4, whole=True).at(0.99)
        ('20ms', 4)
        """
        if self.whole:
            # Each whole number owns an equal part of the way.
            low, high = self.low - 0.5, self.high + 0.5
            number = self._between(low, high, share)
            return int(min(max(math.floor(number + 0.5), self.low), self.high))
        return self.spelled(self._between(self.low, self.high, share), digits=digits)

    def spelled(self, number: float, *, digits: int = _DIGITS) -> Any:
        """Return a number of the range with few digits, and with its unit."""
        if self.whole:
            return int(number)
        rounded = min(max(float(f"{number:.{digits}g}"), self.low), self.high)
        return rounded if self.dimension is None else format_quantity(rounded, self.dimension)

    def _between(self, low: float, high: float, share: float) -> float:
        if self.logarithmic:
            return float(low * (high / low) ** share)
        return low + (high - low) * share


def read_range(path: str, given: object) -> Range:
    """Read ``(low, high)`` or ``(low, high, "log")``.

    Raises
    ------
    ValueError
        If it is something else; one line that begins with the path.
    """
    if isinstance(given, str) or not isinstance(given, Sequence) or len(given) not in (2, 3):
        message = f"{path}: {shown(given)} is not valid: must be a range (low, high)"
        raise ValueError(message)
    low, high, *rest = given
    if rest not in ([], ["log"], ["linear"]):
        message = f"{path}: {shown(rest[0])} is not valid: must be 'log' or 'linear'"
        raise ValueError(message)
    (start, dimension), (end, other) = (_number(path, value) for value in (low, high))
    if dimension != other:
        message = f"{path}: {shown(low)} and {shown(high)} must have the same kind of unit"
        raise ValueError(message)
    if not start <= end:
        message = f"{path}: {shown(low)} to {shown(high)} is not valid: low must not be above high"
        raise ValueError(message)
    logarithmic = rest == ["log"]
    if logarithmic and start <= 0:
        message = f"{path}: {shown(low)} is not valid: must be above 0 with 'log'"
        raise ValueError(message)
    whole = isinstance(low, int) and isinstance(high, int)
    return Range(start, end, dimension, whole, logarithmic)


def _number(path: str, value: Any) -> tuple[float, Dimension | None]:
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return value, None
    try:
        quantity = parse_quantity(value) if isinstance(value, str) else None
    except ValueError:
        quantity = None
    if quantity is None:
        message = (
            f"{path}: {shown(value)} is not valid: must be a number or a quantity such as 20ms"
        )
        raise ValueError(message)
    return quantity.value, quantity.dimension
