"""What a summary has to know of a scenario before the first message."""

from __future__ import annotations

import math
from dataclasses import dataclass

from eda_sim.engine.streams.samplers import to_ns
from eda_sim.engine.trace import Names
from eda_sim.spec.scenario import Scenario

_SECOND = 10**9


@dataclass(frozen=True)
class Facts:
    """The facts of a scenario that a summary counts by.

    Attributes
    ----------
    names : Names
        What the codes stand for.
    reads : tuple of (int, int)
        The subscriptions: channel and consumer, by consumer.
    instances, concurrency : tuple of int
        Instances of each consumer, and workers of each of them.
    warmup_ns : int
        Messages created before are left out of the statistics.
    sample_every_ns : int
        Time between two samples of the series; 0 without samples.
    """

    names: Names
    reads: tuple[tuple[int, int], ...]
    instances: tuple[int, ...]
    concurrency: tuple[int, ...]
    warmup_ns: int = 0
    sample_every_ns: int = 0

    def channels_of(self, consumer: int) -> tuple[int, ...]:
        """Return the channels that a consumer reads."""
        return tuple(channel for channel, reader in self.reads if reader == consumer)


def facts_of(scenario: Scenario, names: Names) -> Facts:
    """Return what a summary has to know of a scenario.

    Parameters
    ----------
    scenario : Scenario
        What is run.
    names : Names
        Those of its plan.

    Returns
    -------
    Facts
    """
    number = {name: place for place, name in enumerate(names.channels)}
    reads = tuple(
        (number[channel], place)
        for place, name in enumerate(names.consumers)
        for channel in scenario.consumers[name].reads
    )
    return Facts(
        names=names,
        reads=reads,
        instances=tuple(scenario.consumers[name].instances for name in names.consumers),
        concurrency=tuple(scenario.consumers[name].concurrency for name in names.consumers),
        warmup_ns=_whole(scenario.warmup),
        sample_every_ns=to_ns(scenario.sample_every or 0.0),
    )


def _whole(seconds: float) -> int:
    """Return the first whole nanosecond that is not before a moment, as full tables compare it."""
    nanoseconds = round(seconds * _SECOND)
    return nanoseconds if nanoseconds / _SECOND >= seconds else math.ceil(seconds * _SECOND)
