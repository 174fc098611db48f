"""The way to the channel and back: how long it takes, what gets lost, what the source knows."""

from __future__ import annotations

import numpy as np
import pytest

from eda_sim.engine.execute import execute
from tests.engine.publishing.logs import counted, publish, statuses, when
from tests.engine.worlds import SECOND, messages, world

DEAD = {"loss_probability": 1}
DEAF = {"acknowledgement_loss_probability": 1}
COUNT = 4000


def lossy(publishing: dict | None = None, seed: int = 1, **link: float):
    scenario = world(
        seed=seed,
        messages=COUNT,
        drain=True,
        producer={"rate": "100/s", "link": link, "publishing": publishing or {}},
        consumer={"service": 0},
    )
    return messages(execute(scenario))


def share(seen: float, expected: float) -> bool:
    """Return whether a share of the messages is within three standard errors."""
    return abs(seen - expected) < 3 * np.sqrt(expected * (1 - expected) / COUNT)


# Time ---------------------------------------------------------------------------------------------


@pytest.mark.rule("P17")
def test_bytes_leave_one_after_the_other():
    trace = publish(1, 1, 9, link={"bandwidth": "1KB/s", "latency": "500ms"})
    assert when(trace, "stored_at") == [2.5, 3.5, 10.5]
    assert when(trace, "confirmed_at") == [3, 4, 11]  # answers have no size


@pytest.mark.rule("P17")
def test_a_batch_is_as_large_as_its_messages():
    trace = publish(
        *(1, 1, 1),
        publishing={"batch_max_messages": 3, "linger": "1s"},
        link={"bandwidth": "1KB/s"},
    )
    assert when(trace, "stored_at") == [4, 4, 4]


@pytest.mark.rule("P17")
def test_a_link_never_reorders_and_uses_its_latency_otherwise():
    times = np.arange(1, 3, 0.001).tolist()
    trace = publish(*times, link={"latency": "exponential(20ms)"})
    table = messages(trace)
    for later, earlier in (("stored_at", "sent_at"), ("confirmed_at", "stored_at")):
        took = (table[later] - table[earlier]).to_numpy()
        assert (np.diff(table[later]) >= 0).all()
        assert (np.diff(table[later]) == 0).mean() > 0.5, "most waited behind an earlier one"
        assert took.mean() > 0.020 * SECOND


@pytest.mark.rule("P17")
def test_sparse_requests_take_the_latency_that_was_drawn():
    table = lossy(seed=3, latency="exponential(1ms)")
    took = (table["stored_at"] - table["sent_at"]) / SECOND
    assert took.mean() == pytest.approx(0.001, rel=0.12)
    assert np.corrcoef(took, table["confirmed_at"] - table["stored_at"])[0, 1] < 0.1


# Loss ---------------------------------------------------------------------------------------------


@pytest.mark.rule("P7", "P18")
def test_what_is_lost_on_its_way_is_lost():
    trace = publish(1, 2, link=DEAD)
    assert statuses(trace) == ["LOST"] * 2
    assert counted(trace, "copies") == [0, 0]


@pytest.mark.rule("P18")
def test_a_lost_answer_leaves_a_copy_that_its_source_knows_nothing_of():
    trace = publish(1, 2, link=DEAF)
    assert statuses(trace) == ["COMMITTED"] * 2
    assert when(trace, "confirmed_at") == [None, None]


@pytest.mark.rule("P18")
def test_a_doubled_request_is_stored_twice():
    trace = publish(1, 2, link={"duplicate_probability": 1})
    assert counted(trace, "copies") == [2, 2]
    assert counted(trace, "attempts") == [1, 1]
    assert statuses(trace) == ["CONFIRMED"] * 2


@pytest.mark.rule("P18")
def test_the_answers_get_lost_as_often_as_the_requests_unless_said_otherwise():
    table = lossy(loss_probability=0.2)
    stored = table["copies"] == 1
    assert share((~stored).mean(), 0.2)
    assert share((table["confirmed_at"] < 0).mean(), 1 - 0.8**2)
    table = lossy(loss_probability=0.2, acknowledgement_loss_probability=0)
    assert ((table["copies"] == 0) == (table["confirmed_at"] < 0)).all()


