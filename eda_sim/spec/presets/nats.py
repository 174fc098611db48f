"""NATS JetStream with a durable pull consumer.

nats-server 2.14.5; names of files are those of its repository.
"""

from __future__ import annotations

from eda_sim.spec.presets.base import Broker, choice, default

_CONSUMER = "nats-server 2.14.5, consumer.go"
_STREAM = "nats-server 2.14.5, stream.go"
_RAFT = "nats-server 2.14.5, raft.go"
_FILES = "nats-server 2.14.5, filestore.go"

_INTERVAL = {"channel.replication.flush": "interval"}

JETSTREAM = Broker(
    name="jetstream",
    what="JetStream stream with a durable pull consumer",
    version="NATS server 2.14.5",
    defaults=(
        default("publishing.acks", "all", "PubAck", f"{_STREAM}: answered when a quorum has it"),
        default("channel.retention", "limits", "Retention", _STREAM),
        default("channel.overflow", "drop_head", "Discard", f"{_STREAM} (old)"),
        default(
            "channel.deduplication",
            {"by": "message_id", "window": "2min"},
            "Duplicates",
            f"{_STREAM} (by the header Nats-Msg-Id)",
        ),
        default("channel.replication.factor", 1, "Replicas", _STREAM),
        default("channel.replication.commit_rule", "quorum", "Replicas", _RAFT),
        choice(
            "channel.replication.lag",
            "exponential(mean=1ms)",
            "",
            "a round trip in one data centre; your network decides",
        ),
        default(
            "channel.replication.failure_detection",
            "uniform(low=4s, high=9s)",
            "minElectionTimeout, maxElectionTimeout",
            _RAFT,
        ),
        choice(
            "channel.replication.election",
            "100ms",
            "",
            "a round of votes after the election timeout, and the clients' reconnection",
        ),
        default("channel.replication.flush", "interval", "sync_interval", _FILES),
        default(
            "channel.replication.flush_interval", "2min", "sync_interval", _FILES, when=_INTERVAL
        ),
        choice(
            "consumer.settle",
            "after",
            "AckPolicy",
            "explicit: the client acknowledges each message, here when it is done",
        ),
        default("subscription.lease_scope", "delivery", "AckPolicy", f"{_CONSUMER} (explicit)"),
        choice(
            "subscription.delivery",
            "pull",
            "DeliverSubject",
            "there are push consumers too; the documentation recommends pull",
        ),
        choice(
            "subscription.fetch_max_messages",
            10,
            "batch",
            "each request says how many it wants; ten hide a round trip and share fairly",
        ),
        default("subscription.lease_timeout", "30s", "AckWait", f"{_CONSUMER}: JsAckWaitDefault"),
        default("subscription.lease_ended_by", "server_timer", "AckWait", _CONSUMER),
        default("subscription.on_disconnect", "hold", "AckWait", _CONSUMER),
        default(
            "subscription.late_acknowledgement",
            "honoured",
            "AckWait",
            "NATS documentation, JetStream consumers",
        ),
        default("subscription.max_outstanding", 1000, "MaxAckPending", _CONSUMER),
        default(
            "subscription.outstanding_scope",
            "subscription",
            "MaxAckPending",
            f"{_CONSUMER} (all subscribers of the consumer together)",
        ),
        default("subscription.redelivery", "immediate", "BackOff", f"{_CONSUMER} (none)"),
        default("subscription.nack_redelivery", "immediate", "NAK", f"{_CONSUMER} (at once)"),
        default("subscription.delivery_count_on", "deliver", "MaxDeliver", _CONSUMER),
        default("subscription.max_deliveries", None, "MaxDeliver", f"{_CONSUMER} (-1)"),
        default(
            "subscription.on_exhausted",
            "park",
            "MaxDeliver",
            f"{_CONSUMER}: stays in the stream, with an advisory",
            when={"subscription.dead_letter": None},
        ),
    ),
)
