"""Storing: the append server, and the two memories that drop second copies."""

from __future__ import annotations

import pytest

from eda_sim import theory
from eda_sim.engine.execute import execute
from tests.engine.publishing.logs import counted, crash, publish, statuses, stored_order, when
from tests.engine.worlds import SECOND, messages, world

TWICE = {"duplicate_probability": 1}
NUMBERED = {"deduplication": {"by": "producer_sequence"}}


def ids(**memory: object) -> dict:
    return {"deduplication": {"by": "message_id", **memory}}


# Append server ------------------------------------------------------------------------------------


@pytest.mark.rule("P19")
def test_one_request_after_the_other_pays_for_itself_its_messages_and_its_bytes():
    cost = {"per_request": "1s", "per_message": "100ms", "per_byte": "1ms"}
    trace = publish(1, 1, channel={"append": cost}, producer={"size": 10})
    assert when(trace, "stored_at") == [2.11, 3.22]
    together = {"batch_max_messages": 2, "linger": "1s"}
    trace = publish(1, 1, publishing=together, channel={"append": cost}, producer={"size": 10})
    assert when(trace, "stored_at") == [2.22, 2.22]


@pytest.mark.rule("P19")
def test_each_partition_has_a_server():
    trace = publish(1, 1, 1, channel={"partitions": 2, "append": {"per_message": "1s"}})
    assert when(trace, "stored_at") == [2, 2, 3]


@pytest.mark.rule("P19")
def test_second_copies_cost_as_much_as_first_ones():
    trace = publish(
        *(1, 1.5), link=TWICE, channel={**ids(size=10), "append": {"per_message": "1s"}}
    )
    assert counted(trace, "copies") == [1, 1]
    assert when(trace, "stored_at") == [2, 4]
    assert when(trace, "confirmed_at") == [2, 4]


@pytest.mark.rule("P19")
def test_a_broker_can_be_the_bottleneck():
    # The append server is an M/D/1 queue in front of everything else.
    scenario = world(
        seed=8,
        messages=100_000,
        producer={"rate": "80/s"},
        channel={"append": {"per_message": "10ms"}},
        consumer={"service": 0},
    )
    table = messages(execute(scenario)).iloc[2_000:98_000]
    sojourn = (table["stored_at"] - table["created_at"]).mean() / SECOND
    expected = theory.md1(arrival_rate=80, service_time=0.01).mean_sojourn
    assert sojourn == pytest.approx(expected, rel=0.05)


# Message ids --------------------------------------------------------------------------------------


@pytest.mark.rule("P20")
@pytest.mark.parametrize(("window", "copies"), [("3s", 1), ("2999ms", 2)])
def test_an_id_is_remembered_up_to_the_last_moment_of_its_window(window, copies):
    again = {"request_timeout": "1s", "retry": "fixed(2s, max_attempts=2)"}
    deaf = {"acknowledgement_loss_probability": 1}
    trace = publish(1, publishing=again, link=deaf, channel=ids(window=window))
    assert counted(trace, "attempts") == [2]  # at 1 and at 4
    assert counted(trace, "copies") == [copies]


@pytest.mark.rule("P20")
@pytest.mark.parametrize(("size", "copies"), [(2, [1, 1]), (1, [2, 1])])
def test_the_oldest_id_is_forgotten_when_there_are_too_many(size, copies):
    trace = publish(
        *(1, 1.5),
        publishing={"request_timeout": "1s", "retry": "immediate(max_attempts=2)"},
        channel=ids(size=size),
        faults=[{"ack_loss": "source", "probability": 1, "at": 0.9, "lasts": 0.2}],
    )
    assert counted(trace, "attempts") == [2, 1]
    assert counted(trace, "copies") == copies
    assert statuses(trace) == ["CONFIRMED"] * 2


@pytest.mark.rule("P20")
def test_what_is_dropped_is_answered_like_what_is_stored():
    trace = publish(1, link={**TWICE, "latency": "1s"}, channel=ids(window="1min"))
    assert counted(trace, "copies") == [1]
    assert statuses(trace) == ["CONFIRMED"]


@pytest.mark.rule("P20")
def test_each_message_of_a_batch_is_judged_on_its_own():
    # The memory has forgotten the first of three when the batch comes again.
    trace = publish(
        *(1, 1, 1),
        publishing={"batch_max_messages": 3, "linger": "1s"},
        link=TWICE,
        channel=ids(size=2),
    )
    assert stored_order(trace)[:4] == [0, 1, 2, 0]
    assert counted(trace, "copies")[0] == 2


# Sequence numbers ---------------------------------------------------------------------------------

AGAIN = {"request_timeout": "1s", "retry": "fixed(500ms, max_attempts=4)"}


@pytest.mark.rule("P21")
@pytest.mark.parametrize(("idempotent", "copies"), [(True, 1), (False, 4)])
def test_a_lost_answer_doubles_unless_messages_are_numbered(idempotent, copies):
    trace = publish(
        1,
        publishing={**AGAIN, "idempotent": idempotent},
        link={"acknowledgement_loss_probability": 1},
        channel=NUMBERED,
    )
    assert counted(trace, "attempts") == [4]
    assert counted(trace, "copies") == [copies]
    assert statuses(trace) == ["UNKNOWN"]


