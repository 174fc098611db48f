"""The door: a run is a value that can be asked, kept and found again."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

import eda_sim as es
from eda_sim.analysis import storage
from eda_sim.analysis.storage import RunFolderError
from eda_sim.engine.trace import TABLES

SCENARIO = {
    "name": "shop",
    "seed": 5,
    "duration": "10s",
    "warmup": "1s",
    "sample_every": "500ms",
    "producers": {"web": {"to": "orders", "rate": "60/s", "key": "uniform(n=7)"}},
    "channels": {"orders": {"partitions": 2}, "invoices": {}},
    "consumers": {
        "billing": {
            "reads": "orders",
            "instances": 2,
            "service": "exponential(20ms)",
            "emits": "invoices",
        },
        "mail": {"reads": "invoices", "service": "5ms"},
    },
    "faults": [{"crash": "billing/1", "at": "4s", "lasts": "2s"}],
}


@pytest.fixture(scope="module")
def scenario():
    return es.Scenario.model_validate(SCENARIO)


@pytest.fixture(scope="module")
def run(scenario):
    return es.run(scenario)


def test_equal_seeds_give_equal_runs_and_other_seeds_do_not(scenario, run):
    assert es.run(scenario).digest() == run.digest()
    assert es.run(scenario, seed=5).digest() == run.digest()
    assert es.run(scenario, seed=6).digest() != run.digest()
    assert es.run(scenario, replication=1).digest() != run.digest()
    assert es.run(scenario, seed=6).seed == 6


def test_progress_ends_with_all_done(scenario):
    seen = []
    es.run(scenario, progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


def test_an_unknown_engine_is_refused(scenario):
    with pytest.raises(ValueError, match="engine"):
        es.run(scenario, engine="quantum")


def test_a_run_is_frozen(run):
    with pytest.raises(dataclasses.FrozenInstanceError):
        run.seed = 3


def test_tables_are_made_once(run):
    assert run.messages is run.messages
    assert run.deliveries is run.tables.deliveries


def test_the_tables_tell_one_story(run):
    messages, deliveries = run.messages, run.deliveries
    assert run.ended_at == 10.0
    assert messages["created_at"].is_monotonic_increasing
    assert set(messages["channel"]) == {"orders", "invoices"}
    done = deliveries[deliveries["effect"] == 1]
    born = messages["created_at"].to_numpy()[done["message_id"]]
    assert (done["finished_at"].to_numpy() >= born).all()
    emitted = messages[messages["source"] == "billing"]
    causes = messages.set_index("message_id").loc[emitted["causation_id"]]
    assert (causes["channel"] == "orders").all()
    assert run.faults[["target", "started_at", "ended_at"]].to_numpy().tolist() == [
        ["billing", 4.0, 6.0]
    ]


def test_every_question_has_an_answer_per_consumer(run):
    for table in (
        run.guarantee(),
        run.lag(),
        run.queue_length(),
        run.staleness(),
        run.throughput(),
        run.utilization(),
        run.littles_law(),
        run.summary(),
        run.latency().mean(),
        run.waiting().quantile(),
    ):
        assert list(dict.fromkeys(table["consumer"])) == ["billing", "mail"]
    assert run.latency("mail").consumers == ["mail"]
    assert run.recovery()["recovery_s"].between(0, 4).all()
    assert set(run.publishing()["source"]) == {"web", "billing"}
    edges = set(zip(run.topology()["source"], run.topology()["target"], strict=True))
    assert ("billing", "invoices") in edges
    both = run.waiting().of("billing") + run.service().of("billing")
    assert both == pytest.approx(run.latency().of("billing"))


def test_staleness_and_throughput_take_their_options(run):
    assert run.staleness([5.0], forget_lost=True)["time"].tolist() == [5.0, 5.0]
    assert len(run.throughput(window=5.0)) == 4
    assert set(run.utilization(by="instance")["instance"]) == {0, 1}
    with pytest.raises(ValueError, match="'consumer' or 'instance'"):
        run.utilization(by="worker")
    with pytest.raises(ValueError, match="longer than 0"):
        run.throughput(window=0)


def test_a_saved_run_comes_back_bit_by_bit(run, tmp_path):
    run.save(tmp_path / "deep" / "run")
    loaded = es.Run.load(tmp_path / "deep" / "run")
    assert loaded.digest() == run.digest()
    assert loaded.scenario == run.scenario
    assert (loaded.seed, loaded.replication) == (run.seed, run.replication)
    assert repr(loaded) == repr(run)
    for table in TABLES:
        pd.testing.assert_frame_equal(getattr(loaded, table), getattr(run, table))
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["run"]


def test_the_files_can_be_read_without_this_package(run, tmp_path):
    run.save(tmp_path / "run")
    file = pq.read_table(tmp_path / "run" / "deliveries.parquet")
    assert set(file.column("consumer").to_pylist()) == {"billing", "mail"}
    seconds = file.column("acquired_at").to_pandas().dt.total_seconds()
    np.testing.assert_allclose(seconds, run.deliveries["acquired_at"])
    assert file.column("started_at").null_count == run.deliveries["started_at"].isna().sum()
    about = file.schema.field("acquired_at").metadata
    assert about == {
        b"unit": b"ns",
        b"meaning": b"handed over by the broker; leases start here",
    }


def test_saving_again_replaces_a_run_and_nothing_else(run, tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    run.save(folder)
    run.save(folder)
    assert es.Run.load(folder).digest() == run.digest()
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.txt").write_text("three years of work")
    with pytest.raises(FileExistsError, match="left alone"):
        run.save(other)
    with pytest.raises(FileExistsError):
        run.save(other / "thesis.txt")
    assert (other / "thesis.txt").read_text() == "three years of work"


@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()])
def test_an_interrupted_save_leaves_what_was_there(run, tmp_path, monkeypatch, error):
    folder = tmp_path / "run"
    run.save(folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def fail(*_, **__):
        raise error

    monkeypatch.setattr(pq, "write_table", fail)
    with pytest.raises(type(error)):
        run.save(folder)
    with pytest.raises(type(error)):
        run.save(tmp_path / "new")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def changed_number(folder):
    path = folder / "deliveries.parquet"
    table = pq.read_table(path)
    place = table.schema.get_field_index("instance")
    values = table.column("instance").to_numpy().copy()
    values[0] = 1 - values[0]
    pq.write_table(table.set_column(place, table.schema.field(place), [values]), path)


def missing_table(folder):
    (folder / "copies.parquet").unlink()


def torn_table(folder):
    path = folder / "messages.parquet"
    path.write_bytes(path.read_bytes()[:-200])


def another_format(folder):
    meta = json.loads((folder / storage.META).read_text())
    (folder / storage.META).write_text(json.dumps({**meta, "format": 99}))


def no_longer_json(folder):
    (folder / storage.META).write_text("{")


def unknown_name(folder):
    meta = json.loads((folder / storage.META).read_text())
    meta["names"]["consumers"][0] = "accounting"
    (folder / storage.META).write_text(json.dumps(meta))


def no_meta(folder):
    (folder / storage.META).unlink()


def broken_scenario(folder):
    (folder / "scenario.yaml").write_text("name: [")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (changed_number, "their digest differs"),
        (missing_table, "copies.parquet"),
        (torn_table, "not readable"),
        (another_format, "format 99 is not readable"),
        (no_longer_json, "not readable"),
        (unknown_name, "a name that meta.json does not"),
        (no_meta, "there is no meta.json"),
        (broken_scenario, "not readable"),
    ],
)
def test_a_damaged_folder_is_refused_in_words(run, tmp_path, damage, message):
    run.save(tmp_path / "run")
    damage(tmp_path / "run")
    with pytest.raises(RunFolderError, match=message):
        es.Run.load(tmp_path / "run")


def test_the_repr_says_what_it_is_and_holds_values_only(run):
    assert repr(run) == (
        f"Run(shop, seed=5, replication=0: {len(run.messages):,} messages, "
        f"{len(run.deliveries):,} deliveries, 10 s, digest {run.digest()[:8]})"
    )
    html = run._repr_html_()
    assert "billing" in html
    assert "latency_p99_s" in html
    assert "0x" not in html
