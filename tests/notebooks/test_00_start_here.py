"""The checks of the tour tell right from wrong by what an answer does."""

import ast

import pytest

import eda_sim as es
from eda_sim.lessons import State

NAME = "00_start_here"
NEEDED = {"capacity", "tickets", "half", "crashed", "bad_day", "on_hand_over", "careless"}


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
    """Judges run whole hours; laws and twins are checked where scenarios are small."""
    from eda_sim.engine import execute

    monkeypatch.setattr(execute, "execute", execute.execute.__wrapped__)


def verdict(parts, judge, answer):
    return es.lessons.check(answer, parts[judge], name="answer").state


@pytest.mark.parametrize(
    ("number", "state"),
    [
        (..., State.MISSING),
        (1, State.HINT),
        (2, State.KEEP_WORKING),
        (3, State.CORRECT),
        (3.0, State.CORRECT),
        (4, State.ALMOST),
        (9, State.ALMOST),
        (2.5, State.KEEP_WORKING),
        (0, State.KEEP_WORKING),
        (-3, State.KEEP_WORKING),
        ("3", State.KEEP_WORKING),
    ],
)
def test_the_mailers_of_the_festival(parts, number, state):
    assert verdict(parts, "judge_mailers", number) is state


AFTER = {"consumers.mailer.settle": "after"}
MEMORY = {"consumers.mailer.dedup": {"window": "10min"}}
LEASE = {"consumers.mailer.subscription": {"lease_timeout": "30s"}}


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, State.KEEP_WORKING),
        (MEMORY, State.KEEP_WORKING),
        (AFTER | LEASE, State.ALMOST),
        (AFTER | LEASE | {"consumers.mailer.dedup": {"window": "1s"}}, State.ALMOST),
        (AFTER | MEMORY, State.CORRECT),
        (AFTER | LEASE | MEMORY, State.CORRECT),
        (AFTER | LEASE | {"consumers.mailer.dedup": {"count": 5000}}, State.CORRECT),
        ({"consumers.mailer.settle": "before"}, State.KEEP_WORKING),
        ({"faults": []}, State.HINT),
        ({"producers.shop.rate": "1/s"}, State.HINT),
    ],
    ids=[
        "as it was",
        "memory alone",
        "after alone",
        "forgets at once",
        "both",
        "both and a lease",
        "by count",
        "before",
        "a good day",
        "fewer tickets",
    ],
)
def test_each_ticket_once(parts, changes, state):
    assert verdict(parts, "judge_repaired", parts["careless"].replace(changes)) is state


BOOKKEEPING = {"reads": "sold", "service": "exponential(50ms)"}


def second_reader(**changes):
    return {"consumers.bookkeeping": BOOKKEEPING | changes}


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, State.KEEP_WORKING),
        (second_reader(), State.CORRECT),
        (second_reader(service="exponential(mean=0.05s)", instances=2), State.CORRECT),
        (second_reader(service="50ms"), State.ALMOST),
        (second_reader(service="exponential(60ms)"), State.ALMOST),
        (second_reader(reads="ledger") | {"channels.ledger": {}}, State.KEEP_WORKING),
        (second_reader() | {"consumers.mailer.instances": 2}, State.HINT),
        ({"consumers.books": BOOKKEEPING}, State.KEEP_WORKING),
        (second_reader() | {"producers.shop.rate": "4/s"}, State.KEEP_WORKING),
    ],
    ids=[
        "alone",
        "right",
        "two instances",
        "constant",
        "slower",
        "another channel",
        "another mailer",
        "another name",
        "other tickets",
    ],
)
def test_the_second_reader(parts, changes, state):
    assert verdict(parts, "judge_both", parts["tickets"].replace(changes)) is state


def test_what_is_no_scenario_is_told_so(parts):
    for judge in ("judge_repaired", "judge_both"):
        assert verdict(parts, judge, ...) is State.MISSING
        assert verdict(parts, judge, {"settle": "after"}) is State.KEEP_WORKING
