"""The model: what the parts of one run share, and when the run is over."""

from __future__ import annotations

from eda_sim.engine.compiled import actions as a
from eda_sim.engine.compiled import cells as c
from eda_sim.engine.compiled import codes as k
from eda_sim.engine.compiled.calendar import BEFORE_ALL, schedule, wake
from eda_sim.engine.compiled.lists import NOTHING
from eda_sim.engine.compiled.pointers import Ints, Reals, action, invoke, jit
from eda_sim.engine.compiled.rows import new_row


@jit
def create(
    m: Ints,
    source: int,
    channel: int,
    sequence: int,
    key: int,
    size_bytes: int,
    lineage: int,
    root: int,
    cause: int,
) -> int:
    """Record a new message and return it; ``cause`` is the message that led to it, or NOTHING."""
    number = m[c.MESSAGE_ROWS]
    message = new_row(m, c.MESSAGE_ROWS)
    m[c.MESSAGE_ID + message] = number
    m[c.MESSAGE_SOURCE + message] = source
    m[c.MESSAGE_CHANNEL + message] = channel
    m[c.MESSAGE_SEQUENCE + message] = sequence
    m[c.MESSAGE_KEY + message] = key
    m[c.MESSAGE_PARTITION + message] = NOTHING
    m[c.MESSAGE_SIZE_BYTES + message] = size_bytes
    m[c.MESSAGE_CREATED_AT + message] = m[c.NOW]
    m[c.MESSAGE_SENT_AT + message] = NOTHING
    m[c.MESSAGE_STORED_AT + message] = NOTHING
    m[c.MESSAGE_COMMITTED_AT + message] = NOTHING
    m[c.MESSAGE_CONFIRMED_AT + message] = NOTHING
    m[c.MESSAGE_ATTEMPTS + message] = 0
    m[c.MESSAGE_COPIES + message] = 0
    m[c.MESSAGE_LIVES + message] = 0
    m[c.MESSAGE_STATUS + message] = k.STATUS_BUFFERED
    m[c.MESSAGE_LINEAGE + message] = lineage
    m[c.MESSAGE_ROOT + message] = root
    m[c.MESSAGE_TRUNCATED + message] = 0
    if cause == NOTHING:
        m[c.MESSAGE_CORRELATION_ID + message] = number
        m[c.MESSAGE_CAUSATION_ID + message] = NOTHING
        m[c.MESSAGE_FIRST_LINEAGE + message] = lineage
        m[c.MESSAGE_PRIORITY + message] = 0
    else:
        m[c.MESSAGE_CORRELATION_ID + message] = m[c.MESSAGE_CORRELATION_ID + cause]
        m[c.MESSAGE_CAUSATION_ID + message] = m[c.MESSAGE_ID + cause]
        m[c.MESSAGE_FIRST_LINEAGE + message] = m[c.MESSAGE_FIRST_LINEAGE + cause]
        m[c.MESSAGE_PRIORITY + message] = m[c.MESSAGE_PRIORITY + cause]
    m[c.OPEN] += 1
    return message


@jit
def new_entry(
    m: Ints, entry: int, message: int, copy_id: int, subscription: int, offset: int, partition: int
) -> None:
    """Record a copy as one subscription sees it; ``partition`` is its number in the channel."""
    now = m[c.NOW]
    m[c.ENTRY_COPY_ID + entry] = copy_id
    m[c.ENTRY_MESSAGE_ID + entry] = m[c.MESSAGE_ID + message]
    m[c.ENTRY_CHANNEL + entry] = m[m[c.SUBSCRIPTION_CHANNEL] + subscription]
    m[c.ENTRY_CONSUMER + entry] = m[m[c.SUBSCRIPTION_CONSUMER] + subscription]
    m[c.ENTRY_PARTITION + entry] = partition
    m[c.ENTRY_OFFSET + entry] = offset
    m[c.ENTRY_STORED_AT + entry] = now
    m[c.ENTRY_COMMITTED_AT + entry] = now
    m[c.ENTRY_VISIBLE_AT + entry] = now
    m[c.ENTRY_STATE + entry] = k.STATE_AVAILABLE
    m[c.ENTRY_DELIVERIES + entry] = 0
    m[c.ENTRY_SETTLED_AT + entry] = NOTHING
    m[c.ENTRY_SOURCE_COPY + entry] = NOTHING
    m[c.ENTRY_SOURCE_CONSUMER + entry] = NOTHING
    m[c.ENTRY_MESSAGE + entry] = message
    m[c.ENTRY_SUBSCRIPTION + entry] = subscription
    m[c.ENTRY_PLACE + entry] = offset
    m[c.ENTRY_AVAILABLE_AT + entry] = now
    m[c.ENTRY_HOLDER + entry] = NOTHING
    m[c.ENTRY_COUNT + entry] = 0
    m[c.ENTRY_DISPOSITION + entry] = k.STATE_ACKNOWLEDGED
    m[c.ENTRY_RECORD + entry] = NOTHING
    m[c.ENTRY_EXPIRES_AT + entry] = NOTHING
    m[c.ENTRY_HISTORY + entry] = NOTHING
    m[c.ENTRY_LINEAGE + entry] = m[c.MESSAGE_LINEAGE + message]
    m[c.ENTRY_NEXT + entry] = NOTHING


