"""Single-server queues by Lindley's recursion: many messages in no time, with known answers."""

from __future__ import annotations

import numpy as np

from eda_sim.engine.trace import TABLES, CopyState, MessageStatus, Names, Outcome, Trace


def single_server(
    created_ns: np.ndarray,
    service_ns: np.ndarray,
    *,
    down: tuple[int, int] | None = None,
    ended_at_ns: int | None = None,
) -> Trace:
    """Return the trace of one worker that serves in order, and is away in ``down``.

    The worker is never interrupted: ``down`` begins when it has finished what it runs.
    """
    size = created_ns.size
    if down is None:
        # start[i] = max(created[i], finish[i-1]), unrolled into a running maximum.
        before = np.concatenate([[0], np.cumsum(service_ns)[:-1]])
        started = np.maximum.accumulate(created_ns - before) + before
        finished = started + service_ns
    else:
        started, free = np.empty(size, dtype=np.int64), 0
        for i, moment in enumerate(created_ns.tolist()):
            begin = max(moment, free)
            if down[0] <= begin < down[1]:
                begin = down[1]
            started[i], free = begin, begin + int(service_ns[i])
        finished = started + service_ns
    end = int(finished[-1]) + 1 if ended_at_ns is None else ended_at_ns
    return _trace(created_ns, started, finished, down, end)


def _trace(
    created: np.ndarray,
    started: np.ndarray,
    finished: np.ndarray,
    down: tuple[int, int] | None,
    end: int,
) -> Trace:
    size = created.size
    ids, zero, one = np.arange(size), np.zeros(size, dtype=np.int64), np.ones(size, dtype=np.int64)
    fresh = dict.fromkeys(("stored_at", "committed_at", "confirmed_at"), created)
    values = {
        "messages": {
            "sequence": ids,
            "key": -one,
            "correlation_id": ids,
            "causation_id": -one,
            "created_at": created,
            **fresh,
            "copies": one,
            "status": zero + MessageStatus.CONFIRMED,
        },
        "copies": {
            "copy_id": ids,
            "message_id": ids,
            "offset": ids,
            "stored_at": created,
            "visible_at": created,
            "state": zero + CopyState.ACKNOWLEDGED,
            "deliveries": one,
            "settled_at": finished,
        },
        "deliveries": {
            "message_id": ids,
            "copy_id": ids,
            "attempt": one,
            "available_at": created,
            **dict.fromkeys(("acquired_at", "received_at", "started_at"), started),
            "finished_at": finished,
            "settled_at": finished,
            "outcome": zero + Outcome.OK,
            "effect": one,
        },
        "series": {},
        "faults": {},
    }
    if down is not None:
        begin, over = down
        values["faults"] = {
            "instance": np.array([-1]),
            "started_at": np.array([begin]),
            "ended_at": np.array([over]),
        }
    tables = {}
    for table, columns in TABLES.items():
        given = values[table]
        length = len(next(iter(given.values()))) if given else 0
        tables[table] = {
            c.name: given.get(c.name, np.zeros(length, dtype=np.int64)) for c in columns
        }
    return Trace(names=QUEUE, ended_at_ns=end, **tables)


QUEUE = Names(
    sources=("source",),
    channels=("queue",),
    consumers=("server",),
    fault_kinds=("crash",),
    targets=("server",),
)
QUEUE_READS = {"server": ("queue",)}


def mm1(arrival_rate: float, service_rate: float, messages: int, seed: int) -> Trace:
    """Return an M/M/1 queue that starts empty; rates per second."""
    random = np.random.default_rng(seed)
    gaps = random.exponential(1e9 / arrival_rate, messages).round().astype(np.int64)
    service = random.exponential(1e9 / service_rate, messages).round().astype(np.int64)
    return single_server(np.cumsum(gaps), service)
