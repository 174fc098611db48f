"""The network: connections, and what faults do to them.

A connection is two rows of LINK, one after the other: the way to the broker and the way back. The
faults of its party are a list, NOTHING for the many connections that no fault ever hits.
"""

from __future__ import annotations

from eda_sim.engine.compiled import cells as c
from eda_sim.engine.compiled import codes as k
from eda_sim.engine.compiled import draws, lists
from eda_sim.engine.compiled.lists import NOTHING
from eda_sim.engine.compiled.pointers import Ints, Reals, jit
from eda_sim.engine.compiled.rows import new_row, reserve
from eda_sim.engine.compiled.schedules import is_there, over
from eda_sim.engine.streams.addresses import DRAWS_PER_VARIATE
from eda_sim.engine.streams.samplers import to_ns

# Connections ----------------------------------------------------------------------------------


@jit
def _new_link(m: Ints, f: Reals, latency: int, stream: int, disturbances: int) -> int:
    link = new_row(m, c.LINK_ROWS)
    m[c.LINK_LATENCY + link] = latency
    m[c.LINK_STREAM + link] = stream
    m[c.LINK_IS_NARROW + link] = 0
    m[c.LINK_FREE_AT + link] = 0
    m[c.LINK_LAST_ARRIVAL + link] = 0
    m[c.LINK_UNDER_WAY + link] = 0
    m[c.LINK_DISTURBANCES + link] = disturbances
    m[c.LINK_SOURCE + link] = NOTHING
    m[c.LINK_IS_PERFECT + link] = int(disturbances == NOTHING)
    m[c.LINK_FIXED_NS + link] = NOTHING
    if disturbances == NOTHING and draws.is_constant(f, latency):
        m[c.LINK_FIXED_NS + link] = draws.ns(m, f, latency, stream, 0, 0, 1)
    return link


@jit
def connection_of_session(m: Ints, f: Reals, latency: int, disturbances: int, source: int) -> int:
    """Return a new connection between an instance and what it reads."""
    reserve(m, c.LINK_ROWS, 2)
    to_broker = _new_link(m, f, latency, k.STREAM_SETTLE_LINK, disturbances)
    m[c.LINK_SOURCE + to_broker] = source
    if f[m[c.SOURCE_LOSS] + source] != 0.0:
        m[c.LINK_FIXED_NS + to_broker] = NOTHING
    _new_link(m, f, latency, k.STREAM_DELIVERY_LINK, disturbances)
    return to_broker


@jit
def connection_of_publisher(m: Ints, f: Reals, source: int, disturbances: int) -> int:
    """Return a new connection of a producer, or of an instance that emits."""
    latency = m[m[c.SOURCE_LATENCY] + source]
    reserve(m, c.LINK_ROWS, 2)
    to_broker = _new_link(m, f, latency, k.STREAM_PUBLISH_LINK, disturbances)
    from_broker = _new_link(m, f, latency, k.STREAM_CONFIRM_LINK, disturbances)
    chances = f[m[c.SOURCE_LOSS] + source] + f[m[c.SOURCE_DUPLICATION] + source]
    chances += f[m[c.SOURCE_ACKNOWLEDGEMENT_LOSS] + source]
    for link in (to_broker, from_broker):
        if f[m[c.SOURCE_S_PER_BYTE] + source] != 0.0:
            m[c.LINK_IS_NARROW + link] = 1
            m[c.LINK_FIXED_NS + link] = NOTHING
        m[c.LINK_SOURCE + link] = source
        m[c.LINK_IS_PERFECT + link] = int(disturbances == NOTHING and chances == 0.0)
    return to_broker


