"""Subscriptions: what a channel keeps for one consumer.

A consumer works on messages under a *lease*. What a lease covers (``lease_scope``) is the great
divide between brokers:

- ``partition`` (a log such as Kafka's): a member of the consumer owns a whole partition, reads it
  in order, and settles by a cumulative offset. Order is kept; a partition is read by one member, so
  more members than partitions are of no use.
- ``delivery`` (a queue such as SQS' or JetStream's): a lease covers one hand-over of one message,
  which is settled on its own. Any worker may take the next message; order is lost.
- ``connection`` (a queue of RabbitMQ's): as with ``delivery``, but the lease has no clock; it ends
  with the connection.
- ``group`` (an SQS FIFO queue): as with ``delivery``, but the messages with one key are a group,
  and a group waits while one of its messages is out. Order is kept within each group.

A lease that ends before the work is settled makes the message available again, and another worker
may do the same work a second time. How it comes back, how often, and what becomes of it after the
last time is *redelivery* and *dead lettering*.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, PlainSerializer, Strict, model_validator

from eda_sim.spec.distributions import DurationDistribution
from eda_sim.spec.distributions.base import exactly_one
from eda_sim.spec.measures import Duration, PositiveDuration, Rate, Whole
from eda_sim.spec.model import ConsistentModel, Model
from eda_sim.spec.names import Name
from eda_sim.spec.retry import MOST_DELAYS, ImmediateRetry, RetryPolicy
from eda_sim.spec.subscription_rules import contradictions

FETCH_MAX_MESSAGES = {"delivery": 1, "partition": 500}
"""Defaults of fetch_max_messages; 500 is max.poll.records of Kafka's Java client."""
SESSION_TIMEOUT = 45.0
"""Default of lease_timeout for partitions, in seconds: session.timeout.ms of Kafka."""
HEARTBEAT_INTERVAL = 3.0
"""Default of heartbeat_interval, in seconds: heartbeat.interval.ms of Kafka."""
MAX_POLL_INTERVAL = 300.0
"""Default of rebalance_timeout, in seconds: max.poll.interval.ms of Kafka."""
FETCH_MAX_WAIT = 0.5
"""Default of fetch_max_wait with partitions, in seconds: fetch.max.wait.ms of Kafka."""
AUTO_COMMIT_INTERVAL = 5.0
"""Default of auto_commit_interval, in seconds: auto.commit.interval.ms of Kafka."""

MOST_PRIORITIES = 256
"""Levels of priority: 0 to 255, the bounds of RabbitMQ's x-max-priority."""


class LeaseRenewal(Model):
    """A sign of life for each message that a worker runs: its lease begins anew."""

    interval: PositiveDuration = Field(
        description="Time between renewals of a lease; below lease_timeout."
    )
    limit: PositiveDuration | None = Field(
        default=None,
        description="Longest time that renewals can keep a lease (SQS: 12h); default null.",
    )


class Redrive(Model):
    """Moves dead letters back, from the channel that they went to."""

    at: Duration | None = Field(
        default=None, description="Once, at this time. Either this or every."
    )
    every: PositiveDuration | None = Field(
        default=None, description="Again and again, at this interval. Either this or at."
    )
    rate: Rate | None = Field(
        default=None,
        description="Messages moved per second (SQS: at most 500/s); default null: all at once.",
    )
    to: Name | None = Field(
        default=None,
        description="Channel that they are moved to, for all that read it; default null: the queue "
        "that they came from, and no other.",
    )

    @model_validator(mode="after")
    def _by_one(self) -> Self:
        exactly_one({"at": self.at, "every": self.every})
        return self


Count = Literal["deliver", "timeout", "nack", "reject", "disconnect"]
_Counts = Annotated[tuple[Count, ...], Field(min_length=1, max_length=5)]


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _write_counts(counts: tuple[str, ...]) -> str | list[str]:
    return counts[0] if len(counts) == 1 else list(counts)


DeliveryCounts = Annotated[
    _Counts,
    BeforeValidator(_as_list, json_schema_input_type=Count | _Counts),
    PlainSerializer(_write_counts, when_used="json"),
]


