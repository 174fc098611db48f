"""What piles up while nobody works, and how long it takes until it is worked off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from eda_sim.evidence.families import Simulation
from eda_sim.evidence.records import Params, Record
from eda_sim.evidence.simulated.building import (
    CHANNEL,
    CLIENTS,
    SERVER,
    poisson,
    seconds,
    seeded,
)
from eda_sim.evidence.simulated.measuring import Values, to_seconds
from eda_sim.spec import Scenario

if TYPE_CHECKING:
    from eda_sim.simulation import Run

BACKLOG = 2_000
"""Messages of a backlog. Each stands for many, as a drop does for a fluid."""


# An outage --------------------------------------------------------------------------------------


def _drop(params: Params) -> float:
    return float(params["arrival_rate"] * params["duration"] / BACKLOG)


def _outage(params: Params) -> Scenario:
    """Return a queue whose clocks are regular, and a crash in the middle of it."""
    rate, capacity, outage = (params[name] for name in ("arrival_rate", "capacity", "duration"))
    drop = _drop(params)
    long_enough = outage * (1.0 + 2.0 * capacity / (capacity - rate))
    return seeded(
        {
            "name": "outage",
            "duration": seconds(long_enough),
            "producers": {CLIENTS: {"to": CHANNEL, "arrivals": f"constant(rate={rate / drop}/s)"}},
            "channels": {CHANNEL: {}},
            "consumers": {SERVER: {"reads": CHANNEL, "service": seconds(drop / capacity)}},
            "faults": [{"crash": SERVER, "at": seconds(outage), "lasts": seconds(outage)}],
        }
    )


@dataclass(frozen=True)
class _Course:
    """Messages in the order of creation: times in seconds, infinite for what never began."""

    created: Values
    started: Values
    fault_began: float
    fault_ended: float

    @property
    def at_once_again(self) -> float:
        """Creation of the first message after the outage that did not wait."""
        later = self.created > self.fault_ended
        return float(self.created[later & (self.started <= self.created)][0])


def _course(run: Run) -> _Course:
    deliveries, faults = run.trace.deliveries, run.trace.faults
    started = np.full(run.message_count, np.inf)
    last = deliveries["message_id"]
    started[last] = to_seconds(deliveries["started_at"])
    return _Course(
        created=to_seconds(run.trace.messages["created_at"]),
        started=np.where(np.isnan(started), np.inf, started),
        fault_began=float(faults["started_at"][0]) / 1e9,
        fault_ended=float(faults["ended_at"][0]) / 1e9,
    )


def _peak_backlog(run: Run, record: Record) -> float:
    course = _course(run)
    there = course.created <= course.fault_ended
    waits = course.started >= course.fault_ended
    return float((there & waits).sum()) * _drop(record.params)


def _drain_time(run: Run, _: Record) -> float:
    course = _course(run)
    return course.at_once_again - course.fault_ended


def _mean_delay(run: Run, _: Record) -> float:
    course = _course(run)
    met = (course.created >= course.fault_began) & (course.created < course.at_once_again)
    return float((course.started - course.created)[met].mean())


# A rebuild --------------------------------------------------------------------------------------


def _rebuild(params: Params) -> Scenario:
    """Return a projection that reads a history, and the events that come meanwhile."""
    drop = params["history"] / BACKLOG
    events, reads = params["event_rate"], params["replay_rate"]
    return seeded(
        {
            "name": "rebuild",
            "duration": seconds(3.0 * params["history"] / (reads - events)),
            "producers": {
                "history": {"to": CHANNEL, "arrivals": "trace(times=[0s])", "bulk": BACKLOG},
                CLIENTS: {"to": CHANNEL, "arrivals": poisson(events / drop)},
            },
            "channels": {CHANNEL: {}},
            "consumers": {
                SERVER: {
                    "reads": CHANNEL,
                    "service": seconds(drop / reads),
                    "subscription": {"lease_scope": "partition"},
                }
            },
        }
    )


def _caught_up_at(run: Run, _: Record) -> float:
    """Return when for the first time all events that there are have been applied."""
    finished = run.trace.deliveries["finished_at"]
    applied = np.sort(finished[finished >= 0])
    created = np.sort(run.trace.messages["created_at"])
    next_created = np.append(created, np.iinfo(np.int64).max)[1 : applied.size + 1]
    return float(applied[next_created > applied][0]) / 1e9


SIMULATED = {
    "outage": {
        "peak_backlog": Simulation(scenario=_outage, measure=_peak_backlog, replications=1),
        "drain_time": Simulation(scenario=_outage, measure=_drain_time, replications=1),
        "mean_delay": Simulation(scenario=_outage, measure=_mean_delay, replications=1),
    },
    "rebuild": {"time": Simulation(scenario=_rebuild, measure=_caught_up_at)},
}
"""Families about backlogs, by name."""
