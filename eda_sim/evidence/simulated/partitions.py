"""Keys: how unequal they are, and what that makes of partitions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from eda_sim.analysis.estimates import Estimate
from eda_sim.evidence.families import Simulation
from eda_sim.evidence.records import Params, Record
from eda_sim.evidence.simulated.building import (
    CHANNEL,
    CLIENTS,
    SERVER,
    exponential,
    poisson,
    seeded,
    steady,
)
from eda_sim.evidence.simulated.measuring import Values, is_counted, to_seconds, window_of
from eda_sim.evidence.simulated.trials import Share, share_of_trials
from eda_sim.spec import Scenario

if TYPE_CHECKING:
    from eda_sim.simulation import Run

MESSAGES = 40_000
MANY_KEYS = 1_000_000
"""Of which hardly one is drawn twice."""


def _keys(params: Params) -> str:
    return f"zipf(s={params['exponent']}, n={params['keys']})"


def _messages_with_keys(params: Params) -> Scenario:
    return steady(
        "keys",
        duration=float(MESSAGES),
        producers={CLIENTS: {"to": CHANNEL, "arrivals": poisson(1.0), "key": _keys(params)}},
        channels={CHANNEL: {}},
        consumers={},
    )


def _share_of_first_key(run: Run, _: Record) -> float:
    return Share.among(run.trace.messages["key"][is_counted(run)] == 0)


def _partitioned(params: Params) -> Scenario:
    """Return a consumer with one instance for each partition, as a group has at most."""
    rate, partitions = params["arrival_rate"], params["partitions"]
    return steady(
        "hottest-partition",
        duration=MESSAGES / rate,
        producers={CLIENTS: {"to": CHANNEL, "arrivals": poisson(rate), "key": _keys(params)}},
        channels={CHANNEL: {"partitions": partitions}},
        consumers={
            SERVER: {
                "reads": CHANNEL,
                "instances": partitions,
                "service": exponential(params["service_rate"]),
                "subscription": {"lease_scope": "partition"},
            }
        },
    )


def _utilizations(run: Run) -> Values:
    """Return the work per second that the messages of the window brought to each partition."""
    deliveries, messages, (start, end) = run.trace.deliveries, run.trace.messages, window_of(run)
    ids = deliveries["message_id"]
    work = to_seconds(deliveries["finished_at"]) - to_seconds(deliveries["started_at"])
    mine = is_counted(run)[ids] & ~np.isnan(work)
    partitions = run.scenario.channels[CHANNEL].partitions
    partition = messages["partition"][ids[mine]]
    sums = np.bincount(partition, weights=work[mine], minlength=partitions)
    return np.asarray(sums / (end - start))


def _hottest(run: Run, _: Record) -> float:
    messages = run.trace.messages
    return float(np.bincount(messages["partition"][is_counted(run)]).argmax())


def _what_most_runs_say(values: Sequence[float], _: Record) -> Estimate:
    ((value, _times),) = Counter(values).most_common(1)
    return Estimate(value, value, value)


def _random_keys(params: Params) -> Scenario:
    draws = params["draws"]
    return seeded(
        {
            "name": "occupied-partitions",
            "messages": draws * max(1, MESSAGES // draws),
            "producers": {
                CLIENTS: {
                    "to": CHANNEL,
                    "arrivals": poisson(1.0),
                    "key": f"uniform(n={MANY_KEYS})",
                }
            },
            "channels": {CHANNEL: {"partitions": params["categories"]}},
        }
    )


def _occupied(run: Run, record: Record) -> float:
    """Return how many partitions have got something after so many messages, again and again."""
    draws, count = record.params["draws"], record.params["categories"]
    rows = run.trace.messages["partition"].reshape(-1, draws)
    place = rows + count * np.arange(len(rows))[:, None]
    return np.unique(place).size / len(rows)


def _named(params: Params) -> Scenario:
    """Return a producer whose messages all have one key."""
    return seeded(
        {
            "name": "partition-of-key",
            "messages": 10,
            "producers": {
                CLIENTS: {
                    "to": CHANNEL,
                    "rate": "1/s",
                    "key": {"type": "trace", "keys": [params["key"]]},
                }
            },
            "channels": {CHANNEL: {"partitions": params["partitions"], "partitioner": "murmur2"}},
        }
    )


def _partition(run: Run, _: Record) -> float:
    (partition,) = set(run.trace.messages["partition"].tolist())
    return float(partition)


SIMULATED = {
    "zipf": {
        "largest_share": Simulation(
            scenario=_messages_with_keys, measure=_share_of_first_key, estimate=share_of_trials
        ),
        "hottest_utilization": Simulation(
            scenario=_partitioned, measure=lambda run, _: float(_utilizations(run).max())
        ),
        "hottest_partition": Simulation(
            scenario=_partitioned, measure=_hottest, estimate=_what_most_runs_say
        ),
    },
    # Nothing in it is drawn.
    "murmur2": {
        "partition": Simulation(scenario=_named, measure=_partition, replications=2),
    },
    "occupancy": {"occupied_partitions": Simulation(scenario=_random_keys, measure=_occupied)},
}
"""Families about keys and partitions, by name."""
