"""The checks of the lesson on event sourcing tell right from wrong by what an answer does."""

import ast

import pytest

import eda_sim as es
from eda_sim.lessons import State

NAME = "08_event_sourcing_and_replay_cost"
NEEDED = {"sourcing", "stuck"}


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
    """Judges run whole rebuilds; laws and twins are checked where scenarios are small."""
    from eda_sim.engine import execute

    monkeypatch.setattr(execute, "execute", execute.execute.__wrapped__)


def verdict(parts, judge, answer):
    return es.lessons.check(answer, parts[judge], name="answer").state


@pytest.mark.parametrize(
    ("events", "state"),
    [
        (..., State.MISSING),
        (100, State.CORRECT),
        (101, State.CORRECT),
        (92, State.CORRECT),
        (100.0, State.CORRECT),
        (60, State.ALMOST),
        (200, State.HINT),
        (104, State.KEEP_WORKING),
        (150, State.KEEP_WORKING),
        (0, State.KEEP_WORKING),
        (-100, State.KEEP_WORKING),
        (99.5, State.KEEP_WORKING),
        ("100", State.KEEP_WORKING),
    ],
)
def test_how_far_apart_snapshots_keep_the_promise(parts, events, state):
    assert verdict(parts, "judge_apart", events) is state


def keys(history, live=None):
    return {"producers.history.key": history, "producers.live.key": live or history}


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, State.KEEP_WORKING),
        (keys("uniform(n=1000)"), State.CORRECT),
        (keys("uniform(n=5000)"), State.CORRECT),
        (keys("zipf(n=1000, s=2.0)"), State.ALMOST),
        (keys("uniform(n=1000)", "uniform(n=1)"), State.HINT),
        ({"consumers.read-model.service": "1ms"}, State.HINT),
        ({"consumers.read-model.instances": 8}, State.HINT),
        ({"producers.live.rate": 1}, State.HINT),
    ],
    ids=["as it was", "1000", "5000", "skewed", "one only", "faster", "more readers", "fewer"],
)
def test_the_repair_of_the_rebuild(parts, changes, state):
    assert verdict(parts, "judge_freed", parts["stuck"].replace(changes)) is state


def test_a_number_is_no_repair(parts):
    assert verdict(parts, "judge_freed", 4) is State.KEEP_WORKING


def night(**changes):
    made = {
        "history": 3e6,
        "replay_rate": 4000,
        "event_rate": 3000,
        "key": "uniform(n=10000)",
    }
    return es.patterns.sourcing.rebuild.scenario(**{**made, **changes})


@pytest.mark.parametrize(
    ("scenario", "state"),
    [
        (None, State.MISSING),
        (4, State.KEEP_WORKING),
        (night(), State.HINT),
        (night(partitions=2), State.KEEP_WORKING),
        (night(partitions=3), State.KEEP_WORKING),
        (night(partitions=4), State.CORRECT),
        (night(partitions=4, seed=5), State.CORRECT),
        (night(partitions=4, messages=1000), State.CORRECT),
        (night(partitions=6), State.ALMOST),
        (night(partitions=4, history=1e6), State.KEEP_WORKING),
        (night(partitions=4, event_rate=1000), State.KEEP_WORKING),
        (night(partitions=4, replay_rate=8000), State.KEEP_WORKING),
    ],
    ids=[
        *("missing", "a number", "1", "2", "3", "4", "4, other seed", "4, coarser", "6"),
        *("less history", "fewer events", "faster"),
    ],
)
def test_the_plan_of_the_night(parts, scenario, state):
    assert verdict(parts, "judge_night", scenario) is state
