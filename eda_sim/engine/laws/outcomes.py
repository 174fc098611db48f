"""Laws about what the settings promise: no loss, no duplicates, Little's law."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from eda_sim.engine.laws.case import Case, Finding, Law, Mask, exact_sum, known
from eda_sim.engine.laws.handling import first_of_each_call
from eda_sim.engine.trace import NEVER, Column, CopyState, LeaseEnd, Outcome


def settle_before_never_duplicates(case: Case) -> Iterator[Finding]:
    """Settled before processing, a crash loses but never repeats: at most one effect per copy.

    A lease that is taken from a living instance, because it ran out, the connection was closed or
    the group gave its partition away, is another matter: copies that lost one are left out. So are
    consumers whose links faults cut or make lose: what never arrives settles nothing.
    """
    copies, deliveries = case.trace.copies, case.trace.deliveries
    row = case.copy_of_delivery
    effects = np.bincount(
        row, weights=deliveries["effect"], minlength=copies["copy_id"].size
    ).astype(np.int64)
    expired = np.zeros(copies["copy_id"].size, dtype=bool)
    expired[row[_lease_was_taken(case)]] = True
    for number, name, consumer in case.consumers():
        if consumer.link.loss_probability or case.is_hit(name, ("loss", "partition")):
            continue
        if consumer.settle == "before" or number in case.settling_at_hand_over:
            wrong = (copies["consumer"] == number) & (effects > 1) & ~expired
            yield case.where("copies", wrong, "more than one effect")


def settle_after_never_loses(case: Case) -> Iterator[Finding]:
    """Settled after processing, what is acknowledged took effect or was skipped after one.

    In a partition that lost its end, offsets mean other messages than before; its commits are left
    out.
    """
    copies, deliveries = case.trace.copies, case.trace.deliveries
    size = case.trace.messages["created_at"].size
    for number, _, consumer in case.consumers():
        if consumer.settle != "after":
            continue
        own = deliveries["consumer"] == number
        effective = own & (deliveries["effect"] == 1)
        first = np.full(size, np.iinfo(np.int64).max)
        np.minimum.at(
            first, deliveries["message_id"][effective], deliveries["finished_at"][effective]
        )
        acknowledged = (copies["consumer"] == number) & (copies["state"] == CopyState.ACKNOWLEDGED)
        wrong = acknowledged & (first[copies["message_id"]] > copies["settled_at"])
        if consumer.subscription.lease_scope == "partition":
            for channel in filter(case.loses_nodes, consumer.reads):
                wrong &= copies["channel"] != case.trace.names.channels.index(channel)
        yield case.where("copies", wrong, "acknowledged, but without an effect before")
        skipped = own & (deliveries["outcome"] == Outcome.SKIPPED)
        wrong = skipped & (first[deliveries["message_id"]] > deliveries["finished_at"])
        yield case.where("deliveries", wrong, "skipped, but without an effect before")


def dedup_skips_and_nothing_else_does(case: Case) -> Iterator[Finding]:
    """Every handler that finishes well takes effect, and only a deduplicator skips one."""
    deliveries = case.trace.deliveries
    ok = deliveries["outcome"] == Outcome.OK
    wrong = ok != (deliveries["effect"] == 1)
    yield case.where("deliveries", wrong, "ok without an effect, or an effect without ok")
    for number, _, consumer in case.consumers():
        if consumer.dedup is None:
            own = deliveries["consumer"] == number
            skipped = own & (deliveries["outcome"] == Outcome.SKIPPED)
            yield case.where("deliveries", skipped, "skipped without a deduplicator")


def littles_law(case: Case) -> Iterator[Finding]:
    """Little's law: the number there, added up over time, is the time there, over copies.

    The left side comes from the copies: the area under the count of those stored and not settled.
    The right side comes from the deliveries: how long each attempt waited, and how long it was
    held. Both are integers, and equal to the nanosecond, for each subscription.
    """
    copies, deliveries = case.trace.copies, case.trace.deliveries
    over = np.where(copies["settled_at"] == NEVER, case.end, copies["settled_at"])
    row = case.copy_of_delivery
    again = case.available_again_at
    held_until = np.where(again == NEVER, over[row], again)
    waited = deliveries["acquired_at"] - deliveries["available_at"]
    pieces = np.where(known(copies["visible_at"]), copies["visible_at"], over) - copies["stored_at"]
    np.add.at(pieces, row, waited + held_until - deliveries["acquired_at"])
    untouched = copies["deliveries"] == 0
    pieces[untouched] = (over - copies["stored_at"])[untouched]
    sojourn = over - copies["stored_at"]
    yield case.where("copies", pieces != sojourn, "waits and leases do not add up to its time here")
    subscription = copies["channel"] * len(case.trace.names.consumers) + copies["consumer"]
    for number in np.unique(subscription):
        own = subscription == number
        times, counts = _number_over_time(copies["stored_at"][own], over[own])
        area = sum(
            width * count
            for width, count in zip(np.diff(times).tolist(), counts[:-1].tolist(), strict=True)
        )
        wrong = own & (area != exact_sum(pieces[own]) or bool((counts < 0).any()))
        yield case.where("copies", wrong, "the area under the number in the system differs")


def series_agree_with_the_tables(case: Case) -> Iterator[Finding]:
    """Every sample shows what the tables say about its moment."""
    trace = case.trace
    series, copies, deliveries = trace.series, trace.copies, trace.deliveries
    calls = first_of_each_call(case)
    there = series["available"] + series["scheduled"] + series["acquired"]
    for number, _, consumer in case.consumers():
        own = series["consumer"] == number
        for channel in np.unique(series["channel"][own]):
            chosen = (copies["consumer"] == number) & (copies["channel"] == channel)
            chosen &= known(copies["committed_at"])  # before that no subscription has it
            rows = np.flatnonzero(own & (series["channel"] == channel))
            expected = _count_at(
                series["time"][rows], copies["committed_at"][chosen], copies["settled_at"][chosen]
            )
            yield "series", rows[there[rows] != expected], "lag is not that of the copies"
            held = (deliveries["consumer"] == number) & (deliveries["channel"] == channel)
            expected = _count_at(
                series["time"][rows],
                deliveries["acquired_at"][held],
                deliveries["lease_ended_at"][held],
            )
            wrong = rows[series["acquired"][rows] != expected]
            yield "series", wrong, "acquired is not the number of leases"
            delayed = _count_at(
                series["time"][rows],
                copies["committed_at"][chosen],
                np.where(known(copies["visible_at"]), copies["visible_at"], copies["settled_at"])[
                    chosen
                ],
            )
            scheduled = held & (deliveries["available_again_at"] > deliveries["lease_ended_at"])
            copy = case.copy_of_delivery[scheduled]
            over = deliveries["available_again_at"][scheduled]
            settled = copies["settled_at"][copy]
            early = known(settled) & (settled < over) & (case.next_attempt[scheduled] == NEVER)
            expected = _count_at(
                series["time"][rows],
                deliveries["lease_ended_at"][scheduled],
                np.where(early, settled, over),
            )
            wrong = rows[series["scheduled"][rows] != expected + delayed]
            yield "series", wrong, "scheduled is not the number of delays"
        rows = np.flatnonzero(own)
        ran = calls[deliveries["consumer"][calls] == number]
        ran = ran[
            deliveries["worker"][ran] < consumer.concurrency
        ]  # what interrupts needs no other
        busy = _count_at(
            series["time"][rows], deliveries["started_at"][ran], deliveries["finished_at"][ran]
        )
        yield "series", rows[series["busy"][rows] != busy], "busy is not that of the deliveries"
        down = [span for i in range(consumer.instances) for span in case.down(number, i)]
        begin, over = np.array(down, dtype=np.int64).reshape(len(down), 2).T
        up = consumer.instances - _count_at(series["time"][rows], begin, over)
        yield "series", rows[series["up"][rows] != up], "up is not what the faults left"


def _lease_was_taken(case: Case) -> Mask:
    """Return which deliveries were followed by another although their instance lived."""
    deliveries = case.trace.deliveries
    taken: Mask = deliveries["outcome"] == Outcome.EXPIRED
    taken |= deliveries["lease_end"] == LeaseEnd.EXPIRED
    lived = deliveries["outcome"] != Outcome.CRASHED
    taken |= lived & (deliveries["lease_end"] == LeaseEnd.DISCONNECTED)
    # A group gives partitions away in good order, but for members that seem to be dead.
    excluding = [
        number
        for number, name, consumer in case.consumers()
        if consumer.subscription.max_poll_interval is not None or case.is_hit(name, ("pause",))
    ]
    revoked = lived & (deliveries["lease_end"] == LeaseEnd.REVOKED)
    taken |= revoked & np.isin(deliveries["consumer"], excluding)
    return taken & known(case.available_again_at)


def _number_over_time(start: Column, end: Column) -> tuple[Column, Column]:
    times = np.unique(np.concatenate([start, end]))
    return times, _count_at(times, start, end)


def _count_at(times: Column, start: Column, end: Column) -> Column:
    """Return how many intervals [start, end) contain each time; an end of NEVER never comes."""
    begun = np.searchsorted(np.sort(start), times, side="right")
    over = np.searchsorted(np.sort(end[end != NEVER]), times, side="right")
    return (begun - over).astype(np.int64)


LAWS: tuple[Law, ...] = (
    settle_before_never_duplicates,
    settle_after_never_loses,
    dedup_skips_and_nothing_else_does,
    littles_law,
    series_agree_with_the_tables,
)
