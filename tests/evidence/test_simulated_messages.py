"""Families about messages give the answer of the formula for other parameters too."""

from __future__ import annotations

import dataclasses

import pytest

from eda_sim.engine import execute as engine_room
from eda_sim.evidence.families import computed_answer
from eda_sim.evidence.records import records
from eda_sim.evidence.replications import shared_runs
from eda_sim.evidence.simulated import availability, duplicates, leases, outages, partitions
from eda_sim.evidence.simulated.trials import Share, share_of_trials
from eda_sim.evidence.verdicts import FAMILIES, Verdict, verdict_of

EXPONENTIAL = {"law": "exponential", "mean": 0.2}
LOGNORMAL = {"law": "lognormal", "mean": 3.0, "scv": 2.0}
COPIES = {"arrival_rate": 2.0, "service_rate": 4.0, "duplicate_share": 0.5}
OUTAGE = {"arrival_rate": 30.0, "capacity": 40.0, "duration": 90.0}
BUSY_OUTAGE = {"arrival_rate": 9.5, "capacity": 10.0, "duration": 3600.0}
ZIPF = {"keys": 2000, "exponent": 0.9}
HOT = {**ZIPF, "partitions": 8, "arrival_rate": 40.0, "service_rate": 12.0}
FLAT = {"keys": 300, "exponent": 1.2, "partitions": 4, "arrival_rate": 2.0, "service_rate": 1.2}

OTHER_PARAMETERS = [
    ("duplicates_apart", "mean_sojourn", COPIES),
    ("duplicates_together", "mean_sojourn", COPIES),
    ("duplicates_together", "mean_sojourn", {**COPIES, "duplicate_share": 0.05}),
    ("late", "late_duplicates", {**EXPONENTIAL, "limit": 0.1}),
    ("late", "late_duplicates", {**LOGNORMAL, "limit": 7.0}),
    ("late", "redelivery_probability", {**EXPONENTIAL, "limit": 0.1}),
    ("late", "redelivery_probability", {**LOGNORMAL, "limit": 7.0}),
    (
        "memory",
        "hit_share",
        {"keys": 20, "exponent": 0.7, "arrival_rate": 3, "memory": 4, "refreshed": True},
    ),
    (
        "memory",
        "hit_share",
        {"keys": 20, "exponent": 0.7, "arrival_rate": 3, "memory": 4, "refreshed": False},
    ),
    ("visibility_copies", "deliveries", {**EXPONENTIAL, "timeout": 0.1}),
    ("visibility_copies", "deliveries", {**LOGNORMAL, "timeout": 2.0}),
    ("visibility_kill", "work", {**EXPONENTIAL, "timeout": 0.1}),
    ("visibility_kill", "work", {**LOGNORMAL, "timeout": 2.0}),
    ("lost_acknowledgements", "executions", {"loss_probability": 0.3}),
    ("backoff", "total", {"base": 0.25, "factor": 3, "retries": 4}),
    ("backoff", "total", {"base": 0.007, "factor": 1.5, "retries": 9}),
    (
        "backoff",
        "expected",
        {"base": 2.0, "factor": 1.5, "failure_probability": 0.6, "most_attempts": 4},
    ),
    *(
        ("outage", metric, params)
        for metric in ("peak_backlog", "drain_time", "mean_delay")
        for params in (OUTAGE, BUSY_OUTAGE)
    ),
    ("rebuild", "time", {"history": 40_000, "replay_rate": 900, "event_rate": 700}),
    ("zipf", "largest_share", ZIPF),
    ("zipf", "hottest_utilization", HOT),
    ("zipf", "hottest_partition", HOT),
    ("zipf", "hottest_utilization", FLAT),
    ("zipf", "hottest_partition", FLAT),
    ("murmur2", "partition", {"key": "order-4711", "partitions": 7}),
    ("murmur2", "partition", {"key": "Zürich", "partitions": 50}),
    ("occupancy", "occupied_partitions", {"draws": 30, "categories": 12}),
    ("occupancy", "occupied_partitions", {"draws": 500, "categories": 700}),
    ("availability", "chain", {"availability": 0.9, "parts": 4}),
    ("availability", "steady", {"mean_up": 40, "mean_down": 8}),
    ("availability", "quorum", {"availability": 0.8, "parts": 5, "needed": 3}),
    ("availability", "at", {"failure_rate": 0.5, "repair_rate": 0.25, "time": 1.5}),
    ("availability", "tries", {"availability": 0.6, "tries": 2}),
    (
        "availability",
        "time_to_failure",
        {"failure_rate": 0.5, "repair_rate": 3.0, "parts": 4, "needed": 2, "crews": 2},
    ),
    ("replicas", "some_stale", {"lag_rate": 20.0, "replicas": 5, "time": 0.1}),
    ("replicas", "window", {"lag_rate": 20.0, "replicas": 5}),
]
"""Family, metric, params."""

