"""Apache Kafka: classic groups, KIP-848 groups, share groups, and the client librdkafka.

Kafka 4.3 (KRaft); the defaults hold for 4.0 to 4.3 unless the source says otherwise. Names of files
are those of the Kafka repository, where the defaults of settings are declared.
"""

from __future__ import annotations

from eda_sim.spec.presets.base import ANYTHING, Broker, changed, choice, default, without

_PRODUCER = "Kafka 4.3, ProducerConfig.java"
_CONSUMER = "Kafka 4.3, ConsumerConfig.java"
_GROUP = "Kafka 4.3, GroupCoordinatorConfig.java"
_SHARE = "Kafka 4.3, ShareGroupConfig.java"
_REPLICATION = "Kafka 4.3, ReplicationConfigs.java"
_CONTROLLER = "Kafka 4.3, KRaftConfigs.java"
_LOG = "Kafka 4.3, LogConfig.java"
_DESIGN = "Kafka 4.3, docs/design/design.md"
_LIBRDKAFKA = "librdkafka 2.15.0, CONFIGURATION.md"

_PARTITION = {"subscription.lease_scope": "partition"}
_ALL = {"publishing.acks": "all"}
_ANSWERED = {"publishing.acks": ("all", "leader")}
_ISR = {"channel.replication.commit_rule": "isr"}

_PUBLISHING = (
    default("publishing.acks", "all", "acks", _PRODUCER),
    default("publishing.linger", "5ms", "linger.ms", f"{_PRODUCER} (0 before 4.0)"),
    default("publishing.batch_max_bytes", "16KiB", "batch.size", _PRODUCER),
    default(
        "publishing.max_in_flight",
        5,
        "max.in.flight.requests.per.connection",
        _PRODUCER,
        when=_ANSWERED,
    ),
    default("publishing.buffer_max_bytes", "32MiB", "buffer.memory", _PRODUCER),
    default(
        "publishing.max_block",
        "60s",
        "max.block.ms",
        _PRODUCER,
        when={"publishing.buffer_max_bytes": ANYTHING},
    ),
    default("publishing.request_timeout", "30s", "request.timeout.ms", _PRODUCER, when=_ANSWERED),
    default("publishing.delivery_timeout", "120s", "delivery.timeout.ms", _PRODUCER),
    default(
        "publishing.retry",
        "exponential(base=100ms, factor=2, cap=1s, jitter=proportional, jitter_ratio=0.2)",
        "retries, retry.backoff.ms, retry.backoff.max.ms",
        f"{_PRODUCER}; CommonClientConfigs.java",
        when=_ANSWERED,
    ),
    default(
        "publishing.idempotent",
        True,
        "enable.idempotence",
        f"{_PRODUCER} (off with other acks)",
        when=_ALL,
    ),
    default("publishing.keyless", "sticky", "partitioner.class", f"{_PRODUCER} (null: built in)"),
)

_TOPIC = (
    default("channel.partitioner", "murmur2", "partitioner.class", f"{_PRODUCER} (null: built in)"),
    choice(
        "channel.replication.factor",
        3,
        "default.replication.factor",
        "the default, 1, is for a laptop; three copies survive the loss of two",
    ),
    default(
        "channel.replication.commit_rule",
        "isr",
        "acks=all; high watermark",
        f"{_DESIGN}: committed",
    ),
    default("channel.replication.min_insync", 1, "min.insync.replicas", _REPLICATION, when=_ISR),
    choice(
        "channel.replication.lag",
        "exponential(mean=2ms)",
        "",
        "a round trip of the follower's next fetch; design.md says that commit can take 10 ms",
    ),
    default(
        "channel.replication.replica_lag_max",
        "30s",
        "replica.lag.time.max.ms",
        _REPLICATION,
        when=_ISR,
    ),
    default(
        "channel.replication.failure_detection",
        "uniform(low=7s, high=9s)",
        "broker.session.timeout.ms, broker.heartbeat.interval.ms",
        f"{_CONTROLLER}: 9 s after the last of the heartbeats, which come every 2 s",
    ),
    choice(
        "channel.replication.election",
        "uniform(low=100ms, high=1s)",
        "",
        "the election takes milliseconds; clients learn of it after a refresh of their metadata",
    ),
    default(
        "channel.replication.unclean_leader_election",
        False,
        "unclean.leader.election.enable",
        _REPLICATION,
    ),
    default(
        "channel.replication.flush",
        "os",
        "log.flush.interval.messages, log.flush.interval.ms",
        f"{_LOG} (never: left to the operating system)",
    ),
    default("channel.retention", "limits", "cleanup.policy", f"{_LOG} (delete)"),
    default("channel.max_age", "168h", "log.retention.hours", _LOG),
    default(
        "channel.retention_check_interval",
        "5min",
        "log.retention.check.interval.ms",
        _LOG,
        when={"channel.max_age": ANYTHING},
    ),
    default(
        "channel.deduplication",
        {"by": "producer_sequence", "size": 5, "window": "24h"},
        "producer.id.expiration.ms",
        f"{_DESIGN}: the last 5 batches; ProducerStateManagerConfig.java (86400000)",
    ),
)

