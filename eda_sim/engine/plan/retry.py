"""Retry policies as columns: one table for all that retry, whoever they are."""

from __future__ import annotations

import numpy as np

from eda_sim.engine.plan.columns import NONE, Numbering, ns_or_none, or_none
from eda_sim.engine.streams.retries import TOKEN, Jitter, RetryKind, RetryTable
from eda_sim.engine.streams.samplers import LARGEST_NS, to_ns
from eda_sim.spec.retry import (
    AnyRetry,
    ExponentialRetry,
    FixedRetry,
    ImmediateRetry,
    Jittered,
    LinearRetry,
    ListRetry,
    NoRetry,
    PhasedRetry,
)

__all__ = ["lower_retries", "lower_retry_policies"]

_KINDS = {
    ImmediateRetry: RetryKind.IMMEDIATE,
    FixedRetry: RetryKind.FIXED,
    LinearRetry: RetryKind.LINEAR,
    ExponentialRetry: RetryKind.EXPONENTIAL,
    ListRetry: RetryKind.PHASED,
    PhasedRetry: RetryKind.PHASED,
}


def lower_retries(numbering: Numbering) -> RetryTable:
    """Lower every policy that got a row from :meth:`Numbering.retry`; call it last."""
    return lower_retry_policies(numbering.retries)


def lower_retry_policies(policies: list[AnyRetry]) -> RetryTable:
    """Lower retry policies to a table.

    Parameters
    ----------
    policies : list of RetryPolicy
        Row ``i`` of the table is entry ``i``.

    Returns
    -------
    RetryTable
        Times in ns.

    Examples
    --------
    >>> int(lower_retry_policies([NoRetry()]).integers[0, 0])
    0
    """
    integers: list[list[int]] = []
    reals: list[list[float]] = []
    phases: list[list[int]] = []
    for policy in policies:
        first = len(phases)
        phases += _phases(policy)
        integers.append([*_integers(policy), first, len(phases) - first, *_end(policy)])
        reals.append(_reals(policy))
    return RetryTable(
        integers=np.array(integers, dtype=np.int64).reshape(len(policies), 11),
        reals=np.array(reals, dtype=np.float64).reshape(len(policies), 2),
        phases=np.array(phases, dtype=np.int64).reshape(len(phases), 5),
    )


def _integers(policy: AnyRetry) -> list[int]:
    """Return the columns up to the phases."""
    if isinstance(policy, NoRetry):
        return [RetryKind.NONE, 0, LARGEST_NS, Jitter.NONE, 1, NONE]
    base, cap, jitter = 0, LARGEST_NS, Jitter.NONE
    if isinstance(policy, FixedRetry | LinearRetry | ExponentialRetry):
        base = to_ns(policy.base)
    if isinstance(policy, LinearRetry | ExponentialRetry) and policy.cap is not None:
        cap = to_ns(policy.cap)
    if isinstance(policy, Jittered):
        jitter = Jitter[policy.jitter.upper()]
    attempts, elapsed = or_none(policy.max_attempts), ns_or_none(policy.max_elapsed)
    return [_KINDS[type(policy)], base, cap, jitter, attempts, elapsed]


def _end(policy: AnyRetry) -> tuple[int, int, int]:
    """Return the columns after the phases: whether the last repeats, and the budget."""
    if isinstance(policy, NoRetry):
        return 0, NONE, 0
    repeats = int(isinstance(policy, ListRetry))
    if policy.budget_ratio is None:
        return repeats, NONE, 0
    return repeats, int(policy.budget_ratio * TOKEN + 0.5), policy.budget_burst * TOKEN


def _reals(policy: AnyRetry) -> list[float]:
    factor = policy.factor if isinstance(policy, ExponentialRetry) else 1.0
    return [factor, policy.jitter_ratio if isinstance(policy, Jittered) else 0.0]


def _phases(policy: AnyRetry) -> list[list[int]]:
    if isinstance(policy, ListRetry):
        delays = [to_ns(delay) for delay in policy.delays]
        return [[number, 1, delay, delay, 0] for number, delay in enumerate(delays, 1)]
    if not isinstance(policy, PhasedRetry):
        return []
    rows: list[list[int]] = []
    end = 0
    for phase in policy.phases:
        end += phase.count
        low, high = to_ns(phase.delay_min), to_ns(phase.delay_max)
        # Less than a nanosecond has no logarithm any more.
        geometric = phase.function == "exponential" and low > 0
        rows.append([end, phase.count, low, high, int(geometric)])
    return rows
