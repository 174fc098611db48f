"""One producer that publishes at given times, and what became of each message, in seconds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eda_sim.engine.execute import execute
from eda_sim.engine.trace import NEVER, CopyState, MessageStatus, Trace
from tests.engine.worlds import SECOND, at, copies, messages, world

Part = Mapping[str, Any]


def publish(
    *times: float,
    publishing: Part | None = None,
    link: Part | None = None,
    channel: Part | None = None,
    consumer: Part | None = None,
    producer: Part | None = None,
    **settings: Any,
) -> Trace:
    """Run ``source -> queue -> server`` for 100 s, with messages at given times."""
    sender = {"arrivals": at(*times), "publishing": publishing or {}, "link": link or {}}
    settings.setdefault("duration", 100)
    scenario = world(
        producer={**sender, **(producer or {})},
        channel=channel,
        consumer={"service": 0, **(consumer or {})},
        **settings,
    )
    return execute(scenario)


def when(trace: Trace, column: str) -> list[float | None]:
    """Return a time of each message in seconds, None where it never happened."""
    return [None if time == NEVER else time / SECOND for time in messages(trace)[column]]


def statuses(trace: Trace) -> list[str]:
    """Return what became of the publishing of each message."""
    return [MessageStatus(status).name for status in messages(trace)["status"]]


def counted(trace: Trace, column: str) -> list[int]:
    """Return a number of each message."""
    return [int(value) for value in messages(trace)[column]]


def ends(trace: Trace) -> list[tuple[int, str, float | None]]:
    """Return message, state and end in seconds of each copy, in the order of storing."""
    held = copies(trace)
    return [
        (int(number), CopyState(state).name, None if end == NEVER else end / SECOND)
        for number, state, end in zip(
            held["message_id"], held["state"], held["settled_at"], strict=True
        )
    ]


def stored_order(trace: Trace) -> list[int]:
    """Return the messages of the copies, in the order of storing."""
    return [int(number) for number in copies(trace)["message_id"]]


def replicated(**replication: Any) -> dict[str, Any]:
    """Return a channel on three nodes, whose failures are noticed after exactly 8 s."""
    return {"replication": {"factor": 3, "failure_detection": "8s", **replication}}


def crash(target: str, begin: float, lasts: float | None = None, kind: str = "crash") -> Part:
    """Return a fault of a node, a channel or a producer."""
    fault: dict[str, Any] = {kind: target, "at": begin}
    return fault if lasts is None else {**fault, "lasts": lasts}
