"""The sampler: a row of the series per subscription, at equal steps."""

from __future__ import annotations

from eda_sim.engine.ranks import Rank
from eda_sim.engine.reference.clock import Process
from eda_sim.engine.reference.model import Model


def sample_series(model: Model, every_ns: int) -> Process:
    """Record the state of all subscriptions at 0, ``every_ns``, twice that, and so on."""
    clock = model.clock
    number = 0
    while True:
        yield clock.at(number * every_ns, Rank.SAMPLE, 0, number)
        number += 1
        for consumer in model.consumers:
            up, busy = consumer.up, consumer.busy
            for subscription in consumer.subscriptions:
                model.ledger.samples.append(
                    (
                        clock.now,
                        subscription.channel,
                        consumer.index,
                        subscription.available,
                        subscription.scheduled,
                        subscription.acquired,
                        busy,
                        up,
                    )
                )
