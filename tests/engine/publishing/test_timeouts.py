"""Time-outs and retries: what a publisher does without an answer, and what it knows then."""

from __future__ import annotations

import pytest

import eda_sim as es
from eda_sim.engine.trace import Trace
from tests.engine.publishing.logs import counted, crash, publish, statuses, stored_order, when

DEAD = {"loss_probability": 1}
DEAF = {"acknowledgement_loss_probability": 1}
PATIENT = {"request_timeout": "1s", "retry": "fixed(500ms, max_attempts=3)"}
FULL = {"max_messages": 1, "retention": "work_queue", "overflow": "reject_publish"}


def copies_of(trace: Trace) -> list[int]:
    return counted(trace, "copies")


# Request time-out ---------------------------------------------------------------------------------


@pytest.mark.rule("P13")
def test_attempts_that_take_no_time_and_never_end_are_refused():
    # Against a channel that refuses at once they would stop the clock.
    with pytest.raises(es.ScenarioError, match=r"publishing\.retry: needs max_attempts"):
        publish(1, publishing={"retry": "immediate"}, channel=FULL)


@pytest.mark.rule("P12", "P13")
def test_without_an_answer_it_is_tried_again_and_then_unknown():
    trace = publish(1, publishing=PATIENT, link=DEAD)
    assert (statuses(trace), counted(trace, "attempts"), copies_of(trace)) == (
        ["UNKNOWN"],
        [3],
        [0],
    )


@pytest.mark.rule("P12")
def test_without_a_retry_one_time_out_is_the_end():
    trace = publish(1, 9, publishing={"request_timeout": "1s"}, link=DEAF)
    assert statuses(trace) == ["UNKNOWN"] * 2
    assert copies_of(trace) == [1, 1]
    assert when(trace, "confirmed_at") == [None, None]


@pytest.mark.rule("P12")
@pytest.mark.parametrize(
    ("latency", "attempts", "status"),
    [("499ms", 1, "CONFIRMED"), ("500ms", 2, "CONFIRMED"), ("501ms", 2, "CONFIRMED")],
)
def test_an_answer_at_the_very_moment_of_the_time_out_is_too_late(latency, attempts, status):
    patience = {"request_timeout": "1s", "retry": "immediate(max_attempts=2)"}
    trace = publish(1, publishing=patience, link={"latency": latency})
    assert counted(trace, "attempts") == [attempts]
    assert copies_of(trace) == [attempts]
    assert statuses(trace) == [status]


@pytest.mark.rule("P12")
def test_a_confirmation_counts_however_late():
    # Sent at 1 and 2.5, given up at 3.5, answered at 5: stored twice, and confirmed.
    patience = {**PATIENT, "retry": "fixed(500ms, max_attempts=2)"}
    trace = publish(1, publishing=patience, link={"latency": "2s"})
    assert when(trace, "stored_at") == [3]
    assert when(trace, "confirmed_at") == [5]
    assert (copies_of(trace), statuses(trace)) == ([2], ["CONFIRMED"])
    given_up = publish(1, publishing=patience, link={"latency": "2s"}, duration=4.9)
    assert statuses(given_up) == ["UNKNOWN"]


@pytest.mark.rule("P12")
def test_a_late_refusal_does_not_count():
    # The second: refused at 2, which is known at 3. By then, since 2.75, it is on its way again.
    trace = publish(
        *(0.1, 1),
        publishing={"request_timeout": "1.5s", "retry": "fixed(250ms, max_attempts=3)"},
        link={"latency": "1s"},
        channel=FULL,
        consumer={"service": "2.4s"},
        duration=4,
    )
    assert when(trace, "stored_at") == [1.1, 3.75]
    assert counted(trace, "attempts") == [2, 2]


