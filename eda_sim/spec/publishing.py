"""Publishing: how a service sends its messages to a channel, and what it does without an answer.

The words
---------
batch
    Messages for one partition that travel and are stored together. It leaves when it is full or
    when it has *lingered* long enough, as soon as the window has room.
window
    ``max_in_flight`` requests may wait for their answer at a time.
buffer
    Bytes that the publisher holds, from taking a message in until its fate is known. When it is
    full, messages wait outside for up to ``max_block``: this is how backpressure is felt.
acknowledgement
    ``leader``: the channel answers when the message is stored. ``all``: when it is committed, that
    is, when as many replicas have it as the channel's commit rule asks. ``none``: no answer, the
    publisher hopes.
unknown
    What a publisher knows of a request that was not answered in time: the message may be stored or
    not. Sending it again may store it twice; not sending it again may lose it.
idempotent
    Each message carries its publisher's sequence number. A channel that remembers them
    (``deduplication: {by: producer_sequence}``) drops second copies and refuses gaps.

Everything is off by default: a message leaves at once, alone, and nobody asks what became of it
longer than for ever. What the clients of real brokers do is in their presets; Apache Kafka's Java
client 4.3, for example, has ``acks: all, linger: 5ms, batch_max_bytes: 16384B, max_in_flight: 5,
buffer_max_bytes: 32MiB, max_block: 60s, request_timeout: 30s, delivery_timeout: 120s, retry:
exponential(base=100ms, factor=2, cap=1s, jitter=proportional), idempotent: true``
(``ProducerConfig.java``).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, Strict

from eda_sim.spec.errors import Path, Problem
from eda_sim.spec.measures import Duration, Measure, PositiveDuration, Whole
from eda_sim.spec.model import ConsistentModel
from eda_sim.spec.retry import SPINS, NoRetry, RetryPolicy, may_spin

if TYPE_CHECKING:
    from eda_sim.spec.scenario import Scenario

MOST_BUFFERED_BYTES = 10**12
MOST_IN_A_BATCH = 1_000_000
MOST_IN_FLIGHT = 1_000_000

PositiveBytes = Annotated[int, Measure("bytes", minimum=1, maximum=MOST_BUFFERED_BYTES, whole=True)]


class Publishing(ConsistentModel):
    """Batches, window, buffer, time-outs and retries of one publisher."""

    acks: Literal["none", "leader", "all"] = Field(
        default="all",
        description="When the channel answers: never (none), when the message is stored (leader), "
        "or when it is committed (all; default). The same where nothing is replicated.",
    )
    linger: Duration = Field(
        default=0.0, description="Time that a batch waits for more messages; default 0s."
    )
    batch_max_bytes: PositiveBytes | None = Field(
        default=None, description="Bytes that make a batch full; default null: no bound."
    )
    batch_max_messages: Annotated[int, Whole(1, MOST_IN_A_BATCH)] | None = Field(
        default=None, description="Messages that make a batch full; default null: no bound."
    )
    max_in_flight: Annotated[int, Whole(1, MOST_IN_FLIGHT)] | None = Field(
        default=None,
        description="Requests that may wait for their answer at a time; default null: no bound.",
    )
    buffer_max_bytes: PositiveBytes | None = Field(
        default=None,
        description="Bytes that the publisher holds until their fate is known; default null.",
    )
    max_block: Duration | None = Field(
        default=None,
        description="How long a message waits for room in the buffer before it is given up; "
        "default null: for ever.",
    )
    request_timeout: PositiveDuration | None = Field(
        default=None, description="How long an answer is waited for; default null: for ever."
    )
    delivery_timeout: PositiveDuration | None = Field(
        default=None,
        description="When a batch is given up, from its first message on; default null: never.",
    )
    retry: RetryPolicy = Field(
        default=NoRetry(),
        description="Whether and when a request is sent again that was refused or not answered; "
        "default none.",
    )
    idempotent: Annotated[bool, Strict()] = Field(
        default=False,
        description="Number the messages, so that the channel can drop second copies and keep the "
        "order; default false.",
    )
    keyless: Literal["round_robin", "sticky", "random"] | None = Field(
        default=None,
        description="Partition of a message whose key does not decide: round_robin, random, or "
        "sticky (one partition for a batch's worth of bytes); default null: sticky if the "
        "channel's partitioner is sticky, otherwise round_robin.",
    )

    def _contradictions(self) -> Iterator[tuple[str, str]]:
        if self.max_block is not None and self.buffer_max_bytes is None:
            yield "max_block", "only with buffer_max_bytes"
        if self.acks == "none":
            for field in ("max_in_flight", "request_timeout", "idempotent"):
                if getattr(self, field):
                    yield field, "needs answers, so not with acks: none"
            if not isinstance(self.retry, NoRetry):
                yield "retry", "needs answers, so not with acks: none"
        if may_spin(self.retry):
            yield "retry", SPINS
        least = self.linger + (self.request_timeout or 0.0)
        if self.delivery_timeout is not None and self.delivery_timeout < least:
            yield "delivery_timeout", "must not be shorter than linger and request_timeout together"


def check_publishing(scenario: Scenario) -> Iterator[Problem]:
    """Find what publishers and their channels do not agree on.

    Parameters
    ----------
    scenario : Scenario
        Its references lead somewhere.

    Yields
    ------
    Problem
        Where and what.
    """
    publishers: list[tuple[Path, Publishing, str]] = [
        (("producers", name), producer.publishing, producer.to)
        for name, producer in scenario.producers.items()
    ]
    for name, consumer in scenario.consumers.items():
        publishers += [
            (("consumers", name), consumer.publishing, emission.to) for emission in consumer.emits
        ]
    for path, publishing, name in publishers:
        known = scenario.channels[name].deduplication
        if publishing.idempotent and (known is None or known.by != "producer_sequence"):
            message = f"needs deduplication: {{by: producer_sequence}} of channel {name}"
            yield Problem(path=(*path, "publishing", "idempotent"), message=message)
    yield from _check_work_queues(scenario)


def _check_work_queues(scenario: Scenario) -> Iterator[Problem]:
    for name, channel in scenario.channels.items():
        readers = [key for key, consumer in scenario.consumers.items() if name in consumer.reads]
        if channel.retention == "work_queue" and len(readers) > 1:
            message = f"work_queue has one consumer, not {', '.join(readers)}; see interest"
            yield Problem(path=("channels", name, "retention"), message=message)
