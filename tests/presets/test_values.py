"""Every value of every preset, against a table that was typed from the sources by hand.

Numbers stand in the broker's own unit behind its own name: ``linger.ms: 5``. The table must not be
made from the presets; it is what they are held against. What a preset chose itself is not in here,
but must be marked.
"""

import math

import pytest

from eda_sim.spec import brokers, parse_value
from eda_sim.spec.distributions import Uniform
from eda_sim.spec.presets.fields import KINDS, adapter

MS, S, MIN, H, DAY = 1e-3, 1, 60, 3600, 86400
KIB, MIB = 1024, 1024**2

KAFKA_TOPIC = {
    "channel.partitioner": ("partitioner.class", "murmur2"),
    "channel.replication.commit_rule": ("acks=all; high watermark", "isr"),
    "channel.replication.min_insync": ("min.insync.replicas", 1),
    "channel.replication.replica_lag_max": ("replica.lag.time.max.ms", 30000 * MS),
    "channel.replication.failure_detection": (
        "broker.session.timeout.ms, broker.heartbeat.interval.ms",
        ((9000 - 2000) * MS, 9000 * MS),
    ),
    "channel.replication.unclean_leader_election": ("unclean.leader.election.enable", False),
    "channel.replication.flush": ("log.flush.interval.messages, log.flush.interval.ms", "os"),
    "channel.retention": ("cleanup.policy", "limits"),
    "channel.max_age": ("log.retention.hours", 168 * H),
    "channel.retention_check_interval": ("log.retention.check.interval.ms", 300000 * MS),
    "channel.deduplication": (
        "producer.id.expiration.ms",
        {"by": "producer_sequence", "size": 5, "window": 86400000 * MS},
    ),
}
KAFKA_PRODUCER = {
    "publishing.acks": ("acks", "all"),
    "publishing.linger": ("linger.ms", 5 * MS),
    "publishing.batch_max_bytes": ("batch.size", 16384),
    "publishing.max_in_flight": ("max.in.flight.requests.per.connection", 5),
    "publishing.buffer_max_bytes": ("buffer.memory", 32 * MIB),
    "publishing.max_block": ("max.block.ms", 60000 * MS),
    "publishing.request_timeout": ("request.timeout.ms", 30000 * MS),
    "publishing.delivery_timeout": ("delivery.timeout.ms", 120000 * MS),
    "publishing.retry": (
        "retries, retry.backoff.ms, retry.backoff.max.ms",
        {"base": 100 * MS, "cap": 1000 * MS, "factor": 2, "jitter_ratio": 0.2},
    ),
    "publishing.idempotent": ("enable.idempotence", True),
    "publishing.keyless": ("partitioner.class", "sticky"),
}
KAFKA_GROUP = {
    "consumer.settle": ("enable.auto.commit", "auto"),
    "subscription.lease_scope": ("group.protocol", "partition"),
    "subscription.fetch_max_messages": ("max.poll.records", 500),
    "subscription.fetch_max_wait": ("fetch.max.wait.ms", 500 * MS),
    "subscription.fetch_min_bytes": ("fetch.min.bytes", 1),
    "subscription.lease_timeout": ("session.timeout.ms", 45000 * MS),
    "subscription.heartbeat_interval": ("heartbeat.interval.ms", 3000 * MS),
    "subscription.on_disconnect": ("session.timeout.ms", "hold"),
    "subscription.rebalance_protocol": ("partition.assignment.strategy", "eager"),
    "subscription.assignor": ("partition.assignment.strategy", "range"),
    "subscription.static_membership": ("group.instance.id", False),
    "subscription.rebalance_timeout": ("max.poll.interval.ms", 300000 * MS),
    "subscription.initial_rebalance_delay": ("group.initial.rebalance.delay.ms", 3000 * MS),
    "subscription.max_poll_interval": ("max.poll.interval.ms", 300000 * MS),
    "subscription.auto_commit_interval": ("auto.commit.interval.ms", 5000 * MS),
    "subscription.auto_commit_of": ("enable.auto.commit", "previous_polls"),
    "subscription.start_position": ("auto.offset.reset", "latest"),
}
KAFKA = {**KAFKA_TOPIC, **KAFKA_PRODUCER, **KAFKA_GROUP}
RABBITMQ_QUEUE = {
    "publishing.acks": ("publisher confirms", "none"),
    "channel.overflow": ("overflow", "drop_head"),
    "subscription.lease_scope": ("", "connection"),
    "subscription.delivery": ("basic.consume", "push"),
    "subscription.connection_timeout": ("heartbeat", 60 * S),
    "subscription.dead_letter_expired": ("x-dead-letter-exchange", True),
}
RABBITMQ_ELECTION = {
    "channel.replication.failure_detection": ("", 0),
    "channel.replication.election": (
        "DEFAULT_BROADCAST_TIME, DEFAULT_ELECTION_MULT",
        (100 * MS, (100 + 5 * 100) * MS),
    ),
}
SQS = {
    "publishing.acks": ("SendMessage", "all"),
    "channel.retention": ("DeleteMessage", "work_queue"),
    "channel.max_age": ("MessageRetentionPeriod", 345600 * S),
    "subscription.lease_scope": ("VisibilityTimeout", "delivery"),
    "subscription.delivery": ("ReceiveMessage", "pull"),
    "subscription.lease_timeout": ("VisibilityTimeout", 30 * S),
    "subscription.lease_ended_by": ("VisibilityTimeout", "server_timer"),
    "subscription.on_disconnect": ("VisibilityTimeout", "hold"),
    "subscription.late_acknowledgement": ("DeleteMessage", "honoured"),
    "subscription.fetch_max_messages": ("MaxNumberOfMessages", 1),
    "subscription.fetch_max_wait": ("ReceiveMessageWaitTimeSeconds", 0),
    "subscription.max_outstanding": ("in-flight messages", 120_000),
    "subscription.outstanding_scope": ("in-flight messages", "subscription"),
    "subscription.delivery_count_on": ("ApproximateReceiveCount", "deliver"),
    "subscription.max_deliveries": (
        "RedrivePolicy.maxReceiveCount",
        10,
        "RedrivePolicy",
        None,
    ),
}
TABLE = {
    "kafka": KAFKA,
    "kafka_kip848": {
        **{k: v for k, v in KAFKA.items() if k != "subscription.initial_rebalance_delay"},
        "subscription.heartbeat_interval": ("group.consumer.heartbeat.interval.ms", 5000 * MS),
        "subscription.lease_timeout": ("group.consumer.session.timeout.ms", 45000 * MS),
        "subscription.rebalance_protocol": ("group.protocol", "incremental"),
        "subscription.assignor": ("group.consumer.assignors", "uniform"),
        "subscription.assignment_interval": ("group.consumer.assignment.interval.ms", 1000 * MS),
    },
    "kafka_share": {
        **KAFKA_TOPIC,
        **KAFKA_PRODUCER,
        "subscription.lease_scope": ("group type share", "delivery"),
        "subscription.delivery": ("", "pull"),
        "subscription.fetch_max_messages": ("max.poll.records", 500),
        "subscription.fetch_max_wait": ("fetch.max.wait.ms", 500 * MS),
        "subscription.lease_timeout": ("group.share.record.lock.duration.ms", 30000 * MS),
        "subscription.lease_ended_by": ("", "server_timer"),
        "subscription.max_deliveries": ("group.share.delivery.count.limit", 5),
        "subscription.delivery_count_on": ("", "deliver"),
        "subscription.max_outstanding": ("group.share.partition.max.record.locks", 2000),
    },
    "librdkafka": {
        **KAFKA,
        "channel.partitioner": ("partitioner", "crc32"),
        "publishing.keyless": ("partitioner", "random"),
        "publishing.linger": ("linger.ms", 5 * MS),
        "publishing.batch_max_bytes": ("batch.size", 1_000_000),
        "publishing.batch_max_messages": ("batch.num.messages", 10_000),
        "publishing.max_in_flight": ("max.in.flight.requests.per.connection", 1_000_000),
        "publishing.delivery_timeout": ("message.timeout.ms", 300_000 * MS),
        "publishing.idempotent": ("enable.idempotence", False),
        "subscription.auto_commit_of": ("enable.auto.offset.store", "delivered"),
    },
    "rabbitmq_classic": {
        **RABBITMQ_QUEUE,
        "channel.retention": ("queue type classic", "work_queue"),
        "channel.replication.factor": ("queue type classic", 1),
        "channel.replication.commit_rule": ("queue type classic", "leader"),
        "channel.replication.flush": ("SYNC_INTERVAL", "interval"),
        "channel.replication.flush_interval": ("SYNC_INTERVAL", 200 * MS),
        "subscription.max_outstanding": ("default_consumer_prefetch", None),
        "subscription.lease_timeout": ("consumer_timeout", None),
        "subscription.requeue_position": ("", "original"),
    },
    "rabbitmq_quorum": {
        **RABBITMQ_QUEUE,
        **RABBITMQ_ELECTION,
        "channel.retention": ("queue type quorum", "work_queue"),
        "channel.replication.factor": ("quorum_cluster_size", 3),
        "channel.replication.commit_rule": ("queue type quorum", "quorum"),
        "channel.replication.flush": ("queue type quorum", "before_ack"),
        "subscription.max_outstanding": ("basic.qos", 2000),
        "subscription.lease_timeout": ("consumer_timeout", 1_800_000 * MS),
        "subscription.max_deliveries": ("delivery-limit", 20),
        "subscription.delivery_count_on": ("delivery-limit", ["reject", "disconnect"]),
        "subscription.requeue_position": ("", "head"),
    },
    "rabbitmq_stream": {
        **RABBITMQ_ELECTION,
        "publishing.acks": ("publish confirm", "all"),
        "channel.retention": ("max-age, max-length-bytes", "limits"),
        "channel.max_age": ("max-age", None),
        "channel.replication.commit_rule": ("queue type stream", "quorum"),
        "channel.replication.flush": ("", "os"),
        "subscription.lease_scope": ("single active consumer", "partition"),
        "subscription.lease_timeout": ("heartbeat", 60 * S),
        "subscription.on_disconnect": ("", "release"),
        "subscription.start_position": ("x-stream-offset", "latest"),
    },
    "sns": {
        "publishing.acks": ("Publish", "all"),
        "subscription.lease_scope": ("", "delivery"),
        "subscription.delivery": ("Subscribe", "endpoint"),
        "subscription.redelivery": (
            "delivery policy for AWS managed endpoints",
            {"retries": 100_015},
        ),
    },
    "sqs": SQS,
    "sqs_fifo": {
        **SQS,
        "channel.deduplication": (
            "MessageDeduplicationId",
            {"by": "message_id", "window": 5 * MIN},
        ),
        "subscription.lease_scope": ("MessageGroupId", "group"),
        "subscription.late_acknowledgement": ("DeleteMessage", "refused"),
    },
    "jetstream": {
        "publishing.acks": ("PubAck", "all"),
        "channel.retention": ("Retention", "limits"),
        "channel.overflow": ("Discard", "drop_head"),
        "channel.deduplication": ("Duplicates", {"by": "message_id", "window": 2 * MIN}),
        "channel.replication.factor": ("Replicas", 1),
        "channel.replication.commit_rule": ("Replicas", "quorum"),
        "channel.replication.failure_detection": (
            "minElectionTimeout, maxElectionTimeout",
            (4 * S, 9 * S),
        ),
        "channel.replication.flush": ("sync_interval", "interval"),
        "channel.replication.flush_interval": ("sync_interval", 2 * MIN),
        "subscription.lease_scope": ("AckPolicy", "delivery"),
        "subscription.lease_timeout": ("AckWait", 30 * S),
        "subscription.lease_ended_by": ("AckWait", "server_timer"),
        "subscription.on_disconnect": ("AckWait", "hold"),
        "subscription.late_acknowledgement": ("AckWait", "honoured"),
        "subscription.max_outstanding": ("MaxAckPending", 1000),
        "subscription.outstanding_scope": ("MaxAckPending", "subscription"),
        "subscription.redelivery": ("BackOff", {"type": "immediate"}),
        "subscription.nack_redelivery": ("NAK", {"type": "immediate"}),
        "subscription.delivery_count_on": ("MaxDeliver", "deliver"),
        "subscription.max_deliveries": ("MaxDeliver", None),
        "subscription.on_exhausted": ("MaxDeliver", "park"),
    },
    "redis_streams": {
        "publishing.acks": ("XADD", "leader"),
        "channel.retention": ("MAXLEN", "limits"),
        "channel.replication.commit_rule": ("min-replicas-to-write", "leader"),
        "channel.replication.unclean_leader_election": ("", True),
        "channel.replication.flush": ("save", "interval"),
        "subscription.lease_scope": ("pending entries list", "delivery"),
        "subscription.delivery": ("XREADGROUP", "pull"),
        "subscription.lease_ended_by": ("XAUTOCLAIM", "client_sweep"),
        "subscription.on_disconnect": ("pending entries list", "hold"),
        "subscription.max_deliveries": ("delivery counter", None),
    },
}


