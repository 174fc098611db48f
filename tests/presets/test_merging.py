"""Presets give defaults; what the file says wins; writing leaves out what a preset brings."""

import itertools

import pytest

import eda_sim as es
from eda_sim.spec import (
    Channel,
    Consumer,
    Scenario,
    ScenarioError,
    Subscription,
    brokers,
    dump,
    json_schema,
    load,
)

SHOP = {
    "name": "shop",
    "duration": "1min",
    "producers": {"web": {"to": "orders", "rate": "10/s"}},
    "channels": {"orders": {"partitions": 4}, "mail": {}},
    "consumers": {
        "billing": {"reads": "orders", "instances": 2, "service": "10ms", "emits": "mail"},
        "sender": {"reads": "mail", "service": "1ms"},
    },
}
IDEAL = Scenario.model_validate(SHOP)
ORDERS, MAIL = "channels.orders.broker", "channels.mail.broker"
OVERRIDES = (
    {"consumers.billing.subscription.lease_timeout": "2min"},
    {"consumers.billing.subscription.lease_timeout": None},
    {"consumers.billing.subscription.max_deliveries": 7},
    {"consumers.billing.subscription.max_deliveries": None},
    {"consumers.billing.subscription.fetch_max_messages": 3},
    {"consumers.billing.subscription.on_disconnect": "release"},
    {"consumers.billing.settle": "before"},
    {"consumers.billing.settle": "after"},
    {"channels.orders.partitioner": "crc32"},
    {"channels.orders.partitioner": "murmur2"},
    {"channels.orders.max_age": None},
    {"channels.orders.deduplication": None, "producers.web.publishing.idempotent": False},
    {"channels.orders.replication": None},
    {"channels.orders.replication": {"factor": 5}},
    {"channels.orders.replication.lag": "7ms", "channels.orders.replication.factor": 3},
    {"channels.orders.replication.commit_rule": "leader", "channels.orders.replication.factor": 2},
    {"producers.web.publishing": {}},
    {"producers.web.publishing.acks": "none"},
    {"producers.web.publishing.acks": "leader"},
    {"producers.web.publishing.linger": "0s"},
    {"producers.web.publishing.buffer_max_bytes": None},
    {"producers.web.publishing.retry": "none"},
)


def shop(channel=None, consumer=None, **settings):
    return Scenario.model_validate(
        {
            **SHOP,
            "channels": {"orders": channel or {}, "mail": {}},
            "consumers": {
                **SHOP["consumers"],
                "billing": {**SHOP["consumers"]["billing"], **(consumer or {})},
            },
            **settings,
        }
    )


def refusal(make) -> str:
    with pytest.raises(ScenarioError) as caught:
        make()
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


def allowed(scenario, change):
    """The variant, or None: not every setting makes sense with every broker."""
    try:
        return scenario.replace(change)
    except ScenarioError:
        return None


def test_a_channel_s_broker_gives_defaults_to_those_who_read_it_and_to_nobody_else():
    world = shop({"broker": "kafka"})
    billing, sender = world.consumers["billing"], world.consumers["sender"]
    assert billing.settle == "auto"
    assert billing.subscription.lease_scope == "partition"
    assert billing.subscription.max_poll_interval == 300
    assert sender.subscription == Subscription()
    assert world.channels["mail"] == Channel()


def test_a_channel_without_a_broker_is_ideal():
    assert IDEAL.channels["orders"].broker is None
    assert IDEAL.consumers["billing"].subscription == Subscription()


@pytest.mark.parametrize("broker", brokers())
def test_what_the_file_says_wins_also_when_it_says_null(broker):
    world = shop(
        {"broker": broker}, {"settle": "before", "subscription": {"on_disconnect": "release"}}
    )
    assert world.consumers["billing"].settle == "before"
    assert world.consumers["billing"].subscription.on_disconnect == "release"


def test_null_in_the_file_takes_a_default_of_the_preset_away():
    preset = shop({"broker": "rabbitmq_quorum"})
    assert preset.consumers["billing"].subscription.max_deliveries == 20
    without = shop({"broker": "rabbitmq_quorum"}, {"subscription": {"max_deliveries": None}})
    assert without.consumers["billing"].subscription.max_deliveries is None
    assert "max_deliveries: null" in dump(without)
    assert load(dump(without)) == without


def test_python_objects_get_the_defaults_that_they_do_not_set():
    made = Scenario(
        name="shop",
        duration="1min",
        producers=IDEAL.producers,
        channels={"orders": Channel(broker="sqs", partitions=4), "mail": Channel()},
        consumers={
            "billing": Consumer(
                reads="orders",
                instances=2,
                service="10ms",
                emits="mail",
                subscription=Subscription(lease_timeout="2min"),
            ),
            "sender": IDEAL.consumers["sender"],
        },
    )
    written = IDEAL.replace(
        {ORDERS: "sqs", "consumers.billing.subscription": {"lease_timeout": "2min"}}
    )
    assert made == written
    assert made.consumers["billing"].subscription.fetch_max_wait == 0


@pytest.mark.parametrize("broker", brokers())
def test_a_preset_is_written_as_its_name_alone(broker):
    text = dump(IDEAL.replace({ORDERS: broker}))
    assert text.count("broker") == 1
    assert "subscription" not in text
    assert "publishing" not in text
    assert "settle" not in text


@pytest.mark.parametrize("broker", brokers())
def test_any_variant_of_a_preset_is_written_and_read_exactly(broker):
    world = IDEAL.replace({ORDERS: broker})
    variants = [v for v in (allowed(world, change) for change in OVERRIDES) if v is not None]
    assert len(variants) > len(OVERRIDES) / 2
    for variant in (world, *variants):
        assert load(dump(variant)) == variant
        assert variant.replace({}) == variant
        assert variant.replace({"seed": 1}).replace({"seed": 0}) == variant


