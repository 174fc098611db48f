"""Keys, sizes, and the partition that a message goes to."""

from __future__ import annotations

import numpy as np
import pytest

from eda_sim.engine.execute import execute
from eda_sim.engine.partitioners import (
    crc32,
    key_bytes,
    murmur2,
    partition_table,
    partitions_of,
)
from eda_sim.engine.plan import make_plan
from eda_sim.spec import ScenarioError
from tests.engine.publishing.logs import counted, publish
from tests.engine.worlds import messages, world

PARTITIONS = 6


def sent(count: int = 2000, channel: dict | None = None, **producer: object):
    scenario = world(
        seed=6,
        messages=count,
        producer={"arrivals": "constant(interval=1ms)", **producer},
        channel={"partitions": PARTITIONS, **(channel or {})},
        consumer={"service": 0},
    )
    return messages(execute(scenario))


# Keys and sizes -----------------------------------------------------------------------------------


@pytest.mark.rule("P4")
def test_keys_are_drawn_as_said():
    count = 20_000
    expected = 1 / np.arange(1, 11) ** 1.2
    expected /= expected.sum()
    found = np.bincount(sent(count, key="zipf(s=1.2, n=10)")["key"], minlength=10) / count
    assert np.abs(found - expected).max() < 4 * np.sqrt(0.25 / count)
    found = np.bincount(sent(count, key="uniform(n=10)")["key"], minlength=10) / count
    assert np.abs(found - 0.1).max() < 4 * np.sqrt(0.09 / count)
    assert set(sent(10)["key"]) == {-1}


@pytest.mark.rule("P4")
def test_keys_and_sizes_are_those_of_the_number_of_the_message():
    keyed = {"key": "zipf(s=1, n=1000)", "size": "exponential(2KB)"}
    one = sent(500, **keyed)
    other = sent(500, **keyed, rate="50/s", arrivals=None, bulk=3)
    assert list(one["key"]) == list(other["key"])
    assert list(one["size_bytes"]) == list(other["size_bytes"])
    without = sent(500, size="exponential(2KB)")
    assert list(one["size_bytes"]) == list(without["size_bytes"])


@pytest.mark.rule("P4")
def test_sizes_are_whole_bytes():
    assert set(sent(50, size=10.4)["size_bytes"]) == {10}
    assert set(sent(50, size=10.5)["size_bytes"]) == {11}


# With a key ---------------------------------------------------------------------------------------


@pytest.mark.rule("P5")
@pytest.mark.parametrize("partitioner", ["murmur2", "crc32"])
def test_a_key_decides(partitioner):
    table = sent(key="uniform(n=300)", channel={"partitioner": partitioner})
    hashed = {"murmur2": lambda data: murmur2(data) & 0x7FFFFFFF, "crc32": crc32}[partitioner]
    expected = [hashed(key_bytes(key)) % PARTITIONS for key in table["key"]]
    assert list(table["partition"]) == expected
    assert len(set(expected)) == PARTITIONS


@pytest.mark.rule("P5")
def test_the_two_clients_disagree():
    # Java's client and librdkafka on one topic: the messages of a key are in two places.
    java = sent(key="uniform(n=300)", channel={"partitioner": "murmur2"})
    other = sent(key="uniform(n=300)", channel={"partitioner": "crc32"})
    assert (java["partition"] != other["partition"]).mean() > 0.7


@pytest.mark.rule("P5")
def test_more_partitions_move_keys():
    few = sent(key="uniform(n=300)")
    more = sent(key="uniform(n=300)", channel={"partitions": PARTITIONS + 1})
    assert 0.5 < (few["partition"] != more["partition"]).mean() < 1


@pytest.mark.rule("P37")
@pytest.mark.parametrize("partitioner", ["murmur2", "crc32"])
def test_keys_by_name_go_where_their_bytes_say(partitioner):
    texts = ["21", "foobar", "\N{GREEK SMALL LETTER ALPHA}/1", "21"]
    table = sent(
        10,
        key={"type": "trace", "keys": texts},
        channel={"partitioner": partitioner, "partitions": 12},
    )
    hashed = {"murmur2": lambda data: murmur2(data) & 0x7FFFFFFF, "crc32": crc32}[partitioner]
    expected = [hashed(texts[n % 4].encode()) % 12 for n in range(10)]
    assert list(table["partition"]) == expected
    # In the order in which they stand there; texts that are equal are one key.
    assert list(table["key"]) == [0, 1, 2, 0, 0, 1, 2, 0, 0, 1]