_GROUPS = (
    default("consumer.settle", "auto", "enable.auto.commit", _CONSUMER),
    default("subscription.lease_scope", "partition", "group.protocol", f"{_CONSUMER} (classic)"),
    default("subscription.fetch_max_messages", 500, "max.poll.records", _CONSUMER),
    default("subscription.fetch_max_wait", "500ms", "fetch.max.wait.ms", _CONSUMER),
    default("subscription.fetch_min_bytes", 1, "fetch.min.bytes", _CONSUMER, when=_PARTITION),
    default("subscription.lease_timeout", "45s", "session.timeout.ms", _CONSUMER, when=_PARTITION),
    default(
        "subscription.heartbeat_interval",
        "3s",
        "heartbeat.interval.ms",
        _CONSUMER,
        when=_PARTITION,
    ),
    default(
        "subscription.on_disconnect",
        "hold",
        "session.timeout.ms",
        f"{_CONSUMER}: a crash is seen when the session times out",
        when=_PARTITION,
    ),
    default(
        "subscription.rebalance_protocol",
        "eager",
        "partition.assignment.strategy",
        f"{_CONSUMER} (Range, CooperativeSticky: effectively eager)",
        when=_PARTITION,
    ),
    default(
        "subscription.assignor",
        "range",
        "partition.assignment.strategy",
        _CONSUMER,
        when=_PARTITION,
    ),
    default(
        "subscription.static_membership",
        False,
        "group.instance.id",
        f"{_CONSUMER} (none)",
        when=_PARTITION,
    ),
    default(
        "subscription.rebalance_timeout",
        "5min",
        "max.poll.interval.ms",
        f"{_CONSUMER}; GroupRebalanceConfig.java",
        when=_PARTITION,
    ),
    default(
        "subscription.initial_rebalance_delay",
        "3s",
        "group.initial.rebalance.delay.ms",
        _GROUP,
        when=_PARTITION,
    ),
    default(
        "subscription.max_poll_interval",
        "5min",
        "max.poll.interval.ms",
        _CONSUMER,
        when=_PARTITION,
    ),
    default(
        "subscription.auto_commit_interval",
        "5s",
        "auto.commit.interval.ms",
        _CONSUMER,
        when=_PARTITION,
    ),
    default(
        "subscription.auto_commit_of",
        "previous_polls",
        "enable.auto.commit",
        "Kafka 4.3, ConsumerCoordinator.java: maybeAutoCommitOffsetsAsync",
        when=_PARTITION,
    ),
    default(
        "subscription.start_position",
        "latest",
        "auto.offset.reset",
        _CONSUMER,
        when=_PARTITION,
    ),
)

KAFKA = Broker(
    name="kafka",
    what="topic, Java client, classic consumer group",
    version="Kafka 4.3",
    defaults=(*_TOPIC, *_PUBLISHING, *_GROUPS),
)

