"""The command check: what is right is said in figures, what is not where it is first seen."""

import dataclasses
import re

import numpy as np
import pytest
from click.testing import CliRunner

import eda_sim
from eda_sim.cli import main
from eda_sim.engine.compiled import simulation as compiled
from eda_sim.engine.laws import LAWS
from eda_sim.engine.reference import simulation as reference

MINE = """
name: mine
seed: 5
duration: 20s
producers:
  clients: {to: jobs, rate: 20/s}
channels:
  jobs: {partitions: 2}
consumers:
  workers: {reads: jobs, service: 10ms}
"""


def command(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments], prog_name="eda-sim")


def succeed(*arguments) -> list[str]:
    result = command("check", *arguments)
    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""
    return result.stdout.splitlines()


@pytest.fixture
def mine(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(MINE)
    return path


def tampered(simulate, column, change):
    """An engine that writes one number of its deliveries wrong."""

    def wrong(plan, **options):
        trace = simulate(plan, **options)
        values = np.array(trace.deliveries[column])
        change(values)
        return dataclasses.replace(trace, deliveries={**trace.deliveries, column: values})

    return wrong


def test_a_good_file_is_run_by_both_engines_and_compared(mine):
    run = eda_sim.run(eda_sim.load(mine))
    valid, ran, laws, agree = succeed(mine)
    assert valid == "mine: valid"
    assert ran == (
        f"run by both engines: {len(run.messages)} messages, {len(run.deliveries)} deliveries, "
        "0 faults in 20 s, seed 5"
    )
    assert laws == f"all {len(LAWS)} laws of the model hold"
    (values,) = re.findall(r"agree in all ([\d,]+) values of 5 tables, bit for bit", agree)
    assert int(values.replace(",", "")) > 10 * len(run.messages)


def test_a_bundled_scenario_is_checked_with_another_seed_and_counts_its_faults():
    lines = succeed("crash", "--set", "duration=70s", "--set", "warmup=0s", "--seed", 9)
    assert ", 1 fault in 1.17 min, seed 9" in lines[1]


def test_messages_bound_the_run_and_the_command_says_so(mine):
    _, ran, more, *_ = succeed(mine, "--messages", 30)
    assert ran.startswith("run by both engines: 30 messages, ")
    assert "--messages" in more
    assert len(succeed(mine, "--messages", 10**12)) == 4


def test_messages_that_consumers_emit_do_not_count_to_the_bound(tmp_path):
    path = tmp_path / "chain.yaml"
    emits = MINE.replace("service: 10ms", "service: 10ms, emits: [{to: more}, {to: more}]")
    path.write_text(emits.replace("partitions: 2}", "partitions: 2}\n  more: {}"))
    produced = int((eda_sim.run(eda_sim.load(path)).trace.messages["source"] == 0).sum())
    assert "--messages" not in " ".join(succeed(path, "--messages", produced + 1))
    assert "--messages" in " ".join(succeed(path, "--messages", produced - 1))


def test_validate_only_runs_nothing_and_remarks_on_what_is_hardly_meant(monkeypatch):
    monkeypatch.setattr("eda_sim.check", lambda *_, **__: pytest.fail("it ran"), raising=False)
    assert succeed("checkout", "--validate-only") == ["checkout: valid"]
    thirteen = ("--set", "consumers.billing.instances=13")
    remark, valid = succeed("checkout", "--validate-only", *thirteen)
    assert remark.startswith("remark: consumers.billing: 13 members share the 12 partitions")
    assert valid == "checkout: valid"


def test_a_bad_file_has_one_line_per_mistake_and_is_not_run(mine, monkeypatch):
    monkeypatch.setattr("eda_sim.check", lambda *_, **__: pytest.fail("it ran"), raising=False)
    mine.write_text(MINE.replace("partitions: 2", "partitions: 0").replace("seed: 5", "seed: x"))
    result = command("check", mine)
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert len(lines) == 2
    assert all(line.startswith(f"{mine}:") for line in lines)
    assert result.stderr == f"eda-sim: error: {mine}: 2 mistakes\n"


def test_a_broken_law_is_named_with_the_rows_that_break_it(mine, monkeypatch):
    def before_its_start(values):
        values[3] = -1_000_000

    wrong = tampered(reference.simulate, "started_at", before_its_start)
    monkeypatch.setattr(reference, "simulate", wrong)
    result = command("check", mine)
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    valid, law, _, row = result.stdout.splitlines()
    assert valid == "mine: valid"
    name = law.partition(":")[0]
    assert name in {each.__name__ for each in LAWS}
    assert row.startswith("  row 3: ")
    assert " started_at=-0.001000000s " in row
    assert result.stderr == (
        f"eda-sim: error: mine, seed 5: law {name} is broken; this is a mistake in eda_sim\n"
    )


def test_engines_that_differ_are_reported_with_the_first_place(mine, monkeypatch):
    def later(values):
        values[[7, 9]] += 1

    started = eda_sim.run(eda_sim.load(mine)).trace.deliveries["started_at"][7]
    monkeypatch.setattr(compiled, "simulate", tampered(compiled.simulate, "started_at", later))
    result = command("check", mine, "--seed", 5)
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    _, first = result.stdout.splitlines()
    where = "the engines differ, first in deliveries.started_at, row 7"
    assert first == f"{where}: reference {started}, compiled {started + 1}"
    assert result.stderr == (
        "eda-sim: error: mine, seed 5: the engines differ; this is a mistake in eda_sim\n"
    )
