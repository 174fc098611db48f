"""Publishers of consumers, and how long a run that drains waits for publishers."""

from __future__ import annotations

import pytest

from eda_sim.engine.execute import execute
from eda_sim.engine.trace import CopyState, MessageStatus, Trace
from eda_sim.spec import Scenario
from tests.engine.publishing.logs import crash, publish, statuses, when
from tests.engine.worlds import SECOND, at, copies, messages


def chain(*times: float, faults: tuple = (), **consumer: object) -> Trace:
    """Run ``source -> queue -> first -> next -> last``; the first consumer emits."""
    scenario = Scenario.model_validate(
        {
            "name": "chain",
            "duration": 100,
            "producers": {"source": {"to": "queue", "arrivals": at(*times)}},
            "channels": {"queue": {}, "next": {}},
            "consumers": {
                "first": {"reads": "queue", "emits": "next", "service": 0, **consumer},
                "last": {"reads": "next", "service": 0},
            },
            "faults": list(faults),
        }
    )
    return execute(scenario)


def emitted(trace: Trace):
    table = messages(trace)
    return table[table["causation_id"] >= 0]


@pytest.mark.rule("P35")
def test_emits_are_published_like_anything_else():
    trace = chain(
        *(1, 1.1, 1.2),
        publishing={"linger": "150ms", "batch_max_messages": 10},
        link={"latency": "10ms"},
    )
    found = emitted(trace)
    # They reach the instance a latency later, and are batched there.
    assert [time / SECOND for time in found["created_at"]] == [1.01, 1.11, 1.21]
    assert [time / SECOND for time in found["sent_at"]] == [1.16, 1.16, 1.36]
    assert [time / SECOND for time in found["confirmed_at"]] == [1.18, 1.18, 1.38]


@pytest.mark.rule("P35")
def test_each_instance_has_a_window_of_its_own():
    trace = chain(
        *(1, 1, 1, 1),
        instances=2,
        service="10ms",
        publishing={"max_in_flight": 1},
        link={"latency": "1s"},
    )
    # Two instances handle two messages each; each sends one at a time, a round trip apart.
    sent = sorted(emitted(trace)["sent_at"] / SECOND)
    assert sent[1] - sent[0] < 0.1
    assert sent[3] - sent[0] > 2
    assert sent[2] - sent[0] >= 2


@pytest.mark.rule("P35")
def test_work_is_settled_before_its_emits_are_confirmed():
    # Acknowledgements and emits get lost on the same link, each by its own chance. Where only the
    # emit is lost, the work that caused it is done all the same.
    trace = chain(*range(1, 41), link={"loss_probability": 0.5})
    first, found = copies(trace, "first"), emitted(trace)
    settled = set(first.loc[first["state"] == CopyState.ACKNOWLEDGED, "message_id"])
    lost = found[found["status"] == MessageStatus.LOST]
    assert settled & set(lost["causation_id"])
    assert settled - set(lost["causation_id"])
    assert not set(copies(trace, "last")["message_id"]) & set(lost.index)


@pytest.mark.rule("P16", "P35")
def test_a_crash_takes_what_has_not_left_the_instance():
    trace = chain(1, 1.1, publishing={"linger": "5s"}, faults=(crash("first/0", 3, 1),))
    assert set(copies(trace, "first")["state"]) == {CopyState.ACKNOWLEDGED}
    assert list(emitted(trace)["status"]) == [MessageStatus.LOST] * 2


@pytest.mark.rule("P21", "P35")
def test_instances_number_their_messages_each_for_itself():
    scenario = Scenario.model_validate(
        {
            "name": "chain",
            "messages": 200,
            "drain": True,
            "producers": {"source": {"to": "queue", "rate": "100/s"}},
            "channels": {"queue": {}, "next": {"deduplication": {"by": "producer_sequence"}}},
            "consumers": {
                "first": {
                    "reads": "queue",
                    "emits": "next",
                    "service": "exponential(20ms)",
                    "instances": 3,
                    "publishing": {
                        "idempotent": True,
                        "request_timeout": "200ms",
                        "retry": "fixed(50ms)",
                        "max_in_flight": 5,
                    },
                    "link": {"acknowledgement_loss_probability": 0.3},
                },
                "last": {"reads": "next", "service": 0},
            },
        }
    )
    found = emitted(execute(scenario))
    assert len(found) == 200
    assert set(found["copies"]) == {1}
    assert found["attempts"].max() > 1


# Draining -----------------------------------------------------------------------------------------

DRAIN = {"drain": True, "duration": None, "messages": 1}
DEAD = {"loss_probability": 1}
DEAF = {"acknowledgement_loss_probability": 1}


@pytest.mark.rule("P36")
@pytest.mark.parametrize(
    ("publishing", "link", "end"),
    [
        ({}, {"latency": "1s"}, 2),  # stored: the answer would be there at 3
        ({}, DEAD, 1),
        ({"max_in_flight": 1}, {"latency": "1s"}, 2),
        ({"max_in_flight": 1}, DEAD, 1),
        ({"request_timeout": "5s"}, {"latency": "1s"}, 3),
        ({"request_timeout": "5s"}, DEAD, 6),
        ({"request_timeout": "5s"}, DEAF, 6),
        ({"delivery_timeout": "9s"}, DEAF, 10),
        ({"request_timeout": "5s", "retry": "fixed(1s, max_attempts=2)"}, DEAF, 12),
        ({"linger": "3s"}, {"latency": "1s"}, 5),
        ({"acks": "none", "linger": "3s"}, {"latency": "1s"}, 5),
    ],
)
def test_a_run_waits_for_publishing(publishing, link, end):
    trace = publish(1, publishing=publishing, link=link, **DRAIN)
    assert trace.ended_at_ns / SECOND == end


@pytest.mark.rule("P36")
def test_a_run_that_does_not_drain_leaves_publishing_as_it_stands():
    trace = publish(1, publishing={"linger": "9s"}, duration=5)
    assert (statuses(trace), when(trace, "sent_at")) == (["BUFFERED"], [None])
    trace = publish(1, publishing={"max_in_flight": 1}, link={"latency": "9s"}, duration=5)
    assert statuses(trace) == ["IN_FLIGHT"]
