"""Leases that run out while the work goes on: how often, by the distribution of the service."""

from __future__ import annotations

import math

import pytest

from eda_sim.engine.execute import execute
from eda_sim.engine.trace import LeaseEnd, Trace
from eda_sim.spec import Scenario
from tests.engine.worlds import copies, deliveries, world

LEASE_S = 30


def first_leases_that_ran_out(trace: Trace) -> tuple[int, int]:
    """Return how many first deliveries there were, and how many of them outlived their lease."""
    first = deliveries(trace).query("attempt == 1 and lease_end != 0")
    return len(first), int((first["lease_end"] == LeaseEnd.EXPIRED).sum())


def spaced(service: str, every_s: float, count: int, **subscription: object) -> Scenario:
    """Return messages that come so far apart that each finds all at rest."""
    return world(
        seed=7,
        messages=count,
        drain=True,
        drain_timeout="30d",
        producer={"arrivals": {"type": "constant", "interval": every_s}},
        consumer={
            "service": service,
            "instances": 8,
            "subscription": {"lease_timeout": f"{LEASE_S}s", **subscription},
        },
    )


def within_binomial_error(seen: int, trials: int, expected: float) -> bool:
    return abs(seen - trials * expected) < 3 * math.sqrt(trials * expected * (1 - expected))


@pytest.mark.rule("D10", "D11")
@pytest.mark.parametrize(("mean_s", "published"), [(5, 0.0025), (10, 0.0498), (20, 0.223)])
def test_one_message_at_a_time_outlives_its_lease_by_its_own_time(mean_s, published):
    # Visibility timeout of 30 s, exponential service: P(S > 30 s) = exp(-30 / m), as in SQS.
    assert math.exp(-LEASE_S / mean_s) == pytest.approx(published, rel=0.01)
    trials, seen = first_leases_that_ran_out(execute(spaced(f"exponential({mean_s}s)", 400, 8_000)))
    assert trials == 8_000
    assert within_binomial_error(seen, trials, math.exp(-LEASE_S / mean_s))


def erlang_survival(stages: int, mean_s: float) -> float:
    ratio = LEASE_S / mean_s
    return math.exp(-ratio) * sum(ratio**k / math.factorial(k) for k in range(stages))


@pytest.mark.rule("D3", "D10")
@pytest.mark.parametrize(("mean_s", "published"), [(2, 0.0137), (3, 0.125)])
def test_in_a_batch_the_lease_covers_the_wait_for_the_others(mean_s, published):
    # Ten messages in one receive call, worked off one after the other: the i-th needs an Erlang
    # time of i stages, so the mean of P(E_i > 30 s) over i.
    expected = sum(erlang_survival(i, mean_s) for i in range(1, 11)) / 10
    assert expected == pytest.approx(published, rel=0.005)
    scenario = world(
        seed=3,
        messages=20_000,
        drain=True,
        producer={"arrivals": "constant(interval=1000s)", "bulk": 10},
        # A worker that waits at the queue would get the first of ten alone: so it polls.
        consumer={
            "service": f"exponential({mean_s}s)",
            "subscription": {
                "lease_timeout": f"{LEASE_S}s",
                "fetch_max_messages": 10,
                "fetch_max_wait": 0,
                "poll_interval": "100s",
            },
        },
    )
    trials, seen = first_leases_that_ran_out(execute(scenario))
    assert trials == 20_000
    # Messages of one batch depend on each other: three times the error of independent batches.
    assert seen / trials == pytest.approx(expected, abs=3 * math.sqrt(expected / (trials / 10)))


ORACLES = {
    "vis.exp.0.2.30.0": 0.0024787521766663585,
    "vis.exp.1.0.3.0": 0.049787068367863944,
    "vis.exp.copies.0.2.30.0": 1.0024849116568446,
    "vis.exp.copies.1.0.3.0": 1.052395696491256,
    "vis.logn.2.0": 0.04129560971115318,
    "vis.logn.kill.2.0": 1.9624421851181917,
}
"""Closed forms; each was computed twice by independent means (see eda_sim/evidence/oracles.json for
the form of the records)."""