@pytest.mark.rule("P12")
def test_a_time_out_makes_room_in_the_window():
    trace = publish(
        *(1, 1.1, 1.2), publishing={"max_in_flight": 1, "request_timeout": "1s"}, link=DEAD
    )
    assert when(trace, "sent_at") == [1, 2, 3]


# Retries ------------------------------------------------------------------------------------------


@pytest.mark.rule("P13")
def test_a_refusal_is_tried_again_until_there_is_room():
    trace = publish(
        *(1, 2),
        publishing={"retry": "fixed(1s, max_attempts=6)"},
        channel=FULL,
        consumer={"service": "5s"},
    )
    # There is room at 6, and the attempts are made at 2, 3, 4, 5 and 6.
    assert when(trace, "stored_at") == [1, 6]
    assert counted(trace, "attempts") == [1, 5]
    assert statuses(trace) == ["CONFIRMED"] * 2


@pytest.mark.rule("P13")
def test_a_refusal_without_another_attempt_is_the_end():
    trace = publish(
        *(1, 2),
        publishing={"retry": "fixed(1s, max_attempts=3)"},
        channel=FULL,
        consumer={"service": "5s"},
    )
    assert statuses(trace) == ["CONFIRMED", "REJECTED"]
    assert counted(trace, "attempts") == [1, 3]
    assert copies_of(trace) == [1, 0]


@pytest.mark.rule("P13")
def test_delays_grow_as_the_policy_says():
    # Attempts at 0, 0 + 1 + 0.1, + 1 + 0.2, + 1 + 0.4: three time-outs of 1 s between them. Answers
    # get lost, so the copies show the moments.
    trace = publish(
        1,
        publishing={
            "request_timeout": "1s",
            "retry": "exponential(base=100ms, factor=2, cap=300ms, max_attempts=5)",
        },
        link=DEAF,
    )
    from_first = [0, 1.1, 2.3, 3.6, 4.9]
    assert copies_of(trace) == [5]
    times = [time / 1e9 - 1 for time in trace.copies["stored_at"]]
    assert times == pytest.approx(from_first)


@pytest.mark.rule("P13")
def test_a_batch_is_tried_again_as_a_whole():
    trace = publish(
        *(1, 1.1),
        publishing={**PATIENT, "linger": "500ms"},
        link=DEAF,
    )
    assert stored_order(trace) == [0, 1] * 3
    assert counted(trace, "attempts") == [3, 3]


# Delivery time-out --------------------------------------------------------------------------------


@pytest.mark.rule("P14")
def test_a_batch_is_given_up_that_long_after_its_first_message():
    # Attempts at 1 and 2.5; the third would be at 4, which is when it is given up.
    patience = {"request_timeout": "1s", "delivery_timeout": "3s", "retry": "fixed(500ms)"}
    trace = publish(1, publishing=patience, link=DEAF)
    assert (counted(trace, "attempts"), statuses(trace)) == ([2], ["UNKNOWN"])
    longer = {**patience, "delivery_timeout": "3001ms"}
    assert counted(publish(1, publishing=longer, link=DEAF), "attempts") == [3]


@pytest.mark.rule("P14")
def test_what_never_left_has_expired():
    # The first is given up at 4. The second could leave then, but its time is over as well; the
    # third has half a second left.
    patience = {"max_in_flight": 1, "delivery_timeout": "3s"}
    trace = publish(1, 1, 1.5, publishing=patience, link=DEAF)
    assert when(trace, "sent_at") == [1, None, 4]
    assert statuses(trace) == ["UNKNOWN", "EXPIRED", "UNKNOWN"]
    assert copies_of(trace) == [1, 0, 1]


@pytest.mark.rule("P14")
def test_what_was_only_refused_is_rejected():
    trace = publish(
        *(1, 2),
        publishing={"delivery_timeout": "2500ms", "retry": "fixed(1s)"},
        channel=FULL,
        consumer={"service": "50s"},
    )
    assert statuses(trace) == ["CONFIRMED", "REJECTED"]
    assert counted(trace, "attempts") == [1, 3]


