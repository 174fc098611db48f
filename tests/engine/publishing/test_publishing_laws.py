"""The laws of publishing hold on runs of many kinds, and each can be broken."""

from __future__ import annotations

import pytest

from eda_sim.engine.laws import check_laws
from eda_sim.engine.trace import CopyState, MessageStatus
from tests.engine.breaking import broken_by, first, runs_of
from tests.traces import tampered

BASE = {
    "name": "laws",
    "seed": 3,
    "duration": "20s",
    "sample_every": "1s",
    "producers": {
        "source": {
            "to": "queue",
            "rate": "40/s",
            "link": {"latency": "exponential(20ms)"},
            "publishing": {"request_timeout": "300ms", "retry": "fixed(100ms, max_attempts=20)"},
        }
    },
    "channels": {"queue": {"partitions": 2}},
    "consumers": {"server": {"reads": "queue", "service": "exponential(100ms)", "instances": 3}},
}
SENDER = "producers.source.publishing"
LINK = "producers.source.link"
CHANNEL = "channels.queue"
KINDS = {
    "plain": {},
    "lossy": {f"{LINK}.loss_probability": 0.1},
    "doubled": {f"{LINK}.duplicate_probability": 0.2},
    "numbered": {
        f"{LINK}.loss_probability": 0.1,
        f"{SENDER}.idempotent": True,
        f"{SENDER}.max_in_flight": 5,
        f"{CHANNEL}.deduplication": {"by": "producer_sequence", "size": 5},
    },
    "identified": {
        f"{LINK}.duplicate_probability": 0.2,
        f"{CHANNEL}.deduplication": {"by": "message_id", "window": "1min"},
    },
    "batched": {f"{SENDER}.linger": "50ms", f"{SENDER}.batch_max_messages": 3},
    "windowed": {f"{SENDER}.max_in_flight": 3, f"{SENDER}.delivery_timeout": "10s"},
    "refusing": {
        f"{CHANNEL}.retention": "work_queue",
        f"{CHANNEL}.max_messages": 5,
        f"{CHANNEL}.overflow": "reject_publish",
    },
    "blocking": {
        f"{CHANNEL}.retention": "work_queue",
        f"{CHANNEL}.max_messages": 5,
        f"{CHANNEL}.overflow": "block",
    },
    "log": {f"{CHANNEL}.max_messages": 200, f"{CHANNEL}.overflow": "reject_publish"},
    "failing_over": {
        f"{SENDER}.acks": "leader",
        f"{CHANNEL}.replication": {"factor": 3, "lag": "200ms", "failure_detection": "1s"},
        "faults": [{"crash": "queue/0", "at": "5s", "lasts": "5s"}],
    },
    "unclean": {
        f"{SENDER}.acks": "leader",
        f"{CHANNEL}.replication": {
            "factor": 2,
            "lag": "exponential(2s)",
            "replica_lag_max": "500ms",
            "failure_detection": "1s",
            "unclean_leader_election": True,
        },
        "faults": [{"crash": "queue/0", "at": "5s"}],
    },
    "dark": {
        f"{SENDER}.acks": "leader",
        f"{CHANNEL}.replication": {"factor": 2},
        "faults": [{"power_loss": "queue", "at": "9s", "lasts": "2s"}],
    },
}


run = runs_of(BASE, KINDS)


@pytest.mark.rule("L9")
@pytest.mark.parametrize("kind", KINDS)
def test_every_law_holds_on_a_real_run(kind):
    trace, scenario = run(kind)
    check_laws(trace, scenario)
    assert len(trace.deliveries["attempt"]) > 200


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (MessageStatus.EXPIRED, "plain"),
        (MessageStatus.BUFFERED, "plain"),
        (MessageStatus.IN_FLIGHT, "plain"),
    ],
)
def test_a_status_that_is_not_true_is_caught(status, kind):
    trace, scenario = run(kind)
    stored = first(trace.messages["copies"] > 0)
    changed = tampered(trace, "messages", "status", stored, status)
    assert broken_by(changed, scenario) == "statuses_are_true"


@pytest.mark.parametrize(
    ("law", "kind", "promise"),
    [
        # What was not promised was not kept.
        (
            "known_messages_are_stored_once",
            "doubled",
            {
                f"{SENDER}.idempotent": True,
                f"{CHANNEL}.deduplication": {"by": "producer_sequence"},
            },
        ),
        (
            "known_messages_are_stored_once",
            "lossy",
            {f"{CHANNEL}.deduplication": {"by": "message_id", "window": "1min"}},
        ),
        ("publishing_windows_respected", "plain", {f"{SENDER}.max_in_flight": 2}),
        ("publishing_windows_respected", "windowed", {f"{SENDER}.max_in_flight": 2}),
        ("full_partitions_store_nothing", "refusing", {f"{CHANNEL}.max_messages": 4}),
        ("full_partitions_store_nothing", "blocking", {f"{CHANNEL}.max_messages": 4}),
        ("full_partitions_store_nothing", "log", {f"{CHANNEL}.max_messages": 199}),
        (
            "what_is_committed_stays",
            "unclean",
            {f"{CHANNEL}.replication.unclean_leader_election": False},
        ),
        ("what_is_committed_stays", "dark", {f"{CHANNEL}.replication.flush": "before_ack"}),
        (
            "promises_are_kept",
            "dark",
            {f"{CHANNEL}.replication.flush": "before_ack", f"{SENDER}.acks": "all"},
        ),
    ],
)
def test_a_run_without_the_setting_breaks_its_law(law, kind, promise):
    trace, scenario = run(kind)
    assert broken_by(trace, scenario.replace(promise)) == law


def test_failovers_truncate_what_was_not_committed():
    trace, _ = run("failing_over")
    lost = trace.copies["state"] == CopyState.TRUNCATED
    assert lost.any()
    assert (trace.copies["committed_at"][lost] < 0).all()