@pytest.mark.rule("D11")
@pytest.mark.parametrize(
    ("service", "lease_s", "oracle"),
    [
        ("exponential(5s)", 30, "vis.exp.0.2.30.0"),  # P(S > V)
        ("exponential(1s)", 3, "vis.exp.1.0.3.0"),
        ("lognormal(mean=2s, cv=1)", 6, "vis.logn.2.0"),  # lognormal survival
    ],
)
def test_the_share_of_leases_that_run_out_is_the_survival_of_the_service(service, lease_s, oracle):
    scenario = spaced(service, 400, 8_000, lease_timeout=f"{lease_s}s")
    trials, seen = first_leases_that_ran_out(execute(scenario))
    assert within_binomial_error(seen, trials, ORACLES[oracle])


@pytest.mark.rule("D11", "D17")
@pytest.mark.parametrize(
    ("mean_s", "lease_s", "oracle"),
    [(5, 30, "vis.exp.copies.0.2.30.0"), (1, 3, "vis.exp.copies.1.0.3.0")],
)
def test_one_more_delivery_for_each_lease_that_passes(mean_s, lease_s, oracle):
    # The original keeps running and one more delivery is made each V until it is done:
    # E[ceil(S / V)] = 1 / (1 - exp(-mu V)). The others wait behind it, at the same worker, and find
    # it done; a deduplicator skips them.
    scenario = world(
        seed=5,
        messages=20_000,
        drain=True,
        producer={"arrivals": "constant(interval=400s)"},
        consumer={
            "service": f"exponential({mean_s}s)",
            "dedup": {"count": 10},
            "subscription": {"delivery": "push", "lease_timeout": f"{lease_s}s"},
        },
    )
    held = copies(execute(scenario))
    assert held["deliveries"].mean() == pytest.approx(ORACLES[oracle], rel=0.01)


@pytest.mark.rule("D11", "D19")
@pytest.mark.parametrize(
    ("mean_s", "lease_s", "oracle"),
    [(5, 30, "vis.exp.copies.0.2.30.0"), (1, 3, "vis.exp.copies.1.0.3.0")],
)
def test_work_that_is_killed_with_its_lease_is_tried_as_often(mean_s, lease_s, oracle):
    # The same mean for attempts with fresh exponential times: 1 / (1 - exp(-mu V)).
    scenario = spaced(f"exponential({mean_s}s)", 400, 20_000, lease_timeout=None)
    scenario = scenario.replace(
        {"consumers.server.timeout": f"{lease_s}s", "consumers.server.on_exhausted": "release"}
    )
    held = copies(execute(scenario))
    assert held["deliveries"].mean() == pytest.approx(ORACLES[oracle], rel=0.01)


@pytest.mark.rule("D11", "D19")
def test_work_that_is_killed_and_begun_anew_takes_that_much_time_in_all():
    # int_0^V P(S > t) dt / P(S <= V): lognormal service, mean 2 s, cv 1, killed after 6 s.
    scenario = spaced("lognormal(mean=2s, cv=1)", 400, 20_000, lease_timeout=None)
    scenario = scenario.replace(
        {"consumers.server.timeout": "6s", "consumers.server.on_exhausted": "release"}
    )
    rows = deliveries(execute(scenario))
    worked = (rows["finished_at"] - rows["started_at"]).groupby(rows["message_id"]).sum()
    assert worked.mean() / 1e9 == pytest.approx(ORACLES["vis.logn.kill.2.0"], rel=0.01)


def test_these_are_the_closed_forms():
    assert ORACLES["vis.exp.0.2.30.0"] == pytest.approx(math.exp(-6), rel=1e-9)
    assert ORACLES["vis.exp.copies.1.0.3.0"] == pytest.approx(1 / (1 - math.exp(-3)), rel=1e-9)
    sigma = math.sqrt(math.log(2))
    normal = (math.log(6) - (math.log(2) - sigma**2 / 2)) / sigma
    survival = math.erfc(normal / math.sqrt(2)) / 2
    assert ORACLES["vis.logn.2.0"] == pytest.approx(survival, rel=1e-9)
