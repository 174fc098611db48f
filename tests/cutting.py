"""Cut the rows of a trace into batches, as an engine hands them over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from eda_sim.engine.summary import Facts, Summarizer, Summary
from eda_sim.engine.trace import NEVER, OPEN_STATES, MessageStatus, Table, Trace

Batch = tuple[Table, Table, Table]
LIVE = ("message_id", "source", "channel", "key", "created_at")


def batch_of(trace: Trace, chosen: np.ndarray) -> Batch:
    """The messages that are chosen, with all their copies and deliveries."""
    numbers = np.arange(chosen.size)
    messages = {**trace.messages, "message_id": numbers}
    return (
        {name: column[chosen] for name, column in messages.items()},
        *(
            {name: column[chosen[table["message_id"]]] for name, column in table.items()}
            for table in (trace.copies, trace.deliveries)
        ),
    )


def live_of(trace: Trace, chosen: np.ndarray) -> Table:
    """What an engine says about the messages that it still has."""
    messages = {**trace.messages, "message_id": np.arange(chosen.size)}
    return {name: messages[name][chosen] for name in LIVE}


def folded(
    trace: Trace, facts: Facts, parts: Iterable[tuple[np.ndarray, np.ndarray | None]]
) -> Summary:
    """The summary of a trace in batches: which messages each has, and which are live after it."""
    fold = Summarizer(facts)
    for chosen, live in parts:
        fold.absorb(*batch_of(trace, chosen), live=None if live is None else live_of(trace, live))
    return fold.finish(trace.ended_at_ns, trace.series, trace.faults)


def at_random(
    trace: Trace, random: np.random.Generator, count: int
) -> Iterator[tuple[np.ndarray, None]]:
    """Batches that have nothing to do with time, in any order."""
    places = random.integers(0, count, trace.messages["created_at"].size)
    for number in random.permutation(count):
        yield places == number, None


def as_time_goes(
    trace: Trace, random: np.random.Generator, count: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Batches of messages that are over at some moments, now and then leaving one for later."""
    created = trace.messages["created_at"]
    over = over_at(trace)
    left = np.ones(created.size, dtype=bool)
    for moment in np.sort(random.integers(0, trace.ended_at_ns + 1, count)):
        chosen = left & (over <= moment) & (random.random(created.size) < 0.8)
        left &= ~chosen
        yield chosen, left & (created <= moment)
    yield left, np.zeros(created.size, dtype=bool)


def over_at(trace: Trace) -> np.ndarray:
    """From when on nothing of each message changes; after the run where something is open."""
    never = np.iinfo(np.int64).max
    over = trace.messages["created_at"].copy()
    for name in ("sent_at", "stored_at", "committed_at", "confirmed_at"):
        over = np.maximum(over, trace.messages[name])
    over[trace.messages["status"] <= MessageStatus.IN_FLIGHT] = never
    names = {"copies": ("stored_at", "committed_at", "visible_at", "settled_at")}
    names["deliveries"] = ("acquired_at", "started_at", "finished_at", "settled_at")
    names["deliveries"] += ("lease_ended_at", "available_again_at")
    for table, columns in names.items():
        rows = getattr(trace, table)
        for name in columns:
            np.maximum.at(over, rows["message_id"], rows[name])
    over[trace.copies["message_id"][np.isin(trace.copies["state"], OPEN_STATES)]] = never
    begun = trace.deliveries["started_at"] != NEVER
    running = begun & (trace.deliveries["finished_at"] == NEVER)
    over[trace.deliveries["message_id"][running]] = never
    return over
