"""Queues in raw SimPy, as its documentation would write them: the yardstick for our engine.

They keep a mean and nothing else: no trace, no addressed random numbers, no rule for what happens
at one moment. What the reference engine costs beside them is the price of those.
"""

from __future__ import annotations

import random
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import simpy

Process = Generator[simpy.Event, Any, None]


@dataclass
class Served:
    """What a model has done when it stops."""

    messages: int = 0
    seconds_waited: float = 0.0

    def add(self, waited: float) -> None:
        """Count one message that was handled."""
        self.messages += 1
        self.seconds_waited += waited


def single_queue(*, messages: int, rate: float, mean_service: float, seed: int = 1) -> Served:
    """Run an M/M/1 queue: a process per customer, a resource for the server."""
    environment = simpy.Environment()
    server = simpy.Resource(environment)
    draw = random.Random(seed)
    served = Served()

    def customer() -> Process:
        arrived = environment.now
        with server.request() as turn:
            yield turn
            served.add(environment.now - arrived)
            yield environment.timeout(draw.expovariate(1 / mean_service))

    def source() -> Process:
        for _ in range(messages):
            yield environment.timeout(draw.expovariate(rate))
            environment.process(customer())

    environment.process(source())
    environment.run()
    return served


def pipeline(
    *,
    messages: int,
    rate: float,
    workers: tuple[int, ...],
    mean_service: tuple[float, ...],
    seed: int = 1,
) -> Served:
    """Run stages in a row: a store before each, and worker processes that take from it for ever."""
    environment = simpy.Environment()
    stores = [simpy.Store(environment) for _ in workers]
    draw = random.Random(seed)
    served = Served()

    def worker(stage: int) -> Process:
        store, mean = stores[stage], mean_service[stage]
        following = stores[stage + 1] if stage + 1 < len(stores) else None
        while True:
            sent = yield store.get()
            served.add(environment.now - sent)
            yield environment.timeout(draw.expovariate(1 / mean))
            if following is not None:
                yield following.put(environment.now)

    def source() -> Process:
        for _ in range(messages):
            yield environment.timeout(draw.expovariate(rate))
            yield stores[0].put(environment.now)

    for stage, count in enumerate(workers):
        for _ in range(count):
            environment.process(worker(stage))
    environment.process(source())
    environment.run()
    return served
