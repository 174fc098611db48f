"""Statistics of queues whose answers are known in closed form."""

from __future__ import annotations

import time

import numpy as np
import pytest

from eda_sim.analysis.lag import busy_steps, lag
from eda_sim.analysis.latency import latency
from eda_sim.analysis.little import littles_law
from eda_sim.analysis.recovery import recovery
from eda_sim.analysis.staleness import staleness
from eda_sim.analysis.utilization import utilization
from tests.queues import QUEUE_READS, mm1, single_server
from tests.traces import tables_of


@pytest.fixture(scope="module")
def busy_queue():
    """M/M/1 with arrivals at 0.8 per second and one service per second."""
    trace = mm1(0.8, 1.0, 400_000, seed=11)
    return tables_of(trace, reads=QUEUE_READS, instances=1, concurrency=1, warmup=1000.0)


def test_latency_of_an_mm1_queue(busy_queue):
    took = latency(busy_queue)
    # Time in system is exponential with rate mu - lambda = 0.2 per second.
    mean = took.mean(confidence=0.99).iloc[0]
    assert mean["low"] < 5.0 < mean["high"]
    table = took.quantile([0.5, 0.9, 0.99], confidence=0.999).set_index("quantile")
    for probability, row in table.iterrows():
        assert row["low"] < -5.0 * np.log(1 - probability) < row["high"]


def test_staleness_of_an_mm1_queue(busy_queue):
    times = np.random.default_rng(5).uniform(1000.0, busy_queue.ended_at, 200_000)
    age = staleness(busy_queue, times=times)["staleness_s"].to_numpy()
    # The oldest event not yet applied is the one in service: its age is its time in system so far.
    assert age.mean() == pytest.approx(4.0, rel=0.03)
    assert (age > 5.0).mean() == pytest.approx(0.29430355293715393, rel=0.04)


def test_utilization_and_little_of_an_mm1_queue(busy_queue):
    assert utilization(busy_queue)["utilization"].iloc[0] == pytest.approx(0.8, rel=0.01)
    table = littles_law(busy_queue).set_index("station")
    assert table.loc["system", "number"] == pytest.approx(4.0, rel=0.05)
    assert table.loc["service", "number"] == pytest.approx(0.8, rel=0.01)
    assert table["rate_times_time"].to_numpy() == pytest.approx(table["number"].to_numpy())


def test_a_backlog_drains_at_the_spare_capacity():
    # D/D/1 at 80 per second with capacity for 100, away for 60 s: 4,800 wait, 240 s to drain.
    created = np.arange(1, 40_000) * 12_500_000
    service = np.full(created.size, 10_000_000)
    trace = single_server(created, service, down=(100_000_000_000, 160_000_000_000))
    tables = tables_of(trace, reads=QUEUE_READS, instances=1, concurrency=1)
    (row,) = recovery(tables).to_dict("records")
    assert row["peak"] == pytest.approx(4800, abs=1)
    assert row["recovery_s"] == pytest.approx(240.0, abs=0.1)
    behind = lag(tables, times=[160.0]).iloc[0]
    assert behind["messages"] == pytest.approx(4800, abs=1)
    assert behind["seconds"] == pytest.approx(60.0, abs=0.02)


def test_time_in_which_an_instance_is_down_is_not_idle_time():
    created = np.arange(1, 4001) * 12_500_000
    service = np.full(created.size, 10_000_000)
    trace = single_server(
        created, service, down=(10_000_000_000, 20_000_000_000), ended_at_ns=50_000_000_000
    )
    tables = tables_of(trace, reads=QUEUE_READS, instances=1, concurrency=1)
    row = utilization(tables).iloc[0]
    assert row["up_s"] == pytest.approx(40.0)
    assert row["utilization"] == pytest.approx(row["busy_s"] / 40.0)


def test_the_busy_step_function_never_exceeds_one_worker(busy_queue):
    busy = busy_steps(busy_queue, "server")["busy"]
    assert set(busy) == {0, 1}


def test_quantiles_of_a_million_deliveries_take_less_than_a_blink():
    trace = mm1(0.8, 1.0, 1_000_000, seed=3)
    tables = tables_of(trace, reads=QUEUE_READS, instances=1, concurrency=1)
    latency(tables).quantile()
    spent = []
    for _ in range(3):
        begin = time.perf_counter()
        latency(tables).quantile([0.5, 0.9, 0.99, 0.999])
        spent.append(time.perf_counter() - begin)
    # 0.2 s on an idle machine; the best of three, and room for a busy one.
    assert min(spent) < 0.6
