"""Statistics of queues whose answers are known in closed form."""

from __future__ import annotations

import time

import numpy as np
import pytest

from eda_sim.analysis.guarantee import guarantee
from eda_sim.analysis.lag import busy_steps, lag, queue_length
from eda_sim.analysis.latency import latency
from eda_sim.analysis.little import littles_law
from eda_sim.analysis.recovery import recovery
from eda_sim.analysis.staleness import staleness
from eda_sim.analysis.summary import publishing, summary
from eda_sim.analysis.tables import describe_columns
from eda_sim.analysis.throughput import throughput
from eda_sim.analysis.utilization import utilization
from eda_sim.engine.trace import Names
from tests.queues import QUEUE_READS, mm1, single_server
from tests.traces import make_trace, tables_of

WITHOUT_CONSUMERS = Names(sources=("clients",), channels=("events",), consumers=())


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


def test_a_scenario_without_consumers_has_empty_statistics():
    trace = make_trace(
        {"messages": [{"created_at": 1, "status": 3}]}, ended_at_ns=10, names=WITHOUT_CONSUMERS
    )
    tables = tables_of(trace, reads={})
    took = latency(tables)
    for table in (
        took.table,
        took.quantile(),
        took.mean(),
        took.ecdf(),
        took.over_time(),
        lag(tables),
        queue_length(tables),
        littles_law(tables),
        recovery(tables),
        staleness(tables),
        summary(tables),
        throughput(tables),
        utilization(tables),
        guarantee(tables),
    ):
        assert len(table) == 0
        assert "consumer" in table or "target" in table
    assert publishing(tables)["messages"].tolist() == [1]


def test_a_run_without_messages_has_rows_and_no_numbers():
    tables = tables_of(make_trace({}, ended_at_ns=1_000_000_000))
    table = summary(tables)
    assert table["messages"].tolist() == [0, 0]
    assert table["latency_p99_s"].isna().all()
    assert len(publishing(tables)) == 0
    assert latency(tables).ecdf().empty
    assert (lag(tables)["messages"] == 0).all()
    assert (throughput(tables)["created_per_s"] == 0).all()


def test_columns_are_described_and_the_descriptions_are_true():
    tables = tables_of(make_trace({}, ended_at_ns=1))
    described = describe_columns()
    for name, group in described.groupby("table"):
        frame = getattr(tables, name)
        assert list(frame.columns) == group["column"].tolist()
        for row in group.itertuples():
            kind = frame[row.column].dtype
            assert (kind == "category") == (row.unit == "name")
            assert (kind == np.float64) == (row.unit == "s")
    with pytest.raises(KeyError, match="no table"):
        describe_columns("nothing")


def test_an_unknown_consumer_is_named_with_those_there_are():
    tables = tables_of(make_trace({}, ended_at_ns=1))
    with pytest.raises(KeyError, match="no consumer 'biling'; there are billing, audit"):
        latency(tables, consumer="biling")
