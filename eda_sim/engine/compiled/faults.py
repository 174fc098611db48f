"""Faults at work: each occurrence begins, writes its row, and ends.

What a fault does to links (losses, delays) they look up in its schedule themselves; here it only
leaves its row.
"""

from __future__ import annotations

from eda_sim.engine.compiled import actions as a
from eda_sim.engine.compiled import cells as c
from eda_sim.engine.compiled import codes as k
from eda_sim.engine.compiled import lists, operation, speed
from eda_sim.engine.compiled.calendar import schedule
from eda_sim.engine.compiled.closing import crash, stop
from eda_sim.engine.compiled.instances import come_up_again, hits, note_silence
from eda_sim.engine.compiled.lists import NOTHING
from eda_sim.engine.compiled.network import reads
from eda_sim.engine.compiled.pointers import Ints, Reals, action, invoke, jit
from eda_sim.engine.compiled.producers import crash as crash_producer
from eda_sim.engine.compiled.producers import restart as restart_producer
from eda_sim.engine.compiled.rows import new_row
from eda_sim.engine.compiled.schedules import extend


@action(a.START_FAULT)
def start(m: Ints, f: Reals, fault: int, _b: int, _c: int) -> int:
    """Wait for the first occurrence."""
    m[m[c.FAULT_IS_ON] + fault] = 0
    if m[m[c.FAULT_COUNTS_OPERATION] + fault]:
        operation.wait(m, f, fault)
        return 0
    if lists.first(m, m[m[c.FAULT_OCCURRENCES] + fault]) == NOTHING and not extend(m, f, fault):
        return 0
    m[m[c.FAULT_NODE] + fault] = lists.first(m, m[m[c.FAULT_OCCURRENCES] + fault])
    _wait(m, fault, 0)
    return 0


@jit
def _wait(m: Ints, fault: int, occurrence: int) -> None:
    begins = lists.value(m, m[m[c.FAULT_NODE] + fault])
    what = a.BEGIN_FAULT
    schedule(m, begins, k.RANK_FAULT_START, fault, occurrence, 0, what, fault, occurrence, 0)


@action(a.BEGIN_FAULT)
def begin(m: Ints, f: Reals, fault: int, occurrence: int, _c: int) -> int:
    """Let an occurrence begin."""
    if m[m[c.FAULT_COUNTS_OPERATION] + fault]:
        m[m[c.FAULT_NODE] + fault] = lists.last(m, m[m[c.FAULT_OCCURRENCES] + fault])
    row = new_row(m, c.OCCURRENCE_ROWS)
    m[c.OCCURRENCE_FAULT + row] = fault
    m[c.OCCURRENCE_KIND + row] = m[m[c.FAULT_KIND] + fault]
    m[c.OCCURRENCE_TARGET + row] = m[m[c.FAULT_TARGET] + fault]
    m[c.OCCURRENCE_INSTANCE + row] = m[m[c.FAULT_INSTANCE] + fault]
    m[c.OCCURRENCE_PEER + row] = m[m[c.FAULT_PEER] + fault]
    m[c.OCCURRENCE_OCCURRENCE + row] = occurrence
    m[c.OCCURRENCE_STARTED_AT + row] = m[c.NOW]
    m[c.OCCURRENCE_ENDED_AT + row] = NOTHING
    m[m[c.FAULT_ROW] + fault] = row
    ends = m[c.NODE_KEY + m[m[c.FAULT_NODE] + fault]]
    m[m[c.FAULT_IS_ON] + fault] = 1
    producer = m[m[c.FAULT_PRODUCER] + fault]
    if producer != NOTHING and m[m[c.FAULT_WHAT] + fault] == k.FAULT_KIND_CRASH:
        crash_producer(m, f, producer, ends == k.FOREVER)
    _change_all(m, f, fault, 1)
    if ends != k.FOREVER:
        what = a.END_FAULT
        schedule(m, ends, k.RANK_FAULT_END, fault, occurrence, 0, what, fault, occurrence, 0)
    return 0


@action(a.END_FAULT)
def end(m: Ints, f: Reals, fault: int, occurrence: int, _c: int) -> int:
    """Let an occurrence end, and wait for the next."""
    m[c.OCCURRENCE_ENDED_AT + m[m[c.FAULT_ROW] + fault]] = m[c.NOW]
    m[m[c.FAULT_IS_ON] + fault] = 0
    producer = m[m[c.FAULT_PRODUCER] + fault]
    if producer != NOTHING and m[m[c.FAULT_WHAT] + fault] == k.FAULT_KIND_CRASH:
        restart_producer(m, producer)
    _change_all(m, f, fault, -1)
    if m[m[c.FAULT_COUNTS_OPERATION] + fault]:
        operation.wait(m, f, fault)
        return 0
    node = m[m[c.FAULT_NODE] + fault]
    if lists.following(m, node) == NOTHING and not extend(m, f, fault):
        return 0
    m[m[c.FAULT_NODE] + fault] = lists.following(m, node)
    _wait(m, fault, occurrence + 1)
    return 0


