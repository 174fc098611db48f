"""Batches, windows and buffers: when a message leaves its publisher."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from eda_sim.engine.execute import execute
from eda_sim.spec import Scenario
from tests.engine.publishing.logs import counted, publish, statuses, when
from tests.engine.worlds import MILLISECOND, SECOND, messages, world

RATE, LINGER_S = 1000.0, 0.005


def lingering(seed: int) -> Scenario:
    return world(
        seed=seed,
        duration=20,
        producer={"rate": RATE, "publishing": {"linger": LINGER_S}},
        consumer={"service": 0},
    )


@pytest.mark.rule("P7")
def test_a_message_leaves_at_once_and_alone():
    trace = publish(1, 1, 2, link={"latency": "250ms"})
    assert when(trace, "sent_at") == [1, 1, 2]
    assert when(trace, "stored_at") == [1.25, 1.25, 2.25]
    assert when(trace, "committed_at") == [1.25, 1.25, 2.25]
    assert when(trace, "confirmed_at") == [1.5, 1.5, 2.5]
    assert counted(trace, "attempts") == [1, 1, 1]


@pytest.mark.rule("P9")
def test_a_batch_lingers_and_waits_as_poisson_arrivals_make_it():
    # Rate 1000/s, linger 5 ms: 1 + rL = 6 messages, mean wait L(1 + rL/2)/(1 + rL) = 2.92 ms.
    size = 1 + RATE * LINGER_S
    wait_ms = 1e3 * LINGER_S * (1 + RATE * LINGER_S / 2) / size
    assert (size, wait_ms) == (6, pytest.approx(2.917, abs=0.001))
    sizes, waits = [], []
    for seed in range(10):
        table = messages(execute(lingering(seed)))
        table = table[table["sent_at"] >= 0]
        batches = table.groupby("sent_at")
        sizes.append(batches.size().mean())
        waits.append((table["sent_at"] - table["created_at"]).mean() / MILLISECOND)
        longest = table["sent_at"] - batches["created_at"].transform("min")
        assert set(longest) == {LINGER_S * SECOND}
    for found, expected in ((sizes, size), (waits, wait_ms)):
        margin = stats.t.ppf(0.9995, len(found) - 1) * stats.sem(found)
        assert np.mean(found) == pytest.approx(expected, abs=margin)
        assert margin < 0.02 * expected


@pytest.mark.rule("P9")
def test_a_batch_that_is_full_leaves_before():
    trace = publish(
        *(1, 1.002, 1.004, 1.0051, 1.2, 1.201),
        publishing={"linger": "5ms", "batch_max_messages": 3},
        link={"latency": "10ms"},
    )
    assert when(trace, "sent_at") == [1.004, 1.004, 1.004, 1.0101, 1.205, 1.205]
    assert when(trace, "stored_at") == [1.014, 1.014, 1.014, 1.0201, 1.215, 1.215]
    assert when(trace, "confirmed_at") == [1.024, 1.024, 1.024, 1.0301, 1.225, 1.225]


@pytest.mark.rule("P9")
@pytest.mark.parametrize(
    ("limit", "sent_at"),
    [
        (3000, [1.2, 1.2, 1.2, 1.8]),  # three fill it to the byte
        (2999, [1.2, 1.2, 1.7, 1.7]),  # the third does not fit, so the first two leave
        (999, [1, 1.1, 1.2, 1.3]),  # each is larger than a batch: a batch of its own
    ],
)
def test_bytes_make_a_batch_full(limit, sent_at):
    trace = publish(*(1, 1.1, 1.2, 1.3), publishing={"linger": "500ms", "batch_max_bytes": limit})
    assert when(trace, "sent_at") == sent_at


@pytest.mark.rule("P9")
def test_each_partition_has_a_batch_of_its_own():
    trace = publish(
        *(1, 1.001, 1.002, 1.003), publishing={"linger": "5ms"}, channel={"partitions": 2}
    )
    assert counted(trace, "partition") == [0, 1, 0, 1]
    assert when(trace, "sent_at") == [1.005, 1.006, 1.005, 1.006]


@pytest.mark.rule("P9", "P10")
def test_what_waits_for_the_window_is_batched_meanwhile():
    trace = publish(
        *(1, 1.05, 1.1, 1.15, 1.3),
        publishing={"max_in_flight": 1, "batch_max_messages": 100},
        link={"latency": "100ms"},
    )
    assert when(trace, "sent_at") == [1, 1.2, 1.2, 1.2, 1.4]
    assert when(trace, "confirmed_at") == [1.2, 1.4, 1.4, 1.4, 1.6]


@pytest.mark.rule("P10")
@pytest.mark.parametrize(
    ("window", "sent_at"),
    [
        (1, [1, 1.2, 1.4, 1.6, 1.8]),
        (2, [1, 1.05, 1.2, 1.25, 1.4]),
        (None, [1, 1.05, 1.1, 1.15, 1.2]),
    ],
)
def test_the_window_bounds_requests_without_an_answer(window, sent_at):
    trace = publish(
        *(1, 1.05, 1.1, 1.15, 1.2),
        publishing={"max_in_flight": window},
        link={"latency": "100ms"},
    )
    assert when(trace, "sent_at") == sent_at


@pytest.mark.rule("P10")
def test_the_oldest_batch_leaves_first_whatever_its_partition():
    trace = publish(
        *(1, 1.01, 1.02, 1.03),
        publishing={"max_in_flight": 1, "linger": "100ms"},
        link={"latency": "100ms"},
        channel={"partitions": 2},
    )
    # Partition 0 opened first; partition 1 is ready 10 ms later and has to wait for the answer.
    assert when(trace, "sent_at") == [1.1, 1.3, 1.1, 1.3]


@pytest.mark.rule("P10")
def test_throughput_of_a_window_is_its_size_per_round_trip():
    scenario = world(
        duration=100,
        producer={
            "rate": "1000/s",
            "link": {"latency": "50ms"},
            "publishing": {"max_in_flight": 5},
        },
        consumer={"service": 0},
    )
    confirmed = messages(execute(scenario))["confirmed_at"].gt(0).sum()
    assert confirmed == pytest.approx(5 / 0.1 * 100, abs=10)


@pytest.mark.rule("P11")
def test_what_does_not_fit_into_the_buffer_waits_and_is_given_up():
    trace = publish(
        *(1, 1.01, 1.02, 1.03, 1.04),
        publishing={"buffer_max_bytes": 2000, "max_block": "190ms"},
        link={"latency": "100ms"},
    )
    assert when(trace, "sent_at") == [1, 1.01, 1.2, 1.21, None]
    assert statuses(trace) == ["CONFIRMED"] * 4 + ["EXPIRED"]


@pytest.mark.rule("P11")
@pytest.mark.parametrize(("max_block", "status"), [("181ms", "CONFIRMED"), ("180ms", "EXPIRED")])
def test_room_at_the_last_moment(max_block, status):
    # Room comes at 1.2 with the first confirmation; the time-out of that moment goes before it.
    trace = publish(
        *(1, 1.02),
        publishing={"buffer_max_bytes": 1000, "max_block": max_block},
        link={"latency": "100ms"},
    )
    assert statuses(trace) == ["CONFIRMED", status]


@pytest.mark.rule("P11")
def test_no_patience_at_all():
    trace = publish(
        *(1, 1.05, 1.3),
        publishing={"buffer_max_bytes": 1000, "max_block": 0},
        link={"latency": "100ms"},
    )
    assert statuses(trace) == ["CONFIRMED", "EXPIRED", "CONFIRMED"]
    assert when(trace, "sent_at") == [1, None, 1.3]


@pytest.mark.rule("P11")
@pytest.mark.parametrize(("max_block", "leaves_at"), [("0s", 6), ("1ns", 1.2)])
def test_what_does_not_wait_outside_hurries_nothing(max_block, leaves_at):
    trace = publish(
        *(1, 1.1, 1.2),
        publishing={"buffer_max_bytes": 2000, "linger": "5s", "max_block": max_block},
        link={"latency": "100ms"},
    )
    assert when(trace, "sent_at") == [leaves_at, leaves_at, None]
    assert statuses(trace) == ["CONFIRMED", "CONFIRMED", "EXPIRED"]


@pytest.mark.rule("P11")
def test_without_a_bound_on_waiting_all_wait_in_their_order():
    trace = publish(
        *(1, 1.01, 1.02, 1.03),
        publishing={"buffer_max_bytes": 1000},
        link={"latency": "100ms"},
    )
    assert when(trace, "sent_at") == [1, 1.2, 1.4, 1.6]


@pytest.mark.rule("P11")
def test_an_empty_buffer_takes_in_any_message():
    trace = publish(
        *(1, 1.01),
        publishing={"buffer_max_bytes": 10},
        link={"latency": "100ms"},
        producer={"size": 5000},
    )
    assert when(trace, "sent_at") == [1, 1.2]


@pytest.mark.rule("P11")
def test_nothing_lingers_while_somebody_waits_outside():
    trace = publish(
        *(1, 1.1, 1.2, 9),
        publishing={"buffer_max_bytes": 2000, "linger": "5s"},
        link={"latency": "100ms"},
    )
    # The third has no room: so the first two leave, and it lingers itself when it is in.
    assert when(trace, "sent_at") == [1.2, 1.2, 6.4, 14]
