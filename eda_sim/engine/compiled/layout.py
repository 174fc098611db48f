"""The layout: what of a plan stands where in the memory of a run, and how much room there is."""

from __future__ import annotations

import numpy as np

from eda_sim.engine.compiled import actions, cells, pointers
from eda_sim.engine.compiled.memory import Memory
from eda_sim.engine.compiled.pointers import addresses
from eda_sim.engine.lineage import mix
from eda_sim.engine.plan import NONE, LeaseScope, Plan

_GROWING = {"HEAP": 1 << 14, "SLOT": 1 << 14}
"""Rows of the tables of columns that grow during a run."""

_CELLS_OF_A_MESSAGE = 160
"""What a message needs that is read once, with something to spare."""

_LEAST_ROOM, _MOST_ROOM = (1 << 24, 1 << 30) if pointers.COMPILED else (1 << 20, 1 << 24)
"""Cells to begin with."""


def _room(plan: Plan) -> int:
    """Return how many cells rows may take before there must be more."""
    messages = max(0, plan.run.messages)
    return min(_MOST_ROOM, _LEAST_ROOM + _CELLS_OF_A_MESSAGE * messages)


def _spare(plan: Plan, channels: int) -> int:
    """Return the cells of the largest number of rows that must lie side by side."""
    readers = np.bincount(plan.subscriptions.channel, minlength=channels).max(initial=0)
    queues = np.bincount(plan.subscriptions.consumer).max(initial=0)
    workers = plan.consumers.concurrency.max(initial=0)
    return int(
        max(
            readers * cells.ENTRY_WIDTH,
            queues * cells.HOLD_WIDTH,
            workers * cells.WORKER_WIDTH,
            2 * cells.LINK_WIDTH,
        )
    )


def lay_out(plan: Plan, factor: int, *, reuses_rows: bool = False) -> Memory:
    """Return the memory of a run, with everything in it that the plan says.

    Parameters
    ----------
    plan : Plan
        What will be run.
    factor : int
        So many times the usual room; more, when that was not enough.
    reuses_rows : bool
        Rows are given back, so that the number of messages does not matter.
    """
    groups = {
        "PRODUCER": plan.producers.rows._asdict(),
        "ARRIVAL_TIME": {"ns": plan.producers.arrival_times_ns},
        "SEGMENT": plan.producers.segments._asdict(),
        "KEY_SHARE": {"cumulative": plan.producers.key_cumulative},
        "KEY_NUMBER": {"number": plan.producers.key_numbers},
        "SOURCE": {**plan.publishing._asdict(), **plan.links._asdict()},
        "CHANNEL": plan.channels.rows._asdict(),
        "KEY_PARTITION": {"number": plan.channels.key_partitions},
        "REPLICATION": plan.replication._asdict(),
        "CONSUMER": {**plan.consumers._asdict(), **plan.handling._asdict()},
        "SUBSCRIPTION": plan.subscriptions._asdict(),
        "EMIT": plan.emits._asdict(),
        "RETRY_INTEGER": {"number": plan.retries.integers.reshape(-1)},
        "RETRY_REAL": {"number": plan.retries.reals.reshape(-1)},
        "RETRY_PHASE": {"number": plan.retries.phases.reshape(-1)},
        "FAULT": plan.faults._asdict(),
    }
    capacities = {name: rows * factor for name, rows in _GROWING.items()}
    capacities |= {name: len(next(iter(group.values()))) for name, group in groups.items()}
    sources = len(plan.publishing.acks)
    channels, instances = len(plan.channels.rows.address), int(plan.consumers.instances.sum())
    capacities |= {
        "PARTITION": int(plan.channels.rows.partitions.sum()),
        "READER": len(plan.subscriptions.channel),
        "SPREAD": channels * sources,
        "OUTLET": channels * instances,
        "INSTANCE": instances,
        "GROUP": len(plan.consumers.address),
        "SHARE": int(plan.channels.rows.partitions[plan.subscriptions.channel].sum()),
        "LINE": int((plan.subscriptions.priorities + 1).sum()),
    }
    capacities |= _of_channels(plan, instances)
    memory = Memory(
        capacities,
        room=(_LEAST_ROOM if reuses_rows else _room(plan)) * factor,
        spare=_spare(plan, channels),
        actions=actions.COUNT,
        data=plan.distributions.data,
    )
    for name, group in groups.items():
        memory.fill(name, group)
    _link_rows(memory, plan, sources, channels, instances)
    _begin(memory, plan)
    return memory


