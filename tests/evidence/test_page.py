"""The evidence page: it shows what the tables say, and a verdict that turned is seen."""

import dataclasses
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from eda_sim.cli import main
from eda_sim.evidence import engines, page, verdicts
from eda_sim.evidence.engines import engines_table
from eda_sim.evidence.page import Evidence, verdicts_on
from eda_sim.evidence.records import records
from eda_sim.evidence.verdicts import computed_table, verdict_of
from eda_sim.spec import scenarios

PAGE = Path(__file__).parents[2] / "docs" / "evidence.md"
COVERAGE = pd.DataFrame([{"interval": "Wilson", "model": "coin", "truth": 0.5, "held": 0.95}])


@pytest.fixture(scope="module")
def evidence():
    return Evidence(
        computed=computed_table(),
        simulated=computed_table().iloc[:0],
        engines=engines_table(messages=50),
        coverage=COVERAGE,
    )


def test_the_page_of_the_documentation_shows_the_verdicts_of_this_version():
    shown = verdicts_on(PAGE.read_text(encoding="utf-8"))
    assert shown == {record.id: f"{verdict_of(record)}, yes" for record in records()}


def test_every_record_scenario_and_interval_is_on_the_page(evidence):
    text = page.page(evidence)
    assert set(verdicts_on(text)) == {record.id for record in records()}
    assert all(f"| {name} |" in text for name in scenarios())
    assert "| Wilson | coin | 0.5 | 0.95 |" in text
    assert evidence.failures() == []


def test_a_record_that_does_not_agree_is_shown_and_told(evidence):
    computed = evidence.computed.copy()
    computed.loc[3, "agrees"] = False
    wrong = dataclasses.replace(evidence, computed=computed)
    name = computed.loc[3, "id"]
    assert verdicts_on(page.page(wrong))[name].endswith("**no**")
    (line,) = wrong.failures()
    assert line.startswith(f"{name}: ")


def test_a_simulation_stands_before_a_computation(evidence):
    simulated = evidence.computed.iloc[5:6].assign(verdict="simulated", answer=42.0, agrees=False)
    text = page.page(dataclasses.replace(evidence, simulated=simulated))
    name = simulated["id"].iloc[0]
    assert verdicts_on(text)[name] == "simulated, **no**"


def test_engines_that_differ_are_told(monkeypatch, evidence):
    def broken(scenario):
        raise engines.TwinError(scenario, 1, engines_difference())

    monkeypatch.setattr(engines, "check", broken)
    monkeypatch.setattr(engines, "scenarios", lambda: ["mm1"])
    table = engines_table(messages=10)
    assert not table["agrees"].any()
    (line,) = dataclasses.replace(evidence, engines=table).failures()
    assert line.startswith("mm1: ")


def engines_difference():
    from eda_sim.engine.twins import Difference

    return Difference("messages", "created_at", 3, 1, 2)


def test_the_command_fails_when_a_record_does_not_agree(monkeypatch, tmp_path, evidence):
    wrong = evidence.computed.assign(agrees=lambda table: table["id"] != table["id"].iloc[0])
    monkeypatch.setattr(verdicts, "computed_table", lambda: wrong)
    monkeypatch.setattr(verdicts, "simulated_table", lambda: evidence.simulated)
    monkeypatch.setattr(engines, "engines_table", lambda **_: evidence.engines)
    monkeypatch.setattr("eda_sim.evidence.coverage.coverage", lambda **_: COVERAGE)
    target = tmp_path / "evidence.md"
    target.write_text("the old page", encoding="utf-8")
    result = CliRunner().invoke(main, ["evidence", "--out", str(target)])
    assert result.exit_code == 1
    assert wrong["id"].iloc[0] in result.output
    assert target.read_text(encoding="utf-8") == "the old page"
    printed = CliRunner().invoke(main, ["evidence"])
    assert printed.exit_code == 1
    assert "**no**" in printed.stdout
