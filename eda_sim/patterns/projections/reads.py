"""Reads of customers who have just written, and what it costs to show them what they wrote.

The words
---------
read-your-writes
    A customer sees what she has written herself. A view that lacks her last event violates it.
monotonic reads
    A customer never sees an older view than she has seen before. It is violated when one read goes
    to a query side that is ahead, and the next one to another that is behind.
position
    How many events a view shows, counted without a gap from the first one on; that of an event is
    its number in the order of writing.
version token
    The position that a command returned. The client hands it in with its reads, and the query side
    waits until it has it (Kafka: an offset; MongoDB: ``afterClusterTime``; MySQL:
    ``WAIT_FOR_EXECUTED_GTID_SET``; PostgreSQL: an LSN, held against ``pg_last_wal_replay_lsn``).

Reads are sampled: views are looked at as if customers had read them, and no read keeps a query side
from its work. When customers read and where the load balancer sends them are random numbers with
addresses, so all ways to serve meet the same reads.

References
----------
.. [1] D. B. Terry, A. J. Demers, K. Petersen, M. J. Spreitzer, M. M. Theimer, B. B. Welch,
   "Session guarantees for weakly consistent replicated data", PDIS (1994): read your writes,
   monotonic reads.
.. [2] W. Vogels, "Eventually consistent", Communications of the ACM 52 (2009) 40-44.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from eda_sim.analysis.effects import effects_of
from eda_sim.analysis.tables import Tables
from eda_sim.engine.streams.addresses import Stream, entity_of
from eda_sim.engine.streams.philox import uniform
from eda_sim.patterns.projections.consistency import share_over_time
from eda_sim.patterns.projections.services import query_sides

Values = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]
Option = Literal["any", "sticky", "wait", "token", "session token", "command side"]

OPTIONS: Mapping[Option, str] = {
    "any": "any query side, at once",
    "sticky": "always the same query side of a customer, at once",
    "wait": "any query side, not before a fixed time after the last write",
    "token": "any query side, which waits until it has the customer's last write",
    "session token": "the same, and until it has all that the customer has seen before",
    "command side": "the command side itself, which knows all events",
}
"""Ways to serve a read, with what each does."""

_READS = "patterns.projections.reads"


def sample_reads(
    tables: Tables, *, think_s: float, reads: int = 3, seed: int = 1, replication: int = 0
) -> pd.DataFrame:
    """Return when customers read, after each event that they wrote.

    Parameters
    ----------
    tables : Tables
        Of a run whose events have the customer as their key.
    think_s : float
        Mean time from the write to the first read, and from each read to the next (exponential).
    reads : int
        After each write.
    seed, replication : int
        Of the random numbers, which depend on nothing else but the number of the event and that of
        the read.

    Returns
    -------
    DataFrame
        In the order of time, without those before the warm-up and after the end of the run:
        ``customer`` (key), ``event`` (message id of her write before it), ``asked_at`` (s),
        ``written_at`` (s, her last write before it), ``own_position`` (of that write),
        ``draw`` (in (0, 1): where the load balancer sends it).

    Raises
    ------
    ValueError
        If the events have no keys, or a number is not above 0.
    """
    if think_s <= 0 or reads < 1:
        message = f"think_s is {think_s}, reads {reads}: must be above 0 and at least 1"
        raise ValueError(message)
    log = _log(tables)
    customers = log["key"].to_numpy()
    if (customers < 0).any():
        message = "events have no key: a customer's reads belong to hers, so give the producer one"
        raise ValueError(message)
    stream, entity = int(Stream.USER), entity_of(_READS)

    def draws(first: int) -> Values:
        return np.array(
            [
                [
                    uniform(seed, replication, stream, entity, event, 2 * number + first)
                    for number in range(reads)
                ]
                for event in range(len(log))
            ]
        ).reshape(len(log), reads)

    gaps = -think_s * np.log(draws(0))
    asked = log["created_at"].to_numpy()[:, None] + np.cumsum(gaps, axis=1)
    table = pd.DataFrame(
        {
            "customer": np.repeat(customers, reads),
            "event": np.repeat(log["message_id"].to_numpy(), reads),
            "asked_at": asked.ravel(),
            "draw": draws(1).ravel(),
        }
    )
    table = table[table["asked_at"].between(tables.warmup, tables.ended_at, inclusive="left")]
    own = log.assign(own_position=np.arange(1, len(log) + 1)).rename(
        columns={"key": "customer", "created_at": "written_at"}
    )
    table = pd.merge_asof(
        table.sort_values("asked_at", kind="stable"),
        own[["customer", "written_at", "own_position"]],
        left_on="asked_at",
        right_on="written_at",
        by="customer",
    )
    columns = ["customer", "event", "asked_at", "written_at", "own_position", "draw"]
    return table[columns]


def serve(
    tables: Tables,
    reads: pd.DataFrame,
    option: Option,
    *,
    wait_s: float | None = None,
    timeout_s: float = math.inf,
) -> pd.DataFrame:
    """Return what each read saw, and how long it had to wait for it.

    Parameters
    ----------
    tables : Tables
        Of the run that the reads belong to.
    reads : DataFrame
        As :func:`sample_reads` returns it.
    option : str
        One of :data:`OPTIONS`.
    wait_s : float, optional
        For ``wait``: seconds after the last write of a customer before which she is not answered.
    timeout_s : float
        Seconds that a read waits at most for a token; then the command side answers it.

    Returns
    -------
    DataFrame
        The reads, with ``query_side`` (number, -1 for the command side), ``served_at`` (s,
        infinite if that would have been after the end of the run), ``waited_s``, ``position`` (of
        the view that was seen), ``stale`` (it lacks the customer's last write), ``older`` (it is
        older than one that she saw before).

    Raises
    ------
    ValueError
        If there is no such option, ``wait_s`` is missing or given in vain, or ``timeout_s`` is not
        above 0.
    """
    _check_option(option, wait_s, timeout_s)
    written = _log(tables)["created_at"].to_numpy()
    views = [written] if option == "command side" else _views(tables)
    table = reads.reset_index(drop=True)
    asked, own = table["asked_at"].to_numpy(), table["own_position"].to_numpy()
    chosen = _chosen(table, option, len(views))
    earliest = asked if wait_s is None else np.maximum(asked, table["written_at"] + wait_s)
    latest = asked + timeout_s if wait_s is None else np.full(len(table), np.inf)
    turns = table.groupby("customer").cumcount().to_numpy()
    _, customer = np.unique(table["customer"].to_numpy(), return_inverse=True)
    seen = np.zeros(int(customer.max(initial=-1)) + 1, dtype=np.int64)
    served, position = np.array(earliest, dtype=np.float64), np.zeros(len(table), dtype=np.int64)
    older = np.zeros(len(table), dtype=bool)
    # A customer's reads one after the other, all customers at the same time.
    for turn in range(int(turns.max(initial=-1)) + 1):
        now = np.flatnonzero(turns == turn)
        before = seen[customer[now]]
        needed = _needed(own[now], before, option)
        for number, visible in enumerate(views):
            here = chosen[now] == number
            rows = now[here]
            served[rows] = np.maximum(served[rows], _moment_of(visible, needed[here]))
            position[rows] = np.searchsorted(visible, served[rows], side="right")
        late = now[served[now] > latest[now]]
        served[late], chosen[late] = latest[late], -1
        position[late] = np.searchsorted(written, served[late], side="right")
        # What has not been answered when the run ends has seen nothing.
        position[now] = np.where(np.isfinite(served[now]), position[now], before)
        older[now] = position[now] < before
        seen[customer[now]] = np.maximum(before, position[now])
    return table.assign(
        query_side=-1 if option == "command side" else chosen,
        served_at=served,
        waited_s=served - asked,
        position=position,
        stale=position < own,
        older=older,
    )


def costs(
    *runs: tuple[Tables, pd.DataFrame],
    options: Sequence[Option] = ("any", "sticky", "wait", "token", "session token", "command side"),
    wait_s: float,
    timeout_s: float = math.inf,
) -> pd.DataFrame:
    """Return what each option leaves over, and what it costs.

    Parameters
    ----------
    *runs : (Tables, DataFrame)
        One run and its reads, or several independent runs of one scenario, each with its reads.
    options : sequence of str
        Some of :data:`OPTIONS`.
    wait_s, timeout_s : float
        As for :func:`serve`.

    Returns
    -------
    DataFrame
        By option: ``option``, ``reads``, ``stale`` (share of reads that violate read-your-writes)
        with ``stale_low``, ``stale_high``, ``older`` (share that violates monotonic reads) with
        ``older_low``, ``older_high`` (95 % intervals), ``waits`` (share of reads that wait),
        ``wait_mean_s``, ``wait_p99_s`` (of all reads), ``command_side`` (share of reads that the
        command side has to answer). Reads that had no answer when the run ended are left out.
    """
    rows = []
    for option in options:
        tables = [
            serve(
                run,
                reads,
                option,
                wait_s=wait_s if option == "wait" else None,
                timeout_s=timeout_s,
            )
            for run, reads in runs
        ]
        tables = [table[np.isfinite(table["served_at"])] for table in tables]
        stale = share_over_time([table["stale"].to_numpy() for table in tables])
        older = share_over_time([table["older"].to_numpy() for table in tables])
        waited = np.concatenate([table["waited_s"].to_numpy() for table in tables])
        answered = np.concatenate([table["query_side"].to_numpy() for table in tables])
        rows.append(
            {
                "option": option,
                "reads": waited.size,
                **dict(zip(("stale", "stale_low", "stale_high"), stale, strict=True)),
                **dict(zip(("older", "older_low", "older_high"), older, strict=True)),
                "waits": float((waited > 0).mean()) if waited.size else math.nan,
                "wait_mean_s": float(waited.mean()) if waited.size else math.nan,
                "wait_p99_s": float(np.quantile(waited, 0.99)) if waited.size else math.nan,
                "command_side": float((answered == -1).mean()) if answered.size else math.nan,
            }
        )
    return pd.DataFrame(rows)


def _check_option(option: str, wait_s: float | None, timeout_s: float) -> None:
    if option not in get_args(Option):
        message = f"option is {option!r}: must be one of {', '.join(OPTIONS)}"
        raise ValueError(message)
    if (option == "wait") != (wait_s is not None) or (wait_s is not None and wait_s < 0):
        message = f"wait_s is {wait_s} with {option!r}: only 'wait' needs one, from 0 on"
        raise ValueError(message)
    if not timeout_s > 0:
        message = f"timeout_s is {timeout_s}: must be above 0"
        raise ValueError(message)


def _log(tables: Tables) -> pd.DataFrame:
    """Return all events in the order of writing: the position of an event is its row plus one."""
    first = query_sides(tables)[0]
    events = effects_of(tables, first, warmup=0.0)
    return events.sort_values(["created_at", "message_id"], kind="stable", ignore_index=True)


def _views(tables: Tables) -> list[Values]:
    """Return for each query side from when on it shows everything up to each position."""
    order = _log(tables)["message_id"].to_numpy()
    views = []
    for name in query_sides(tables):
        effects = effects_of(tables, name, warmup=0.0).set_index("message_id")
        visible = effects["effect_at"].reindex(order).to_numpy()
        views.append(np.maximum.accumulate(np.where(np.isnan(visible), np.inf, visible)))
    return views


def _chosen(table: pd.DataFrame, option: Option, count: int) -> Numbers:
    """Return the number of the query side that answers each read."""
    if option == "sticky":
        return np.asarray(table["customer"].to_numpy() % count, dtype=np.int64)
    return np.minimum((table["draw"].to_numpy() * count).astype(np.int64), count - 1)


def _needed(own: Numbers, before: Numbers, option: Option) -> Numbers:
    """Return the position that must be visible before a read is answered."""
    if option == "token":
        return own
    return np.maximum(own, before) if option == "session token" else np.zeros_like(own)


def _moment_of(visible: Values, positions: Numbers) -> Values:
    """Return from when on positions are visible; position 0 always was."""
    return np.concatenate([[-np.inf], visible])[positions]