def read(item):
    """The value of a default as the model reads it."""
    (part, *_) = item.parts
    kind = next(kind for kind, its in KINDS.items() if its == part)
    return adapter(kind, item.steps).validate_python(item.value)


def equal(found, expected):
    if isinstance(expected, dict):
        if hasattr(found, "model_fields_set"):
            return all(getattr(found, name) == value for name, value in expected.items())
        return found == expected
    if isinstance(expected, tuple):
        return isinstance(found, Uniform) and (found.low, found.high) == expected
    if isinstance(expected, list):
        return list(found) == expected
    if hasattr(found, "mean"):  # a distribution
        return found.mean == expected and found.scv == 0
    if isinstance(found, tuple):
        return found == (expected,)
    if isinstance(expected, float):
        return math.isclose(found, expected, rel_tol=1e-12)
    return found == expected and isinstance(found, bool) == isinstance(expected, bool)


@pytest.mark.parametrize("name", TABLE)
def test_every_value_is_the_broker_s(name):
    told = {}
    for item in brokers()[name].defaults:
        if not item.chosen:
            told.setdefault(item.field, []).append(item)
    assert set(told) == set(TABLE[name])
    for field, items in told.items():
        row = TABLE[name][field]
        pairs = [(row[n], row[n + 1]) for n in range(0, len(row), 2)]
        assert len(items) == len(pairs), field
        for item, (setting, expected) in zip(items, pairs, strict=True):
            assert item.setting == setting, field
            assert equal(read(item), expected), (field, read(item), expected)


def test_every_broker_is_in_the_table():
    assert list(brokers()) == list(TABLE)


@pytest.mark.parametrize("name", TABLE)
def test_every_default_says_where_it_comes_from(name):
    seen = {}
    for item in brokers()[name].defaults:
        assert len(item.source) > 10, item.field
        assert parse_value(str(item.value)) is not None or item.value is None
        # Of several for one field only the last may be without a condition.
        assert seen.get(item.field, True), item.field
        seen[item.field] = bool(item.when)
