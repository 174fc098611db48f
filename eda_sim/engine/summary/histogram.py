"""Histograms of durations in constant memory: log-linear buckets, counted in integers.

A bucket is all values that share their power of two and the next seven binary digits, so it is at
most 1/128 as wide as its values are large, whatever their range: the idea of HdrHistogram [1]_. The
middle of a bucket is within 1/256 (0.4 %) of every value in it. Below 256 ns a bucket holds a
single number of nanoseconds and nothing is rounded at all.

The number of a bucket is the upper bits of the value as an IEEE double: exponent and the first
digits of the mantissa, one conversion and one shift for a whole array. The packages on the index
that implement HdrHistogram for Python take one value per call, about a microsecond each: ten times
the cost of simulating the message. Sums are kept beside the buckets in whole numbers, so minimum,
maximum, mean and standard deviation are exact.

References
----------
.. [1] G. Tene, "HdrHistogram: A High Dynamic Range Histogram", hdrhistogram.org.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]

DIGITS = 7
"""Binary digits after the first one that tell buckets apart."""

RELATIVE_ERROR = 2.0 ** -(DIGITS + 1)
"""Largest distance of a value from the middle of its bucket, as a share of the value."""

_SHIFT = 52 - DIGITS
_ONE = 1023 << DIGITS
_EXPONENTS = 63

BUCKETS = (_EXPONENTS << DIGITS) + 2
"""Buckets that hold every duration from 0 to 2**63 - 1 ns."""

_LIMB = 21
_ROWS_AT_A_TIME = 1 << 20
_HALF = (1 << 32) - 1


def bucket_of(values: Integers) -> Integers:
    """Return the number of the bucket of each value.

    Parameters
    ----------
    values : array of int
        Nanoseconds, not negative.

    Examples
    --------
    >>> bucket_of(np.array([0, 1, 2, 3]))
    array([  0,   1, 129, 193])
    """
    bits = values.astype(np.float64).view(np.int64)
    bits >>= _SHIFT
    bits -= _ONE - 1
    return np.maximum(bits, 0, out=bits)


def first_of(buckets: Integers) -> npt.NDArray[np.float64]:
    """Return the smallest whole number of nanoseconds in each bucket."""
    bits = (buckets.astype(np.int64) + (_ONE - 1)) << _SHIFT
    edges = np.where(buckets > 0, bits, 0).view(np.float64)
    return np.ceil(edges)


def last_of(buckets: Integers) -> npt.NDArray[np.float64]:
    """Return the largest whole number of nanoseconds in each bucket."""
    return first_of(buckets + 1) - 1


def middle_of(buckets: Integers) -> npt.NDArray[np.float64]:
    """Return the value that stands for each bucket, in nanoseconds.

    Examples
    --------
    >>> middle_of(bucket_of(np.array([0, 255, 1_000_000]))).tolist()
    [0.0, 255.0, 1001471.5]
    """
    return (first_of(buckets) + last_of(buckets)) / 2


def exact_sum(values: Integers) -> int:
    """Return the sum of integers that are not negative, whatever its size.

    Examples
    --------
    >>> exact_sum(np.full(4, 2**62)) == 2**64
    True
    """
    return (int((values >> 32).sum()) << 32) + int((values & _HALF).sum())


def exact_square_sum(values: Integers) -> int:
    """Return the sum of the squares of integers that are not negative, whatever its size.

    The values are cut into limbs of 21 bits, so that a million products fit into 64 bits.

    Examples
    --------
    >>> exact_square_sum(np.full(4, 2**40)) == 2**82
    True
    """
    total = 0
    for start in range(0, values.size, _ROWS_AT_A_TIME):
        rest = values[start : start + _ROWS_AT_A_TIME]
        limbs = []
        for _ in range(int(rest.max()).bit_length() // _LIMB + 1):
            limbs.append(rest & ((1 << _LIMB) - 1))
            rest = rest >> _LIMB
        for low, one in enumerate(limbs):
            total += int(np.dot(one, one)) << (2 * low * _LIMB)
            for high in range(low + 1, len(limbs)):
                total += int(np.dot(one, limbs[high])) << ((low + high) * _LIMB + 1)
    return total


def sums_by(groups: Integers, values: Integers, size: int) -> list[int]:
    """Return the exact sum of the values of each group; values are not negative.

    Examples
    --------
    >>> sums_by(np.array([0, 1, 0]), np.array([1, 2, 3]), 2)
    [4, 2]
    """
    if size == 1:
        return [exact_sum(values)]
    sums = [0] * size
    for start in range(0, values.size, _ROWS_AT_A_TIME):
        part = slice(start, start + _ROWS_AT_A_TIME)
        # Halves, because a double holds the sum of a million numbers below 2**32 exactly.
        high = np.bincount(groups[part], weights=values[part] >> 32, minlength=size)
        low = np.bincount(groups[part], weights=values[part] & _HALF, minlength=size)
        for place in np.flatnonzero(high + low).tolist():
            sums[place] += (int(high[place]) << 32) + int(low[place])
    return sums


@dataclass(eq=False)
class Histogram:
    """Durations, counted: buckets, and what is exact beside them.

    Attributes
    ----------
    counts : array of int
        One per bucket.
    size : int
        How many durations.
    total, squares : int
        Their sum (ns) and the sum of their squares.
    lowest, highest : int
        The shortest and the longest (ns); -1 without any.
    """

    counts: Integers = field(default_factory=lambda: np.zeros(BUCKETS, np.int64), repr=False)
    size: int = 0
    total: int = 0
    squares: int = 0
    lowest: int = -1
    highest: int = -1

    def add(self, values: Integers) -> None:
        """Count durations, in nanoseconds."""
        if values.size == 0:
            return
        low, high = int(values.min()), int(values.max())
        if low < 0:
            message = f"durations are not negative, but one is {low} ns"
            raise ValueError(message)
        self.counts += np.bincount(bucket_of(values), minlength=BUCKETS)
        self.size += values.size
        self.total += exact_sum(values)
        self.squares += exact_square_sum(values)
        self.lowest = low if self.lowest < 0 else min(low, self.lowest)
        self.highest = max(high, self.highest)

    def merged(self, *others: Histogram) -> Histogram:
        """Return the durations of several histograms as one."""
        every = [self, *others]
        return Histogram(
            counts=np.sum([each.counts for each in every], axis=0),
            size=sum(each.size for each in every),
            total=sum(each.total for each in every),
            squares=sum(each.squares for each in every),
            lowest=min((each.lowest for each in every if each.size), default=-1),
            highest=max(each.highest for each in every),
        )

    def quantiles(self, probabilities: Sequence[float]) -> list[float]:
        """Return quantiles in nanoseconds, each within :data:`RELATIVE_ERROR`.

        The rank is that of :func:`eda_sim.analysis.intervals.quantiles`: the smallest duration with
        at least that share of all at or below it.

        Examples
        --------
        >>> times = Histogram()
        >>> times.add(np.arange(1, 101))
        >>> times.quantiles([0.0, 0.5, 0.99])
        [1.0, 50.0, 99.0]
        """
        if self.size == 0:
            return [math.nan] * len(probabilities)
        shares = np.asarray(probabilities, dtype=np.float64)
        ranks = np.clip(np.ceil(shares * self.size - 1e-9).astype(np.int64), 1, self.size)
        places = np.searchsorted(np.cumsum(self.counts), ranks)
        found = np.clip(middle_of(places), self.lowest, self.highest)
        return [float(value) for value in found]

    @property
    def mean(self) -> float:
        """The exact mean in nanoseconds, NaN without any."""
        return self.total / self.size if self.size else math.nan

    @property
    def std(self) -> float:
        """The exact standard deviation in nanoseconds (of the population), NaN without any."""
        if self.size == 0:
            return math.nan
        # Whole numbers up to here: nothing cancels.
        return math.sqrt((self.size * self.squares - self.total**2) / self.size**2)
