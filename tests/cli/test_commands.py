"""The commands, asked inside this process."""

import json
import re

import jsonschema
import pandas as pd
import pytest
from click.testing import CliRunner
from ruamel.yaml import YAML

import eda_sim
from eda_sim.cli import main
from eda_sim.cli.plot import KINDS
from eda_sim.simulation import Run

QUICK = ("--set", "duration=20s", "--set", "warmup=0s")
"""Makes every bundled scenario a matter of a second."""


def eda_sim_command(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments], prog_name="eda-sim")


def succeed(*arguments) -> str:
    result = eda_sim_command(*arguments)
    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""
    return result.stdout


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "checkout"
    printed = json.loads(succeed("run", "checkout", *QUICK, "--out", folder, "--json"))
    return folder, printed


@pytest.mark.parametrize("command", [None, *main.commands])
def test_help_explains_every_command_and_every_option(command):
    text = succeed(*([command] if command else []), "--help")
    if command is None:
        for name, each in main.commands.items():
            assert f"  {name}" in text
            assert "..." not in each.get_short_help_str(60)
        return
    for parameter in main.commands[command].params:
        described = getattr(parameter, "help", None) or parameter.human_readable_name
        assert described in " ".join(text.split())


def test_help_is_the_same_with_the_short_option():
    assert succeed("-h") == succeed("--help")


def test_no_command_at_all_prints_the_help_and_is_an_error():
    result = eda_sim_command()
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr == succeed("--help")


def test_version_is_the_package_s():
    assert succeed("--version") == f"eda-sim {eda_sim.__version__}\n"


def test_run_prints_the_counts_that_the_run_has():
    scenario = eda_sim.load("crash").replace({"duration": "20s", "warmup": "0s"})
    summary = eda_sim.run(scenario).summary().iloc[0]
    text = succeed("run", "crash", *QUICK)
    rows = [line for line in text.splitlines()[3:] if line]
    lines = {row.rsplit("  ", 1)[0].strip(): row.split()[-1] for row in rows}
    counts = ("messages", "exactly once", "duplicated", "lost", "pending", "redeliveries")
    for row in counts:
        assert lines[row] == f"{summary[row.replace(' ', '_')]:,}", row


def test_run_prints_each_estimate_with_its_interval():
    run = eda_sim.run(eda_sim.load("mm1"))
    row = run.summary().iloc[0]
    text = succeed("run", "mm1")
    lines = {line[:18].strip(): line[18:].strip() for line in text.splitlines()}
    rates = [f"{row[f'effects{end}_per_s']:.3g}" for end in ("", "_low", "_high")]
    assert lines["throughput"] == "{}/s ({} to {})".format(*rates)
    shares = [f"{100 * row[f'utilization{end}']:.1f}" for end in ("", "_low", "_high")]
    assert lines["utilization"] == "{} % ({} to {})".format(*shares)
    assert lines["share lost"].startswith("0 % (0 to 0.0")
    for word in ("mean", "p50", "p95", "p99"):
        assert re.search(r"\(\S+.* to \S+.*\)$", lines[f"latency {word}"])
    assert "(a to b): 95 % confidence interval" in text


def test_run_writes_plain_lines_that_fit_a_terminal():
    text = succeed("run", "checkout", *QUICK)
    assert "\x1b" not in text
    assert max(len(line) for line in text.splitlines()) <= 100


def test_json_has_every_number_of_the_summary_with_intervals(saved):
    folder, printed = saved
    run = Run.load(folder)
    assert printed["digest"] == run.digest()
    assert printed["messages"] == len(run.messages)
    assert printed["folder"] == str(folder)
    (billing,) = printed["consumers"]
    for key, value in run.summary().iloc[0].items():
        assert billing[key] == (None if pd.isna(value) else value)
    quantiles = run.latency().quantile([0.5, 0.95, 0.99])
    for word, (_, row) in zip(("p50", "p95", "p99"), quantiles.iterrows(), strict=True):
        assert billing[f"latency_{word}_s"] == row["value"]
        for end in ("low", "high"):
            expected = None if pd.isna(row[end]) else row[end]
            assert billing[f"latency_{word}_{end}_s"] == expected


def test_json_of_a_run_without_messages_has_no_numbers_that_json_does_not_know():
    text = succeed("run", "mm1", "--set", "duration=1us", "--set", "warmup=0s", "--json")
    printed = json.loads(text, parse_constant=pytest.fail)
    assert printed["consumers"][0]["latency_p50_s"] is None
    assert succeed("run", "mm1", "--set", "duration=1us", "--set", "warmup=0s")