class Subscription(ConsistentModel):
    """Dispatch, leases, settlement and redelivery of one consumer."""

    lease_scope: Literal["delivery", "connection", "group", "partition"] = Field(
        default="delivery",
        description="What a lease covers: delivery (a queue; default), connection (a queue whose "
        "leases end with the connection), group (a queue in which messages with one key wait for "
        "each other) or partition (a log: cumulative offsets, one member for each worker).",
    )
    delivery: Literal["pull", "push", "endpoint"] = Field(
        default="pull",
        description="pull (default): an idle worker asks for up to fetch_max_messages; push: the "
        "broker sends, round robin, to the instances that have credit; endpoint: it calls an "
        "instance for each message at once, without credit. Partitions are pulled.",
    )
    given_fetch_max_messages: Annotated[int, Whole(1, 1_000_000)] | None = Field(
        default=None,
        alias="fetch_max_messages",
        description="Messages that one pull may bring; default 1 from a queue, 500 otherwise.",
    )
    fetch_min_messages: Annotated[int, Whole(1, 1_000_000)] = Field(
        default=1,
        description="Messages that a pull from a queue waits for, up to fetch_max_wait; default 1.",
    )
    given_fetch_max_wait: Duration | None = Field(
        default=None,
        alias="fetch_max_wait",
        description="How long a pull waits at the broker before it is answered with what there is: "
        "by a queue with nothing, too. Default: for ever at a queue, 500ms with partitions.",
    )
    poll_interval: Duration = Field(
        default=0.0,
        description="How long a worker waits after an empty answer before it asks again; default "
        "0s. With fetch_max_wait: 0s this is short polling.",
    )
    max_outstanding: Annotated[int, Whole(1, 1_000_000)] | None = Field(
        default=None,
        description="Unsettled deliveries that an instance (prefetch; with push) or the whole "
        "subscription may hold; default null: no bound.",
    )
    outstanding_scope: Literal["instance", "subscription"] = Field(
        default="instance",
        description="Whose deliveries max_outstanding counts: those of each instance (RabbitMQ's "
        "prefetch; default), or all together (JetStream's max_ack_pending, SQS' in-flight limit).",
    )
    given_lease_timeout: PositiveDuration | None = Field(
        default=None,
        alias="lease_timeout",
        description="How long a lease lasts without a sign of life: the visibility timeout "
        "(delivery, group; default null: for ever), the time-out of a call (endpoint), the "
        "consumer timeout after which the connection is closed (connection) or the session "
        "timeout (partition; default 45s).",
    )
    lease_backoff: Annotated[tuple[PositiveDuration, ...], Field(max_length=MOST_DELAYS)] = Field(
        default=(),
        description="Instead of lease_timeout, one for each attempt, the last one for all further "
        "ones (JetStream's BackOff); default none.",
    )
    lease_renewal: LeaseRenewal | None = Field(
        default=None,
        description="Renew the leases of the messages that are being handled: {interval: 10s}; "
        "default null.",
    )
    lease_ended_by: Literal["server_timer", "client_sweep"] = Field(
        default="server_timer",
        description="Who notices that a lease has run out: the broker's timer, at once (default), "
        "or the next sweep of any live instance (Redis' XAUTOCLAIM).",
    )
    sweep_interval: PositiveDuration | None = Field(
        default=None, description="Time between the sweeps of an instance; only with client_sweep."
    )
    connection_timeout: DurationDistribution | None = Field(
        default=None,
        description="Silence of an instance after which the broker closes its connection, such as "
        "uniform(low=2min, high=3min) with RabbitMQ's heartbeat of 60s; default null: never.",
    )
    given_heartbeat_interval: PositiveDuration | None = Field(
        default=None,
        alias="heartbeat_interval",
        description="How often a member gives a sign of life; only with partition leases, and "
        "below lease_timeout; default 3s.",
    )
    on_disconnect: Literal["release", "hold"] = Field(
        default="release",
        description="After a crash its messages are available again at once (release; default) or "
        "when the lease ends (hold).",
    )
    given_late_acknowledgement: Literal["honoured", "refused"] | None = Field(
        default=None,
        alias="late_acknowledgement",
        description="An acknowledgement that comes after the lease has ended counts (honoured) or "
        "not (refused). Default honoured; refused where it would come over a closed connection "
        "(connection, endpoint).",
    )
    redelivery: RetryPolicy = Field(
        default=ImmediateRetry(),
        description="When a message comes back whose lease ended, and how often, such as "
        "linear(base=10s, cap=5min); default immediate, without end.",
    )
    nack_redelivery: RetryPolicy | None = Field(
        default=None,
        description="The same for a message that was released (negative acknowledgement); default "
        "null: as redelivery.",
    )
    requeue_position: Literal["original", "head", "tail"] = Field(
        default="original",
        description="Where it comes back: at its old place (default), before all that were not "
        "handed over yet, in the order of coming back (RabbitMQ's quorum queues), or at the end.",
    )
    delivery_count_on: DeliveryCounts = Field(
        default=("deliver",),
        description="What max_deliveries counts: every delivery (deliver; default), or how they "
        "ended: a list of timeout, nack, reject, disconnect.",
    )
    max_deliveries: Annotated[int, Whole(1, 1_000_000)] | None = Field(
        default=None,
        description="A message is given up when its next delivery would bring the count above "
        "this; default null: no bound.",
    )
    on_reject: Literal["exhaust", "requeue"] = Field(
        default="exhaust",
        description="A rejected message is given up (exhaust; default) or comes back as long as "
        "max_deliveries allows (requeue; RabbitMQ's basic.reject with requeue).",
    )
    given_on_exhausted: Literal["drop", "park", "dead_letter"] | None = Field(
        default=None,
        alias="on_exhausted",
        description="What becomes of a message that is given up: dropped (default), parked (kept, "
        "but not handed over again), or copied to dead_letter (default where that is given).",
    )
    dead_letter: Name | None = Field(
        default=None, description="Channel that given-up messages are copied to; default null."
    )
    dead_letter_expired: Annotated[bool, Strict()] = Field(
        default=False,
        description="Messages that a time to live, retention or overflow takes away go to "
        "dead_letter too (RabbitMQ); default false.",
    )
    redrive: Redrive | None = Field(
        default=None,
        description="Move dead letters back: {at: 10min, rate: 500/s} or {every: 1h}; default "
        "null.",
    )
    priorities: Annotated[int, Whole(1, MOST_PRIORITIES)] = Field(
        default=1,
        description="Levels of priority, 0 to this minus 1: higher ones are handed over first, "
        "messages above count as the highest; default 1: in order.",
    )

    rebalance_protocol: Literal["none", "eager", "cooperative", "incremental"] = Field(
        default="none",
        description="How partitions move when members come or go: none (default; as fast as polls "
        "allow), eager (everybody stops), cooperative (KIP-429) or incremental (KIP-848). This and "
        "what follows only with partition leases.",
    )
    assignor: Literal["range", "round_robin", "sticky", "uniform"] = Field(
        default="range",
        description="Which member gets which partition: range (default), round_robin, sticky, or "
        "uniform (KIP-848's name for sticky).",
    )
    static_membership: Annotated[bool, Strict()] = Field(
        default=True,
        description="A restarted instance takes its old place without a rebalance (Kafka: "
        "group.instance.id); default true.",
    )
    rebalance_timeout: PositiveDuration = Field(
        default=MAX_POLL_INTERVAL,
        description="How long a generation waits for members to join; default 5min.",
    )
    initial_rebalance_delay: Duration = Field(
        default=0.0, description="How long an empty group waits for more members; default 0s."
    )
    assignment_interval: Duration = Field(
        default=0.0,
        description="Least time between two assignments of the incremental protocol; default 0s.",
    )
    max_poll_interval: PositiveDuration | None = Field(
        default=None,
        description="A member that does not poll in time leaves the group; default null: no bound.",
    )
    fetch_min_bytes: Annotated[int, Whole(1, 10**9)] = Field(
        default=1, description="Bytes that a fetch waits for, up to fetch_max_wait; default 1."
    )
    auto_commit_interval: PositiveDuration = Field(
        default=AUTO_COMMIT_INTERVAL,
        description="With settle: auto, the time between commits; default 5s.",
    )
    auto_commit_of: Literal["previous_polls", "delivered"] = Field(
        default="previous_polls",
        description="What settle: auto commits: what earlier polls returned (Kafka's Java client; "
        "default), or all that was delivered to the application (librdkafka).",
    )
    start_position: Literal["earliest", "latest"] = Field(
        default="earliest",
        description="Where to read on when retention has taken what the position points at: at "
        "the earliest message left (default) or behind the latest.",
    )

    def _contradictions(self) -> Iterator[tuple[str, str]]:
        return contradictions(self)

    @property
    def is_queue(self) -> bool:
        """Whether leases cover single deliveries, in whatever way they end."""
        return self.lease_scope != "partition"

    @property
    def fetch_max_messages(self) -> int:
        """Messages that one pull may bring."""
        if self.given_fetch_max_messages is not None:
            return self.given_fetch_max_messages
        return FETCH_MAX_MESSAGES["delivery" if self.is_queue else "partition"]

    @property
    def fetch_max_wait(self) -> float | None:
        """Seconds that a pull waits at the broker; None for ever."""
        if self.given_fetch_max_wait is None and not self.is_queue:
            return FETCH_MAX_WAIT
        return self.given_fetch_max_wait

    @property
    def late_acknowledgement(self) -> Literal["honoured", "refused"]:
        """Whether an acknowledgement counts that comes after the lease has ended."""
        if self.given_late_acknowledgement is not None:
            return self.given_late_acknowledgement
        closed = self.lease_scope == "connection" or self.delivery == "endpoint"
        return "refused" if closed else "honoured"

    @property
    def on_exhausted(self) -> Literal["drop", "park", "dead_letter"]:
        """What becomes of a message that is given up."""
        if self.given_on_exhausted is not None:
            return self.given_on_exhausted
        return "drop" if self.dead_letter is None else "dead_letter"

    @property
    def lease_timeout(self) -> float | None:
        """Seconds that a lease lasts without a sign of life; None for ever."""
        if self.given_lease_timeout is None and self.lease_scope == "partition":
            return SESSION_TIMEOUT
        return self.given_lease_timeout

    @property
    def heartbeat_interval(self) -> float | None:
        """Seconds between signs of life of a member; None at a queue."""
        if self.given_heartbeat_interval is None and self.lease_scope == "partition":
            return HEARTBEAT_INTERVAL
        return self.given_heartbeat_interval
