"""A sweep that is killed, or loses a worker, ends with the same table."""

import contextlib
import os
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest

import eda_sim as es
from eda_sim.experiments import running

PATIENCE_S = 60
SWEEP = {
    "points": {"producers.clients.rate": ["2/s", "4/s", "6/s"]},
    "replications": 4,
    "metrics": ["latency.p99", "throughput"],
}
QUICK = es.load("mm1").replace({"duration": "20s", "warmup": "0s"})

SLOW_SWEEP = """
import sys, time
import eda_sim as es
from eda_sim.experiments import running

def slowly(scenario, **options):
    time.sleep(0.3)
    return es.run(scenario, **options)

running.run = slowly
quick = es.load("mm1").replace({"duration": "20s", "warmup": "0s"})
es.sweep(
    quick,
    {"producers.clients.rate": ["2/s", "4/s", "6/s"]},
    replications=4,
    metrics=["latency.p99", "throughput"],
    store=sys.argv[1],
    executor=1,
)
"""


@pytest.mark.slow
def test_a_sweep_that_was_killed_goes_on_where_it_was(tmp_path, monkeypatch):
    store = tmp_path / "store"
    process = subprocess.Popen([sys.executable, "-c", SLOW_SWEEP, str(store)])
    try:
        deadline = time.monotonic() + PATIENCE_S
        while len(list(store.glob("*.json"))) < 3:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.kill()
        assert process.wait(PATIENCE_S) == -signal.SIGKILL
    finally:
        process.kill()
        process.wait()
    kept = {path: path.stat().st_mtime_ns for path in store.glob("*.json")}
    assert 3 <= len(kept) < 12
    made = []

    def counted(scenario, **options):
        made.append(options["replication"])
        return es.run(scenario, **options)

    whole = es.sweep(QUICK, **SWEEP, executor=1)
    monkeypatch.setattr(running, "run", counted)
    resumed = es.sweep(QUICK, **SWEEP, executor=1, store=store)
    pd.testing.assert_frame_equal(resumed, whole)
    assert len(made) == 12 - len(kept)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # those of the cluster's own threads and sockets
def test_a_cluster_that_loses_a_worker_in_the_middle_makes_the_same_table(tmp_path):
    distributed = pytest.importorskip("distributed")
    with contextlib.ExitStack() as stack:
        cluster = distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, local_directory=tmp_path
        )
        stack.enter_context(cluster)
        client = stack.enter_context(distributed.Client(cluster))
        victim = client.run(os.getpid)
        killed = []

        def kill_one(share):
            if share > 0 and not killed:
                killed.append(next(iter(victim.values())))
                os.kill(killed[0], signal.SIGKILL)

        table = es.sweep(QUICK, **SWEEP, executor=client, progress=kill_one)
        client.wait_for_workers(2, timeout=PATIENCE_S)
        assert killed[0] not in client.run(os.getpid).values()
    pd.testing.assert_frame_equal(table, es.sweep(QUICK, **SWEEP, executor=1))
