"""The checks of the lesson on duplicates tell right from wrong by what an answer does."""

import ast

import pytest

import eda_sim as es
from eda_sim.lessons import State

NAME = "06_duplicates_and_idempotency"
NEEDED = {"idempotency", "hasty"}


@pytest.fixture(scope="module")
def parts(build):
    """What the exercises of the lesson use: its parameters, scenarios and functions."""
    namespace = {}
    source = build.read_source(build.SOURCES / f"{NAME}.py")
    for cell in source.cells:
        if cell.cell_type != "code" or "solution" in build.tags(cell):
            continue
        for statement in ast.parse(cell.source).body:
            names = {
                target.id
                for target in getattr(statement, "targets", [])
                if isinstance(target, ast.Name)
            }
            wanted = isinstance(statement, ast.Import | ast.FunctionDef | ast.AnnAssign)
            if wanted or names & NEEDED:
                exec(compile(ast.Module([statement], []), NAME, "exec"), namespace)
    return namespace


@pytest.fixture(autouse=True)
def _compiled_engine_alone(monkeypatch):
    """Judges run whole minutes; laws and twins are checked where scenarios are small."""
    from eda_sim.engine import execute

    monkeypatch.setattr(execute, "execute", execute.execute.__wrapped__)


def verdict(parts, judge, answer):
    return es.lessons.check(answer, parts[judge], name="answer").state


@pytest.mark.parametrize(
    ("seconds", "state"),
    [
        (..., State.MISSING),
        (34.5, State.CORRECT),
        (32, State.CORRECT),
        (37, State.CORRECT),
        (30, State.ALMOST),
        (45, State.ALMOST),
        (10, State.KEEP_WORKING),
        (300, State.KEEP_WORKING),
        (-5, State.KEEP_WORKING),
        (34_500, State.HINT),
        ("34s", State.KEEP_WORKING),
    ],
)
def test_how_long_a_window(parts, seconds, state):
    assert verdict(parts, "judge_window", seconds) is state


TIMEOUT = "consumers.payments.subscription.lease_timeout"


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, State.KEEP_WORKING),
        ({TIMEOUT: "20s"}, State.CORRECT),
        ({TIMEOUT: "60s"}, State.CORRECT),
        ({TIMEOUT: "5500ms"}, State.ALMOST),
        ({TIMEOUT: "3s"}, State.KEEP_WORKING),
        ({TIMEOUT: "5min"}, State.KEEP_WORKING),
        ({"consumers.payments.settle": "before"}, State.HINT),
        ({"consumers.payments.service": "exponential(100ms)"}, State.HINT),
        ({"producers.shop.rate": 1}, State.HINT),
        ({"faults": []}, State.HINT),
    ],
    ids=["as it was", "20 s", "60 s", "5.5 s", "3 s", "5 min", "before", "faster", "fewer", "calm"],
)
def test_the_repair(parts, changes, state):
    assert verdict(parts, "judge_repair", parts["hasty"].replace(changes)) is state


def test_the_repair_is_a_scenario(parts):
    assert verdict(parts, "judge_repair", 20) is State.KEEP_WORKING
    assert verdict(parts, "judge_repair", None) is State.MISSING


@pytest.mark.parametrize(
    ("memory", "state"),
    [
        (None, State.MISSING),
        ({"window_s": 300, "refreshed": True}, State.CORRECT),
        ({"window_s": 280, "refreshed": True}, State.CORRECT),
        ({"window_s": 220, "refreshed": True}, State.ALMOST),
        ({"window_s": 100, "refreshed": True}, State.KEEP_WORKING),
        ({"window_s": 300, "refreshed": False}, State.KEEP_WORKING),
        ({"window_s": 600, "refreshed": False}, State.HINT),
        ({"window_s": 300}, State.KEEP_WORKING),
        (300, State.KEEP_WORKING),
    ],
)
def test_the_memory(parts, memory, state):
    assert verdict(parts, "judge_memory", memory) is state
