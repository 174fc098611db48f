"""Networks of queues with feedback: what comes back is what Jackson (1957) says, on both engines.

Twenty replications each, within their 99 % interval; every run is made by both engines, which have
to agree to the last bit (``tests/lawful.py``).
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from eda_sim import theory
from eda_sim.engine.execute import execute
from eda_sim.engine.trace import Trace
from eda_sim.spec import Scenario
from tests.engine.test_theory import REPLICATIONS, SECOND, WARMUP_S, agree, seen
from tests.engine.worlds import messages

DURATION_S = 6_000

NETWORKS = {
    "feedback": {"arrival_rates": [0.3], "routing": [[0.5]], "mean_services": [1.0]},
    "three stations": {
        "arrival_rates": [0.2, 0.1, 0.0],
        "routing": [[0.1, 0.5, 0.3], [0.4, 0.0, 0.2], [0.3, 0.1, 0.2]],
        "mean_services": [0.7, 0.9, 0.8],
    },
}


def scenario(name: str) -> Scenario:
    network = NETWORKS[name]
    stations = [f"station-{number}" for number in range(len(network["mean_services"]))]
    return Scenario.model_validate(
        {
            "name": "network",
            "seed": 11,
            "duration": DURATION_S,
            "warmup": WARMUP_S,
            "sample_every": DURATION_S,
            "producers": {
                f"to-{station}": {"to": station, "rate": rate}
                for station, rate in zip(stations, network["arrival_rates"], strict=True)
                if rate
            },
            "channels": {station: {} for station in stations},
            "consumers": {
                station: {
                    "reads": station,
                    "service": f"exponential({mean}s)",
                    "emits": [
                        {"to": to, "probability": share, "choice": "way"}
                        for to, share in zip(stations, row, strict=True)
                        if share
                    ],
                }
                for station, mean, row in zip(
                    stations, network["mean_services"], network["routing"], strict=True
                )
            },
        }
    )


def mean_time(trace: Trace) -> float:
    """Return the mean time from the entry of an order to the end of its last visit."""
    table, rows = messages(trace), trace.deliveries
    roots = table["correlation_id"].to_numpy()
    last = np.full(len(table), -1)
    np.maximum.at(last, roots[rows["message_id"]], rows["finished_at"])
    going = np.zeros(len(table), dtype=bool)
    going[roots[rows["message_id"][rows["finished_at"] < 0]]] = True
    waiting = np.setdiff1d(np.arange(len(table)), rows["message_id"])
    going[roots[waiting]] = True
    created = table["created_at"].to_numpy()
    begins = (table["causation_id"].to_numpy() < 0) & (created >= WARMUP_S * SECOND)
    # Orders that come late may still be on their way: the last of them are left out, done or not.
    chosen = begins & (created < (DURATION_S - WARMUP_S) * SECOND)
    assert going[chosen].mean() < 0.01
    done = chosen & ~going
    return float((last - created)[done].mean() / SECOND)


@cache
def replications(name: str) -> list[tuple[Trace, float]]:
    traces = (execute(scenario(name), replication=number) for number in range(REPLICATIONS))
    return [(trace, mean_time(trace)) for trace in traces]


@pytest.mark.rule("H27")
@pytest.mark.parametrize("name", NETWORKS)
def test_the_time_in_a_network_with_feedback(name):
    expected = theory.jackson(**NETWORKS[name])
    agree([time for _, time in replications(name)], expected.mean_time, half_width=0.1)


@pytest.mark.rule("H27")
@pytest.mark.parametrize("name", NETWORKS)
def test_stations_are_as_if_each_were_alone(name):
    expected = theory.jackson(**NETWORKS[name])
    for number, station in enumerate(expected.stations):
        runs = [seen(trace, 1, f"station-{number}") for trace, _ in replications(name)]
        agree([run.utilization for run in runs], station.utilization, half_width=0.03)
        agree([run.sojourn for run in runs], station.mean_sojourn, half_width=0.12)
        agree([run.number for run in runs], station.mean_number, half_width=0.12)


def test_feedback_is_an_exponential_server_that_is_slower_by_those_that_come_back():
    # J. R. Jackson (1957): in the mean, 1 / (mu * (1 - p) - lambda).
    assert theory.jackson(**NETWORKS["feedback"]).mean_time == pytest.approx(1 / (0.5 - 0.3))
