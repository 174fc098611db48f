"""Speed on the page of evidence: what the benchmarks found, misses as plainly as hits."""

import json

import pandas as pd

from benchmarks.__main__ import RESULTS
from benchmarks.kept import SPEED, speed, write_speed
from eda_sim.evidence.page import speed_section
from eda_sim.evidence.speed import bars_table, contest_table, measured

RESULT = json.loads(RESULTS.read_text(encoding="utf-8"))


def test_what_the_package_keeps_is_what_the_benchmarks_found(tmp_path):
    assert json.loads(SPEED.read_text(encoding="utf-8")) == speed(RESULT)
    copy = tmp_path / "speed.json"
    write_speed(RESULT, copy)
    assert copy.read_bytes() == SPEED.read_bytes()


def test_every_bar_is_on_the_page_with_its_verdict():
    text = speed_section()
    bars = bars_table()
    assert {"met", "missed"} <= set(bars["verdict"])
    for row in bars.to_dict("records"):
        verdict = "**missed**" if row["verdict"] == "missed" else row["verdict"]
        assert f"| {row['what']} | {row['asked']} | {row['reached']} | {verdict} |" in text
    counts = bars["verdict"].value_counts()
    assert f"{counts['missed']} missed" in text
    assert measured() in text


def test_ratios_are_those_of_the_contest():
    rows = {(row["world"], row["contender"]): row for row in RESULT["sections"]["contest"]["rows"]}
    table = contest_table()
    assert len(table) == len(rows)
    for row in table.to_dict("records"):
        ours = rows[row["world"], "compiled"]["times_as_fast_as"]
        if row["contender"] in ours:
            assert abs(row["ours_is"] / ours[row["contender"]] - 1) < 1e-9
    assert isinstance(table, pd.DataFrame)
    text = speed_section()
    for row in table.to_dict("records"):
        assert f"{row['messages_per_s']:,.0f} | {row['ours_is']:.3g} |" in text
