"""Delays of retries: a pure function of the policy, the attempt, the last delay and one draw.

Publishers, consumers, brokers and users' processes of both engines ask :func:`retry_delay_ns`; who
asks brings the address of the draw. The formulas stand in :mod:`eda_sim.spec.retry`.
"""

from __future__ import annotations

import enum
import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from eda_sim.engine.streams._jit import jit
from eda_sim.engine.streams.addresses import DRAWS_PER_VARIATE
from eda_sim.engine.streams.philox import uniform
from eda_sim.engine.streams.samplers import LARGEST_NS

GIVE_UP = -1
"""Instead of a delay: there is no further attempt."""
TOKEN = 1_000_000
"""A whole token of a retry budget; budgets count in millionths, so that sums are exact."""


class RetryKind(enum.IntEnum):
    """How the delay grows."""

    NONE = 0
    IMMEDIATE = 1
    FIXED = 2
    LINEAR = 3
    EXPONENTIAL = 4
    PHASED = 5  # also a list: phases of one retry each


class Jitter(enum.IntEnum):
    """How delays are spread."""

    NONE = 0
    PROPORTIONAL = 1
    FULL = 2
    EQUAL = 3
    DECORRELATED = 4


class RetryTable(NamedTuple):
    """Retry policies as numbers: one row per policy, and the phases that rows point to.

    Attributes
    ----------
    integers : int64 array, one row per policy
        kind, base in ns, cap in ns, jitter, attempts in all (-1: no bound), longest time since the
        first attempt in ns (-1: no bound), first phase, number of phases, whether the last phase
        repeats, budget per first attempt (-1: none) and size of its bucket in millionths of a
        token. See the constants below.
    reals : float64 array, one row per policy
        factor, jitter ratio.
    phases : int64 array, one row per phase
        retries up to the end of this phase (from the first phase on), count, shortest and longest
        delay in ns, 1 for geometric steps.
    """

    integers: npt.NDArray[np.int64]
    reals: npt.NDArray[np.float64]
    phases: npt.NDArray[np.int64]


KIND, BASE_NS, CAP_NS, JITTER, MAX_ATTEMPTS, MAX_ELAPSED_NS = range(6)
FIRST_PHASE, PHASES, LAST_REPEATS, BUDGET_DEPOSIT, BUDGET_SIZE = range(6, 11)
FACTOR, JITTER_RATIO = range(2)
PHASE_END, PHASE_COUNT, PHASE_LOW_NS, PHASE_HIGH_NS, PHASE_GEOMETRIC = range(5)

# Numba reads module globals as constants; members of an enum it would not fold.
_NONE = int(RetryKind.NONE)
_IMMEDIATE = int(RetryKind.IMMEDIATE)
_FIXED = int(RetryKind.FIXED)
_LINEAR = int(RetryKind.LINEAR)
_EXPONENTIAL = int(RetryKind.EXPONENTIAL)
_PHASED = int(RetryKind.PHASED)
_NO_JITTER = int(Jitter.NONE)
_PROPORTIONAL = int(Jitter.PROPORTIONAL)
_FULL = int(Jitter.FULL)
_EQUAL = int(Jitter.EQUAL)


@jit
def _whole_ns(nanoseconds: float) -> int:
    """Return the nearest whole number of ns, from 0 to LARGEST_NS."""
    nearest = nanoseconds + 0.5
    if nearest < 1.0:
        return 0
    if nearest >= 2305843009213693952.0:
        return LARGEST_NS
    return math.floor(nearest)


@jit
def _power(factor: float, exponent: int) -> float:
    """Return factor**exponent by repeated squaring: only products, which are the same anywhere."""
    result = 1.0
    square = factor
    while exponent > 0:
        if exponent & 1:
            result *= square
        square *= square
        exponent >>= 1
    return result


@jit
def _in_phase(phases: npt.NDArray[np.int64], phase: int, place: int) -> float:
    """Return the delay in ns of the retry at a place, from 0, of a phase."""
    low = float(phases[phase, PHASE_LOW_NS])
    high = float(phases[phase, PHASE_HIGH_NS])
    steps = phases[phase, PHASE_COUNT] - 1
    if place == 0 or steps == 0:
        return low
    if place >= steps:
        return high
    share: float = place / steps
    if phases[phase, PHASE_GEOMETRIC] == 1:
        return low * math.exp(math.log(high / low) * share)
    return low + (high - low) * share


@jit
def _phased(table: RetryTable, policy: int, attempt: int) -> float:
    """Return the delay in ns after an attempt, by the phase that it falls into; -1 after all."""
    row = table.integers[policy]
    first = row[FIRST_PHASE]
    last = first + row[PHASES] - 1
    low, high = first, last
    while low < high:  # the first phase that ends at or after this retry
        middle = (low + high) // 2
        if table.phases[middle, PHASE_END] >= attempt:
            high = middle
        else:
            low = middle + 1
    end = table.phases[low, PHASE_END]
    if attempt > end:
        if row[LAST_REPEATS] == 1:
            return float(table.phases[last, PHASE_HIGH_NS])
        return -1.0
    return _in_phase(table.phases, low, attempt - 1 - (end - table.phases[low, PHASE_COUNT]))


