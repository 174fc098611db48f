"""Partial quorums: replicas that each write goes to, and reads that ask only some of them.

A write goes to all N replicas and is *committed* once W of them have acknowledged it. A read asks
all N and takes the newest of the first R answers. With R + W > N every read meets a replica that
acknowledged; with less it may not, for a while. How long, four times decide, each drawn on its own
for each replica ("WARS"): W until a replica has the write, A until its acknowledgement is back, R
until a replica has the read, S until its answer is back.

:func:`scenario` says such a store as producers and consumers. :func:`legs` reads the four times off
the trace, and :func:`latencies`, :func:`visibility` and :func:`versions` say what follows for any R
and W: one run answers for all of them. Apache Cassandra's words: N is the replication factor, and
R and W are the consistency levels ``ONE`` (1), ``TWO`` (2), ``QUORUM`` (N // 2 + 1) and ``ALL``
(N) of reads and writes.

References
----------
.. [1] P. Bailis, S. Venkataraman, M. J. Franklin, J. M. Hellerstein, I. Stoica, "Probabilistically
   bounded staleness for practical partial quorums", PVLDB 5 (2012) 776-787.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from eda_sim.analysis.tables import Tables, is_one_of
from eda_sim.patterns.projections.consistency import share_over_time
from eda_sim.spec import Scenario

Values = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]
Request = Literal["write", "read"]

WRITER, READER = "writer", "reader"
COORDINATOR = {"write": "write-coordinator", "read": "read-coordinator"}
REQUESTS = {"write": "writes", "read": "reads"}
REPLIES = {"write": "acknowledgements", "read": "answers"}

LINKEDIN_FAST = (
    "mixture(components=[pareto(minimum=0.235ms, shape=10), exponential(rate=1660/s)], "
    "weights=[0.9122, 0.0878])"
)
"""A message of LinkedIn's store, as fitted in [1]_, table 3: all four on solid state disks
(LNKD-SSD), and A, R and S on spinning disks (LNKD-DISK)."""

LINKEDIN_DISK_WRITE = (
    "mixture(components=[pareto(minimum=1.05ms, shape=1.51), exponential(rate=183/s)], "
    "weights=[0.38, 0.62])"
)
"""W on LinkedIn's spinning disks, as fitted in [1]_, table 3."""


def scenario(
    *,
    write: str,
    acknowledge: str,
    read: str,
    respond: str,
    replicas: int = 3,
    writes: int = 50_000,
    writes_per_read: float = 2.0,
    interval_s: float = 2.0,
    seed: int = 1,
) -> Scenario:
    """Return a replicated store whose messages take independent times.

    Parameters
    ----------
    write, acknowledge, read, respond : str
        The times W, A, R and S as distributions, such as ``"exponential(10ms)"``.
    replicas : int
        N, at least 1.
    writes : int
        How many there are in a run.
    writes_per_read : float
        How many writes there are for each read.
    interval_s : float
        Seconds between two writes. Take it far longer than the four times: then no request waits
        for another, and each is a trial of its own.
    seed : int
        Of all random numbers.

    Returns
    -------
    Scenario

    Raises
    ------
    ScenarioError
        If a distribution or a number is not valid.

    Examples
    --------
    >>> store = scenario(write="exponential(10ms)", acknowledge="1ms", read="1ms", respond="1ms")
    >>> list(store.consumers)[:4]
    ['replica-0-writes', 'replica-1-writes', 'replica-2-writes', 'write-coordinator']
    """
    consumers: dict[str, Any] = {}
    for request, there, back in (("write", write, acknowledge), ("read", read, respond)):
        for number in range(replicas):
            consumers[f"replica-{number}-{REQUESTS[request]}"] = {
                "reads": REQUESTS[request],
                "service": there,
                "emits": REPLIES[request],
            }
        # As many replies can be on their way at a time as there are replicas.
        consumers[COORDINATOR[request]] = {
            "reads": REPLIES[request],
            "service": back,
            "concurrency": replicas,
        }
    between = {WRITER: interval_s, READER: interval_s * writes_per_read}
    # The first write comes after one interval, and what comes at the very end does not.
    duration = f"{interval_s * (writes + 0.5)}s"
    return Scenario.model_validate(
        {
            "name": "quorum",
            "seed": seed,
            "duration": duration,
            "drain": True,
            "drain_timeout": duration,
            "producers": {
                source: {
                    "to": REQUESTS[request],
                    "arrivals": f"constant(interval={between[source]}s)",
                }
                for source, request in ((WRITER, "write"), (READER, "read"))
            },
            "channels": {name: {} for name in [*REQUESTS.values(), *REPLIES.values()]},
            "consumers": consumers,
        }
    )


