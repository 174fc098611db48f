"""``eda-sim fit``: a log in, a scenario out, and what went wrong in one line."""

import json

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import eda_sim as es
from eda_sim.cli import main


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    rng = np.random.default_rng(7)
    created = rng.exponential(0.02, size=3_000).cumsum()
    service, finished, free = rng.exponential(0.012, size=3_000), [], 0.0
    for moment, length in zip(created, service, strict=True):
        free = max(moment, free) + length
        finished.append(free)
    path = tmp_path_factory.mktemp("log") / "orders.csv"
    frame = pd.DataFrame({"created": created, "started": finished - service, "finished": finished})
    frame.rename(columns={"created": "sent"}).to_csv(path, index=False)
    return path


def fit(*arguments):
    return CliRunner().invoke(main, ["fit", *map(str, arguments)])


def test_a_scenario_is_written_and_explained_and_checked(log, tmp_path):
    target = tmp_path / "made" / "orders.yaml"
    result = fit(log, "--column", "created=sent", "-o", target, "--check")
    assert result.exit_code == 0, result.output
    scenario = es.load(target)
    assert scenario.producers["clients"].arrivals.type == "poisson"
    assert scenario.consumers["workers"].service.type == "exponential"
    starts = [line.split(":")[0].split(" ")[0] for line in result.stdout.splitlines()]
    assert starts[:4] == ["arrivals", "service", "workers", "delivery"]
    assert [s for s in starts if s in ("p50", "p95", "p99")] == ["p50", "p95", "p99"]
    assert result.stdout.splitlines()[-1] == f"The scenario is in {target}"


def test_without_a_file_the_scenario_is_the_output(log):
    result = fit(log, "--column", "created=sent")
    assert result.exit_code == 0
    assert es.load(result.stdout) == es.fit(log, columns={"created": "sent"}).scenario
    assert result.stderr.startswith("arrivals: 3,000 arrivals")


def test_json_has_what_was_tried(log):
    result = fit(log, "--column", "created=sent", "--json", "--check")
    data = json.loads(result.stdout)
    assert data["messages"] == 3_000
    assert data["arrivals"].startswith("poisson(rate=")
    assert {row["family"] for row in data["service_candidates"]} >= {"exponential", "weibull"}
    assert data["workers"]["workers"] == 1
    for row in data["latency"]:
        assert row["simulated"] == pytest.approx(row["value"], rel=0.35)
    assert es.load(data["scenario"]).name == "orders"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "orders.csv: no column 'created'; there are sent, started, finished"),
        (["--column", "created"], "--column 'created': must be WHAT=NAME"),
        (["--column", "made=sent"], "columns: 'made' is none of created, started, finished"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(log, arguments, message):
    result = fit(log, *arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"eda-sim: error: {message}")
    assert result.stderr.count("\n") == 1


def test_no_file_is_left_when_the_log_is_bad(tmp_path):
    (tmp_path / "bad.csv").write_text("created,started,finished\n1,2,x\n")
    result = fit(tmp_path / "bad.csv", "-o", tmp_path / "out.yaml")
    assert result.exit_code == 2
    assert not (tmp_path / "out.yaml").exists()
