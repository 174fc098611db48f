"""Variants by dotted path: exact, validated, and with the nearest name for a wrong path."""

import numpy as np
import pytest
from hypothesis import given, settings

from eda_sim.spec import (
    Channel,
    Constant,
    Deduplication,
    Exponential,
    Lognormal,
    Scenario,
    ScenarioError,
    dump,
    load,
)
from tests.strategies import scenarios

SHOP = Scenario(
    name="shop",
    duration="10min",
    producers={"web-shop": {"to": "orders", "rate": "200/s"}},
    channels={"orders": {"partitions": 12}, "mail": {}},
    consumers={
        "billing": {
            "reads": ["orders"],
            "instances": 6,
            "service": "lognormal(mean=20ms, p99=90ms)",
            "emits": "mail",
        }
    },
    faults=[{"crash": "billing/0", "at": "2min", "lasts": "30s"}],
)


def refusal(changes: dict) -> str:
    with pytest.raises(ScenarioError) as caught:
        SHOP.replace(changes)
    line = str(caught.value)
    assert len(line.splitlines()) == 1
    return line


@given(scenarios(small=False))
@settings(max_examples=50)
def test_replacing_nothing_changes_nothing(scenario):
    assert scenario.replace({}) == scenario


@given(scenarios())
@settings(max_examples=30)
def test_replacing_a_value_by_itself_changes_nothing(scenario):
    same = {"seed": scenario.seed, "name": scenario.name}
    for name, consumer in scenario.consumers.items():
        same[f"consumers.{name}.service"] = consumer.service
        same[f"consumers.{name}.link.latency"] = consumer.link.latency
        same[f"consumers.{name}.instances"] = consumer.instances
    for number, fault in enumerate(scenario.faults):
        same[f"faults.{number}.at"] = fault.at
    assert scenario.replace(same) == scenario


def test_several_values_at_once_in_the_spellings_of_a_file():
    variant = SHOP.replace(
        {
            "consumers.billing.instances": 4,
            "producers.web-shop.rate": "90/min",
            "faults.0.at": "3min",
            "consumers.billing.dedup": {"window": "1h"},
            "channels.mail": {"partitions": 3},
        }
    )
    assert variant.consumers["billing"].instances == 4
    assert variant.producers["web-shop"].rate == 1.5
    assert variant.faults[0].at == 180.0
    assert variant.consumers["billing"].dedup == Deduplication(window=3600)
    assert variant.channels["mail"].partitions == 3
    assert SHOP.consumers["billing"].instances == 6  # the original stays as it was


def test_the_numbers_of_a_sweep_may_come_from_numpy():
    variant = SHOP.replace(
        {
            "consumers.billing.instances": np.int64(4),
            "producers.web-shop.rate": np.float64(150.0),
            "consumers.billing.service": Exponential(mean=np.float32(0.5)),
        }
    )
    assert variant.consumers["billing"].instances == 4
    assert variant.producers["web-shop"].rate == 150.0
    assert variant.consumers["billing"].service.mean == 0.5
    assert load(dump(variant)) == variant


def test_a_parameter_of_a_distribution():
    service = SHOP.replace({"consumers.billing.service.mean": "30ms"}).consumers["billing"].service
    assert service == Lognormal(mean=0.03, p99=0.09)


def test_a_part_that_was_not_there_yet():
    billing = SHOP.replace({"consumers.billing.dedup.count": 10}).consumers["billing"]
    assert billing.dedup == Deduplication(count=10)
    linked = SHOP.replace({"consumers.billing.link.latency": "1ms"}).consumers["billing"]
    assert linked.link.latency == Constant(value=0.001)
    latency = SHOP.replace({"consumers.billing.link.latency.value": "1ms"}).consumers["billing"]
    assert latency == linked


def test_entries_of_lists():
    variant = SHOP.replace({"consumers.billing.emits.0.key": "none"})
    assert variant.consumers["billing"].emits[0].key == "none"
    assert SHOP.replace({"faults": []}).faults == ()
    assert SHOP.replace({"consumers.billing.reads.0": "mail", "consumers.billing.emits": []})


def test_whole_entries_can_be_added():
    variant = SHOP.replace(
        {
            "channels.audit": Channel(partitions=2),
            "channels.log": None,
            "consumers.auditor": {"reads": "audit", "service": 0},
        }
    )
    assert list(variant.channels) == ["orders", "mail", "audit", "log"]
    assert variant.consumers["auditor"].reads == ("audit",)


def test_a_rate_gives_way_to_another_arrival_process():
    changes = {"producers.web-shop.rate": None, "producers.web-shop.arrivals": "constant(5/s)"}
    assert SHOP.replace(changes).producers["web-shop"].arrivals.rate == 5


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"consumers.biling.instances": 4}, "there is no 'biling'; did you mean 'billing'?"),
        (
            {"consumers.billing.instanecs": 4},
            "unknown field 'instanecs'; did you mean 'instances'?",
        ),
        ({"consumer.billing.instances": 4}, "unknown field 'consumer'; did you mean 'consumers'?"),
        ({"consumers.new": 4}, "consumers: there is no 'new'"),
        ({"faults.1.at": "3min"}, "faults: no entry '1'; it has entries 0 to 0"),
        ({"faults.-1.at": "3min"}, "faults: no entry '-1'"),
        ({"faults.first.at": "3min"}, "faults: no entry 'first'"),
        ({"faults.0.att": "3min"}, "faults.0: unknown field 'att'; did you mean 'at'?"),
        ({"faults": [], "faults.0.at": 1}, "faults: no entry '0'; it is empty"),
        ({"consumers.billing.service.men": 1}, "unknown field 'men'; did you mean 'mean'?"),
        ({"consumers.billing.service.cv": 1}, "service.p99: is one too many beside cv"),
        ({"seed.x": 1}, "seed: has no fields to replace"),
        ({"seed..x": 1}, "seed: has no fields to replace"),
        ({"": 1}, "'' is not a path such as consumers.billing.instances"),
        ({3: 1}, "3 is not a path such as consumers.billing.instances"),
        ({"consumers.billing.instances": 0}, "must be an integer from 1 to 10000"),
        ({"consumers.billing.instances": "4"}, "instances: '4' is not valid"),
        ({"consumers.billing.reads": "ordres"}, "no channel 'ordres'; did you mean 'orders'?"),
        ({"consumers": {}}, "faults.0.crash: no consumer, producer or channel 'billing'"),
    ],
)
def test_a_wrong_path_or_value_is_one_line_with_the_nearest_name(changes, line):
    assert line in refusal(changes)


def test_all_wrong_paths_are_reported():
    with pytest.raises(ScenarioError) as caught:
        SHOP.replace({"sed": 1, "durration": 2})
    assert [problem.key for problem in caught.value.problems] == ["sed", "durration"]
