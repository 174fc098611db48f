"""The commands sweep, compare and size: tables for people, JSON for scripts, codes for both."""

import json

import pandas as pd
import pytest
from click.testing import CliRunner

from eda_sim.cli import main

QUICK = ("--set", "duration=20s", "--set", "warmup=0s", "--workers", 1)
FEW = (*QUICK, "--replications", 2)
WORKERS = "consumers.worker.instances"


def command(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments], prog_name="eda-sim")


def succeed(*arguments) -> str:
    result = command(*arguments)
    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""
    return result.stdout


def test_sweep_prints_a_row_per_point_and_metric(tmp_path):
    sweep = ("sweep", "mm1", *FEW, "--vary", f"{WORKERS}=1,2", "--store", tmp_path / "store")
    text = succeed(*sweep, "--metric", "latency.p99", "--metric", "throughput")
    head, *rows = text.splitlines()
    assert head.split("  ")[0] == WORKERS
    assert [row.split()[:2] for row in rows] == [
        [number, metric] for number in "12" for metric in ("latency.p99", "throughput")
    ]
    assert all(row.endswith(" 2") for row in rows)
    assert len(list((tmp_path / "store").iterdir())) == 4


def test_sweep_gives_scripts_json_and_files(tmp_path):
    grid = ("--vary", "consumers.worker.service=constant(10ms),erlang(mean=10ms, stages=2)")
    out = tmp_path / "table.csv"
    printed = json.loads(
        succeed("sweep", "mm1", *FEW, *grid, "--metric", "waiting.mean", "--json", "--out", out)
    )
    service = "consumers.worker.service"
    assert [row[service] for row in printed] == ["constant(10ms)", "erlang(mean=10ms, stages=2)"]
    assert pd.read_csv(out)["mean"].tolist() == [row["mean"] for row in printed]
    parquet = tmp_path / "table.parquet"
    succeed("sweep", "mm1", *FEW, *grid, "--metric", "waiting.mean", "--out", parquet)
    assert pd.read_parquet(parquet)["n"].tolist() == [2, 2]


def test_sweep_with_a_failing_point_prints_the_others_and_is_a_failure():
    result = command("sweep", "mm1", *FEW, "--vary", f"{WORKERS}=1,0", "--metric", "throughput")
    assert result.exit_code == 1
    assert [row.split()[2] for row in result.stdout.splitlines()[1:]][1] == "failed"
    assert result.stderr == (
        f"eda-sim: error: 2 of 4 runs failed, at 1 of 2 points: {WORKERS}=0: {WORKERS}: "
        "0 is not valid: must be an integer from 1 to 10000\n"
    )


def test_compare_prints_both_and_the_difference():
    compare = ("compare", "mm1", *QUICK, "--replications", 3, "--to", f"{WORKERS}=2")
    text = succeed(*compare, "--metric", "waiting.mean")
    assert [line.split()[0] for line in text.splitlines()[1:4]] == [
        *("scenario", "variant", "difference"),
    ]
    printed = json.loads(succeed(*compare, "--metric", "waiting.mean", "--json"))
    assert printed["metric"] == "waiting.mean@worker"
    before, after, difference = (row["mean"] for row in printed["table"])
    assert difference == pytest.approx(after - before)


def test_size_prints_what_it_tried_and_what_is_enough():
    size = ("size", "mm1", "waiting.mean < 50ms", *QUICK, "--vary", WORKERS, "--replications", 6)
    assert f"{WORKERS} = 2 is the smallest that meets waiting.mean@worker < 50ms" in succeed(*size)
    printed = json.loads(succeed(*size, "--json"))
    assert printed["value"] == 2
    assert [row["meets"] for row in printed["table"]] == [False, True]


def test_size_that_finds_nothing_is_a_failed_check():
    result = command("size", "mm1", "latency.mean < 1ms", *FEW, "--vary", WORKERS, "--high", 2)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"eda-sim: error: no value of {WORKERS} from 1 to 2 meets ")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("sweep", "mm1", "--vary", "seed"), "--vary 'seed': must be PATH=VALUES, as in"),
        (("sweep", "mm1", "--vary", "sede=1,2"), "unknown field 'sede'; did you mean 'seed'?"),
        (("sweep", "mm1"), "Missing option '--vary'"),
        (("sweep", "mm1", "--vary", "seed=1", "--metric", "lag.p99"), "no statistic 'p99' of lag"),
        (("sweep", "mm1", "--vary", "seed=1", "--out", "a.txt"), "must end with .csv, .parquet"),
        (("compare", "mm1"), "nothing to compare with: name a VARIANT, or change something"),
        (("compare", "mm1", "--to", "seed"), "--to 'seed': must be PATH=VALUE"),
        (("compare", "mm1", "mm2"), "did you mean 'mm1'?"),
        (("size", "mm1", "latency", "--vary", WORKERS), "objective: 'latency' is not valid"),
        (("size", "mm1", "lag.max < 1", "--vary", "consumer.worker"), "did you mean"),
        (("size", "mm1", "lag.max < 1", "--vary", WORKERS, "--low", "x"), "'x' is not valid"),
    ],
)
def test_bad_input_is_one_line(arguments, line):
    result = command(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("eda-sim: error: ")
    assert result.stderr.count("\n") == 1
    assert line in result.stderr
