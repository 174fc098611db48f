"""Classes of messages: who goes first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from eda_sim.evidence.families import Simulation
from eda_sim.evidence.records import Params, Record
from eda_sim.evidence.simulated.building import CHANNEL, SERVER, exponential, poisson, steady
from eda_sim.evidence.simulated.measuring import Flags, Station, station
from eda_sim.spec import Scenario

if TYPE_CHECKING:
    from eda_sim.simulation import Run


def _classes(params: Params, service: str, servers: int, **subscription: Any) -> Scenario:
    rates = params["arrival_rates"]
    classes = len(rates)
    return steady(
        "priorities",
        duration=250_000 / sum(rates),
        # Class 1 goes first; a channel hands higher numbers out first.
        producers={
            f"class-{number}": {
                "to": CHANNEL,
                "arrivals": poisson(rate),
                "priority": classes - number,
            }
            for number, rate in enumerate(rates, start=1)
        },
        channels={CHANNEL: {}},
        consumers={
            SERVER: {
                "reads": CHANNEL,
                "service": service,
                "concurrency": servers,
                "preemptive": params.get("preemptive", False),
                "subscription": {"priorities": classes, **subscription},
            }
        },
    )


def _mg1(params: Params) -> Scenario:
    service = exponential(1.0 / params["mean_services"][0])
    # Only what has been sent to the process can interrupt it.
    return _classes(params, service, 1, delivery="push" if params["preemptive"] else "pull")


def _mmc(params: Params) -> Scenario:
    return _classes(params, exponential(params["service_rate"]), params["servers"])


def _can_say(params: Params) -> bool:
    """One law of service for all who share a consumer."""
    return len(set(params["mean_services"])) == 1 and set(params["service_scvs"]) == {1}


def _of_class(seen: Station, run: Run, record: Record) -> Flags:
    source = run.trace.names.sources.index(f"class-{record.params['priority_class']}")
    of_class: Flags = run.trace.messages["source"][seen.messages] == source
    return np.logical_and(seen.counted, of_class)


def _wait_of_class(run: Run, record: Record) -> float:
    seen = station(run)
    return float((seen.started - seen.created)[_of_class(seen, run, record)].mean())


def _sojourn_of_class(run: Run, record: Record) -> float:
    seen = station(run)
    return float((seen.finished - seen.created)[_of_class(seen, run, record)].mean())


SIMULATED = {
    "priorities_mg1": {
        "mean_wait": Simulation(scenario=_mg1, measure=_wait_of_class, can_say=_can_say),
        "mean_sojourn": Simulation(scenario=_mg1, measure=_sojourn_of_class, can_say=_can_say),
    },
    "priorities_mmc": {
        "mean_wait": Simulation(scenario=_mmc, measure=_wait_of_class),
        "mean_wait_of_all": Simulation(
            scenario=_mmc, measure=lambda run, _: float(station(run).waits.mean())
        ),
    },
}
"""Families with priorities, by name."""
