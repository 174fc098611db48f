"""Laws about the form of the tables: codes, times, counts, attempts."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from eda_sim.engine.laws.case import Case, Finding, Law, Mask, groups, known
from eda_sim.engine.trace import (
    NEVER,
    OPEN_STATES,
    TABLES,
    Column,
    CopyState,
    LeaseEnd,
    MessageStatus,
    Outcome,
)

_ENUMS: dict[str, type[enum.IntEnum]] = {
    "MessageStatus": MessageStatus,
    "CopyState": CopyState,
    "Outcome": Outcome,
    "LeaseEnd": LeaseEnd,
}


def codes_and_times_exist(case: Case) -> Iterator[Finding]:
    """Every code names something, and every time lies within the run."""
    for table, columns in TABLES.items():
        for column in columns:
            values = getattr(case.trace, table)[column.name]
            highest = case.end
            if column.unit in ("1", "bytes") or column.name == "available_again_at":
                highest = np.iinfo(np.int64).max
            elif column.unit in _ENUMS:
                highest = len(_ENUMS[column.unit]) - 1
            elif column.unit != "ns":
                highest = len(getattr(case.trace.names, column.unit)) - 1
            lowest = NEVER if column.optional or column.unit in ("1", "ns") else 0
            wrong = (values < lowest) | (values > highest)
            yield case.where(table, wrong, f"{column.name} is out of range")
    deliveries = case.trace.deliveries
    for number, name, consumer in case.consumers():
        own = deliveries["consumer"] == number
        levels = consumer.subscription.priorities if consumer.preemptive else 1
        outside = (deliveries["instance"] >= consumer.instances) | (
            deliveries["worker"] >= consumer.concurrency + levels - 1
        )
        yield case.where("deliveries", own & outside, f"{name} has no such worker")


def rows_in_order(case: Case) -> Iterator[Finding]:
    """Rows stand in the order in which things happened."""
    trace = case.trace
    order = {
        "messages": "created_at",
        "copies": "copy_id",
        "deliveries": "acquired_at",
        "series": "time",
        "faults": "started_at",
    }
    for table, column in order.items():
        values = getattr(trace, table)[column]
        early = np.flatnonzero(np.diff(values) < 0) + 1
        yield table, early.astype(np.int64), f"{column} is earlier than in the row before"
    copies = trace.copies
    again = (np.diff(copies["copy_id"]) == 0) & (np.diff(copies["consumer"]) <= 0)
    rows = np.flatnonzero(again).astype(np.int64) + 1
    yield "copies", rows, "consumers of a copy do not ascend"


def times_in_order(case: Case) -> Iterator[Finding]:
    """Nothing happens early: created, stored, available, acquired, received, started, finished."""
    messages, copies, deliveries = case.trace.messages, case.trace.copies, case.trace.deliveries
    for first, second, acks in (
        ("created_at", "stored_at", ("none", "leader", "all")),
        ("stored_at", "committed_at", ("none", "leader", "all")),
        ("created_at", "confirmed_at", ("none", "leader", "all")),
        ("stored_at", "confirmed_at", ("leader", "all")),
        ("committed_at", "confirmed_at", ("all",)),
    ):
        wrong = known(messages[second]) & (
            ~known(messages[first]) | (messages[second] < messages[first])
        )
        wrong &= np.isin(messages["source"], case.publishing_with(acks))
        yield case.where("messages", wrong, f"{second} is before {first}")
    chain = ("available_at", "acquired_at", "received_at", "started_at")
    for first, second in pairwise(chain):
        wrong = known(deliveries[second]) & (
            ~known(deliveries[first]) | (deliveries[second] < deliveries[first])
        )
        yield case.where("deliveries", wrong, f"{second} is before {first}")
    settled_as_sent = np.isin(deliveries["consumer"], case.settling_at_hand_over)
    for last in ("finished_at", "settled_at"):
        for first in ("acquired_at", "started_at" if last == "finished_at" else "received_at"):
            wrong = known(deliveries[last], deliveries[first])
            wrong &= deliveries[last] < deliveries[first]
            if (last, first) == ("settled_at", "received_at"):
                wrong &= ~settled_as_sent
            yield case.where("deliveries", wrong, f"{last} is before {first}")
    created = messages["created_at"][copies["message_id"]]
    yield case.where("copies", copies["stored_at"] < created, "stored before it was created")
    committed = messages["committed_at"][deliveries["message_id"]]
    early = (committed == NEVER) | (deliveries["available_at"] < committed)
    yield case.where("deliveries", early, "available before it was committed")
    effect = deliveries["effect"] == 1
    done = known(deliveries["started_at"], deliveries["finished_at"])
    yield case.where("deliveries", effect & ~done, "an effect without a handler that finished")
    taken = known(deliveries["started_at"]) != (deliveries["worker"] != NEVER)
    yield case.where("deliveries", taken, "started without a worker, or the other way round")


def copies_conserved(case: Case) -> Iterator[Finding]:
    """Every stored copy is in one state per subscription: nothing appears and nothing vanishes."""
    trace = case.trace
    messages, copies = trace.messages, trace.copies
    readers = np.zeros(len(trace.names.channels), dtype=np.int64)
    may_read = np.zeros((len(trace.names.channels), len(trace.names.consumers)), dtype=bool)
    for number, _, consumer in case.consumers():
        for channel in consumer.reads:
            may_read[trace.names.channels.index(channel), number] = True
    readers = may_read.sum(axis=1)
    size = messages["channel"].size
    moved = copies["source_copy"] != NEVER
    rows = np.bincount(copies["message_id"][~moved], minlength=size)
    wrong = rows != messages["copies"] * readers[messages["channel"]]
    yield case.where("messages", wrong, "copies stored do not match the rows of the copies")
    strange = ~may_read[copies["channel"], copies["consumer"]]
    strange |= ~moved & (messages["channel"][copies["message_id"]] != copies["channel"])
    yield case.where("copies", strange, "a subscription or a channel that the message is not in")
    of_copy = groups(copies["copy_id"])
    readings = np.bincount(of_copy)[of_copy] if of_copy.size else of_copy
    alone = copies["offset"] == NEVER
    wrong = moved & (readings != np.where(alone, 1, readers[copies["channel"]]))
    yield case.where("copies", wrong, "a moved copy that not all see who should")
    settled = copies["settled_at"] != NEVER
    still_open = np.isin(copies["state"], OPEN_STATES)
    yield case.where("copies", settled == still_open, "settled and open, or final and not settled")
    early = settled & (copies["settled_at"] < copies["stored_at"])
    yield case.where("copies", early, "settled before it was stored")
    first = np.full(size, np.iinfo(np.int64).max)
    np.minimum.at(first, copies["message_id"], copies["stored_at"])
    wrong = (rows > 0) & (first != messages["stored_at"])
    yield case.where("messages", wrong, "stored_at is not that of the first copy")
    stored = (messages["copies"] > 0) == (messages["stored_at"] != NEVER)
    yield case.where("messages", ~stored, "stored without a copy, or a copy without storing")
    yield from _offsets(case)


def _offsets(case: Case) -> Iterator[Finding]:
    """Offsets count from 0; after a failover they go back to the first that was truncated."""
    copies = case.trace.copies
    order = np.lexsort((copies["copy_id"], copies["partition"], copies["consumer"]))
    order = order[(copies["offset"][order] != NEVER)]
    order = order[np.argsort(copies["channel"][order], kind="stable")]
    log = groups(copies["channel"][order], copies["consumer"][order], copies["partition"][order])
    offset = copies["offset"][order]
    begins = np.diff(log, prepend=-1) != 0
    step = np.diff(offset, prepend=0)
    wrong = np.where(begins, offset != 0, step > 1)
    yield "copies", order[wrong].astype(np.int64), "offsets of a partition do not count from 0"
    for place in np.flatnonzero(~begins & (step < 1)):
        earlier = (log[:place] == log[place]) & (offset[:place] >= offset[place])
        kept = earlier & ~_was_truncated(case, order[:place], int(order[place]))
        yield "copies", order[:place][kept].astype(np.int64), "its offset was given out again"


def _was_truncated(case: Case, rows: Column, successor: int) -> Mask:
    """Return which copies a failover may have taken away before another one was stored.

    What was settled before that stays what it was, for instance acknowledged.
    """
    copies = case.trace.copies
    gone: Mask = known(copies["settled_at"][rows])
    gone &= copies["settled_at"][rows] <= copies["stored_at"][successor]
    return gone


def deliveries_match_copies(case: Case) -> Iterator[Finding]:
    """Every copy counts its deliveries, and was acknowledged by one of them."""
    copies, deliveries = case.trace.copies, case.trace.deliveries
    row = case.copy_of_delivery
    yield case.where("deliveries", row == NEVER, "no such copy for this consumer")
    for column in ("message_id", "channel"):
        wrong = deliveries[column] != copies[column][row]
        yield case.where("deliveries", wrong, f"{column} is not that of the copy")
    counted = np.bincount(row, minlength=copies["copy_id"].size)
    wrong = counted != copies["deliveries"]
    yield case.where("copies", wrong, "deliveries are not as many as there are")
    first = np.full(copies["copy_id"].size, np.iinfo(np.int64).max)
    settling = deliveries["settled_at"] != NEVER
    np.minimum.at(first, row[settling], deliveries["settled_at"][settling])
    acknowledged = copies["state"] == CopyState.ACKNOWLEDGED
    wrong = acknowledged & (first != copies["settled_at"])
    yield case.where("copies", wrong, "acknowledged, but not when one of its deliveries was")
    wrong = ~acknowledged & (first != np.iinfo(np.int64).max)
    yield case.where("copies", wrong, "a delivery was settled, but the copy is not acknowledged")
    wrong = (copies["state"] == CopyState.ACQUIRED) & (counted == 0)
    yield case.where("copies", wrong, "acquired without a delivery")
    early = deliveries["available_at"] < copies["stored_at"][row]
    yield case.where("deliveries", early, "available before it was stored")


def attempts_in_order(case: Case) -> Iterator[Finding]:
    """All attempts of a copy are numbered 1, 2, ... and each follows on the one before it."""
    deliveries, order = case.trace.deliveries, case.by_attempt
    following = case.next_attempt[order]
    is_first = np.ones(order.size, dtype=bool)
    is_first[1:] = following[:-1] == NEVER
    attempt = deliveries["attempt"][order]
    expected = np.where(is_first, 1, np.append(0, attempt[:-1]) + 1)
    yield "deliveries", order[attempt != expected], "attempts are not numbered 1, 2, ..."
    again = case.next_attempt
    has_next = again != NEVER
    early = has_next & (case.available_again_at < deliveries["acquired_at"])
    yield "deliveries", again[early], "available again before the attempt before was handed over"


LAWS: tuple[Law, ...] = (
    codes_and_times_exist,
    rows_in_order,
    times_in_order,
    copies_conserved,
    deliveries_match_copies,
    attempts_in_order,
)
