"""Duplicates: what they do to a queue, and how many of them a memory finds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from eda_sim.engine.trace import Column, MessageStatus
from eda_sim.evidence.families import Simulation
from eda_sim.evidence.records import Params, Record
from eda_sim.evidence.simulated.building import (
    CHANNEL,
    CLIENTS,
    SERVER,
    exponential,
    poisson,
    queue,
    seconds,
    steady,
)
from eda_sim.evidence.simulated.measuring import (
    is_counted,
    more_near_saturation,
    of_station,
    to_seconds,
    window_of,
)
from eda_sim.evidence.simulated.trials import Share, share_of_trials
from eda_sim.spec import Scenario
from eda_sim.spec.names import MOST_PARTS

if TYPE_CHECKING:
    from eda_sim.simulation import Run

MESSAGES = 100_000


def law_of(params: Params) -> str:
    """Return the law of a time as it is written in a scenario."""
    if params["law"] == "exponential":
        return f"exponential({params['mean']}s)"
    return f"lognormal(mean={params['mean']}s, cv={params['scv'] ** 0.5})"


# In a queue -------------------------------------------------------------------------------------


def _apart(params: Params) -> Scenario:
    """Return clients that send again, once and much later, what they were not told is stored."""
    rate = params["arrival_rate"]
    much_later = 0.01 * MESSAGES / rate  # well within the warm-up
    return queue(
        "duplicates-apart",
        rate=rate,
        service=exponential(params["service_rate"]),
        producer={
            "link": {"acknowledgement_loss_probability": params["duplicate_share"]},
            "publishing": {
                "request_timeout": seconds(much_later),
                "retry": "immediate(max_attempts=2)",
            },
        },
        messages=MESSAGES,
    )


def _mean_time_of_copies(run: Run, _: Record) -> float:
    """Return the mean time from the storing of a copy until it has been handled."""
    deliveries, (start, end) = run.trace.deliveries, window_of(run)
    stored = to_seconds(deliveries["available_at"])
    finished = to_seconds(deliveries["finished_at"])
    return float((finished - stored)[(stored >= start) & (stored < end)].mean())


def _together(params: Params) -> Scenario:
    """Return clients that send some messages twice in a row.

    What is sent again is another message here: two copies of one would take equally long.
    """
    share = params["duplicate_share"]
    return queue(
        "duplicates-together",
        rate=params["arrival_rate"] * (1.0 + share),
        arrivals=poisson(params["arrival_rate"]),
        producer={"bulk": f"mixture(components=[1, 2], weights=[{1.0 - share}, {share}])"},
        service=exponential(params["service_rate"]),
        messages=MESSAGES,
    )


def _runs_of_copies(params: Params) -> int:
    copies = params["arrival_rate"] * (1.0 + params["duplicate_share"])
    return more_near_saturation(1.5, copies / params["service_rate"], power=2)


# A window ---------------------------------------------------------------------------------------


def _late(params: Params) -> Scenario:
    """Return messages that come twice to who remembers them for a while: at once, and by a detour.

    The detour is a queue that nobody serves. A message leaves it when its time there is over, and
    comes by the channel of dead letters.
    """
    detour = {"dead_letter": "again", "dead_letter_expired": True}
    return steady(
        "late-duplicates",
        duration=10_000 * params["mean"],
        producers={CLIENTS: {"to": CHANNEL, "arrivals": poisson(1.0 / params["mean"])}},
        channels={CHANNEL: {"message_ttl": law_of(params)}, "again": {}},
        consumers={
            SERVER: {
                "reads": [CHANNEL, "again"],
                "service": "0s",
                "dedup": {"window": seconds(params["limit"])},
            },
            "detour": {"reads": CHANNEL, "service": "0s", "subscription": detour},
        },
        faults=[{"crash": "detour", "at": "0s"}],
    )


def _taken_for_new(run: Run, _: Record) -> float:
    deliveries = run.trace.deliveries
    handled = deliveries["message_id"][deliveries["effect"] == 1]
    effects = np.bincount(handled, minlength=run.message_count)
    return Share.among(effects[is_counted(run)] == 2)


LATE_DUPLICATES = Simulation(scenario=_late, measure=_taken_for_new, estimate=share_of_trials)


# A memory of keys -------------------------------------------------------------------------------


def _memory(params: Params) -> Scenario:
    return _refreshed(params) if params["refreshed"] else _not_refreshed(params)


def _refreshed(params: Params) -> Scenario:
    """Return a log that keeps a record of each request for a while; a reader that is down."""
    keys = f"zipf(s={params['exponent']}, n={params['keys']})"
    return _requests(
        params,
        producers={
            CLIENTS: {"to": CHANNEL, "arrivals": poisson(params["arrival_rate"]), "key": keys}
        },
        channels={CHANNEL: {"max_age": seconds(params["memory"])}},
        # What became of the records is written down for each reader.
        consumers={SERVER: {"reads": CHANNEL, "service": "0s"}},
        faults=[{"crash": SERVER, "at": "0s"}],
    )


def _not_refreshed(params: Params) -> Scenario:
    """Return a store for each key with room for one record, and who finds it full is refused."""
    weights = [(key + 1.0) ** -params["exponent"] for key in range(params["keys"])]
    rates = [params["arrival_rate"] * weight / sum(weights) for weight in weights]
    store = {
        "max_messages": 1,
        "overflow": "reject_publish",
        "max_age": seconds(params["memory"]),
    }
    return _requests(
        params,
        producers={
            f"{CLIENTS}-{key}": {"to": f"key-{key}", "arrivals": poisson(rate)}
            for key, rate in enumerate(rates)
        },
        channels={f"key-{key}": store for key in range(params["keys"])},
        consumers={},
    )


def _requests(params: Params, **parts: Any) -> Scenario:
    return steady("memory", duration=20_000 / params["arrival_rate"], **parts)


def _can_be_told(params: Params) -> bool:
    """Return whether there are few enough keys where each needs a store of its own."""
    return bool(params["refreshed"]) or params["keys"] <= MOST_PARTS


def _remembered(run: Run, record: Record) -> float:
    messages, counted = run.trace.messages, is_counted(run)
    if not record.params["refreshed"]:
        return float((messages["status"][counted] == MessageStatus.REJECTED).mean())
    kept_until = np.full(run.message_count, np.iinfo(np.int64).max)
    records = run.trace.copies
    gone = records["settled_at"] >= 0
    kept_until[records["message_id"][gone]] = records["settled_at"][gone]
    before = _request_before(messages["key"])
    found = (before >= 0) & (kept_until[before] > messages["created_at"])
    return float(found[counted].mean())


def _request_before(keys: Column) -> Column:
    """Return for each request the number of the one before with the same key, or -1."""
    order = np.argsort(keys, kind="stable")
    same = np.diff(keys[order]) == 0
    before = np.full(order.size, -1)
    before[order[1:][same]] = order[:-1][same]
    return before


SIMULATED = {
    "duplicates_apart": {
        "mean_sojourn": Simulation(
            scenario=_apart, measure=_mean_time_of_copies, replications=_runs_of_copies
        )
    },
    "duplicates_together": of_station(_together, "mean_sojourn", replications=_runs_of_copies),
    "memory": {
        "hit_share": Simulation(scenario=_memory, measure=_remembered, can_say=_can_be_told)
    },
}
"""Families about duplicates, by name."""
