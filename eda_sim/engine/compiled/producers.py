"""Producers: create messages in their own time, whatever the system does (open loop).

The n-th arrival uses the n-th draw of its producer, whatever process the arrivals follow.
"""

from __future__ import annotations

from eda_sim.engine.compiled import actions as a
from eda_sim.engine.compiled import cells as c
from eda_sim.engine.compiled import codes as k
from eda_sim.engine.compiled import draws, model, network
from eda_sim.engine.compiled.calendar import schedule
from eda_sim.engine.compiled.pointers import Ints, Reals, action, jit, stretch
from eda_sim.engine.compiled.publishers import crash as crash_publisher
from eda_sim.engine.compiled.publishers import new_publisher, publish
from eda_sim.engine.streams.keys import sample_key
from eda_sim.engine.streams.rates import USED_UP, use_up

HIGHEST = 255
"""The highest priority; there is one byte for it in AMQP."""
_NEVER = -1


@jit
def begin(m: Ints, f: Reals, producer: int) -> None:
    """Give a producer its connection and its publisher."""
    disturbances = network.disturbances_of(m, producer, k.NONE, k.NONE, True)
    connection = network.connection_of_publisher(m, f, producer, disturbances)
    channel = m[m[c.PRODUCER_CHANNEL] + producer]
    publisher = new_publisher(m, f, producer, channel, connection)
    m[m[c.PRODUCER_PUBLISHER] + producer] = publisher
    m[m[c.PRODUCER_SEQUENCE] + producer] = 0
    m[m[c.PRODUCER_ARRIVAL] + producer] = 0
    m[m[c.PRODUCER_TIME] + producer] = m[m[c.PRODUCER_START_NS] + producer]
    m[m[c.PRODUCER_CAUSES_DOWN] + producer] = 0
    m[m[c.PRODUCER_IS_OVER] + producer] = 0


@action(a.START_PRODUCER)
def start(m: Ints, f: Reals, producer: int, _b: int, _c: int) -> int:
    """Let a producer wait for its first arrival."""
    if m[m[c.PRODUCER_ARRIVAL_KIND] + producer] >= k.ARRIVAL_KIND_PIECEWISE:
        _enter_path(m, f, producer)
    _wait_for_next(m, f, producer)
    return 0


@jit
def _wait_for_next(m: Ints, f: Reals, producer: int) -> None:
    sequence = m[m[c.PRODUCER_SEQUENCE] + producer]
    time_ns = _next_arrival(m, f, producer)
    stop_ns = m[m[c.PRODUCER_STOP_NS] + producer]
    is_late = time_ns == _NEVER or (stop_ns != k.NONE and time_ns >= stop_ns)
    if is_late or sequence == m[m[c.PRODUCER_MESSAGES] + producer]:
        _finish(m, producer)
    else:
        schedule(m, time_ns, k.RANK_CREATE, producer, sequence, 0, a.CREATE, producer, 0, 0)


@jit
def _finish(m: Ints, producer: int) -> None:
    if not m[m[c.PRODUCER_IS_OVER] + producer]:
        m[m[c.PRODUCER_IS_OVER] + producer] = 1
        model.producer_finished(m)


@action(a.CREATE)
def create(m: Ints, f: Reals, producer: int, _b: int, _c: int) -> int:
    """Create what one arrival brings, then wait for the next."""
    if m[m[c.PRODUCER_IS_OVER] + producer]:
        return 0
    number = m[m[c.PRODUCER_ARRIVAL] + producer]
    bulk, brings = m[m[c.PRODUCER_BULK] + producer], 1
    if bulk != k.NONE:
        address = m[m[c.PRODUCER_ADDRESS] + producer]
        brings = max(1, draws.count(m, f, bulk, k.STREAM_BULK, address, number))
    for _ in range(brings):
        if m[c.PRODUCTION_OVER]:
            return 0
        sequence = m[m[c.PRODUCER_SEQUENCE] + producer]
        if sequence == m[m[c.PRODUCER_MESSAGES] + producer]:
            break
        if m[m[c.PRODUCER_CAUSES_DOWN] + producer] == 0:
            _create(m, f, producer, sequence)
        # What did not happen keeps its number, so all others keep theirs.
        m[m[c.PRODUCER_SEQUENCE] + producer] = sequence + 1
    m[m[c.PRODUCER_ARRIVAL] + producer] = number + 1
    _wait_for_next(m, f, producer)
    return 0


