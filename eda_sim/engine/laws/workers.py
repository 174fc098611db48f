"""Laws about who can do what at a time: workers, crashes, order."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from eda_sim.engine.laws.case import Case, Finding, Law, groups, known
from eda_sim.engine.laws.handling import first_of_each_call
from eda_sim.engine.trace import NEVER, Column, Outcome


def one_handler_per_worker(case: Case) -> Iterator[Finding]:
    """No worker runs two handlers at a time; what it handles in a batch is one."""
    deliveries = case.trace.deliveries
    ran = first_of_each_call(case)
    start, end = deliveries["started_at"][ran], deliveries["finished_at"][ran]
    end = np.where(end == NEVER, case.end, end)
    worker = groups(*(deliveries[name][ran] for name in ("consumer", "instance", "worker")))
    order = np.lexsort((end, start, worker))
    same = worker[order][1:] == worker[order][:-1]
    overlap = same & (start[order][1:] < end[order][:-1])
    rows = ran[order[1:][overlap]].astype(np.int64)
    yield "deliveries", rows, "started while its worker ran another one"


def the_more_urgent_interrupts(case: Case) -> Iterator[Finding]:
    """Where handlers are interrupted, nothing ends while something more urgent waits beside it.

    What interrupts is more urgent than what it interrupts, and ends before that does.
    """
    trace = case.trace
    deliveries = trace.deliveries
    for number, _, consumer in case.consumers():
        if not consumer.preemptive:
            continue
        urgent = np.minimum(
            trace.messages["priority"][deliveries["message_id"]],
            consumer.subscription.priorities - 1,
        )
        own = (deliveries["consumer"] == number) & known(deliveries["started_at"])
        for instance in range(consumer.instances):
            rows = np.flatnonzero(own & (deliveries["instance"] == instance)).astype(np.int64)
            yield (
                "deliveries",
                _ended_before_its_turn(case, rows, urgent),
                "more urgent ones waited",
            )
            yield "deliveries", _not_nested(case, rows, urgent), "interrupted what was as urgent"


def _ended_before_its_turn(case: Case, rows: Column, urgent: Column) -> Column:
    """Return what ended while something more urgent had come, and had not been begun."""
    deliveries = case.trace.deliveries
    ended = np.isin(deliveries["outcome"][rows], (Outcome.OK, Outcome.FAILED, Outcome.DEAD))
    found = np.zeros(rows.size, dtype=bool)
    for level in np.unique(urgent[rows]).tolist():
        above = rows[urgent[rows] > level]
        came = np.sort(deliveries["received_at"][above])
        begun = np.sort(deliveries["started_at"][above])
        moments = deliveries["finished_at"][rows]
        waiting = np.searchsorted(came, moments, "left") - np.searchsorted(begun, moments, "left")
        found |= ended & (urgent[rows] == level) & (waiting > 0)
    return rows[found]


def _not_nested(case: Case, rows: Column, urgent: Column) -> Column:
    """Return what ran above another worker's level, but not within something less urgent."""
    deliveries = case.trace.deliveries
    ends = np.where(deliveries["finished_at"] == NEVER, case.end, deliveries["finished_at"])
    order = rows[np.lexsort((deliveries["worker"][rows], deliveries["started_at"][rows]))]
    under: dict[int, int] = {}
    wrong = []
    for row in order.tolist():
        depth = int(deliveries["worker"][row])
        below = under.get(depth - 1)
        under[depth] = row
        if depth and (below is None or ends[below] < ends[row] or urgent[below] >= urgent[row]):
            wrong.append(row)
    return np.array(wrong, dtype=np.int64)


def nothing_while_down(case: Case) -> Iterator[Finding]:
    """Nothing is received, and nothing runs, in an instance that is down."""
    deliveries = case.trace.deliveries
    start, end = deliveries["started_at"], deliveries["finished_at"]
    end = np.where(end == NEVER, case.end, end)
    for number, _, consumer in case.consumers():
        for instance in range(consumer.instances):
            spans = case.down(number, instance)
            if not spans:
                continue
            own = (deliveries["consumer"] == number) & (deliveries["instance"] == instance)
            ends = {over for _, over in spans}
            crashes = {begin for begin, _ in case.spans(number, instance, ("crash",))}
            for begin, over in spans:
                # It was up for that instant: one that is stopped, until its last handler is done.
                first = begin + (begin in ends or begin not in crashes)
                ran = known(start) & (start < over) & (end > begin)
                # What was running when the crash came ends at that moment, as a crash.
                started_down = known(start) & (start >= first) & (start < over)
                yield case.where("deliveries", own & (ran | started_down), "ran while down")
                got = deliveries["received_at"]
                got_down = (got >= first) & (got < over)
                yield case.where("deliveries", own & got_down, "received while down")
            for begin in sorted(crashes):
                cut = known(start) & (end == begin) & (deliveries["finished_at"] != NEVER)
                wrong = own & cut & (start < begin) & (deliveries["outcome"] != Outcome.CRASHED)
                yield case.where("deliveries", wrong, "finished at the very moment of a crash")


