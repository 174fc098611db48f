"""How far a projection that is fed by M/M/1 is behind; and the busy periods of that queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from eda_sim.analysis.steps import clipped
from eda_sim.evidence.families import Simulation
from eda_sim.evidence.records import Params, Record
from eda_sim.evidence.simulated.building import (
    CHANNEL,
    SERVER,
    exponential,
    poisson,
    steady,
)
from eda_sim.evidence.simulated.measuring import more_near_saturation, station
from eda_sim.evidence.simulated.one_queue import mm1, runs_of_mm1
from eda_sim.spec import Scenario

if TYPE_CHECKING:
    from eda_sim.simulation import Run

OF_THE_KEY, OF_OTHERS = "clients-of-the-key", "clients-of-others"


def _unit_rate(params: Params) -> Params:
    """Return M/M/1 of a load: its answers are the same for every rate of service."""
    return {"arrival_rate": params["load"], "service_rate": 1.0}


def _two_sources(params: Params) -> Scenario:
    own, load = params["key_load"], params["load"]
    return steady(
        "one-key",
        duration=200_000 / load,
        producers={
            OF_THE_KEY: {"to": CHANNEL, "arrivals": poisson(own)},
            OF_OTHERS: {"to": CHANNEL, "arrivals": poisson(load - own)},
        },
        channels={CHANNEL: {}},
        consumers={SERVER: {"reads": CHANNEL, "service": exponential(1.0)}},
    )


def _mean_age(run: Run, _: Record) -> float:
    """Integrate the age of the oldest event: a single server has it in its hands."""
    seen = station(run)
    start, end = seen.window
    begins, ends = (np.clip(times, start, end) for times in (seen.started, seen.finished))
    ages = ((ends - seen.created) ** 2 - (begins - seen.created) ** 2) / 2.0
    return float(ages.sum()) / (end - start)


def _age_tail(run: Run, record: Record) -> float:
    seen = station(run)
    start, end = seen.window
    too_old = np.maximum(seen.started, seen.created + record.params["time"])
    return float(clipped(too_old, seen.finished, start, end).sum()) / (end - start)


def _versions_tail(run: Run, record: Record) -> float:
    seen, versions = station(run), record.params["versions"]
    return seen.share_of_time(seen.created, seen.finished, lambda count: count > versions)


def _stale(run: Run, _: Record) -> float:
    seen = station(run)
    source = run.trace.names.sources.index(OF_THE_KEY)
    own = run.trace.messages["source"][seen.messages] == source
    return seen.share_of_time(seen.created[own], seen.finished[own], lambda count: count > 0)


def _variance_of_busy_periods(run: Run, _: Record) -> float:
    """Return the variance of the whole busy periods that began in the window."""
    seen = station(run)
    first = np.flatnonzero(seen.started == seen.created)
    lengths = seen.finished[first[1:] - 1] - seen.created[first[:-1]]
    return float(lengths[seen.counted[first[:-1]]].var(ddof=1))


SIMULATED = {
    "busy_period": {
        "variance": Simulation(
            scenario=mm1, measure=_variance_of_busy_periods, replications=runs_of_mm1
        )
    },
    "age_of_oldest": {
        "mean": Simulation(scenario=mm1, measure=_mean_age, replications=runs_of_mm1),
        "tail": Simulation(scenario=mm1, measure=_age_tail, replications=runs_of_mm1),
    },
    "versions_behind": {
        "tail": Simulation(
            scenario=lambda params: mm1(_unit_rate(params)),
            measure=_versions_tail,
            replications=lambda params: runs_of_mm1(_unit_rate(params)),
        )
    },
    "key_staleness": {
        "stale_probability": Simulation(
            scenario=_two_sources,
            measure=_stale,
            replications=lambda params: more_near_saturation(0.6, params["load"], power=2),
        )
    },
}
"""Families of projections that are behind, by name."""