@jit
def _change_all(m: Ints, f: Reals, fault: int, change: int) -> None:
    """Let the instances or nodes that a fault hits feel its begin (1) or its end (-1)."""
    consumer, channel = m[m[c.FAULT_CONSUMER] + fault], m[m[c.FAULT_CHANNEL] + fault]
    if consumer == NOTHING:
        if channel != NOTHING:
            _change_nodes(m, f, fault, channel, change)
        return
    first = m[m[c.CONSUMER_FIRST_INSTANCE] + consumer]
    for instance in range(first, first + m[m[c.CONSUMER_INSTANCES] + consumer]):
        if hits(m, fault, instance):
            _change_instance(m, f, fault, instance, change)


@jit
def _change_nodes(m: Ints, f: Reals, fault: int, channel: int, change: int) -> None:
    what, number = m[m[c.FAULT_WHAT] + fault], m[m[c.FAULT_INSTANCE] + fault]
    if what not in (k.FAULT_KIND_CRASH, k.FAULT_KIND_POWER_LOSS):
        return
    nodes = 1
    if m[m[c.REPLICATION_IS_REPLICATED] + channel]:
        nodes = m[m[c.REPLICATION_FACTOR] + channel]
    for node in range(nodes):
        if number not in (NOTHING, node):
            continue
        if change > 0:
            is_power_loss = int(what == k.FAULT_KIND_POWER_LOSS)
            invoke(m, f, a.NODE_DOWN, channel, node, is_power_loss)
        else:
            invoke(m, f, a.NODE_UP, channel, node, 0)


@jit
def _change_instance(m: Ints, f: Reals, fault: int, instance: int, change: int) -> None:
    what = m[m[c.FAULT_WHAT] + fault]
    if what in (k.FAULT_KIND_CRASH, k.FAULT_KIND_STOP):
        if change < 0:
            m[m[c.INSTANCE_CAUSES_DOWN] + instance] -= 1
            come_up_again(m, f, instance)
        elif what == k.FAULT_KIND_CRASH:
            crash(m, f, instance)
        else:
            stop(m, f, instance)
    elif what in (k.FAULT_KIND_PAUSE, k.FAULT_KIND_HANG, k.FAULT_KIND_SLOW):
        speed.bring_up_to_date(m, f, instance)
        if what == k.FAULT_KIND_PAUSE:
            m[m[c.INSTANCE_PAUSES] + instance] += change
        elif what == k.FAULT_KIND_HANG:
            m[m[c.INSTANCE_HANGS] + instance] += change
        else:
            _multiply(m, f, instance)
        speed.reschedule(m, f, instance)
        operation.note_work(m, instance)
        if what == k.FAULT_KIND_PAUSE:
            note_silence(m, f, instance)
    elif what == k.FAULT_KIND_BUG:
        m[m[c.INSTANCE_BUGS] + instance] += change
    elif what == k.FAULT_KIND_PARTITION:
        if reads(m, m[m[c.FAULT_CONSUMER] + fault], m[m[c.FAULT_CHANNEL] + fault]):
            m[m[c.INSTANCE_CUTS] + instance] += change
            note_silence(m, f, instance)


@jit
def _multiply(m: Ints, f: Reals, instance: int) -> None:
    """Multiply the factors of all that slows an instance down now."""
    factor = 1.0
    for fault in range(m[c.FAULT_ROWS]):
        if m[m[c.FAULT_WHAT] + fault] == k.FAULT_KIND_SLOW and m[m[c.FAULT_IS_ON] + fault]:
            if hits(m, fault, instance):
                factor *= f[m[c.FAULT_FACTOR] + fault]
    f[m[c.INSTANCE_FACTOR] + instance] = factor


@jit
def bug_probability(m: Ints, f: Reals, instance: int) -> float:
    """Return the probability that bugs let an attempt fail now."""
    spared = 1.0
    for fault in range(m[c.FAULT_ROWS]):
        if m[m[c.FAULT_WHAT] + fault] == k.FAULT_KIND_BUG and m[m[c.FAULT_IS_ON] + fault]:
            if hits(m, fault, instance):
                spared *= 1.0 - f[m[c.FAULT_PROBABILITY] + fault]
    return 1.0 - spared
