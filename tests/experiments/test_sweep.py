"""Sweeps: every point is run, in any way, with the same table; failures lose nothing."""

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest

import eda_sim as es
from eda_sim.experiments import executors, running
from eda_sim.experiments.store import Store, scenario_hash
from eda_sim.theory import mm1

QUICK = es.load("mm1").replace({"duration": "20s", "warmup": "0s"})
GRID = {"producers.clients.rate": ["2/s", "4/s"], "consumers.worker.instances": [1, 2]}
OPTIONS = {"replications": 2, "executor": 1, "metrics": ["latency.p99", "guarantee.lost"]}


@pytest.fixture
def made(monkeypatch):
    """The runs that are made, as (seed, replication)."""
    runs = []

    def counted(scenario, **options):
        runs.append((options["seed"], options["replication"]))
        return es.run(scenario, **options)

    monkeypatch.setattr(running, "run", counted)
    return runs


@pytest.fixture(scope="module")
def table():
    return es.sweep(QUICK, GRID, **OPTIONS)


def test_a_grid_is_every_combination_and_a_row_per_metric(table):
    assert list(table.columns) == [
        *("point", *GRID, "metric", "consumer", "mean", "low", "high", "n", "error"),
    ]
    points = table.drop_duplicates("point")[list(GRID)].to_numpy().tolist()
    assert points == [["2/s", 1], ["2/s", 2], ["4/s", 1], ["4/s", 2]]
    assert set(table["n"]) == {2}
    assert table["error"].isna().all()


def test_a_row_is_what_single_runs_say(table):
    rows = table.set_index(["point", "metric"])
    variant = QUICK.replace({"producers.clients.rate": "4/s"})
    runs = [es.run(variant, replication=number) for number in (0, 1)]
    values = [run.summary()["latency_p99_s"].iloc[0] for run in runs]
    assert rows.loc[(2, "latency.p99"), "mean"] == np.mean(values)
    half = 12.706204736 * abs(values[1] - values[0]) / 2  # Student's t, 1 degree of freedom
    assert rows.loc[(2, "latency.p99"), "high"] == pytest.approx(np.mean(values) + half)
    assert rows.loc[(2, "guarantee.lost"), "mean"] == 0


def test_a_list_of_changes_and_the_table_of_runs(table):
    changes = [{"producers.clients.rate": "2/s"}, {"consumers.worker.instances": np.int64(2)}]
    runs = es.sweep(QUICK, changes, **OPTIONS, runs=True)
    assert runs["replication"].tolist() == [0, 0, 1, 1] * 2
    assert runs["producers.clients.rate"].isna().tolist() == [False] * 4 + [True] * 4
    short = es.summarize(runs)
    same = table.loc[table["point"] == 0, "mean"].tolist()
    assert short.loc[short["point"] == 0, "mean"].tolist() == same


def test_points_share_their_random_numbers():
    runs = es.sweep(
        QUICK, {"consumers.worker.instances": [8, 9]}, **{**OPTIONS, "seed": 5}, runs=True
    )
    assert set(runs["seed"]) == {5}
    one, other = (own["value"].tolist() for _, own in runs.groupby("point"))
    assert one == other  # the ninth worker of an idle system changes nothing


def test_metrics_are_of_every_consumer_unless_one_is_named():
    scenario = es.load("fan_out").replace({"duration": "5s", "warmup": "0s"})
    options = {"replications": 1, "executor": 1}
    table = es.sweep(scenario, [{}], metrics="throughput", **options)
    assert table["consumer"].tolist() == list(scenario.consumers)
    assert table["low"].isna().all()
    last = list(scenario.consumers)[-1]
    one = es.sweep(scenario, [{}], metrics=f"throughput@{last}", **options)
    assert one["mean"].tolist() == table["mean"].tolist()[-1:]


