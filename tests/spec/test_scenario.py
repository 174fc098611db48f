"""Scenarios as values: what they accept, what they refuse, and in which words."""

import copy
import math
import pickle

import pytest
from hypothesis import given, settings

from eda_sim.spec import (
    Channel,
    Constant,
    Consumer,
    Crash,
    Deduplication,
    Emission,
    Exponential,
    Link,
    NoKeys,
    PoissonArrivals,
    Producer,
    Scenario,
    ScenarioError,
    Subscription,
    TraceArrivals,
    ZipfKeys,
    remarks,
)
from tests.strategies import scenarios

BASE = {
    "name": "shop",
    "duration": "10min",
    "producers": {"web-shop": {"to": "orders", "rate": "200/s"}},
    "channels": {"orders": {"partitions": 12}, "shipments": None},
    "consumers": {
        "billing": {"reads": "orders", "instances": 6, "service": "20ms", "emits": "shipments"},
        "shipping": {"reads": ["shipments"], "service": "exponential(5ms)"},
    },
    "faults": [{"crash": "billing/0", "at": "2min", "lasts": "30s"}],
}
PARTITION = {"lease_scope": "partition"}


def changed(path: str, value: object) -> dict:
    """Return BASE with one value set, created where it was missing."""
    data = copy.deepcopy(BASE)
    *parents, last = path.split(".")
    here = data
    for part in parents:
        here = here[int(part)] if isinstance(here, list) else here.setdefault(part, {})
    here[last] = value
    return data


def problems(data: dict) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        Scenario(**data)
    assert len(str(caught.value).splitlines()) == 1
    return [str(problem) for problem in caught.value.problems]


def test_a_scenario_is_made_of_plain_data():
    scenario = Scenario(**BASE)
    producer, billing = scenario.producers["web-shop"], scenario.consumers["billing"]
    assert producer.arrivals == PoissonArrivals(rate=200)
    assert (producer.key, producer.size) == (NoKeys(), Constant(value=1000))
    assert (producer.start, producer.stop, producer.messages) == (0.0, None, None)
    assert scenario.channels["shipments"] == Channel()
    assert billing.reads == ("orders",)
    assert billing.service == Constant(value=0.02)
    assert billing.emits == (Emission(to="shipments"),)
    assert (billing.settle, billing.dedup, billing.concurrency) == ("after", None, 1)
    fault = scenario.faults[0]
    assert (fault.kind, fault.targets) == ("crash", ("billing/0",))
    assert (fault.at, fault.lasts) == (120.0, 30.0)


def test_a_scenario_is_made_of_parts_just_as_well():
    scenario = Scenario(
        name="shop",
        duration=600,
        producers={"web-shop": Producer(to="orders", rate=200)},
        channels={"orders": Channel(partitions=12), "shipments": Channel()},
        consumers={
            "billing": Consumer(reads="orders", instances=6, service=0.02, emits=["shipments"]),
            "shipping": Consumer(reads="shipments", service=Exponential(mean=0.005)),
        },
        faults=[Crash(crash="billing/0", at=120, lasts=30)],
    )
    assert scenario == Scenario(**BASE)
    assert hash(scenario) == hash(Scenario(**BASE))


def test_defaults_that_depend_on_other_fields():
    delivery, partition = Subscription(), Subscription(**PARTITION)
    assert (delivery.fetch_max_messages, partition.fetch_max_messages) == (1, 500)
    assert (delivery.lease_timeout, partition.lease_timeout) == (None, 45.0)
    assert (delivery.heartbeat_interval, partition.heartbeat_interval) == (None, 3.0)
    assert Scenario(**BASE).sample_every == 3.0
    assert Scenario(**{**BASE, "duration": None, "messages": 5}).sample_every is None
    assert Scenario(**BASE, sample_every="1s").sample_every == 1.0


def test_arrivals_in_every_form():
    def arrivals(value: object):
        return Producer(to="orders", arrivals=value).arrivals

    assert arrivals("constant(rate=10/s)").interval == pytest.approx(0.1)
    assert arrivals("constant(interval=100ms)").interval == 0.1
    assert arrivals("renewal(erlang(mean=5ms, stages=2))").interval.mean == 0.005
    assert arrivals("renewal(interval=5ms)").rate == pytest.approx(200)
    assert arrivals("trace(times=[2s, 1s, 1s])").times == (1.0, 1.0, 2.0)
    assert arrivals(TraceArrivals(times=[1])).rate == 1.0
    assert Producer(to="orders", rate=5, key="zipf(1.1, 100)").key == ZipfKeys(s=1.1, n=100)


