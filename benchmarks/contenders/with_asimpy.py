"""asimpy: SimPy's ideas with async and await."""

from __future__ import annotations

import random

import asimpy

from benchmarks.contenders.served import Served
from benchmarks.worlds import World


class Worker(asimpy.Process):
    """Takes from a partition for ever."""

    def init(self, partition: asimpy.Queue, mean: float, draw: random.Random) -> None:
        """Take over what the worker needs."""
        self.partition, self.mean, self.draw = partition, mean, draw
        self.sojourns: list[float] = []

    async def run(self) -> None:
        """Work."""
        while True:
            sent = await self.partition.get()
            await self.timeout(self.draw.expovariate(1 / self.mean))
            self.sojourns.append(self.now - sent)


class Source(asimpy.Process):
    """Sends round robin."""

    def init(
        self, partitions: list[asimpy.Queue], rate: float, messages: int, draw: random.Random
    ) -> None:
        """Take over what the source needs."""
        self.partitions, self.rate, self.messages, self.draw = partitions, rate, messages, draw

    async def run(self) -> None:
        """Send."""
        for number in range(self.messages):
            await self.timeout(self.draw.expovariate(self.rate))
            await self.partitions[number % len(self.partitions)].put(self.now)


def run(world: World, messages: int) -> Served:
    """Simulate a world: a queue per partition, a worker for each."""
    environment = asimpy.Environment()
    draw = random.Random(1)
    partitions = [asimpy.Queue(environment) for _ in range(world.partitions)]
    workers = [Worker(environment, each, world.mean_service, draw) for each in partitions]
    Source(environment, partitions, world.rate, messages, draw)
    environment.run()
    sojourns = [sojourn for worker in workers for sojourn in worker.sojourns]
    return Served(len(sojourns), sum(sojourns))
