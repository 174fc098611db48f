"""Knobs come from types and bounds: every parameter of every bundled scenario has one."""

import pytest

import eda_sim as es
from eda_sim.widgets.fields import field_at, fields_of
from eda_sim.widgets.knobs import MOST_KNOBS, knob, knobs_of
from eda_sim.widgets.scaling import level

MM1 = es.load("mm1")


def places(found):
    """The ends, the middle and the start of a knob."""
    last = len(found.values) - 1
    return sorted({0, last // 2, last, found.start})


@pytest.mark.parametrize("name", list(es.scenarios()))
def test_every_parameter_has_positions_that_are_valid_or_refused_in_one_line(name):
    scenario = es.load(name)
    valid, refusals = 0, []
    for field in fields_of(scenario):
        if not field.can_be_turned:
            continue
        found = knob(field)
        assert len(found.labels) == len(found.values) == len(set(found.labels)) > 1
        for place in places(found):
            value = found.values[place]
            if value is None:
                assert place == found.start, "only what is not set can be left so"
                continue
            try:
                variant = scenario.replace({field.path: value})
            except es.ScenarioError as error:
                refusals.append(str(error))
                continue
            valid += 1
            now = field_at(variant, field.path).value
            if place == found.start:
                assert now == field.value
            elif not hasattr(now, "parameters"):
                assert now != field.value
    assert valid > 50
    # A position is within the bounds of its field; what is refused contradicts another field.
    assert not any("\n" in line or "is not valid" in line for line in refusals)


@pytest.mark.parametrize("name", list(es.scenarios()))
def test_a_knob_of_a_distribution_turns_its_mean_and_keeps_its_shape(name):
    scenario = es.load(name)
    for consumer in scenario.consumers:
        path = f"consumers.{consumer}.service"
        (found,) = knobs_of(scenario, [path])
        service = field_at(scenario, path).value
        for place in places(found):
            scaled = scenario.replace({path: found.values[place]}).consumers[consumer].service
            wanted = es.Scenario.model_validate(
                {
                    "name": "x",
                    "duration": found.labels[place],
                    "producers": {"p": {"to": "c", "rate": 1}},
                    "channels": {"c": {}},
                }
            ).duration
            assert scaled.mean == pytest.approx(wanted, rel=1e-5)
            assert scaled.scv == pytest.approx(service.scv, rel=1e-5, nan_ok=True)


@pytest.mark.parametrize("name", list(es.scenarios()))
def test_the_usual_knobs_are_rates_services_and_instances(name):
    found = knobs_of(es.load(name))
    assert 2 <= len(found) <= MOST_KNOBS
    assert any(each.path.endswith((".rate", ".arrivals")) for each in found)
    assert any(each.path.endswith(".service") for each in found)


def test_arrivals_are_turned_by_their_rate():
    sale = es.load("flash_sale")
    (found,) = knobs_of(sale, {"producers.shop.arrivals": ("100/s", "400/s")})
    before = sale.producers["shop"].arrivals
    after = sale.replace({found.path: found.values[-1]}).producers["shop"].arrivals
    assert level(after) == pytest.approx(400)
    assert after.durations == before.durations
    assert [b / a for a, b in zip(before.rates, after.rates, strict=True)] == pytest.approx(
        [400 / level(before)] * len(before.rates)
    )


@pytest.mark.parametrize(
    ("wanted", "labels"),
    [
        ({"consumers.worker.instances": range(1, 4)}, ("1", "2", "3")),
        ([("consumers.worker.instances", 1, 3)], ("1", "2", "3")),
        ([("consumers.worker.instances", [1, 4, 2])], ("1", "2", "4")),
        ({"producers.clients.rate": ["4/s", "8/s", "9/s"]}, ("4/s", "8/s", "9/s")),
        ({"consumers.worker.settle": ["after", "before"]}, ("after", "before")),
        ({"drain": None}, ("false", "true")),
        ("drain", ("false", "true")),
    ],
)
def test_a_knob_can_be_asked_for_in_several_ways(wanted, labels):
    assert knobs_of(MM1, wanted)[0].labels == labels


def test_what_is_not_set_can_stay_so():
    (found,) = knobs_of(MM1, ["consumers.worker.timeout"])
    assert found.labels[found.start] == "none"
    assert found.values[-1] == "10s"


@pytest.mark.parametrize(
    ("low", "high", "third"),
    [("10/s", "50/s", "12/s"), ("1/s", "1000/s", "1.5/s")],
    ids=["linear", "logarithmic"],
)
def test_wide_ranges_are_logarithmic(low, high, third):
    (found,) = knobs_of(MM1, {"producers.clients.rate": (low, high)})
    assert (found.labels[0], found.labels[-1]) == (low, high) or low == "10/s"
    assert third in found.labels


@pytest.mark.parametrize(
    ("wanted", "complaint"),
    [
        (["consumers.worker.instancez"], "did you mean 'instances'"),
        (["consumers.wroker.instances"], "did you mean 'worker'"),
        (["name"], "name: cannot be turned"),
        (["consumers.worker"], "consumers.worker: cannot be turned"),
        ([""], "is not a path"),
        ([("producers.clients.rate", "9/s", "3/s")], "a range goes up, not from 9/s to 3/s"),
        ([("producers.clients.rate", 1, "3ms")], "must be a rate"),
        ({"consumers.worker.settle": ["after", "befor"]}, "'befor' is not valid"),
        (["producers.clients.rate"] * 2, "is given twice"),
        (["consumers.worker.service", "consumers.worker.service.mean"], "the same parameter"),
        ({"consumers.worker.instances": range(3)}, "0 is not valid"),
        ({"consumers.worker.instances": range(0)}, "no position"),
    ],
)
def test_what_is_no_knob_is_refused_in_one_line(wanted, complaint):
    with pytest.raises(es.ScenarioError, match=complaint) as caught:
        knobs_of(MM1, wanted)
    assert "\n" not in str(caught.value)
