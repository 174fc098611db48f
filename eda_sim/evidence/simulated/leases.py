"""Leases that run out, acknowledgements that get lost, and delays between attempts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from eda_sim.analysis.estimates import Estimate
from eda_sim.evidence.families import Simulation
from eda_sim.evidence.records import Params, Record
from eda_sim.evidence.simulated.building import queue, seconds, seeded
from eda_sim.evidence.simulated.duplicates import LATE_DUPLICATES, law_of
from eda_sim.evidence.simulated.measuring import Values, is_counted, to_seconds
from eda_sim.evidence.simulated.networks import ENOUGH_WORKERS
from eda_sim.evidence.simulated.trials import Share, share_of_trials
from eda_sim.spec import Scenario

if TYPE_CHECKING:
    from eda_sim.simulation import Run

MESSAGES = 10_000
FAR_APART = 100.0
"""Mean times between two messages of which none meets the other."""
NANOSECOND = 1e-9


def _deliveries_of_each(run: Run) -> Values:
    numbers = np.bincount(run.trace.deliveries["message_id"], minlength=run.message_count)
    return np.asarray(numbers[is_counted(run)], dtype=np.float64)


def _work_on_each(run: Run) -> Values:
    deliveries = run.trace.deliveries
    worked = to_seconds(deliveries["finished_at"]) - to_seconds(deliveries["started_at"])
    sums = np.bincount(deliveries["message_id"], weights=worked, minlength=run.message_count)
    return np.asarray(sums[is_counted(run)])


def _mean_deliveries(run: Run, _: Record) -> float:
    return float(_deliveries_of_each(run).mean())


def _mean_work(run: Run, _: Record) -> float:
    return float(_work_on_each(run).mean())


def _served_at_once(name: str, params: Params, **more: Any) -> Scenario:
    """Return workers enough for every message, whenever it comes."""
    return queue(
        name,
        rate=1.0 / params["mean"],
        service=law_of(params),
        concurrency=ENOUGH_WORKERS,
        messages=MESSAGES,
        **more,
    )


# Visibility timeouts ----------------------------------------------------------------------------


def _redelivered(params: Params) -> Scenario:
    """Return workers enough for every message at once, and for it once more after the timeout."""
    leases = {"lease_timeout": seconds(params["limit"]), "max_deliveries": 2}
    return _served_at_once("redelivery", params, subscription=leases)


def _share_redelivered(run: Run, _: Record) -> float:
    return Share.among(_deliveries_of_each(run) > 1)


def _copies(params: Params) -> Scenario:
    """Return one worker to whom messages are pushed, again whenever their lease runs out.

    It goes on with the first delivery to its end, and skips those that have piled up meanwhile.
    """
    apart = FAR_APART * params["mean"]
    return queue(
        "visibility-copies",
        rate=1.0 / apart,
        arrivals=f"constant(interval={apart}s)",
        service=law_of(params),
        dedup={"window": seconds(apart)},
        subscription={"delivery": "push", "lease_timeout": seconds(params["timeout"])},
        messages=MESSAGES,
    )


def _killed(params: Params) -> Scenario:
    """Return workers that are stopped when the lease runs out; then somebody begins anew."""
    return _served_at_once(
        "visibility-kill",
        params,
        timeout=seconds(params["timeout"]),
        on_exhausted="leave",
        subscription={"lease_timeout": seconds(params["timeout"])},
    )


# Acknowledgements -------------------------------------------------------------------------------


def _lost_acknowledgements(params: Params) -> Scenario:
    """Return a consumer of whose acknowledgements some get lost, and leases that then run out."""
    lossy = {"loss": "server", "at": "0s", "probability": params["loss_probability"]}
    return queue(
        "lost-acknowledgements",
        rate=1.0,
        service="0s",
        subscription={"lease_timeout": "1s"},
        faults=[lossy],
        messages=MESSAGES,
    )


def _some_are_lost(params: Params) -> bool:
    return bool(params["loss_probability"] > 0)


# Backoff ----------------------------------------------------------------------------------------


def _all_fail(params: Params) -> Scenario:
    """Return messages that fail at every attempt, and attempts that take no time."""
    attempts = params["retries"] + 1
    return seeded(
        {
            "name": "backoff-total",
            "messages": 5,
            "drain": True,
            "drain_timeout": "36525d",
            "producers": {"clients": {"to": "jobs", "arrivals": "constant(interval=1s)"}},
            "channels": {"jobs": {}},
            "consumers": {
                "server": {
                    "reads": "jobs",
                    "service": "0s",
                    "poison_probability": 1,
                    "retry": _exponential_backoff(params, attempts),
                }
            },
        }
    )


def _some_fail(params: Params) -> Scenario:
    attempts = params["most_attempts"]
    rarely = 1.0 / (params["base"] * params["factor"] ** attempts)
    return queue(
        "backoff-expected",
        rate=rarely,
        service="0s",
        error_probability=params["failure_probability"],
        retry=_exponential_backoff(params, attempts),
        messages=MESSAGES,
    )


def _exponential_backoff(params: Params, attempts: int) -> str:
    base, factor = params["base"], params["factor"]
    return f"exponential(base={base}s, factor={factor}, max_attempts={attempts})"


def _to_the_nanosecond(values: Sequence[float], record: Record) -> Estimate:
    """Each delay is a whole number of nanoseconds, so a sum of them is off by as many at most."""
    room = record.params["retries"] * NANOSECOND
    value = values[0]
    return Estimate(value, value - room, value + room)


SIMULATED = {
    "late": {
        "late_duplicates": LATE_DUPLICATES,
        "redelivery_probability": Simulation(
            scenario=_redelivered, measure=_share_redelivered, estimate=share_of_trials
        ),
    },
    "visibility_copies": {"deliveries": Simulation(scenario=_copies, measure=_mean_deliveries)},
    "visibility_kill": {"work": Simulation(scenario=_killed, measure=_mean_work)},
    "lost_acknowledgements": {
        "executions": Simulation(
            scenario=_lost_acknowledgements,
            measure=_mean_deliveries,
            can_say=_some_are_lost,
        )
    },
    "backoff": {
        "total": Simulation(
            scenario=_all_fail,
            measure=_mean_work,
            estimate=_to_the_nanosecond,
            replications=1,
        ),
        "expected": Simulation(scenario=_some_fail, measure=_mean_work),
    },
}
"""Families about deliveries that come again, by name."""
