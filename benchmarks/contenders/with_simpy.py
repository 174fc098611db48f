"""Raw SimPy, as its documentation would write it: the yardstick.

It keeps a mean and nothing else: no trace, no addressed random numbers, no rule for what happens
at one moment.
"""

from __future__ import annotations

import random
from collections.abc import Generator
from typing import Any

import simpy

from benchmarks.contenders.served import Served
from benchmarks.worlds import World

Process = Generator[simpy.Event, Any, None]


def run(world: World, messages: int) -> Served:
    """Simulate a world."""
    return _queue(world, messages) if world.partitions == 1 else _pipeline(world, messages)


def _queue(world: World, messages: int) -> Served:
    """Run a process per customer, a resource for the server."""
    environment = simpy.Environment()
    server = simpy.Resource(environment)
    draw = random.Random(1)
    sojourns = []

    def customer() -> Process:
        arrived = environment.now
        with server.request() as turn:
            yield turn
            yield environment.timeout(draw.expovariate(1 / world.mean_service))
        sojourns.append(environment.now - arrived)

    def source() -> Process:
        for _ in range(messages):
            yield environment.timeout(draw.expovariate(world.rate))
            environment.process(customer())

    environment.process(source())
    environment.run()
    return Served(len(sojourns), sum(sojourns))


def _pipeline(world: World, messages: int) -> Served:
    """Run a store per partition, and a worker process that takes from it for ever."""
    environment = simpy.Environment()
    partitions = [simpy.Store(environment) for _ in range(world.partitions)]
    draw = random.Random(1)
    sojourns = []

    def worker(partition: simpy.Store) -> Process:
        while True:
            sent = yield partition.get()
            yield environment.timeout(draw.expovariate(1 / world.mean_service))
            sojourns.append(environment.now - sent)

    def source() -> Process:
        for number in range(messages):
            yield environment.timeout(draw.expovariate(world.rate))
            yield partitions[number % world.partitions].put(environment.now)

    for partition in partitions:
        environment.process(worker(partition))
    environment.process(source())
    environment.run()
    return Served(len(sojourns), sum(sojourns))
