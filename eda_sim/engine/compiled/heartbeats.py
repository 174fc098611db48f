"""Heartbeats: when the members of a group send them. They are no events, only times."""

from __future__ import annotations

from eda_sim.engine.compiled import cells as c
from eda_sim.engine.compiled import codes as k
from eda_sim.engine.compiled import draws
from eda_sim.engine.compiled.pointers import Ints, Reals, jit


@jit
def last_heartbeat(m: Ints, f: Reals, session: int) -> int:
    """Return when an instance sent its last heartbeat up to now; joining counts as one."""
    consumer = m[c.SESSION_CONSUMER + session]
    row = m[m[c.CONSUMER_FIRST_SUBSCRIPTION] + consumer]
    interval_ns = m[m[c.SUBSCRIPTION_HEARTBEAT_NS] + row]
    instance = m[m[c.INSTANCE_NUMBER] + m[c.SESSION_INSTANCE + session]]
    address = draws.mix(m[m[c.CONSUMER_ADDRESS] + consumer], instance)
    number = m[c.SESSION_NUMBER + session]
    # How long after its start a session sends its first heartbeat: uniform.
    phase_ns = int(draws.share(m, f, k.STREAM_DETECTION, address, number) * interval_ns)
    started_at = m[c.SESSION_STARTED_AT + session]
    since_first = m[c.NOW] - started_at - phase_ns
    if since_first < 0:
        return started_at
    return m[c.NOW] - since_first % interval_ns


@jit
def next_heartbeat(m: Ints, f: Reals, session: int) -> int:
    """Return when an instance sends its first heartbeat after now, in ns."""
    row = m[m[c.CONSUMER_FIRST_SUBSCRIPTION] + m[c.SESSION_CONSUMER + session]]
    return last_heartbeat(m, f, session) + m[m[c.SUBSCRIPTION_HEARTBEAT_NS] + row]
