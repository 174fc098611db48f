"""The plan: a scenario lowered to flat arrays, the one thing that every engine runs.

A plan holds numbers only: entities are numbered in the order of the scenario, times are integer
nanoseconds, distributions are rows of one table, names are kept aside for the tables of the trace.
Each group of columns is a :class:`typing.NamedTuple` of arrays, because that is what a compiled
kernel takes as it is; the reference engine reads the same columns row by row. Columns and the
lowering of each part of a scenario stand together, in the module with the name of that part.
"""

from __future__ import annotations

from typing import NamedTuple

from eda_sim.engine.plan.arrivals import ArrivalKind
from eda_sim.engine.plan.channels import (
    Channels,
    DeduplicationBy,
    Overflow,
    Retention,
    lower_channels,
)
from eda_sim.engine.plan.columns import NONE, UNIT_UNIFORM, Numbering
from eda_sim.engine.plan.consumers import (
    ConsumerColumns,
    DedupScope,
    EmitColumns,
    Settle,
    lower_consumers,
    lower_emits,
)
from eda_sim.engine.plan.faults import FaultColumns, FaultKind, lower_faults
from eda_sim.engine.plan.handling import (
    HandlingColumns,
    OnExhausted,
    RetryWhere,
    lower_handling,
)
from eda_sim.engine.plan.links import LinkColumns, lower_links
from eda_sim.engine.plan.producers import KeyKind, Producers, lower_producers
from eda_sim.engine.plan.publishing import Acks, Keyless, PublishingColumns, lower_publishing
from eda_sim.engine.plan.replication import (
    CommitRule,
    Flush,
    ReplicationColumns,
    lower_replication,
)
from eda_sim.engine.plan.retry import lower_retries
from eda_sim.engine.plan.run import Bounds, lower_bounds
from eda_sim.engine.plan.subscriptions import (
    AT_ONCE,
    Assignor,
    DeliveryCount,
    DeliveryMode,
    GivenUp,
    LeaseScope,
    RebalanceProtocol,
    RequeuePosition,
    SubscriptionColumns,
    lower_subscriptions,
)
from eda_sim.engine.streams.retries import RetryTable
from eda_sim.engine.streams.samplers import DistributionTable, lower
from eda_sim.engine.trace import Names
from eda_sim.spec.scenario import Scenario

__all__ = [
    "AT_ONCE",
    "NONE",
    "UNIT_UNIFORM",
    "Acks",
    "ArrivalKind",
    "Assignor",
    "CommitRule",
    "DedupScope",
    "DeduplicationBy",
    "DeliveryCount",
    "DeliveryMode",
    "FaultKind",
    "Flush",
    "GivenUp",
    "KeyKind",
    "Keyless",
    "LeaseScope",
    "OnExhausted",
    "Overflow",
    "Plan",
    "RebalanceProtocol",
    "RequeuePosition",
    "Retention",
    "RetryWhere",
    "Settle",
    "make_plan",
]


class Plan(NamedTuple):
    """Everything that an engine needs to know.

    ``distributions`` is one table; columns that hold a distribution hold its row in it. So it is
    with ``retries``.
    """

    run: Bounds
    distributions: DistributionTable
    retries: RetryTable
    producers: Producers
    links: LinkColumns
    publishing: PublishingColumns
    channels: Channels
    replication: ReplicationColumns
    consumers: ConsumerColumns
    handling: HandlingColumns
    subscriptions: SubscriptionColumns
    emits: EmitColumns
    faults: FaultColumns
    names: Names


def make_plan(scenario: Scenario, *, seed: int | None = None, replication: int = 0) -> Plan:
    """Lower a scenario to a plan.

    Parameters
    ----------
    scenario : Scenario
        What to run.
    seed : int, optional
        Instead of the scenario's own seed.
    replication : int
        Number of the independent replication, from 0.

    Returns
    -------
    Plan
        Flat arrays; entities are numbered in the order of the scenario.

    Raises
    ------
    ValueError
        If seed or replication is not in 0 <= number < 2**32.
    """
    numbering = Numbering(scenario)
    producers = lower_producers(numbering)
    links = lower_links(numbering)
    publishing = lower_publishing(numbering)
    channels = lower_channels(numbering)
    replicas = lower_replication(numbering)
    consumers = lower_consumers(numbering)
    handling = lower_handling(numbering)
    subscriptions = lower_subscriptions(numbering)
    emits = lower_emits(numbering)
    faults = lower_faults(numbering)
    return Plan(
        run=lower_bounds(scenario, scenario.seed if seed is None else seed, replication),
        distributions=lower(numbering.distributions),  # complete only now
        retries=lower_retries(numbering),
        producers=producers,
        links=links,
        publishing=publishing,
        channels=channels,
        replication=replicas,
        consumers=consumers,
        handling=handling,
        subscriptions=subscriptions,
        emits=emits,
        faults=faults.rows,
        names=Names(
            sources=(*scenario.producers, *scenario.consumers),
            channels=tuple(scenario.channels),
            consumers=tuple(scenario.consumers),
            fault_kinds=faults.kinds,
            targets=faults.targets,
        ),
    )
