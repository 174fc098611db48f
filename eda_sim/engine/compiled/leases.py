"""Leases on deliveries: how they run out, how they are kept, and who notices.

The clock of a lease starts when the broker hands the delivery over. A worker may renew the leases
of what it is handling; when a lease runs out nevertheless, the handler runs on, and a second one
may get the same message. Usually the broker has a timer for each lease; else the clients look, each
at its own interval, for leases that have run out. A lease that covers a connection has no clock of
its own, but the broker may lose patience and close the connection.
"""

from __future__ import annotations

from eda_sim.engine.compiled import actions as a
from eda_sim.engine.compiled import cells as c
from eda_sim.engine.compiled import codes as k
from eda_sim.engine.compiled import draws, lists
from eda_sim.engine.compiled.calendar import schedule
from eda_sim.engine.compiled.lists import NOTHING
from eda_sim.engine.compiled.pointers import Ints, Reals, action, invoke, jit
from eda_sim.engine.compiled.sessions import ask_again, hold_of, to_broker


@action(a.BUILD_LEASES)
def build(m: Ints, _f: Reals, queue: int, _b: int, _c: int) -> int:
    """Note whether leases of a subscription have a clock, and who looks at it."""
    backoff = m[m[c.SUBSCRIPTION_LEASE_BACKOFF] + queue]
    has_clock = m[m[c.SUBSCRIPTION_LEASE_TIMEOUT_NS] + queue] != k.NONE or backoff != k.NONE
    consumer = m[m[c.SUBSCRIPTION_CONSUMER] + queue]
    if m[m[c.CONSUMER_SETTLE] + consumer] == k.SETTLE_AUTO:
        has_clock = False
    is_renewed = has_clock and m[m[c.SUBSCRIPTION_LEASE_RENEWAL_NS] + queue] != k.NONE
    m[m[c.SUBSCRIPTION_RUNS_OUT] + queue] = int(has_clock)
    m[m[c.SUBSCRIPTION_IS_RENEWED] + queue] = int(is_renewed)
    m[m[c.SUBSCRIPTION_BACKOFF] + queue] = (
        NOTHING if backoff == k.NONE else draws.new_retries(m, backoff)
    )
    m[m[c.SUBSCRIPTION_RUNNING] + queue] = lists.new_list(m)
    return 0


# The clock of a lease -------------------------------------------------------------------------


@action(a.BEGIN_LEASE)
def begin(m: Ints, f: Reals, queue: int, delivery: int, _c: int) -> int:
    """Start the clock of a lease."""
    length_ns = m[m[c.SUBSCRIPTION_LEASE_TIMEOUT_NS] + queue]
    backoff = m[m[c.SUBSCRIPTION_BACKOFF] + queue]
    if backoff != NOTHING:
        attempt = m[c.DELIVERY_ATTEMPT + delivery]
        length_ns = draws.retry_ns(m, f, backoff, 0, 0, attempt, 0, 0)
    m[c.DELIVERY_DEADLINE + delivery] = m[c.DELIVERY_ACQUIRED_AT + delivery] + length_ns
    if m[m[c.SUBSCRIPTION_SWEEP_INTERVAL_NS] + queue] == k.NONE:
        _set_timer(m, queue, delivery)
    else:
        lists.append(m, m[m[c.SUBSCRIPTION_RUNNING] + queue], delivery)
    return 0


@jit
def _set_timer(m: Ints, queue: int, delivery: int) -> None:
    schedule(
        m,
        m[c.DELIVERY_DEADLINE + delivery],
        k.RANK_LEASE_EXPIRY,
        queue,
        m[c.DELIVERY_COPY_ID + delivery],
        m[c.DELIVERY_ATTEMPT + delivery],
        a.LEASE_TIME_IS_UP,
        delivery,
        0,
        0,
    )


@action(a.LEASE_TIME_IS_UP)
def time_is_up(m: Ints, f: Reals, delivery: int, _b: int, _c: int) -> int:
    """End a lease that nobody has renewed or settled, or the connection that it covers."""
    entry = m[c.DELIVERY_ENTRY + delivery]
    if m[c.ENTRY_HOLDER + entry] != delivery:
        return 0
    queue = m[c.ENTRY_SUBSCRIPTION + entry]
    if m[c.DELIVERY_DEADLINE + delivery] > m[c.NOW]:
        _set_timer(m, queue, delivery)
    elif m[m[c.SUBSCRIPTION_LEASE_SCOPE] + queue] == k.LEASE_SCOPE_CONNECTION:
        # A delivery took too long; a live instance connects anew.
        session = m[c.DELIVERY_SESSION + delivery]
        hold = hold_of(m, session, queue)
        invoke(m, f, a.DISCONNECT_QUEUE, hold, k.END_EXPIRED, 0)
        if m[c.SESSION_ALIVE + session] and not m[c.SESSION_SILENT + session]:
            _reconnect(m, f, hold)
    else:
        invoke(m, f, a.TAKE_BACK, delivery, k.END_EXPIRED, 0)
        invoke(m, f, a.DISPATCH, queue, 0, 0)
    return 0