@jit
def new_delivery(m: Ints, entry: int, session: int, instance: int) -> int:
    """Record the next hand-over of a copy; ``instance`` is its number within the consumer."""
    delivery = new_row(m, c.DELIVERY_ROWS)
    attempt = m[c.ENTRY_DELIVERIES + entry] + 1
    m[c.ENTRY_DELIVERIES + entry] = attempt
    m[c.DELIVERY_MESSAGE_ID + delivery] = m[c.ENTRY_MESSAGE_ID + entry]
    m[c.DELIVERY_COPY_ID + delivery] = m[c.ENTRY_COPY_ID + entry]
    m[c.DELIVERY_CHANNEL + delivery] = m[c.ENTRY_CHANNEL + entry]
    m[c.DELIVERY_CONSUMER + delivery] = m[c.ENTRY_CONSUMER + entry]
    m[c.DELIVERY_INSTANCE + delivery] = instance
    m[c.DELIVERY_WORKER + delivery] = NOTHING
    m[c.DELIVERY_ATTEMPT + delivery] = attempt
    m[c.DELIVERY_AVAILABLE_AT + delivery] = m[c.ENTRY_AVAILABLE_AT + entry]
    m[c.DELIVERY_ACQUIRED_AT + delivery] = m[c.NOW]
    m[c.DELIVERY_RECEIVED_AT + delivery] = NOTHING
    m[c.DELIVERY_STARTED_AT + delivery] = NOTHING
    m[c.DELIVERY_FINISHED_AT + delivery] = NOTHING
    m[c.DELIVERY_SETTLED_AT + delivery] = NOTHING
    m[c.DELIVERY_OUTCOME + delivery] = k.OUTCOME_UNFINISHED
    m[c.DELIVERY_EFFECT + delivery] = 0
    m[c.DELIVERY_TRIES + delivery] = 0
    m[c.DELIVERY_LEASE_ENDED_AT + delivery] = NOTHING
    m[c.DELIVERY_LEASE_END + delivery] = k.END_NONE
    m[c.DELIVERY_AVAILABLE_AGAIN_AT + delivery] = NOTHING
    m[c.DELIVERY_ENTRY + delivery] = entry
    m[c.DELIVERY_SESSION + delivery] = session
    m[c.DELIVERY_DEADLINE + delivery] = NOTHING
    m[c.DELIVERY_HELD_PREVIOUS + delivery] = NOT_LISTED
    m[c.DELIVERY_UNFINISHED_PREVIOUS + delivery] = NOT_LISTED
    return delivery


NOT_LISTED = -2
"""In place of a neighbour: the row does not stand in that list."""


@jit
def end_lease(m: Ints, delivery: int, end: int, available_again_at: int) -> None:
    """Write down that a delivery is no longer leased, and when its copy comes back."""
    m[c.DELIVERY_LEASE_ENDED_AT + delivery] = m[c.NOW]
    m[c.DELIVERY_LEASE_END + delivery] = end
    m[c.DELIVERY_AVAILABLE_AGAIN_AT + delivery] = available_again_at