@pytest.mark.rule("P21")
def test_a_gap_that_may_be_filled_is_refused():
    # The first is lost. The second is refused, until the first has come at 2.5.
    trace = publish(
        *(1, 1.2),
        publishing={**AGAIN, "idempotent": True},
        channel=NUMBERED,
        faults=[{"loss": "source", "probability": 1, "at": 0.9, "lasts": 0.2}],
    )
    assert stored_order(trace) == [0, 1]
    assert when(trace, "stored_at")[0] >= 2
    assert counted(trace, "attempts")[0] == 2
    assert counted(trace, "attempts")[1] > 1
    assert statuses(trace) == ["CONFIRMED"] * 2


@pytest.mark.rule("P21")
def test_what_was_given_up_is_not_waited_for():
    trace = publish(
        *(1, 9),
        publishing={"request_timeout": "1s", "idempotent": True},
        channel=NUMBERED,
        faults=[{"loss": "source", "probability": 1, "at": 0.9, "lasts": 0.2}],
    )
    assert statuses(trace) == ["UNKNOWN", "CONFIRMED"]
    assert when(trace, "stored_at") == [None, 9]


@pytest.mark.rule("P21")
@pytest.mark.parametrize(("size", "status"), [(2, "CONFIRMED"), (1, "UNKNOWN")])
def test_a_second_copy_is_recognized_among_the_last_requests(size, status):
    trace = publish(
        *(1, 1.5),
        publishing={**AGAIN, "idempotent": True},
        channel={"deduplication": {"by": "producer_sequence", "size": size}},
        faults=[{"ack_loss": "source", "probability": 1, "at": 0.9, "lasts": 0.2}],
    )
    # Not recognized, it is refused like a gap, again and again: never stored twice.
    assert statuses(trace) == [status, "CONFIRMED"]
    assert counted(trace, "copies") == [1, 1]


@pytest.mark.rule("P21")
def test_the_window_keeps_within_what_the_channel_remembers():
    # With five in flight nothing leaves that is five after the oldest one whose fate is open.
    trace = publish(
        *(1 + 0.1 * place for place in range(8)),
        publishing={**AGAIN, "idempotent": True, "max_in_flight": 5},
        channel={"deduplication": {"by": "producer_sequence", "size": 5}},
        faults=[{"ack_loss": "source", "probability": 1, "at": 0.9, "lasts": 0.15}],
    )
    assert when(trace, "sent_at")[:5] == [1, 1.1, 1.2, 1.3, 1.4]
    assert min(when(trace, "sent_at")[5:]) >= 2.5  # the first is answered then
    assert counted(trace, "copies") == [1] * 8
    assert statuses(trace) == ["CONFIRMED"] * 8


@pytest.mark.rule("P21")
@pytest.mark.parametrize(("window", "copies"), [("4s", 1), ("2900ms", 2)])
def test_an_idle_publisher_is_forgotten(window, copies):
    trace = publish(
        1,
        publishing={"request_timeout": "1s", "retry": "fixed(2s, max_attempts=2)"}
        | {"idempotent": True},
        link={"acknowledgement_loss_probability": 1},
        channel={"deduplication": {"by": "producer_sequence", "window": window}},
    )
    assert counted(trace, "copies") == [copies]


@pytest.mark.rule("P21")
def test_numbers_are_those_of_one_partition():
    trace = publish(
        *(1, 1.1, 1.2, 1.3),
        publishing={"idempotent": True},
        link=TWICE,
        channel={**NUMBERED, "partitions": 2},
    )
    assert counted(trace, "copies") == [1] * 4
    assert statuses(trace) == ["CONFIRMED"] * 4


@pytest.mark.rule("P20", "P27")
def test_an_id_that_a_failover_took_away_is_new_again():
    trace = publish(
        2,
        publishing={"request_timeout": "1s", "retry": "fixed(500ms)"},
        channel={
            **ids(window="10min"),
            "replication": {"factor": 2, "lag": "50ms", "failure_detection": "8s"},
        },
        faults=[crash("queue/0", 2.01, 30)],
    )
    assert counted(trace, "copies") == [2]
    assert statuses(trace) == ["CONFIRMED"]


@pytest.mark.rule("P21", "P27")
def test_a_number_that_a_failover_took_away_is_missing_again():
    trace = publish(
        *(1, 2, 20),
        publishing={**AGAIN, "idempotent": True, "retry": "fixed(500ms)"},
        channel={
            **NUMBERED,
            "replication": {"factor": 2, "lag": "50ms", "failure_detection": "8s"},
        },
        faults=[crash("queue/0", 2.01, 30)],
    )
    assert counted(trace, "copies") == [1, 2, 1]
    assert stored_order(trace) == [0, 1, 1, 2]
    assert statuses(trace) == ["CONFIRMED"] * 3
