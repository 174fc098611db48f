"""Laws about publishing: what a source believes, second copies, windows, limits, failovers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from eda_sim.engine.laws.case import Case, Finding, Law, groups, known
from eda_sim.engine.streams.samplers import to_ns
from eda_sim.engine.trace import NEVER, Column, CopyState, MessageStatus
from eda_sim.spec.channels import Channel
from eda_sim.spec.publishing import Publishing


def statuses_are_true(case: Case) -> Iterator[Finding]:
    """No message that was never sent has a request or a copy; none in flight is stored."""
    messages = case.trace.messages
    status, sent = messages["status"], messages["attempts"] > 0
    yield case.where("messages", sent != known(messages["sent_at"]), "sent without a time of it")
    unsent = np.isin(status, (MessageStatus.BUFFERED, MessageStatus.EXPIRED))
    yield case.where("messages", unsent & sent, "buffered or expired, but it was sent")
    nowhere = unsent | (status == MessageStatus.IN_FLIGHT)
    yield case.where(
        "messages", nowhere & (messages["copies"] > 0), "not stored, but it has a copy"
    )


def known_messages_are_stored_once(case: Case) -> Iterator[Finding]:
    """No channel that remembers all stores a message twice, unless a failover took the first."""
    messages = case.trace.messages
    numbered = [number for number, publishing in _publishing(case).items() if publishing.idempotent]
    for name, channel in case.scenario.channels.items():
        memory = channel.deduplication
        if memory is None or _loses_nodes(case, name):
            continue
        twice = (messages["channel"] == case.trace.names.channels.index(name)) & (
            messages["copies"] > 1
        )
        if memory.by == "producer_sequence" and memory.window is None:
            twice &= np.isin(messages["source"], numbered)
            yield case.where("messages", twice, "numbered, and stored twice")
        elif memory.by == "message_id":
            remembers = memory.window is None or to_ns(memory.window) >= case.end
            if remembers and (memory.size is None or memory.size >= twice.size):
                yield case.where("messages", twice, "known, and stored twice")


def publishing_windows_respected(case: Case) -> Iterator[Finding]:
    """No producer has more requests in flight than it may.

    What is certain: a message that was sent once and confirmed was in flight in between, or until
    its time-out. Those that were sent at one moment may have shared a batch.
    """
    messages = case.trace.messages
    once = (messages["attempts"] == 1) & known(messages["confirmed_at"])
    for number, (name, producer) in enumerate(case.scenario.producers.items()):
        publishing = producer.publishing
        if publishing.max_in_flight is None or case.is_hit(name, ("crash",)):
            continue
        rows = np.flatnonzero(once & (messages["source"] == number))
        sent, over = messages["sent_at"][rows], messages["confirmed_at"][rows].copy()
        if publishing.request_timeout is not None:
            over = np.minimum(over, sent + to_ns(publishing.request_timeout))
        if publishing.delivery_timeout is not None:
            given_up = messages["created_at"][rows] + to_ns(publishing.delivery_timeout)
            over = np.minimum(over, given_up)
        _, batch = np.unique(groups(messages["partition"][rows], sent), return_index=True)
        begun = np.searchsorted(np.sort(sent[batch]), sent, side="right")
        ended = np.searchsorted(np.sort(over[batch]), sent, side="right")
        wrong = rows[begun - ended > publishing.max_in_flight].astype(np.int64)
        yield "messages", wrong, f"more than {publishing.max_in_flight} requests in flight"


def full_partitions_store_nothing(case: Case) -> Iterator[Finding]:
    """No partition that refuses or blocks at its limit holds more messages than that.

    Of a log every copy counts, of a queue those that are not settled. An empty partition takes in a
    request of any size, so requests of many messages are left out.
    """
    copies, names = case.trace.copies, case.trace.names
    for name, channel in case.scenario.channels.items():
        if not _is_bounded(channel) or _is_batched(case, name) or _loses_nodes(case, name):
            continue
        here = (copies["channel"] == names.channels.index(name)) & (copies["offset"] != NEVER)
        for number in np.unique(copies["consumer"][here]):
            own = np.flatnonzero(here & (copies["consumer"] == number))
            for partition in np.unique(copies["partition"][own]):
                rows = own[copies["partition"][own] == partition].astype(np.int64)
                most = channel.max_messages or 0
                wrong = rows[_held_when_stored(case, channel, rows) > most]
                yield "copies", wrong, f"stored in a partition that held {most} already"


def _held_when_stored(case: Case, channel: Channel, rows: Column) -> Column:
    """Return how many copies a partition held when each of its copies had been stored."""
    copies = case.trace.copies
    begun = np.arange(1, rows.size + 1)
    if channel.retention == "limits":
        return begun
    settled = copies["settled_at"][rows]
    gone = np.sort(settled[settled != NEVER])
    held: Column = begun - np.searchsorted(gone, copies["stored_at"][rows], side="right")
    return held


def what_is_committed_stays(case: Case) -> Iterator[Finding]:
    """No failover takes back what was committed, unless it was unclean or a disk forgot."""
    copies, names = case.trace.copies, case.trace.names
    for name, channel in case.scenario.channels.items():
        replication = channel.replication
        flushed = replication is not None and replication.flush == "before_ack"
        if replication is not None and replication.unclean_leader_election:
            continue
        if not flushed and _is_hit(case, name, ("power_loss",)):
            continue
        lost = (copies["channel"] == names.channels.index(name)) & known(copies["committed_at"])
        lost &= copies["state"] == CopyState.TRUNCATED
        yield case.where("copies", lost, "committed, and truncated")


def _publishing(case: Case) -> dict[int, Publishing]:
    """Return the settings of each source; a user's process has none of its own."""
    scenario, names = case.scenario, case.trace.names
    producers = [producer.publishing for producer in scenario.producers.values()]
    found = dict(enumerate(producers))
    for number, name in enumerate(names.sources[len(producers) :], len(producers)):
        if name in scenario.consumers:
            found[number] = scenario.consumers[name].publishing
    return found


def _is_bounded(channel: Channel) -> bool:
    """Return whether a partition can be full, and age makes no room in it."""
    counts = channel.retention != "limits" or channel.max_age is None
    return channel.overflow != "drop_head" and channel.max_messages is not None and counts


def _is_batched(case: Case, name: str) -> bool:
    """Return whether a channel may get requests with more than one message."""
    scenario = case.scenario
    senders = [one.publishing for one in scenario.producers.values() if one.to == name]
    senders += [
        consumer.publishing
        for consumer in scenario.consumers.values()
        if any(emission.to == name for emission in consumer.emits)
    ]
    return any(
        sender.linger or sender.batch_max_bytes or (sender.batch_max_messages or 1) > 1
        for sender in senders
    )


def _loses_nodes(case: Case, name: str) -> bool:
    return _is_hit(case, name, ("crash", "power_loss"))


def _is_hit(case: Case, channel: str, kinds: tuple[str, ...]) -> bool:
    """Return whether faults hit the nodes of a channel, whatever else has its name."""
    return case.is_hit(channel, kinds) or case.is_hit(f"channels.{channel}", kinds)


LAWS: tuple[Law, ...] = (
    statuses_are_true,
    known_messages_are_stored_once,
    publishing_windows_respected,
    full_partitions_store_nothing,
    what_is_committed_stays,
)
