"""The benchmarks' models do the work that they are timed for; nothing here is timed."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import curve, faulty, growth, slider
from benchmarks.contenders import CONTENDERS, ours
from benchmarks.contenders.served import Served, WrongWorkError, check_served
from benchmarks.figures import figures
from benchmarks.measuring import in_new_process
from benchmarks.worlds import MM1, PIPELINE, WORLDS

ROOT = Path(__file__).parents[2]
MESSAGES = 2_000


@pytest.mark.filterwarnings("default")  # a contender's own warnings are not ours
@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)
@pytest.mark.parametrize("contender", CONTENDERS, ids=lambda contender: contender.name)
def test_a_contender_serves_every_message_in_the_time_of_theory(contender, world):
    try:
        run = contender.load()
    except ImportError as error:
        pytest.skip(str(error))
    served = run(world, MESSAGES)
    check_served(served, world, MESSAGES)
    assert (served.cpu_s is not None) == (contender.measures_itself)


def test_both_engines_serve_alike():
    for world in WORLDS:
        assert ours.compiled(world, 500) == ours.reference(world, 500)


def test_work_that_was_not_done_is_found():
    right = Served(MESSAGES, MESSAGES * PIPELINE.mean_sojourn)
    check_served(right, PIPELINE, MESSAGES)
    with pytest.raises(WrongWorkError, match=r"served 1,999 of 2,000"):
        check_served(right._replace(messages=MESSAGES - 1), PIPELINE, MESSAGES)
    for factor in (0.5, 2.5):
        wrong = right._replace(total_sojourn=factor * right.total_sojourn * 100)
        with pytest.raises(WrongWorkError, match="mean sojourn"):
            check_served(wrong._replace(messages=MESSAGES * 100), PIPELINE, MESSAGES * 100)


def test_theory_of_the_worlds():
    # 1 / (10 - 8); and E4/M/1, in which one waits less than in M/M/1 with its 0.12 s.
    assert MM1.mean_sojourn == pytest.approx(0.5)
    assert 0.03 < PIPELINE.mean_sojourn < 0.12


@pytest.mark.parametrize("engine", ["compiled", "reference"])
def test_faulty_scenarios_have_their_faults_and_lose_nothing(engine):
    # The first crash of `crash` comes after a minute, with 60 messages a second.
    row = faulty.measure_engine("crash", engine, 4_200, 1)
    assert (row["scenario"], row["messages"]) == ("crash", 4_200)
    assert row["deliveries"] > 4_200


@pytest.mark.parametrize("count", [1, 3])
def test_worlds_that_grow_handle_everything(count):
    size = growth.FAST._replace(repeats=1)
    assert growth.measure_scenario(growth.instances(count, 300), size)["messages"] == 300
    assert growth.measure_scenario(growth.services(count, 300), size)["messages"] == 300


def test_a_run_that_would_not_fit_is_left_out_with_the_reason(monkeypatch):
    row = {"peak_mib": 300.0, "peak_before_mib": 100.0}
    monkeypatch.setattr(growth, "free_mib", lambda: 1_000.0)
    monkeypatch.setattr(growth, "measure_run", lambda *_: row)
    # 200 MiB for 10 messages, then for 40: 300 would need 1,500.
    rows = growth.measure_record("full", (10, 40, 300), growth.FAST)
    assert rows[:2] == [row, row]
    assert rows[2] == {"record": "full", "messages": 300, "missing": "would need 1 GiB"}


def test_a_run_in_a_process_of_its_own_tells_its_memory():
    row = in_new_process("run_pipeline", messages=500, record="full", repeats=1)
    assert row["messages"] == 500
    assert 10 < row["peak_before_mib"] <= row["peak_mib"] < 10_000


def test_the_curve_is_checked():
    size = curve.Size(loads=2, replications=2, messages=500, repeats=1)
    table = curve.sweep(size, 1)
    curve.check(table, size)
    with pytest.raises(AssertionError, match="messages are missing"):
        curve.check(table, size._replace(messages=501))
    with pytest.raises(AssertionError, match="2 of 3 points"):
        curve.check(table, size._replace(loads=3))


def test_the_slider_names_its_steps():
    found = slider.measure(slider.Size(messages=12_000, repeats=1))
    assert [row["step"] for row in found["rows"]] == [
        "replace",
        "run",
        "latency",
        "edit to latency table",
        "quantiles with intervals",
    ]
    assert len(found["explorer"]) == 2 * 5
    for row in found["explorer"]:
        parts = row["run_ms"] + row["analysis_ms"] + row["draw_ms"]
        assert 0 < row["fastest_ms"] <= row["whole_ms"]
        assert parts < 1.5 * row["whole_ms"]
        assert row["over_run"] > 1
    _, shown = figures({"slider": {**found, "is_full": False}})[1:]
    assert [row[:2] for row in shown.rows][:2] == [("mm1", "percentiles"), ("mm1", "distribution")]


def test_the_command_explains_itself():
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "--fast" in done.stdout
