"""What is simulated agrees with the records, on both engines, and a wrong engine is seen."""

from __future__ import annotations

import ast
import dataclasses
import math
from importlib import resources

import pytest

from eda_sim.engine import execute as engine_room
from eda_sim.engine.streams.tables import ROW_WIDTH, Kind
from eda_sim.engine.twins import check_twins
from eda_sim.evidence.families import computed_answer
from eda_sim.evidence.records import records
from eda_sim.evidence.replications import shared_runs
from eda_sim.evidence.verdicts import FAMILIES, simulated_table, tolerance_of_simulation
from tests.evidence.other_parameters import OTHER_PARAMETERS

SIMULATED = [
    record for record in records() if FAMILIES[record.family].simulation_of(record) is not None
]

NOT_SIMULATED = {("murmur2", "hash")}
"""A step on the way to a partition, which no run shows."""

MESSAGES = {"asymptotic_variance": 400_000}
"""Of a run with other parameters; a variance of averages needs long ones."""

SHORT = 20_000
"""Messages of a run of the reference engine."""

WRONG = 1.02
"""Times as long as it should a wrong engine takes for every service."""

TELLING = {record.family for record in SIMULATED if not record.id.startswith("pbs.")}
"""A store whose messages are all slower is the same store in another unit of time."""


@pytest.fixture
def without_laws(monkeypatch):
    """Run on the engines alone: laws are checked on a short run of every scenario, below."""
    monkeypatch.setattr(engine_room, "execute", engine_room.execute.__wrapped__)


@pytest.fixture(scope="module")
def judged():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine_room, "execute", engine_room.execute.__wrapped__)
        return simulated_table().set_index("id")


make_plan = engine_room.make_plan


def plan_with_slow_services(scenario, **options):
    """Lower a scenario to a plan whose service times are all too long."""
    plan = make_plan(scenario, **options)
    for row in plan.consumers.service.tolist():
        stretch(plan.distributions.data, row * ROW_WIDTH)
    return plan


def stretch(data, row):
    """Multiply what is drawn from one row of a table of distributions."""
    kind, first, _, begin, length = data[row : row + ROW_WIDTH]
    entries = slice(int(begin), int(begin + length))
    behind = slice(entries.stop, entries.stop + int(length))
    match kind:
        case Kind.LOGNORMAL:
            data[row + 1] = first + math.log(WRONG)
        case Kind.UNIFORM:
            data[row + 1 : row + 3] *= WRONG
        case Kind.HYPEREXPONENTIAL:
            data[behind] *= WRONG
        case Kind.EMPIRICAL:
            data[entries] *= WRONG
        case Kind.MIXTURE:
            for component in data[behind].astype(int).tolist():
                stretch(data, component * ROW_WIDTH)
        case _:
            data[row + 1] = first * WRONG


def shortened(scenario, messages):
    """Return a scenario that ends after about so many messages; one without warm-up as it is."""
    if not (scenario.warmup and scenario.drain):
        return scenario
    rate = math.fsum(producer.arrivals.rate for producer in scenario.producers.values())
    share = min(1.0, messages / (rate * scenario.duration))
    names = ("duration", "warmup", "drain_timeout")
    return scenario.replace({name: f"{share * getattr(scenario, name)}s" for name in names})


def judged_by_a_wrong_engine(families):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine_room, "execute", engine_room.execute.__wrapped__)
        patch.setattr(engine_room, "make_plan", plan_with_slow_services)
        return simulated_table(families=families).set_index("id")


def depends_on_service(families):
    """Return the records whose answer changes when services take longer, in short runs."""
    asked = [record for record in SIMULATED if record.family in families]
    short = [
        dataclasses.replace(group, scenario=shortened(group.scenario, 20_000))
        for group in shared_runs(asked, FAMILIES)
    ]
    right, wrong = {}, {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine_room, "execute", engine_room.execute.__wrapped__)
        for group in short:
            right |= group.answers(replications=1)
        patch.setattr(engine_room, "make_plan", plan_with_slow_services)
        for group in short:
            wrong |= group.answers(replications=1)
    return [name for name, answer in right.items() if answer.value != wrong[name].value]


