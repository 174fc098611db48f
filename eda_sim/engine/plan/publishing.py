"""Publishing as columns: batches, window, buffer, time-outs and retries of each source."""

from __future__ import annotations

import enum
from typing import NamedTuple

from eda_sim.engine.plan.columns import NONE, Integers, Numbering, columns, ns_or_none, or_none
from eda_sim.engine.streams.samplers import to_ns
from eda_sim.spec.consumers import Consumer
from eda_sim.spec.producers import Producer
from eda_sim.spec.publishing import Publishing


class Acks(enum.IntEnum):
    """When the channel answers a publisher."""

    NONE = 0
    LEADER = 1
    ALL = 2


class Keyless(enum.IntEnum):
    """Where messages go whose key does not decide."""

    ROUND_ROBIN = 0
    STICKY = 1
    RANDOM = 2


class PublishingColumns(NamedTuple):
    """One row per source: the producers, then the consumers.

    ``batches`` is 1 where messages may share a batch; ``retry`` is a row of the retry policies;
    ``keyless`` is NONE where the channel decides.
    """

    acks: Integers
    batches: Integers
    linger_ns: Integers
    batch_max_bytes: Integers
    batch_max_messages: Integers
    max_in_flight: Integers
    buffer_max_bytes: Integers
    max_block_ns: Integers
    request_timeout_ns: Integers
    delivery_timeout_ns: Integers
    retry: Integers
    idempotent: Integers
    keyless: Integers


def lower_publishing(numbering: Numbering) -> PublishingColumns:
    """Lower the publishing of all sources of a scenario."""
    scenario = numbering.scenario
    parts: list[Producer | Consumer] = [
        *scenario.producers.values(),
        *scenario.consumers.values(),
    ]
    return columns(PublishingColumns, [_row(part.publishing, numbering) for part in parts])


def _row(publishing: Publishing, numbering: Numbering) -> dict[str, float]:
    bounded = publishing.batch_max_bytes is not None or publishing.batch_max_messages is not None
    block = publishing.max_block
    return {
        "acks": Acks[publishing.acks.upper()],
        "batches": publishing.linger > 0 or bounded,
        "linger_ns": to_ns(publishing.linger),
        "batch_max_bytes": or_none(publishing.batch_max_bytes),
        "batch_max_messages": or_none(publishing.batch_max_messages),
        "max_in_flight": or_none(publishing.max_in_flight),
        "buffer_max_bytes": or_none(publishing.buffer_max_bytes),
        # Zero is meant: what does not fit is given up at once, and hurries nothing.
        "max_block_ns": or_none(None if block is None else to_ns(block)),
        "request_timeout_ns": ns_or_none(publishing.request_timeout),
        "delivery_timeout_ns": ns_or_none(publishing.delivery_timeout),
        "retry": numbering.retry(publishing.retry),
        "idempotent": publishing.idempotent,
        "keyless": NONE if publishing.keyless is None else Keyless[publishing.keyless.upper()],
    }
