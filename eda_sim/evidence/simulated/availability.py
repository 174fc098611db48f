"""Parts that fail and are repaired, replicas that follow, and requests that ask for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from eda_sim.analysis.steps import step_function
from eda_sim.evidence.families import Simulation
from eda_sim.evidence.records import Params, Record
from eda_sim.evidence.simulated.building import (
    CHANNEL,
    CLIENTS,
    SERVER,
    exponential,
    seconds,
    seeded,
    steady,
)
from eda_sim.evidence.simulated.measuring import Flags, Values, is_counted, to_seconds
from eda_sim.evidence.simulated.trials import Share, share_of_trials
from eda_sim.spec import Scenario

if TYPE_CHECKING:
    from eda_sim.simulation import Run

REQUESTS = 10_000
FAR_APART = 10.0
"""Mean repairs between two requests: what the one meets tells nothing of the next."""
FAR_BEHIND = 50.0
"""Mean lags between two messages: a replica has the one when the next comes."""
PARTS = 300
"""Parts that are asked together where only one moment counts."""
REQUESTS_UNTIL_THEN = 5
PARTS_THAT_FAIL = 40_000
"""Failures of each part in a run, about, where failures of the whole are waited for."""


# Requests that ask parts ------------------------------------------------------------------------


def _parts(
    name: str, parts: int, *, mean_up: float, mean_down: float, arrivals: str, duration: float
) -> Scenario:
    """Return services that are all asked, and crash now and then, each on its own."""
    everything = _services(parts, mean_up=mean_up, mean_down=mean_down)
    producers = {CLIENTS: {"to": CHANNEL, "arrivals": arrivals}}
    return steady(name, duration=duration, producers=producers, **everything)


def _services(parts: int, *, mean_up: float, mean_down: float) -> dict[str, Any]:
    names = [f"part-{number}" for number in range(parts)]
    times = {"mtbf": f"exponential({mean_up}s)", "mttr": f"exponential({mean_down}s)"}
    return {
        "channels": {CHANNEL: {}},
        "consumers": {name: {"reads": CHANNEL, "service": "0s"} for name in names},
        "faults": [{"crash": name, **times} for name in names],
    }


def _asked_rarely(name: str, parts: int, *, mean_up: float, mean_down: float) -> Scenario:
    apart = FAR_APART * mean_down
    return _parts(
        name,
        parts,
        mean_up=mean_up,
        mean_down=mean_down,
        arrivals=f"constant(interval={apart}s)",
        duration=REQUESTS * apart,
    )


def _of_availability(params: Params) -> Scenario:
    """Return parts that are repaired in a second on average; only the share of time counts."""
    share = params["availability"]
    return _asked_rarely("parts", params["parts"], mean_up=share / (1.0 - share), mean_down=1.0)


def _fails_sometimes(params: Params) -> bool:
    return bool(0.0 < params["availability"] < 1.0)


def _of_one_part(params: Params) -> Scenario:
    mean_up, mean_down = params["mean_up"], params["mean_down"]
    return _asked_rarely("part", 1, mean_up=mean_up, mean_down=mean_down)


def _answers_at_once(run: Run) -> Values:
    """Return for each request of the window how many parts were up and took it at once."""
    deliveries = run.trace.deliveries
    at_once = deliveries["finished_at"] == deliveries["available_at"]
    counts = np.bincount(deliveries["message_id"][at_once], minlength=run.message_count)
    return np.asarray(counts[is_counted(run)], dtype=np.float64)


def _all_answer(run: Run, _: Record) -> float:
    return Share.among(_answers_at_once(run) == len(run.scenario.consumers))


def _enough_answer(run: Run, record: Record) -> float:
    return Share.among(_answers_at_once(run) >= record.params["needed"])


# One moment -------------------------------------------------------------------------------------


def _at_a_moment(params: Params) -> Scenario:
    """Return parts that are up at the start, and asked some times until the moment that counts."""
    mean_up, mean_down = 1.0 / params["failure_rate"], 1.0 / params["repair_rate"]
    apart = params["time"] / REQUESTS_UNTIL_THEN
    return seeded(
        {
            "name": "parts-at-a-moment",
            "duration": seconds(1.1 * params["time"]),
            "producers": {CLIENTS: {"to": CHANNEL, "arrivals": f"constant(interval={apart}s)"}},
            **_services(PARTS, mean_up=mean_up, mean_down=mean_down),
        }
    )


def _up_at_the_moment(run: Run, _: Record) -> float:
    return Share.of(int(_answers_at_once(run)[-1]), PARTS)


# A failure of the whole -------------------------------------------------------------------------


def _until_too_few(params: Params) -> Scenario:
    mean_up, mean_down = 1.0 / params["failure_rate"], 1.0 / params["repair_rate"]
    return _parts(
        "parts-until-too-few",
        params["parts"],
        mean_up=mean_up,
        mean_down=mean_down,
        arrivals=f"constant(interval={2.0 * mean_up}s)",
        duration=PARTS_THAT_FAIL * mean_up,
    )


def _has_crews_enough(params: Params) -> bool:
    """Return whether no part waits for a crew before the end: faults do not wait for each other."""
    spare = params["parts"] - params["needed"]
    return bool(params["repair_rate"] > 0 and params.get("crews", 1) >= spare)


def _time_until_too_few(run: Run, record: Record) -> float:
    """Return the mean time from a moment when all are up until too few are, over and over."""
    faults = run.trace.faults
    times, down = step_function(to_seconds(faults["started_at"]), to_seconds(faults["ended_at"]))
    too_many = record.params["parts"] - record.params["needed"] + 1
    # What lies between all up and too few up is part of the wait that has begun.
    turns = np.flatnonzero((down == 0) | (down >= too_many))
    failed = down[turns] >= too_many
    before = np.concatenate([[False], failed[:-1]])
    begins = np.concatenate([[0.0], times[turns[before & ~failed]]])
    ends = times[turns[failed & ~before]]
    waited = np.append(ends, times[-1])[: begins.size] - begins
    return float(waited.sum()) / len(ends)


# Requests that are tried again, and replicas ----------------------------------------------------


def _tries(params: Params) -> Scenario:
    return steady(
        "tries",
        duration=2.0 * REQUESTS,
        producers={CLIENTS: {"to": CHANNEL, "arrivals": "poisson(rate=1/s)"}},
        channels={CHANNEL: {}},
        consumers={
            SERVER: {
                "reads": CHANNEL,
                "service": "0s",
                "error_probability": 1.0 - params["availability"],
                "retry": f"immediate(max_attempts={params['tries']})",
            }
        },
    )


def _succeeded(run: Run, _: Record) -> float:
    deliveries = run.trace.deliveries
    effects = np.bincount(
        deliveries["message_id"], weights=deliveries["effect"], minlength=run.message_count
    )
    return Share.among(effects[is_counted(run)] > 0)


def _replicated(params: Params) -> Scenario:
    """Return a leader and its followers, and a reader to whom goes what all of them have."""
    lag = exponential(params["lag_rate"])
    apart = FAR_BEHIND / params["lag_rate"]
    replication = {"factor": params["replicas"] + 1, "commit_rule": "isr", "lag": lag}
    return steady(
        "replicas",
        duration=REQUESTS * apart,
        producers={CLIENTS: {"to": CHANNEL, "arrivals": f"constant(interval={apart}s)"}},
        channels={CHANNEL: {"replication": replication}},
        consumers={SERVER: {"reads": CHANNEL, "service": "0s"}},
    )


def _times_until_all_have_it(run: Run) -> Values:
    messages = run.trace.messages
    times = to_seconds(messages["committed_at"]) - to_seconds(messages["stored_at"])
    return np.asarray(times[is_counted(run)])


def _some_lack_it(run: Run, record: Record) -> float:
    lacking: Flags = _times_until_all_have_it(run) > record.params["time"]
    return Share.among(lacking)


SIMULATED = {
    "availability": {
        "chain": Simulation(
            scenario=_of_availability,
            measure=_all_answer,
            estimate=share_of_trials,
            can_say=_fails_sometimes,
        ),
        "quorum": Simulation(
            scenario=_of_availability,
            measure=_enough_answer,
            estimate=share_of_trials,
            can_say=_fails_sometimes,
        ),
        "steady": Simulation(scenario=_of_one_part, measure=_all_answer, estimate=share_of_trials),
        "at": Simulation(
            scenario=_at_a_moment,
            measure=_up_at_the_moment,
            estimate=share_of_trials,
            replications=100,
        ),
        "time_to_failure": Simulation(
            scenario=_until_too_few,
            measure=_time_until_too_few,
            can_say=_has_crews_enough,
        ),
        "tries": Simulation(scenario=_tries, measure=_succeeded, estimate=share_of_trials),
    },
    "replicas": {
        "some_stale": Simulation(
            scenario=_replicated, measure=_some_lack_it, estimate=share_of_trials
        ),
        "window": Simulation(
            scenario=_replicated,
            measure=lambda run, _: float(_times_until_all_have_it(run).mean()),
        ),
    },
}
"""Families about availability and replicas, by name."""