def test_mean_waits_agree_with_theory():
    rates = [3.0, 5.0, 7.0]
    scenario = QUICK.replace({"duration": "100s", "warmup": "10s"})
    table = es.sweep(
        scenario,
        {"producers.clients.rate": rates},
        replications=6,
        metrics="waiting.mean",
        executor=1,
        confidence=0.999,
    )
    truth = [mm1(arrival_rate=rate, service_rate=10).mean_wait for rate in rates]
    assert ((table["low"] <= truth) & (truth <= table["high"])).all()


def test_other_executors_make_the_same_table(table):
    with ThreadPoolExecutor(2) as pool:
        threads = es.sweep(QUICK, GRID, **{**OPTIONS, "executor": pool})
    pd.testing.assert_frame_equal(threads, table)
    pd.testing.assert_frame_equal(es.sweep(QUICK, GRID, **{**OPTIONS, "executor": None}), table)


@pytest.mark.parametrize("loaded", [False, True])
def test_threads_and_processes_are_chosen_by_who_holds_the_lock(monkeypatch, table, loaded):
    backends = []
    by_joblib = executors._by_joblib

    def noted(*arguments, backend):
        backends.append(backend)
        return by_joblib(*arguments, backend="threading")

    monkeypatch.setattr(executors, "_by_joblib", noted)
    monkeypatch.setattr(executors, "kernel_is_loaded", lambda: loaded)
    pd.testing.assert_frame_equal(es.sweep(QUICK, GRID, **{**OPTIONS, "executor": 2}), table)
    assert backends == ["threading" if loaded else "loky"]
    es.sweep(QUICK, GRID, **{**OPTIONS, "executor": None})
    assert backends[1:] == (["threading"] if loaded else [])  # too short for processes


def test_long_sweeps_are_made_by_processes_whoever_holds_the_lock(monkeypatch, table):
    backends = []
    by_joblib = executors._by_joblib

    def noted(*arguments, backend):
        backends.append(backend)
        return by_joblib(*arguments, backend="threading")

    monkeypatch.setattr(executors, "_by_joblib", noted)
    monkeypatch.setattr(executors, "kernel_is_loaded", lambda: True)
    monkeypatch.setattr(executors, "WORTH_STARTING_S", 0.0)
    pd.testing.assert_frame_equal(es.sweep(QUICK, GRID, **{**OPTIONS, "executor": None}), table)
    assert backends == ["loky"]


@pytest.mark.slow
def test_processes_make_the_same_table(monkeypatch, table):
    monkeypatch.setattr(executors, "kernel_is_loaded", lambda: False)
    pd.testing.assert_frame_equal(es.sweep(QUICK, GRID, **{**OPTIONS, "executor": 2}), table)


def test_an_error_in_one_point_is_told_and_loses_nothing(table):
    grid = {**GRID, "consumers.worker.instances": [1, 0]}
    with pytest.raises(es.ExperimentError) as caught:
        es.sweep(QUICK, grid, **OPTIONS)
    text = str(caught.value)
    assert text.startswith("4 of 8 runs failed, at 2 of 4 points: producers.clients.rate=2/s, ")
    assert "consumers.worker.instances=0: " in text
    assert "must be an integer from 1" in text
    assert "\n" not in text
    kept = es.sweep(QUICK, grid, **OPTIONS, errors="keep")
    pd.testing.assert_frame_equal(caught.value.table, kept)
    failed = kept["consumers.worker.instances"] == 0
    assert kept.loc[failed, "mean"].isna().all()
    assert (kept.loc[failed, "n"] == 0).all()
    assert kept.loc[failed, "error"].str.contains("0 is not valid").all()
    whole = table[table["consumers.worker.instances"] == 1]
    assert kept.loc[~failed, "mean"].tolist() == whole["mean"].tolist()


