"""Families about partial quorums give the answer of the formula for other parameters too."""

from __future__ import annotations

import dataclasses

import pytest

from eda_sim.engine import execute as engine_room
from eda_sim.evidence.families import computed_answer
from eda_sim.evidence.records import records
from eda_sim.evidence.replications import shared_runs
from eda_sim.evidence.simulated import quorums
from eda_sim.evidence.verdicts import FAMILIES, Verdict, verdict_of

FIVE = {"legs": "linkedin-ssd", "replicas": 5, "reads": 1, "writes": 2}
TABLE = {**FIVE, "trials": 5000, "step": 0.02}
SLOW = {"write_rate": 0.02, "other_rate": 0.1, "replicas": 2, "reads": 1, "writes": 1}
VERSIONS = {"replicas": 5, "reads": 2, "writes": 1, "versions": 3}

OTHER_PARAMETERS = [
    ("pbs", "stale_probability", 0.2, FIVE),
    ("pbs", "visible_after", 0.99, FIVE),
    ("pbs", "read_quantile", 0.9, FIVE),
    ("pbs", "write_quantile", 0.9, FIVE),
    ("pbs_table", "read_quantile", 0.95, TABLE),
    ("pbs_table", "write_quantile", 0.95, TABLE),
    ("pbs_table", "first_crossing", 0.99, TABLE),
    ("pbs_text", "consistent_probability", 0.1, FIVE),
    ("pbs_exponential", "stale_probability", 20.0, SLOW),
    ("pbs_exponential", "visible_after", 0.98, SLOW),
    ("pbs_exponential", "consistent_probability", 0.0, SLOW),
    ("pbs_versions", "recent_probability", None, VERSIONS),
    (
        "pbs_monotonic",
        "violation_probability",
        None,
        {"replicas": 4, "reads": 2, "writes": 1, "writes_per_read": 2},
    ),
]
"""Family, metric, where it is asked, params."""


def like(family, metric, at, params):
    known = next(each for each in records() if each.family == family and each.metric == metric)
    return dataclasses.replace(known, id="other", params=params, at=at)


@pytest.fixture
def without_laws(monkeypatch):
    """Run on the engine alone: laws are checked on a short run of every scenario."""
    monkeypatch.setattr(engine_room, "execute", engine_room.execute.__wrapped__)


@pytest.mark.usefixtures("without_laws")
def test_other_parameters_give_the_answer_of_the_formula_too(monkeypatch):
    monkeypatch.setattr(quorums, "WRITES", 30_000)
    asked = {
        (family, metric): like(family, metric, at, params)
        for family, metric, at, params in OTHER_PARAMETERS
    }
    named = [
        dataclasses.replace(record, id=f"{record.family}.{record.metric}")
        for record in asked.values()
    ]
    for group in shared_runs(named, FAMILIES):
        answers = group.answers()
        for record, _ in group.asked:
            expected, answer = computed_answer(FAMILIES[record.family], record), answers[record.id]
            if record.metric == "first_crossing":
                assert answer.value == pytest.approx(expected.value, rel=0.04)
                assert answer.low == pytest.approx(expected.low, rel=0.08)
                assert answer.high == pytest.approx(expected.high, rel=0.08)
            else:
                assert answer.holds(float(expected)), (record.id, answer, expected)
                assert answer.half_width < 0.15 * float(expected), record.id


def test_every_kind_has_other_parameters_too():
    kinds = {
        (record.family, record.metric) for record in records() if record.family in quorums.SIMULATED
    }
    assert {(family, metric) for family, metric, *_ in OTHER_PARAMETERS} == kinds
    known = [(each.family, each.params) for each in records()]
    assert not [family for family, *_, params in OTHER_PARAMETERS if (family, params) in known]
    assert all(
        verdict_of(each) is Verdict.SIMULATED for each in records() if each.family in dict(kinds)
    )


@pytest.mark.usefixtures("without_laws")
def test_writes_that_are_a_tenth_slower_are_seen():
    """Twice as slow would be another unit of time if all were; so only the writes are."""
    record = like("pbs_exponential", "stale_probability", 0.0, SLOW)
    expected = float(computed_answer(FAMILIES["pbs_exponential"], record))
    slower = dataclasses.replace(record, params={**SLOW, "write_rate": SLOW["write_rate"] / 1.1})
    (group,) = shared_runs([slower], FAMILIES)
    assert not group.answers()["other"].holds(expected)


def test_reads_with_half_a_write_between_them_are_computed():
    params = {"replicas": 3, "reads": 1, "writes": 1, "writes_per_read": 0.5}
    record = like("pbs_monotonic", "violation_probability", None, params)
    assert verdict_of(record) is Verdict.COMPUTED