# Renewal --------------------------------------------------------------------------------------


@action(a.KEEP_LEASE)
def keep(m: Ints, _f: Reals, delivery: int, _b: int, _c: int) -> int:
    """Renew a lease from time to time while its handler runs."""
    queue = m[c.ENTRY_SUBSCRIPTION + m[c.DELIVERY_ENTRY + delivery]]
    schedule(
        m,
        m[c.NOW] + m[m[c.SUBSCRIPTION_LEASE_RENEWAL_NS] + queue],
        k.RANK_RENEWAL_DUE,
        queue,
        m[c.DELIVERY_COPY_ID + delivery],
        m[c.DELIVERY_ATTEMPT + delivery],
        a.RENEWAL_IS_DUE,
        delivery,
        0,
        0,
    )
    return 0


@action(a.RENEWAL_IS_DUE)
def renewal_is_due(m: Ints, f: Reals, delivery: int, _b: int, _c: int) -> int:
    """Ask for a renewal while the handler runs, and plan the next one."""
    if m[c.DELIVERY_FINISHED_AT + delivery] != NOTHING:
        return 0
    queue = m[c.ENTRY_SUBSCRIPTION + m[c.DELIVERY_ENTRY + delivery]]
    session = m[c.DELIVERY_SESSION + delivery]
    if not m[c.SESSION_SILENT + session]:
        hold = hold_of(m, session, queue)
        event = _event(m, queue, m[c.HOLD_RENEWALS + hold])
        m[c.HOLD_RENEWALS + hold] += 1
        to_broker(m, f, session, 0, k.RANK_LEASE_RENEWAL, event, a.RENEW_LEASE, delivery, 0)
    keep(m, f, delivery, 0, 0)
    return 0


@jit
def _event(m: Ints, queue: int, number: int) -> int:
    """Return the number of something an instance sends about one of its queues."""
    consumer = m[m[c.SUBSCRIPTION_CONSUMER] + queue]
    place = queue - m[m[c.CONSUMER_FIRST_SUBSCRIPTION] + consumer]
    return number * m[m[c.CONSUMER_SUBSCRIPTIONS] + consumer] + place


@action(a.RENEW_LEASE)
def renew(m: Ints, _f: Reals, delivery: int, _b: int, _c: int) -> int:
    """Start the clock of a lease anew, if it has not ended yet."""
    entry = m[c.DELIVERY_ENTRY + delivery]
    if m[c.ENTRY_HOLDER + entry] != delivery:
        return 0
    queue = m[c.ENTRY_SUBSCRIPTION + entry]
    deadline = m[c.NOW] + m[m[c.SUBSCRIPTION_LEASE_TIMEOUT_NS] + queue]
    limit_ns = m[m[c.SUBSCRIPTION_LEASE_RENEWAL_LIMIT_NS] + queue]
    if limit_ns != k.NONE:
        deadline = min(deadline, m[c.DELIVERY_ACQUIRED_AT + delivery] + limit_ns)
    m[c.DELIVERY_DEADLINE + delivery] = max(m[c.DELIVERY_DEADLINE + delivery], deadline)
    return 0


# Sweeps ---------------------------------------------------------------------------------------


@action(a.START_SWEEPING)
def start_sweeping(m: Ints, f: Reals, hold: int, _b: int, _c: int) -> int:
    """Let an instance that has come up begin to sweep, at a time of its own."""
    if m[c.HOLD_IS_SWEEPING + hold]:
        return 0
    m[c.HOLD_IS_SWEEPING + hold] = 1
    queue, session = m[c.HOLD_SUBSCRIPTION + hold], m[c.HOLD_SESSION + hold]
    consumer, channel = m[c.SESSION_CONSUMER + session], m[m[c.SUBSCRIPTION_CHANNEL] + queue]
    about = draws.mix(m[m[c.CONSUMER_ADDRESS] + consumer], m[m[c.CHANNEL_ADDRESS] + channel])
    about = draws.mix(about, m[m[c.INSTANCE_NUMBER] + m[c.SESSION_INSTANCE + session]])
    number = m[c.SESSION_NUMBER + session]
    share = draws.share(m, f, k.STREAM_DETECTION, about, number)
    _sweep_after(m, hold, 0, int(share * m[m[c.SUBSCRIPTION_SWEEP_INTERVAL_NS] + queue]))
    return 0