KAFKA_KIP848 = Broker(
    name="kafka_kip848",
    what="the same with group.protocol=consumer (KIP-848)",
    version="Kafka 4.3",
    defaults=changed(
        without(KAFKA.defaults, "subscription.initial_rebalance_delay"),
        default(
            "subscription.heartbeat_interval",
            "5s",
            "group.consumer.heartbeat.interval.ms",
            _GROUP,
            when=_PARTITION,
        ),
        default(
            "subscription.lease_timeout",
            "45s",
            "group.consumer.session.timeout.ms",
            _GROUP,
            when=_PARTITION,
        ),
        default(
            "subscription.rebalance_protocol",
            "incremental",
            "group.protocol",
            f"{_CONSUMER} (consumer; general availability in 4.0)",
            when=_PARTITION,
        ),
        default(
            "subscription.assignor",
            "uniform",
            "group.consumer.assignors",
            f"{_GROUP} (uniform, range)",
            when=_PARTITION,
        ),
        default(
            "subscription.assignment_interval",
            "1s",
            "group.consumer.assignment.interval.ms",
            f"{_GROUP} (new in 4.3)",
            when=_PARTITION,
        ),
    ),
)

KAFKA_SHARE = Broker(
    name="kafka_share",
    what="topic read by a share group (KIP-932): a queue on a log",
    version="Kafka 4.3",
    defaults=(
        *_TOPIC,
        *_PUBLISHING,
        choice(
            "consumer.settle",
            "after",
            "share.acknowledgement.mode",
            "implicit: a poll accepts what the one before it returned",
        ),
        default("subscription.lease_scope", "delivery", "group type share", f"{_DESIGN}: queues"),
        default("subscription.delivery", "pull", "", f"{_DESIGN}: consumers pull"),
        default("subscription.fetch_max_messages", 500, "max.poll.records", _CONSUMER),
        default("subscription.fetch_max_wait", "500ms", "fetch.max.wait.ms", _CONSUMER),
        default("subscription.lease_timeout", "30s", "group.share.record.lock.duration.ms", _SHARE),
        default("subscription.lease_ended_by", "server_timer", "", f"{_DESIGN}: acquisition locks"),
        choice(
            "subscription.on_disconnect",
            "hold",
            "",
            "a crash is seen by nobody before the locks of its records run out",
        ),
        default("subscription.max_deliveries", 5, "group.share.delivery.count.limit", _SHARE),
        default("subscription.delivery_count_on", "deliver", "", f"{_DESIGN}: delivery count"),
        default(
            "subscription.max_outstanding", 2000, "group.share.partition.max.record.locks", _SHARE
        ),
        choice(
            "subscription.outstanding_scope",
            "subscription",
            "group.share.partition.max.record.locks",
            "Kafka counts for each partition, the model for all of them: stricter with several",
        ),
    ),
)

LIBRDKAFKA = Broker(
    name="librdkafka",
    what="the same with clients on librdkafka (Python, Go, .NET)",
    version="Kafka 4.3, librdkafka 2.15.0",
    defaults=changed(
        KAFKA.defaults,
        default(
            "channel.partitioner", "crc32", "partitioner", f"{_LIBRDKAFKA} (consistent_random)"
        ),
        default(
            "publishing.keyless", "random", "partitioner", f"{_LIBRDKAFKA} (consistent_random)"
        ),
        default("publishing.linger", "5ms", "linger.ms", _LIBRDKAFKA),
        default("publishing.batch_max_bytes", 1_000_000, "batch.size", _LIBRDKAFKA),
        default("publishing.batch_max_messages", 10_000, "batch.num.messages", _LIBRDKAFKA),
        default(
            "publishing.max_in_flight",
            1_000_000,
            "max.in.flight.requests.per.connection",
            _LIBRDKAFKA,
            when=_ANSWERED,
        ),
        default("publishing.delivery_timeout", "300s", "message.timeout.ms", _LIBRDKAFKA),
        default("publishing.idempotent", False, "enable.idempotence", _LIBRDKAFKA),
        default(
            "subscription.auto_commit_of",
            "delivered",
            "enable.auto.offset.store",
            f"{_LIBRDKAFKA} (true: stored when handed to the application)",
            when=_PARTITION,
        ),
        default(
            "subscription.assignor",
            "range",
            "partition.assignment.strategy",
            f"{_LIBRDKAFKA} (range,roundrobin)",
            when=_PARTITION,
        ),
    ),
)