def test_seed_makes_the_run_and_nothing_else_does():
    def digest(*arguments):
        return json.loads(succeed("run", "mm1", *QUICK, "--json", *arguments))["digest"]

    assert digest("--seed", 3) == digest("--set", "seed=3") == digest("--seed", 3)
    assert digest("--seed", 3) != digest("--seed", 4)


def test_out_holds_tables_scenario_and_figure(saved):
    folder, _ = saved
    names = {path.name for path in folder.iterdir()}
    tables = {
        f"{name}.parquet" for name in ("messages", "copies", "deliveries", "series", "faults")
    }
    assert names == {*tables, "meta.json", "scenario.yaml", "overview.png"}
    assert len(pd.read_parquet(folder / "messages.parquet")) > 0
    assert (folder / "overview.png").read_bytes().startswith(b"\x89PNG")


def test_saved_scenario_makes_the_same_run_again(tmp_path):
    first = tmp_path / "first"
    made = json.loads(succeed("run", "mm1", *QUICK, "--seed", 5, "--out", first, "--json"))
    again = json.loads(succeed("run", first / "scenario.yaml", "--json"))
    assert again["digest"] == made["digest"]


def test_out_replaces_an_earlier_run_and_keeps_what_people_put_beside_it(tmp_path):
    folder = tmp_path / "run"
    succeed("run", "mm1", *QUICK, "--out", folder)
    (folder / "notes.txt").write_text("mine")
    printed = json.loads(succeed("run", "mm1", *QUICK, "--seed", 9, "--out", folder, "--json"))
    assert Run.load(folder).digest() == printed["digest"]
    assert (folder / "notes.txt").read_text() == "mine"
    assert not list(tmp_path.rglob(".eda-sim*"))


@pytest.mark.parametrize("kind", list(KINDS))
def test_plot_draws_every_kind(saved, tmp_path, kind):
    out = tmp_path / f"{kind}.png"
    succeed("plot", saved[0], "--kind", kind, "--out", out)
    assert out.read_bytes().startswith(b"\x89PNG")
    assert out.stat().st_size > 5000


@pytest.mark.parametrize(("suffix", "begins"), [(".svg", b"<?xml"), (".pdf", b"%PDF")])
def test_plot_writes_the_format_that_the_name_asks_for(saved, tmp_path, suffix, begins):
    out = tmp_path / f"lag{suffix}"
    succeed("plot", saved[0], "--kind", "lag", "--out", out)
    assert out.read_bytes().startswith(begins)


TWO_CONSUMERS = """
name: two
duration: 20s
producers:
  clients: {to: jobs, rate: 20/s}
channels:
  jobs: {}
consumers:
  first: {reads: jobs, service: 10ms}
  second: {reads: jobs, service: 20ms}
"""


@pytest.fixture(scope="module")
def saved_two(tmp_path_factory):
    folder = tmp_path_factory.mktemp("two")
    (folder / "two.yaml").write_text(TWO_CONSUMERS)
    text = succeed("run", folder / "two.yaml", "--out", folder / "run")
    assert "first" in text
    assert "second" in text
    return folder / "run"


@pytest.mark.parametrize("kind", list(KINDS))
def test_plot_shows_the_consumer_that_is_asked_for(saved_two, tmp_path, kind):
    out = tmp_path / "figure.png"
    succeed("plot", saved_two, "--kind", kind, "--consumer", "second", "--out", out)
    assert out.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--kind", "heatmap"], "choose with --consumer first | second"),
        (["--kind", "lag", "--consumer", "third"], "--consumer 'third': must be one of"),
    ],
)
def test_plot_says_which_consumers_there_are(saved_two, tmp_path, options, says):
    result = eda_sim_command("plot", saved_two, *options, "--out", tmp_path / "figure.png")
    assert result.exit_code == 2
    assert says in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_scenario_without_consumers_is_drawn_as_a_graph(tmp_path):
    path = tmp_path / "alone.yaml"
    path.write_text(TWO_CONSUMERS.split("consumers:", maxsplit=1)[0])
    assert "messages in 20 s" in succeed("run", path, "--out", tmp_path / "run")
    assert (tmp_path / "run" / "overview.png").stat().st_size > 5000
    assert json.loads(succeed("run", path, "--json"))["consumers"] == []


def test_equal_runs_give_equal_figures(saved_two, tmp_path):
    for number in range(2):
        for suffix in (".png", ".svg", ".pdf"):
            out = tmp_path / f"{number}{suffix}"
            succeed("plot", saved_two, "--kind", "lag", "--out", out)
    for suffix in (".png", ".svg", ".pdf"):
        assert (tmp_path / f"0{suffix}").read_bytes() == (tmp_path / f"1{suffix}").read_bytes()


