"""Every record that somebody else found has a verdict, and what is computed agrees with it."""

import dataclasses

import pytest

from eda_sim.analysis.estimates import Estimate
from eda_sim.evidence.families import Family, Simulation, computed_answer
from eda_sim.evidence.records import Tolerance, provenance, records
from eda_sim.evidence.verdicts import FAMILIES, Verdict, computed_table, verdict_of

RECORDS = records()
COMPUTED = [record for record in RECORDS if FAMILIES[record.family].computation_of(record)]


@pytest.mark.parametrize("record", COMPUTED, ids=[record.id for record in COMPUTED])
def test_what_is_computed_agrees_with_the_record(record):
    answer = computed_answer(FAMILIES[record.family], record)
    assert record.computed.allows(answer, record.value), (answer, record.value)


def test_every_record_has_a_verdict_and_few_are_out_of_scope():
    found = [verdict_of(record) for record in RECORDS]
    assert len(found) == 253
    assert found.count(Verdict.OUT_OF_SCOPE) <= 25


def test_records_have_names_of_their_own_and_every_family_is_asked():
    assert len({record.id for record in RECORDS}) == len(RECORDS)
    assert {record.family for record in RECORDS} == set(FAMILIES)
    assert all(record.source for record in RECORDS)
    assert "independent means" in provenance()


def test_a_looser_tolerance_than_a_millionth_has_a_reason():
    for record in RECORDS:
        tolerance = record.computed
        strict = tolerance.absolute == 0 or (tolerance.relative or 1.0) <= 1e-6
        assert strict or tolerance.why, record.id


def test_the_table_says_what_the_test_found():
    table = computed_table()
    assert list(table["id"]) == [record.id for record in RECORDS]
    assert table["agrees"].all()
    usual = table["tolerance"] == "\N{PLUS-MINUS SIGN}0.0001 %"
    assert table.loc[usual, "relative_error"].abs().max() <= 1e-6


@pytest.mark.parametrize("change", [1 + 2e-6, 1 - 2e-6, float("nan")])
def test_a_wrong_answer_is_seen(change):
    for record in COMPUTED:
        if record.computed.relative == 1e-6:
            answer = computed_answer(FAMILIES[record.family], record)
            number = answer.value if isinstance(answer, Estimate) else answer
            assert not record.computed.allows(number * change, record.value)


def test_tolerances():
    assert Tolerance(absolute=0.5).allows(1.5, 1.0)
    assert not Tolerance(absolute=0.5).allows(1.6, 1.0)
    assert Tolerance(interval=0.95).allows(Estimate(1.0, 0.9, 1.1), 1.05)
    assert not Tolerance(interval=0.95).allows(Estimate(1.0, 0.9, 1.1), 1.2)
    assert not Tolerance(interval=0.95).allows(1.0, 1.0)
    assert Tolerance(one_sided=True).allows(Estimate(1.0, 0.9, 1.1), 1.05)
    assert not Tolerance(one_sided=True).allows(1.1, 1.05)


def test_a_record_that_nobody_answers_is_an_error(monkeypatch):
    record = dataclasses.replace(RECORDS[0], metric="colour")
    monkeypatch.setitem(FAMILIES, "pbs", Family(title="nothing", compute={}))
    with pytest.raises(LookupError, match="does not answer colour"):
        verdict_of(record)
    with pytest.raises(LookupError, match="computes no colour"):
        computed_answer(FAMILIES["pbs"], record)
    monkeypatch.setitem(FAMILIES, "pbs", Family(title="nothing", reason="it has no colour"))
    assert verdict_of(record) is Verdict.OUT_OF_SCOPE
    with pytest.raises(LookupError, match="there is no family paint"):
        verdict_of(dataclasses.replace(record, family="paint"))


def test_a_simulation_goes_before_a_computation(monkeypatch):
    simulation = Simulation(scenario=lambda params: None, measure=lambda run, record: 0.0)
    family = dataclasses.replace(FAMILIES["mm1"], simulation={"mean_wait": simulation})
    monkeypatch.setitem(FAMILIES, "mm1", family)
    kinds = {record.metric: verdict_of(record) for record in RECORDS if record.family == "mm1"}
    assert kinds["mean_wait"] is Verdict.SIMULATED
    assert kinds["mean_sojourn"] is Verdict.COMPUTED
