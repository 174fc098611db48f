"""Scenario files: the exact way back, the line of every mistake, and files beside them."""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings

from eda_sim.spec import (
    Scenario,
    ScenarioError,
    bundled_text,
    dump,
    load,
    parse_value,
    remarks,
    scenarios,
)
from eda_sim.spec.values import LARGEST_FILE
from tests import strategies

MINIMAL = """\
name: small
messages: 3
producers:
  p: {to: c, rate: 1/s}
channels:
  c:
consumers:
  w:
    reads: c
    service: SERVICE
"""


def refusal(source: str | Path) -> str:
    with pytest.raises(ScenarioError) as caught:
        load(source)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


@given(strategies.scenarios(small=False))
def test_any_scenario_is_written_and_read_exactly(scenario):
    again = load(dump(scenario))
    assert again == scenario
    assert dump(again) == dump(scenario)
    assert list(again.producers) == list(scenario.producers)
    assert list(again.channels) == list(scenario.channels)
    assert list(again.consumers) == list(scenario.consumers)


@given(strategies.scenarios(small=True))
@settings(max_examples=50)
def test_a_small_scenario_is_written_and_read_exactly(scenario):
    assert load(dump(scenario)) == scenario


@pytest.mark.parametrize("name", scenarios())
def test_a_bundled_scenario(name):
    scenario = load(name)
    assert scenario.name == name
    assert load(dump(scenario)) == scenario
    assert load(bundled_text(name)) == scenario
    first = bundled_text(name).splitlines()[0]
    assert first.startswith("# ")
    assert first.endswith("?"), "a scenario begins with its question"
    assert scenario.description
    assert remarks(scenario) == ()


def test_the_bundled_scenarios():
    assert {"checkout", "crash", "mm1"} <= set(scenarios())
    assert list(scenarios()) == sorted(scenarios())


def test_checkout_is_busy_but_not_overloaded():
    checkout = load("checkout")
    billing = checkout.consumers["billing"]
    offered = checkout.producers["checkout"].arrivals.rate * billing.service.mean
    assert 0.6 < offered / (billing.instances * billing.concurrency) < 0.8


def test_defaults_are_left_out_and_units_are_readable():
    scenario = Scenario(
        name="a",
        duration=600,
        producers={"p": {"to": "c", "arrivals": {"type": "poisson", "rate": 200}, "start": 0}},
        channels={"c": {"partitions": 1}},
        consumers={
            "w": {
                "reads": ["c"],
                "service": {"type": "lognormal", "mean": 0.02, "p99": 0.09},
                "dedup": {"window": 600.0},
                "link": {"latency": 0},
            }
        },
        faults=[{"crash": "w/0", "at": 120, "lasts": 0.5}],
    )
    assert dump(scenario) == (
        "name: a\n"
        "duration: 10min\n"
        "producers:\n"
        "  p: {to: c, arrivals: poisson(rate=200/s)}\n"
        "channels:\n"
        "  c: {}\n"
        "consumers:\n"
        "  w:\n"
        "    reads: c\n"
        "    service: lognormal(mean=20ms, p99=90ms)\n"
        "    dedup: {window: 10min}\n"
        "faults:\n"
        "  - {crash: w/0, at: 2min, lasts: 500ms}\n"
    )


def test_a_file_is_written_whole(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("old")
    text = dump(load("checkout"), path)
    assert path.read_text(encoding="utf-8") == text
    assert load(path) == load(str(path)) == load("checkout")
    assert [each.name for each in tmp_path.iterdir()] == ["mine.yaml"]


def test_a_file_that_cannot_be_written_is_one_line(tmp_path):
    with pytest.raises(ScenarioError, match="cannot be written: No such file or directory"):
        dump(load("mm1"), tmp_path / "missing" / "mine.yaml")
    (tmp_path / "folder").mkdir()
    with pytest.raises(ScenarioError, match="cannot be written"):
        dump(load("mm1"), tmp_path / "folder")
    assert [each.name for each in tmp_path.iterdir()] == ["folder"]


def test_a_scenario_that_would_be_too_large_is_not_written():
    times = [number / 7 for number in range(20_000)]
    many = {
        f"p{number}": {"to": "jobs", "arrivals": {"type": "trace", "times": times}}
        for number in range(3)
    }
    with pytest.raises(ScenarioError, match="larger than 1048576 bytes"):
        dump(load("mm1").replace({"producers": many}))


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("chekout", "no bundled scenario and no file 'chekout'; did you mean 'checkout'?"),
        ("missing.yaml", "missing.yaml: cannot be read: No such file or directory"),
        ("./missing", "./missing: cannot be read"),
        ("a\0b.yaml", "cannot be read: not a file name"),
        ("", "no bundled scenario and no file ''"),
        (Path("missing"), "missing: cannot be read"),
    ],
)
def test_a_source_that_is_not_there(source, line):
    assert line in refusal(source)


