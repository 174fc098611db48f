"""The loop: build the parts of a run, let one event after the other happen, sample the series."""

from __future__ import annotations

from eda_sim.engine.compiled import actions as a
from eda_sim.engine.compiled import calendar, instances, model, producers
from eda_sim.engine.compiled import cells as c
from eda_sim.engine.compiled import codes as k
from eda_sim.engine.compiled.lists import NOTHING
from eda_sim.engine.compiled.pointers import Ints, Reals, action, invoke, jit
from eda_sim.engine.compiled.rows import NO_ROW, add_row, new_row

GOES_ON = 0
ENDED = 1
NEEDS_ROOM = 2
OVERFLOWED = 3


@action(a.RUN)
def run(m: Ints, f: Reals, limit: int, _b: int, _c: int) -> int:
    """Let at most so many events happen; return why it stopped."""
    handled = 0
    while handled < limit:
        handled += 1
        event = NOTHING
        if m[c.URGENT_FIRST] != NOTHING:
            event = calendar.next_turn(m)
        elif m[c.NORMAL_FIRST] != NOTHING and not _comes_before_all(m):
            event = calendar.next_turn(m)
        elif m[c.HEAP_ROWS] == 0:
            return ENDED
        else:
            m[c.NOW] = m[m[c.HEAP_TIME]]
            event = calendar.pop(m)
        number = m[c.EVENT_ACTION + event]
        first, second = m[c.EVENT_A + event], m[c.EVENT_B + event]
        third = m[c.EVENT_C + event]
        calendar.free_event(m, event)
        invoke(m, f, number, first, second, third)
        if m[c.OVERFLOWED]:
            return OVERFLOWED
        if m[c.IS_OVER] == 2:
            return ENDED
        if m[c.NEEDS_ROOM]:
            return NEEDS_ROOM
    return GOES_ON


@jit
def _comes_before_all(m: Ints) -> bool:
    """Return whether something stands in the calendar now that comes before everything else."""
    if m[c.HEAP_ROWS] == 0 or m[m[c.HEAP_TIME]] != m[c.NOW]:
        return False
    return m[c.EVENT_RANK + m[m[c.HEAP_EVENT]]] >> 32 == calendar.BEFORE_ALL


@action(a.START)
def start(m: Ints, f: Reals, _a: int, _b: int, _c: int) -> int:
    """Build all parts and let them begin."""
    for fault in range(m[c.FAULT_ROWS]):
        invoke(m, f, a.BEGIN_SCHEDULE, fault, 0, 0)
    for channel in range(m[c.CHANNEL_ROWS]):
        _build_partitions(m, f, channel)
    for queue in range(m[c.SUBSCRIPTION_ROWS]):
        invoke(m, f, a.BUILD_QUEUE, queue, 0, 0)
    for consumer in range(m[c.CONSUMER_ROWS]):
        instances.build(m, f, consumer)
        if m[m[c.CONSUMER_IS_GROUP] + consumer]:
            invoke(m, f, a.BUILD_GROUP, consumer, 0, 0)
    for producer in range(m[c.PRODUCER_ROWS]):
        producers.begin(m, f, producer)
    m[c.PRODUCING] = m[c.PRODUCER_ROWS]
    for consumer in range(m[c.CONSUMER_ROWS]):
        _start_consumer(m, f, consumer)
    for producer in range(m[c.PRODUCER_ROWS]):
        calendar.urge(m, a.START_PRODUCER, producer, 0)
    for fault in range(m[c.FAULT_ROWS]):
        calendar.urge(m, a.START_FAULT, fault, 0)
    if m[c.RUN_SAMPLE_EVERY_NS] != k.NONE:
        calendar.urge(m, a.START_SAMPLER, 0, 0)
    if not m[c.RUN_DRAIN] and m[c.RUN_DURATION_NS] != k.NONE:
        model.stop_at(m, m[c.RUN_DURATION_NS])
    return 0


@jit
def _build_partitions(m: Ints, f: Reals, channel: int) -> None:
    invoke(m, f, a.BUILD_CLUSTER, channel, 0, 0)
    m[m[c.CHANNEL_FIRST_PARTITION] + channel] = m[c.PARTITION_ROWS]
    m[m[c.CHANNEL_FREE_ENTRIES] + channel] = NO_ROW
    for number in range(m[m[c.CHANNEL_PARTITIONS] + channel]):
        partition = add_row(m, c.PARTITION_ROWS)
        m[m[c.PARTITION_CHANNEL] + partition] = channel
        m[m[c.PARTITION_NUMBER] + partition] = number
        m[m[c.PARTITION_NEXT_OFFSET] + partition] = 0
        m[m[c.PARTITION_FREE_AT] + partition] = 0
        m[m[c.PARTITION_TERM] + partition] = 0
        m[m[c.PARTITION_FLUSH_TIME_NS] + partition] = 0
        invoke(m, f, a.BUILD_PARTITION, partition, 0, 0)


@jit
def _start_consumer(m: Ints, f: Reals, consumer: int) -> None:
    first = m[m[c.CONSUMER_FIRST_INSTANCE] + consumer]
    for instance in range(first, first + m[m[c.CONSUMER_INSTANCES] + consumer]):
        instances.come_up(m, f, instance)
    if m[m[c.CONSUMER_IS_GROUP] + consumer]:
        invoke(m, f, a.START_GROUP, consumer, 0, 0)
    else:
        row = m[m[c.CONSUMER_FIRST_SUBSCRIPTION] + consumer]
        for queue in range(row, row + m[m[c.CONSUMER_SUBSCRIPTIONS] + consumer]):
            invoke(m, f, a.START_QUEUE, queue, 0, 0)


# Series ---------------------------------------------------------------------------------------


@action(a.START_SAMPLER)
def start_sampler(m: Ints, _f: Reals, _a: int, _b: int, _c: int) -> int:
    """Let the first sample be taken at once, after everything else at that moment."""
    calendar.schedule(m, 0, k.RANK_SAMPLE, 0, 0, 0, a.SAMPLE, 0, 0, 0)
    return 0


@action(a.SAMPLE)
def sample(m: Ints, _f: Reals, number: int, _b: int, _c: int) -> int:
    """Record the state of all subscriptions."""
    for subscription in range(m[c.SUBSCRIPTION_ROWS]):
        consumer = m[m[c.SUBSCRIPTION_CONSUMER] + subscription]
        row = new_row(m, c.SAMPLE_ROWS)
        m[c.SAMPLE_TIME + row] = m[c.NOW]
        m[c.SAMPLE_CHANNEL + row] = m[m[c.SUBSCRIPTION_CHANNEL] + subscription]
        m[c.SAMPLE_CONSUMER + row] = consumer
        m[c.SAMPLE_AVAILABLE + row] = m[m[c.SUBSCRIPTION_AVAILABLE] + subscription]
        m[c.SAMPLE_SCHEDULED + row] = m[m[c.SUBSCRIPTION_SCHEDULED] + subscription]
        m[c.SAMPLE_ACQUIRED + row] = m[m[c.SUBSCRIPTION_ACQUIRED] + subscription]
        m[c.SAMPLE_BUSY + row] = m[m[c.CONSUMER_BUSY] + consumer]
        m[c.SAMPLE_UP + row] = m[m[c.CONSUMER_UP] + consumer]
    due = (number + 1) * m[c.RUN_SAMPLE_EVERY_NS]
    calendar.schedule(m, due, k.RANK_SAMPLE, 0, number + 1, 0, a.SAMPLE, number + 1, 0, 0)
    return 0
