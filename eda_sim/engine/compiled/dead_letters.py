"""Dead letters: what becomes of messages that are given up, and how they come back.

A redrive moves what is there when it begins, so that a message that fails again does not go round
and round, and it leaves out what a reader of the dead letter channel has taken up.
"""

from __future__ import annotations

from eda_sim.engine.compiled import actions as a
from eda_sim.engine.compiled import cells as c
from eda_sim.engine.compiled import codes as k
from eda_sim.engine.compiled import model
from eda_sim.engine.compiled.calendar import schedule
from eda_sim.engine.compiled.histories import earlier
from eda_sim.engine.compiled.lists import NOTHING
from eda_sim.engine.compiled.pointers import Ints, Reals, action, invoke, jit
from eda_sim.engine.compiled.queues import finish
from eda_sim.engine.compiled.retention import limit_life
from eda_sim.engine.compiled.rows import new_row
from eda_sim.engine.compiled.transfers import come_from, store_copy

# Giving up ------------------------------------------------------------------------------------


@action(a.GIVE_UP)
def give_up(m: Ints, f: Reals, entry: int, _b: int, _c: int) -> int:
    """Let go of a copy for good, whose lease has ended."""
    end = m[m[c.SUBSCRIPTION_GIVEN_UP] + m[c.ENTRY_SUBSCRIPTION + entry]]
    state = k.STATE_DISCARDED
    if end == k.GIVEN_UP_PARK:
        state = k.STATE_PARKED
    elif end == k.GIVEN_UP_DEAD_LETTER:
        state = k.STATE_DEAD_LETTERED
        move(m, f, entry, 0, 0)
    finish(m, f, entry, state)
    return 0


@action(a.MOVE_TO_DEAD_LETTERS)
def move(m: Ints, f: Reals, entry: int, _b: int, _c: int) -> int:
    """Store a copy of a message in the dead letter channel."""
    queue = m[c.ENTRY_SUBSCRIPTION + entry]
    is_redriven = m[m[c.SUBSCRIPTION_REDRIVE_AT_NS] + queue] != k.NONE
    is_redriven = is_redriven or m[m[c.SUBSCRIPTION_REDRIVE_EVERY_NS] + queue] != k.NONE
    store_copy(
        m,
        f,
        m[m[c.SUBSCRIPTION_DEAD_LETTER] + queue],
        m[c.ENTRY_MESSAGE + entry],
        m[c.ENTRY_COPY_ID + entry],
        m[c.ENTRY_CONSUMER + entry],
        _deliveries(m, entry),
        m[c.ENTRY_LINEAGE + entry],
        a.REMEMBER_LETTER if is_redriven else 0,
        entry,
        0,
    )
    return 0


@jit
def _deliveries(m: Ints, entry: int) -> int:
    """Return how often the consumer had a message, earlier copies included."""
    return m[c.ENTRY_DELIVERIES + entry] + earlier(m, entry)


@action(a.REMEMBER_LETTER)
def remember(m: Ints, _f: Reals, origin: int, entries: int, count: int) -> int:
    """Keep a dead letter in mind that has just been stored, for a redrive."""
    letter = m[c.FREE_LETTER]
    if letter == NOTHING:
        letter = new_row(m, c.LETTER_ROWS)
    else:
        m[c.FREE_LETTER] = m[c.LETTER_NEXT + letter]
    m[c.LETTER_ORIGIN + letter] = origin
    m[c.LETTER_COPY_ID + letter] = m[c.COPIES] - 1
    m[c.LETTER_FIRST_ENTRY + letter] = entries
    m[c.LETTER_ENTRIES + letter] = count
    m[c.LETTER_NEXT + letter] = NOTHING
    queue = m[c.ENTRY_SUBSCRIPTION + origin]
    if m[m[c.SUBSCRIPTION_LETTERS] + queue] == 0:
        m[m[c.SUBSCRIPTION_LETTER_FIRST] + queue] = letter
    else:
        m[c.LETTER_NEXT + m[m[c.SUBSCRIPTION_LETTER_LAST] + queue]] = letter
    m[m[c.SUBSCRIPTION_LETTER_LAST] + queue] = letter
    m[m[c.SUBSCRIPTION_LETTERS] + queue] += 1
    return 0


# Redriving ------------------------------------------------------------------------------------


@action(a.START_QUEUE)
def start(m: Ints, _f: Reals, queue: int, _b: int, _c: int) -> int:
    """Plan the redrives; a run that drains waits for one that is planned once."""
    at_ns = m[m[c.SUBSCRIPTION_REDRIVE_AT_NS] + queue]
    every_ns = m[m[c.SUBSCRIPTION_REDRIVE_EVERY_NS] + queue]
    m[m[c.SUBSCRIPTION_IS_MOVING] + queue] = 0
    m[m[c.SUBSCRIPTION_LETTERS] + queue] = 0
    if at_ns != k.NONE:
        m[c.OPEN] += 1
        schedule(m, at_ns, k.RANK_REDRIVE, queue, 1, 0, a.BEGIN_REDRIVE, queue, 1, 0)
    elif every_ns != k.NONE:
        schedule(m, every_ns, k.RANK_REDRIVE, queue, 1, 0, a.BEGIN_REDRIVE, queue, 1, 0)
    return 0