def test_a_scenario_cannot_be_changed():
    scenario = Scenario(**BASE)
    with pytest.raises(ValueError, match="frozen"):
        scenario.seed = 3
    for change in (
        lambda: scenario.channels.update(other=Channel()),
        lambda: scenario.channels.pop("orders"),
        lambda: scenario.channels.__setitem__("other", Channel()),
        scenario.channels.clear,
    ):
        with pytest.raises(TypeError, match=r"Scenario\.replace"):
            change()
    assert scenario == Scenario(**BASE)


@given(scenarios())
@settings(max_examples=30)
def test_a_scenario_survives_pickling_and_copying(scenario):
    assert pickle.loads(pickle.dumps(scenario)) == scenario
    assert copy.deepcopy(scenario) == scenario
    assert {scenario: 1}[copy.copy(scenario)] == 1


def test_an_error_survives_pickling():
    with pytest.raises(ScenarioError) as caught:
        Scenario(**changed("consumers.billing.instances", 0))
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value)
    assert again.problems == caught.value.problems


@pytest.mark.parametrize(
    ("path", "value", "line"),
    [
        ("name", "a b", "name: 'a b' is not a name: must be a letter, then up to 63 letters"),
        ("name", 3, "name: 3 is not valid: must be a text"),
        ("seed", -1, "seed: -1 is not valid: must be an integer from 0 to 4294967295"),
        ("seed", 2**32, "must be an integer from 0 to 4294967295"),
        (
            "duration",
            "0s",
            "duration: '0s' is not valid: must be a duration such as",
        ),
        ("duration", "101y", "duration: '101y' is not valid: must be a duration"),
        ("duration", "40000d", "at most 36525d (100 years)"),
        ("duration", math.nan, "duration: nan is not valid"),
        ("messages", 2_000_000_000, "must be an integer from 1 to 1000000000"),
        ("drain", "yes", "drain: 'yes' is not valid: must be true or false"),
        ("drain", 1, "drain: 1 is not valid: must be true or false"),
        ("drain_timeout", "1min", "drain_timeout: only with drain: true"),
        ("warmup", "10min", "warmup: must be shorter than duration"),
        ("prodcers", {}, "unknown field 'prodcers'; did you mean 'producers'?"),
        ("producers", {}, "producers: an empty mapping is not valid: must be one with an entry"),
        ("producers", [], "producers: an empty list is not valid: must be a mapping"),
        ("producers.a b", {}, "producers.a b: 'a b' is not a name"),
        ("producers.p", {"to": "orders"}, "producers.p: give either rate or arrivals"),
        ("producers.p", {"rate": 3}, "producers.p.to: is missing; it has no default"),
        (
            "producers.web-shop.arrivals",
            "poisson(3/s)",
            "web-shop.arrivals: is one too many beside rate: give either rate or arrivals",
        ),
        (
            "producers.web-shop.rate",
            "2000000000/s",
            (
                "web-shop.rate: '2000000000/s' is not valid: must be a rate such as 200/s, "
                "from one in 100 years to 1000000000/s"
            ),
        ),
        ("producers.web-shop.rate", 0, "producers.web-shop.rate: 0 is not valid: must be a rate"),
        ("producers.web-shop.key", "zip(1, 2)", "no key 'zip'; did you mean 'zipf'?"),
        ("producers.web-shop.key", "zipf(s=1.1, n=0)", "key.n: 0 is not valid"),
        ("producers.web-shop.key", "zipf(s=-1, n=9)", "key.s: -1 is not valid"),
        ("producers.web-shop.size", "20ms", "size: '20ms' is not valid: must be a size"),
        ("producers.web-shop.stop", "0.1ns", None),
        ("producers.web-shop.start", "11min", None),
        (
            "producers.web-shop.link",
            {"latncy": 1},
            "unknown field 'latncy'; did you mean 'latency'?",
        ),
        ("producers.web-shop.to", "ordres", "to: no channel 'ordres'; did you mean 'orders'?"),
        ("channels.orders.partitions", 100_001, "must be an integer from 1 to 100000"),
        ("channels.orders.partitions", 1.5, "channels.orders.partitions: 1.5 is not valid"),
        ("channels.orders.partitions", "12", "channels.orders.partitions: '12' is not valid"),
        (
            "channels.orders.partitioner",
            "murmur3",
            (
                "orders.partitioner: 'murmur3' is not valid: must be one of murmur2, crc32, "
                "sticky, round_robin; did you mean 'murmur2'?"
            ),
        ),
        (
            "channels.orders.append",
            {"per_message": "-1us"},
            "append.per_message: '-1us' is not valid",
        ),
        ("consumers.billing.instances", 0, "must be an integer from 1 to 10000"),
        ("consumers.billing.instances", 10_001, "must be an integer from 1 to 10000"),
        ("consumers.billing.instanecs", 3, "unknown field 'instanecs'; did you mean 'instances'?"),
        ("consumers.billing.concurrency", 10_000, None),
        ("consumers.shipping.concurrency", True, "shipping.concurrency: true is not valid"),
        ("consumers.billing.reads", "ordres", "reads: no channel 'ordres'; did you mean 'orders'?"),
        ("consumers.billing.reads", [], "consumers.billing.reads: an empty list is not valid"),
        ("consumers.billing.reads", ["orders", "x"], "consumers.billing.reads.1: no channel 'x'"),
        ("consumers.billing.reads", ["orders", "orders"], "billing.reads: names a channel twice"),
        ("consumers.billing.reads", 3, "consumers.billing.reads: 3 is not valid: must be a list"),
        ("consumers.billing.emits", "shipment", "no channel 'shipment'; did you mean 'shipments'?"),
        ("consumers.billing.emits", [{"to": "x"}], "consumers.billing.emits.0.to: no channel 'x'"),
        ("consumers.billing.emits", 3, "consumers.billing.emits: 3 is not valid: must be a list"),
        ("consumers.billing.settle", "later", "must be one of after, before"),
        ("consumers.billing.dedup", {}, "consumers.billing.dedup: give either window or count"),
        (
            "consumers.billing.dedup",
            {"window": "1s", "count": 3},
            "dedup.count: is one too many beside window: give either window or count",
        ),
        ("consumers.billing.dedup", {"count": 0}, "consumers.billing.dedup.count: 0 is not valid"),
        ("consumers.shipping.service", None, "consumers.shipping.service: null is not valid"),
        ("consumers.new", {"reads": "orders"}, "consumers.new.service: is missing"),
        ("consumers.new", 3, "consumers.new: 3 is not valid: must be a mapping of fields"),
        ("consumers.billing.subscription", {"delivery": "push", **PARTITION}, "push needs"),
        ("consumers.billing.subscription", {"max_outstanding": 3}, "only with delivery: push"),
        (
            "consumers.billing.subscription",
            {"delivery": "push", "fetch_max_messages": 3},
            "fetch_max_messages: only with delivery: pull",
        ),
        (
            "consumers.billing.subscription",
            {"heartbeat_interval": "3s"},
            "subscription.heartbeat_interval: only with lease_scope: partition",
        ),
        (
            "consumers.billing.subscription",
            {"heartbeat_interval": "45s", **PARTITION},
            "heartbeat_interval: the heartbeat (45s) must come before the lease ends (45s)",
        ),
        (
            "consumers.billing.subscription",
            {"lease_timeout": "2s", **PARTITION},
            "lease_timeout: the heartbeat (3s) must come before the lease ends (2s)",
        ),
        (
            "consumers.billing.subscription",
            {"on_disconnect": "hold"},
            "on_disconnect: hold needs a lease_timeout, or the lease never ends",
        ),
        ("faults.0.crash", "biling/0", "channel 'biling'; did you mean 'billing'?"),
        ("faults.0.crash", "billing/6", "faults.0.crash: no instance 6: billing has 0 to 5"),
        ("faults.0.crash", "billing/-1", "must be a name, or name/number from 0"),
        ("faults.0.crash", "billing/", "must be a name, or name/number from 0"),
        ("faults.0.crash", 3, "faults.0.crash: 3 is not valid: must be a text"),
        ("faults.0.at", None, "faults.0: give either at or mtbf"),
        ("faults.0.lasts", 0, "faults.0.lasts: 0 is not valid"),
        ("faults", {"a": 1}, "faults: a mapping is not valid: must be a list"),
        ("description", "x" * 10_001, "must be a text of at most 10000 characters"),
        ("description", "\ud800", "description: "),
    ],
)
def test_a_mistake_is_one_line_that_says_what_would_be_right(path, value, line):
    data = changed(path, value)
    if line is None:  # valid on its own, and here to show where the limits are not
        Scenario(**data)
        return
    assert any(line in problem for problem in problems(data)), problems(data)


