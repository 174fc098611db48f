"""Scenarios of the simulations, as a reader of the records would write them."""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping
from typing import Any

from eda_sim.spec import Scenario, dump

WARMUP_SHARE = 0.05
"""Of a run: thousands of messages here, many times what a queue needs to forget that it was
empty."""

CHANNEL, SERVER, CLIENTS = "jobs", "server", "clients"


def exponential(rate: float) -> str:
    """Return exponential times by their rate per second."""
    return f"exponential(rate={rate}/s)"


def erlang(mean: float, stages: int) -> str:
    """Return sums of so many equal exponential times, by their mean in seconds."""
    return f"erlang(mean={mean}s, stages={stages})"


def seconds(time: float) -> str:
    """Return a constant time.

    >>> seconds(0.5)
    '0.5s'
    """
    return f"{time}s"


def law_with(mean: float, scv: float) -> str:
    """Return a law by its mean in seconds and its squared coefficient of variation.

    >>> law_with(2.0, 1.0), law_with(2.0, 4.0)
    ('exponential(2.0s)', 'lognormal(mean=2.0s, cv=2.0)')
    """
    if scv == 0:
        return seconds(mean)
    return f"exponential({mean}s)" if scv == 1 else f"lognormal(mean={mean}s, cv={math.sqrt(scv)})"


def poisson(rate: float) -> str:
    """Return Poisson arrivals by their rate per second."""
    return f"poisson(rate={rate}/s)"


def steady(
    name: str,
    *,
    duration: float,
    producers: Mapping[str, Any],
    channels: Mapping[str, Any],
    consumers: Mapping[str, Any],
    **more: Any,
) -> Scenario:
    """Return a scenario whose steady state is looked at.

    Parameters
    ----------
    name : str
        Of the scenario.
    duration : float
        Seconds; what has been created then is finished.
    producers, channels, consumers, **more
        As in a file.

    Returns
    -------
    Scenario
    """
    return seeded(
        {
            "name": name,
            "duration": seconds(duration),
            "warmup": seconds(WARMUP_SHARE * duration),
            "drain": True,
            "drain_timeout": seconds(duration),
            "producers": dict(producers),
            "channels": dict(channels),
            "consumers": dict(consumers),
            **more,
        }
    )


def seeded(data: Mapping[str, Any]) -> Scenario:
    """Return a scenario with a seed that nobody chose: the CRC-32 of all the rest.

    So no two models meet the same arrivals, and their errors are independent of each other.

    Parameters
    ----------
    data : mapping
        The fields of a scenario, without a seed.

    Returns
    -------
    Scenario
    """
    return with_own_seed(Scenario.model_validate(data))


def with_own_seed(scenario: Scenario) -> Scenario:
    """Return a scenario with the CRC-32 of all the rest as its seed."""
    return scenario.replace({"seed": zlib.crc32(dump(scenario).encode())})


def queue(
    name: str,
    *,
    rate: float,
    service: str,
    messages: int,
    arrivals: str = "",
    producer: Mapping[str, Any] | None = None,
    channel: Mapping[str, Any] | None = None,
    faults: list[dict[str, Any]] | None = None,
    **consumer: Any,
) -> Scenario:
    """Return the scenario of one queue.

    Parameters
    ----------
    name : str
        Of the scenario.
    rate : float
        Arrivals per second; with ``arrivals`` only to know how long the run must be.
    service : str
        How long handling takes.
    messages : int
        Arrivals in a run, about.
    arrivals : str
        Instead of a Poisson stream.
    producer, channel, **consumer
        Further fields of each.
    faults : list, optional
        What goes wrong.

    Returns
    -------
    Scenario
    """
    return steady(
        name,
        duration=messages / rate,
        producers={
            CLIENTS: {"to": CHANNEL, "arrivals": arrivals or poisson(rate), **(producer or {})}
        },
        channels={CHANNEL: channel or {}},
        consumers={SERVER: {"reads": CHANNEL, "service": service, **consumer}},
        faults=faults or [],
    )