def test_what_is_no_text_is_refused(tmp_path):
    path = tmp_path / "a.yaml"
    assert "cannot be read: Is a directory" in refusal(tmp_path)
    path.write_bytes(b"name: a\nseed: \xff\n")
    assert refusal(path) == f"{path}:2: not UTF-8 text"
    path.write_bytes(b"\xef\xbb\xbf" + MINIMAL.replace("SERVICE", "1s").encode())
    assert load(path).name == "small"
    path.write_bytes(bytes(2 << 20))
    assert refusal(path) == f"{path}: larger than 1048576 bytes (1 MiB)"


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="needs a file without an end")
def test_a_file_without_an_end_ends():
    assert "larger than" in refusal("/dev/zero")


def test_bundled_text_of_nothing():
    with pytest.raises(ScenarioError, match="no bundled scenario 'chekout'; did you mean"):
        bundled_text("chekout")


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (("messages: 3", "messages: 0"), "2: messages: 0 is not valid: must be an integer from 1"),
        (("messages: 3", "mesages: 3"), "2: unknown field 'mesages'; did you mean 'messages'?"),
        (("to: c", "to: d"), "4: producers.p.to: no channel 'd'"),
        (("rate: 1/s", "rat: 1/s"), "4: producers.p: unknown field 'rat'; did you mean 'rate'?"),
        (("    reads: c\n", ""), "8: consumers.w.reads: is missing; it has no default"),
        (
            ("    reads: c", "    reads:\n    - c\n    - d"),
            "11: consumers.w.reads.1: no channel 'd'",
        ),
        (("SERVICE", "\n      0KB"), "11: consumers.w.service: '0KB' is not valid"),
        (("SERVICE", "erlang(1s, 0)"), "10: consumers.w.service.stages: 0 is not valid"),
        (("SERVICE", "{type: erlang,\n      mean: 0s}"), "11: consumers.w.service.mean: 0"),
        (("SERVICE", "1s\n    emits: c"), "11: consumers.w.emits: a cycle that never ends"),
        (("SERVICE", "1s\n    emits: d"), "11: consumers.w.emits: no channel 'd'"),
        (("SERVICE", "erlang(mean=1s"), "10: consumers.w.service: 'erlang(mean=1s' is not valid"),
        (("rate: 1/s", "arrivals: zipf(1)"), "4: producers.p.arrivals: no arrival process 'zipf'"),
        (
            ("rate: 1/s", "arrivals: renewal(0s)"),
            "4: producers.p.arrivals.interval: must have a mean",
        ),
        (
            ("rate: 1/s", "rate: 1/s, key: zipf(1, 2)"),
            "4: producers.p: unknown field '2)'; inside { }",
        ),
        (("  c:\n", "  c: 3\n"), "6: channels.c: 3 is not valid: must be a mapping of fields"),
        (("name: small\n", ""), "1: name: is missing"),
    ],
)
def test_a_mistake_in_a_file_has_its_line(tmp_path, change, line):
    path = tmp_path / "mine.yaml"
    old, new = change
    assert old in MINIMAL
    path.write_text(MINIMAL.replace(old, new).replace("SERVICE", "1s"))
    assert refusal(path).startswith(f"{path}:{line}")


def test_a_text_has_lines_and_no_file():
    assert refusal(MINIMAL.replace("SERVICE", "x(1)")).startswith("line 10: consumers.w.service: ")


@pytest.mark.parametrize("root", ["- a\n", "text\n", "3\n", "null\n", "[]\n"])
def test_a_file_is_a_mapping(root):
    assert "must be a mapping of fields" in refusal(root + "\n")


def test_values_of_the_command_line():
    assert parse_value("4") == 4
    assert parse_value("200/s") == "200/s"
    assert parse_value("null") is parse_value("") is None
    assert parse_value("{window: 10min}") == {"window": "10min"}
    with pytest.raises(ScenarioError, match="a tag"):
        parse_value("!!python/name:os.system")