@jit
def _sweep_after(m: Ints, hold: int, number: int, delay_ns: int) -> None:
    session = m[c.HOLD_SESSION + hold]
    schedule(
        m,
        m[c.NOW] + delay_ns,
        k.RANK_SWEEP_DUE,
        m[c.HOLD_SUBSCRIPTION + hold],
        m[m[c.INSTANCE_NUMBER] + m[c.SESSION_INSTANCE + session]],
        (m[c.SESSION_NUMBER + session] << 24) + number,
        a.SWEEP_IS_DUE,
        hold,
        number,
        0,
    )


@action(a.SWEEP_IS_DUE)
def sweep_is_due(m: Ints, f: Reals, hold: int, number: int, _c: int) -> int:
    """Ask for a sweep, and plan the next one, as long as the instance lives."""
    queue, session = m[c.HOLD_SUBSCRIPTION + hold], m[c.HOLD_SESSION + hold]
    if not m[c.SESSION_ALIVE + session]:
        m[c.HOLD_IS_SWEEPING + hold] = 0
        return 0
    if not m[c.SESSION_SILENT + session]:
        event = _event(m, queue, number)
        to_broker(m, f, session, 0, k.RANK_SWEEP, event, a.SWEEP, queue, 0)
    _sweep_after(m, hold, number + 1, m[m[c.SUBSCRIPTION_SWEEP_INTERVAL_NS] + queue])
    return 0


@action(a.SWEEP)
def sweep(m: Ints, f: Reals, queue: int, _b: int, _c: int) -> int:
    """End all leases that have run out."""
    running, over = m[m[c.SUBSCRIPTION_RUNNING] + queue], lists.new_list(m)
    node = lists.first(m, running)
    while node != NOTHING:
        after, delivery = lists.following(m, node), lists.value(m, node)
        if m[c.ENTRY_HOLDER + m[c.DELIVERY_ENTRY + delivery]] != delivery:
            lists.remove(m, running, node)
        elif m[c.DELIVERY_DEADLINE + delivery] <= m[c.NOW]:
            lists.append(m, over, lists.remove(m, running, node))
        node = after
    while lists.size(m, over):
        invoke(m, f, a.TAKE_BACK, lists.pop_first(m, over), k.END_EXPIRED, 0)
    lists.free_list(m, over)
    invoke(m, f, a.DISPATCH, queue, 0, 0)
    return 0


# Connections ----------------------------------------------------------------------------------


@action(a.FELL_SILENT)
def fell_silent(m: Ints, f: Reals, hold: int, _b: int, _c: int) -> int:
    """Start the broker's patience with an instance from which it hears nothing."""
    queue, session = m[c.HOLD_SUBSCRIPTION + hold], m[c.HOLD_SESSION + hold]
    patience = m[m[c.SUBSCRIPTION_CONNECTION_TIMEOUT] + queue]
    if patience == k.NONE or not m[c.HOLD_IS_CONNECTED + hold]:
        return 0
    silence, number = m[c.SESSION_SILENCES + session], m[c.SESSION_NUMBER + session]
    instance = m[m[c.INSTANCE_NUMBER] + m[c.SESSION_INSTANCE + session]]
    sender = draws.mix(m[m[c.CONSUMER_ADDRESS] + m[c.SESSION_CONSUMER + session]], instance)
    sender = draws.mix(sender, number)
    due = m[c.NOW] + draws.ns(m, f, patience, k.STREAM_DETECTION, sender, silence, 1)
    attempt = (number << 12) + silence
    schedule(
        m,
        due,
        k.RANK_CONNECTION_TIMEOUT,
        queue,
        instance,
        attempt,
        a.PATIENCE_IS_OVER,
        hold,
        silence,
        0,
    )
    return 0


@action(a.PATIENCE_IS_OVER)
def patience_is_over(m: Ints, f: Reals, hold: int, silence: int, _c: int) -> int:
    """Close the connection of an instance that has been silent all the time."""
    session = m[c.HOLD_SESSION + hold]
    if m[c.SESSION_SILENT + session] and m[c.SESSION_SILENCES + session] == silence:
        invoke(m, f, a.DISCONNECT_QUEUE, hold, k.END_DISCONNECTED, 0)
    return 0


@action(a.IS_HEARD)
def is_heard(m: Ints, f: Reals, hold: int, _b: int, _c: int) -> int:
    """Let an instance connect anew whose connection was closed while it was silent."""
    session = m[c.HOLD_SESSION + hold]
    if m[c.SESSION_ALIVE + session] and not m[c.HOLD_IS_CONNECTED + hold]:
        _reconnect(m, f, hold)
    return 0


@jit
def _reconnect(m: Ints, f: Reals, hold: int) -> None:
    """Connect anew; workers whose requests went with the closed connection ask again."""
    invoke(m, f, a.CONNECT, hold, 0, 0)
    if m[m[c.SUBSCRIPTION_DELIVERY] + m[c.HOLD_SUBSCRIPTION + hold]] == k.DELIVERY_MODE_PULL:
        ask_again(m, m[c.HOLD_SESSION + hold])