def legs(tables: Tables) -> pd.DataFrame:
    """Return how long each request was on its way to each replica, and each reply on its way back.

    Parameters
    ----------
    tables : Tables
        Of a run of :func:`scenario`, or of one with the same names.

    Returns
    -------
    DataFrame
        Those created after the warm-up, by request, then replica: ``request`` (``write`` or
        ``read``), ``message_id``,
        ``created_at`` (s), ``replica`` (number), ``there_s`` (W or R), ``back_s`` (A or S; both are
        infinite for what had not arrived when the run ended).
    """
    parts = [_legs_of(tables, "write"), _legs_of(tables, "read")]
    return pd.concat(parts, ignore_index=True)


def _legs_of(tables: Tables, request: Request) -> pd.DataFrame:
    subscriptions, messages, deliveries = tables.subscriptions, tables.messages, tables.deliveries
    replicas = list(subscriptions["consumer"][subscriptions["channel"] == REQUESTS[request]])
    asked = is_one_of(messages["channel"], [REQUESTS[request]])
    asked &= messages["created_at"].to_numpy() >= tables.warmup
    shape = int(asked.sum()), len(replicas)
    # Row of a request among those of its kind; what is not asked for goes to one more row.
    row = np.where(asked, np.cumsum(asked) - 1, shape[0])
    there, back = (np.full((shape[0] + 1, shape[1]), np.inf) for _ in range(2))
    effective = deliveries["effect"].to_numpy() == 1
    finished = deliveries["finished_at"].to_numpy()
    ids = deliveries["message_id"].to_numpy()
    created = messages["created_at"].to_numpy()
    replied = effective & is_one_of(deliveries["consumer"], [COORDINATOR[request]])
    causes = messages["causation_id"].to_numpy()
    for number, name in enumerate(replicas):
        own = effective & is_one_of(deliveries["consumer"], [name])
        there[row[ids[own]], number] = finished[own] - created[ids[own]]
        own = replied & is_one_of(messages["source"], [name])[ids]
        back[row[causes[ids[own]]], number] = finished[own] - created[ids[own]]
    return pd.DataFrame(
        {
            "request": request,
            "message_id": np.repeat(messages["message_id"].to_numpy()[asked], shape[1]),
            "created_at": np.repeat(created[asked], shape[1]),
            "replica": np.tile(np.arange(shape[1]), shape[0]),
            "there_s": there[:-1].ravel(),
            "back_s": back[:-1].ravel(),
        }
    )


def latencies(legs: pd.DataFrame, *, request: Request, needed: int) -> pd.DataFrame:
    """Return how long requests take until enough replicas have replied.

    Parameters
    ----------
    legs : DataFrame
        As :func:`legs` returns it.
    request : {"write", "read"}
        Which requests.
    needed : int
        W or R: replies that are waited for, at most one for each replica.

    Returns
    -------
    DataFrame
        ``message_id``, ``created_at`` (s), ``seconds`` (infinite for what was never answered).

    Raises
    ------
    ValueError
        If more replies are needed than there are replicas.
    """
    times = _times(legs, request)
    _check_needed(request, needed, times.there.shape[1])
    seconds = np.sort(times.there + times.back, axis=1)[:, needed - 1]
    return pd.DataFrame(
        {"message_id": times.message_id, "created_at": times.created_at, "seconds": seconds}
    )


