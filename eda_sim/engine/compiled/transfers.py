"""Transfers: copies that a subscription moves to another channel, within the broker.

A transfer is appended like a request, but nobody waits for an answer, and nothing of what is known
about the publishing of the message changes. ``then`` says who is told of the new copy.
"""

from __future__ import annotations

from eda_sim.engine.compiled import actions as a
from eda_sim.engine.compiled import cells as c
from eda_sim.engine.compiled import draws, maps
from eda_sim.engine.compiled.histories import new_history
from eda_sim.engine.compiled.lists import NOTHING
from eda_sim.engine.compiled.network import reads
from eda_sim.engine.compiled.partitioning import of_copy
from eda_sim.engine.compiled.partitions import receive
from eda_sim.engine.compiled.pointers import Ints, Reals, action, invoke, jit
from eda_sim.engine.compiled.publishers import new_request

_MOVED = 2_300_000
"""Owners in the hash table: how often another consumer's copy of a message was moved to one."""


@jit
def store_copy(
    m: Ints,
    f: Reals,
    channel: int,
    message: int,
    origin_copy: int,
    origin_consumer: int,
    origin_deliveries: int,
    origin_lineage: int,
    then: int,
    then_row: int,
    delay_ns: int,
) -> None:
    """Store a copy of a message that a subscription moves to a channel.

    ``then`` is an action that is called with ``then_row``, the first row of the new copy and their
    number; 0 for nobody.
    """
    m[c.OPEN] += 1
    partition = m[m[c.CHANNEL_FIRST_PARTITION] + channel] + of_copy(m, channel, message)
    request = new_request(m, NOTHING, partition, message, m[c.MESSAGE_SIZE_BYTES + message])
    m[c.REQUEST_ORIGIN_COPY + request] = origin_copy
    m[c.REQUEST_ORIGIN_CONSUMER + request] = origin_consumer
    m[c.REQUEST_ORIGIN_DELIVERIES + request] = origin_deliveries
    m[c.REQUEST_ORIGIN_LINEAGE + request] = origin_lineage
    m[c.REQUEST_THEN + request] = then
    m[c.REQUEST_THEN_ROW + request] = then_row
    m[c.REQUEST_DELAY_NS + request] = delay_ns
    receive(m, f, request)


@action(a.NOTE_ORIGIN)
def note_origin(m: Ints, f: Reals, request: int, entries: int, count: int) -> int:
    """Write down where new copies come from, and tell who wants to know."""
    for entry in range(entries, entries + count * c.ENTRY_WIDTH, c.ENTRY_WIDTH):
        come_from(
            m,
            entry,
            m[c.REQUEST_ORIGIN_COPY + request],
            m[c.REQUEST_ORIGIN_CONSUMER + request],
            m[c.REQUEST_ORIGIN_DELIVERIES + request],
            m[c.REQUEST_ORIGIN_LINEAGE + request],
        )
    then = m[c.REQUEST_THEN + request]
    if then != 0:
        invoke(m, f, then, m[c.REQUEST_THEN_ROW + request], entries, count)
    return 0


@jit
def come_from(m: Ints, entry: int, copy: int, consumer: int, deliveries: int, lineage: int) -> None:
    """Write down where a copy comes from; draws go on where those of that one ended."""
    m[c.ENTRY_SOURCE_COPY + entry] = copy
    m[c.ENTRY_SOURCE_CONSUMER + entry] = consumer
    if consumer != m[c.ENTRY_CONSUMER + entry]:
        _number(m, entry, True)
        return
    m[c.ENTRY_LINEAGE + entry] = lineage
    if deliveries:
        new_history(m, entry, m[c.ENTRY_STORED_AT + entry], deliveries, 0)


# Draws about copies ---------------------------------------------------------------------------


@action(a.NUMBER_COPIES)
def number_copies(m: Ints, _f: Reals, _message: int, entries: int, count: int) -> int:
    """Let consumers draw anew about a copy of a message that was published more than once."""
    for entry in range(entries, entries + count * c.ENTRY_WIDTH, c.ENTRY_WIDTH):
        _number(m, entry, False)
    return 0


@jit
def _number(m: Ints, entry: int, is_moved: bool) -> None:
    """Let draws about a copy have an address of their own if its consumer has had others.

    A message keeps count of the copies that its publisher had stored, before it is moved anywhere.
    """
    message, consumer = m[c.ENTRY_MESSAGE + entry], m[c.ENTRY_CONSUMER + entry]
    number = maps.get(m, _MOVED + consumer, m[c.MESSAGE_ID + message], 0)
    if is_moved:
        number += 1
        maps.put(m, _MOVED + consumer, m[c.MESSAGE_ID + message], number)
    if reads(m, consumer, m[c.MESSAGE_CHANNEL + message]):
        number += m[c.MESSAGE_COPIES + message]
    if number > 1:
        m[c.ENTRY_LINEAGE + entry] = draws.mix(m[c.MESSAGE_LINEAGE + message], number)
