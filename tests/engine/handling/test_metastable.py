"""A retry storm that outlives its cause: the metastable failure of HotOS'21.

N. Bronson, A. Aghayev, A. Charapko, T. Zhu, "Metastable Failures in Distributed Systems", HotOS
2021: a database answers at once below 300 queries/s; the application in front of it sends 280/s
and tries again once when it has waited 1 s. After an outage of 10 s it never recovers: everything
waits longer than a second, so everything is sent twice, and 560/s keep the queue long. Below half
the capacity (150/s) it recovers.

Here the database is a queue with one worker, and the application a handler that calls it.
"""

from functools import cache

import pytest

import eda_sim as es
from eda_sim.engine.execute import execute
from tests.engine.worlds import SECOND, deliveries

OUTAGE_BEGINS, OUTAGE_LASTS = 20, 10


@cache
def goodput(rate, retry, measured_from):
    """Return the answers in time per second, in the 20 s after ``measured_from``."""
    scenario = es.Scenario.model_validate(
        {
            "name": "metastable",
            "seed": 1,
            "duration": measured_from + 20,
            "producers": {"users": {"to": "requests", "rate": rate}},
            "channels": {"requests": {}, "queries": {}},
            "consumers": {
                "application": {"reads": "requests", "concurrency": 2000, "service": "0s"},
                "database": {"reads": "queries", "service": f"{1 / 300:.12f}s"},
            },
            "faults": [{"crash": "database", "at": OUTAGE_BEGINS, "lasts": OUTAGE_LASTS}],
        }
    )

    def application(event, context):
        yield from context.call("database", timeout=1.0, retry=retry)

    trace = execute(scenario, handlers={"application": application})
    rows = deliveries(trace, "application")
    answered = rows["finished_at"][rows["effect"] == 1] / SECOND
    return float((answered >= measured_from).sum() / 20)


RETRY_ONCE = "immediate(max_attempts=2)"


@pytest.mark.rule("H18")
def test_before_the_outage_everything_is_answered():
    assert goodput(280, RETRY_ONCE, 0) == pytest.approx(280, rel=0.05)


@pytest.mark.rule("H18")
@pytest.mark.parametrize(
    ("rate", "measured_from"),
    [pytest.param(149, 100, marks=pytest.mark.slow), (200, 60), (280, 40)],
)
def test_with_a_retry_it_stays_down_at_more_than_half_the_capacity(rate, measured_from):
    """A simulation of 40 lines: goodput after recovery is 0 at 149, 200 and 280 queries/s."""
    assert goodput(rate, RETRY_ONCE, measured_from) == 0


@pytest.mark.slow
@pytest.mark.rule("H18")
def test_with_a_retry_it_recovers_at_less_than_half_the_capacity():
    """The same simulation: goodput after recovery is 139/s at 140 queries/s."""
    assert goodput(140, RETRY_ONCE, 190) == pytest.approx(139, rel=0.05)


@pytest.mark.slow
@pytest.mark.rule("H18")
def test_without_a_retry_it_recovers_at_almost_the_capacity():
    assert goodput(280, "none", 190) == pytest.approx(280, rel=0.05)


@pytest.mark.rule("H9", "H18")
def test_with_a_budget_for_retries_it_recovers_too():
    """Retries of a tenth make 220/s of 200/s, and 300/s are enough for that."""
    budget = "immediate(max_attempts=2, budget_ratio=0.1)"
    assert goodput(200, budget, 65) == pytest.approx(200, rel=0.05)