@pytest.mark.rule("P37")
def test_the_key_21_is_in_partition_0_of_12():
    # As Apache Kafka's default partitioner has it; the hash is that of its UtilsTest.
    keys = {"type": "trace", "keys": ["21"]}
    assert set(sent(5, key=keys, channel={"partitions": 12})["partition"]) == {0}


@pytest.mark.rule("P37")
def test_names_follow_numbers_and_a_name_may_be_that_of_a_number():
    scenario = world(
        messages=8,
        producer={"rate": "10/s", "key": "uniform(n=3)"},
        channel={"partitions": 5},
        consumer={"service": "1ms"},
    )
    named = {
        "to": "queue",
        "rate": "10/s",
        "key": {"type": "trace", "keys": ["x", "key-2", "key-4"]},
    }
    plan = make_plan(scenario.replace({"producers.other": named}))
    assert plan.producers.key_numbers.tolist() == [3, 1, 4]
    partitions = partition_table("murmur2", 4, 5).tolist()
    (of_x,) = partitions_of("murmur2", ["x"], 5).tolist()
    assert plan.channels.key_partitions.tolist() == [*partitions[:3], of_x, partitions[3]]


@pytest.mark.rule("P37")
@pytest.mark.parametrize(
    ("keys", "message"),
    [([], "empty list"), ([21], "keys.0: 21"), ([""], "keys.0"), (["k" * 1001], "keys.0")],
)
def test_keys_that_are_no_texts_are_refused(keys, message):
    with pytest.raises(ScenarioError, match=message):
        sent(5, key={"type": "trace", "keys": keys})


# Without ------------------------------------------------------------------------------------------


@pytest.mark.rule("P6")
def test_round_robin_by_default_and_where_the_channel_says_so():
    assert list(sent(12)["partition"]) == [*range(PARTITIONS)] * 2
    deaf = sent(12, key="uniform(n=5)", channel={"partitioner": "round_robin"})
    assert list(deaf["partition"]) == [*range(PARTITIONS)] * 2


@pytest.mark.rule("P6")
def test_each_source_goes_round_on_its_own():
    scenario = world(
        duration=1,
        producer={"arrivals": "constant(interval=100ms)"},
        channel={"partitions": 3},
        consumer={"service": 0},
    ).replace({"producers.other": {"to": "queue", "arrivals": "constant(interval=70ms)"}})
    table = messages(execute(scenario))
    for source in (0, 1):
        own = table[table["source"] == source]
        assert list(own["partition"]) == [place % 3 for place in range(len(own))]


@pytest.mark.rule("P6")
def test_random_is_uniform_and_without_memory():
    count = 12_000
    table = sent(count, publishing={"keyless": "random"})
    partition = table["partition"].to_numpy()
    assert np.abs(np.bincount(partition) / count - 1 / 6).max() < 4 * np.sqrt(5 / 36 / count)
    assert (np.diff(partition) == 0).mean() == pytest.approx(1 / 6, abs=0.015)


@pytest.mark.rule("P6")
@pytest.mark.parametrize(
    "settings",
    [{"publishing": {"keyless": "sticky"}}, {"channel": {"partitioner": "sticky"}}],
    ids=["source", "channel"],
)
def test_sticky_stays_for_16_kib(settings):
    table = sent(17 * 400, **settings)
    stays = table["partition"].to_numpy().reshape(400, 17)  # 17,000 B are the first above 16,384
    assert (stays == stays[:, :1]).all()
    assert np.bincount(stays[:, 0], minlength=6).min() > 40
    again = (np.diff(stays[:, 0]) == 0).mean()
    assert again == pytest.approx(1 / 6, abs=0.06), "the next is drawn, the same one included"


@pytest.mark.rule("P6")
def test_what_the_source_says_goes_first():
    table = sent(12, publishing={"keyless": "round_robin"}, channel={"partitioner": "sticky"})
    assert list(table["partition"]) == [*range(PARTITIONS)] * 2


@pytest.mark.rule("P6")
def test_a_retry_goes_to_the_same_partition():
    trace = publish(
        *(1, 2, 3),
        publishing={"request_timeout": "1s", "retry": "fixed(100ms, max_attempts=4)"},
        link={"acknowledgement_loss_probability": 1},
        channel={"partitions": 3},
    )
    assert counted(trace, "copies") == [4, 4, 4]
    for number in range(3):
        own = trace.copies["message_id"] == number
        assert set(trace.copies["partition"][own]) == {number}
