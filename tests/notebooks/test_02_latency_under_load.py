"""The checks of the lesson on latency under load tell right from wrong by what an answer does."""

import ast

import pytest

import eda_sim as es
from eda_sim.lessons import State

NAME = "02_latency_under_load"
NEEDED = {"capacity", "shop", "broken", "before"}


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


def verdict(parts, judge, answer):
    return es.lessons.check(answer, parts[judge], name="answer").state


@pytest.mark.parametrize(
    ("rate", "state"),
    [
        (..., State.MISSING),
        (77, State.CORRECT),
        (75.5, State.CORRECT),
        (70, State.ALMOST),
        (79.5, State.ALMOST),
        (50, State.KEEP_WORKING),
        (90, State.KEEP_WORKING),
        (100, State.HINT),
        (0.77, State.HINT),
        (-3, State.KEEP_WORKING),
        ("77", State.KEEP_WORKING),
    ],
)
def test_the_largest_rate(parts, rate, state):
    assert verdict(parts, "judge_rate", rate) is state


def warehouse(**changes):
    scenario = es.Scenario(
        name="mine",
        duration="8s",
        warmup="2s",
        producers={"in": {"to": "queue", "rate": "400/s"}},
        channels={"queue": {}},
        consumers={"billing": {"reads": "queue", "service": "exponential(mean=10ms)"}},
    )
    return scenario.replace({path.replace("__", "."): value for path, value in changes.items()})


@pytest.mark.parametrize(
    ("scenario", "state"),
    [
        (None, State.MISSING),
        (6, State.KEEP_WORKING),
        (warehouse(consumers__billing__instances=4), State.HINT),
        (warehouse(consumers__billing__instances=5), State.KEEP_WORKING),
        (warehouse(consumers__billing__instances=6), State.CORRECT),
        (
            warehouse(consumers__billing__instances=3, consumers__billing__concurrency=2),
            State.CORRECT,
        ),
        (warehouse(consumers__billing__instances=9), State.ALMOST),
        (
            warehouse(consumers__billing__instances=6, producers__in__rate="40/s"),
            State.KEEP_WORKING,
        ),
        (
            warehouse(consumers__billing__instances=6, consumers__billing__service="10ms"),
            State.KEEP_WORKING,
        ),
    ],
    ids=["missing", "a number", "4", "5", "6", "3 x 2", "9", "40/s", "constant"],
)
def test_the_size_of_the_warehouse(parts, scenario, state):
    assert verdict(parts, "judge_warehouse", scenario) is state


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, State.KEEP_WORKING),
        ({"consumers.billing.subscription.lease_scope": "delivery"}, State.CORRECT),
        (
            {
                "consumers.billing.subscription.lease_scope": "delivery",
                "channels.orders.partitions": 1,
                "consumers.billing.instances": 1,
                "consumers.billing.concurrency": 4,
            },
            State.CORRECT,
        ),
        ({"consumers.billing.instances": 8}, State.HINT),
        ({"consumers.billing.service": "exponential(30ms)"}, State.HINT),
        ({"producers.shop.rate": "60/s"}, State.HINT),
    ],
    ids=["as it was", "shared", "one instance of four", "more", "faster", "less"],
)
def test_the_repair(parts, changes, state):
    assert verdict(parts, "judge_repair", parts["broken"].replace(changes)) is state