def visibility(legs: pd.DataFrame, *, reads: int, writes: int, pairings: int = 2) -> pd.DataFrame:
    """Return how long after a commit a read must start in order to see the write.

    A read that starts t after the commit sees the write if one of the R replicas that answer first
    had it when the read came: if W <= commit + t + R there. So each pair of a write and a read has
    a t from which on it is consistent, and a read after t is stale if that is longer.

    Parameters
    ----------
    legs : DataFrame
        As :func:`legs` returns it.
    reads, writes : int
        R and W: replies that are waited for.
    pairings : int
        Reads that each write is paired with. More tell more, but less than more writes would.

    Returns
    -------
    DataFrame
        One row per pair: ``write``, ``read`` (message ids), ``visible_after_s`` (0 if a read at the
        moment of the commit sees it). Pairs of which one was never answered are left out.

    Raises
    ------
    ValueError
        If more replies are needed than there are replicas.

    Examples
    --------
    >>> import eda_sim as es
    >>> law = "exponential(1ms)"
    >>> store = scenario(
    ...     write="exponential(10ms)", acknowledge=law, read=law, respond=law, writes=2000
    ... )
    >>> trips = legs(es.run(store).tables)
    >>> pairs = visibility(trips, reads=1, writes=1)
    >>> round(float((pairs["visible_after_s"] > 0).mean()), 1)  # stale right after the commit
    0.6
    >>> float(visibility(trips, reads=2, writes=2)["visible_after_s"].max())  # 2 + 2 > 3
    0.0
    """
    written, asked = _times(legs, "write"), _times(legs, "read")
    count = written.there.shape[1]
    _check_needed("write", writes, count)
    _check_needed("read", reads, count)
    committed = np.sort(written.there + written.back, axis=1)[:, writes - 1]
    replies = asked.there + asked.back
    first = np.argsort(replies, axis=1, kind="stable")[:, :reads]
    answered = np.isfinite(np.take_along_axis(replies, first, axis=1)[:, -1])
    own = np.flatnonzero(np.isfinite(committed))
    parts = []
    # The k-th pairing goes through the reads from another place: no pair occurs twice.
    for number in range(min(pairings, asked.message_id.size)):
        place = (own + number * (asked.message_id.size // pairings)) % asked.message_id.size
        rows, place = own[answered[place]], place[answered[place]]
        chosen = first[place]
        late = written.there[rows[:, None], chosen] - asked.there[place[:, None], chosen]
        after = np.maximum(late.min(axis=1) - committed[rows], 0.0)
        parts.append((written.message_id[rows], asked.message_id[place], after))
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    return pd.DataFrame(dict(zip(("write", "read", "visible_after_s"), columns, strict=True)))


def freshness(
    *legs: pd.DataFrame,
    reads: int,
    writes: int,
    after: Sequence[float],
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Return the probability that a read some time after a commit sees the write.

    Parameters
    ----------
    *legs : DataFrame
        As :func:`legs` returns them, of one run or of several independent ones.
    reads, writes : int
        R and W: replies that are waited for.
    after : sequence of float
        Seconds from the commit to the read.
    confidence : float
        Probability that an interval covers the true share.

    Returns
    -------
    DataFrame
        ``consumer`` (``"R=1, W=2"``), ``after_s``, ``fresh``, ``low``, ``high``.
    """
    times = [
        visibility(each, reads=reads, writes=writes)["visible_after_s"].to_numpy() for each in legs
    ]
    rows = [
        (
            f"R={reads}, W={writes}",
            float(delay),
            *share_over_time([each <= delay for each in times], confidence=confidence),
        )
        for delay in after
    ]
    return pd.DataFrame(rows, columns=["consumer", "after_s", "fresh", "low", "high"])


def versions(legs: pd.DataFrame, *, reads: int, writes: int, most: int = 100) -> pd.DataFrame:
    """Return how many versions behind each read is, if writes reach no more than W replicas.

    That is the worst that can be: only the W replicas that acknowledge a write first ever get it,
    and no time passes on the way. The replicas that are asked are those that answer first.

    Parameters
    ----------
    legs : DataFrame
        As :func:`legs` returns it.
    reads, writes : int
        R and W: replies that are waited for.
    most : int
        Versions that are looked at; a read that lacks them all is so many behind.

    Returns
    -------
    DataFrame
        One row per read that has so many writes before it: ``read`` (message id), ``created_at``
        (s), ``behind`` (newest versions that it lacks), ``written_since`` (writes since the read
        before it; NaN for the first). A read with ``behind < k`` returns one of the newest k
        versions ("k-staleness"). One with ``behind > written_since`` lacks what was the newest
        version at the read before: reads that may go back in time ("monotonic reads").
    """
    written, asked = _times(legs, "write"), _times(legs, "read")
    count = written.there.shape[1]
    _check_needed("write", writes, count)
    _check_needed("read", reads, count)
    has = _first_replies(written, writes)
    asks = _first_replies(asked, reads)
    newest = np.searchsorted(written.created_at, asked.created_at, side="left") - 1
    since = np.diff(newest, prepend=np.nan)
    enough = newest >= most - 1
    behind = np.full(newest.size, most)
    for age in reversed(range(most)):
        met = (has[np.maximum(newest - age, 0)] & asks).any(axis=1)
        behind[met] = age
    return pd.DataFrame(
        {
            "read": asked.message_id,
            "created_at": asked.created_at,
            "behind": behind,
            "written_since": since,
        }
    )[enough].reset_index(drop=True)


class _Times(NamedTuple):
    """The times of the requests of one kind: one row per request, one column per replica."""

    message_id: Numbers
    created_at: Values
    there: Values
    back: Values


def _times(legs: pd.DataFrame, request: Request) -> _Times:
    own = legs[legs["request"] == request]
    replicas = int(own["replica"].max()) + 1 if len(own) else 1
    columns = (
        own[name].to_numpy().reshape(-1, replicas)
        for name in ("message_id", "created_at", "there_s", "back_s")
    )
    message_id, created_at, there, back = columns
    return _Times(message_id[:, 0], created_at[:, 0], there, back)


def _check_needed(request: Request, needed: int, replicas: int) -> None:
    if not 1 <= needed <= replicas:
        message = f"{REQUESTS[request]} is {needed}: must be 1 to {replicas}, the replicas"
        raise ValueError(message)


def _first_replies(times: _Times, needed: int) -> npt.NDArray[np.bool_]:
    """Return which replicas are among the first so many to reply."""
    replies = times.there + times.back
    latest = np.sort(replies, axis=1)[:, needed - 1 : needed]
    return np.asarray((replies <= latest) & np.isfinite(replies))
