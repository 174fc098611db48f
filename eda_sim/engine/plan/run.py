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


def lower_bounds(scenario: Scenario, seed: int, replication: int) -> Bounds:
    """Lower seed, duration and the other bounds of a run."""
    return Bounds(
        seed=seed,
        replication=replication,
        duration_ns=ns_or_none(scenario.duration),
        messages=or_none(scenario.messages),
        drain=scenario.drain,
        drain_timeout_ns=to_ns(scenario.drain_timeout),
        sample_every_ns=ns_or_none(scenario.sample_every),
    )