MODULES = (availability, duplicates, leases, outages, partitions)

ONLY_COMPUTED = {"hash", "records_kept"}
"""Metrics of these families that no scenario tells: a hash has no unit, a log is not compacted."""

FLUID = 0.002
"""Of an answer in which each message stands for a drop of a backlog of some thousand."""


def like(family, metric, params):
    """Return a record of that kind with other params."""
    known = next(each for each in records() if each.family == family and each.metric == metric)
    return dataclasses.replace(known, id="other", params=params)


@pytest.fixture
def without_laws(monkeypatch):
    """Run on the engine alone: laws are checked on a short run of every scenario."""
    monkeypatch.setattr(engine_room, "execute", engine_room.execute.__wrapped__)


@pytest.mark.usefixtures("without_laws")
@pytest.mark.parametrize(
    ("family", "metric", "params"),
    OTHER_PARAMETERS,
    ids=[
        f"{family}-{metric}-{number}" for number, (family, metric, _) in enumerate(OTHER_PARAMETERS)
    ],
)
def test_other_parameters_give_the_answer_of_the_formula_too(family, metric, params):
    other = like(family, metric, params)
    expected = float(computed_answer(FAMILIES[family], other))
    (group,) = shared_runs([other], FAMILIES)
    answer = group.answers(replications=min(10, group.replications))["other"]
    if family == "outage":
        assert answer.value == pytest.approx(expected, rel=FLUID)
    elif metric in {"hottest_partition", "partition"}:
        assert answer == (expected, expected, expected)
    else:
        assert answer.holds(expected), (answer, expected)
        assert answer.half_width < 0.15 * expected


def test_every_kind_has_other_parameters_too():
    families = {family for module in MODULES for family in module.SIMULATED}
    kinds = {(record.family, record.metric) for record in records() if record.family in families}
    asked = {(family, metric) for family, metric, _ in OTHER_PARAMETERS}
    assert asked == {kind for kind in kinds if kind[1] not in ONLY_COMPUTED}
    known = [(each.family, each.params) for each in records()]
    assert not [family for family, _, params in OTHER_PARAMETERS if (family, params) in known]


@pytest.mark.parametrize(
    ("family", "metric", "params"),
    [
        (
            "availability",
            "time_to_failure",
            {"failure_rate": 0.5, "repair_rate": 3.0, "parts": 4, "needed": 2, "crews": 1},
        ),
        ("availability", "chain", {"availability": 1.0, "parts": 4}),
        ("lost_acknowledgements", "executions", {"loss_probability": 0}),
        (
            "memory",
            "hit_share",
            {"keys": 2000, "exponent": 1, "arrival_rate": 3, "memory": 4, "refreshed": False},
        ),
        ("occupancy", "records_kept", {"draws": 10, "categories": 10}),
    ],
)
def test_what_no_scenario_can_say_is_computed(family, metric, params):
    assert verdict_of(like(family, metric, params)) is Verdict.COMPUTED


def test_a_share_remembers_its_trials():
    share = Share.of(3, 4)
    assert (share, share.successes, share.trials) == (0.75, 3, 4)
    assert Share.of(0, 0) != Share.of(0, 0)


def test_shares_of_runs_are_one_sample():
    record = records()[0]
    both = share_of_trials([Share.of(1, 10), Share.of(90, 90)], record)
    assert both == share_of_trials([Share.of(91, 100)], record)
    assert both.value == 0.91
