"""Amazon SNS, and Amazon SQS with standard and FIFO queues.

The services have no versions; the API references are those of botocore of 2026-08-07. How they
store messages is not published ("multiple availability zones"), so the presets leave the store
ideal.
"""

from __future__ import annotations

from eda_sim.spec.presets.base import ANYTHING, Broker, changed, choice, default

_SQS = "SQS API Reference"
_GUIDE = "SQS Developer Guide"
_RETRIES = "SNS Developer Guide, Message delivery retries"

_SHORT_POLL = {"subscription.fetch_max_wait": "0s"}
_DEAD_LETTER = {"subscription.dead_letter": ANYTHING}

SQS = Broker(
    name="sqs",
    what="standard queue",
    version="Amazon SQS, API of 2026-08",
    defaults=(
        default("publishing.acks", "all", "SendMessage", f"{_SQS}: answered when stored"),
        default("channel.retention", "work_queue", "DeleteMessage", _SQS),
        default("channel.max_age", "4d", "MessageRetentionPeriod", f"{_SQS} (345600)"),
        choice(
            "consumer.settle",
            "after",
            "DeleteMessage",
            "the client deletes when it likes: after the work, as the guide says",
        ),
        default("subscription.lease_scope", "delivery", "VisibilityTimeout", _SQS),
        default("subscription.delivery", "pull", "ReceiveMessage", _SQS),
        default("subscription.lease_timeout", "30s", "VisibilityTimeout", _SQS),
        default("subscription.lease_ended_by", "server_timer", "VisibilityTimeout", _SQS),
        default("subscription.on_disconnect", "hold", "VisibilityTimeout", _SQS),
        default(
            "subscription.late_acknowledgement", "honoured", "DeleteMessage", f"{_SQS} (standard)"
        ),
        default("subscription.fetch_max_messages", 1, "MaxNumberOfMessages", _SQS),
        default("subscription.fetch_max_wait", "0s", "ReceiveMessageWaitTimeSeconds", _SQS),
        choice(
            "subscription.poll_interval",
            "1s",
            "",
            "the client decides how soon it asks again after an empty answer; each costs money",
            when=_SHORT_POLL,
        ),
        default("subscription.max_outstanding", 120_000, "in-flight messages", f"{_GUIDE}: quotas"),
        default(
            "subscription.outstanding_scope",
            "subscription",
            "in-flight messages",
            f"{_GUIDE}: quotas",
        ),
        default("subscription.delivery_count_on", "deliver", "ApproximateReceiveCount", _SQS),
        default(
            "subscription.max_deliveries",
            10,
            "RedrivePolicy.maxReceiveCount",
            f"{_SQS} (where a dead letter queue is set)",
            when=_DEAD_LETTER,
        ),
        default(
            "subscription.max_deliveries",
            None,
            "RedrivePolicy",
            f"{_SQS} (none without a dead letter queue)",
        ),
    ),
)

SQS_FIFO = Broker(
    name="sqs_fifo",
    what="FIFO queue: in order within each message group, deduplicated",
    version="Amazon SQS, API of 2026-08",
    defaults=changed(
        SQS.defaults,
        default("subscription.lease_scope", "group", "MessageGroupId", _SQS),
        default(
            "subscription.late_acknowledgement",
            "refused",
            "DeleteMessage",
            f"{_SQS} (FIFO: fails when the visibility timeout is over)",
        ),
        default(
            "channel.deduplication",
            {"by": "message_id", "window": "5min"},
            "MessageDeduplicationId",
            _SQS,
        ),
    ),
)

SNS = Broker(
    name="sns",
    what="topic that calls an SQS, Lambda or Firehose endpoint",
    version="Amazon SNS, API of 2026-08",
    defaults=(
        default("publishing.acks", "all", "Publish", "SNS API Reference: answered when stored"),
        choice(
            "consumer.settle",
            "after",
            "",
            "an endpoint answers when it has done its work",
        ),
        default("subscription.lease_scope", "delivery", "", _RETRIES),
        default("subscription.delivery", "endpoint", "Subscribe", _RETRIES),
        choice(
            "subscription.lease_timeout",
            "15s",
            "",
            "the time-out of a call to a managed endpoint is not published",
        ),
        default(
            "subscription.redelivery",
            "phased(phases=[phase(3, 0s), phase(2, 1s), phase(10, 1s, 20s, exponential), "
            "phase(100000, 20s)])",
            "delivery policy for AWS managed endpoints",
            f"{_RETRIES} (100,015 times over 23 days)",
        ),
    ),
)