def test_two_fields_of_a_producer_that_contradict():
    data = changed("producers.web-shop.start", "2min")
    data["producers"]["web-shop"]["stop"] = "1min"
    assert problems(data) == ["producers.web-shop.stop: must lie after start"]


def test_too_many_workers_are_named():
    data = changed("consumers.billing.instances", 10_000)
    data["consumers"]["billing"]["concurrency"] = 11
    (line,) = problems(data)
    assert line.endswith("concurrency: instances times concurrency must be at most 100000")


def test_an_end_is_required():
    data = {name: value for name, value in BASE.items() if name != "duration"}
    assert problems(data) == ["give duration, messages, or both"]


def test_a_misspelt_field_explains_the_one_that_is_missing():
    data = changed("consumers.shipping", {"raeds": "shipments", "service": 1})
    (line,) = problems(data)
    assert line == "consumers.shipping: unknown field 'raeds'; did you mean 'reads'?"


def test_every_mistake_is_reported_and_the_text_shows_the_first():
    data = changed("consumers.billing.instances", 0)
    data["seed"] = "x"
    data["unknown"] = 1
    with pytest.raises(ScenarioError) as caught:
        Scenario(**data)
    assert len(caught.value.problems) == 3
    assert str(caught.value) == "unknown field 'unknown' (and 2 more)"


