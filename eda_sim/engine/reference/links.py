"""Connections: the way between two parties, which takes time, may lose, and never reorders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eda_sim.engine.reference.draws import Draws
from eda_sim.engine.reference.network import Disturbances
from eda_sim.engine.streams.addresses import DRAWS_PER_VARIATE, Stream
from eda_sim.engine.streams.philox import uniform
from eda_sim.engine.streams.samplers import to_ns

if TYPE_CHECKING:
    from eda_sim.engine.reference.model import Model


class Link:
    """One direction of one connection.

    ``under_way`` counts requests that were sent and have not arrived: what is sent without latency
    at the moment at which they arrive comes behind them.

    Latency is drawn per message, but a connection is a stream of bytes: what was sent later never
    arrives earlier, it waits behind what was sent before it. With a bandwidth it also waits for the
    bytes before it to leave. ``disturbances`` are what faults do to it; most links have none.
    """

    __slots__ = (
        "_free_at",
        "_last_arrival",
        "disturbances",
        "latency",
        "s_per_byte",
        "under_way",
    )

    def __init__(
        self, latency: Draws, disturbances: Disturbances | None = None, s_per_byte: float = 0.0
    ) -> None:
        self.latency = latency
        self.disturbances = disturbances
        self.s_per_byte = s_per_byte
        self._free_at = 0
        self._last_arrival = 0
        self.under_way = 0

    def arrival(
        self, now: int, entity: int, event: int, attempt: int = 1, size_bytes: int = 0
    ) -> int:
        """Return when something sent now arrives, in ns, and remember it."""
        leaves = now
        if self.s_per_byte:
            leaves = max(now, self._free_at) + to_ns(self.s_per_byte * size_bytes)
            self._free_at = leaves
        arrival = leaves + self.latency.ns(entity, event, attempt)
        if self.disturbances is not None:
            arrival += self.disturbances.departure(leaves) - leaves
            arrival += self.disturbances.delay_ns(leaves, entity, event, attempt)
        if arrival < self._last_arrival:
            return self._last_arrival
        self._last_arrival = arrival
        return arrival


class Connection:
    """Both directions between a client and its broker, and how reliable they are.

    ``loss``, ``duplication`` (both to the broker) and ``acknowledgement_loss`` (from it) are
    probabilities per request, to which faults may add.
    """

    __slots__ = (
        "_key",
        "acknowledgement_loss",
        "disturbances",
        "duplication",
        "from_broker",
        "is_perfect",
        "loss",
        "to_broker",
    )

    def __init__(
        self,
        to_broker: Draws,
        from_broker: Draws,
        disturbances: Disturbances | None = None,
        s_per_byte: float = 0.0,
        chances: tuple[float, float, float] = (0.0, 0.0, 0.0),
    ) -> None:
        self.to_broker = Link(to_broker, disturbances, s_per_byte)
        self.from_broker = Link(from_broker, disturbances, s_per_byte)
        self.disturbances = disturbances
        self.loss, self.duplication, self.acknowledgement_loss = chances
        self.is_perfect = disturbances is None and not any(chances)
        self._key = to_broker.run_key

    @classmethod
    def of_publisher(
        cls, model: Model, source: int, disturbances: Disturbances | None
    ) -> Connection:
        """Return a new connection of a producer, or of an instance that emits."""
        row = model.plan.links
        chances = row.loss[source], row.duplication[source], row.acknowledgement_loss[source]
        return cls(
            model.draws(row.latency[source], Stream.PUBLISH_LINK),
            model.draws(row.latency[source], Stream.CONFIRM_LINK),
            disturbances,
            float(row.s_per_byte[source]),
            (float(chances[0]), float(chances[1]), float(chances[2])),
        )

    def loses(self, now: int, entity: int, event: int, trip: int) -> bool:
        """Return whether a request, or a settlement, that is sent now gets lost on its way."""
        loss = self.loss
        if self.disturbances is not None:
            loss = self.disturbances.loss(now, loss)
        return self._happens(loss, Stream.LOSS, entity, event, trip, 0)

    def loses_acknowledgement(self, now: int, entity: int, event: int, trip: int) -> bool:
        """Return whether an answer that is sent now gets lost on its way."""
        loss = self.acknowledgement_loss
        if self.disturbances is not None:
            loss = self.disturbances.acknowledgement_loss(now, loss)
        return self._happens(loss, Stream.LOSS, entity, event, trip, 1)

    def doubles(self, now: int, entity: int, event: int, trip: int) -> bool:
        """Return whether a request that is sent now arrives twice."""
        duplication = self.duplication
        if self.disturbances is not None:
            duplication = self.disturbances.duplication(now, duplication)
        return self._happens(duplication, Stream.DUPLICATION, entity, event, trip, 0)

    def _happens(
        self, probability: float, stream: Stream, entity: int, event: int, trip: int, place: int
    ) -> bool:
        if not probability:
            return False
        draw = trip * DRAWS_PER_VARIATE + place
        return uniform(*self._key, int(stream), entity, event, draw) < probability
