"""The checks of the lesson on failures tell right from wrong by what an answer does."""

import ast

import pytest

import eda_sim as es
from eda_sim.lessons import State

NAME = "05_failure_and_recovery"
NEEDED = {"shop", "kafka", "group"}


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
    ("instances", "state"),
    [
        (..., State.MISSING),
        (3, State.KEEP_WORKING),
        (4, State.KEEP_WORKING),
        (6, State.ALMOST),
        (7, State.CORRECT),
        (9, State.ALMOST),
        (6.4, State.HINT),
        (160, State.HINT),
    ],
)
def test_how_many_instances(parts, instances, state):
    assert verdict(parts, "judge_instances", instances) is state


GROUP = "consumers.billing.subscription"
SOONER = {f"{GROUP}.lease_timeout": "10s"}
COOPERATIVE = {f"{GROUP}.rebalance_protocol": "cooperative", f"{GROUP}.assignor": "sticky"}


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, State.KEEP_WORKING),
        ({**SOONER, **COOPERATIVE, "channels.orders.partitions": 12}, State.CORRECT),
        (SOONER, State.CORRECT),
        ({f"{GROUP}.static_membership": True}, State.ALMOST),
        (COOPERATIVE, State.KEEP_WORKING),
        ({f"{GROUP}.lease_timeout": "4s"}, State.HINT),
        ({"consumers.billing.instances": 8, "channels.orders.partitions": 8}, State.HINT),
        ({"consumers.billing.service": "1ms"}, State.HINT),
        ({"producers.shop.rate": "10/s"}, State.HINT),
        ({"faults": []}, State.HINT),
        ({**SOONER, "consumers.billing.settle": "before"}, State.HINT),
    ],
    ids=[
        "as it was",
        "all three",
        "10 s",
        "static",
        "cooperative",
        "4 s",
        "8 instances",
        "faster",
        "fewer orders",
        "no crash",
        "at most once",
    ],
)
def test_the_repair(parts, changes, state):
    assert verdict(parts, "judge_repair", parts["kafka"].replace(changes)) is state


def stops(*, gap=60, lasts="10s", first=30, numbers=range(4), kind="stop"):
    return [
        {kind: f"billing/{number}", "at": f"{first + gap * place}s", "lasts": lasts}
        for place, number in enumerate(numbers)
    ]


STATIC = {f"{GROUP}.static_membership": True}


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, State.KEEP_WORKING),
        ({**STATIC, "faults": stops()}, State.CORRECT),
        ({**STATIC, "faults": stops(gap=15)}, State.CORRECT),
        ({"faults": stops(gap=10)}, State.KEEP_WORKING),
        ({**STATIC, "faults": stops(lasts="15s")}, State.ALMOST),
        ({**STATIC, "faults": stops(gap=5)}, State.HINT),
        ({**STATIC, "faults": stops(lasts="2s")}, State.KEEP_WORKING),
        ({**STATIC, "faults": stops(numbers=(0, 1, 2, 2))}, State.KEEP_WORKING),
        ({**STATIC, "faults": stops(first=200)}, State.KEEP_WORKING),
        ({**STATIC, "faults": stops(kind="crash")}, State.KEEP_WORKING),
        ({**STATIC, "faults": stops(), "consumers.billing.service": "1ms"}, State.HINT),
        ({**STATIC, "faults": stops(), "channels.orders.partitions": 8}, State.HINT),
    ],
    ids=[
        "as it was",
        "static",
        "static, closer",
        "unknown members",
        "15 s",
        "two at a time",
        "2 s",
        "one twice",
        "too late",
        "crashes",
        "faster",
        "8 partitions",
    ],
)
def test_the_release(parts, changes, state):
    assert verdict(parts, "judge_release", parts["kafka"].replace(changes)) is state


@pytest.mark.parametrize("judge", ["judge_repair", "judge_release"])
def test_what_is_no_scenario_is_told_so(parts, judge):
    assert verdict(parts, judge, 3) is State.KEEP_WORKING
