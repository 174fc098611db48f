"""Small worlds to run: one producer, one channel, one consumer, and what a test wants to change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from eda_sim.engine.trace import NEVER, CopyState, Outcome, Trace
from eda_sim.spec import Scenario

SECOND = 1_000_000_000
MILLISECOND = 1_000_000

Part = Mapping[str, Any]


def world(
    *,
    producer: Part | None = None,
    channel: Part | None = None,
    consumer: Part | None = None,
    **settings: Any,
) -> Scenario:
    """Return ``source -> queue -> server``, changed as wanted."""
    return Scenario.model_validate(
        {
            "name": "world",
            "producers": {"source": {"to": "queue", **(producer or {})}},
            "channels": {"queue": dict(channel or {})},
            "consumers": {"server": {"reads": "queue", **(consumer or {})}},
            **settings,
        }
    )


def at(*seconds: float) -> dict[str, Any]:
    """Return arrivals at given times."""
    return {"type": "trace", "times": list(seconds)}


def messages(trace: Trace) -> pd.DataFrame:
    """Return the messages; times are ns, what never happened is -1."""
    return pd.DataFrame(trace.messages)


def deliveries(trace: Trace, consumer: str = "server") -> pd.DataFrame:
    """Return the deliveries to one consumer, in the order of hand-over."""
    table = pd.DataFrame(trace.deliveries)
    return table[table["consumer"] == trace.names.consumers.index(consumer)]


def copies(trace: Trace, consumer: str = "server") -> pd.DataFrame:
    """Return the copies as one consumer sees them, in the order of storing."""
    table = pd.DataFrame(trace.copies)
    return table[table["consumer"] == trace.names.consumers.index(consumer)]


def seconds(times: pd.Series) -> list[float]:
    """Return times in seconds, NaN for what never happened."""
    return [float("nan") if time == NEVER else time / SECOND for time in times]


@dataclass(frozen=True)
class Counted:
    """How many messages of one consumer came to which end, and how many deliveries were skipped."""

    messages: int
    once: int
    duplicated: int
    lost: int
    pending: int
    skipped: int


def count(trace: Trace, consumer: str = "server") -> Counted:
    """Count effects per message; every message is expected to be stored for this consumer."""
    held = copies(trace, consumer)
    made = deliveries(trace, consumer)
    effects = np.bincount(
        made["message_id"], weights=made["effect"], minlength=len(trace.messages["key"])
    )[held["message_id"]]
    final = held["state"].to_numpy() == CopyState.ACKNOWLEDGED
    return Counted(
        messages=len(held),
        once=int((effects == 1).sum()),
        duplicated=int((effects > 1).sum()),
        lost=int(((effects == 0) & final).sum()),
        pending=int(((effects == 0) & ~final).sum()),
        skipped=int((made["outcome"] == Outcome.SKIPPED).sum()),
    )
