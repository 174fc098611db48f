"""Several queues: in a row, as a network, and side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from eda_sim.evidence.families import Simulation
from eda_sim.evidence.records import Params, Record
from eda_sim.evidence.simulated.building import (
    CHANNEL,
    CLIENTS,
    exponential,
    poisson,
    steady,
)
from eda_sim.evidence.simulated.measuring import (
    Values,
    code_of,
    is_counted,
    more_near_saturation,
    quantile,
    station,
    tail,
    to_seconds,
)
from eda_sim.spec import Scenario

if TYPE_CHECKING:
    from eda_sim.simulation import Run

ENOUGH_WORKERS = 200
"""Workers that are never all busy where about one is on average."""


# In a row ---------------------------------------------------------------------------------------


def _tandem(params: Params) -> Scenario:
    rates = params["service_rates"]
    stages = [f"stage-{number}" for number in range(1, len(rates) + 1)]
    onward: list[list[str]] = [[name] for name in stages[1:]] + [[]]
    return steady(
        "tandem",
        duration=60_000 / params["arrival_rate"],
        producers={CLIENTS: {"to": stages[0], "arrivals": poisson(params["arrival_rate"])}},
        channels={name: {} for name in stages},
        consumers={
            name: {"reads": name, "service": exponential(rate), "emits": emits}
            for name, rate, emits in zip(stages, rates, onward, strict=True)
        },
    )


def _times_through(run: Run) -> Values:
    """Return, for each message of a producer, the time until its last consequence was handled."""
    deliveries, messages = run.trace.deliveries, run.trace.messages
    finished = np.full(messages["created_at"].size, -1)
    root = messages["correlation_id"][deliveries["message_id"]]
    np.maximum.at(finished, root, deliveries["finished_at"])
    chosen = is_counted(run) & (messages["causation_id"] < 0)
    return np.asarray((finished - messages["created_at"])[chosen] / 1e9)


# As a network -----------------------------------------------------------------------------------


def _jackson(params: Params) -> Scenario:
    rates, services = params["arrival_rates"], params["mean_services"]
    consumers = {
        _station(number): {
            "reads": _station(number),
            "service": f"exponential({mean}s)",
            "emits": _ways(row),
        }
        for number, (row, mean) in enumerate(zip(params["routing"], services, strict=True), start=1)
    }
    return steady(
        "jackson",
        duration=40_000 / sum(rates),
        producers={
            f"{CLIENTS}-{number}": {"to": _station(number), "arrivals": poisson(rate)}
            for number, rate in enumerate(rates, start=1)
            if rate > 0
        },
        channels={name: {} for name in consumers},
        consumers=consumers,
    )


def _station(number: int) -> str:
    return f"station-{number}"


def _ways(row: Sequence[float]) -> list[dict[str, Any]]:
    """Return where a message may go on, one of them or none; the rest leaves the network."""
    return [
        {"to": _station(number), "probability": share, "choice": "way"}
        for number, share in enumerate(row, start=1)
        if share > 0
    ]


def _number_at_station(run: Run, record: Record) -> float:
    seen = station(run, _station(int(record.at or 1)))
    return seen.mean_level(seen.created, seen.finished)


# Side by side -----------------------------------------------------------------------------------


def _branches(
    name: str, rate: float, services: Sequence[str], messages: int, workers: int
) -> Scenario:
    return steady(
        name,
        duration=messages / rate,
        producers={CLIENTS: {"to": CHANNEL, "arrivals": poisson(rate)}},
        channels={CHANNEL: {}},
        consumers={
            f"branch-{number}": {"reads": CHANNEL, "service": service, "concurrency": workers}
            for number, service in enumerate(services)
        },
    )


def _fork_join(params: Params) -> Scenario:
    services = [exponential(params["service_rate"])] * params["branches"]
    return _branches("fork-join", params["arrival_rate"], services, 120_000, workers=1)


def _fan_out(params: Params) -> Scenario:
    rates = params["rates"] if "rates" in params else [params["rate"]] * params["count"]
    services = [exponential(rate) for rate in rates]
    return _branches("fan-out", min(rates), services, 20_000, workers=ENOUGH_WORKERS)


def _answers(run: Run) -> Values:
    """Return how long each message was at each branch, the fastest first."""
    deliveries, messages = run.trace.deliveries, run.trace.messages
    created, counted = to_seconds(messages["created_at"]), is_counted(run)
    times = np.full((len(run.trace.names.consumers), created.size), np.nan)
    for place, name in enumerate(run.trace.names.consumers):
        rows = deliveries["consumer"] == code_of(run.trace, name)
        ids = deliveries["message_id"][rows]
        times[place, ids] = to_seconds(deliveries["finished_at"][rows]) - created[ids]
    return np.asarray(np.sort(times[:, counted], axis=0))


SIMULATED = {
    "tandem": {
        "mean_sojourn": Simulation(
            scenario=_tandem, measure=lambda run, _: float(_times_through(run).mean())
        ),
        "sojourn_quantile": Simulation(
            scenario=_tandem,
            measure=lambda run, record: quantile(_times_through(run), record.at),
        ),
        "sojourn_tail": Simulation(
            scenario=_tandem,
            measure=lambda run, record: tail(_times_through(run), record.at),
        ),
    },
    "jackson": {
        "mean_time": Simulation(
            scenario=_jackson, measure=lambda run, _: float(_times_through(run).mean())
        ),
        "mean_number_at_station": Simulation(scenario=_jackson, measure=_number_at_station),
    },
    "fork_join": {
        "mean_response": Simulation(
            scenario=_fork_join,
            measure=lambda run, _: float(_answers(run)[-1].mean()),
            replications=lambda p: more_near_saturation(4, p["arrival_rate"] / p["service_rate"]),
        )
    },
    "fan_out": {
        "mean": Simulation(
            scenario=_fan_out, measure=lambda run, _: float(_answers(run)[-1].mean())
        ),
        "quantile": Simulation(
            scenario=_fan_out,
            measure=lambda run, record: quantile(_answers(run)[-1], record.at),
        ),
    },
    "quorum_acknowledgement": {
        "mean": Simulation(
            scenario=_fan_out,
            measure=lambda run, record: float(_answers(run)[record.params["needed"] - 1].mean()),
        )
    },
}
"""Families of several queues, by name."""
