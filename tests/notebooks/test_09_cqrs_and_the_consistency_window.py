"""The checks of the lesson on CQRS tell right from wrong by what an answer does."""

import ast

import pytest

import eda_sim as es
from eda_sim.lessons import State

NAME = "09_cqrs_and_the_consistency_window"
NEEDED = {"projections", "slow"}


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
        (0.23, State.CORRECT),
        (0.22, State.CORRECT),
        (0.25, State.CORRECT),
        (0.2, State.ALMOST),
        (0.27, State.ALMOST),
        (0.1, State.KEEP_WORKING),
        (1.0, State.KEEP_WORKING),
        (-0.23, State.KEEP_WORKING),
        (230, State.HINT),
        ("230ms", State.KEEP_WORKING),
    ],
)
def test_how_long_the_page_must_wait(parts, seconds, state):
    assert verdict(parts, "judge_patience", seconds) is state


QUERY = "consumers.query-side-0"


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, State.KEEP_WORKING),
        ({f"{QUERY}.subscription.fetch_min_bytes": 1}, State.CORRECT),
        ({f"{QUERY}.subscription.fetch_max_wait": "20ms"}, State.CORRECT),
        ({f"{QUERY}.subscription.fetch_max_wait": "200ms"}, State.ALMOST),
        ({f"{QUERY}.subscription.fetch_max_wait": "1s"}, State.KEEP_WORKING),
        ({f"{QUERY}.service": "exponential(1ms)"}, State.HINT),
        ({"producers.customers.rate": 10}, State.HINT),
    ],
    ids=["as it was", "min bytes", "20 ms", "200 ms", "1 s", "faster", "fewer"],
)
def test_the_repair(parts, changes, state):
    assert verdict(parts, "judge_repair", parts["slow"].replace(changes)) is state


def larger(**changes):
    made = {
        "rate": 150,
        "command": "exponential(2ms)",
        "project": "exponential(10ms)",
        "duration": "60s",
        "warmup": "10s",
    }
    return es.patterns.projections.services.scenario(**{**made, **changes})


@pytest.mark.parametrize(
    ("scenario", "state"),
    [
        (None, State.MISSING),
        (3, State.KEEP_WORKING),
        (larger(), State.HINT),
        (larger(query_instances=2), State.KEEP_WORKING),
        (larger(query_instances=3), State.CORRECT),
        (larger(query_instances=3, seed=5), State.CORRECT),
        (larger(query_instances=4), State.ALMOST),
        (larger(query_instances=3, replicas=2), State.HINT),
        (larger(query_instances=3, rate=100), State.KEEP_WORKING),
        (larger(query_instances=3, project="exponential(5ms)"), State.KEEP_WORKING),
    ],
    ids=["missing", "a number", "1", "2", "3", "3, other seed", "4", "two", "100/s", "5 ms"],
)
def test_the_size_of_the_query_side(parts, scenario, state):
    assert verdict(parts, "judge_larger", scenario) is state