@jit
def new_copy(m: Ints) -> int:
    """Return the number of the next copy."""
    copy_id = m[c.COPIES]
    m[c.COPIES] = copy_id + 1
    return copy_id


@jit
def is_final(m: Ints, entry: int) -> bool:
    """Return whether a copy will never be handed over again."""
    state = m[c.ENTRY_STATE + entry]
    return k.STATE_ACKNOWLEDGED <= state <= k.STATE_MOVED


@jit
def wait(m: Ints, entry: int) -> None:
    """Let a copy be SCHEDULED: consumers cannot have it yet."""
    m[c.ENTRY_STATE + entry] = k.STATE_SCHEDULED
    m[c.ENTRY_VISIBLE_AT + entry] = NOTHING


@jit
def appear(m: Ints, entry: int) -> None:
    """Let a copy be AVAILABLE: consumers can have it from now on."""
    m[c.ENTRY_STATE + entry] = k.STATE_AVAILABLE
    m[c.ENTRY_VISIBLE_AT + entry] = m[c.NOW]
    m[c.ENTRY_AVAILABLE_AT + entry] = m[c.NOW]


@jit
def finish(m: Ints, f: Reals, entry: int, state: int) -> None:
    """Move a copy to a final state."""
    m[c.ENTRY_STATE + entry] = state
    m[c.ENTRY_SETTLED_AT + entry] = m[c.NOW]
    record = m[c.ENTRY_RECORD + entry]
    if record != NOTHING:
        invoke(m, f, a.NOTE_SETTLED, record, 0, 0)
    close(m)


# The end of the run ---------------------------------------------------------------------------


@jit
def note_created(m: Ints) -> None:
    """Count one message of a producer; the last one that the run may create ends production."""
    m[c.CREATED] += 1
    if m[c.CREATED] == m[c.RUN_MESSAGES]:
        _end_production(m)


@jit
def producer_finished(m: Ints) -> None:
    """Note that one producer will create nothing more."""
    m[c.PRODUCING] -= 1
    if m[c.PRODUCING] == 0:
        _end_production(m)


@jit
def _end_production(m: Ints) -> None:
    if not m[c.PRODUCTION_OVER]:
        m[c.PRODUCTION_OVER] = 1
        wake(m, a.ALL_CREATED, 0, 0)
        _check_drained(m)


@jit
def close(m: Ints) -> None:
    """Count one open thing less."""
    m[c.OPEN] -= 1
    if m[c.OPEN] == 0:
        _check_drained(m)


@jit
def _check_drained(m: Ints) -> None:
    """Note that production is over and nothing is open."""
    if m[c.OPEN] == 0 and m[c.PRODUCTION_OVER] and not m[c.DRAINED]:
        m[c.DRAINED] = 1
        if m[c.RUN_DRAIN]:
            wake(m, a.STOP, 0, 0)


@action(a.STOP)
def stop(m: Ints, _f: Reals, _a: int, _b: int, _c: int) -> int:
    """End the run, after everybody who was woken before has had a turn."""
    if m[c.IS_OVER] == 0:
        m[c.IS_OVER] = 1
        wake(m, a.END, 0, 0)
    return 0


@action(a.END)
def end(m: Ints, _f: Reals, _a: int, _b: int, _c: int) -> int:
    """Let nothing more happen."""
    m[c.IS_OVER] = 2
    return 0


@action(a.ALL_CREATED)
def all_created(m: Ints, _f: Reals, _a: int, _b: int, _c: int) -> int:
    """Limit draining; without it, stop unless the run has time left."""
    if m[c.RUN_DRAIN]:
        production_ends = max(m[c.NOW], m[c.RUN_DURATION_NS])
        stop_at(m, production_ends + m[c.RUN_DRAIN_TIMEOUT_NS])
    elif m[c.RUN_DURATION_NS] == NOTHING or m[c.CREATED] == m[c.RUN_MESSAGES]:
        if m[c.IS_OVER] == 0:
            m[c.IS_OVER] = 1
            wake(m, a.END, 0, 0)
    return 0


@jit
def stop_at(m: Ints, time_ns: int) -> None:
    """End the run at a time, before anything of the model happens then."""
    schedule(m, max(m[c.NOW], time_ns), BEFORE_ALL, 0, 0, 0, a.STOP, 0, 0, 0)
