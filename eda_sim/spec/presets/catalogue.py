"""All presets by name."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import AfterValidator, Strict, WithJsonSchema

from eda_sim.spec.errors import nearest, shown
from eda_sim.spec.presets.aws import SNS, SQS, SQS_FIFO
from eda_sim.spec.presets.base import Broker
from eda_sim.spec.presets.kafka import KAFKA, KAFKA_KIP848, KAFKA_SHARE, LIBRDKAFKA
from eda_sim.spec.presets.nats import JETSTREAM
from eda_sim.spec.presets.rabbitmq import RABBITMQ_CLASSIC, RABBITMQ_QUORUM, RABBITMQ_STREAM
from eda_sim.spec.presets.redis import REDIS_STREAMS

_ALL = (
    KAFKA,
    KAFKA_KIP848,
    KAFKA_SHARE,
    LIBRDKAFKA,
    RABBITMQ_CLASSIC,
    RABBITMQ_QUORUM,
    RABBITMQ_STREAM,
    SNS,
    SQS,
    SQS_FIFO,
    JETSTREAM,
    REDIS_STREAMS,
)


@cache
def brokers() -> Mapping[str, Broker]:
    """Return the brokers that a channel can name, with all that they set.

    Returns
    -------
    mapping of str to Broker
        Name -> what it is, its version, and its defaults: each with the field, the value, the
        broker's own setting and the source.

    Examples
    --------
    >>> queue = brokers()["sqs"]
    >>> [item.value for item in queue.defaults if item.field.endswith("lease_timeout")]
    ['30s']
    """
    return MappingProxyType({broker.name: broker for broker in _ALL})


def check_broker(name: str) -> str:
    """Return the name of a broker if there is such a preset.

    Parameters
    ----------
    name : str
        As in ``broker: kafka``.

    Returns
    -------
    str
        The name.

    Raises
    ------
    ValueError
        If there is none.

    Examples
    --------
    >>> check_broker("kafka")
    'kafka'
    """
    if name not in brokers():
        hint = nearest(name, brokers()) or f"; valid: {', '.join(brokers())}"
        message = f"no broker {shown(name)}{hint}"
        raise ValueError(message)
    return name


_SCHEMA: dict[str, Any] = {"type": "string", "enum": [broker.name for broker in _ALL]}

BrokerName = Annotated[str, Strict(), AfterValidator(check_broker), WithJsonSchema(_SCHEMA)]
"""The name of a preset."""