def test_a_part_on_its_own_raises_the_same_error():
    with pytest.raises(ScenarioError, match="reads: is missing"):
        Consumer(service=1)
    with pytest.raises(ScenarioError, match="give either window or count"):
        Deduplication()
    with pytest.raises(ScenarioError, match="latency: no distribution 'x'"):
        Link(latency="x")


@pytest.mark.parametrize("length", [1, 2, 5])
def test_a_cycle_of_emissions_is_named(length):
    channels = {f"c{number}": {} for number in range(length)}
    consumers = {
        f"s{number}": {"reads": f"c{number}", "service": 0, "emits": f"c{(number + 1) % length}"}
        for number in range(length)
    }
    (line,) = problems(
        {
            **BASE,
            "channels": channels,
            "consumers": consumers,
            "faults": [],
            "producers": {"p": {"to": "c0", "rate": 1}},
        }
    )
    chain = " -> ".join(f"s{number} -> c{(number + 1) % length}" for number in range(length))
    assert line == (
        f"consumers.s{length - 1}.emits: a cycle that never ends: {chain} -> s0; a message comes "
        "back 1 times on average, which must be less than 1: give an emission in it a lower "
        "probability"
    )


def test_two_ways_to_one_channel_are_no_cycle():
    channels = {name: {} for name in "abcd"}
    diamond = {
        "split": {"reads": "a", "service": 0, "emits": ["b", "c"]},
        "left": {"reads": "b", "service": 0, "emits": "d"},
        "right": {"reads": "c", "service": 0, "emits": [{"to": "d", "key": "none"}]},
        "join": {"reads": "d", "service": 0},
    }
    scenario = Scenario(
        name="diamond",
        messages=3,
        producers={"p": {"to": "a", "rate": 1}},
        channels=channels,
        consumers=diamond,
    )
    assert scenario.consumers["split"].emits == (Emission(to="b"), Emission(to="c"))


def test_a_long_chain_needs_no_recursion():
    channels = {f"c{number}": {} for number in range(1000)}
    consumers = {
        f"s{number}": {"reads": f"c{number}", "service": 0, "emits": f"c{number + 1}"}
        for number in range(999)
    }
    producers = {"p": {"to": "c0", "rate": 1}}
    Scenario(name="chain", messages=1, producers=producers, channels=channels, consumers=consumers)


def test_remarks_point_out_what_is_allowed_but_hardly_meant():
    assert remarks(Scenario(**BASE)) == ()
    wide = Scenario(**changed("consumers.billing.subscription", PARTITION))
    wide = wide.replace({"consumers.billing.instances": 13, "faults.0.at": "1h"})
    wide = wide.replace({"channels.audit": {}})
    assert [str(remark) for remark in remarks(wide)] == [
        "consumers.billing: 13 members share the 12 partitions of orders, so 1 get none",
        "channels.audit: no consumer reads it",
        "faults.0.at: comes after the end of the run",
    ]


@given(scenarios())
@settings(max_examples=30)
def test_the_representation_names_what_was_set(scenario):
    text = repr(scenario)
    assert text.startswith(f"Scenario(name={scenario.name!r}")
    assert "given_" not in text
