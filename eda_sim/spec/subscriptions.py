"""Subscriptions: what a channel keeps for one consumer.

A consumer works on messages under a *lease*. What a lease covers (``lease_scope``) is the great
divide between brokers:

- ``partition`` (a log such as Kafka's): a member of the consumer owns a whole partition, reads it
  in order, and settles by a cumulative offset. Order is kept; a partition is read by one member, so
  more members than partitions are of no use.
- ``delivery`` (a queue such as RabbitMQ's or SQS'): a lease covers one hand-over of one message,
  which is settled on its own. Any worker may take the next message; order is lost.

A lease that ends before the work is settled makes the message available again, and another worker
may do the same work a second time.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, Strict, model_validator

from eda_sim.spec.errors import Problem, ScenarioError
from eda_sim.spec.measures import Duration, PositiveDuration, Whole
from eda_sim.spec.model import Model
from eda_sim.spec.quantities import format_quantity

FETCH_MAX_MESSAGES = {"delivery": 1, "partition": 500}
"""Defaults of fetch_max_messages; 500 is max.poll.records of Kafka's Java client."""
SESSION_TIMEOUT = 45.0
"""Default of lease_timeout for partitions, in seconds: session.timeout.ms of Kafka."""
HEARTBEAT_INTERVAL = 3.0
"""Default of heartbeat_interval, in seconds: heartbeat.interval.ms of Kafka."""
MAX_POLL_INTERVAL = 300.0
"""Default of rebalance_timeout, in seconds: max.poll.interval.ms of Kafka."""
FETCH_MAX_WAIT = 0.5
"""Default of fetch_max_wait, in seconds: fetch.max.wait.ms of Kafka."""
AUTO_COMMIT_INTERVAL = 5.0
"""Default of auto_commit_interval, in seconds: auto.commit.interval.ms of Kafka."""

_ONLY_WITH_PARTITIONS = (
    "rebalance_protocol",
    "assignor",
    "static_membership",
    "rebalance_timeout",
    "initial_rebalance_delay",
    "assignment_interval",
    "max_poll_interval",
    "fetch_min_bytes",
    "fetch_max_wait",
    "auto_commit_interval",
    "auto_commit_of",
    "start_position",
)


class Subscription(Model):
    """Dispatch, leases, settlement and redelivery of one consumer."""

    lease_scope: Literal["delivery", "partition"] = Field(
        default="delivery",
        description="What a lease covers: delivery (a queue; default) or partition (a log: "
        "cumulative offsets, one member for each worker).",
    )
    delivery: Literal["pull", "push"] = Field(
        default="pull",
        description="pull (default): an idle worker asks for up to fetch_max_messages; push (only "
        "with delivery leases): round robin to the instances that have credit.",
    )
    given_fetch_max_messages: Annotated[int, Whole(1, 1_000_000)] | None = Field(
        default=None,
        alias="fetch_max_messages",
        description="Messages that one pull may bring; default 1 with delivery leases, 500 with "
        "partition leases.",
    )
    max_outstanding: Annotated[int, Whole(1, 1_000_000)] | None = Field(
        default=None,
        description="Unsettled deliveries that an instance may hold (prefetch); only with push; "
        "default null: no bound.",
    )
    given_lease_timeout: PositiveDuration | None = Field(
        default=None,
        alias="lease_timeout",
        description="How long a lease lasts without a sign of life: the visibility timeout "
        "(delivery; default null: for ever) or the session timeout (partition; default 45s).",
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
    late_acknowledgement: Literal["honoured", "refused"] = Field(
        default="honoured",
        description="An acknowledgement that comes after the lease has ended counts (honoured; "
        "default) or not (refused).",
    )
    max_deliveries: Annotated[int, Whole(1, 1_000_000)] | None = Field(
        default=None,
        description="Deliveries of a message after which it is given up; default null: no bound.",
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
        default=1, description="Bytes that a fetch waits for; default 1."
    )
    fetch_max_wait: PositiveDuration = Field(
        default=FETCH_MAX_WAIT, description="How long a fetch waits for them; default 500ms."
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

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        problems = [
            Problem(path=(field,), message=message) for field, message in self._contradictions()
        ]
        if problems:
            raise ScenarioError(problems)
        return self

    def _contradictions(self) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        partition, push = self.lease_scope == "partition", self.delivery == "push"
        if partition and push:
            found.append(("delivery", "push needs lease_scope: delivery"))
        if push and self.given_fetch_max_messages is not None:
            found.append(
                ("fetch_max_messages", "only with delivery: pull; push has max_outstanding")
            )
        if not push and self.max_outstanding is not None:
            found.append(
                ("max_outstanding", "only with delivery: push; pull has fetch_max_messages")
            )
        if not partition and self.given_heartbeat_interval is not None:
            found.append(("heartbeat_interval", "only with lease_scope: partition"))
        if not partition and self.on_disconnect == "hold" and self.lease_timeout is None:
            found.append(("on_disconnect", "hold needs a lease_timeout, or the lease never ends"))
        if not partition:
            found += [
                (field, "only with lease_scope: partition")
                for field in _ONLY_WITH_PARTITIONS
                if getattr(self, field) != type(self).model_fields[field].default
            ]
        beat, timeout = self.heartbeat_interval, self.lease_timeout
        if beat is not None and timeout is not None and beat >= timeout:
            given = self.given_heartbeat_interval is not None
            field = "heartbeat_interval" if given else "lease_timeout"
            first, last = format_quantity(beat, "time"), format_quantity(timeout, "time")
            message = f"the heartbeat ({first}) must come before the lease ends ({last})"
            found.append((field, message))
        return found

    @property
    def fetch_max_messages(self) -> int:
        """Messages that one pull may bring."""
        if self.given_fetch_max_messages is not None:
            return self.given_fetch_max_messages
        return FETCH_MAX_MESSAGES[self.lease_scope]

    @property
    def lease_timeout(self) -> float | None:
        """Seconds that a lease lasts without a sign of life; None for ever."""
        if self.given_lease_timeout is None and self.lease_scope == "partition":
            return SESSION_TIMEOUT
        return self.given_lease_timeout

    @property
    def heartbeat_interval(self) -> float | None:
        """Seconds between signs of life of a member; None with delivery leases."""
        if self.given_heartbeat_interval is None and self.lease_scope == "partition":
            return HEARTBEAT_INTERVAL
        return self.given_heartbeat_interval