def crashes_have_a_cause(case: Case) -> Iterator[Finding]:
    """No handler crashes but at the moment at which its instance does, and without effect."""
    deliveries = case.trace.deliveries
    crashed = deliveries["outcome"] == Outcome.CRASHED
    yield case.where("deliveries", crashed & (deliveries["effect"] == 1), "crashed with an effect")
    running = crashed & known(deliveries["started_at"])
    for number, _, consumer in case.consumers():
        for instance in range(consumer.instances):
            moments = [begin for begin, _ in case.spans(number, instance, ("crash",))]
            own = (deliveries["consumer"] == number) & (deliveries["instance"] == instance)
            wrong = running & own & ~np.isin(deliveries["finished_at"], moments)
            yield case.where("deliveries", wrong, "crashed while its instance was up")


def partitions_in_order(case: Case) -> Iterator[Finding]:
    """With leases on partitions and no fault, a partition is handled in order, each copy once.

    A member that polls too late is a zombie beside the new owner (rule G9), fault or not.
    """
    trace = case.trace
    copies, deliveries = trace.copies, trace.deliveries
    hit = {trace.names.targets[target] for target in trace.faults["target"]}
    for number, name, consumer in case.consumers():
        subscription = consumer.subscription
        if subscription.lease_scope != "partition" or name in hit:
            continue
        if subscription.max_poll_interval is not None:
            continue
        own = deliveries["consumer"] == number
        yield case.where("deliveries", own & (deliveries["attempt"] > 1), "delivered again")
        rows = np.flatnonzero(own & known(deliveries["started_at"]))
        copy = case.copy_of_delivery[rows]
        log = groups(copies["channel"][copy], copies["partition"][copy])
        # Copies are numbered as they are stored; offsets are given out again after a failover.
        order = np.lexsort((copies["copy_id"][copy], log))
        same = log[order][1:] == log[order][:-1]
        for column in ("started_at", "finished_at"):
            times = deliveries[column][rows][order]
            times = np.where(times == NEVER, case.end, times)
            overtaken = same & (times[1:] < times[:-1])
            late = rows[order[1:][overtaken]].astype(np.int64)
            yield "deliveries", late, f"{column} is before that of an earlier copy"


def producers_keep_their_order(case: Case) -> Iterator[Finding]:
    """No link reorders: what a producer sends to a partition is stored in that order.

    Sequence numbers keep the order of what is sent again; without them a retry comes late.
    """
    trace = case.trace
    messages = trace.messages
    # By number: a consumer may have the name of a producer.
    is_producer = np.arange(len(trace.names.sources)) < len(case.scenario.producers)
    chosen = is_producer[messages["source"]] & (messages["copies"] == 1)
    numbered = [producer.publishing.idempotent for producer in case.scenario.producers.values()]
    numbered += [False] * (len(trace.names.sources) - len(numbered))
    chosen &= (messages["attempts"] <= 1) | np.array(numbered, dtype=bool)[messages["source"]]
    rows = np.flatnonzero(chosen & known(messages["stored_at"]))
    path = groups(*(messages[name][rows] for name in ("source", "channel", "partition")))
    order = np.lexsort((rows, path))
    same = path[order][1:] == path[order][:-1]
    stored = messages["stored_at"][rows][order]
    overtaken = same & (stored[1:] < stored[:-1])
    late = rows[order[1:][overtaken]].astype(np.int64)
    yield "messages", late, "stored before an earlier one of the same producer"


LAWS: tuple[Law, ...] = (
    one_handler_per_worker,
    the_more_urgent_interrupts,
    nothing_while_down,
    crashes_have_a_cause,
    partitions_in_order,
    producers_keep_their_order,
)
