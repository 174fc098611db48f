"""Laws about handling: failures, retries in place, time-outs, batches."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from eda_sim.engine.laws.case import Case, Finding, Law, groups, known
from eda_sim.engine.streams.samplers import to_ns
from eda_sim.engine.trace import NEVER, Column, CopyState, Outcome
from eda_sim.spec.consumers import Consumer


def first_of_each_call(case: Case) -> Column:
    """Return one row of the deliveries for each call of a handler: a batch is one call."""
    deliveries = case.trace.deliveries
    ran = np.flatnonzero(known(deliveries["started_at"])).astype(np.int64)
    batches = np.zeros(ran.size, dtype=bool)
    for number, _, consumer in case.consumers():
        if consumer.batch_max_messages > 1:
            batches |= deliveries["consumer"][ran] == number
    together = ran[batches]
    names = ("consumer", "instance", "worker", "started_at")
    call = groups(*(deliveries[name][together] for name in names))
    # What is skipped in no time began when the call did, and is not the call.
    finished = deliveries["finished_at"][together]
    longest = np.where(finished == NEVER, np.iinfo(np.int64).max, finished)
    order = np.lexsort((together, -longest, call))
    _, first = np.unique(call[order], return_index=True)
    return np.sort(np.concatenate([ran[~batches], together[order[first]]]))


def batches_are_bounded(case: Case) -> Iterator[Finding]:
    """No batch holds more messages than it may."""
    deliveries = case.trace.deliveries
    for number, _, consumer in case.consumers():
        most = consumer.batch_max_messages
        own = (deliveries["consumer"] == number) & known(deliveries["started_at"])
        took_time = deliveries["finished_at"] != deliveries["started_at"]
        rows = np.flatnonzero(own & took_time)
        if most == 1 or not rows.size:
            continue
        call = groups(*(deliveries[name][rows] for name in ("instance", "worker", "started_at")))
        too_many = np.bincount(call)[call] > most
        yield "deliveries", rows[too_many].astype(np.int64), f"more than {most} in a batch"


def failures_have_no_effect(case: Case) -> Iterator[Finding]:
    """No failed attempt has an effect, and none failed without having run."""
    deliveries = case.trace.deliveries
    failed = np.isin(deliveries["outcome"], (Outcome.FAILED, Outcome.DEAD))
    yield case.where("deliveries", failed & (deliveries["effect"] == 1), "failed with an effect")
    unfinished = failed & ~known(deliveries["started_at"], deliveries["finished_at"])
    yield case.where("deliveries", unfinished, "failed without having run")


def tries_are_bounded(case: Case) -> Iterator[Finding]:
    """No handler is called more often than its policy allows; more than once only in place."""
    deliveries = case.trace.deliveries
    ended = np.isin(deliveries["outcome"], (Outcome.OK, Outcome.FAILED, Outcome.DEAD))
    for number, _, consumer in case.consumers():
        own = deliveries["consumer"] == number
        most = _most_tries(consumer)
        yield case.where(
            "deliveries", own & (deliveries["tries"] > most), f"called more than {most} times"
        )
        if consumer.circuit_breaker is None:
            idle = own & ended & (deliveries["tries"] == 0)
            yield case.where("deliveries", idle, "ended without a call of the handler")


def _most_tries(consumer: Consumer) -> float:
    if consumer.retry_where != "in_place" or consumer.retry.type == "none":
        return 1
    bound = getattr(consumer.retry, "max_attempts", None)
    return float("inf") if bound is None else bound


def timeouts_stop_handlers(case: Case) -> Iterator[Finding]:
    """With a time-out and no retry in place, no handler runs longer than it."""
    deliveries = case.trace.deliveries
    for number, name, consumer in case.consumers():
        waits = consumer.circuit_breaker is not None or _most_tries(consumer) > 1
        waits |= consumer.preemptive  # what is interrupted notices it when it goes on
        waits |= case.is_hit(name, ("pause",))  # a process that stands still notices it later
        if consumer.timeout is None or waits:
            continue
        lookup = 0.0 if consumer.dedup is None else consumer.dedup.lookup
        if lookup and case.is_hit(name, ("hang", "slow")):
            continue  # looking up is no part of the handler, but stands still with it
        limit = to_ns(consumer.timeout) + to_ns(lookup) * consumer.batch_max_messages
        own = (deliveries["consumer"] == number) & (deliveries["finished_at"] != NEVER)
        took = deliveries["finished_at"] - deliveries["started_at"]
        wrong = own & known(deliveries["started_at"]) & (took > limit)
        yield case.where("deliveries", wrong, "ran longer than its time-out")


def transactions_never_duplicate(case: Case) -> Iterator[Finding]:
    """With one transactional deduplicator that forgets nothing, a message takes effect once."""
    deliveries = case.trace.deliveries
    size = case.trace.messages["created_at"].size
    for number, _, consumer in case.consumers():
        dedup = consumer.dedup
        if dedup is None or not dedup.transactional or dedup.scope != "consumer":
            continue
        remembers_all = (dedup.window is not None and to_ns(dedup.window) >= case.end) or (
            dedup.count is not None and dedup.count >= size
        )
        own = (deliveries["consumer"] == number) & (deliveries["effect"] == 1)
        effects = np.bincount(deliveries["message_id"][own], minlength=size)
        if remembers_all:
            wrong = own & (effects[deliveries["message_id"]] > 1)
            yield case.where("deliveries", wrong, "a second effect of one message")


def delays_are_kept(case: Case) -> Iterator[Finding]:
    """No copy is visible before the delay of its channel is over, nor later without a reason."""
    copies, names = case.trace.copies, case.trace.names
    delay = np.array([to_ns(case.scenario.channels[name].delay) for name in names.channels])
    # The delay begins when the copy is committed; one that never is stays hidden.
    committed = known(copies["committed_at"])
    since = np.where(committed, copies["committed_at"], case.end)
    due = since + delay[copies["channel"]]
    visible = known(copies["visible_at"])
    # A dead letter that goes back to its own queue is not published anew: it has no offset.
    early = visible & (copies["visible_at"] < due) & (copies["offset"] != NEVER)
    yield case.where("copies", early, "visible before its delay is over")
    hidden = (
        ~visible
        & committed
        & (copies["settled_at"] == NEVER)
        & (copies["state"] != CopyState.SCHEDULED)
    )
    yield case.where("copies", hidden, "not visible, but not scheduled")
    may_wait_longer = [
        number for number, _, consumer in case.consumers() if consumer.retry_channel is not None
    ]
    prompt = ~np.isin(copies["source_consumer"], may_wait_longer)
    late = prompt & (np.where(visible, copies["visible_at"], case.end) > due)
    late &= visible | (copies["settled_at"] == NEVER)
    yield case.where("copies", late, "visible later than the delay of its channel")


LAWS: tuple[Law, ...] = (
    delays_are_kept,
    batches_are_bounded,
    failures_have_no_effect,
    tries_are_bounded,
    timeouts_stop_handlers,
    transactions_never_duplicate,
)