@jit
def _create(m: Ints, f: Reals, producer: int, sequence: int) -> None:
    address = m[m[c.PRODUCER_ADDRESS] + producer]
    size = m[m[c.PRODUCER_SIZE] + producer]
    message = model.create(
        m,
        producer,
        m[m[c.PRODUCER_CHANNEL] + producer],
        sequence,
        _key(m, f, producer, sequence),
        draws.count(m, f, size, k.STREAM_SIZE, address, sequence),
        address,
        sequence,
        k.NONE,
    )
    priority = m[m[c.PRODUCER_PRIORITY] + producer]
    if priority != k.NONE:
        drawn = draws.count(m, f, priority, k.STREAM_PRIORITY, address, sequence)
        m[c.MESSAGE_PRIORITY + message] = min(HIGHEST, drawn)
    publish(m, f, m[m[c.PRODUCER_PUBLISHER] + producer], message)
    model.note_created(m)


@jit
def _key(m: Ints, f: Reals, producer: int, sequence: int) -> int:
    kind = m[m[c.PRODUCER_KEY_KIND] + producer]
    if kind == k.KEY_KIND_NONE:
        return k.NONE
    count = m[m[c.PRODUCER_KEY_COUNT] + producer]
    if kind == k.KEY_KIND_TRACE:
        place = m[m[c.PRODUCER_KEY_START] + producer] + sequence % count
        return m[m[c.KEY_NUMBER_NUMBER] + place]
    start = m[c.KEY_SHARE_CUMULATIVE] + m[m[c.PRODUCER_KEY_START] + producer]
    shares = stretch(f, start, count if kind == k.KEY_KIND_ZIPF else 0)
    address = m[m[c.PRODUCER_ADDRESS] + producer]
    key_0, key_1 = m[c.RUN_SEED], m[c.RUN_REPLICATION]
    return sample_key(shares, count, key_0, key_1, k.STREAM_KEY, address, sequence)


# Down and up ----------------------------------------------------------------------------------


@jit
def crash(m: Ints, f: Reals, producer: int, for_ever: bool) -> None:
    """Create nothing until the last crash is over, and forget what has not left."""
    m[m[c.PRODUCER_CAUSES_DOWN] + producer] += 1
    if m[m[c.PRODUCER_CAUSES_DOWN] + producer] == 1:
        crash_publisher(m, f, m[m[c.PRODUCER_PUBLISHER] + producer])
    if for_ever:
        _finish(m, producer)


@jit
def restart(m: Ints, producer: int) -> None:
    """End one crash."""
    m[m[c.PRODUCER_CAUSES_DOWN] + producer] -= 1


# Arrivals -------------------------------------------------------------------------------------


@jit
def _next_arrival(m: Ints, f: Reals, producer: int) -> int:
    """Return the time of the next arrival in ns, _NEVER after the last."""
    kind, number = m[m[c.PRODUCER_ARRIVAL_KIND] + producer], m[m[c.PRODUCER_ARRIVAL] + producer]
    start = m[m[c.PRODUCER_ARRIVAL_START] + producer]
    if kind == k.ARRIVAL_KIND_TRACE:
        if number == m[m[c.PRODUCER_ARRIVAL_LENGTH] + producer]:
            return _NEVER
        return m[m[c.ARRIVAL_TIME_NS] + start + number]
    address = m[m[c.PRODUCER_ADDRESS] + producer]
    interval = m[m[c.PRODUCER_INTERVAL] + producer]
    if kind == k.ARRIVAL_KIND_RENEWAL:
        interval_ns = draws.ns(m, f, interval, k.STREAM_ARRIVAL, address, number, 1)
        m[m[c.PRODUCER_TIME] + producer] += interval_ns
        return m[m[c.PRODUCER_TIME] + producer]
    rest = draws.value(m, f, interval, k.STREAM_ARRIVAL, address, number, 1)
    return _along_the_rate(m, f, producer, rest)


