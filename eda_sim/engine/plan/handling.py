"""Handling as columns: how handlers fail, and what comes then."""

from __future__ import annotations

import enum
from typing import NamedTuple

from eda_sim.engine.plan.columns import NONE, Floats, Integers, Numbering, columns, ns_or_none
from eda_sim.engine.streams.samplers import to_ns
from eda_sim.spec.circuit_breaker import CircuitBreaker


class RetryWhere(enum.IntEnum):
    """Who waits for the next attempt."""

    IN_PLACE = 0
    REQUEUE = 1
    CHANNEL = 2


class OnExhausted(enum.IntEnum):
    """What becomes of a message after the last attempt."""

    REJECT = 0
    RELEASE = 1
    LEAVE = 2


class HandlingColumns(NamedTuple):
    """One row per consumer. ``breaker_window`` is 0 without a breaker."""

    error_probability: Floats
    poison_probability: Floats
    timeout_ns: Integers
    retry: Integers
    retry_where: Integers
    retry_channel: Integers
    on_exhausted: Integers
    batch_max_messages: Integers
    preemptive: Integers
    breaker_failure_rate: Floats
    breaker_window: Integers
    breaker_minimum_calls: Integers
    breaker_open_ns: Integers
    breaker_half_open_calls: Integers
    breaker_pauses: Integers


def lower_handling(numbering: Numbering) -> HandlingColumns:
    """Lower how the consumers of a scenario handle messages."""
    rows: list[dict[str, float]] = []
    for consumer in numbering.scenario.consumers.values():
        channel = consumer.retry_channel
        rows.append(
            {
                "error_probability": consumer.error_probability,
                "poison_probability": consumer.poison_probability,
                "timeout_ns": ns_or_none(consumer.timeout),
                "retry": numbering.retry(consumer.retry),
                "retry_where": RetryWhere[consumer.retry_where.upper()],
                "retry_channel": NONE if channel is None else numbering.channels[channel],
                "on_exhausted": OnExhausted[consumer.on_exhausted.upper()],
                "batch_max_messages": consumer.batch_max_messages,
                "preemptive": consumer.preemptive,
                **_breaker(consumer.circuit_breaker),
            }
        )
    return columns(HandlingColumns, rows)


def _breaker(breaker: CircuitBreaker | None) -> dict[str, float]:
    return {
        "breaker_failure_rate": breaker.failure_rate if breaker else 1.0,
        "breaker_window": breaker.window if breaker else 0,
        "breaker_minimum_calls": breaker.minimum_calls if breaker else 0,
        "breaker_open_ns": to_ns(breaker.open_for) if breaker else 0,
        "breaker_half_open_calls": breaker.half_open_calls if breaker else 0,
        "breaker_pauses": int(breaker is not None and breaker.while_open == "pause"),
    }