@pytest.mark.rule("P18")
def test_each_of_two_may_get_lost():
    table = lossy(loss_probability=0.3, duplicate_probability=0.5, seed=2)
    # None: one lost, or both of two. Two: doubled and none lost.
    assert share((table["copies"] == 0).mean(), 0.5 * 0.3 + 0.5 * 0.3**2)
    assert share((table["copies"] == 2).mean(), 0.5 * 0.7**2)


@pytest.mark.rule("P12", "P18")
@pytest.mark.parametrize("known", [False, True], ids=["forgetful", "idempotent"])
def test_retries_make_good_a_loss_and_double_lost_answers(known):
    # Each request and each answer is lost with q: an attempt succeeds with (1 - q)^2, and copies
    # are made by every attempt that arrives: (1 - q) of 1 / (1 - q)^2 attempts.
    q = 0.2
    scenario = world(
        seed=5,
        messages=COUNT,
        drain=True,
        channel={"deduplication": {"by": "producer_sequence"}},
        producer={
            "rate": "10/s",
            "link": {"loss_probability": q},
            "publishing": {
                "request_timeout": "1s",
                "retry": "fixed(10ms)",
                "idempotent": known,
                "max_in_flight": 1,
            },
        },
        consumer={"service": 0},
    )
    if not known:
        scenario = scenario.replace({"channels.queue.deduplication": None})
    table = messages(execute(scenario))
    attempts, copies = 1 / (1 - q) ** 2, 1 / (1 - q)
    error = np.sqrt(1 - (1 - q) ** 2) / (1 - q) ** 2 / np.sqrt(COUNT)
    assert table["attempts"].mean() == pytest.approx(attempts, abs=3 * error)
    assert table["copies"].min() == 1
    if known:
        assert table["copies"].max() == 1
    else:
        assert table["copies"].mean() == pytest.approx(copies, abs=3 * error)
    assert (table["confirmed_at"] > 0).all()


@pytest.mark.rule("P18")
def test_what_is_lost_takes_no_bandwidth():
    outage = {"loss": "source", "probability": 1, "at": 0.5, "lasts": 1}
    trace = publish(1, 2, link={"bandwidth": "100B/s"}, faults=[outage], duration=200)
    assert when(trace, "stored_at") == [None, 12]


# Acknowledgements ---------------------------------------------------------------------------------


@pytest.mark.rule("P8")
def test_without_acknowledgements_the_source_hopes():
    trace = publish(1, publishing={"acks": "none"}, link={"latency": "1s"})
    assert (when(trace, "confirmed_at"), when(trace, "stored_at")) == ([1], [2])
    assert statuses(trace) == ["CONFIRMED"]
    assert statuses(publish(1, publishing={"acks": "none"}, link=DEAD)) == ["LOST"]
    batched = {"acks": "none", "linger": "1s"}
    assert statuses(publish(1, publishing=batched, link=DEAD)) == ["LOST"]


@pytest.mark.rule("P8")
def test_without_acknowledgements_a_refusal_is_a_loss():
    trace = publish(
        *(1, 2),
        publishing={"acks": "none"},
        channel={"max_messages": 1, "retention": "work_queue", "overflow": "reject_publish"},
        consumer={"service": "5s"},
    )
    assert statuses(trace) == ["CONFIRMED", "LOST"]


@pytest.mark.rule("P8")
@pytest.mark.parametrize(
    ("acks", "confirmed_at"), [("none", [1, 2]), ("leader", [1.2, 2.2]), ("all", [1.25, 2.25])]
)
def test_what_is_answered_when(acks, confirmed_at):
    trace = publish(
        *(1, 2),
        publishing={"acks": acks},
        link={"latency": "100ms"},
        channel={"replication": {"factor": 3, "lag": "50ms"}},
    )
    assert when(trace, "stored_at") == [1.1, 2.1]
    assert when(trace, "committed_at") == [1.15, 2.15]
    assert when(trace, "confirmed_at") == confirmed_at
