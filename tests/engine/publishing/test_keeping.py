"""Retention, overflow and time to live: what a channel keeps, and who suffers at its limits."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from eda_sim.engine.execute import execute
from eda_sim.engine.trace import MessageStatus
from eda_sim.spec import Scenario
from tests.engine.publishing.logs import counted, ends, publish, replicated, statuses, when
from tests.engine.worlds import at, copies, deliveries, messages, world

SLOW = {"service": "50s"}
"""The first message is handled from 1 to 51, in runs of 100 s; no other is, before that."""


def expired(trace) -> list[tuple[int, float | None]]:
    return [(number, end) for number, state, end in ends(trace) if state == "EXPIRED"]


# Age ----------------------------------------------------------------------------------------------


@pytest.mark.rule("P29")
def test_what_is_too_old_is_dropped_the_moment_it_is():
    trace = publish(1, 2, 7, 8, channel={"max_age": "10s"}, consumer=SLOW, duration=30)
    # The first one too, which is being handled: a log does not wait for its readers.
    assert ends(trace) == [
        (0, "EXPIRED", 11),
        (1, "EXPIRED", 12),
        (2, "EXPIRED", 17),
        (3, "EXPIRED", 18),
    ]


@pytest.mark.rule("P29")
@pytest.mark.parametrize(("interval", "found"), [("4s", [12, 12, 20]), ("15s", [15, 15, 30])])
def test_age_is_looked_at_now_and_then(interval, found):
    channel = {"max_age": "10s", "retention_check_interval": interval}
    trace = publish(1, 2, 7, channel=channel, consumer=SLOW, duration=40)
    assert [end for _, end in expired(trace)] == found


@pytest.mark.rule("P29")
def test_what_is_not_committed_is_not_dropped_before_it_is():
    # Stored at 1 and committed at 11; older than 5 s by then: dropped in the same moment. The first
    # was handed out at once, and is taken away like the others.
    trace = publish(
        *(1, 2), channel={**replicated(lag="10s"), "max_age": "5s"}, consumer=SLOW, duration=60
    )
    assert when(trace, "committed_at") == [11, 12]
    assert expired(trace) == [(0, 11), (1, 12)]


@pytest.mark.rule("P29")
@pytest.mark.parametrize("scope", ["delivery", "partition"])
def test_age_takes_away_what_a_slow_reader_has_not_read(scope):
    scenario = world(
        duration=200,
        producer={"arrivals": "constant(interval=1s)"},
        channel={"max_age": "20s"},
        consumer={
            "service": "2s",
            "subscription": {"lease_scope": scope, "fetch_max_messages": 1},
        },
    )
    trace = execute(scenario)
    lost = expired(trace)
    # Half of what arrives can be handled. Once the reader is 20 s behind, the rest is dropped
    # before its turn; and what it reads then is so old that it is dropped while it is handled.
    made = deliveries(trace)
    handled = set(made["message_id"][made["effect"] == 1])
    unread = [number for number, _ in lost if number not in handled]
    assert 70 < len(unread) < 95
    assert len(lost) > 1.7 * len(unread)
    held = copies(trace)
    for number, end in lost:
        own = held[held["message_id"] == number]
        assert end == pytest.approx(own["stored_at"].iloc[0] / 1e9 + 20)


# Need ---------------------------------------------------------------------------------------------


def full(retention: str, consumers: int = 1) -> Scenario:
    """Return a channel with room for two, and three messages of which two are settled by then."""
    scenario = world(
        duration=20,
        producer={"arrivals": {"type": "trace", "times": [1, 2, 5]}},
        channel={"retention": retention, "max_messages": 2, "overflow": "reject_publish"},
        consumer={"service": "1s"},
    )
    extra = {
        f"consumers.other{n}": {"reads": "queue", "service": "9s"} for n in range(1, consumers)
    }
    return scenario.replace(extra) if extra else scenario


@pytest.mark.rule("P30", "P32")
@pytest.mark.parametrize(
    ("retention", "consumers", "status"),
    [
        ("limits", 1, "REJECTED"),  # a log keeps what was read
        ("work_queue", 1, "CONFIRMED"),
        ("interest", 1, "CONFIRMED"),
        ("interest", 2, "REJECTED"),  # the slower one has not settled anything yet
    ],
)
def test_what_counts_to_the_limits(retention, consumers, status):
    assert statuses(execute(full(retention, consumers))) == ["CONFIRMED", "CONFIRMED", status]


@pytest.mark.rule("P30")
@pytest.mark.parametrize(
    ("retention", "found"),
    [("interest", ["CONFIRMED"] * 2), ("work_queue", ["CONFIRMED", "REJECTED"])],
)
@pytest.mark.parametrize("lag", [None, "1s"])
def test_without_a_consumer_nobody_is_interested_and_work_waits(retention, found, lag):
    channel = {"retention": retention, "max_messages": 1, "overflow": "reject_publish"}
    if lag is not None:
        channel |= {"replication": {"factor": 2, "lag": lag}}
    scenario = Scenario.model_validate(
        {
            "name": "unread",
            "duration": 10,
            "producers": {"source": {"to": "queue", "arrivals": "constant(interval=4s)"}},
            "channels": {"queue": channel},
            "consumers": {},
        }
    )
    assert statuses(execute(scenario)) == found


@pytest.mark.rule("P30")
def test_what_is_handed_out_counts():
    trace = publish(
        *(1, 2, 3),
        channel={"retention": "work_queue", "max_messages": 2, "overflow": "reject_publish"},
        consumer={**SLOW, "instances": 2},
    )
    assert statuses(trace) == ["CONFIRMED", "CONFIRMED", "REJECTED"]


# Drop the head ------------------------------------------------------------------------------------


@pytest.mark.rule("P31")
def test_a_log_drops_its_oldest_message():
    trace = publish(1, 2, 3, 4, channel={"max_messages": 2}, consumer=SLOW)
    assert expired(trace) == [(0, 3), (1, 4)]
    assert statuses(trace) == ["CONFIRMED"] * 4  # the publisher never knows


@pytest.mark.rule("P31")
def test_a_queue_drops_the_oldest_that_nobody_holds():
    trace = publish(
        *(1, 2, 3, 4), channel={"retention": "work_queue", "max_messages": 2}, consumer=SLOW
    )
    assert expired(trace) == [(1, 3), (2, 4)]


@pytest.mark.rule("P31")
def test_what_drops_may_be_the_newest():
    trace = publish(
        *(1, 2, 3),
        channel={"retention": "work_queue", "max_messages": 2},
        consumer={**SLOW, "instances": 2},
    )
    assert expired(trace) == [(2, 3)]


@pytest.mark.rule("P31")
def test_bytes_are_a_limit_too_and_hold_for_each_partition():
    trace = publish(
        *(1, 2, 3, 4, 5, 6),
        channel={"max_bytes": 2500, "partitions": 2},
        consumer={**SLOW, "instances": 2},
    )
    assert expired(trace) == [(0, 5), (1, 6)]


@pytest.mark.rule("P29", "P31")
def test_the_head_is_dropped_at_the_next_look():
    channel = {"max_messages": 1, "retention_check_interval": "10s"}
    trace = publish(1, 2, 3, 12, channel=channel, consumer=SLOW, duration=30)
    assert expired(trace) == [(0, 10), (1, 10), (2, 20)]


# Reject and block ---------------------------------------------------------------------------------

ONE = {"retention": "work_queue", "max_messages": 1}
FIVE = {"service": "5s"}


@pytest.mark.rule("P32")
def test_a_request_that_does_not_fit_is_refused_as_a_whole():
    trace = publish(
        *(1, 2, 2, 8, 8),
        publishing={"batch_max_messages": 2, "linger": "500ms"},
        channel={**ONE, "max_messages": 2, "overflow": "reject_publish"},
        consumer=FIVE,
    )
    # The first leaves alone at 1.5. There is room for one more then, and two come together.
    assert counted(trace, "copies") == [1, 0, 0, 1, 1]
    assert statuses(trace) == ["CONFIRMED", *["REJECTED"] * 2, *["CONFIRMED"] * 2]


@pytest.mark.rule("P32")
def test_what_is_being_appended_has_its_room():
    trace = publish(
        *(1, 1.5),
        channel={**ONE, "overflow": "reject_publish", "append": {"per_message": "1s"}},
        consumer=FIVE,
    )
    assert statuses(trace) == ["CONFIRMED", "REJECTED"]


@pytest.mark.rule("P32", "P33")
@pytest.mark.parametrize("overflow", ["reject_publish", "block"])
def test_an_empty_partition_takes_in_any_request(overflow):
    trace = publish(1, channel={"max_bytes": 10, "overflow": overflow})
    assert statuses(trace) == ["CONFIRMED"]


@pytest.mark.rule("P33")
def test_a_request_waits_for_room_and_its_answer_with_it():
    trace = publish(1, 2, 3, channel={**ONE, "overflow": "block"}, consumer=FIVE)
    assert when(trace, "stored_at") == [1, 6, 11]
    assert when(trace, "confirmed_at") == [1, 6, 11]
    assert statuses(trace) == ["CONFIRMED"] * 3


@pytest.mark.rule("P33")
def test_nobody_overtakes_who_waits():
    # Room for 1500 bytes: the second needs 1000, the third 100 would fit and waits behind it.
    scenario = world(
        duration=100,
        producer={"arrivals": {"type": "trace", "times": [1, 2]}},
        channel={"retention": "work_queue", "max_bytes": 1500, "overflow": "block"},
        consumer=FIVE,
    ).replace(
        {
            "producers.small": {
                "to": "queue",
                "size": 100,
                "arrivals": {"type": "trace", "times": [3]},
            }
        }
    )
    assert when(execute(scenario), "stored_at") == [1, 6, 6]


@pytest.mark.rule("P10", "P11", "P33")
def test_blocking_is_felt_through_window_and_buffer():
    trace = publish(
        *(1, 2, 2.1, 2.2, 2.3),
        publishing={"max_in_flight": 1, "buffer_max_bytes": 2000, "max_block": "5s"},
        channel={**ONE, "overflow": "block"},
        consumer=FIVE,
    )
    # Stored at 1, 6, 11: the second holds the window until 6, the third the buffer; the fourth
    # comes in at 6; the last gives up at 7.3.
    assert when(trace, "sent_at") == [1, 2, 6, 11, None]
    assert when(trace, "stored_at") == [1, 6, 11, 16, None]
    assert statuses(trace)[-1] == "EXPIRED"


@pytest.mark.rule("P12", "P33")
def test_who_loses_patience_with_a_full_broker_stores_twice():
    trace = publish(
        *(1, 2),
        publishing={"request_timeout": "2s", "retry": "fixed(1s, max_attempts=2)"},
        channel={**ONE, "overflow": "block"},
        consumer=FIVE,
    )
    assert counted(trace, "copies") == [1, 2]
    assert when(trace, "confirmed_at") == [1, 6]


@pytest.mark.rule("P31", "P32", "P33")
@pytest.mark.parametrize("overflow", ["drop_head", "reject_publish", "block"])
def test_who_suffers_under_overload(overflow):
    # Twice as much arrives as can be handled, and there is room for ten.
    scenario = world(
        seed=3,
        duration=200,
        producer={"rate": "20/s", "publishing": {"max_in_flight": 5, "buffer_max_bytes": 10_000}},
        channel={"retention": "work_queue", "max_messages": 10, "overflow": overflow},
        consumer={"service": "100ms"},
    ).replace({"producers.source.publishing.max_block": "1s"})
    trace = execute(scenario)
    table = messages(trace)
    settled = len(table[table["created_at"] < 190e9])
    dropped = len(expired(trace)) / settled
    rejected = (table["status"] == MessageStatus.REJECTED).sum() / settled
    given_up = (table["status"] == MessageStatus.EXPIRED).sum() / settled
    half = pytest.approx(0.5, abs=0.05)
    expected = {
        "drop_head": (half, 0, 0),
        "reject_publish": (0, half, 0),
        "block": (0, 0, half),
    }
    assert (dropped, rejected, given_up) == expected[overflow]


# Time to live -------------------------------------------------------------------------------------


@pytest.mark.rule("P34")
def test_time_to_live_ends_where_a_copy_waits():
    trace = publish(1, 2, 3, channel={"message_ttl": "10s"}, consumer=SLOW)
    # The first is being handled, and runs on.
    assert ends(trace) == [
        (0, "ACKNOWLEDGED", 51),
        (1, "EXPIRED", 12),
        (2, "EXPIRED", 13),
    ]


@pytest.mark.rule("P34")
def test_its_clock_begins_with_the_commit():
    trace = publish(*(1, 2), channel={**replicated(lag="5s"), "message_ttl": "10s"}, consumer=SLOW)
    assert expired(trace) == [(1, 17)]


@pytest.mark.rule("P34")
def test_what_comes_back_too_late_has_expired():
    trace = publish(
        *(1, 2),
        channel={"message_ttl": "10s"},
        consumer={**SLOW, "subscription": {"lease_timeout": "15s"}},
        duration=30,
    )
    assert expired(trace) == [(0, 16), (1, 12)]


@pytest.mark.rule("P34")
def test_each_copy_has_a_time_of_its_own():
    times = np.arange(2, 30, 0.05).tolist()
    trace = publish(
        *(1, *times), channel={"message_ttl": "uniform(1s, 5s)"}, consumer={"service": "90s"}
    )
    held = copies(trace).iloc[1:]
    lived = (held["settled_at"] - held["committed_at"]) / 1e9
    assert (lived.between(1, 5)).all()
    assert lived.mean() == pytest.approx(3, abs=3 * 4 / np.sqrt(12 * len(lived)))


@pytest.mark.rule("P34")
@pytest.mark.parametrize("head_only", [False, True])
def test_what_a_link_doubles_lives_twice(head_only):
    channel = {"message_ttl": "uniform(1s, 5s)", "ttl_at_head_only": head_only}
    trace = publish(
        *(1, *np.arange(2, 30, 0.5)),
        link={"duplicate_probability": 1},
        channel=channel,
        consumer={"service": "90s", "subscription": {"max_deliveries": 1}},
    )
    gone = copies(trace).query("message_id > 0")
    ends_of = gone.groupby("message_id")["settled_at"]
    assert (ends_of.count() == 2).all()
    if not head_only:
        assert (ends_of.nunique() == 2).all()
        lived = (gone["settled_at"] - gone["committed_at"]) / 1e9
        assert lived.between(1, 5).all()


@pytest.mark.rule("P34")
def test_each_channel_draws_a_life_of_its_own():
    # A dead letter does not live for as long as what it was.
    life = {"message_ttl": "uniform(1s, 5s)"}
    ending = {"dead_letter": "dead", "dead_letter_expired": True}
    scenario = world(
        duration=100,
        producer={"arrivals": at(*np.arange(2, 30, 0.5))},
        channels={"queue": life, "dead": life},
        consumers={
            "server": {"reads": "queue", "service": "1h", "subscription": ending},
            "undertaker": {"reads": "dead", "service": "1h"},
        },
    )
    trace = execute(scenario)
    lived = [
        (table["settled_at"] - table["committed_at"])
        .set_axis(table["message_id"])
        .where(lambda times: times > 0)
        .dropna()
        for table in (copies(trace), copies(trace, "undertaker"))
    ]
    pairs = pd.concat(lived, axis=1, join="inner")
    assert len(pairs) > 50
    assert (pairs[0] != pairs[1]).all()


@pytest.mark.rule("P34")
def test_at_the_head_only():
    # The second would live until 42; the third, whose time is over at 5, stands behind it.
    scenario = world(
        duration=100,
        producer={"arrivals": {"type": "trace", "times": [1, 2, 3]}},
        channel={"message_ttl": "empirical(values=[2s, 40s])", "ttl_at_head_only": True},
        consumer=SLOW,
    )
    for seed in range(20):
        trace = execute(scenario, seed=seed)
        free = execute(scenario.replace({"channels.queue.ttl_at_head_only": False}), seed=seed)
        due = dict(expired(free))
        found = dict(expired(trace))
        assert found[1] == due[1]
        assert found[2] == max(due[1], due[2])
        if due[2] < due[1]:
            break
    assert due[2] < due[1], "no seed drew a short life behind a long one"
