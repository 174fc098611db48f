"""Draws: random numbers by address, for compiled code."""

from __future__ import annotations

import math

from eda_sim.engine.compiled import cells as c
from eda_sim.engine.compiled.lists import NOTHING
from eda_sim.engine.compiled.pointers import Ints, Reals, jit, rows_of
from eda_sim.engine.compiled.rows import new_row
from eda_sim.engine.lineage import mix as _mix
from eda_sim.engine.plan import UNIT_UNIFORM
from eda_sim.engine.streams.addresses import Stream
from eda_sim.engine.streams.philox import uniform
from eda_sim.engine.streams.retries import (
    BUDGET_DEPOSIT,
    BUDGET_SIZE,
    GIVE_UP,
    TOKEN,
    RetryTable,
    draw_retry_delay_ns,
)
from eda_sim.engine.streams.samplers import LARGEST, to_ns, variate
from eda_sim.engine.streams.tables import ROW_WIDTH, Kind

__all__ = ["GIVE_UP", "count", "mix", "new_retries", "note_first_attempt", "ns", "retry_ns"]
__all__ += ["share", "unit", "value"]

_CONSTANT = float(Kind.CONSTANT)
_RETRY = int(Stream.RETRY)
_UNIT_UNIFORM = int(UNIT_UNIFORM)
_INTEGERS, _REALS, _PHASE = 11, 2, 5

mix = jit(_mix)


@jit
def value(m: Ints, f: Reals, row: int, stream: int, entity: int, event: int, attempt: int) -> float:
    """Return the value of a distribution (a row of the plan's table) at an address."""
    if f[row * ROW_WIDTH] == _CONSTANT:  # so most links and sizes need no call
        return min(f[row * ROW_WIDTH + 1], LARGEST)
    key_0, key_1 = m[c.RUN_SEED], m[c.RUN_REPLICATION]
    return variate(f, row, key_0, key_1, stream, entity, event, attempt)


@jit
def is_constant(f: Reals, row: int) -> bool:
    """Return whether a distribution has one value only."""
    return f[row * ROW_WIDTH] == _CONSTANT


@jit
def ns(m: Ints, f: Reals, row: int, stream: int, entity: int, event: int, attempt: int) -> int:
    """Return a time in whole ns."""
    return to_ns(value(m, f, row, stream, entity, event, attempt))


@jit
def count(m: Ints, f: Reals, row: int, stream: int, entity: int, event: int) -> int:
    """Return a value rounded to a whole number."""
    return math.floor(value(m, f, row, stream, entity, event, 1) + 0.5)


@jit
def share(m: Ints, f: Reals, stream: int, entity: int, event: int) -> float:
    """Return a uniform number as samplers draw it."""
    return value(m, f, _UNIT_UNIFORM, stream, entity, event, 1)


@jit
def unit(m: Ints, stream: int, entity: int, event: int, draw: int) -> float:
    """Return the bare uniform number at an address."""
    return uniform(m[c.RUN_SEED], m[c.RUN_REPLICATION], stream, entity, event, draw)


# Retries --------------------------------------------------------------------------------------


@jit
def _table(m: Ints, f: Reals) -> RetryTable:
    policies = m[c.RETRY_REAL_ROWS] // _REALS
    return RetryTable(
        rows_of(m, m[c.RETRY_INTEGER_NUMBER], policies, _INTEGERS),
        rows_of(f, m[c.RETRY_REAL_NUMBER], policies, _REALS),
        rows_of(m, m[c.RETRY_PHASE_NUMBER], m[c.RETRY_PHASE_ROWS] // _PHASE, _PHASE),
    )


@jit
def new_retries(m: Ints, policy: int) -> int:
    """Return a new owner of a retry policy (NONE for no retry), with a full budget."""
    owner = new_row(m, c.RETRIES_ROWS)
    m[c.RETRIES_POLICY + owner] = policy
    m[c.RETRIES_DEPOSIT + owner] = NOTHING
    if policy >= 0:
        row = m[c.RETRY_INTEGER_NUMBER] + policy * _INTEGERS
        m[c.RETRIES_DEPOSIT + owner] = m[row + BUDGET_DEPOSIT]
        m[c.RETRIES_SIZE + owner] = m[row + BUDGET_SIZE]
        m[c.RETRIES_TOKENS + owner] = m[row + BUDGET_SIZE]
    return owner


@jit
def note_first_attempt(m: Ints, owner: int) -> None:
    """Put into the budget what a first attempt adds to it."""
    deposit = m[c.RETRIES_DEPOSIT + owner]
    if deposit >= 0:
        tokens = m[c.RETRIES_TOKENS + owner] + deposit
        m[c.RETRIES_TOKENS + owner] = min(m[c.RETRIES_SIZE + owner], tokens)


@jit
def retry_ns(
    m: Ints,
    f: Reals,
    owner: int,
    entity: int,
    event: int,
    attempt: int,
    elapsed_ns: int,
    previous_ns: int,
) -> int:
    """Return how long to wait after an attempt that failed, or GIVE_UP."""
    policy = m[c.RETRIES_POLICY + owner]
    if policy < 0:
        return GIVE_UP
    key_0, key_1 = m[c.RUN_SEED], m[c.RUN_REPLICATION]
    delay_ns = draw_retry_delay_ns(
        _table(m, f), policy, key_0, key_1, _RETRY, entity, event, attempt, elapsed_ns, previous_ns
    )
    if delay_ns == GIVE_UP:
        return GIVE_UP
    if m[c.RETRIES_DEPOSIT + owner] >= 0:
        if m[c.RETRIES_TOKENS + owner] < TOKEN:
            return GIVE_UP
        m[c.RETRIES_TOKENS + owner] -= TOKEN
    return delay_ns
