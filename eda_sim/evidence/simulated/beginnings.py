"""Queues that begin empty, or with a given history."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from eda_sim.evidence.families import Simulation
from eda_sim.evidence.records import Params, Record
from eda_sim.evidence.simulated.building import exponential, poisson, seconds, seeded
from eda_sim.evidence.simulated.measuring import to_seconds
from eda_sim.spec import Scenario

if TYPE_CHECKING:
    from eda_sim.simulation import Run

SYSTEMS = 300
"""Independent queues side by side in one run: a short life of one costs hardly anything."""
BYTES_PER_SECOND = 1_000_000


def _beginnings(params: Params) -> dict[str, Any]:
    """Return many queues with names, and so random numbers, of their own."""
    numbers = range(SYSTEMS)
    return {
        "channels": {f"jobs-{number}": {} for number in numbers},
        "producers": {
            f"clients-{number}": {
                "to": f"jobs-{number}",
                "arrivals": poisson(params["arrival_rate"]),
            }
            for number in numbers
        },
        "consumers": {
            f"server-{number}": {
                "reads": f"jobs-{number}",
                "service": exponential(params["service_rate"]),
            }
            for number in numbers
        },
    }


def _first_messages(params: Params) -> Scenario:
    parts = _beginnings(params)
    for producer in parts["producers"].values():
        producer["messages"] = params["messages"]
    everything = SYSTEMS * params["messages"]
    return seeded({"name": "first-messages", "messages": everything, "drain": True, **parts})


def _until(params: Params) -> Scenario:
    parts = _beginnings(params)
    if params["start"]:
        parts["producers"] |= {
            f"there-{number}": {
                "to": f"jobs-{number}",
                "arrivals": "trace(times=[0s])",
                "bulk": params["start"],
            }
            for number in range(SYSTEMS)
        }
    return seeded({"name": "until", "duration": seconds(params["time"]), **parts})


def _mean_wait(run: Run, _: Record) -> float:
    deliveries, messages = run.trace.deliveries, run.trace.messages
    waits = deliveries["started_at"] - messages["created_at"][deliveries["message_id"]]
    return float(waits.mean()) / 1e9


def _number_at_the_end(run: Run, _: Record) -> float:
    finished = (run.trace.deliveries["finished_at"] >= 0).sum()
    return float(run.message_count - finished) / SYSTEMS


def _history(params: Params) -> Scenario:
    """Return messages of given work: bytes that a partition appends, one request at a time."""
    times = itertools.accumulate(params["intervals"])
    return seeded(
        {
            "name": "history",
            "messages": len(params["services"]),
            "drain": True,
            "channels": {"log": {"append": {"per_byte": seconds(1.0 / BYTES_PER_SECOND)}}},
            "producers": {
                f"message-{number}": {
                    "to": "log",
                    "arrivals": f"trace(times=[{seconds(time)}])",
                    "size": f"{round(service * BYTES_PER_SECOND)}B",
                }
                for number, (time, service) in enumerate(
                    zip(times, params["services"], strict=False)
                )
            },
        }
    )


def _wait_to_be_appended(run: Run, _: Record) -> float:
    messages = run.trace.messages
    there = to_seconds(messages["stored_at"]) - to_seconds(messages["created_at"])
    return float(np.mean(there - messages["size_bytes"] / BYTES_PER_SECOND))


SIMULATED = {
    "transient": {
        "mean_wait_of_first": Simulation(
            scenario=_first_messages, measure=_mean_wait, replications=50
        ),
        "mean_number_at": Simulation(scenario=_until, measure=_number_at_the_end, replications=50),
    },
    "history": {
        "mean_wait": Simulation(scenario=_history, measure=_wait_to_be_appended, replications=1)
    },
}
"""Families of queues that are not in their steady state, by name."""
