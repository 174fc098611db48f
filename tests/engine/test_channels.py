"""Channels, links and emissions: order on the way, the append server, partitions, lineage."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from eda_sim.engine.execute import execute
from eda_sim.engine.partitioners import partition_table
from eda_sim.engine.reference.partitioning import STICKY_BYTES
from eda_sim.engine.trace import NEVER, MessageStatus
from eda_sim.spec import Scenario
from tests.engine.worlds import (
    MILLISECOND,
    SECOND,
    at,
    copies,
    deliveries,
    messages,
    seconds,
    world,
)

SERVER = {"service": "0s"}

# Links --------------------------------------------------------------------------------------------


def test_a_link_takes_time_each_way():
    scenario = world(
        messages=1,
        drain=True,
        producer={"arrivals": at(1), "link": {"latency": "20ms"}},
        consumer={"service": "100ms", "link": {"latency": "30ms"}},
    )
    trace = execute(scenario)
    (row,) = deliveries(trace).itertuples()
    moments = [row.acquired_at, row.received_at, row.started_at, row.finished_at, row.settled_at]
    assert seconds(moments) == [1.02, 1.05, 1.05, 1.15, 1.18]
    (message,) = messages(trace).itertuples()
    assert (message.stored_at, message.confirmed_at) == (1.02 * SECOND, 1.04 * SECOND)
    assert message.status == MessageStatus.CONFIRMED


def test_no_link_reorders():
    # Latencies vary far more than the messages lie apart: what is later waits behind the earlier.
    scenario = world(
        messages=3000,
        drain=True,
        producer={"rate": "1000/s", "link": {"latency": "exponential(50ms)"}},
        consumer={
            "service": "exponential(200us)",
            "link": {"latency": "exponential(50ms)"},
            "subscription": {"delivery": "push"},
        },
    )
    trace = execute(scenario)
    for table, column in (
        (messages(trace), "stored_at"),
        (messages(trace), "confirmed_at"),
        (deliveries(trace), "received_at"),
        (deliveries(trace), "settled_at"),
    ):
        assert table[column].is_monotonic_increasing, column
        assert table[column].duplicated().any(), f"{column}: nothing ever waited"


def test_the_latency_is_drawn_for_each_message():
    scenario = world(
        messages=4000,
        drain=True,
        producer={"arrivals": "constant(interval=1s)", "link": {"latency": "exponential(50ms)"}},
        consumer=SERVER,
    )
    # The run ends with the last effect; the confirmation of that message is still on its way.
    table = messages(execute(scenario)).iloc[:-1]
    there = (table["stored_at"] - table["created_at"]) / MILLISECOND
    back = (table["confirmed_at"] - table["stored_at"]) / MILLISECOND
    for latency in (there, back):
        assert latency.mean() == pytest.approx(50, abs=2.6 * 50 / 4000**0.5)
    assert abs(np.corrcoef(there, back)[0, 1]) < 0.05


# The append server --------------------------------------------------------------------------------


def test_a_partition_appends_one_message_at_a_time():
    # 100 ms each: three messages that arrive together are stored one after the other.
    scenario = world(
        messages=4,
        drain=True,
        producer={"arrivals": at(1, 1, 1, 2)},
        channel={"append": {"per_message": "100ms"}},
        consumer=SERVER,
    )
    trace = execute(scenario)
    assert seconds(messages(trace)["stored_at"]) == [1.1, 1.2, 1.3, 2.1]
    assert (deliveries(trace)["available_at"] == messages(trace)["stored_at"]).all()


def test_partitions_append_side_by_side():
    scenario = world(
        messages=4,
        drain=True,
        producer={"arrivals": at(1, 1, 1, 1)},
        channel={"append": {"per_message": "100ms"}, "partitions": 2},
        consumer=SERVER,
    )
    assert seconds(messages(execute(scenario))["stored_at"]) == [1.1, 1.1, 1.2, 1.2]


def test_appending_takes_its_time_per_byte():
    scenario = world(
        messages=200,
        drain=True,
        producer={"arrivals": "constant(interval=1s)", "size": "uniform(100B, 5KB)"},
        channel={"append": {"per_message": "500us", "per_byte": "1us"}},
        consumer=SERVER,
    )
    table = messages(execute(scenario))
    took = table["stored_at"] - table["created_at"]
    assert (took == 500_000 + 1000 * table["size_bytes"]).all()
    assert table["size_bytes"].between(100, 5000).all()
    assert table["size_bytes"].nunique() > 150


# Partitions ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("partitioner", ["murmur2", "crc32"])
def test_a_key_decides_the_partition(partitioner):
    scenario = world(
        messages=2000,
        drain=True,
        producer={"rate": "1000/s", "key": "uniform(n=60)"},
        channel={"partitions": 7, "partitioner": partitioner},
        consumer=SERVER,
    )
    table = messages(execute(scenario))
    expected = partition_table(partitioner, 60, 7)
    assert (table["partition"] == expected[table["key"]]).all()
    assert set(table["key"]) == set(range(60))


def test_messages_without_a_key_go_round_each_source_by_itself():
    scenario = Scenario.model_validate(
        {
            "name": "round",
            "messages": 9,
            "drain": True,
            "producers": {
                "often": {"to": "queue", "arrivals": at(1, 2, 3, 4, 5, 6)},
                "seldom": {"to": "queue", "arrivals": at(1.5, 3.5, 5.5)},
            },
            "channels": {"queue": {"partitions": 3}},
            "consumers": {"server": {"reads": "queue", **SERVER}},
        }
    )
    table = messages(execute(scenario))
    assert table[table["source"] == 0]["partition"].tolist() == [0, 1, 2, 0, 1, 2]
    assert table[table["source"] == 1]["partition"].tolist() == [0, 1, 2]


def test_round_robin_ignores_keys():
    scenario = world(
        messages=8,
        drain=True,
        producer={"rate": "10/s", "key": "uniform(n=1)"},
        channel={"partitions": 4, "partitioner": "round_robin"},
        consumer=SERVER,
    )
    table = messages(execute(scenario))
    assert set(table["key"]) == {0}
    assert table["partition"].tolist() == [0, 1, 2, 3, 0, 1, 2, 3]


def test_sticky_stays_until_a_batch_is_full_and_then_draws():
    # Kafka's BuiltInPartitioner: 16 messages of 1024 B fill batch.size = 16,384 B.
    scenario = world(
        seed=3,
        messages=16 * 200,
        drain=True,
        producer={"rate": "1000/s", "size": "1024B", "key": "uniform(n=9)"},
        channel={"partitions": 5, "partitioner": "sticky"},
        consumer=SERVER,
    )
    assert STICKY_BYTES == 16_384
    partitions = messages(execute(scenario))["partition"].to_numpy().reshape(200, 16)
    stays = partitions[:, 0]
    assert (partitions == stays[:, None]).all()
    assert set(stays) == set(range(5))
    # Drawn, not dealt in turn: now and then the same one comes again.
    again = int((stays[1:] == stays[:-1]).sum())
    assert 20 < again < 60
    other = messages(execute(scenario, replication=1))["partition"].to_numpy().reshape(200, 16)
    assert (other[:, 0] != stays).any()


def test_offsets_count_in_each_partition():
    scenario = world(
        messages=300,
        drain=True,
        producer={"rate": "100/s", "key": "zipf(s=1, n=50)"},
        channel={"partitions": 4},
        consumer=SERVER,
    )
    table = copies(execute(scenario))
    for _, partition in table.groupby("partition"):
        assert partition["offset"].tolist() == list(range(len(partition)))
        assert partition["stored_at"].is_monotonic_increasing


def test_every_subscription_gets_every_message():
    scenario = Scenario.model_validate(
        {
            "name": "topic",
            "messages": 50,
            "drain": True,
            "producers": {"source": {"to": "topic", "rate": "10/s"}},
            "channels": {"topic": {"partitions": 3}},
            "consumers": {
                "fast": {"reads": "topic", "service": "1ms"},
                "slow": {"reads": "topic", "service": "500ms"},
                "log": {
                    "reads": "topic",
                    "service": "1ms",
                    "subscription": {"lease_scope": "partition"},
                },
            },
        }
    )
    trace = execute(scenario)
    for consumer in scenario.consumers:
        assert sorted(deliveries(trace, consumer)["message_id"]) == list(range(50))
    # A slow reader holds nobody up.
    fast = deliveries(trace, "fast")
    assert (fast["started_at"] == fast["available_at"]).all()


def test_a_worker_of_several_channels_takes_what_comes_first():
    scenario = Scenario.model_validate(
        {
            "name": "several",
            "messages": 6,
            "drain": True,
            "producers": {
                "first": {"to": "a", "arrivals": at(1, 3, 5)},
                "second": {"to": "b", "arrivals": at(2, 4, 6)},
            },
            "channels": {"a": {}, "b": {}},
            "consumers": {"server": {"reads": ["a", "b"], "service": "500ms"}},
        }
    )
    rows = deliveries(execute(scenario))
    assert seconds(rows["started_at"]) == [1, 2, 3, 4, 5, 6]
    assert rows["channel"].tolist() == [0, 1, 0, 1, 0, 1]


def test_no_channel_of_several_starves():
    # Both channels always have something: the worker takes turns.
    scenario = Scenario.model_validate(
        {
            "name": "turns",
            "duration": "20s",
            "producers": {
                "first": {"to": "a", "arrivals": at(*[1] * 100)},
                "second": {"to": "b", "arrivals": at(*[1] * 100)},
            },
            "channels": {"a": {}, "b": {}},
            "consumers": {"server": {"reads": ["a", "b"], "service": "200ms"}},
        }
    )
    counts = deliveries(execute(scenario))["channel"].value_counts()
    assert abs(counts[0] - counts[1]) <= 2


# Emissions ----------------------------------------------------------------------------------------

CHAIN = Scenario.model_validate(
    {
        "name": "chain",
        "seed": 8,
        "messages": 200,
        "drain": True,
        "producers": {
            "web": {"to": "orders", "rate": "20/s", "key": "uniform(n=30)", "size": "700B"}
        },
        "channels": {"orders": {}, "invoices": {"partitions": 4}, "mails": {}},
        "consumers": {
            "billing": {
                "reads": "orders",
                "instances": 2,
                "service": "exponential(60ms)",
                "link": {"latency": "3ms"},
                "emits": [{"to": "invoices"}, {"to": "mails", "key": "none", "size": "50B"}],
            },
            "mailing": {"reads": ["invoices", "mails"], "service": "1ms"},
        },
    }
)


def test_an_effect_publishes_with_its_cause():
    trace = execute(CHAIN)
    table = messages(trace)
    emitted = table[table["causation_id"] != NEVER]
    assert len(emitted) == 400
    cause = table.loc[emitted["causation_id"]].reset_index(drop=True)
    emitted = emitted.reset_index(drop=True)
    assert (emitted["correlation_id"] == cause["correlation_id"]).all()
    assert (
        cause["correlation_id"] == cause.index.map(dict(enumerate(emitted["causation_id"])))
    ).all()
    handled = deliveries(trace, "billing").set_index("message_id")["finished_at"]
    assert (emitted["created_at"] == handled.loc[emitted["causation_id"]].to_numpy()).all()
    assert (emitted["stored_at"] == emitted["created_at"] + 3 * MILLISECOND).all()
    assert (emitted["source"] == trace.names.sources.index("billing")).all()
    assert emitted["sequence"].tolist() == list(range(400))
    roots = table[table["causation_id"] == NEVER]
    assert (roots["correlation_id"] == roots.index).all()


def test_an_emission_has_key_and_size_as_asked():
    trace = execute(CHAIN)
    table = messages(trace)
    invoices = table[table["channel"] == trace.names.channels.index("invoices")]
    mails = table[table["channel"] == trace.names.channels.index("mails")]
    assert (invoices["key"] == table.loc[invoices["causation_id"], "key"].to_numpy()).all()
    assert (invoices["partition"] == partition_table("murmur2", 30, 4)[invoices["key"]]).all()
    assert set(invoices["size_bytes"]) == {1000}
    assert set(mails["key"]) == {NEVER}
    assert set(mails["size_bytes"]) == {50}


def test_an_effect_that_takes_place_twice_publishes_twice():
    scenario = Scenario.model_validate(
        {
            "name": "twice",
            "messages": 1,
            "drain": True,
            "producers": {"source": {"to": "a", "arrivals": at(0)}},
            "channels": {"a": {}, "b": {}},
            "consumers": {
                "front": {
                    "reads": "a",
                    "service": "1s",
                    "instances": 2,
                    "subscription": {"lease_timeout": "600ms"},
                    "emits": "b",
                },
                "back": {"reads": "b", "service": "exponential(1s)", "instances": 2},
            },
        }
    )
    trace = execute(scenario)
    emitted = messages(trace).iloc[1:]
    assert emitted["causation_id"].tolist() == [0, 0]
    assert seconds(emitted["created_at"]) == [1, 1.6]
    # Two messages, not one twice: each has luck of its own.
    rows = deliveries(trace, "back")
    assert rows["attempt"].tolist() == [1, 1]
    assert (rows["finished_at"] - rows["started_at"]).is_unique


def test_what_takes_no_effect_publishes_nothing():
    trace = execute(
        CHAIN.replace({"faults": [{"crash": "billing", "at": "2s", "lasts": "1s"}]}),
    )
    rows = pd.DataFrame(trace.deliveries)
    billing = rows[rows["consumer"] == 0]
    assert (billing["effect"] == 0).any()
    table = messages(trace)
    assert (table["causation_id"] != NEVER).sum() == 2 * billing["effect"].sum()
