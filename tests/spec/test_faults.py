"""Faults in a scenario: kinds, targets, times, and what is said when they are wrong."""

import pytest

from eda_sim.spec import Scenario, ScenarioError, dump, remarks
from eda_sim.spec.faults import KINDS, Party, resolve
from eda_sim.spec.yaml import read_document


def shop(*faults, **settings):
    return Scenario.model_validate(
        {
            "name": "shop",
            "duration": "10min",
            "producers": {"web": {"to": "orders", "rate": "5/s"}},
            "channels": {"orders": {}, "shipments": {}, "web": {}},
            "consumers": {
                "billing": {
                    "reads": "orders",
                    "service": "1ms",
                    "instances": 3,
                    "emits": "shipments",
                }
            },
            "faults": list(faults),
            **settings,
        }
    )


ONE_OF_EACH = [
    {"crash": "billing/0", "at": "2min", "lasts": "30s"},
    {"power_loss": "orders", "at": "2min"},
    {"stop": "billing", "at": "2min", "lasts": "30s"},
    {"pause": "billing/1", "at": "2min", "lasts": "5s"},
    {"hang": "billing/2", "at": "2min", "lasts": "5min"},
    {"slow": "billing", "factor": 3, "at": "2min"},
    {"bug": "billing", "probability": "30%", "at": "2min"},
    {"partition": ["billing/0", "orders"], "at": "2min", "lasts": "1min"},
    {"loss": "producers.web", "probability": "1%", "at": 0},
    {"ack_loss": "billing", "probability": 0.01, "mtbf": "exponential(1h)", "mttr": "1min"},
    {"duplication": "producers.web", "probability": 0.5, "at": 0},
    {"delay": "billing/0", "latency": "exponential(80ms)", "at": 0},
]


def test_every_kind_can_be_written_read_and_written_again():
    scenario = shop(*ONE_OF_EACH)
    assert [fault.kind for fault in scenario.faults] == [kind.kind for kind in KINDS]
    text = dump(scenario)
    assert "  - {crash: billing/0, at: 2min, lasts: 30s}\n" in text
    assert "slow: billing, at: 2min, factor: 3" in text
    again = Scenario.model_validate(read_document(text).data)
    assert again == scenario
    assert dump(again) == text
    assert scenario.replace({}) == scenario


def test_one_field_of_one_fault_can_be_replaced():
    scenario = shop(*ONE_OF_EACH)
    variant = scenario.replace({"faults.5.factor": 10, "faults.7.partition.0": "billing/2"})
    assert variant.faults[5].factor == 10
    assert variant.faults[7].targets == ("billing/2", "orders")
    with pytest.raises(ScenarioError, match="unknown field 'facto'; did you mean 'factor'"):
        scenario.replace({"faults.5.facto": 1})


def test_a_target_is_found_by_its_name_or_its_section():
    scenario = shop()
    assert resolve(scenario, "billing/2") == Party("consumers", "billing", 2)
    assert resolve(scenario, "orders") == Party("channels", "orders", None)
    assert resolve(scenario, "producers.web") == Party("producers", "web", None)
    with pytest.raises(ValueError, match=r"write producers\.web or channels\.web"):
        resolve(scenario, "web")
    assert resolve(scenario, "web", ("producers",)) == Party("producers", "web", None)


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        ({"cash": "billing", "at": 1}, "faults.0: names no kind of fault, such as crash"),
        ({"crash": "billing", "hang": "billing", "at": 1}, "is crash and hang at once"),
        (3, "faults.0: 3 is not valid: must be a mapping of fields"),
        ({"crash": "biling", "at": 1}, "no consumer, producer or channel 'biling'; did you mean"),
        ({"hang": "orders", "at": 1}, "faults.0.hang: no consumer 'orders'"),
        ({"hang": "channels.orders", "at": 1}, "must be one of the consumers"),
        ({"crash": "shops.billing", "at": 1}, "before the dot stands one of consumers, producers"),
        ({"crash": "billing/3", "at": 1}, "no instance 3: billing has 0 to 2"),
        ({"crash": "producers.web/0", "at": 1}, "web is one thing; leave /0 away"),
        ({"crash": "orders/1", "at": 1}, "no node 1: orders has 0 to 0"),
        ({"crash": "billing"}, "faults.0: give either at or mtbf"),
        ({"crash": "billing", "at": 1, "mtbf": "1s", "mttr": "1s"}, "mtbf: is one too many"),
        ({"crash": "billing", "mtbf": "1s"}, "faults.0.mttr: is missing; mtbf needs it"),
        ({"crash": "billing", "at": 1, "mttr": "1s"}, "faults.0.mttr: only with mtbf"),
        (
            {"crash": "billing", "mtbf": "1s", "mttr": "1s", "lasts": "1s"},
            "faults.0.lasts: only with at",
        ),
        ({"crash": "billing", "mtbf": "0s", "mttr": "1s"}, "mtbf: must be above 0s on average"),
        ({"slow": "billing", "at": 1}, "faults.0.factor: is missing; it has no default"),
        ({"slow": "billing", "factor": 0.5, "at": 1}, "factor: 0.5 is not valid"),
        ({"bug": "billing", "probability": 0, "at": 1}, "probability: 0 is not valid"),
        ({"bug": "billing", "probability": 1.1, "at": 1}, "probability: 1.1 is not valid"),
        ({"partition": ["billing"], "at": 1}, "has 1 entries: must be two parties"),
        ({"partition": ["billing", "producers.web"], "at": 1}, "must be a service and a channel"),
        ({"partition": ["producers.web", "shipments"], "at": 1}, "have nothing to say"),
        ({"partition": ["billing", "orders/0"], "at": 1}, "leave /0 away"),
        ({"partition": ["biling", "orders"], "at": 1}, "faults.0.partition.0: no consumer"),
    ],
)
def test_a_mistake_is_one_line(fault, line):
    with pytest.raises(ScenarioError) as caught:
        shop(fault)
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_fault_after_the_end_is_worth_a_remark():
    late = shop({"crash": "billing", "at": "1h"}, {"crash": "billing", "mtbf": "1h", "mttr": "1s"})
    assert [str(remark) for remark in remarks(late) if "faults" in str(remark)] == [
        "faults.0.at: comes after the end of the run"
    ]