@jit
def arrival(
    m: Ints, f: Reals, link: int, entity: int, event: int, attempt: int, size_bytes: int
) -> int:
    """Return when something sent now arrives, in ns, and remember it.

    A link that always takes the same time (FIXED_NS) need not be asked: nothing overtakes on it.
    """
    leaves = m[c.NOW]
    if m[c.LINK_FIXED_NS + link] != NOTHING:
        return leaves + m[c.LINK_FIXED_NS + link]
    if m[c.LINK_IS_NARROW + link]:
        s_per_byte = f[m[c.SOURCE_S_PER_BYTE] + m[c.LINK_SOURCE + link]]
        leaves = max(leaves, m[c.LINK_FREE_AT + link]) + to_ns(s_per_byte * size_bytes)
        m[c.LINK_FREE_AT + link] = leaves
    latency, stream = m[c.LINK_LATENCY + link], m[c.LINK_STREAM + link]
    arrives = leaves + draws.ns(m, f, latency, stream, entity, event, attempt)
    disturbances = m[c.LINK_DISTURBANCES + link]
    if disturbances != NOTHING:
        arrives += departure(m, f, disturbances, leaves) - leaves
        arrives += delay_ns(m, f, disturbances, leaves, entity, event, attempt)
    if arrives < m[c.LINK_LAST_ARRIVAL + link]:
        return m[c.LINK_LAST_ARRIVAL + link]
    m[c.LINK_LAST_ARRIVAL + link] = arrives
    return arrives


# Faults of a party ----------------------------------------------------------------------------


@jit
def disturbances_of(
    m: Ints, producer: int, consumer: int, instance: int, is_publishing: bool
) -> int:
    """Return the list of faults that hit the links of a party, NOTHING if none ever does."""
    found = NOTHING
    for fault in range(m[c.FAULT_ROWS]):
        what = m[m[c.FAULT_WHAT] + fault]
        if what < k.FAULT_KIND_PARTITION:
            continue
        if m[m[c.FAULT_PRODUCER] + fault] != producer:
            continue
        if m[m[c.FAULT_CONSUMER] + fault] != consumer:
            continue
        hit = m[m[c.FAULT_INSTANCE] + fault]
        if hit not in (NOTHING, instance):
            continue
        channel = m[m[c.FAULT_CHANNEL] + fault]
        if what == k.FAULT_KIND_PARTITION and not _uses(
            m, producer, consumer, channel, is_publishing
        ):
            continue
        if found == NOTHING:
            found = lists.new_list(m)
        lists.append(m, found, fault)
    return found


@jit
def _uses(m: Ints, producer: int, consumer: int, channel: int, is_publishing: bool) -> bool:
    """Return whether a party publishes to a channel, or reads it."""
    if producer != NOTHING:
        return m[m[c.PRODUCER_CHANNEL] + producer] == channel
    return emits_to(m, consumer, channel) if is_publishing else reads(m, consumer, channel)


@jit
def reads(m: Ints, consumer: int, channel: int) -> bool:
    """Return whether a consumer reads a channel."""
    first = m[m[c.CONSUMER_FIRST_SUBSCRIPTION] + consumer]
    for row in range(first, first + m[m[c.CONSUMER_SUBSCRIPTIONS] + consumer]):
        if m[m[c.SUBSCRIPTION_CHANNEL] + row] == channel:
            return True
    return False


@jit
def emits_to(m: Ints, consumer: int, channel: int) -> bool:
    """Return whether a consumer emits to a channel."""
    first = m[m[c.CONSUMER_FIRST_EMIT] + consumer]
    for row in range(first, first + m[m[c.CONSUMER_EMITS] + consumer]):
        if m[m[c.EMIT_CHANNEL] + row] == channel:
            return True
    return False


@jit
def departure(m: Ints, f: Reals, disturbances: int, now: int) -> int:
    """Return when something sent now leaves: when no cut holds it back any more."""
    leaves = now
    while True:
        before = leaves
        node = lists.first(m, disturbances)
        while node != NOTHING:
            fault = lists.value(m, node)
            # After a cut for ever others would be drawn up to then.
            if m[m[c.FAULT_WHAT] + fault] == k.FAULT_KIND_PARTITION and leaves < k.FOREVER:
                leaves = over(m, f, fault, leaves)
            node = lists.following(m, node)
        if leaves == before or leaves >= k.FOREVER:
            return leaves


