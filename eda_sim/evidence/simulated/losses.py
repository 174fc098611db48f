"""Queues that lose messages, no room or no patience; and one whose messages come again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from eda_sim.engine.trace import CopyState
from eda_sim.evidence.families import Simulation
from eda_sim.evidence.records import Params, Record
from eda_sim.evidence.simulated.building import (
    CHANNEL,
    CLIENTS,
    SERVER,
    exponential,
    poisson,
    queue,
    steady,
)
from eda_sim.evidence.simulated.measuring import (
    Values,
    is_counted,
    of_station,
    station,
    to_seconds,
    window_of,
)
from eda_sim.spec import Scenario

if TYPE_CHECKING:
    from eda_sim.simulation import Run

ORBIT, NOBODY = "orbit", "nobody"


def _mmck(params: Params) -> Scenario:
    # What is handed out counts to the limit, so it is the places, those at the servers included.
    return queue(
        "mmck",
        rate=params["arrival_rate"],
        service=exponential(params["service_rate"]),
        concurrency=params["servers"],
        channel={
            "retention": "work_queue",
            "max_messages": params["capacity"],
            "overflow": "reject_publish",
        },
        messages=60_000,
    )


def _erlang_b(params: Params) -> Scenario:
    servers = params["servers"]
    return _mmck(
        {
            "arrival_rate": params["offered_load"],
            "service_rate": 1.0,
            "servers": servers,
            "capacity": servers,
        }
    )


def _erlang_a(params: Params) -> Scenario:
    return queue(
        "erlang-a",
        rate=params["arrival_rate"],
        service=exponential(params["service_rate"]),
        concurrency=params["servers"],
        channel={"message_ttl": exponential(params["patience_rate"])},
        # The memory of a pool is a few services long, and more servers see more messages in it.
        messages=30_000 + 5_000 * params["servers"],
    )


def _retrial(params: Params) -> Scenario:
    """Return one place, the worker's; who finds it taken waits elsewhere and comes again.

    What has no place becomes a dead letter in a channel that nobody reads, lives there for an
    exponential time, and is a dead letter once more: back to where it came from.
    """
    rate = params["arrival_rate"]
    letters = {"dead_letter_expired": True}
    return steady(
        "retrial",
        duration=60_000 / rate,
        producers={CLIENTS: {"to": CHANNEL, "arrivals": poisson(rate)}},
        channels={
            CHANNEL: {"retention": "work_queue", "max_messages": 1, "overflow": "drop_head"},
            ORBIT: {"message_ttl": exponential(params["retry_rate"])},
        },
        consumers={
            SERVER: {
                "reads": CHANNEL,
                "service": exponential(params["service_rate"]),
                "subscription": {"dead_letter": ORBIT, **letters},
            },
            NOBODY: {
                "reads": ORBIT,
                "service": "0s",
                "subscription": {"dead_letter": CHANNEL, **letters},
            },
        },
        faults=[{"crash": NOBODY, "at": "0s"}],
    )


def _in_orbit(run: Run, _: Record) -> float:
    """Return the mean number of messages that wait to come again."""
    copies = run.trace.copies
    there = copies["channel"] == run.trace.names.channels.index(ORBIT)
    start, end = window_of(run)
    came, left = (to_seconds(copies[name][there]) for name in ("stored_at", "settled_at"))
    left = np.where(left < came, end, left)  # who is still there at the end
    stayed = np.clip(left, start, end) - np.clip(came, start, end)
    return float(stayed.sum()) / (end - start)


def _loss(run: Run, _: Record) -> float:
    """Return the share of the messages that were never served."""
    return 1.0 - float(station(run).counted.sum()) / float(is_counted(run).sum())


def _waits_of_expired(run: Run) -> Values:
    copies = run.trace.copies
    expired = copies["state"] == CopyState.EXPIRED
    ids = copies["message_id"][expired]
    created = to_seconds(run.trace.messages["created_at"][ids])
    waits = to_seconds(copies["settled_at"][expired]) - created
    return np.asarray(waits[is_counted(run)[ids]])


def _waits_of_all(run: Run) -> Values:
    return np.concatenate([station(run).waits, _waits_of_expired(run)])


def _percent_lost(run: Run, record: Record) -> float:
    return 100.0 * _loss(run, record)


def _wait_in_seconds(run: Run, _: Record) -> float:
    """Return the mean wait where the rates are per minute, which the scenario takes for seconds."""
    return 60.0 * float(_waits_of_all(run).mean())


SIMULATED = {
    "erlang_a_per_minute": {
        "percent_lost": Simulation(scenario=_erlang_a, measure=_percent_lost),
        "mean_wait_s": Simulation(scenario=_erlang_a, measure=_wait_in_seconds),
    },
    "retrial": {"mean_queue_length": Simulation(scenario=_retrial, measure=_in_orbit)},
    "mmck": {
        **of_station(_mmck, "mean_number", "mean_wait", "number_probability"),
        "probability_of_loss": Simulation(scenario=_mmck, measure=_loss),
    },
    "erlang_b": {"blocking": Simulation(scenario=_erlang_b, measure=_loss)},
    "erlang_a": {
        "probability_of_loss": Simulation(scenario=_erlang_a, measure=_loss),
        "probability_of_waiting": Simulation(
            scenario=_erlang_a, measure=lambda run, _: float((_waits_of_all(run) > 0).mean())
        ),
        "mean_wait": Simulation(
            scenario=_erlang_a, measure=lambda run, _: float(_waits_of_all(run).mean())
        ),
    },
}
"""Families of queues that lose messages, by name."""
