"""The run's own bounds."""

from __future__ import annotations

from typing import NamedTuple

from eda_sim.engine.plan.columns import ns_or_none, or_none
from eda_sim.engine.streams.samplers import to_ns
from eda_sim.spec.scenario import Scenario


class Bounds(NamedTuple):
    """Bounds of the run; NONE where there is no bound."""

    seed: int
    replication: int
    duration_ns: int
    messages: int
    drain: bool
    drain_timeout_ns: int
    sample_every_ns: int


LARGEST_WORD = 2**32 - 1
"""Seed and replication are one 32-bit word each of the random generator's key."""


def lower_bounds(scenario: Scenario, seed: int, replication: int) -> Bounds:
    """Lower seed, duration and the other bounds of a run.

    Raises
    ------
    ValueError
        If the seed or the replication does not fit into its word: another number would give the
        same run.
    """
    for name, number in (("seed", seed), ("replication", replication)):
        if not 0 <= number <= LARGEST_WORD:
            message = f"{name}: {number} is not valid: must be an integer from 0 to {LARGEST_WORD}"
            raise ValueError(message)
    return Bounds(
        seed=seed,
        replication=replication,
        duration_ns=ns_or_none(scenario.duration),
        messages=or_none(scenario.messages),
        drain=scenario.drain,
        drain_timeout_ns=to_ns(scenario.drain_timeout),
        sample_every_ns=ns_or_none(scenario.sample_every),
    )
