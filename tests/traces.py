"""Traces made by hand, and by hypothesis: tables without an engine behind them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from eda_sim.analysis.tables import Tables, to_frame
from eda_sim.engine.trace import NEVER, TABLES, CopyState, MessageStatus, Names, Outcome, Trace

NAMES = Names(
    sources=("checkout", "returns"),
    channels=("orders", "refunds"),
    consumers=("billing", "audit"),
    fault_kinds=("crash",),
    targets=("billing", "audit"),
)
READS = {"billing": ("orders",), "audit": ("orders", "refunds")}
OPEN = (CopyState.STORED, CopyState.AVAILABLE, CopyState.ACQUIRED, CopyState.SCHEDULED)


def make_trace(
    rows: Mapping[str, Iterable[Mapping[str, int]]], *, ended_at_ns: int, names: Names = NAMES
) -> Trace:
    """Return a trace from rows of columns; a column that a row leaves out is NEVER (or 0)."""
    tables = {}
    for table, columns in TABLES.items():
        given = list(rows.get(table, ()))
        for row in given:
            unknown = set(row) - {column.name for column in columns}
            assert not unknown, f"{table} has no column {unknown}"
        tables[table] = {
            c.name: np.array([row.get(c.name, _default(c.unit)) for row in given], dtype=np.int64)
            for c in columns
        }
    return Trace(names=names, ended_at_ns=ended_at_ns, **tables)


def _default(unit: str) -> int:
    return NEVER if unit == "ns" else 0


def tables_of(
    trace: Trace,
    *,
    reads: Mapping[str, Iterable[str]] = READS,
    instances: int = 2,
    concurrency: int = 2,
    warmup: float = 0.0,
) -> Tables:
    """Return the tables of a trace whose consumers all have the same number of workers."""
    pairs = [(channel, name) for name, channels in reads.items() for channel in channels]
    sizes = [(name, instances, concurrency) for name in reads]
    return Tables(
        **{name: to_frame(trace, name) for name in TABLES},
        subscriptions=pd.DataFrame(pairs, columns=["channel", "consumer"]),
        consumers=pd.DataFrame(sizes, columns=["consumer", "instances", "concurrency"]),
        warmup=warmup,
        ended_at=trace.ended_at_ns / 1e9,
    )


def tampered(trace: Trace, table: str, column: str, row: int, value: int) -> Trace:
    """Return the trace with one number changed."""
    columns = {name: values.copy() for name, values in getattr(trace, table).items()}
    columns[column][row] = value
    return _with(trace, table, columns)


def without_rows(trace: Trace, table: str, rows: Iterable[int]) -> Trace:
    """Return the trace with rows of one table left out."""
    gone = list(rows)
    columns = {name: np.delete(values, gone) for name, values in getattr(trace, table).items()}
    return _with(trace, table, columns)


def _with(trace: Trace, table: str, columns: dict[str, Any]) -> Trace:
    parts = {name: getattr(trace, name) for name in TABLES}
    return Trace(names=trace.names, ended_at_ns=trace.ended_at_ns, **{**parts, table: columns})


FAILURES = (Outcome.CRASHED, Outcome.FAILED, Outcome.EXPIRED, Outcome.SKIPPED)
TICK_NS = 100_000_000
HORIZON_TICKS = 60


@st.composite
def traces(draw: st.DrawFn) -> Trace:
    """Return small traces full of ties, duplicates, losses and unfinished business.

    They are consistent in form but need not be possible: statistics have to count what is there.
    """
    ticks = st.integers(0, 12)
    created = sorted(draw(st.lists(st.integers(0, 30), max_size=8)))
    rows: dict[str, list[dict[str, int]]] = {table: [] for table in TABLES}
    copy_id = 0
    for message_id, moment in enumerate(created):
        copies = draw(st.integers(0, 2))
        status = draw(st.sampled_from(MessageStatus)) if not copies else MessageStatus.COMMITTED
        channel = draw(st.integers(0, 1))
        rows["messages"].append(
            {
                "source": draw(st.integers(0, 1)),
                "channel": channel,
                "key": draw(st.integers(-1, 1)),
                "created_at": moment * TICK_NS,
                "copies": copies,
                "status": int(status),
            }
        )
        for _ in range(copies):
            stored = (moment + draw(ticks)) * TICK_NS
            for consumer, channels in enumerate(READS.values()):
                if NAMES.channels[channel] in channels:
                    _draw_copy(draw, rows, (message_id, copy_id, channel, consumer), stored)
            copy_id += 1
    rows["deliveries"].sort(key=lambda row: row["acquired_at"])
    _draw_faults(draw, rows)
    return make_trace(rows, ended_at_ns=HORIZON_TICKS * TICK_NS)


def _draw_copy(
    draw: st.DrawFn, rows: dict[str, list[dict[str, int]]], ids: tuple[int, int, int, int], now: int
) -> None:
    ticks = st.integers(0, 5)
    message_id, copy_id, channel, consumer = ids
    whose = {"message_id": message_id, "copy_id": copy_id, "channel": channel, "consumer": consumer}
    state = draw(st.sampled_from(CopyState))
    stored, count = now, draw(st.integers(0, 3))
    for attempt in range(1, count + 1):
        acquired = now + draw(ticks) * TICK_NS
        started = draw(st.sampled_from([NEVER, acquired, acquired + TICK_NS]))
        finished = max(started, acquired) + draw(ticks) * TICK_NS
        if attempt == count and draw(st.booleans()):
            finished = NEVER
        effect = int(NEVER not in (started, finished) and draw(st.booleans()))
        rows["deliveries"].append(
            {
                **whose,
                "instance": draw(st.integers(0, 1)),
                "worker": draw(st.integers(0, 1)) if started != NEVER else NEVER,
                "attempt": attempt,
                "available_at": now,
                "acquired_at": acquired,
                "received_at": acquired,
                "started_at": started,
                "finished_at": finished,
                "outcome": int(Outcome.OK if effect else draw(st.sampled_from(FAILURES))),
                "effect": effect,
            }
        )
        now = max(finished, acquired)
        again = attempt < count or draw(st.booleans())
        rows["deliveries"][-1]["available_again_at"] = now if again else NEVER
    rows["copies"].append(
        {
            **whose,
            "stored_at": stored,
            "visible_at": stored,
            "state": int(state),
            "deliveries": count,
            "settled_at": NEVER if state in OPEN else now + draw(ticks) * TICK_NS,
        }
    )


def _draw_faults(draw: st.DrawFn, rows: dict[str, list[dict[str, int]]]) -> None:
    for number in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, HORIZON_TICKS - 1))
        lasts = draw(st.integers(1, 20))
        over = start + lasts < HORIZON_TICKS
        rows["faults"].append(
            {
                "fault": number,
                "kind": 0,
                "target": draw(st.integers(0, 1)),
                "instance": draw(st.integers(-1, 1)),
                "started_at": start * TICK_NS,
                "ended_at": (start + lasts) * TICK_NS if over else NEVER,
            }
        )
    rows["faults"].sort(key=lambda row: row["started_at"])
