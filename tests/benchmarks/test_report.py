"""Bars and page follow from the results."""

import json

import pytest

from benchmarks.__main__ import RESULTS
from benchmarks.bars import bars
from benchmarks.figures import figures
from benchmarks.page import PAGE, as_markdown, as_text, write_page


def contest(simpy: float, *, missing: dict[str, str] | None = None):
    factors = {"SimPy": simpy, "Ciw": 150.0, "C++": 0.5}
    row = {
        "world": "mm1",
        "contender": "compiled",
        "messages": 10,
        "ns_per_message": 100.0,
        "mean_sojourn_s": 0.5,
        "theory_s": 0.5,
        "times_as_fast_as": factors,
    }
    return {"is_full": True, "rows": [row], "missing": missing or {"cimba": "not here"}}


def growth(last_ns: float, peak_mib: float, slowest_instances_ns: float = 150.0):
    summary = [
        {"record": "summary", "messages": 10**power, "ns_per_message": ns, "peak_mib": peak_mib}
        for power, ns in ((4, 900.0), (5, 100.0), (8, last_ns))
    ]
    instances = [
        {"instances": 1, "ns_per_message": 100.0},
        {"instances": 10, "ns_per_message": 120.0},
        {"instances": 100, "ns_per_message": slowest_instances_ns},
    ]
    return {"is_full": True, "messages": summary, "instances": instances}


def verdicts(sections):
    return [(bar.reached, bar.verdict) for bar in bars(sections)]


def test_a_bar_is_met_or_missed_by_its_figure():
    assert verdicts({"contest": contest(40.0)}) == [
        ("40 times", "met"),
        ("150 times", "met"),
        ("not here", "open"),
        ("2 times", "met"),
    ]
    assert verdicts({"contest": contest(39.9)})[0] == ("39.9 times", "missed")


def test_memory_and_flatness_are_those_of_the_longest_run():
    assert verdicts({"growth": growth(119.0, 380.0)}) == [
        ("398 MB", "met"),
        ("within 19 %", "met"),
        ("1.5 times", "met"),
    ]
    assert verdicts({"growth": growth(121.0, 390.0, 310.0)}) == [
        ("409 MB", "missed"),
        ("within 21 %", "missed"),
        ("3.1 times", "missed"),
    ]


def test_without_a_summary_its_bars_are_open():
    found = growth(100.0, 100.0)
    found["messages"] = []
    assert verdicts({"growth": found})[:2] == [("es.run has no record=", "open")] * 2


def test_small_sizes_meet_nothing():
    found = {**contest(1.0), "is_full": False}
    assert {bar.verdict for bar in bars({"contest": found})} == {"open"}


@pytest.mark.parametrize("write", [as_text, as_markdown])
def test_a_missing_contender_is_in_its_table_with_the_reason(write):
    figure = next(each for each in figures({"contest": contest(50.0)}) if each.title == "M/M/1")
    assert "not here" in write(figure)


def test_the_page_is_in_step_with_the_results(tmp_path):
    write_page(json.loads(RESULTS.read_text("utf-8")), tmp_path / "page.md")
    assert (tmp_path / "page.md").read_text("utf-8") == PAGE.read_text("utf-8")