@action(a.BEGIN_REDRIVE)
def begin(m: Ints, f: Reals, queue: int, task: int, _c: int) -> int:
    """Move what is there now; a task that still runs is not joined by another."""
    every_ns = m[m[c.SUBSCRIPTION_REDRIVE_EVERY_NS] + queue]
    if every_ns != k.NONE:
        due, following = m[c.NOW] + every_ns, task + 1
        schedule(m, due, k.RANK_REDRIVE, queue, following, 0, a.BEGIN_REDRIVE, queue, following, 0)
    if m[m[c.SUBSCRIPTION_IS_MOVING] + queue]:
        return 0
    m[m[c.SUBSCRIPTION_IS_MOVING] + queue] = 1
    if every_ns != k.NONE:
        m[c.OPEN] += 1
    # A task is known by its number and its move: both fit into one word.
    move_next(m, f, queue, task << 32 | 1, m[m[c.SUBSCRIPTION_LETTERS] + queue])
    return 0


@action(a.MOVE_NEXT_LETTER)
def move_next(m: Ints, f: Reals, queue: int, task_and_move: int, letters: int) -> int:
    """Move one dead letter, or without a rate all that are left; then plan the next move."""
    interval_ns = m[m[c.SUBSCRIPTION_REDRIVE_INTERVAL_NS] + queue]
    left = letters
    while left:
        letter = m[m[c.SUBSCRIPTION_LETTER_FIRST] + queue]
        m[m[c.SUBSCRIPTION_LETTER_FIRST] + queue] = m[c.LETTER_NEXT + letter]
        m[m[c.SUBSCRIPTION_LETTERS] + queue] -= 1
        _move_back(m, f, queue, letter)
        m[c.LETTER_NEXT + letter] = m[c.FREE_LETTER]
        m[c.FREE_LETTER] = letter
        left -= 1
        if interval_ns != k.NONE:
            break
    if left == 0:
        m[m[c.SUBSCRIPTION_IS_MOVING] + queue] = 0
        model.close(m)
        return 0
    task, number = task_and_move >> 32, task_and_move & 0xFFFFFFFF
    due, following = m[c.NOW] + interval_ns, task_and_move + 1
    schedule(
        m,
        due,
        k.RANK_REDRIVE,
        queue,
        task,
        number,
        a.MOVE_NEXT_LETTER,
        queue,
        following,
        left,
    )
    return 0


@jit
def _move_back(m: Ints, f: Reals, queue: int, letter: int) -> None:
    entries, count = m[c.LETTER_FIRST_ENTRY + letter], m[c.LETTER_ENTRIES + letter]
    for entry in range(entries, entries + count * c.ENTRY_WIDTH, c.ENTRY_WIDTH):
        if m[c.ENTRY_STATE + entry] not in (k.STATE_AVAILABLE, k.STATE_SCHEDULED):
            return
    to, origin = m[m[c.SUBSCRIPTION_REDRIVE_TO] + queue], m[c.LETTER_ORIGIN + letter]
    if to == k.NONE:
        _take_in(m, f, queue, origin, m[c.LETTER_COPY_ID + letter])
    else:
        store_copy(
            m,
            f,
            to,
            m[c.ENTRY_MESSAGE + origin],
            m[c.LETTER_COPY_ID + letter],
            m[c.ENTRY_CONSUMER + origin],
            _deliveries(m, origin),
            m[c.ENTRY_LINEAGE + origin],
            0,
            0,
            0,
        )
    for entry in range(entries, entries + count * c.ENTRY_WIDTH, c.ENTRY_WIDTH):
        invoke(m, f, a.REMOVE, entry, k.STATE_MOVED, 0)


@jit
def _take_in(m: Ints, f: Reals, queue: int, origin: int, copy_id: int) -> None:
    """Let a dead letter be a new copy in the queue that it came from, and in no other."""
    message, partition = m[c.ENTRY_MESSAGE + origin], m[c.ENTRY_PARTITION + origin]
    copy = model.new_copy(m)
    entry = new_row(m, c.ENTRY_ROWS)
    model.new_entry(m, entry, message, copy, queue, NOTHING, partition)
    consumer, lineage = m[c.ENTRY_CONSUMER + origin], m[c.ENTRY_LINEAGE + origin]
    come_from(m, entry, copy_id, consumer, _deliveries(m, origin), lineage)
    m[c.OPEN] += 1
    channel = m[c.ENTRY_CHANNEL + entry]
    limit_life(m, f, channel, message, entry, entry + c.ENTRY_WIDTH)
    invoke(m, f, a.OFFER_TO_QUEUE, entry, 0, 0)