@pytest.mark.parametrize("broker", brokers())
def test_every_preset_runs(broker):
    """Ten seconds without a fault: nothing is lost, and nothing comes twice."""
    world = IDEAL.replace({ORDERS: broker, MAIL: broker, "duration": "10s", "drain": True})
    counted = es.run(world).guarantee().set_index("consumer")
    for name in ("billing", "sender"):
        assert counted.loc[name, "messages"] > 50
        assert counted.loc[name, "exactly_once"] == counted.loc[name, "messages"]


def test_an_emitting_consumer_publishes_as_its_target_s_broker_does():
    world = IDEAL.replace({MAIL: "kafka"})
    assert world.consumers["billing"].publishing.linger == 0.005
    assert world.consumers["billing"].subscription == Subscription()
    assert world.producers["web"].publishing.linger == 0


def test_parts_of_replication_can_be_changed_one_by_one():
    world = shop({"broker": "kafka", "replication": {"min_insync": 2}})
    assert world.channels["orders"].replication.min_insync == 2
    assert world.channels["orders"].replication.factor == 3
    none = shop({"broker": "kafka", "replication": None})
    assert none.channels["orders"].replication is None
    assert load(dump(none)) == none
    assert none.replace({"seed": 1}).channels["orders"].replication is None


def test_idempotence_goes_with_acks_all_as_in_kafka():
    world = IDEAL.replace({ORDERS: "kafka"})
    assert world.producers["web"].publishing.idempotent
    leader = world.replace({"producers.web.publishing.acks": "leader"})
    assert not leader.producers["web"].publishing.idempotent
    assert leader.producers["web"].publishing.retry.type == "exponential"
    none = world.replace({"producers.web.publishing.acks": "none"})
    assert none.producers["web"].publishing.retry.type == "none"
    assert none.producers["web"].publishing.max_in_flight is None


def test_replacing_the_broker_replaces_all_its_defaults():
    for first, second in itertools.product((None, *brokers()), repeat=2):
        direct = IDEAL.replace({ORDERS: second})
        assert IDEAL.replace({ORDERS: first}).replace({ORDERS: second}) == direct
    assert IDEAL.replace({ORDERS: "kafka"}).replace({ORDERS: None}) == IDEAL


def test_replacing_the_broker_keeps_what_was_written():
    mine = IDEAL.replace({"consumers.billing.subscription.lease_timeout": "77s"})
    for broker in ("kafka", "sqs", "jetstream", "redis_streams"):
        world = mine.replace({ORDERS: broker})
        assert world.consumers["billing"].subscription.lease_timeout == 77
        mine = world


def test_a_default_that_depends_on_another_field_follows_it():
    queue = IDEAL.replace({ORDERS: "sqs"})
    assert queue.consumers["billing"].subscription.poll_interval == 1
    polled = queue.replace({"consumers.billing.subscription.fetch_max_wait": "20s"})
    assert polled.consumers["billing"].subscription.poll_interval == 0
    same = queue.replace({"consumers.billing.subscription.fetch_max_wait": "0ms"})
    assert same == queue
    assert queue.consumers["billing"].subscription.max_deliveries is None
    letters = queue.replace({"consumers.billing.subscription.dead_letter": "mail"})
    assert letters.consumers["billing"].subscription.max_deliveries == 10
    assert load(dump(letters)) == letters


def test_channels_of_one_reader_must_have_one_broker():
    line = refusal(
        lambda: IDEAL.replace(
            {ORDERS: "kafka", MAIL: "sqs", "consumers.sender.reads": ["orders", "mail"]}
        )
    )
    assert "consumers.sender.reads: the channels must have one broker" in line
    assert "orders (kafka), mail (sqs)" in line
    line = refusal(
        lambda: IDEAL.replace({ORDERS: "kafka", "consumers.sender.reads": ["orders", "mail"]})
    )
    assert "orders (kafka), mail (none)" in line
    both = {"consumers.sender.reads": ["orders", "mail"], ORDERS: "kafka", MAIL: "kafka"}
    assert IDEAL.replace({**both, "consumers.billing.emits": []}).consumers["sender"].settle == (
        "auto"
    )


def test_an_unknown_broker_gets_the_nearest_name():
    assert "channels.orders.broker: no broker 'kafak'; did you mean 'kafka'?" in refusal(
        lambda: shop({"broker": "kafak"})
    )
    assert "valid: kafka, " in refusal(lambda: shop({"broker": "zzzzzz"}))
    assert "channels.orders.broker" in refusal(lambda: shop({"broker": 3}))
    assert json_schema()["$defs"]["Channel"]["properties"]["broker"]["anyOf"][0]["enum"] == list(
        brokers()
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"channels": None},
        {"channels": {"orders": 3, "mail": {"broker": "kafka"}}},
        {"producers": {"web": 3}},
        {"consumers": {"billing": {"reads": "orders", "subscription": 3}}},
        {"consumers": {"billing": {"reads": 3, "service": "1ms"}}},
        {"consumers": {"billing": None}},
        {"consumers": 3},
    ],
)
def test_wrong_data_is_refused_as_without_a_preset(wrong):
    data = {**SHOP, "channels": {"orders": {"broker": "kafka"}, "mail": {}}, **wrong}
    refusal(lambda: Scenario.model_validate(data))


def test_a_setting_that_contradicts_the_preset_is_one_line():
    line = refusal(
        lambda: IDEAL.replace({ORDERS: "kafka", "consumers.billing.subscription.max_deliveries": 3})
    )
    assert "consumers.billing.subscription.max_deliveries: not with lease_scope" in line