def _of_channels(plan: Plan, instances: int) -> dict[str, int]:
    """Return how many lanes of publishers, replicas and nodes there may be."""
    partitions = plan.channels.rows.partitions
    nodes = plan.replication.is_replicated * plan.replication.factor
    lanes = partitions[plan.producers.rows.channel].sum() + instances * partitions.sum()
    replicas = (nodes * partitions).sum()
    return {"LANE": int(lanes), "REPLICA": int(replicas), "BROKER": int(nodes.sum())}


def _begin(memory: Memory, plan: Plan) -> None:
    """Set the scalars of the run, and the addresses of all actions."""
    run, ints = plan.run, memory.ints
    for cell, value in (
        (cells.RUN_SEED, run.seed),
        (cells.RUN_REPLICATION, run.replication),
        (cells.RUN_DURATION_NS, run.duration_ns),
        (cells.RUN_MESSAGES, run.messages),
        (cells.RUN_DRAIN, int(run.drain)),
        (cells.RUN_DRAIN_TIMEOUT_NS, run.drain_timeout_ns),
        (cells.RUN_SAMPLE_EVERY_NS, run.sample_every_ns),
        (cells.FREE_EVENT, NONE),
        (cells.FREE_NODE, NONE),
        (cells.FREE_LIST, NONE),
        (cells.FREE_REQUEST, NONE),
        (cells.FREE_FETCH, NONE),
        (cells.FREE_MESSAGE_GROUP, NONE),
        (cells.FREE_LETTER, NONE),
        (cells.URGENT_FIRST, NONE),
        (cells.NORMAL_FIRST, NONE),
    ):
        ints[cell] = value
    ints[cells.SLOT_ROWS] = memory.capacities["SLOT"]
    memory.set("SLOT", "cells", NONE)
    table = addresses(actions.COUNT)
    ints[cells.HEADER : cells.HEADER + actions.COUNT] = table


def _link_rows(memory: Memory, plan: Plan, sources: int, channels: int, instances: int) -> None:
    """Fill in which rows belong to which: readers of channels, subscriptions and emits."""
    readers = np.argsort(plan.subscriptions.channel, kind="stable")
    counts = np.bincount(plan.subscriptions.channel, minlength=channels)
    memory.fill("READER", {"subscription": readers})
    memory.fill("CHANNEL", {"first_reader": _starts(counts), "readers": counts})
    consumers, producers = len(plan.consumers.address), sources - len(plan.consumers.address)
    subscriptions = np.bincount(plan.subscriptions.consumer, minlength=consumers)
    emits = np.bincount(plan.emits.consumer, minlength=consumers)
    first = _starts(subscriptions)
    scopes = plan.subscriptions.lease_scope
    memory.fill(
        "CONSUMER",
        {
            "source": producers + np.arange(consumers),
            "first_subscription": first,
            "subscriptions": subscriptions,
            "first_emit": _starts(emits),
            "emits": emits,
            "is_group": (scopes[first] == LeaseScope.PARTITION).astype(np.int64),
        },
    )
    memory.fill("EMIT", {"address": _emit_addresses(plan)})
    nothing = np.full(channels * max(sources, instances), NONE)
    zeros = np.zeros(channels * sources, dtype=np.int64)
    memory.fill("SPREAD", {"next": zeros, "stay_number": nothing[: channels * sources]})
    memory.fill("OUTLET", {"publisher": nothing[: channels * instances]})


def _starts(counts: np.ndarray) -> np.ndarray:
    """Return where each group of consecutive rows begins."""
    starts: np.ndarray = np.cumsum(counts) - counts
    return starts


def _emit_addresses(plan: Plan) -> np.ndarray:
    """Return the address of each row of the emits, as the reference engine's emitter mixes it."""
    places: dict[int, int] = {}
    addresses = []
    for consumer in plan.emits.consumer.tolist():
        place = places.get(consumer, 0)
        places[consumer] = place + 1
        addresses.append(mix(int(plan.consumers.address[consumer]), place))
    return np.array(addresses, dtype=np.int64)
