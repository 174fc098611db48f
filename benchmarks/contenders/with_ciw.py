"""Ciw: queueing networks as data. It keeps a record of every visit, as the full trace does."""

from __future__ import annotations

import math

import ciw

from benchmarks.contenders.served import Served
from benchmarks.worlds import World


def run(world: World, messages: int) -> Served:
    """Simulate a world: one node, or a dispatcher that costs no time before a node each."""
    ciw.seed(1)
    network = _queue(world) if world.partitions == 1 else _pipeline(world)
    simulation = ciw.Simulation(network)
    simulation.simulate_until_max_customers(messages, method="Finish")
    first = 1 if world.partitions == 1 else 2
    records = [each for each in simulation.get_all_records() if each.node >= first]
    return Served(len(records), sum(each.exit_date - each.arrival_date for each in records))


def _queue(world: World) -> ciw.network.Network:
    return ciw.create_network(
        arrival_distributions=[ciw.dists.Exponential(world.rate)],
        service_distributions=[ciw.dists.Exponential(1 / world.mean_service)],
        number_of_servers=[1],
    )


def _pipeline(world: World) -> ciw.network.Network:
    count = world.partitions
    places = list(range(2, count + 2))
    return ciw.create_network(
        arrival_distributions=[ciw.dists.Exponential(world.rate), *[None] * count],
        service_distributions=[
            ciw.dists.Deterministic(0.0),
            *[ciw.dists.Exponential(1 / world.mean_service)] * count,
        ],
        number_of_servers=[math.inf, *[1] * count],
        routing=ciw.routing.NetworkRouting(
            routers=[ciw.routing.Cycle(cycle=places), *(ciw.routing.Leave() for _ in places)]
        ),
    )
