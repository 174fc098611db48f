"""How copies come back: where, after which delay, how often."""

from __future__ import annotations

import pytest

from eda_sim.engine.execute import execute
from eda_sim.engine.trace import CopyState, LeaseEnd
from eda_sim.spec import Scenario
from tests.engine.worlds import MILLISECOND, SECOND, at, copies, deliveries, seconds, world


def failing(
    *, times: float = 1.0, on_exhausted: str = "release", **subscription: object
) -> Scenario:
    """Return one message whose every attempt fails after 100 ms."""
    return world(
        duration="1h",
        producer={"arrivals": at(0)},
        consumer={
            "service": "100ms",
            "error_probability": times,
            "on_exhausted": on_exhausted,
            "subscription": subscription,
        },
    )


@pytest.mark.rule("D19")
@pytest.mark.parametrize(
    ("position", "order"),
    [
        # Two at a time; the crash at 1.5 s gives back 1 and 2 while 3 to 5 wait.
        ("original", [0, 1, 2, 1, 2, 3, 4, 5]),
        ("head", [0, 1, 2, 1, 2, 3, 4, 5]),
        ("tail", [0, 1, 2, 3, 4, 5, 1, 2]),
    ],
)
def test_what_comes_back_takes_the_place_that_is_asked_for(position, order):
    scenario = world(
        duration="60s",
        producer={"arrivals": at(0, 0.1, 0.2, 0.3, 0.4, 0.5)},
        consumer={
            "service": "1s",
            "subscription": {
                "delivery": "push",
                "max_outstanding": 2,
                "requeue_position": position,
            },
        },
        faults=[{"crash": "server", "at": "1.5s", "lasts": "1s"}],
    )
    rows = deliveries(execute(scenario))
    finished = rows[rows["finished_at"] > 0].sort_values("started_at")
    assert list(rows["message_id"]) == order
    assert len(finished) == len(order)


@pytest.mark.rule("D19")
def test_at_the_head_the_order_is_that_of_coming_back():
    # Two leases of different lengths end in the other order than they began.
    scenario = world(
        duration="60s",
        producer={"arrivals": at(0, 0, 0, 0)},
        consumer={
            "service": "empirical(values=[1s])",
            "instances": 2,
            "retry": "list(delays=[0s, 0s], max_attempts=9)",
            "retry_where": "requeue",
            "error_probability": 0.5,
            "subscription": {"requeue_position": "head"},
        },
    )
    for seed in range(20):
        rows = deliveries(execute(scenario, seed=seed))
        back = rows[rows["lease_end"] == LeaseEnd.RELEASED]
        # While something that came back waits, nothing is handed over for the first time.
        for row in back.itertuples():
            until = rows[(rows["copy_id"] == row.copy_id) & (rows["attempt"] == row.attempt + 1)]
            inside = rows["acquired_at"].between(
                row.available_again_at, until["acquired_at"].iloc[0], inclusive="neither"
            )
            assert (rows[inside]["attempt"] > 1).all()