@pytest.mark.slow
@pytest.mark.parametrize("record", SIMULATED, ids=[record.id for record in SIMULATED])
def test_what_is_simulated_agrees_with_the_record(record, judged):
    row = judged.loc[record.id]
    assert row["agrees"], row.to_dict()
    assert row["verdict"] == "simulated"


def test_both_engines_run_every_scenario_alike():
    """Laws and twins, on the beginning of each scenario."""
    for group in shared_runs(SIMULATED, FAMILIES):
        reference, _ = check_twins(shortened(group.scenario, 2_000))
        assert reference.messages["created_at"].size >= 5, group.scenario.name


@pytest.mark.soak
@pytest.mark.usefixtures("without_laws")
@pytest.mark.parametrize("family", sorted({record.family for record in SIMULATED}))
def test_the_reference_engine_agrees_with_the_records(family):
    """Within 99.9 % intervals: it is too slow for runs that come within a few percent."""
    chosen = [record for record in SIMULATED if record.family == family]
    for group in shared_runs(chosen, FAMILIES):
        short = dataclasses.replace(group, scenario=shortened(group.scenario, SHORT))
        runs = min(10, group.replications)
        answers = short.answers(engine="reference", replications=runs)
        assert answers == short.answers(engine="compiled", replications=runs)
        for record, _ in group.asked:
            answer, tolerance = answers[record.id], tolerance_of_simulation(record)
            right = answer.holds(record.value) or tolerance.allows(answer, record.value)
            assert right or is_rare(record, SHORT), (record.id, answer)


def is_rare(record, messages):
    """Return whether a quantile is that of fewer than a hundred messages, so that it is biased."""
    return record.metric.endswith("quantile") and (1.0 - record.at) * messages < 100


@pytest.mark.usefixtures("without_laws")
@pytest.mark.parametrize(
    ("family", "metric", "at", "params"),
    OTHER_PARAMETERS,
    ids=[
        f"{family}-{metric}-{number}"
        for number, (family, metric, *_) in enumerate(OTHER_PARAMETERS)
    ],
)
def test_other_parameters_give_the_answer_of_the_formula_too(family, metric, at, params):
    like = next(each for each in records() if each.family == family and each.metric == metric)
    other = dataclasses.replace(like, id="other", params=params, at=at)
    expected = float(computed_answer(FAMILIES[family], other))
    (group,) = shared_runs([other], FAMILIES)
    short = dataclasses.replace(
        group, scenario=shortened(group.scenario, MESSAGES.get(family, 80_000))
    )
    answer = short.answers(replications=min(10, group.replications))["other"]
    if like.simulated is not None and like.simulated.one_sided:
        assert 0 < answer.value <= expected
    elif group.replications == 1:
        assert answer.value == pytest.approx(expected, rel=1e-9)
    else:
        assert answer.holds(expected), (answer, expected)
        assert answer.half_width < 0.15 * expected


def test_every_kind_has_other_parameters_too():
    asked = {(family, metric) for family, metric, *_ in OTHER_PARAMETERS}
    families = {family for family, _ in asked}
    there = {(each.family, each.metric) for each in records() if each.family in families}
    assert asked == there - NOT_SIMULATED
    assert len(families) >= 30
    known = [(each.family, each.params) for each in records()]
    assert not [family for family, *_, params in OTHER_PARAMETERS if (family, params) in known]


@pytest.mark.slow
@pytest.mark.parametrize("every", [6, pytest.param(1, marks=pytest.mark.soak)])
def test_an_engine_that_is_two_percent_slow_fails_most_records(every):
    families = set(sorted(TELLING)[::every])
    depends = depends_on_service(families)
    assert len(depends) * every >= 100
    judged = judged_by_a_wrong_engine(families)
    failed = ~judged.loc[depends, "agrees"]
    # Of all of them nine in ten do.
    assert failed.mean() >= 0.5, failed[~failed].index.tolist()
    assert judged.drop(depends)["agrees"].all()


def test_no_scenario_asks_the_theory():
    folder = resources.files("eda_sim.evidence").joinpath("simulated")
    modules = [file for file in folder.iterdir() if file.name.endswith(".py")]
    assert len(modules) > 5
    for module in modules:
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            names = [alias.name for alias in getattr(node, "names", []) if hasattr(alias, "name")]
            source = getattr(node, "module", None) or ""
            assert not any("theory" in name for name in [*map(str, names), source]), module.name
