"""The two worlds that every contender simulates, as numbers, as scenarios, and by theory."""

from __future__ import annotations

import math
from dataclasses import dataclass

from eda_sim.spec import Scenario
from eda_sim.theory import erlang_transform, gim1, mm1

STANDARD_ERRORS = 5.0
"""How far from theory a mean may be: beyond that once in a million runs, were it normal."""


@dataclass(frozen=True)
class World:
    """A producer that sends round robin to queues with one worker each.

    Attributes
    ----------
    name : str
        What it is called in the results.
    rate : float
        Messages per second, at exponential intervals.
    mean_service : float
        Seconds, exponential.
    partitions : int
        Queues, each with a worker of its own.
    messages : int
        How many the producer sends when a contender is fast.
    """

    name: str
    rate: float
    mean_service: float
    partitions: int
    messages: int

    @property
    def mean_sojourn(self) -> float:
        """Mean seconds from arrival to end of service, by theory.

        Every k-th message of a Poisson stream comes at Erlang-k intervals.
        """
        rate, service_rate = self.rate / self.partitions, 1.0 / self.mean_service
        if self.partitions == 1:
            return mm1(arrival_rate=rate, service_rate=service_rate).mean_sojourn
        between = erlang_transform(mean=1.0 / rate, stages=self.partitions)
        return gim1(arrival_rate=rate, service_rate=service_rate, transform=between).mean_sojourn

    def tolerance(self, messages: int) -> float:
        """Return how many seconds a simulated mean may be away from theory.

        References
        ----------
        W. Whitt, "Planning queueing simulations", Management Science 35 (1989), gives the variance
        of the mean wait in M/M/1. More regular arrivals wait less and vary less.
        """
        load = self.rate / self.partitions * self.mean_service
        variance = load * (2.0 + 5.0 * load - 4.0 * load**2 + load**3) / (1.0 - load) ** 4
        return STANDARD_ERRORS * self.mean_service * math.sqrt(variance / messages)

    def scenario(self, messages: int) -> Scenario:
        """Return the world as a scenario: one queue, or a log with a consumer per partition."""
        consumer: dict[str, object] = {
            "reads": "jobs",
            "instances": self.partitions,
            "service": f"exponential({self.mean_service}s)",
        }
        if self.partitions > 1:
            consumer["subscription"] = {"lease_scope": "partition"}
        return Scenario.model_validate(
            {
                "name": self.name,
                "messages": messages,
                "drain": True,
                "producers": {"clients": {"to": "jobs", "rate": self.rate}},
                "channels": {"jobs": {"partitions": self.partitions}},
                "consumers": {"worker": consumer},
            }
        )


MM1 = World("mm1", rate=8.0, mean_service=0.1, partitions=1, messages=1_000_000)
PIPELINE = World("pipeline", rate=100.0, mean_service=0.03, partitions=4, messages=200_000)
WORLDS = (MM1, PIPELINE)