@pytest.mark.rule("D20")
def test_a_delay_is_scheduled_and_counted():
    scenario = failing(redelivery="linear(base=1s, cap=3s)", max_deliveries=5)
    trace = execute(scenario.replace({"duration": "20s", "sample_every": "500ms"}))
    rows = deliveries(trace)
    # 100 ms of work, then 1, 2, 3, 3 s.
    expected = [0, 1.1, 3.2, 6.3, 9.4]
    assert seconds(rows["acquired_at"]) == pytest.approx(expected, abs=1e-9)
    assert list(rows["available_again_at"] - rows["lease_ended_at"])[:4] == [
        SECOND,
        2 * SECOND,
        3 * SECOND,
        3 * SECOND,
    ]
    sampled = dict(zip(trace.series["time"], trace.series["scheduled"], strict=True))
    assert [sampled[t * SECOND // 2] for t in (0, 1, 2, 4, 8, 16, 18, 30)] == [
        0,
        1,
        1,
        1,
        1,
        1,
        1,
        0,
    ]


@pytest.mark.rule("D20")
def test_a_negative_acknowledgement_has_a_delay_of_its_own():
    # JetStream: BackOff is for the acknowledgement timeout, a NAK comes back at once.
    trace = execute(
        failing(
            redelivery="fixed(base=10s)",
            nack_redelivery="immediate",
            lease_timeout="1min",
            max_deliveries=3,
        )
    )
    assert seconds(deliveries(trace)["acquired_at"]) == [0, 0.1, 0.2]
    slow = execute(failing(redelivery="fixed(base=10s)", max_deliveries=3))
    assert seconds(deliveries(slow)["acquired_at"]) == [0, 10.1, 20.2]


@pytest.mark.rule("D20")
def test_the_client_may_ask_for_a_delay():
    # NakWithDelay, ChangeMessageVisibility: the consumer's own retry policy, waiting at the broker.
    scenario = failing(on_exhausted="reject").replace(
        {
            "consumers.server.retry": "list(delays=[2s, 5s], max_attempts=3)",
            "consumers.server.retry_where": "requeue",
        }
    )
    trace = execute(scenario)
    assert seconds(deliveries(trace)["acquired_at"]) == [0, 2.1, 7.2]
    assert set(copies(trace)["state"]) == {CopyState.DISCARDED}


@pytest.mark.rule("D20")
def test_a_policy_that_ends_gives_the_message_up():
    trace = execute(failing(redelivery="fixed(base=1s, max_attempts=4)"))
    assert len(deliveries(trace)) == 4
    elapsed = execute(failing(redelivery="fixed(base=1s, max_elapsed=5s)"))
    # 0, 1.1, 2.2, 3.3, 4.4: the next would begin 5.5 s after the first.
    assert len(deliveries(elapsed)) == 5
    assert set(copies(elapsed)["state"]) == {CopyState.DISCARDED}


@pytest.mark.rule("D20")
def test_jitter_spreads_what_failed_together():
    scenario = world(
        duration="1h",
        producer={"arrivals": at(*[0] * 50)},
        consumer={
            "service": "100ms",
            "instances": 50,
            "error_probability": 1,
            "on_exhausted": "release",
            "subscription": {"redelivery": "fixed(base=10s, jitter=full, max_attempts=2)"},
        },
    )
    rows = deliveries(execute(scenario))
    delays = (rows["available_again_at"] - rows["lease_ended_at"])[rows["attempt"] == 1]
    assert delays.nunique() == 50
    assert delays.between(0, 10 * SECOND).all()
    assert delays.mean() == pytest.approx(5 * SECOND, rel=0.2)


RABBITMQ_43 = {"delivery_count_on": ["reject", "disconnect"], "max_deliveries": 20}
"""RabbitMQ 4.3, quorum queues: delivery-limit 20; basic.reject and lost connections count,
basic.nack does not."""
RABBITMQ_42 = {
    "delivery_count_on": ["timeout", "nack", "reject", "disconnect"],
    "max_deliveries": 20,
}
"""Up to 4.2 the limit looked at acquired-count, so every return counted."""


@pytest.mark.rule("D21", "D22")
def test_a_delivery_limit_of_20_gives_21_deliveries_of_what_is_rejected():
    # rabbit_fifo.erl return_one: dead-lettered when delivery-count > delivery-limit.
    trace = execute(failing(on_exhausted="reject", on_reject="requeue", **RABBITMQ_43))
    assert len(deliveries(trace)) == 21
    assert set(copies(trace)["state"]) == {CopyState.DISCARDED}
    ends = list(deliveries(trace)["lease_end"])
    assert ends == [LeaseEnd.REJECTED] * 21


@pytest.mark.rule("D21")
def test_a_negative_acknowledgement_never_reaches_the_limit_of_4_3_but_that_of_4_2():
    endless = failing(**RABBITMQ_43).replace({"duration": "60s"})
    rows = deliveries(execute(endless))
    assert len(rows) == 600
    assert len(deliveries(execute(failing(**RABBITMQ_42)))) == 21


@pytest.mark.rule("D21")
def test_crashes_count_where_disconnects_do():
    def delivered(count_on: list[str]) -> int:
        scenario = world(
            duration="1min",
            producer={"arrivals": at(0)},
            consumer={
                "service": "5s",
                "subscription": {"max_deliveries": 2, "delivery_count_on": count_on},
            },
            faults=[{"crash": "server", "at": 1 + 2 * i, "lasts": "1s"} for i in range(10)],
        )
        return len(deliveries(execute(scenario)))

    assert delivered(["disconnect"]) == 3
    assert delivered(["timeout"]) == 11
    assert delivered(["deliver"]) == 2


@pytest.mark.rule("D21")
@pytest.mark.parametrize(("limit", "made"), [(1, 1), (5, 5), (10, 10)])
def test_where_deliveries_count_the_limit_is_their_number(limit, made):
    # SQS: moved when the receive count would exceed maxReceiveCount, 10 by default. Kafka's share
    # groups: group.share.delivery.count.limit 5. JetStream: MaxDeliver.
    scenario = world(
        duration="1h",
        producer={"arrivals": at(0)},
        consumer={
            "service": "40s",
            "instances": 20,
            "settle": "after",
            "error_probability": 1,
            "on_exhausted": "leave",
            "subscription": {"lease_timeout": "30s", "max_deliveries": limit},
        },
    )
    trace = execute(scenario)
    rows = deliveries(trace)
    assert len(rows) == made
    assert set(rows["lease_end"]) == {LeaseEnd.EXPIRED}
    (copy,) = copies(trace).itertuples()
    assert (copy.state, copy.settled_at) == (CopyState.DISCARDED, limit * 30 * SECOND)


@pytest.mark.rule("D22")
def test_a_rejected_message_is_given_up_at_once():
    trace = execute(failing(on_exhausted="reject", max_deliveries=10))
    (row,) = deliveries(trace).itertuples()
    assert row.lease_end == LeaseEnd.REJECTED
    (copy,) = copies(trace).itertuples()
    assert (copy.state, copy.settled_at) == (CopyState.DISCARDED, 100 * MILLISECOND)


@pytest.mark.rule("D17", "D18")
@pytest.mark.parametrize(
    ("late", "ends"),
    [
        ("honoured", [LeaseEnd.EXPIRED, LeaseEnd.OVERTAKEN]),
        # The second lease runs out too, and the policy allows no third attempt.
        ("refused", [LeaseEnd.EXPIRED, LeaseEnd.EXPIRED]),
    ],
)
def test_a_late_acknowledgement_is_honoured_or_refused(late, ends):
    # JetStream documents that a late acknowledgement from the first holder still counts; a FIFO
    # queue of SQS refuses to delete by an old receipt handle.
    scenario = world(
        duration="1min",
        producer={"arrivals": at(0)},
        consumer={
            "service": "5s",
            "subscription": {
                "lease_timeout": "3s",
                "late_acknowledgement": late,
                "redelivery": "fixed(base=500ms, max_attempts=2)",
            },
            "instances": 2,
        },
    )
    trace = execute(scenario)
    rows = deliveries(trace)
    assert seconds(rows["acquired_at"]) == [0, 3.5]
    assert list(rows["lease_end"]) == ends
    (copy,) = copies(trace).itertuples()
    if late == "honoured":
        assert list(rows["settled_at"]) == [5 * SECOND, -1]
        assert (copy.state, copy.settled_at) == (CopyState.ACKNOWLEDGED, 5 * SECOND)
    else:
        assert list(rows["settled_at"]) == [-1, -1]
        assert (copy.state, copy.settled_at) == (CopyState.DISCARDED, 6_500 * MILLISECOND)


@pytest.mark.rule("D16")
@pytest.mark.parametrize("delivery", ["pull", "push"])
def test_automatic_settlement_is_at_most_once(delivery):
    # RabbitMQ's automatic mode: acknowledged when written to the socket. No window, no second
    # attempt, and a crash loses what the client had.
    scenario = world(
        duration="1min",
        producer={"arrivals": at(0, 0, 0)},
        consumer={
            "service": "10s",
            "settle": "auto",
            "link": {"latency": "10ms"},
            "subscription": {"delivery": delivery}
            if delivery == "push"
            else {"fetch_max_messages": 3, "fetch_max_wait": 0, "poll_interval": "1ms"},
        },
        faults=[{"crash": "server", "at": "15s", "lasts": "1s"}],
    )
    trace = execute(scenario)
    rows = deliveries(trace)
    assert list(rows["settled_at"]) == list(rows["acquired_at"])
    assert list(rows["effect"]) == [1, 0, 0]
    assert set(copies(trace)["state"]) == {CopyState.ACKNOWLEDGED}
