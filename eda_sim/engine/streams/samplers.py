"""Variates: from an address to a time, a size or a count.

Every variate is the inverse of a distribution function at a uniform number, or takes a fixed count
of them; nothing is ever rejected and drawn again. So a variate grows with its uniform, the same
address under two distributions gives their comparable outcomes (a slow message is slow in both),
and the number of uniforms never depends on their values.

All functions here give the same bits compiled and interpreted: scalar ``math.log``, ``math.exp``
and ``math.sqrt`` only, in one order. (NumPy's own ``log`` differs from libm's in the last bit of
one value in 300.) Powers are ``exp(log(x) * p)``, so no ``pow`` has to agree with another.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from eda_sim.engine.streams._jit import jit
from eda_sim.engine.streams.addresses import DRAWS_PER_VARIATE
from eda_sim.engine.streams.keys import (
    fill_keys,
    sample_key,
    uniform_cumulative,
    zipf_cumulative,
)
from eda_sim.engine.streams.philox import uniform
from eda_sim.engine.streams.quantiles import first_above, normal_quantile
from eda_sim.engine.streams.tables import ROW_WIDTH, DistributionTable, Kind, lower

__all__ = [
    "LARGEST",
    "LARGEST_NS",
    "DistributionTable",
    "Kind",
    "fill",
    "fill_keys",
    "fill_ns",
    "lower",
    "sample",
    "sample_key",
    "sample_ns",
    "to_ns",
    "uniform_cumulative",
    "variate",
    "zipf_cumulative",
]

LARGEST = 1e300
"""No variate is larger; a heavy tail ends here instead of at infinity."""

LARGEST_NS = 2**61
"""No duration is longer (73 years); the sum of a clock and a duration stays inside int64."""

_LARGEST_EXPONENT = 690.0  # exp(690) is just below LARGEST
_SMALLEST_PRODUCT = 1e-290  # times one more uniform it is still a normal number

# Numba reads module globals as constants; members of an enum it would not fold.
_CONSTANT = int(Kind.CONSTANT)
_UNIFORM = int(Kind.UNIFORM)
_EXPONENTIAL = int(Kind.EXPONENTIAL)
_LOGNORMAL = int(Kind.LOGNORMAL)
_ERLANG = int(Kind.ERLANG)
_HYPEREXPONENTIAL = int(Kind.HYPEREXPONENTIAL)
_WEIBULL = int(Kind.WEIBULL)
_PARETO = int(Kind.PARETO)
_EMPIRICAL = int(Kind.EMPIRICAL)
_MIXTURE = int(Kind.MIXTURE)


@jit
def to_ns(seconds: float) -> int:
    """Return a duration in whole nanoseconds.

    Parameters
    ----------
    seconds : float
        Duration in seconds.

    Returns
    -------
    int
        ``floor(seconds * 1e9 + 0.5)``, not below 0 and not above :data:`LARGEST_NS`. A whole number
        of nanoseconds below 2**51 (26 days) that was divided by 1e9 comes back as it was.

    Examples
    --------
    >>> to_ns(0.02)
    20000000
    """
    nanoseconds = seconds * 1e9 + 0.5
    if nanoseconds < 1.0:
        return 0
    if nanoseconds >= 2305843009213693952.0:
        return LARGEST_NS
    return math.floor(nanoseconds)


@jit
def _power_of_e(exponent: float) -> float:
    """Return exp, ended where ``math.exp`` would raise and compiled code would give infinity."""
    return math.exp(min(exponent, _LARGEST_EXPONENT))


@jit
def _erlang(
    mean: float,
    stages: int,
    seed: int,
    replication: int,
    stream: int,
    entity: int,
    event: int,
    draw: int,
) -> float:
    """Return the sum of exponential stages: one logarithm of many products, not many logarithms."""
    total = 0.0
    product = 1.0
    for stage in range(stages):
        product *= 1.0 - uniform(seed, replication, stream, entity, event, draw + stage)
        if product < _SMALLEST_PRODUCT:
            total -= math.log(product)
            product = 1.0
    return mean * (total - math.log(product))


@jit
def _inverse(kind: int, first: float, second: float, u: float) -> float:
    """Return the quantile at u of a family with two parameters; see ``Kind`` for what they are."""
    if kind == _CONSTANT:
        return first
    if kind == _UNIFORM:
        return first + second * u
    if kind == _LOGNORMAL:
        return _power_of_e(first + second * normal_quantile(u))
    exponential = -math.log(1.0 - u)
    if kind == _EXPONENTIAL:
        return first * exponential
    if kind == _WEIBULL:
        return first * _power_of_e(math.log(exponential) * second)
    return first * _power_of_e(exponential * second)  # Pareto


@jit
def variate(
    data: npt.NDArray[np.float64] | list[float],
    index: int,
    seed: int,
    replication: int,
    stream: int,
    entity: int,
    event: int,
    attempt: int,
) -> float:
    """Return the variate at an address: :func:`sample` on the bare numbers of a table.

    Compiled callers that have no arrays give a pointer.
    """
    draw = int(attempt) * DRAWS_PER_VARIATE
    row = int(index) * ROW_WIDTH
    kind = int(data[row])
    if kind == _CONSTANT:  # most links and sizes: no number is drawn that decides nothing
        return min(float(data[row + 1]), LARGEST)
    if kind == _MIXTURE:
        u = uniform(seed, replication, stream, entity, event, draw)
        draw += 1
        start, length = int(data[row + 3]), int(data[row + 4])
        row = int(data[start + length + first_above(data, start, length, u)]) * ROW_WIDTH
        kind = int(data[row])
    first, second = float(data[row + 1]), float(data[row + 2])
    if kind == _ERLANG:
        stages = int(second)
        value = _erlang(first, stages, seed, replication, stream, entity, event, draw)
        return min(value, LARGEST)
    u = uniform(seed, replication, stream, entity, event, draw)
    if kind in (_EMPIRICAL, _HYPEREXPONENTIAL):
        start, length = int(data[row + 3]), int(data[row + 4])
        if kind == _EMPIRICAL:
            return float(data[start + int(u * length)])
        mean = float(data[start + length + first_above(data, start, length, u)])
        u = uniform(seed, replication, stream, entity, event, draw + 1)
        return min(mean * -math.log(1.0 - u), LARGEST)
    return min(_inverse(kind, first, second, u), LARGEST)


@jit
def sample(
    table: DistributionTable,
    index: int,
    seed: int,
    replication: int,
    stream: int,
    entity: int,
    event: int,
    attempt: int,
) -> float:
    """Return the variate at an address.

    Parameters
    ----------
    table : DistributionTable
        The distributions, from :func:`lower`.
    index : int
        Row of the table.
    seed, replication, stream, entity, event, attempt : int
        The address; see :mod:`eda_sim.engine.streams.addresses`. Give plain integers:
        ``int(Stream.SERVICE)``, as each other type costs one more compilation.

    Returns
    -------
    float
        In the unit of the distribution; finite, at most :data:`LARGEST`.

    References
    ----------
    L. Devroye, "Non-Uniform Random Variate Generation" (1986), chapter II.2 (inversion); II.4
    (composition) for mixtures.

    Examples
    --------
    >>> from eda_sim.spec.distributions import Constant
    >>> table = lower([Constant(value=0.02)])
    >>> sample(table, 0, 7, 0, 4, 99, 0, 1)
    0.02
    """
    return variate(table.data, index, seed, replication, stream, entity, event, attempt)


@jit
def sample_ns(
    table: DistributionTable,
    index: int,
    seed: int,
    replication: int,
    stream: int,
    entity: int,
    event: int,
    attempt: int,
) -> int:
    """Return the variate at an address, of a distribution in seconds, in whole nanoseconds.

    Parameters
    ----------
    table, index, seed, replication, stream, entity, event, attempt
        As for :func:`sample`.

    Returns
    -------
    int
        :func:`to_ns` of the variate: from 0 to :data:`LARGEST_NS`.

    Examples
    --------
    >>> from eda_sim.spec.distributions import Constant
    >>> table = lower([Constant(value=0.02)])
    >>> sample_ns(table, 0, 7, 0, 4, 99, 0, 1)
    20000000
    """
    return to_ns(variate(table.data, index, seed, replication, stream, entity, event, attempt))


@jit
def fill(
    out: npt.NDArray[np.float64],
    table: DistributionTable,
    index: int,
    seed: int,
    replication: int,
    stream: int,
    entity: int,
    first_event: int,
    attempt: int,
) -> None:
    """Fill an array with the variates of consecutive events.

    Parameters
    ----------
    out : float64 array
        ``out[i]`` becomes the :func:`sample` of event ``first_event + i``.
    table, index, seed, replication, stream, entity, first_event, attempt
        As for :func:`sample`.

    Examples
    --------
    >>> from eda_sim.spec.distributions import Constant
    >>> table = lower([Constant(value=0.02)])
    >>> out = np.zeros(2)
    >>> fill(out, table, 0, 7, 0, 4, 99, 0, 1)
    >>> out.tolist()
    [0.02, 0.02]
    """
    data = table.data
    for i in range(out.shape[0]):
        event = first_event + i
        out[i] = variate(data, index, seed, replication, stream, entity, event, attempt)


@jit
def fill_ns(
    out: npt.NDArray[np.int64],
    table: DistributionTable,
    index: int,
    seed: int,
    replication: int,
    stream: int,
    entity: int,
    first_event: int,
    attempt: int,
) -> None:
    """Fill an array with the variates of consecutive events in whole nanoseconds.

    Parameters
    ----------
    out : int64 array
        ``out[i]`` becomes the :func:`sample_ns` of event ``first_event + i``.
    table, index, seed, replication, stream, entity, first_event, attempt
        As for :func:`sample`.

    Examples
    --------
    >>> from eda_sim.spec.distributions import Constant
    >>> table = lower([Constant(value=0.02)])
    >>> out = np.zeros(2, dtype=np.int64)
    >>> fill_ns(out, table, 0, 7, 0, 4, 99, 0, 1)
    >>> out.tolist()
    [20000000, 20000000]
    """
    data = table.data
    for i in range(out.shape[0]):
        event = first_event + i
        out[i] = to_ns(variate(data, index, seed, replication, stream, entity, event, attempt))
