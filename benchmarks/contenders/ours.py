"""Both engines of this package, from scenario to full trace."""

from __future__ import annotations

from functools import partial

import numpy as np

from benchmarks.contenders.served import Served
from benchmarks.worlds import World
from eda_sim.engine import execute


def run(world: World, messages: int, *, engine: execute.Engine) -> Served:
    """Simulate a world on one engine."""
    trace = execute.execute(world.scenario(messages), engine=engine)
    deliveries, created = trace.deliveries, trace.messages["created_at"]
    # Each has one delivery, so the sums may be taken before the subtraction; 2**63 ns is far off.
    is_done = deliveries["effect"] > 0
    of_messages = created[deliveries["message_id"][is_done]]
    total_ns = np.subtract(deliveries["finished_at"][is_done], of_messages).sum()
    return Served(int(is_done.sum()), float(total_ns) / 1e9)


compiled = partial(run, engine="compiled")
reference = partial(run, engine="reference")