@jit
def _along_the_rate(m: Ints, f: Reals, producer: int, rest: float) -> int:
    """Use up a unit exponential along the path of the rate; return when that is done."""
    stop_ns = m[m[c.PRODUCER_STOP_NS] + producer]
    while m[m[c.PRODUCER_SEGMENT] + producer] != _NEVER:
        time_ns = m[m[c.PRODUCER_TIME] + producer]
        segment = m[m[c.PRODUCER_SEGMENT] + producer]
        end_ns = m[m[c.PRODUCER_SEGMENT_END] + producer]
        rate = f[m[c.SEGMENT_RATE_PER_S] + segment]
        if end_ns == k.NONE and rate == 0.0:
            return _NEVER
        left_ns = k.NONE if end_ns == k.NONE else end_ns - time_ns
        passed_ns, rest = use_up(rest, rate, left_ns)
        m[m[c.PRODUCER_TIME] + producer] = time_ns + passed_ns
        if rest == USED_UP:
            return time_ns + passed_ns
        if stop_ns != k.NONE and time_ns + passed_ns >= stop_ns:
            return _NEVER
        _next_segment(m, f, producer)
    return _NEVER


@jit
def _enter_path(m: Ints, f: Reals, producer: int) -> None:
    """Begin with the first segment, or with a state drawn by the share of time spent in it."""
    place = 0
    start = m[m[c.PRODUCER_ARRIVAL_START] + producer]
    if m[m[c.PRODUCER_ARRIVAL_KIND] + producer] == k.ARRIVAL_KIND_MODULATED:
        drawn = draws.unit(m, k.STREAM_RATE, m[m[c.PRODUCER_ADDRESS] + producer], 0, 0)
        while drawn >= f[m[c.SEGMENT_START_PROBABILITY] + start + place]:
            place += 1
    m[m[c.PRODUCER_VISIT] + producer] = 0
    _enter(m, f, producer, start + place)


@jit
def _enter(m: Ints, f: Reals, producer: int, segment: int) -> None:
    """Let the rate be that of a segment from now on."""
    length = m[m[c.SEGMENT_LENGTH] + segment]
    if m[m[c.PRODUCER_ARRIVAL_KIND] + producer] == k.ARRIVAL_KIND_MODULATED:
        address, visit = m[m[c.PRODUCER_ADDRESS] + producer], m[m[c.PRODUCER_VISIT] + producer]
        length = max(1, draws.ns(m, f, length, k.STREAM_RATE, address, visit, 1))
    m[m[c.PRODUCER_SEGMENT] + producer] = segment
    end_ns = k.NONE if length == k.NONE else m[m[c.PRODUCER_TIME] + producer] + length
    m[m[c.PRODUCER_SEGMENT_END] + producer] = end_ns


@jit
def _next_segment(m: Ints, f: Reals, producer: int) -> None:
    """Go on to the next segment of the path; a path that is not repeated ends."""
    start = m[m[c.PRODUCER_ARRIVAL_START] + producer]
    end = start + m[m[c.PRODUCER_ARRIVAL_LENGTH] + producer]
    segment = m[m[c.PRODUCER_SEGMENT] + producer] + 1
    m[m[c.PRODUCER_VISIT] + producer] += 1
    if segment == end:
        segment = start
        if m[m[c.PRODUCER_ARRIVAL_KIND] + producer] == k.ARRIVAL_KIND_PIECEWISE:
            m[m[c.PRODUCER_SEGMENT] + producer] = _NEVER
            return
    _enter(m, f, producer, segment)