def test_an_error_in_one_run_leaves_the_other_replications(monkeypatch):
    def breaks(scenario, **options):
        if options["replication"] == 1:
            message = "no\nmore"
            raise ZeroDivisionError(message)
        return es.run(scenario, **options)

    monkeypatch.setattr(running, "run", breaks)
    table = es.sweep(QUICK, [{}], **{**OPTIONS, "replications": 3}, errors="keep")
    assert set(table["n"]) == {2}
    assert table["mean"].notna().all()
    assert table["error"].str.startswith("ZeroDivisionError: no").all()
    with pytest.raises(es.ExperimentError, match=r"no changes, replication 1: ZeroDivisionError"):
        es.sweep(QUICK, [{}], **{**OPTIONS, "replications": 3})


def test_a_store_makes_each_run_once(tmp_path, table, made):
    first = es.sweep(QUICK, GRID, **OPTIONS, store=tmp_path / "new" / "store")
    assert len(made) == 8
    again = es.sweep(QUICK, GRID, **OPTIONS, store=tmp_path / "new" / "store")
    assert len(made) == 8
    pd.testing.assert_frame_equal(first, table)
    pd.testing.assert_frame_equal(again, table)
    more = {**OPTIONS, "replications": 3}
    es.sweep(QUICK, GRID, **more, store=tmp_path / "new" / "store")
    assert len(made) == 12
    assert made[8:] == [(QUICK.seed, 2)] * 4


def test_a_damaged_or_missing_file_is_made_anew(tmp_path, table, made):
    es.sweep(QUICK, GRID, **OPTIONS, store=tmp_path)
    files = sorted(tmp_path.iterdir())
    assert len(files) == 8
    files[0].write_text("")
    files[1].write_text('{"values": [1')
    files[2].write_text('{"values": [1]}')
    files[3].unlink()
    pd.testing.assert_frame_equal(es.sweep(QUICK, GRID, **OPTIONS, store=tmp_path), table)
    assert len(made) == 12
    assert sorted(tmp_path.iterdir()) == files


def test_what_decides_a_run_decides_its_name():
    renamed = QUICK.replace({"name": "other", "description": "words"})
    assert scenario_hash(renamed) == scenario_hash(QUICK)
    assert scenario_hash(QUICK.replace({"duration": "21s"})) != scenario_hash(QUICK)


def test_a_store_keeps_every_float(tmp_path):
    values = [0.1 + 0.2, 5e-324, math.inf, -math.inf, 3.0]
    store = Store(tmp_path)
    store.put("a", values, {})
    assert store.get("a") == values


def test_progress_is_told_from_nothing_to_all():
    shares = []
    es.sweep(QUICK, [{}], **OPTIONS, progress=shares.append)
    assert shares == [0, 0.5, 1]


@pytest.mark.parametrize(
    ("points", "options", "line"),
    [
        ({"seed": 3}, {}, "seed: 3 is not valid: must be a list of values"),
        ({"seed": []}, {}, "points: there is none"),
        ([3], {}, "points: entry 0: 3 is not valid: must map paths to values"),
        (7, {}, "points: 7 is not valid: must be a grid or a list of changes"),
        ([{}], {"replications": 0}, "replications: 0 is not valid"),
        ([{}], {"metrics": []}, "metrics: there is none"),
        ([{}], {"metrics": "latency.p99@wroker"}, "did you mean 'worker'"),
        ([{}], {"seed": -1}, "seed: -1 is not valid: must be an integer from 0 to 4294967295"),
        ([{}], {"executor": 0}, "executor: 0 is not valid"),
        ([{}], {"executor": "threads"}, "executor: 'threads' is not valid"),
        ([{}], {"errors": "ignore"}, "errors: 'ignore' is not valid: must be 'raise' or 'keep'"),
        ([{}], {"confidence": 95}, "confidence: 95 is not valid"),
        ({"consumers.worker.instnces": [1, 2]}, {}, "did you mean 'instances'"),
    ],
)
def test_wrong_argument_is_one_line(points, options, line):
    with pytest.raises(ValueError, match=r".") as caught:
        es.sweep(QUICK, points, **options)
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)
