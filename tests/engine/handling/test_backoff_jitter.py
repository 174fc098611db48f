"""Who backs off with jitter needs fewer calls: the AWS simulator of optimistic concurrency.

M. Brooker, "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015) and its simulator
(aws-samples/aws-arch-backoff-simulator): 100 clients read a version and write it back; a write
succeeds if nobody wrote in between. Base 5 ms, cap 2 s, a network of |N(10, 2)| ms. A port of it
counts on average 2422 calls without backoff, 1860 with exponential backoff, and with jitter 997
(decorrelated), 812 (equal) and 795 (full).
"""

from functools import partial

import numpy as np
import pytest

from eda_sim.engine.execute import execute
from tests.engine.worlds import at, world

CLIENTS = 100
RUNS = 5
BACKOFF = "exponential(base=10ms, factor=2, cap=2s, jitter={})"  # the first delay is base * 2
POLICIES = {
    "none": None,
    "expo": BACKOFF.format("none"),
    "decorrelated": "exponential(base=5ms, cap=2s, jitter=decorrelated)",
    "equal": BACKOFF.format("equal"),
    "full": BACKOFF.format("full"),
}


def client(context, server, policy):
    """Read, write, and begin again after a pause until the write succeeds."""
    pauses = context.delays(policy) if policy else iter(lambda: 0.0, None)
    for pause in pauses:
        yield context.timeout(way(context))
        version = server["version"]
        yield context.timeout(way(context) + way(context))
        server["calls"] += 1
        done = version == server["version"]
        server["version"] += done
        yield context.timeout(way(context))
        if done:
            return
        yield context.timeout(pause)


def way(context):
    """Return how long a message is on its way: nearly |N(10, 2)| ms."""
    return context.sample("lognormal(mean=10ms, cv=0.2)", "way")


def calls_until_all_are_done(policy, seed):
    server = {"version": 0, "calls": 0}
    scenario = world(
        seed=seed,
        duration=300,
        producer={"arrivals": at(299)},
        consumer={"service": "1ms"},
    )
    clients = [partial(client, server=server, policy=policy) for _ in range(CLIENTS)]
    execute(scenario, processes=clients)
    assert server["version"] == CLIENTS
    return server["calls"]


@pytest.mark.rule("H2", "H17")
def test_jitter_orders_as_in_the_aws_simulator():
    calls = {
        name: np.mean([calls_until_all_are_done(policy, seed) for seed in range(RUNS)])
        for name, policy in POLICIES.items()
    }
    assert calls["none"] > calls["expo"] > calls["decorrelated"] > calls["equal"]
    assert calls["equal"] > 0.97 * calls["full"]  # 812 against 795: hardly a difference
    assert calls["full"] < calls["expo"] / 2  # "cut our call count by more than half"
    published = {"none": 2422, "expo": 1860, "decorrelated": 997, "equal": 812, "full": 795}
    assert calls == pytest.approx(published, rel=0.05)