def test_scenarios_lists_every_bundled_one_with_its_question():
    text = succeed("scenarios")
    listed = json.loads(succeed("scenarios", "--json"))
    assert tuple(entry["name"] for entry in listed) == eda_sim.scenarios()
    for entry in listed:
        assert entry["description"] == eda_sim.load(entry["name"]).description
        assert f"{entry['description']}\n" in text


def test_scenarios_prints_a_file_that_can_be_used(tmp_path):
    mine = tmp_path / "mine.yaml"
    mine.write_text(succeed("scenarios", "checkout"))
    assert eda_sim.load(mine) == eda_sim.load("checkout")


def test_schema_accepts_the_bundled_scenarios_and_refuses_others(tmp_path):
    schema = json.loads(succeed("schema"))
    validator = jsonschema.validators.validator_for(schema)(schema)
    for name in eda_sim.scenarios():
        data = YAML(typ="safe").load(succeed("scenarios", name))
        assert list(validator.iter_errors(data)) == []
        assert list(validator.iter_errors({**data, "produsers": {}}))
    assert succeed("schema", "--out", tmp_path / "schema.json") == ""
    assert json.loads((tmp_path / "schema.json").read_text()) == schema


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("rum", "checkout"), "No such command 'rum'"),
        (("run",), "Missing argument 'SCENARIO'"),
        (("run", "checkout", "--sede", "1"), "--seed"),
        (("run", "chekout"), "did you mean 'checkout'?"),
        (("run", "no/such.yaml"), "no/such.yaml: cannot be read"),
        (("run", "checkout", "--seed", "-1"), "'--seed'"),
        (("run", "checkout", "--seed", "1.5"), "'--seed'"),
        (("run", "checkout", "--set", "seed"), "must be PATH=VALUE"),
        (("run", "checkout", "--set", "=1"), "must be PATH=VALUE"),
        (("run", "checkout", "--set", "seed=[1"), "--set 'seed=[1': line 1: not YAML"),
        (("run", "checkout", "--set", "consumers.billing.instanecs=1"), "'instances'?"),
        (("run", "checkout", "--set", "faults.7.at=1s"), "no entry '7'"),
        (("run", "checkout", "--set", "duration=-1s"), "duration: '-1s' is not valid"),
        (("run", "checkout", "--set", "seed=!!python/name:os.system x"), "--set"),
        (("check", "chekout"), "did you mean 'checkout'?"),
        (("scenarios", "chekout"), "did you mean 'checkout'?"),
        (("plot", "nowhere", "--out", "a.png"), "nowhere"),
        (("plot", ".", "--out", "a.txt"), "must end with .png, .svg, .pdf"),
        (("plot", ".", "--kind", "pie", "--out", "a.png"), "'pie' is not one of"),
        (("plot", "."), "Missing option '--out'"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(arguments, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = eda_sim_command(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("eda-sim: error: ")
    assert result.stderr.count("\n") == 1
    assert says in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("place", ["file", "file/below", "others"])
def test_out_that_cannot_be_used_is_refused_before_the_run(place, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("text")
    (tmp_path / "others").mkdir()
    (tmp_path / "others" / "photo.jpg").write_text("photo")
    monkeypatch.setattr("eda_sim.run", lambda *_, **__: pytest.fail("it ran"), raising=False)
    before = sorted(tmp_path.rglob("*"))
    result = eda_sim_command("run", "checkout", "--out", tmp_path / place)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"eda-sim: error: --out {tmp_path / place}: ")
    assert result.stderr.count("\n") == 1
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("damaged", ["meta.json", "messages.parquet", "scenario.yaml"])
@pytest.mark.parametrize("how", [b"", b"{", b"[]", None])
def test_plot_of_a_damaged_folder_is_one_line(saved, tmp_path, damaged, how):
    folder = tmp_path / "run"
    folder.mkdir()
    for path in saved[0].iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    if how is None:
        (folder / damaged).unlink()
    else:
        (folder / damaged).write_bytes(how)
    result = eda_sim_command("plot", folder, "--kind", "lag", "--out", tmp_path / "lag.png")
    assert result.exit_code == 2, result.exception
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "lag.png").exists()


def test_too_large_a_run_says_so(monkeypatch):
    def exhausted(*_, **__):
        raise MemoryError

    monkeypatch.setattr("eda_sim.run", exhausted, raising=False)
    result = eda_sim_command("run", "checkout")
    assert result.exit_code == 2
    assert "not enough memory" in result.stderr