@jit
def delay_ns(
    m: Ints, f: Reals, disturbances: int, now: int, entity: int, event: int, attempt: int
) -> int:
    """Return what comes on top of the latency of something sent now."""
    total = 0
    node = lists.first(m, disturbances)
    while node != NOTHING:
        fault = lists.value(m, node)
        if m[m[c.FAULT_WHAT] + fault] == k.FAULT_KIND_DELAY and is_there(m, f, fault, now):
            about = draws.mix(entity, m[m[c.FAULT_ADDRESS] + fault])
            latency = m[m[c.FAULT_LATENCY] + fault]
            total += draws.ns(m, f, latency, k.STREAM_FAULT_DELAY, about, event, attempt)
        node = lists.following(m, node)
    return total


@jit
def combined(m: Ints, f: Reals, disturbances: int, what: int, now: int, otherwise: float) -> float:
    """Return the probability of a loss or a double, faults of that kind included."""
    if disturbances == NOTHING:
        return otherwise
    spared = 1.0 - otherwise
    there = False
    node = lists.first(m, disturbances)
    while node != NOTHING:
        fault = lists.value(m, node)
        if m[m[c.FAULT_WHAT] + fault] == what and is_there(m, f, fault, now):
            there = True
            spared *= 1.0 - f[m[c.FAULT_PROBABILITY] + fault]
        node = lists.following(m, node)
    return 1.0 - spared if there else otherwise


# What may happen to a request -----------------------------------------------------------------


@jit
def _happens(
    m: Ints, probability: float, stream: int, entity: int, event: int, trip: int, place: int
) -> bool:
    if probability == 0.0:
        return False
    draw = trip * DRAWS_PER_VARIATE + place
    return draws.unit(m, stream, entity, event, draw) < probability


@jit
def loses(m: Ints, f: Reals, connection: int, entity: int, event: int, trip: int) -> bool:
    """Return whether a request that is sent now gets lost on its way."""
    disturbances = m[c.LINK_DISTURBANCES + connection]
    chance = f[m[c.SOURCE_LOSS] + m[c.LINK_SOURCE + connection]]
    chance = combined(m, f, disturbances, k.FAULT_KIND_LOSS, m[c.NOW], chance)
    return _happens(m, chance, k.STREAM_LOSS, entity, event, trip, 0)


@jit
def loses_settlement(m: Ints, f: Reals, link: int, entity: int, event: int, attempt: int) -> bool:
    """Return whether something about a delivery or an offset that is sent now gets lost."""
    return loses(m, f, link, entity, event, attempt)


@jit
def loses_acknowledgement(
    m: Ints, f: Reals, connection: int, entity: int, event: int, trip: int
) -> bool:
    """Return whether an answer that is sent now gets lost on its way."""
    disturbances = m[c.LINK_DISTURBANCES + connection]
    chance = f[m[c.SOURCE_ACKNOWLEDGEMENT_LOSS] + m[c.LINK_SOURCE + connection]]
    chance = combined(m, f, disturbances, k.FAULT_KIND_ACK_LOSS, m[c.NOW], chance)
    return _happens(m, chance, k.STREAM_LOSS, entity, event, trip, 1)


@jit
def doubles(m: Ints, f: Reals, connection: int, entity: int, event: int, trip: int) -> bool:
    """Return whether a request that is sent now arrives twice."""
    disturbances = m[c.LINK_DISTURBANCES + connection]
    chance = f[m[c.SOURCE_DUPLICATION] + m[c.LINK_SOURCE + connection]]
    chance = combined(m, f, disturbances, k.FAULT_KIND_DUPLICATION, m[c.NOW], chance)
    return _happens(m, chance, k.STREAM_DUPLICATION, entity, event, trip, 0)
