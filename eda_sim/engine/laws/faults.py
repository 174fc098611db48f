"""Laws about faults: what stands still does nothing, and nothing crosses a cut."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from eda_sim.engine.laws.case import Case, Finding, Law, known, merged
from eda_sim.engine.trace import NEVER, MessageStatus, Outcome


def nothing_while_still(case: Case) -> Iterator[Finding]:
    """While an instance is paused or hangs, no handler begins or finishes in it.

    A crash ends handlers also then; so does a time-out in a hang.
    """
    deliveries = case.trace.deliveries
    start, end = deliveries["started_at"], deliveries["finished_at"]
    for number, _, consumer in case.consumers():
        for instance in range(consumer.instances):
            own = (deliveries["consumer"] == number) & (deliveries["instance"] == instance)
            for kinds, ends in ((("pause",), False), (("pause", "hang"), consumer.timeout)):
                for begin, over in case.spans(number, instance, kinds):
                    began = own & (start > begin) & (start < over)
                    yield case.where("deliveries", began, "began while its instance stood still")
                    finished = own & known(start) & (end > begin) & (end < over)
                    finished &= deliveries["outcome"] != Outcome.CRASHED
                    if ends:
                        done = [Outcome.OK]
                        # A batch that is stopped ends for those in it that are skipped, too.
                        done += [Outcome.SKIPPED] * (consumer.batch_max_messages == 1)
                        finished &= np.isin(deliveries["outcome"], done)
                    yield case.where("deliveries", finished, "finished while it stood still")


def dead_producers_create_nothing(case: Case) -> Iterator[Finding]:
    """No producer that has crashed creates messages."""
    messages, names = case.trace.messages, case.trace.names
    for name in case.scenario.producers:
        own = messages["source"] == names.sources.index(name)
        for begin, over in _spans(case, name, "crash"):
            created = (messages["created_at"] >= begin) & (messages["created_at"] < over)
            yield case.where("messages", own & created, "created while its producer was dead")


def nothing_crosses_a_cut(case: Case) -> Iterator[Finding]:
    """Nothing that is sent while the network is cut arrives before it has healed."""
    trace = case.trace
    messages, deliveries, faults, names = (
        trace.messages,
        trace.deliveries,
        trace.faults,
        trace.names,
    )
    for row in range(faults["kind"].size):
        if names.fault_kinds[faults["kind"][row]] != "partition":
            continue
        begin, over = int(faults["started_at"][row]), int(faults["ended_at"][row])
        over = case.end + 1 if over == NEVER else over
        client, channel = names.targets[faults["target"][row]], faults["peer"][row]
        at_channel = names.channels.index(names.targets[channel].removeprefix("channels."))
        if client in names.consumers:
            instance = faults["instance"][row]
            own = deliveries["consumer"] == names.consumers.index(client)
            own &= (deliveries["instance"] == instance) | (instance == NEVER)
            own &= deliveries["channel"] == at_channel
            sent, arrived, table = (
                deliveries["acquired_at"],
                deliveries["received_at"],
                "deliveries",
            )
        else:
            name = client.removeprefix("producers.")
            own = messages["source"] == names.sources.index(name)
            sent, arrived, table = messages["created_at"], messages["stored_at"], "messages"
        crossed = own & (sent >= begin) & (sent < over) & (arrived >= begin) & (arrived < over)
        yield case.where(table, crossed, "arrived through a network that was cut")


def dead_channels_do_nothing(case: Case) -> Iterator[Finding]:
    """While all nodes of a channel are down, nothing is stored in it and nothing handed out."""
    trace = case.trace
    copies, deliveries = trace.copies, trace.deliveries
    for number, name in enumerate(trace.names.channels):
        for begin, over in _all_nodes_down(case, name):
            stored = (copies["channel"] == number) & (copies["offset"] != NEVER)
            stored &= (copies["stored_at"] >= begin) & (copies["stored_at"] < over)
            yield case.where("copies", stored, "stored while all nodes were down")
            taken = deliveries["channel"] == number
            # At that moment itself an earlier fault may end, and who comes up then gets something.
            taken &= (deliveries["acquired_at"] > begin) & (deliveries["acquired_at"] < over)
            yield case.where("deliveries", taken, "handed out while all nodes were down")


def promises_are_kept(case: Case) -> Iterator[Finding]:
    """With acks: all what was confirmed outlives crashes, and with a flush losses of power.

    Unless an unclean election is allowed: then any node may lead, whatever it lacks.
    """
    messages, names = case.trace.messages, case.trace.names
    gone = known(messages["confirmed_at"]) & (messages["status"] == MessageStatus.TRUNCATED)
    gone &= np.isin(messages["source"], case.publishing_with(("all",)))
    for number, name in enumerate(names.channels):
        replication = case.scenario.channels[name].replication
        flush = "os" if replication is None else replication.flush
        may_lose = flush != "before_ack" and "power_loss" in names.fault_kinds
        if may_lose or (replication is not None and replication.unclean_leader_election):
            continue
        broken = gone & (messages["channel"] == number)
        yield case.where("messages", broken, "confirmed by all in sync, and truncated")


def _all_nodes_down(case: Case, channel: str) -> list[tuple[int, int]]:
    """Return when no node of a channel was up (ns)."""
    faults, names = case.trace.faults, case.trace.names
    replication = case.scenario.channels[channel].replication
    factor = 1 if replication is None else replication.factor
    taken = channel in (*case.scenario.consumers, *case.scenario.producers)
    label = f"channels.{channel}" if taken else channel
    spans: list[list[tuple[int, int]]] = [[] for _ in range(factor)]
    for row in range(faults["kind"].size):
        if names.targets[faults["target"][row]] != label:
            continue
        if names.fault_kinds[faults["kind"][row]] not in ("crash", "power_loss"):
            continue
        begin, over = int(faults["started_at"][row]), int(faults["ended_at"][row])
        node = int(faults["instance"][row])
        for own in spans if node == NEVER else [spans[node]]:
            own.append((begin, case.end + 1 if over == NEVER else over))
    down = merged(spans[0])
    for own in spans[1:]:
        down = [
            (max(begin, start), min(over, end))
            for begin, over in down
            for start, end in merged(own)
            if max(begin, start) < min(over, end)
        ]
    return down


def _spans(case: Case, producer: str, kind: str) -> list[tuple[int, int]]:
    """Return when faults of a kind hit a producer (ns)."""
    faults, names = case.trace.faults, case.trace.names
    label = f"producers.{producer}" if producer in names.consumers else producer
    found = []
    for row in range(faults["kind"].size):
        is_kind = names.fault_kinds[faults["kind"][row]] == kind
        if is_kind and names.targets[faults["target"][row]] == label:
            begin, over = int(faults["started_at"][row]), int(faults["ended_at"][row])
            found.append((begin, case.end + 1 if over == NEVER else over))
    return merged(found)


def occurrences_in_order(case: Case) -> Iterator[Finding]:
    """Each fault begins again only after it has ended, and its occurrences are counted from 0."""
    faults = case.trace.faults
    order = np.lexsort((faults["started_at"], faults["fault"]))
    fault = faults["fault"][order]
    first = np.diff(fault, prepend=-1) != 0
    number = faults["occurrence"][order]
    wrong = np.where(first, number != 0, np.diff(number, prepend=0) != 1)
    yield "faults", order[wrong].astype(np.int64), "occurrences are not counted from 0"
    over = np.append(NEVER, faults["ended_at"][order][:-1])
    early = ~first & ((over == NEVER) | (faults["started_at"][order] < over))
    yield "faults", order[early].astype(np.int64), "began again before it had ended"


def only_work_wears_out(case: Case) -> Iterator[Finding]:
    """While nobody at its target works, a fault whose clock counts operation does not begin."""
    faults, deliveries = case.trace.faults, case.trace.deliveries
    ends = np.where(deliveries["finished_at"] == NEVER, case.end + 1, deliveries["finished_at"])
    for number, fault in enumerate(case.scenario.faults):
        if getattr(fault, "mtbf_counts", "time") != "operation":
            continue
        rows = np.flatnonzero(faults["fault"] == number)
        if not rows.size:
            continue
        consumer = case.trace.names.targets[faults["target"][rows[0]]]
        instance = faults["instance"][rows[0]]
        own = deliveries["consumer"] == case.trace.names.consumers.index(consumer)
        own &= (deliveries["instance"] == instance) | (instance == NEVER)
        own &= known(deliveries["started_at"])
        begun, over = np.sort(deliveries["started_at"][own]), np.sort(ends[own])
        # One that begins at the very moment at which a handler would finish comes first.
        moments = faults["started_at"][rows]
        running = np.searchsorted(begun, moments, "left") - np.searchsorted(over, moments, "left")
        yield "faults", rows[running < 1].astype(np.int64), "began while its target was idle"


LAWS: tuple[Law, ...] = (
    nothing_while_still,
    dead_producers_create_nothing,
    nothing_crosses_a_cut,
    dead_channels_do_nothing,
    promises_are_kept,
    occurrences_in_order,
    only_work_wears_out,
)
