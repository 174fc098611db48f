"""Computed answers about messages: keys, duplicates, retries, staleness, replays, availability."""

from __future__ import annotations

from eda_sim import theory
from eda_sim.engine.partitioners import murmur2, partition_table
from eda_sim.evidence.families import Family
from eda_sim.evidence.records import Params


def _law(params: Params) -> theory.Law:
    if params["law"] == "exponential":
        return theory.exponential_law(mean=params["mean"])
    return theory.lognormal_law(mean=params["mean"], scv=params["scv"])


def _late(params: Params) -> float:
    return theory.late_share(law=_law(params), limit=params["limit"])


def _hash(params: Params) -> float:
    return murmur2(params["key"].encode())


def _partition(params: Params) -> float:
    return (murmur2(params["key"].encode()) & 0x7FFFFFFF) % int(params["partitions"])


def _hottest(params: Params) -> tuple[int, float]:
    keys, count = params["keys"], params["partitions"]
    shares = theory.zipf_shares(keys=keys, exponent=params["exponent"])
    table = partition_table("murmur2", keys, count)
    return theory.hottest_partition(shares=shares, partitions=table.tolist(), count=count)


def _hottest_utilization(params: Params) -> float:
    return _hottest(params)[1] * float(params["arrival_rate"]) / float(params["service_rate"])


def _hits(params: Params) -> float:
    shares = theory.zipf_shares(keys=params["keys"], exponent=params["exponent"])
    rates = [share * params["arrival_rate"] for share in shares]
    return theory.remembered_share(
        rates=rates, memory=params["memory"], refreshed=params["refreshed"]
    )


def _deliveries(params: Params) -> float:
    return theory.deliveries_per_message(law=_law(params), timeout=params["timeout"])


def _work(params: Params) -> float:
    return theory.work_with_kills(law=_law(params), timeout=params["timeout"])


def _total_replayed(params: Params) -> float:
    return int(params["length"]) * theory.events_replayed(**params)


MESSAGES = {
    "murmur2": Family(
        title="The partitioner of Kafka's clients",
        compute={"hash": _hash, "partition": _partition},
    ),
    "zipf": Family(
        title="Zipf's law, and the hottest partition",
        compute={
            "largest_share": lambda p: theory.zipf_shares(**p)[0],
            "hottest_utilization": _hottest_utilization,
            "hottest_partition": lambda p: _hottest(p)[0],
        },
    ),
    "occupancy": Family(
        title="Different keys among many: occupied partitions, compacted records",
        compute=lambda p: theory.distinct_of_draws(**p),
    ),
    "outage": Family(title="Outage and drain, as fluids", compute=lambda p: theory.outage(**p)),
    "rebuild": Family(
        title="Rebuild of a projection while events come",
        compute=lambda p: theory.catch_up_time(**p),
    ),
    "late": Family(title="Later than a timeout or a window", compute=_late),
    "memory": Family(title="Requests whose key is remembered", compute=_hits),
    "bloom": Family(title="Bloom filter", compute=lambda p: theory.bloom_false_positives(**p)),
    "visibility_copies": Family(
        title="Visibility timeout: one more copy each time", compute=_deliveries
    ),
    "visibility_kill": Family(title="Visibility timeout: work is killed", compute=_work),
    "backoff": Family(
        title="Exponential backoff",
        compute={
            "total": lambda p: theory.backoff_total(**p),
            "expected": lambda p: theory.backoff_expected(**p),
        },
    ),
    "lost_acknowledgements": Family(
        title="Acknowledgements that get lost", compute=lambda p: theory.executions_per_message(**p)
    ),
    "key_staleness": Family(
        title="A key of a projection, read at a random moment",
        compute=lambda p: theory.key_staleness(**p),
    ),
    "age_of_oldest": Family(
        title="Age of the oldest event that a projection lacks",
        compute={
            "mean": lambda p: theory.age_of_oldest_mean(**p),
            "tail": lambda p: theory.age_of_oldest_tail(**p),
        },
    ),
    "versions_behind": Family(
        title="Events that a projection lacks", compute=lambda p: theory.versions_behind_tail(**p)
    ),
    "replicas": Family(
        title="Asynchronous replicas",
        compute={
            "some_stale": lambda p: theory.some_replica_stale(**p),
            "window": lambda p: theory.inconsistency_window(**p),
        },
    ),
    "replay": Family(
        title="Events replayed to load an aggregate",
        compute={
            "mean_replayed": lambda p: theory.events_replayed(**p),
            "total_replayed": _total_replayed,
            "mean_replayed_geometric": lambda p: theory.events_replayed_geometric(**p),
            "mean_replayed_timed": lambda p: theory.events_replayed_timed(**p),
        },
    ),
    "snapshots": Family(
        title="How often to take snapshots", compute=lambda p: theory.snapshot_plan(**p)
    ),
    "checkpoints": Family(
        title="How often to write checkpoints", compute=lambda p: theory.checkpoint_interval(**p)
    ),
    "availability": Family(
        title="Availability",
        compute={
            "chain": lambda p: theory.chain_availability(**p),
            "steady": lambda p: theory.steady_availability(**p),
            "quorum": lambda p: theory.quorum_availability(**p),
            "at": lambda p: theory.availability_at(**p),
            "tries": lambda p: theory.success_probability(**p),
            "time_to_failure": lambda p: theory.quorum_time_to_failure(**p),
        },
    ),
}
"""Families about messages, by name."""
