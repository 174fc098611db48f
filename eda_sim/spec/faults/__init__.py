"""Faults: what goes wrong, when, and for how long. A fault is a peer of the workload.

=============================================== ====================================================
written                                          what happens
=============================================== ====================================================
``{crash: billing/0, at: 2min, lasts: 30s}``     the instance is dead; what it had in memory is gone
``{crash: checkout, at: 2min, lasts: 30s}``      the producer is: it creates nothing
``{crash: orders/0, at: 2min, lasts: 30s}``      a node of the channel is: others take over
``{power_loss: orders, at: 2min, lasts: 30s}``   and what was not on its disk is gone too
``{stop: billing/0, at: 2min, lasts: 30s}``      shut down cleanly, and started again
``{pause: billing/0, at: 2min, lasts: 5s}``      stands still, heartbeats too (GC)
``{hang: billing/0, at: 2min, lasts: 5min}``     stands still, but looks alive (deadlock)
``{slow: billing, factor: 3, at: 2min}``         handling takes three times as long (gray failure)
``{bug: billing, probability: 0.3, at: 2min}``   three attempts in ten fail
``{partition: [billing/0, orders], at: 2min}``   what they send each other waits
``{loss: checkout, probability: 1%, at: 2min}``  what it sends is lost
``{ack_loss: checkout, probability: 1%, ..}``    the answers to what it sends are lost
``{duplication: checkout, probability: 1%, ..}`` what it publishes arrives twice
``{delay: billing, latency: 80ms, at: 2min}``    its links take longer
=============================================== ====================================================

Without ``lasts`` a fault never ends. ``mtbf`` and ``mttr``, instead of ``at`` and ``lasts``, let it
come again and again; with ``mtbf_counts: operation`` only from work.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Discriminator, Tag

from eda_sim.spec.errors import nearest, shown
from eda_sim.spec.faults.kinds import (
    KINDS,
    AckLoss,
    AnyFault,
    Bug,
    Crash,
    Delay,
    Duplication,
    Hang,
    Loss,
    Partition,
    Pause,
    PowerLoss,
    Slow,
    Stop,
)
from eda_sim.spec.faults.parties import Party, nodes, resolve

__all__ = [
    "KINDS",
    "AckLoss",
    "AnyFault",
    "Bug",
    "Crash",
    "Delay",
    "Duplication",
    "Fault",
    "Hang",
    "Loss",
    "Partition",
    "Party",
    "Pause",
    "PowerLoss",
    "Slow",
    "Stop",
    "nodes",
    "resolve",
]

_NAMES = [kind.kind for kind in KINDS]


def _kind_of(value: Any) -> str | None:
    if isinstance(value, AnyFault):
        return value.kind
    found = [name for name in _NAMES if name in value] if isinstance(value, Mapping) else []
    return found[0] if len(found) == 1 else None


def _check_kind(value: object) -> object:
    """Refuse what names no kind of fault, or two."""
    if _kind_of(value) is not None:
        return value
    if not isinstance(value, Mapping):
        message = f"{shown(value)} is not valid: must be a mapping of fields"
        raise ValueError(message)
    found = [name for name in _NAMES if name in value]
    if found:
        message = f"is {' and '.join(found)} at once: make two faults of it"
        raise ValueError(message)
    hints = (nearest(str(key), _NAMES) for key in value)
    hint = next((hint for hint in hints if hint), "")
    message = f"names no kind of fault, such as crash: billing/0{hint}"
    raise ValueError(message)


Fault = Annotated[
    Annotated[Crash, Tag("crash")]
    | Annotated[PowerLoss, Tag("power_loss")]
    | Annotated[Stop, Tag("stop")]
    | Annotated[Pause, Tag("pause")]
    | Annotated[Hang, Tag("hang")]
    | Annotated[Slow, Tag("slow")]
    | Annotated[Bug, Tag("bug")]
    | Annotated[Partition, Tag("partition")]
    | Annotated[Loss, Tag("loss")]
    | Annotated[AckLoss, Tag("ack_loss")]
    | Annotated[Duplication, Tag("duplication")]
    | Annotated[Delay, Tag("delay")],
    Discriminator(_kind_of),
    BeforeValidator(_check_kind),
]
"""Any fault; which one, says the field that names its target."""
