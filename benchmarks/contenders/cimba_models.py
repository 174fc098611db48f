"""The models in cimba, as a program: ``python -m benchmarks.contenders.cimba_models mm1 1000``.

It prints messages, total sojourn and processor seconds of the run. The model is compiled in a
short run before. The annotations of a model are read when it is compiled, so they are not
postponed here.
"""

import sys
import time

import cimba
from cimba import inputs

from benchmarks.contenders.served import Served
from benchmarks.worlds import WORLDS, World


class Partition(cimba.Model):
    """A store, and a worker that takes from it for ever."""

    service_time: cimba.Input[float] = inputs.dist.exponential(mean=1.0)
    waiting: cimba.Store[float]
    served: cimba.Output[int]
    total_sojourn: cimba.Output[float]

    @cimba.process
    def work(self):  # noqa: ANN201, D102 - compiled
        self.served = 0
        self.total_sojourn = 0.0
        while True:
            sent = self.waiting.get()
            cimba.hold(self.service_time.next())
            self.total_sojourn += cimba.now() - sent
            self.served += 1


class Pipeline(cimba.Model):
    """A source that sends round robin."""

    interval: cimba.Input[float] = inputs.dist.exponential(mean=1.0)
    messages: cimba.Param[int] = 1
    partitions: list[Partition]

    @cimba.process
    def send(self):  # noqa: ANN201, D102 - compiled
        for number in range(self.messages):
            cimba.hold(self.interval.next())
            self.partitions[number % len(self.partitions)].waiting.put(cimba.now())


class Queue(cimba.Model):
    """A source and one partition in one: no list to choose from."""

    interval: cimba.Input[float] = inputs.dist.exponential(mean=1.0)
    service_time: cimba.Input[float] = inputs.dist.exponential(mean=1.0)
    messages: cimba.Param[int] = 1
    waiting: cimba.Store[float]
    served: cimba.Output[int]
    total_sojourn: cimba.Output[float]

    @cimba.process
    def send(self):  # noqa: ANN201, D102 - compiled
        for _ in range(self.messages):
            cimba.hold(self.interval.next())
            self.waiting.put(cimba.now())

    @cimba.process
    def work(self):  # noqa: ANN201, D102 - compiled
        self.served = 0
        self.total_sojourn = 0.0
        while True:
            sent = self.waiting.get()
            cimba.hold(self.service_time.next())
            self.total_sojourn += cimba.now() - sent
            self.served += 1


def run(world: World, messages: int) -> Served:
    """Simulate a world, one replication on one thread."""
    model = Queue() if world.partitions == 1 else Pipeline()
    model.interval = inputs.dist.exponential(mean=1 / world.rate)
    model.messages = messages
    if world.partitions == 1:
        partitions = [model]
    else:
        partitions = model.partitions = [Partition() for _ in range(world.partitions)]
    for partition in partitions:
        partition.service_time = inputs.dist.exponential(mean=world.mean_service)
    window = cimba.Window.until_idle()
    results = cimba.Experiment(model, window=window, seed=1).run(workers=1)
    return Served(
        int(sum(results[each].served.values.sum() for each in partitions)),
        float(sum(results[each].total_sojourn.values.sum() for each in partitions)),
    )


def main() -> None:
    """Compile, run, and print what came of it."""
    (world,) = (each for each in WORLDS if each.name == sys.argv[1])
    run(world, 50)
    begin = time.process_time()
    served = run(world, int(sys.argv[2]))
    print(served.messages, repr(served.total_sojourn), time.process_time() - begin)


if __name__ == "__main__":
    main()
