"""RabbitMQ: classic queues, quorum queues and streams.

RabbitMQ 4.3; names of pages are those of its documentation, names of files those of the repository
of the server.
"""

from __future__ import annotations

from eda_sim.spec.presets.base import ANYTHING, Broker, changed, choice, default

_CONFIRMS = "RabbitMQ 4.3, Consumer Acknowledgements and Publisher Confirms"
_PREFETCH = "RabbitMQ 4.3, Consumer Prefetch"
_QUORUM = "RabbitMQ 4.3, Quorum Queues"
_CLASSIC = "RabbitMQ 4.3, Classic Queues"
_STREAMS = "RabbitMQ 4.3, Streams and Super Streams"
_LETTERS = "RabbitMQ 4.3, Dead Letter Exchanges"
_LENGTH = "RabbitMQ 4.3, Queue Length Limit"
_HEARTBEATS = "RabbitMQ 4.3, Detecting Dead TCP Connections with Heartbeats"
_RAFT = "RabbitMQ ra, ra_server_proc.erl"

_DEAD_LETTER = {"subscription.dead_letter": ANYTHING}

_INTERVAL = {"channel.replication.flush": "interval"}
_BEFORE_ACK = {"channel.replication.flush": "before_ack"}

_QUEUE = (
    default("publishing.acks", "none", "publisher confirms", f"{_CONFIRMS} (off)"),
    default("channel.retention", "work_queue", "queue type classic", _CLASSIC),
    default("channel.overflow", "drop_head", "overflow", _LENGTH),
    choice(
        "consumer.settle",
        "after",
        "acknowledgement mode",
        "the client must choose: manual, because automatic loses what a crash interrupts",
    ),
    default("subscription.lease_scope", "connection", "", f"{_CONFIRMS}: automatic requeueing"),
    default("subscription.delivery", "push", "basic.consume", _PREFETCH),
    default(
        "subscription.max_outstanding", None, "default_consumer_prefetch", f"{_PREFETCH} (0: none)"
    ),
    default("subscription.lease_timeout", None, "consumer_timeout", f"{_CLASSIC} (none since 4.3)"),
    default("subscription.connection_timeout", "60s", "heartbeat", _HEARTBEATS),
    default("subscription.requeue_position", "original", "", f"{_CONFIRMS}: negative"),
    default(
        "subscription.dead_letter_expired",
        True,
        "x-dead-letter-exchange",
        _LETTERS,
        when=_DEAD_LETTER,
    ),
)

RABBITMQ_CLASSIC = Broker(
    name="rabbitmq_classic",
    what="classic queue: one node, written to its disk now and then",
    version="RabbitMQ 4.3",
    defaults=(
        *_QUEUE,
        default(
            "channel.replication.factor", 1, "queue type classic", f"{_CLASSIC} (not replicated)"
        ),
        default("channel.replication.commit_rule", "leader", "queue type classic", _CLASSIC),
        default(
            "channel.replication.flush", "interval", "SYNC_INTERVAL", "rabbit_msg_store.erl, v4.3.5"
        ),
        default(
            "channel.replication.flush_interval",
            "200ms",
            "SYNC_INTERVAL",
            "rabbit_msg_store.erl, v4.3.5",
            when=_INTERVAL,
        ),
    ),
)

RABBITMQ_QUORUM = Broker(
    name="rabbitmq_quorum",
    what="quorum queue: confirmed when a majority has it on disk",
    version="RabbitMQ 4.3",
    defaults=(
        *changed(
            _QUEUE,
            default("channel.retention", "work_queue", "queue type quorum", _QUORUM),
            default("subscription.max_outstanding", 2000, "basic.qos", f"{_QUORUM} (largest)"),
            default(
                "subscription.lease_timeout",
                "30min",
                "consumer_timeout",
                "rabbitmq-server v4.3.5, Makefile (1800000)",
            ),
            default(
                "subscription.requeue_position",
                "head",
                "",
                f"{_QUORUM}: returns go first, in the order of coming back",
            ),
        ),
        default("subscription.max_deliveries", 20, "delivery-limit", f"{_QUORUM} (since 4.0)"),
        default(
            "subscription.delivery_count_on",
            ["reject", "disconnect"],
            "delivery-limit",
            f"{_QUORUM} (basic.nack and consumer timeouts no longer count since 4.3)",
        ),
        default("channel.replication.factor", 3, "quorum_cluster_size", _QUORUM),
        default("channel.replication.commit_rule", "quorum", "queue type quorum", _QUORUM),
        default("channel.replication.flush", "before_ack", "queue type quorum", _QUORUM),
        choice(
            "channel.replication.flush_time",
            "5.9ms",
            "",
            "fsync of the disk in RabbitMQ's benchmark of 2024-08-21; yours decides",
            when=_BEFORE_ACK,
        ),
        choice(
            "channel.replication.lag",
            "exponential(mean=1ms)",
            "",
            "a round trip in one data centre; your network decides",
        ),
        default(
            "channel.replication.failure_detection",
            "0s",
            "",
            f"{_RAFT}: a process that dies is seen at once",
        ),
        default(
            "channel.replication.election",
            "uniform(low=100ms, high=600ms)",
            "DEFAULT_BROADCAST_TIME, DEFAULT_ELECTION_MULT",
            f"{_RAFT} (100 ms, 5)",
        ),
    ),
)

RABBITMQ_STREAM = Broker(
    name="rabbitmq_stream",
    what="stream: a replicated log; reading removes nothing",
    version="RabbitMQ 4.3",
    defaults=(
        default("publishing.acks", "all", "publish confirm", f"{_STREAMS}: stored by a quorum"),
        default("channel.retention", "limits", "max-age, max-length-bytes", _STREAMS),
        default("channel.max_age", None, "max-age", f"{_STREAMS} (none)"),
        choice(
            "channel.replication.factor",
            3,
            "initial-cluster-size",
            "as many nodes as the cluster has; three is the smallest that survives a loss",
        ),
        default("channel.replication.commit_rule", "quorum", "queue type stream", _STREAMS),
        default("channel.replication.flush", "os", "", f"{_STREAMS}: no fsync"),
        choice(
            "channel.replication.lag",
            "exponential(mean=1ms)",
            "",
            "a round trip in one data centre; your network decides",
        ),
        default(
            "channel.replication.failure_detection",
            "0s",
            "",
            f"{_RAFT}: a process that dies is seen at once",
        ),
        default(
            "channel.replication.election",
            "uniform(low=100ms, high=600ms)",
            "DEFAULT_BROADCAST_TIME, DEFAULT_ELECTION_MULT",
            f"{_RAFT} (100 ms, 5)",
        ),
        choice(
            "consumer.settle",
            "auto",
            "offset tracking",
            "the client must choose: automatic tracking, as the Java client's examples do",
        ),
        choice(
            "subscription.auto_commit_interval",
            "5s",
            "offset tracking",
            "the flush interval of the Java client's automatic tracking",
        ),
        default("subscription.lease_scope", "partition", "single active consumer", _STREAMS),
        choice(
            "subscription.fetch_max_messages",
            500,
            "credit",
            "chunks have no fixed number of messages; the model pulls instead of giving credit",
        ),
        default("subscription.lease_timeout", "60s", "heartbeat", _HEARTBEATS),
        default(
            "subscription.on_disconnect", "release", "", f"{_STREAMS}: the next consumer takes over"
        ),
        default("subscription.start_position", "latest", "x-stream-offset", f"{_STREAMS} (next)"),
    ),
)
