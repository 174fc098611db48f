"""Every statistic a second time: slow, in loops over the raw trace, as the definition says it.

Times go in and out in seconds; inside they are the integers of the trace, so nothing is rounded
before the end.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from eda_sim.engine.trace import NEVER, MessageStatus, Outcome, Trace
from tests.traces import OPEN, READS

Row = Mapping[str, int]
SECOND = 1_000_000_000
FAILED = (
    MessageStatus.REJECTED,
    MessageStatus.EXPIRED,
    MessageStatus.TRUNCATED,
    MessageStatus.LOST,
)


def rows_of(trace: Trace, table: str) -> list[Row]:
    columns = getattr(trace, table)
    size = len(next(iter(columns.values())))
    return [{name: int(values[i]) for name, values in columns.items()} for i in range(size)]


def own_rows(trace: Trace, table: str, consumer: str) -> list[Row]:
    number = trace.names.consumers.index(consumer)
    return [row for row in rows_of(trace, table) if row["consumer"] == number]


def expected(trace: Trace, consumer: str, warmup: float = 0.0) -> Iterator[tuple[int, Row]]:
    """Messages that the consumer should see."""
    for message_id, message in enumerate(rows_of(trace, "messages")):
        reads = trace.names.channels[message["channel"]] in READS[consumer]
        if reads and message["created_at"] / SECOND >= warmup:
            yield message_id, message


def effects_of(trace: Trace, consumer: str, message_id: int) -> list[Row]:
    """Its effects, the earliest first."""
    found = [
        row
        for row in own_rows(trace, "deliveries", consumer)
        if row["message_id"] == message_id and row["effect"] == 1
    ]
    return sorted(found, key=lambda row: row["finished_at"])


def is_final(trace: Trace, consumer: str, message_id: int) -> bool:
    copies = [r for r in own_rows(trace, "copies", consumer) if r["message_id"] == message_id]
    if not copies:
        return rows_of(trace, "messages")[message_id]["status"] in FAILED
    return not any(copy["state"] in OPEN for copy in copies)


def latencies(trace: Trace, consumer: str, warmup: float = 0.0) -> list[float]:
    values = []
    for message_id, message in expected(trace, consumer, warmup):
        effects = effects_of(trace, consumer, message_id)
        if effects:
            values.append((effects[0]["finished_at"] - message["created_at"]) / SECOND)
    return values


def waitings(trace: Trace, consumer: str, warmup: float = 0.0) -> list[float]:
    values = []
    for message_id, message in expected(trace, consumer, warmup):
        effects = effects_of(trace, consumer, message_id)
        if effects:
            values.append((effects[0]["started_at"] - message["created_at"]) / SECOND)
    return values


def quantile(values: Sequence[float], probability: float) -> float:
    """The smallest value with at least that share of all values at or below it."""
    for value in sorted(values):
        if sum(other <= value for other in values) >= probability * len(values) - 1e-9:
            return value
    return math.nan


def share_at_or_below(values: Sequence[float], limit: float) -> float:
    return sum(value <= limit for value in values) / len(values)


def guarantee(trace: Trace, consumer: str, warmup: float = 0.0) -> dict[str, int]:
    counts = dict.fromkeys(
        ("exactly_once", "duplicated", "lost", "pending", "out_of_order", "extra_effects"), 0
    )
    first = []
    for message_id, message in expected(trace, consumer, warmup):
        effects = effects_of(trace, consumer, message_id)
        if len(effects) == 1:
            counts["exactly_once"] += 1
        elif effects:
            counts["duplicated"] += 1
            counts["extra_effects"] += len(effects) - 1
        elif is_final(trace, consumer, message_id):
            counts["lost"] += 1
        else:
            counts["pending"] += 1
        if effects and message["key"] != -1:
            group = (message["source"], message["channel"], message["key"])
            first.append((group, effects[0]["finished_at"]))
    for place, (group, moment) in enumerate(first):
        later = [m for g, m in first[place + 1 :] if g == group]
        counts["out_of_order"] += any(m < moment for m in later)
    return counts


def lag_at(trace: Trace, consumer: str, channel: str, time: float) -> tuple[int, float]:
    """Copies stored and not settled at that moment, and the age of the oldest."""
    number = trace.names.channels.index(channel)
    now = round(time * SECOND)
    ages = []
    for copy in own_rows(trace, "copies", consumer):
        unsettled = copy["settled_at"] == NEVER or copy["settled_at"] > now
        if copy["channel"] == number and copy["stored_at"] <= now and unsettled:
            ages.append((now - copy["stored_at"]) / SECOND)
    return len(ages), max(ages, default=0.0)


def staleness_at(trace: Trace, consumer: str, time: float, *, forget_lost: bool = False) -> float:
    now = round(time * SECOND)
    ages = [0.0]
    for message_id, message in expected(trace, consumer):
        effects = effects_of(trace, consumer, message_id)
        if message["created_at"] > now or (effects and effects[0]["finished_at"] <= now):
            continue
        if forget_lost and not effects and is_final(trace, consumer, message_id):
            continue
        ages.append((now - message["created_at"]) / SECOND)
    return max(ages)


def rate(moments: Sequence[int], start: float, end: float, *, last: bool) -> float:
    """Moments in [start, end), or [start, end] for the last window, per second."""
    count = 0
    for moment in moments:
        at = moment / SECOND
        count += start <= at and (at < end or last)
    return count / (end - start)


def busy_s(trace: Trace, consumer: str, instance: int, start: float, end: float) -> float:
    total = 0.0
    for row in own_rows(trace, "deliveries", consumer):
        if row["instance"] != instance or row["started_at"] == NEVER:
            continue
        begun = max(row["started_at"] / SECOND, start)
        over = end if row["finished_at"] == NEVER else min(row["finished_at"] / SECOND, end)
        total += max(over - begun, 0.0)
    return total


def is_down(trace: Trace, consumer: str, instance: int, time: float) -> bool:
    number = trace.names.targets.index(consumer)
    return any(
        fault["target"] == number
        and fault["instance"] in (-1, instance)
        and fault["started_at"] / SECOND <= time
        and (fault["ended_at"] == NEVER or time < fault["ended_at"] / SECOND)
        for fault in rows_of(trace, "faults")
    )


def was_cut_off(delivery: Row) -> bool:
    return delivery["finished_at"] != NEVER and delivery["outcome"] == Outcome.CRASHED


def waiting_at(trace: Trace, consumer: str, time: float) -> int:
    """Copies that no worker has taken up yet at that moment, and that nothing else holds back."""
    now = round(time * SECOND)
    deliveries = own_rows(trace, "deliveries", consumer)
    count = 0
    for copy in own_rows(trace, "copies", consumer):
        attempts = [row for row in deliveries if row["copy_id"] == copy["copy_id"]]
        attempts.sort(key=lambda row: row["attempt"])
        spans = []
        for place, row in enumerate(attempts):
            begin = row["available_at"]
            before = attempts[place - 1] if place else None
            if before and was_cut_off(before):
                begin = min(begin, before["finished_at"])
            ends = ("finished_at", "settled_at", "available_again_at")
            over = [row[name] for name in ends if row[name] != NEVER]
            if row["started_at"] != NEVER:
                over = [row["started_at"]]
            spans.append((begin, min(over, default=None)))
        if not attempts:
            settled = copy["settled_at"]
            spans.append((copy["stored_at"], None if settled == NEVER else settled))
        elif copy["state"] in OPEN:
            back = attempts[-1]["available_again_at"]
            if was_cut_off(attempts[-1]):
                back = attempts[-1]["finished_at"]
            if back != NEVER:
                spans.append((back, None))
        count += sum(s <= now and (e is None or now < e) for s, e in spans)
    return count


def in_service_at(trace: Trace, consumer: str, time: float) -> int:
    now = round(time * SECOND)
    return sum(
        row["started_at"] != NEVER
        and row["started_at"] <= now
        and (row["finished_at"] == NEVER or now < row["finished_at"])
        for row in own_rows(trace, "deliveries", consumer)
    )


def recovery(trace: Trace, fault: Row, consumer: str, channel: str) -> dict[str, float]:
    """Walk along every tick of the run."""
    end = trace.ended_at_ns if fault["ended_at"] == NEVER else fault["ended_at"]
    moments = {0, fault["started_at"], end, trace.ended_at_ns}
    for copy in own_rows(trace, "copies", consumer):
        moments |= {copy["stored_at"], copy["settled_at"]} - {NEVER}
    # One nanosecond before and after each change, and the changes themselves.
    instants = sorted({m + d for m in moments for d in (-1, 0, 1) if m + d >= 0})
    lag = {m: lag_at(trace, consumer, channel, m / SECOND)[0] for m in instants}
    begin = max(0, 2 * fault["started_at"] - end)
    before = max((lag[m] for m in instants if begin <= m < fault["started_at"]), default=0)
    recovered = math.nan
    if fault["ended_at"] != NEVER:
        calm = (m for m in instants if m >= end and lag[m] <= before)
        recovered = next(calm, math.nan)
    last = math.inf if math.isnan(recovered) else recovered
    peak = max(lag[m] for m in instants if fault["started_at"] <= m <= last)
    return {
        "level_before": before,
        "peak": peak,
        "recovery_s": (recovered - end) / SECOND,
    }
