"""Redis Streams with a consumer group.

Redis 8.10 documentation; the configuration file of Redis for persistence.
"""

from __future__ import annotations

from eda_sim.spec.presets.base import Broker, choice, default

_GROUPS = "Redis 8.10, XREADGROUP"
_CLAIM = "Redis 8.10, XAUTOCLAIM"
_ADD = "Redis 8.10, XADD"
_CONFIGURATION = "Redis, redis.conf"

_INTERVAL = {"channel.replication.flush": "interval"}

REDIS_STREAMS = Broker(
    name="redis_streams",
    what="stream with a consumer group whose members claim what others left",
    version="Redis 8.10",
    defaults=(
        default("publishing.acks", "leader", "XADD", f"{_ADD}: answered by the master"),
        default("channel.retention", "limits", "MAXLEN", f"{_ADD} (no trimming)"),
        choice(
            "channel.replication.factor",
            2,
            "replicaof",
            "none by default; one replica is the least that survives a loss",
        ),
        default(
            "channel.replication.commit_rule",
            "leader",
            "min-replicas-to-write",
            f"{_CONFIGURATION} (off: replication is asynchronous)",
        ),
        choice(
            "channel.replication.lag",
            "exponential(mean=1ms)",
            "",
            "a round trip in one data centre; your network decides",
        ),
        choice(
            "channel.replication.failure_detection",
            "30s",
            "sentinel down-after-milliseconds",
            "Redis alone never fails over; 30 s is the value in sentinel.conf",
        ),
        choice(
            "channel.replication.election",
            "1s",
            "",
            "Sentinel's vote and the promotion; no figure is published",
        ),
        default(
            "channel.replication.unclean_leader_election",
            True,
            "",
            f"{_CONFIGURATION}: a replica is promoted, whatever it lacks",
        ),
        default(
            "channel.replication.flush", "interval", "save", f"{_CONFIGURATION} (appendonly no)"
        ),
        choice(
            "channel.replication.flush_interval",
            "5min",
            "save",
            "of save 3600 1 300 100 60 10000 the one that holds from 100 writes in 5 minutes on",
            when=_INTERVAL,
        ),
        choice(
            "consumer.settle",
            "after",
            "XACK",
            "the client acknowledges when it likes: after the work",
        ),
        default("subscription.lease_scope", "delivery", "pending entries list", _GROUPS),
        default("subscription.delivery", "pull", "XREADGROUP", _GROUPS),
        choice(
            "subscription.fetch_max_messages",
            10,
            "COUNT",
            "without COUNT one reader takes all that there is",
        ),
        choice(
            "subscription.fetch_max_wait",
            None,
            "BLOCK",
            "BLOCK 0 waits for ever; without BLOCK the client would have to ask again and again",
        ),
        default("subscription.lease_ended_by", "client_sweep", "XAUTOCLAIM", _CLAIM),
        choice(
            "subscription.sweep_interval",
            "10s",
            "XAUTOCLAIM",
            "the client decides how often it claims",
        ),
        choice(
            "subscription.lease_timeout",
            "30s",
            "min-idle-time",
            "an argument of each call; as long as the visibility timeouts of other brokers",
        ),
        default("subscription.on_disconnect", "hold", "pending entries list", _GROUPS),
        choice(
            "subscription.late_acknowledgement",
            "honoured",
            "XACK",
            "XACK names the group and the entry, not who claimed it",
        ),
        default("subscription.max_deliveries", None, "delivery counter", f"{_CLAIM} (none)"),
    ),
)
