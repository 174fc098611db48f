"""Lowering: from a scenario (names, units, defaults) to a plan (numbers)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from eda_sim.engine.partitioners import partition_table
from eda_sim.engine.plan import (
    NONE,
    ArrivalKind,
    ChannelColumns,
    ConsumerColumns,
    DedupScope,
    DeliveryMode,
    EmitColumns,
    FaultColumns,
    Floats,
    Integers,
    KeyKind,
    LeaseScope,
    Plan,
    ProducerColumns,
    RunColumns,
    Settle,
    SubscriptionColumns,
)
from eda_sim.engine.streams.addresses import entities_of
from eda_sim.engine.streams.keys import zipf_cumulative
from eda_sim.engine.streams.samplers import lower, to_ns
from eda_sim.engine.trace import Names
from eda_sim.spec.distributions import Distribution, Uniform
from eda_sim.spec.scenario import Scenario

_SERIES_STEPS = 200


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
    """
    return _Lowering(scenario).plan(scenario.seed if seed is None else seed, replication)


class _Lowering:
    """Numbers for names, and one list of all distributions."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.channels = _numbers(scenario.channels)
        self.consumers = _numbers(scenario.consumers)
        self.distributions: list[Distribution] = [Uniform(low=0.0, high=1.0)]
        self.addresses = entities_of(
            f"{group}.{name}"
            for group in ("producers", "channels", "consumers")
            for name in getattr(scenario, group)
        )

    def plan(self, seed: int, replication: int) -> Plan:
        """Return the plan."""
        producers, times_ns, key_cumulative = self._producers()
        channels, key_partitions = self._channels()
        faults, fault_kinds, targets = self._faults()
        scenario = self.scenario
        rest = {
            "consumers": self._consumers(),
            "subscriptions": self._subscriptions(),
            "emits": self._emits(),
        }
        return Plan(
            run=self._run(seed, replication),
            distributions=lower(self.distributions),
            unit_uniform=0,
            producers=producers,
            channels=channels,
            faults=faults,
            arrival_times_ns=times_ns,
            key_cumulative=key_cumulative,
            key_partitions=key_partitions,
            names=Names(
                sources=(*scenario.producers, *scenario.consumers),
                channels=tuple(scenario.channels),
                consumers=tuple(scenario.consumers),
                fault_kinds=fault_kinds,
                targets=targets,
            ),
            **rest,
        )

    def _row(self, distribution: Distribution | None) -> int:
        """Return the row of a distribution in the plan's table."""
        if distribution is None:
            return NONE
        self.distributions.append(distribution)
        return len(self.distributions) - 1

    def _address(self, group: str, name: str) -> int:
        return self.addresses[f"{group}.{name}"]

    def _run(self, seed: int, replication: int) -> RunColumns:
        scenario = self.scenario
        every = scenario.sample_every
        if every is None and scenario.duration is not None:
            every = scenario.duration / _SERIES_STEPS
        return RunColumns(
            seed=seed,
            replication=replication,
            duration_ns=_ns_or_none(scenario.duration),
            messages=_or_none(scenario.messages),
            drain=scenario.drain,
            drain_timeout_ns=to_ns(scenario.drain_timeout),
            sample_every_ns=_ns_or_none(every or None),
        )

    def _producers(self) -> tuple[ProducerColumns, Integers, Floats]:
        rows: list[tuple[int, ...]] = []
        times: list[int] = []
        cumulative: list[Floats] = []
        for name, producer in self.scenario.producers.items():
            arrivals, key = producer.arrivals, producer.key
            is_trace = arrivals.type == "trace"
            trace = [to_ns(t) for t in arrivals.times] if is_trace else []
            kind, count = _key_kind(key)
            start = sum(map(len, cumulative))
            if kind == KeyKind.ZIPF:
                cumulative.append(zipf_cumulative(key.n, key.s))
            rows.append(
                (
                    self._address("producers", name),
                    self.channels[producer.to],
                    ArrivalKind.TRACE if is_trace else ArrivalKind.RENEWAL,
                    NONE if is_trace else self._row(arrivals.interval_distribution),
                    len(times),
                    len(trace),
                    to_ns(producer.start),
                    _earliest_ns(producer.stop, self.scenario.duration),
                    _or_none(producer.messages),
                    kind,
                    count,
                    start,
                    self._row(producer.size),
                    self._row(producer.link.latency),
                )
            )
            times += trace
        columns = ProducerColumns(*_columns(rows, len(ProducerColumns._fields)))
        joined = np.concatenate(cumulative) if cumulative else np.zeros(0)
        return columns, np.array(times, dtype=np.int64), joined

    def _channels(self) -> tuple[ChannelColumns, Integers]:
        key_count = max(
            (_key_kind(producer.key)[1] for producer in self.scenario.producers.values()),
            default=0,
        )
        rows, costs, tables = [], [], []
        for name, channel in self.scenario.channels.items():
            start = key_count * len(tables)
            rows.append((self._address("channels", name), channel.partitions, start, key_count))
            costs.append((channel.append.per_message, channel.append.per_byte))
            partitioner = channel.partitioner
            tables.append(partition_table(partitioner, key_count, channel.partitions))
        address, partitions, start_column, count_column = _columns(rows, 4)
        fixed, per_byte = np.array(costs, dtype=np.float64).reshape(len(costs), 2).T.copy()
        joined = np.concatenate(tables) if tables else np.zeros(0, dtype=np.int64)
        columns = ChannelColumns(address, partitions, fixed, per_byte, start_column, count_column)
        return columns, joined

    def _consumers(self) -> ConsumerColumns:
        rows = []
        for name, consumer in self.scenario.consumers.items():
            dedup = consumer.dedup
            rows.append(
                (
                    self._address("consumers", name),
                    consumer.instances,
                    consumer.concurrency,
                    self._row(consumer.service),
                    Settle[consumer.settle.upper()],
                    DedupScope.NONE if dedup is None else DedupScope[dedup.scope.upper()],
                    NONE if dedup is None else _ns_or_none(dedup.window),
                    NONE if dedup is None else _or_none(dedup.count),
                    0 if dedup is None else to_ns(dedup.lookup),
                    self._row(consumer.link.latency),
                )
            )
        return ConsumerColumns(*_columns(rows, len(ConsumerColumns._fields)))

    def _subscriptions(self) -> SubscriptionColumns:
        rows = []
        for name, consumer in self.scenario.consumers.items():
            subscription = consumer.subscription
            rows += [
                (
                    self.consumers[name],
                    self.channels[channel],
                    LeaseScope[subscription.lease_scope.upper()],
                    DeliveryMode[subscription.delivery.upper()],
                    subscription.fetch_max_messages,
                    _or_none(subscription.max_outstanding),
                    _ns_or_none(subscription.lease_timeout),
                    to_ns(subscription.heartbeat_interval),
                    subscription.on_disconnect == "hold",
                    subscription.late_acknowledgement == "honoured",
                )
                for channel in consumer.reads
            ]
        return SubscriptionColumns(*_columns(rows, len(SubscriptionColumns._fields)))

    def _emits(self) -> EmitColumns:
        rows = [
            (
                self.consumers[name],
                self.channels[emit.to],
                emit.key == "same",
                self._row(emit.size),
            )
            for name, consumer in self.scenario.consumers.items()
            for emit in consumer.emits
        ]
        return EmitColumns(*_columns(rows, len(EmitColumns._fields)))

    def _faults(self) -> tuple[FaultColumns, tuple[str, ...], tuple[str, ...]]:
        kinds = _numbers(sorted({fault.kind for fault in self.scenario.faults}))
        targets = _numbers(dict.fromkeys(fault.consumer for fault in self.scenario.faults))
        rows = []
        for number, fault in enumerate(self.scenario.faults):
            all_instances = range(self.scenario.consumers[fault.consumer].instances)
            hit: Iterable[int] = all_instances if fault.instance is None else [fault.instance]
            rows += [
                (
                    number,
                    kinds[fault.kind],
                    targets[fault.consumer],
                    self.consumers[fault.consumer],
                    instance,
                    to_ns(fault.at),
                    _ns_or_none(fault.lasts),
                )
                for instance in hit
            ]
        columns = FaultColumns(*_columns(rows, len(FaultColumns._fields)))
        return columns, tuple(kinds), tuple(targets)


def _numbers(names: Iterable[str]) -> dict[str, int]:
    return {name: number for number, name in enumerate(names)}


def _columns(rows: Sequence[tuple[int, ...]], width: int) -> list[Integers]:
    table = np.array(rows, dtype=np.int64).reshape(len(rows), width)
    return [np.ascontiguousarray(column) for column in table.T]


def _or_none(number: int | None) -> int:
    return NONE if number is None else number


def _ns_or_none(seconds: float | None) -> int:
    return NONE if seconds is None else to_ns(seconds)


def _earliest_ns(*seconds: float | None) -> int:
    bounds = [to_ns(bound) for bound in seconds if bound is not None]
    return min(bounds, default=NONE)


def _key_kind(key: Any) -> tuple[KeyKind, int]:
    if key is None:
        return KeyKind.NONE, 0
    return (KeyKind.ZIPF if key.type == "zipf" else KeyKind.UNIFORM), key.n
