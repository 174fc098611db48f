"""Laws about queues: leases, windows, groups, limits, dead letters."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from eda_sim.engine.laws.case import Case, Finding, Law, Mask, groups, known
from eda_sim.engine.trace import NEVER, Column, CopyState, LeaseEnd, Outcome
from eda_sim.spec.consumers import Consumer
from eda_sim.spec.retry import may_spin
from eda_sim.spec.subscriptions import Subscription

COMING_BACK = (
    LeaseEnd.RELEASED,
    LeaseEnd.REJECTED,
    LeaseEnd.EXPIRED,
    LeaseEnd.DISCONNECTED,
    LeaseEnd.REVOKED,
    LeaseEnd.REFUSED,
)
"""Ends of a lease after which the copy may be handed over again."""
GIVEN_UP = (CopyState.DISCARDED, CopyState.PARKED, CopyState.DEAD_LETTERED)
_COUNTED_AS = {
    "timeout": (LeaseEnd.EXPIRED,),
    "nack": (LeaseEnd.RELEASED,),
    "reject": (LeaseEnd.REJECTED,),
    "disconnect": (LeaseEnd.DISCONNECTED, LeaseEnd.REFUSED),
}
_LAST = np.iinfo(np.int64).max


def leases_end_once(case: Case) -> Iterator[Finding]:
    """One lease at a time holds a copy, and none when it is settled."""
    copies, deliveries = case.trace.copies, case.trace.deliveries
    ended_at, end = deliveries["lease_ended_at"], deliveries["lease_end"]
    wrong = known(ended_at) != (end != LeaseEnd.NONE)
    yield case.where("deliveries", wrong, "a lease that ended without a cause, or the other way")
    wrong = known(ended_at) & (ended_at < deliveries["acquired_at"])
    yield case.where("deliveries", wrong, "a lease that ended before it began")
    following = case.next_attempt
    begins = np.append(deliveries["acquired_at"], _LAST)[following]
    is_last = following == NEVER
    wrong = ~is_last & (~known(ended_at) | (ended_at > begins))
    yield case.where("deliveries", wrong, "handed over again while its lease lasted")
    row = case.copy_of_delivery
    state, settled_at = copies["state"][row], copies["settled_at"][row]
    lasts = is_last & ~known(ended_at)
    yield case.where("deliveries", lasts & (state != CopyState.ACQUIRED), "held, but not acquired")
    wrong = is_last & known(ended_at) & (state == CopyState.ACQUIRED)
    yield case.where("deliveries", wrong, "acquired, but held by nobody")
    wrong = known(settled_at, ended_at) & (ended_at > settled_at)
    yield case.where("deliveries", wrong, "held after its copy was settled")


def copies_come_back_when_they_may(case: Case) -> Iterator[Finding]:
    """Every attempt but the first follows when the one before it said so, and only then."""
    copies, deliveries = case.trace.copies, case.trace.deliveries
    again = deliveries["available_again_at"]
    may = np.isin(deliveries["lease_end"], COMING_BACK)
    yield case.where("deliveries", known(again) & ~may, "comes back, but its lease did not end so")
    early = known(again) & (again < deliveries["lease_ended_at"])
    yield case.where("deliveries", early, "comes back before its lease ended")
    following = case.next_attempt
    follows = following != NEVER
    available = np.append(deliveries["available_at"], NEVER)[following]
    wrong = follows & (available != again)
    yield case.where("deliveries", wrong, "the next attempt was available at another time")
    state = copies["state"][case.copy_of_delivery]
    waits = ~follows & np.isin(state, (CopyState.AVAILABLE, CopyState.SCHEDULED))
    yield case.where("deliveries", waits & ~known(again), "waits, but does not come back")
    wrong = waits & (state == CopyState.SCHEDULED) & (again < case.end)
    yield case.where("deliveries", wrong, "scheduled for a time that has passed")
    wrong = waits & (state == CopyState.AVAILABLE) & (again > case.end)
    yield case.where("deliveries", wrong, "available before its delay is over")


def windows_respected(case: Case) -> Iterator[Finding]:
    """No instance, and no subscription, holds more than ``max_outstanding`` allows."""
    deliveries = case.trace.deliveries
    for number, _, consumer in case.consumers():
        subscription = consumer.subscription
        most = subscription.max_outstanding
        if most is None:
            continue
        own = deliveries["consumer"] == number
        shared = subscription.outstanding_scope == "subscription"
        if not shared:
            # What was on its way may have been sent to a session that had ended: not counted.
            own &= known(deliveries["received_at"])
        rows = np.flatnonzero(own)
        end = _or_end(deliveries["lease_ended_at"][rows], case.end)
        holder = deliveries["channel"][rows]
        if not shared:
            crashed = deliveries["outcome"][rows] == Outcome.CRASHED
            end = np.where(crashed, np.minimum(end, deliveries["finished_at"][rows]), end)
            end = _within_sessions(case, number, rows, end)
            holder = groups(holder, deliveries["instance"][rows])
        too_many = rows[_exceeding(holder, deliveries["acquired_at"][rows], end, most)]
        yield "deliveries", too_many.astype(np.int64), f"more than {most} outstanding"


def _within_sessions(case: Case, consumer: int, rows: Column, end: Column) -> Column:
    """Return when leases end, at the latest with the session of the instance that has them.

    What it has said last is on its way, but counts no more: its next session is another one, with
    credit of its own, whether it was stopped or has crashed.
    """
    deliveries = case.trace.deliveries
    begin, instance = deliveries["acquired_at"][rows], deliveries["instance"][rows]
    for number in np.unique(instance).tolist():
        for gone, _ in case.stops(consumer, number) + case.spans(consumer, number, ("crash",)):
            cut = (instance == number) & (begin < gone)
            end = np.where(cut, np.minimum(end, gone), end)
    return end


def groups_in_order(case: Case) -> Iterator[Finding]:
    """In a group, a message waits until all before it are settled, or goes along with them."""
    copies, deliveries = case.trace.copies, case.trace.deliveries
    key = case.trace.messages["key"][copies["message_id"]]
    settled = _or_end(copies["settled_at"], _LAST)
    for number, _, consumer in case.consumers():
        if consumer.subscription.lease_scope != "group":
            continue
        own = (copies["consumer"] == number) & (key != NEVER) & known(copies["visible_at"])
        rows = np.flatnonzero(own)
        group = groups(copies["channel"][rows], key[rows])
        line = _line(case)
        order = np.lexsort((line[rows], group))
        # The latest settlement of all copies before this one in its group.
        before = np.full(copies["copy_id"].size, NEVER, dtype=np.int64)
        latest, last_group = NEVER, NEVER
        for row, name in zip(rows[order].tolist(), group[order].tolist(), strict=True):
            if name != last_group:
                latest, last_group = NEVER, name
            before[row] = latest
            latest = max(latest, int(settled[row]))
        row = case.copy_of_delivery
        early = (deliveries["consumer"] == number) & (before[row] > deliveries["acquired_at"])
        late = [
            i for i in np.flatnonzero(early).tolist() if not _goes_along(case, i, line, settled)
        ]
        yield "deliveries", np.array(late, dtype=np.int64), "handed over before its turn"


def _line(case: Case) -> Column:
    """Return the places of the copies in the order of becoming visible, then of storing."""
    copies = case.trace.copies
    place = np.empty(copies["copy_id"].size, dtype=np.int64)
    place[np.lexsort((copies["copy_id"], copies["visible_at"]))] = np.arange(place.size)
    return place


def _goes_along(case: Case, delivery: int, line: Column, settled: Column) -> bool:
    """Return whether all open copies before this one in its group were handed over with it."""
    copies, deliveries = case.trace.copies, case.trace.deliveries
    key = case.trace.messages["key"][copies["message_id"]]
    row = case.copy_of_delivery[delivery]
    moment = deliveries["acquired_at"][delivery]
    waits = (
        (key == key[row])
        & (copies["channel"] == copies["channel"][row])
        & (copies["consumer"] == copies["consumer"][row])
        & known(copies["visible_at"])
        & (line < line[row])
        & (settled > moment)
    )
    together = (deliveries["acquired_at"] == moment) & (
        deliveries["instance"] == deliveries["instance"][delivery]
    )
    return bool(np.isin(np.flatnonzero(waits), case.copy_of_delivery[together]).all())


def priorities_respected(case: Case) -> Iterator[Finding]:
    """While a message waits, none of a lower priority is handed over."""
    copies, deliveries = case.trace.copies, case.trace.deliveries
    untouched = np.flatnonzero((copies["deliveries"] == 0) & known(copies["visible_at"]))
    row = np.concatenate([case.copy_of_delivery, untouched])
    since = np.concatenate([deliveries["available_at"], copies["visible_at"][untouched]])
    until = np.concatenate(
        [deliveries["acquired_at"], _or_end(copies["settled_at"], _LAST)[untouched]]
    )
    is_delivery = np.arange(row.size) < deliveries["attempt"].size
    priority = case.trace.messages["priority"][copies["message_id"][row]]
    for number, _, consumer in case.consumers():
        subscription = consumer.subscription
        if subscription.priorities == 1 or subscription.requeue_position != "original":
            continue
        level = np.minimum(priority, subscription.priorities - 1)
        for channel in np.unique(copies["channel"][copies["consumer"] == number]):
            own = (copies["consumer"][row] == number) & (copies["channel"][row] == channel)
            for above in range(1, subscription.priorities):
                higher = own & (level >= above)
                lower = np.flatnonzero(own & (level < above) & is_delivery)
                moment = until[lower]
                waiting = np.searchsorted(np.sort(since[higher]), moment, side="left")
                waiting -= np.searchsorted(np.sort(until[higher]), moment, side="right")
                late = lower[waiting > 0].astype(np.int64)
                yield "deliveries", late, f"handed over while one of priority {above} waited"


def limits_respected(case: Case) -> Iterator[Finding]:
    """No delivery brings the count above ``max_deliveries``, and nothing is given up before."""
    copies, deliveries = case.trace.copies, case.trace.deliveries
    for number, _, consumer in case.consumers():
        subscription = consumer.subscription
        if not subscription.is_queue:
            continue
        count = _count_before(case, subscription)
        next_counts = "deliver" in subscription.delivery_count_on
        own = deliveries["consumer"] == number
        most = subscription.max_deliveries
        if most is not None:
            wrong = own & (count + next_counts > most)
            yield case.where("deliveries", wrong, f"beyond {most} deliveries")
        last = own & (case.next_attempt == NEVER)
        row = case.copy_of_delivery
        given_up = last & np.isin(copies["state"][row], GIVEN_UP)
        after = count + _is_counted(case, subscription)
        exceeded = after + next_counts > (_LAST - 1 if most is None else most)
        early = given_up & ~exceeded & ~_may_give_up(case, consumer)
        yield case.where("deliveries", early, "given up, but the limit allows another attempt")


def _is_counted(case: Case, subscription: Subscription) -> Column:
    """Return what each delivery, with its end, adds to the count."""
    ends = case.trace.deliveries["lease_end"]
    if "deliver" in subscription.delivery_count_on:
        return np.ones(ends.size, dtype=np.int64)
    counted = [end for name in subscription.delivery_count_on for end in _COUNTED_AS[name]]
    return np.isin(ends, counted).astype(np.int64)


def _count_before(case: Case, subscription: Subscription) -> Column:
    """Return the count of the copy of each delivery, before it was handed over."""
    order = case.by_attempt
    added = _is_counted(case, subscription)[order]
    total = np.cumsum(added) - added
    begins = case.trace.deliveries["attempt"][order] == 1
    base = np.maximum.accumulate(np.where(begins, total, 0))
    count = np.zeros(order.size, dtype=np.int64)
    count[order] = total - base
    return count


def _may_give_up(case: Case, consumer: Consumer) -> Mask:
    """Return which deliveries may be the last although the limit would allow another."""
    ends, subscription = case.trace.deliveries["lease_end"], consumer.subscription
    may: Mask = np.zeros(ends.size, dtype=bool)
    if subscription.on_reject == "exhaust":
        may |= ends == LeaseEnd.REJECTED
    if subscription.dead_letter_expired:
        may |= ends == LeaseEnd.REMOVED
    returns = np.isin(ends, COMING_BACK)
    if subscription.dead_letter_expired:  # it may have expired while it waited to come back
        may |= returns
    released = ends == LeaseEnd.RELEASED
    nack = subscription.nack_redelivery or subscription.redelivery
    if not may_spin(nack):
        may |= released
    if not may_spin(subscription.redelivery):
        may |= returns & ~released
    return may


def moved_copies_have_a_source(case: Case) -> Iterator[Finding]:
    """No moved copy without a source, which ends there and goes on once."""
    copies = case.trace.copies
    moved = copies["source_copy"] != NEVER
    wrong = moved & (copies["source_copy"] >= copies["copy_id"])
    yield case.where("copies", wrong, "moved from a copy that was not there yet")
    source = groups(copies["source_copy"], copies["source_consumer"])
    rows = np.flatnonzero(moved)
    first = np.unique(np.stack([source[rows], copies["copy_id"][rows]], axis=1), axis=0)
    again = np.unique(first[:, 0], return_counts=True)
    # A group publishes a failed message again before it commits: not in one transaction.
    early_movers = [
        number
        for number, _, consumer in case.consumers()
        if consumer.retry_channel is not None and consumer.subscription.lease_scope == "partition"
    ]
    moved &= ~np.isin(copies["source_consumer"], early_movers)
    twice = np.isin(source, again[0][again[1] > 1]) & moved
    yield case.where("copies", twice, "moved twice from one subscription")
    width = len(case.trace.names.consumers)
    keys = copies["copy_id"] * width + copies["consumer"]
    order = np.argsort(keys)
    wanted = copies["source_copy"] * width + copies["source_consumer"]
    place = np.minimum(np.searchsorted(keys[order], wanted), max(keys.size - 1, 0))
    found = order[place] if keys.size else place
    is_there = moved & (keys[found] == wanted) if keys.size else moved
    gone = np.isin(copies["state"][found], (CopyState.DEAD_LETTERED, CopyState.MOVED))
    yield case.where("copies", is_there & ~gone, "moved from a copy that is still there")
    early = is_there & (copies["stored_at"] < copies["settled_at"][found])
    yield case.where("copies", early, "stored before it was moved")


def _or_end(times: Column, end: int) -> Column:
    return np.where(times == NEVER, end, times)


def _exceeding(holder: Column, start: Column, end: Column, most: int) -> Column:
    """Return the places of the intervals [start, end) whose start finds ``most`` others there."""
    size = start.size
    lasts = end > start
    times = np.concatenate([start, end])
    is_end = np.concatenate([np.zeros(size, dtype=np.int64), np.ones(size, dtype=np.int64)])
    who = np.concatenate([holder, holder])
    counted = np.concatenate([lasts, lasts])
    # At one moment what ends makes room before what begins.
    order = np.lexsort((1 - is_end, times, who))
    order = order[counted[order]]
    level = np.cumsum(np.where(is_end[order] == 1, -1, 1))
    begins = is_end[order] == 0
    return np.sort(order[begins & (level > most)])


LAWS: tuple[Law, ...] = (
    leases_end_once,
    copies_come_back_when_they_may,
    windows_respected,
    groups_in_order,
    priorities_respected,
    limits_respected,
    moved_copies_have_a_source,
)
