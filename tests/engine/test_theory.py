"""Queues whose steady state theory knows: 20 replications each, within their 99 % interval.

Seeds are fixed, so a test that passes once passes always. ``agree`` also asks that the interval is
narrow enough to mean something. Sizes are chosen so that the file needs about half a minute.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from eda_sim import theory
from eda_sim.analysis.little import littles_law
from eda_sim.analysis.tables import to_tables
from eda_sim.engine.execute import execute
from eda_sim.engine.partitioners import partition_table
from eda_sim.engine.trace import Trace
from eda_sim.spec import Scenario
from eda_sim.theory import SteadyState
from tests.engine.worlds import SECOND, deliveries, messages, world

REPLICATIONS = 20
CONFIDENCE = 0.99
WARMUP_S = 200
DURATION_S = 8_000


def queue(rate: float, service: str, **consumer: object) -> Scenario:
    return world(
        seed=20_260_101,
        duration=DURATION_S,
        warmup=WARMUP_S,
        sample_every=DURATION_S,
        producer={"rate": rate},
        consumer={"service": service, **consumer},
    )


class Seen(NamedTuple):
    """Means of one replication, after the warm-up."""

    wait: float
    sojourn: float
    utilization: float
    number: float


def inside(start: pd.Series, end: pd.Series, until: int) -> float:
    """Seconds of the intervals that lie between warm-up and the end, added up."""
    open_ended = end.where(end >= 0, until).clip(upper=until)
    return float((open_ended - start.clip(lower=WARMUP_S * SECOND)).clip(lower=0).sum()) / SECOND


def seen(trace: Trace, workers: int, consumer: str = "server") -> Seen:
    rows = deliveries(trace, consumer)
    created = messages(trace)["created_at"].to_numpy()[rows["message_id"]]
    rows = rows.assign(created_at=created)
    # Every message is handed over once here; those that never were are at most the last few.
    done = rows[(rows["created_at"] >= WARMUP_S * SECOND) & (rows["finished_at"] >= 0)]
    window = trace.ended_at_ns / SECOND - WARMUP_S
    started = rows[rows["started_at"] >= 0]
    return Seen(
        wait=(done["started_at"] - done["created_at"]).mean() / SECOND,
        sojourn=(done["finished_at"] - done["created_at"]).mean() / SECOND,
        utilization=inside(started["started_at"], started["finished_at"], trace.ended_at_ns)
        / window
        / workers,
        number=inside(rows["created_at"], rows["finished_at"], trace.ended_at_ns) / window,
    )


def agree(values: Sequence[float], expected: float, *, half_width: float) -> None:
    """Assert that the 99 % interval covers what is expected, and is not too wide to tell."""
    margin = stats.t.ppf((1 + CONFIDENCE) / 2, len(values) - 1) * stats.sem(values)
    assert margin < half_width * expected, "too few messages to tell"
    assert np.mean(values) == pytest.approx(expected, abs=margin)


@cache
def replications(model: str) -> tuple[list[Seen], SteadyState]:
    scenario, workers, expected = MODELS[model]
    traces = (execute(scenario, replication=number) for number in range(REPLICATIONS))
    return [seen(trace, workers) for trace in traces], expected


HYPEREXPONENTIAL = "hyperexponential(means=[0.5, 5], probabilities=[0.9, 0.1])"
MODELS = {
    "M/M/1": (
        queue(0.6, "exponential(1s)"),
        1,
        theory.mm1(arrival_rate=0.6, service_rate=1),
    ),
    "M/M/4": (
        queue(0.8, "exponential(4s)", concurrency=4),
        4,
        theory.mmc(arrival_rate=0.8, service_rate=0.25, servers=4),
    ),
    "M/D/1": (
        queue(0.7, "1s"),
        1,
        theory.md1(arrival_rate=0.7, service_time=1),
    ),
    "M/H2/1": (
        queue(0.5, HYPEREXPONENTIAL),
        1,
        # E[S] = 0.95, E[S^2] = 0.9 * 2 * 0.25 + 0.1 * 2 * 25
        theory.mg1(arrival_rate=0.5, mean_service=0.95, service_scv=5.45 / 0.95**2 - 1),
    ),
}
WAIT_HALF_WIDTH = 0.12
"""Relative; waits vary most, and most of all where service does."""


@pytest.mark.parametrize("model", MODELS)
def test_mean_wait_and_sojourn(model):
    measured, expected = replications(model)
    half_width = 0.15 if model == "M/H2/1" else WAIT_HALF_WIDTH
    agree([run.wait for run in measured], expected.mean_wait, half_width=half_width)
    agree([run.sojourn for run in measured], expected.mean_sojourn, half_width=half_width)


@pytest.mark.parametrize("model", MODELS)
def test_utilization_and_mean_number(model):
    measured, expected = replications(model)
    agree([run.utilization for run in measured], expected.utilization, half_width=0.04)
    agree([run.number for run in measured], expected.mean_number, half_width=0.15)


def test_instances_and_workers_make_one_pool():
    # Four instances with a worker each and one instance with four are the same queue, to the bit.
    one, _ = replications("M/M/4")
    four = execute(queue(0.8, "exponential(4s)", instances=4))
    assert seen(four, 4) == one[0]
    assert set(deliveries(four)["instance"]) == {0, 1, 2, 3}


def test_two_stage_tandem():
    scenario = Scenario.model_validate(
        {
            "name": "tandem",
            "seed": 5,
            "duration": DURATION_S,
            "warmup": WARMUP_S,
            "sample_every": DURATION_S,
            "producers": {"source": {"to": "first", "rate": 0.6}},
            "channels": {"first": {}, "second": {}},
            "consumers": {
                "front": {"reads": "first", "service": "exponential(1s)", "emits": "second"},
                "back": {"reads": "second", "service": f"exponential({1 / 1.2}s)"},
            },
        }
    )
    # tandem.1-1.2.W of the oracles: Burke 1956, Jackson 1957
    expected = theory.tandem(arrival_rate=0.6, service_rates=[1, 1.2])
    assert expected.mean_sojourn == pytest.approx(4.166666666666667)
    end_to_end, front, back = [], [], []
    for number in range(REPLICATIONS):
        trace = execute(scenario, replication=number)
        table = messages(trace)
        rows = deliveries(trace, "back")
        rows = rows[rows["finished_at"] >= 0]
        root = table["correlation_id"].to_numpy()[rows["message_id"]]
        created = table["created_at"].to_numpy()[root]
        late = created >= WARMUP_S * SECOND
        end_to_end.append((rows["finished_at"] - created)[late].mean() / SECOND)
        front.append(seen(trace, 1, "front"))
        back.append(seen(trace, 1, "back"))
    agree(end_to_end, expected.mean_sojourn, half_width=0.06)
    for stage, rate in ((front, 1.0), (back, 1.2)):
        alone = theory.mm1(arrival_rate=0.6, service_rate=rate)
        agree([run.sojourn for run in stage], alone.mean_sojourn, half_width=WAIT_HALF_WIDTH)
        agree([run.utilization for run in stage], alone.utilization, half_width=0.02)


def test_partitions_are_independent_queues():
    # Keys split a Poisson stream into independent ones, each served by the owner of its partition.
    keys, partitions, rate = 50, 3, 1.8
    scenario = world(
        seed=2,
        duration=DURATION_S / 2,
        warmup=WARMUP_S,
        sample_every=DURATION_S,
        producer={"rate": rate, "key": f"uniform(n={keys})"},
        channel={"partitions": partitions},
        consumer={
            "service": "exponential(1s)",
            "instances": partitions,
            "subscription": {"lease_scope": "partition"},
        },
    )
    shares = np.bincount(partition_table("murmur2", keys, partitions)) / keys
    assert len(set(shares)) > 1  # the loads differ, so mixing two partitions up would show
    waits: list[list[float]] = [[] for _ in range(partitions)]
    for number in range(REPLICATIONS):
        trace = execute(scenario, replication=number)
        table = messages(trace)
        rows = deliveries(trace)
        rows = rows[rows["started_at"] >= 0]
        created = table["created_at"].to_numpy()[rows["message_id"]]
        where = table["partition"].to_numpy()[rows["message_id"]]
        for partition, values in enumerate(waits):
            chosen = (created >= WARMUP_S * SECOND) & (where == partition)
            values.append((rows["started_at"] - created)[chosen].mean() / SECOND)
    for share, values in zip(shares, waits, strict=True):
        expected = theory.mm1(arrival_rate=rate * share, service_rate=1)
        agree(values, expected.mean_wait, half_width=0.15)


def test_dealt_in_turn_partitions_see_regular_arrivals():
    # Every second arrival of a Poisson stream comes after an Erlang-2 interval: E2/M/1 queues.
    scenario = world(
        seed=12,
        duration=DURATION_S / 2,
        warmup=WARMUP_S,
        sample_every=DURATION_S,
        producer={"rate": 1.4},
        channel={"partitions": 2},
        consumer={
            "service": "exponential(1s)",
            "concurrency": 2,
            "subscription": {"lease_scope": "partition"},
        },
    )
    expected = theory.gim1(
        arrival_rate=0.7,
        service_rate=1,
        transform=theory.erlang_transform(mean=1 / 0.7, stages=2),
    )
    measured = [
        seen(execute(scenario, replication=number), 2).wait for number in range(REPLICATIONS)
    ]
    agree(measured, expected.mean_wait, half_width=WAIT_HALF_WIDTH)


@pytest.mark.rule("L5")
@pytest.mark.parametrize("model", ["M/M/1", "M/M/4"])
def test_littles_law_to_the_last_digit(model):
    scenario, _, _ = MODELS[model]
    table = littles_law(to_tables(execute(scenario), scenario))
    assert len(table) == 3
    assert (table["number"] > 0).all()
    np.testing.assert_allclose(table["rate_times_time"], table["number"], rtol=1e-9)


def test_an_empty_start_shows():
    # transient.first25.1 of the oracles: mean of the average wait of the first 25 customers of an
    # empty M/M/1 with arrival rate 1 and service rate 10/9 (Heathcote & Winer 1969; Law & Kelton).
    scenario = world(
        seed=3,
        messages=25,
        drain=True,
        producer={"rate": 1},
        consumer={"service": "exponential(0.9s)"},
    )
    averages = []
    for number in range(800):
        rows = deliveries(execute(scenario, replication=number))
        averages.append((rows["started_at"] - rows["available_at"]).mean() / SECOND)
    agree(averages, 2.1244893465319628, half_width=WAIT_HALF_WIDTH)
