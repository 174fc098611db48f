"""Workers: how many there were, who found one free, and what a scenario leaves out."""

import numpy as np
import pandas as pd
import pytest

import eda_sim as es
from eda_sim.fitting.logs import read_log
from eda_sim.fitting.workers import find_workers
from tests.fitting.worlds import log_of, world


def run(scenario, messages=20_000):
    return es.run(scenario.replace({"messages": messages}), seed=4, engine="compiled")


def workers_of(scenario, **columns):
    return find_workers(read_log(log_of(run(scenario)).assign(**columns)))


@pytest.mark.parametrize("instances", [1, 3, 7])
def test_as_many_workers_as_there_were(instances):
    busy = workers_of(
        world(f"poisson(rate={70 * instances}/s)", "exponential(10ms)", instances=instances)
    )
    assert (busy.number, busy.instances, busy.concurrency) == (instances, instances, 1)
    assert busy.utilization == pytest.approx(0.7, rel=0.05)
    assert busy.remarks() == []


def test_waiting_agrees_with_the_run_row_by_row():
    original = world("poisson(rate=120/s)", "exponential(10ms)", instances=2, link="3ms")
    log = read_log(log_of(run(original)))
    found = find_workers(log)
    # The true wait is what is beyond the 3 ms of the link.
    waited = log.started - log.created > 0.003 + 5e-10
    assert (found.found_one_free & waited).sum() == 0
    # A worker that was taken between creation and arrival and free again: seen as busy.
    assert (~found.found_one_free & ~waited).mean() < 0.2
    assert found.free_ways == pytest.approx(np.full(found.free_ways.size, 0.003), abs=1e-9)


def test_instances_that_the_log_names_are_kept():
    original = world("poisson(rate=300/s)", "exponential(10ms)", instances=2)
    happened = run(original.replace({"consumers.workers.concurrency": 2}))
    log = log_of(happened).assign(
        instance=happened.deliveries["instance"].map(lambda number: f"pod-{number}")
    )
    fit = es.fit(log, resamples=0)
    consumer = fit.scenario.consumers["workers"]
    assert (consumer.instances, consumer.concurrency) == (2, 2)
    assert fit.workers.most_busy == 4


def test_too_few_messages_to_know_the_workers_is_a_remark():
    busy = workers_of(world("poisson(rate=1/s)", "1ms", instances=4))
    assert busy.number < 4
    assert any("there may have been more" in remark for remark in busy.remarks())


def test_pauses_between_messages_are_a_remark():
    log = log_of(run(world("poisson(rate=60/s)", "exponential(10ms)")))
    paused = log.assign(finished_at=log["started_at"] + 0.9 * (log.finished_at - log.started_at))
    said = find_workers(read_log(paused)).remarks()
    assert any("pause" in remark for remark in said)


def test_services_that_take_longer_under_load_are_a_remark():
    rng = np.random.default_rng(1)
    created = np.cumsum(rng.exponential(1.0, size=3_000))
    service = np.full(3_000, 0.5)
    for i in range(1, 3_000):
        service[i] = 0.5 + 0.5 * (created[:i] + service[:i] > created[i])[-20:].sum()
    frame = pd.DataFrame({"created": created, "started": created, "finished": created + service})
    assert any("longer while more" in remark for remark in find_workers(read_log(frame)).remarks())


def test_services_that_follow_each_other_are_a_remark():
    log = log_of(run(world("poisson(rate=60/s)", "exponential(10ms)"), 5_000))
    quiet = es.fit(log, resamples=0)
    assert not any("in a row" in remark for remark in quiet.remarks)
    lasting = np.repeat(np.random.default_rng(1).exponential(0.01, size=500), 10)
    start = np.cumsum(lasting + 0.001)
    log = pd.DataFrame({"created": start, "started": start, "finished": start + lasting})
    assert any("in a row are related" in remark for remark in es.fit(log, resamples=0).remarks)


def test_an_interval_without_length_is_no_second_worker():
    moments = np.arange(20.0)
    frame = pd.DataFrame({"created": moments, "started": moments, "finished": moments})
    assert find_workers(read_log(frame)).most_busy == 1
    with pytest.raises(es.FitError, match="every message finished when it started"):
        es.fit(frame)