class TestFilesBesideAScenario:
    def write(self, folder: Path, service: str) -> Path:
        path = folder / "mine.yaml"
        path.write_text(MINIMAL.replace("SERVICE", service))
        return path

    def test_values_are_read_from_lines(self, tmp_path):
        (tmp_path / "times.txt").write_text("20ms\n0.01\n\n3us\n")
        scenario = load(self.write(tmp_path, "empirical(file='times.txt')"))
        assert scenario.consumers["w"].service.values == (3e-6, 0.01, 0.02)
        assert load(dump(scenario)) == scenario  # nothing has to lie beside it any more

    def test_values_are_read_from_a_column(self, tmp_path):
        (tmp_path / "sub").mkdir()
        (tmp_path / "sub" / "times.csv").write_text('id,"took"\n1,20ms\n2,"30ms"\n')
        path = self.write(tmp_path, "{type: empirical, file: sub/times.csv, column: took}")
        assert load(path).consumers["w"].service.values == (0.02, 0.03)

    def test_arrivals_are_read_from_a_file(self, tmp_path):
        (tmp_path / "times.txt").write_text("2s\n1s\n")
        path = self.write(tmp_path, "1s")
        path.write_text(path.read_text().replace("rate: 1/s", "arrivals: trace(file='times.txt')"))
        assert load(path).producers["p"].arrivals.times == (1.0, 2.0)

    def test_python_reads_from_the_working_directory(self, tmp_path, monkeypatch):
        (tmp_path / "times.txt").write_text("2s\n")
        monkeypatch.chdir(tmp_path)
        variant = load("mm1").replace({"consumers.worker.service": "empirical(file='times.txt')"})
        assert variant.consumers["worker"].service.mean == 2

    @pytest.mark.parametrize(
        ("service", "why"),
        [
            ("empirical(file='none.txt')", "no file 'none.txt' in the scenario's folder"),
            ("empirical(file='../times.txt')", "must lie in the scenario's folder"),
            ("empirical(file='/etc/passwd')", "must lie in the scenario's folder"),
            ("empirical(file='link.txt')", "must lie in the scenario's folder"),
            ("empirical(file='loop')", "loop"),
            ("empirical(file='.')", "no file '.'"),
            ("empirical(file='')", "must be the name of a file"),
            ("empirical(file=3)", "must be the name of a file"),
            ("empirical(file='words.txt')", "row 2: 'x y' is not valid: must be a duration"),
            ("empirical(file='words.txt', column='tok')", "no column 'tok'; did you mean 'took'?"),
            ("empirical(file='empty.txt')", "there is no number in it"),
            ("empirical(file='binary')", "is not UTF-8 text"),
            ("empirical(file='large.txt')", "is larger than 1048576 bytes"),
            ("empirical(file='many.txt')", "more than 20000 numbers"),
            ("empirical(file='negative.txt')", "row 1: '-1' is not valid"),
            ("empirical(file='short.csv', column=b)", "row 2 has no column 2"),
            ("empirical([1s], file='words.txt')", "is one too many beside values"),
            ("empirical([1s], column='words')", "column: makes sense only with file"),
        ],
    )
    def test_a_wrong_file_is_one_line(self, tmp_path, service, why):
        (tmp_path / "times.txt").write_text("1s")
        folder = tmp_path / "folder"
        folder.mkdir()
        (folder / "link.txt").symlink_to(tmp_path / "times.txt")
        (folder / "loop").symlink_to(folder / "loop")
        (folder / "words.txt").write_text("1s\nx y\n" if "column" not in service else "took\nx y\n")
        (folder / "empty.txt").write_text("\n\n")
        (folder / "binary").write_bytes(b"\xff\xfe\x00")
        (folder / "large.txt").write_text("1\n" * (LARGEST_FILE // 2 + 1))
        (folder / "many.txt").write_text("1\n" * 20_001)
        (folder / "negative.txt").write_text("-1\n")
        (folder / "short.csv").write_text("a,b\n1\n")
        line = refusal(self.write(folder, service))
        assert f"{folder / 'mine.yaml'}:10: consumers.w.service" in line
        assert why in line


def test_no_parser_with_power_is_ever_asked(monkeypatch):
    """A scenario with a tag in it runs nothing, whatever is importable."""
    touched = []
    monkeypatch.setattr(os, "system", touched.append)
    monkeypatch.setattr(sys, "exit", touched.append)
    for attack in (
        "!!python/object/apply:os.system ['true']",
        "!!python/name:sys.exit",
        "__import__('os').system('true')",
        "${os.system('true')}",
    ):
        assert refusal(MINIMAL.replace("SERVICE", attack))
    assert touched == []