@jit
def _before_jitter(table: RetryTable, policy: int, attempt: int) -> float:
    """Return the delay in ns that jitter spreads; -1 if there is no further attempt."""
    row = table.integers[policy]
    kind = row[KIND]
    base = float(row[BASE_NS])
    if kind == _NONE:
        return -1.0
    if kind == _IMMEDIATE:
        return 0.0
    if kind == _PHASED:
        return _phased(table, policy, attempt)
    if kind == _LINEAR:
        base *= attempt
    elif kind == _EXPONENTIAL and base > 0.0:
        base *= _power(table.reals[policy, FACTOR], attempt - 1)
    return min(base, float(row[CAP_NS]))


@jit
def jittered_ns(
    kind: int, delay: float, base: float, cap: float, ratio: float, previous_ns: int, unit: float
) -> int:
    """Return a delay spread by jitter.

    Parameters
    ----------
    kind : int
        A :class:`Jitter`.
    delay : float
        Delay in ns before jitter.
    base, cap : float
        Bounds in ns of decorrelated jitter; ``cap`` also bounds proportional jitter.
    ratio : float
        Of proportional jitter.
    previous_ns : int
        The delay before this one; 0 or less for the first.
    unit : float
        A uniform number in (0, 1).

    Returns
    -------
    int
        The delay in ns.

    Examples
    --------
    >>> jittered_ns(2, 1e9, 1e9, 4e9, 0.2, 0, 0.25)
    250000000
    """
    if kind == _NO_JITTER:
        return _whole_ns(delay)
    if kind == _PROPORTIONAL:
        return _whole_ns(min(cap, delay * (1.0 + ratio * (2.0 * unit - 1.0))))
    if kind == _FULL:
        return _whole_ns(delay * unit)
    if kind == _EQUAL:
        return _whole_ns(delay * 0.5 + delay * 0.5 * unit)
    previous = float(previous_ns) if previous_ns > 0 else base
    return _whole_ns(min(cap, base + (3.0 * previous - base) * unit))


@jit
def retry_delay_ns(
    table: RetryTable, policy: int, attempt: int, elapsed_ns: int, previous_ns: int, unit: float
) -> int:
    """Return how long to wait after an attempt that failed.

    Parameters
    ----------
    table : RetryTable
        The policies.
    policy : int
        Row of the policy.
    attempt : int
        Number of the attempt that failed, from 1.
    elapsed_ns : int
        Time since the first attempt began, in ns.
    previous_ns : int
        The delay before the attempt that failed, in ns; 0 for the first.
    unit : float
        A uniform number in (0, 1), used only with jitter.

    Returns
    -------
    int
        The delay in ns, or :data:`GIVE_UP`. A budget is not looked at here.

    References
    ----------
    Formulas: :mod:`eda_sim.spec.retry`.
    """
    row = table.integers[policy]
    if row[MAX_ATTEMPTS] >= 0 and attempt >= row[MAX_ATTEMPTS]:
        return GIVE_UP
    delay = _before_jitter(table, policy, attempt)
    if delay < 0.0:
        return GIVE_UP
    delay_ns = jittered_ns(
        row[JITTER],
        delay,
        float(row[BASE_NS]),
        float(row[CAP_NS]),
        table.reals[policy, JITTER_RATIO],
        previous_ns,
        unit,
    )
    if row[MAX_ELAPSED_NS] >= 0 and elapsed_ns + delay_ns > row[MAX_ELAPSED_NS]:
        return GIVE_UP
    return delay_ns


@jit
def draw_retry_delay_ns(
    table: RetryTable,
    policy: int,
    seed: int,
    replication: int,
    stream: int,
    entity: int,
    event: int,
    attempt: int,
    elapsed_ns: int,
    previous_ns: int,
) -> int:
    """Return :func:`retry_delay_ns` with the uniform number of an address.

    Parameters
    ----------
    table, policy, attempt, elapsed_ns, previous_ns
        As for :func:`retry_delay_ns`.
    seed, replication, stream, entity, event
        The address; the attempt belongs to it.

    Returns
    -------
    int
        The delay in ns, or :data:`GIVE_UP`.
    """
    unit = 0.5
    if table.integers[policy, JITTER] != _NO_JITTER:
        unit = uniform(seed, replication, stream, entity, event, attempt * DRAWS_PER_VARIATE)
    return retry_delay_ns(table, policy, attempt, elapsed_ns, previous_ns, unit)
