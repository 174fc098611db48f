"""Attempts that fail, and servers that break down."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from eda_sim.engine.trace import CopyState
from eda_sim.evidence.families import Simulation
from eda_sim.evidence.records import Params, Record
from eda_sim.evidence.simulated.building import SERVER, exponential, law_with, queue, seconds
from eda_sim.evidence.simulated.measuring import is_counted, of_station, station
from eda_sim.spec import Scenario

if TYPE_CHECKING:
    from eda_sim.simulation import Run


def _retries(params: Params) -> Scenario:
    """Return a queue that puts at its end what was given back because it failed."""
    return queue(
        "retries",
        rate=params["arrival_rate"],
        service=exponential(params["service_rate"]),
        error_probability=params["failure_probability"],
        on_exhausted="release",
        subscription={
            "requeue_position": "tail",
            "max_deliveries": params.get("most_attempts"),
        },
        messages=100_000,
    )


def _given_up(run: Run, _: Record) -> float:
    copies = run.trace.copies
    given_up = copies["message_id"][copies["state"] == CopyState.DISCARDED]
    counted = is_counted(run)
    return float(counted[given_up].sum()) / float(counted.sum())


def _again_and_again(kind: str, params: Params, *, counts: str) -> dict[str, str]:
    return {
        kind: SERVER,
        "mtbf": exponential(params["failure_rate"]),
        "mttr": f"exponential({params['mean_repair']}s)",
        "mtbf_counts": counts,
    }


def _breakdowns(params: Params) -> Scenario:
    """Return a queue whose process stands still now and then, and goes on where it stood."""
    counts = "time" if params["fails_when_idle"] else "operation"
    return queue(
        "breakdowns",
        rate=params["arrival_rate"],
        service=law_with(params["mean_service"], params["service_scv"]),
        faults=[_again_and_again("pause", params, counts=counts)],
        messages=100_000,
    )


def _restarts(params: Params) -> Scenario:
    """Return a queue whose process dies now and then at work, and then begins the work again.

    What it had is the first that it gets again; constant work is the same in every attempt.
    """
    return queue(
        "md1-restarts",
        rate=params["arrival_rate"],
        service=seconds(params["service_time"]),
        faults=[_again_and_again("crash", params, counts="operation")],
        messages=100_000,
    )


def _restart(params: Params) -> Scenario:
    """Return a process that dies now and then, with so few messages that hardly one waits."""
    return queue(
        "restart",
        rate=0.1 / (params["service_time"] + params["mean_repair"]),
        service=seconds(params["service_time"]),
        faults=[_again_and_again("crash", params, counts="operation")],
        messages=20_000,
    )


def _completion(run: Run, _: Record) -> float:
    seen = station(run)
    return float(np.mean((seen.finished - seen.started)[seen.counted]))


SIMULATED = {
    "retries": {
        **of_station(_retries, "mean_sojourn"),
        "probability_of_loss": Simulation(scenario=_retries, measure=_given_up),
    },
    "breakdowns": of_station(_breakdowns, "mean_sojourn"),
    "md1_restarts": of_station(_restarts, "mean_sojourn"),
    "restart": {"mean": Simulation(scenario=_restart, measure=_completion)},
}
"""Families about failures, by name."""
