"""salabim, in its form with ``yield``: the other needs greenlets, which it does not bring along.

A queue per partition and a worker that sleeps while it is empty, as in its manual's bank; with its
``Store`` the same takes a tenth longer.
"""

from __future__ import annotations

import random
from collections.abc import Generator
from typing import Any

import salabim

from benchmarks.contenders.served import Served
from benchmarks.worlds import World

Process = Generator[Any, Any, None]


class Worker(salabim.Component):  # type: ignore[misc]
    """Takes from a partition for ever."""

    def setup(self, mean: float, draw: random.Random) -> None:
        """Take over what the worker needs."""
        self.waiting = salabim.Queue("waiting", monitor=False)
        self.mean, self.draw = mean, draw
        self.sojourns: list[float] = []

    def process(self) -> Process:
        """Work."""
        while True:
            while not self.waiting:
                yield self.passivate()
            message = self.waiting.pop()
            yield self.hold(self.draw.expovariate(1 / self.mean))
            self.sojourns.append(self.env.now() - message.creation_time())


class Source(salabim.Component):  # type: ignore[misc]
    """Sends round robin."""

    def setup(self, workers: list[Worker], rate: float, messages: int, draw: random.Random) -> None:
        """Take over what the source needs."""
        self.workers, self.rate, self.messages, self.draw = workers, rate, messages, draw

    def process(self) -> Process:
        """Send."""
        for number in range(self.messages):
            yield self.hold(self.draw.expovariate(self.rate))
            worker = self.workers[number % len(self.workers)]
            salabim.Component().enter(worker.waiting)
            if worker.ispassive():
                worker.activate()


def run(world: World, messages: int) -> Served:
    """Simulate a world."""
    salabim.yieldless(value=False)
    environment = salabim.Environment(trace=False)
    draw = random.Random(1)
    workers = [Worker(mean=world.mean_service, draw=draw) for _ in range(world.partitions)]
    Source(workers=workers, rate=world.rate, messages=messages, draw=draw)
    environment.run()
    sojourns = [sojourn for worker in workers for sojourn in worker.sojourns]
    return Served(len(sojourns), sum(sojourns))
