"""Connections: the way between two parties, which takes time and never reorders."""

from __future__ import annotations

from eda_sim.engine.reference.draws import Draws
from eda_sim.engine.reference.network import Disturbances


class Link:
    """One direction of one connection.

    Latency is drawn per message, but a connection is a stream of bytes: what was sent later never
    arrives earlier, it waits behind what was sent before it. ``disturbances`` are what faults do to
    it; most links have none.
    """

    __slots__ = ("_last_arrival", "disturbances", "latency")

    def __init__(self, latency: Draws, disturbances: Disturbances | None = None) -> None:
        self.latency = latency
        self.disturbances = disturbances
        self._last_arrival = 0

    def loses(self, now: int, entity: int, event: int, attempt: int = 1) -> bool:
        """Return whether a fault lets something sent now get lost."""
        disturbances = self.disturbances
        return disturbances is not None and disturbances.loses(now, entity, event, attempt)

    def arrival(self, now: int, entity: int, event: int, attempt: int = 1) -> int:
        """Return when something sent now arrives, in ns, and remember it."""
        arrival = now + self.latency.ns(entity, event, attempt)
        if self.disturbances is not None:
            arrival += self.disturbances.departure(now) - now
            arrival += self.disturbances.delay_ns(now, entity, event, attempt)
        if arrival < self._last_arrival:
            return self._last_arrival
        self._last_arrival = arrival
        return arrival


class Connection:
    """Both directions between a client and its broker."""

    __slots__ = ("from_broker", "to_broker")

    def __init__(
        self, to_broker: Draws, from_broker: Draws, disturbances: Disturbances | None = None
    ) -> None:
        self.to_broker = Link(to_broker, disturbances)
        self.from_broker = Link(from_broker, disturbances)