@pytest.mark.rule("P11", "P14")
def test_what_is_given_up_makes_room_in_the_buffer():
    trace = publish(
        *(1, 1.1),
        publishing={"buffer_max_bytes": 1000, "delivery_timeout": "3s"},
        link=DEAD,
    )
    assert when(trace, "sent_at") == [1, 4]


# Order --------------------------------------------------------------------------------------------

OUTAGE = {"loss": "source", "probability": 1, "at": 0.9, "lasts": 0.2}
"""What is sent at 1 gets lost."""


def with_an_outage(*times: float, **publishing: object) -> list[int]:
    known = {"deduplication": {"by": "producer_sequence"}}
    trace = publish(
        *times,
        publishing={"request_timeout": "1s", "retry": "fixed(500ms)", **publishing},
        channel=known,
        faults=[OUTAGE],
    )
    assert set(statuses(trace)) == {"CONFIRMED"}
    return stored_order(trace)


@pytest.mark.rule("P15")
def test_a_retry_is_overtaken_by_what_was_in_flight_beside_it():
    assert with_an_outage(1, 1.5) == [1, 0]


@pytest.mark.rule("P15")
def test_nothing_leaves_that_would_overtake_a_retry():
    # The first backs off from 2 to 2.5.
    assert with_an_outage(1, 2.1, 2.2) == [0, 1, 2]


@pytest.mark.rule("P15")
def test_with_one_request_in_flight_the_order_holds():
    assert with_an_outage(1, 1.5, 1.6, max_in_flight=1) == [0, 1, 2]


@pytest.mark.rule("P15", "P21")
def test_an_idempotent_publisher_keeps_the_order_with_many_in_flight():
    assert with_an_outage(1, 1.5, 1.6, idempotent=True) == [0, 1, 2]


@pytest.mark.rule("P15")
def test_other_partitions_do_not_wait_for_a_retry():
    trace = publish(
        *(1, 2.1, 2.2),
        publishing={"request_timeout": "1s", "retry": "fixed(500ms)"},
        channel={"partitions": 2},
        faults=[OUTAGE],
    )
    assert counted(trace, "partition") == [0, 1, 0]
    assert when(trace, "stored_at") == [2.5, 2.1, 2.5]


# Restart ------------------------------------------------------------------------------------------


@pytest.mark.rule("P16")
def test_a_crash_loses_the_buffer_and_all_knowledge():
    trace = publish(
        *(1, 1.5, 1.6, 1.7, 9),
        publishing={"linger": "300ms", "buffer_max_bytes": 3000, "max_in_flight": 1},
        link={"latency": "500ms"},
        faults=[crash("source", 1.75, 1)],
    )
    # The first left at 1.3 and is stored at 1.8; two wait for the window, one for room.
    assert when(trace, "sent_at") == [1.3, None, None, None, 9.3]
    assert when(trace, "stored_at") == [1.8, None, None, None, 9.8]
    assert when(trace, "confirmed_at") == [None, None, None, None, 10.3]
    assert statuses(trace) == ["UNKNOWN", "LOST", "LOST", "LOST", "CONFIRMED"]


@pytest.mark.rule("P16", "P21")
def test_who_comes_back_is_another_publisher():
    # Its numbers begin anew, and the channel takes them for what they are: new messages.
    trace = publish(
        *(1, 2, 5, 6),
        publishing={"idempotent": True},
        channel={"deduplication": {"by": "producer_sequence"}},
        faults=[crash("source", 3, 1)],
    )
    assert stored_order(trace) == [0, 1, 2, 3]


@pytest.mark.rule("P16")
def test_a_plain_publisher_keeps_no_account():
    trace = publish(1, link={"latency": "500ms"}, faults=[crash("source", 1.6, 1)])
    assert (statuses(trace), when(trace, "confirmed_at")) == (["COMMITTED"], [None])
