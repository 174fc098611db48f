"""Every bundled scenario asks a question, and what its header proposes to try can be tried."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import pytest

import eda_sim as es
from eda_sim.spec import parse_value

TESTS = "\n".join(
    path.read_text(encoding="utf-8")
    for path in sorted(Path(__file__).parent.parent.rglob("test_*.py"))
)
CHANGE = re.compile(r"`--set ([^`]+)`")


def header_of(name: str) -> list[str]:
    """Return the lines of the comment at the top of a bundled scenario."""
    text = (files("eda_sim") / "data" / "scenarios" / f"{name}.yaml").read_text(encoding="utf-8")
    comment = text[: text.index("name:")]
    return [line.removeprefix("#").strip() for line in comment.splitlines()]


def proposals() -> list[tuple[str, str]]:
    """Return the changes that headers propose, each with the name of its scenario."""
    return [
        (name, change.strip('"'))
        for name in es.scenarios()
        for change in CHANGE.findall(" ".join(header_of(name)))
    ]


@pytest.mark.parametrize("name", es.scenarios())
def test_a_header_asks_a_question_and_so_does_the_description(name):
    question = header_of(name)[0]
    assert question.endswith("?")
    description = es.load(name).description
    assert description.endswith("?")
    assert len(description) <= 100
    # The same question, perhaps in fewer words.
    assert description.split()[0] == question.split()[0]


@pytest.mark.parametrize("name", es.scenarios())
def test_a_test_runs_it(name):
    assert f'"{name}"' in TESTS


def test_headers_propose_something():
    assert len(proposals()) >= 25


@pytest.mark.parametrize(("name", "change"), proposals())
def test_what_a_header_proposes_changes_the_scenario(name, change):
    path, _, value = change.partition("=")
    changes = {path: parse_value(value)}
    if path.endswith(".flush_time"):  # the price of the flush that is proposed before it
        changes[path.replace("flush_time", "flush")] = "before_ack"
    scenario = es.load(name)
    assert scenario.replace(changes) != scenario


@pytest.mark.parametrize(("name", "change"), proposals())
def test_what_a_header_proposes_is_tried_in_a_test(name, change):
    assert change.rpartition(".")[2] in TESTS
